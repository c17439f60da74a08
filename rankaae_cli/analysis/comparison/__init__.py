"""Comparison of codes, soundness of a family, fingerprints of its spectra."""
