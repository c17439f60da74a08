"""Spectra of the same sites by several codes: how they are aligned, and how well they then agree."""
