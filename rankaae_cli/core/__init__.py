"""Pure functions on numpy arrays and torch tensors.

Dimension letters, used as suffixes of array names throughout the program:

====  ====================================================================
T     trials trained side by side
B     rows of a batch
N     rows (spectra, that is absorbing sites) of a set; atoms of a structure
E     points of the energy grid
S     styles: the K named ones first, then the free ones
K     descriptors
M     points of a measured spectrum; neighbours of a site; draws of a difference; steps of a walk
L     levels of a walk along a style; atoms of a second shell
D     draws of the styles that are not walked; directions of projection; spherical harmonics
R     resamples of the materials; functions of a distance
F     free styles; what the difficulty of a reading is estimated from
Q     quantities of the sites that no style is tied to
C     classes; channels of a convolution; columns; numbers that condition an atom
P     pairs of rows; products of descriptors
I     inputs of a layer, W its width
J     numbers of clusters; nodes of a tree
U, O  distinct values; offsets and other descriptors, where the docstring says so
X     what is known of a pair of atoms; spectra or descriptors, whichever condition a model
====  ====================================================================
"""
