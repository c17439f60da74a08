"""Results: what a model makes of spectra, as numbers and tables."""
