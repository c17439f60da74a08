"""Spectra of several sites at once: drawn in known shares, and taken apart again."""
