"""Structure descriptors and quantities of a site, and rules that make synthetic spectra of them."""
