"""Arrangements of atoms from spectra: a diffusion model on the neighbour graph of a cell that repeats."""
