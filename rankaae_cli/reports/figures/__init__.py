"""Figures, for papers and for pages."""
