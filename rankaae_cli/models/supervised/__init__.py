"""Supervised readers of descriptors: trees, linear models, networks."""
