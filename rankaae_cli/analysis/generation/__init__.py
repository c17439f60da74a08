"""Structures generated from spectra: what was asked for, what came of it, and how far it is from real ones."""
