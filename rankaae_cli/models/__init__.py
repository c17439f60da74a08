"""Kinds of models, a folder each."""
