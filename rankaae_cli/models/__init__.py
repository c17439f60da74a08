"""Kinds of models, a folder each."""

DEFAULT_KIND = "rankaae"  # of runs and checkpoints that name none
