"""Layers that kinds of models share, whose parameters have a leading trial dimension."""
