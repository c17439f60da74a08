"""Spectra that a model simulates: of a split, and of structures."""
