"""Pure functions on numpy arrays and torch tensors.

Dimension letters, used as suffixes of array names throughout the program:

====  ====================================================================
T     trials trained side by side
B     rows of a batch
N     rows (spectra, that is absorbing sites) of a set
E     points of the energy grid
S     styles: the K named ones first, then the free ones
K     descriptors
M     points of a measured spectrum; in core.descriptors the neighbours of a site
====  ====================================================================
"""
