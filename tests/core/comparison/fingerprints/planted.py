"""Spectra with planted clusters, and spectra with none."""

import numpy as np

ENERGY = 2470 + 0.25 * np.arange(80)


def spectra_of(kind_N, seed=0, shift=1.5):
    """Edges of a few kinds: position and white line go with the kind; within it spectra scatter in many ways."""
    rng = np.random.default_rng(seed)
    edge = 2475 + shift * kind_N[:, None] + rng.normal(0, 0.03, (len(kind_N), 1))
    white = 0.9 - 0.3 * np.cos(np.pi * kind_N[:, None]) + rng.normal(0, 0.03, (len(kind_N), 1))
    step = 0.5 + np.arctan((ENERGY - edge) / 0.5) / np.pi
    line = white * np.exp(-0.5 * ((ENERGY - edge - 1) / 0.6) ** 2)
    bumps = np.exp(-0.5 * ((ENERGY - np.arange(2472, 2489, 2)[:, None]) / 1.5) ** 2)
    scatter = rng.normal(0, 0.02, (len(kind_N), len(bumps))) @ bumps
    return step + line + scatter


def spectra_without_clusters(n, seed=0):
    """Edges whose position and white line vary without gaps."""
    rng = np.random.default_rng(seed)
    return spectra_of(rng.normal(1.5, 0.5, n), seed, 1.0) + rng.normal(0, 0.3, (n, 1)) * np.exp(
        -0.5 * ((ENERGY - 2482) / 2) ** 2
    )
