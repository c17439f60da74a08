"""Prediction intervals of a stated coverage, of rare true values too and not only on average.

A reading shrinks towards what is common, so intervals that hold 90 % of all true values hold fewer of the rare
ones. These are label-conditional instead: Mondrian conformal prediction, of which the confidence belt of Neyman
(Phil. Trans. A 236, 333 (1937)) is the form for numbers. A true value belongs to the interval of a spectrum unless
the spectrum reads more strangely than 90 % of the validation rows of that true value do: of a class its rows, of a
number those next to it in order. How strange a reading is: of a number |true - read| over an estimate of how hard
the row is to read (Papadopoulos et al., Neural Comput. Appl. 20, 843 (2011)), of a class how unlikely it is.
Validation rows are read by fits that did not see their material. The quantile is that of the package crepes
(Boström, PMLR 179, 24 (2022)), a line of which the package would take half a second to load.
"""
