"""Features of sites: numbers that describe what surrounds an absorber, for models from structures to spectra."""
