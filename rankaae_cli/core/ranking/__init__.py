"""How well computed spectra of structures fit a measured one, beside each other and at all."""
