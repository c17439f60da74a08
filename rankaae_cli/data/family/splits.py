"""Which side of the split a material is on."""

import hashlib
from collections.abc import Sequence

import numpy as np

SPLITS = ("train", "validation", "test")
TRAIN, VALIDATION, TEST = range(3)
_TRAIN_UP_TO = 0.70
_VALIDATION_UP_TO = 0.85


def split_of(material: str, split_seed: int = 0) -> int:
    """Return the side of one material: 0 train, 1 validation, 2 test.

    The side depends on the material's name and the seed alone, so adding data moves nobody, and all sites of
    a material are on one side.
    """
    digest = hashlib.sha256(f"{split_seed}:{material}".encode()).digest()
    u = int.from_bytes(digest, "big") / 2**256
    if u < _TRAIN_UP_TO:
        return TRAIN
    return VALIDATION if u < _VALIDATION_UP_TO else TEST


def split_by_material(materials_N: Sequence[str] | np.ndarray, split_seed: int = 0) -> np.ndarray:
    """Return the side of every row, shape (N,), uint8; see `split_of`."""
    sides = {m: split_of(m, split_seed) for m in set(materials_N)}
    return np.array([sides[m] for m in materials_N], dtype=np.uint8)
