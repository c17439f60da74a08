"""Readers of computed spectra: folders and archives of calculations, tables of many spectra."""
