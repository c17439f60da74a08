"""Choices of networks that settings of several kinds of models have."""

from enum import Enum


class Norm(Enum):
    """Normalisation between hidden layers."""

    layer = "layer"
    batch = "batch"
    none = "none"
