"""Descriptors of new spectra with intervals, and the energy offset that they need."""
