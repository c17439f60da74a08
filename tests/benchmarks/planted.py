"""What `rankaae compare` finds of what was planted: shifts with their errors, and copies under other names.

python -m tests.benchmarks.planted cu.h5
"""

import argparse
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
from scipy.ndimage import gaussian_filter1d

from rankaae_cli.analysis.comparison.soundness import MOVED, NEAR_DUPLICATES, check_family
from rankaae_cli.core.comparison.alignment import align, broadened
from rankaae_cli.data.family.family import Family
from rankaae_cli.data.family.family_file import read_family
from rankaae_cli.data.family.splits import SPLITS

SHIFTS = {
    "2 eV broader, 1 % noise": (2.0, 0.01, 0.0),
    "as broad, 1 % noise": (0.0, 0.01, 0.0),
    "2 eV broader, 3 % noise": (2.0, 0.03, 0.0),
    "2 eV broader, 1 % noise, smooth differences of 0.03": (2.0, 0.01, 0.03),
}


def planted_shifts(family: Family, width: float, noise: float, smooth: float, spectra: int = 200) -> str:
    """Return how far found shifts are off where spectra are moved, broadened, cropped and scaled by 0.7."""
    rng, energy_E = np.random.default_rng(7), family.energy_E
    rows = np.sort(rng.permutation(len(family))[:spectra])
    step, points = float(np.diff(energy_E).mean()), len(energy_E)
    off, errors = [], []
    for own_E in np.asarray(family.spectra_NE[rows], dtype=np.float64):
        shift, first, last = rng.uniform(-10, 10), rng.integers(0, 30), points - rng.integers(0, 60)
        curve_E = gaussian_filter1d(rng.normal(size=points + 200), 6)[100:-100]
        other_E = broadened(own_E[None], width, step)[0] + smooth * curve_E / curve_E.std()
        other_E = 0.7 * (other_E + rng.normal(0, noise, points))
        aligned = align(energy_E[0], own_E[None], energy_E[first] + shift, other_E[None, first:last], step)
        off.append(abs(aligned.shift_N[0] - shift))
        errors.append(aligned.error_N[0])
    off_N, share = np.array(off), np.array(off) / np.array(errors)
    within = f"within once and twice the error {np.mean(share < 1):.2f} and {np.mean(share < 2):.2f}"
    return f"nine of ten off by less than {np.quantile(off_N, 0.9):.3f} eV; {within}"


def planted_copies(family: Family, change: Callable[[np.ndarray], np.ndarray], copies: int = 10) -> str:
    """Return how many copies under other names on the other side of the split are found."""
    chosen = np.random.default_rng(3).permutation(len(family))[:copies]
    rows = np.concatenate([np.arange(len(family)), chosen])
    spectra_NE = np.asarray(family.spectra_NE[:])
    changed_NE = np.array([change(one) for one in np.asarray(spectra_NE[chosen], dtype=np.float64)])
    sides = np.where(family.split_N[chosen] == 0, SPLITS.index("test"), 0)
    by_row = {name: getattr(family, name)[rows] for name in ("descriptors_NK", "site_N", "quantities_NQ")}
    with_copies = replace(
        family,
        spectra_NE=np.vstack([spectra_NE, changed_NE]).astype(np.float32),
        material_N=np.concatenate([family.material_N, [f"copy-{n}" for n in range(copies)]]),
        split_N=np.concatenate([family.split_N, sides]).astype(family.split_N.dtype),
        groups={},
        **by_row,
    )
    tables = check_family(with_copies)[1]
    names = [(str(family.material_N[row]), f"copy-{n}") for n, row in enumerate(chosen)]
    found = set()
    for name in (NEAR_DUPLICATES, MOVED):
        across = tables[name][tables[name]["across_split"]]
        found |= set(zip(across["material"], across["other_material"], strict=True))
    return f"{sum(name in found for name in names)} of {copies} found"


def main() -> None:
    """Plant shifts and copies among the spectra of a family file, and print what is found."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("family", type=Path)
    family = read_family(parser.parse_args().family)
    for name, planted in SHIFTS.items():
        print(f"{name}: {planted_shifts(family, *planted)}", flush=True)
    rng, energy_E = np.random.default_rng(0), family.energy_E
    for name, change in (
        ("copies", lambda own_E: own_E),
        ("1 % noise", lambda own_E: own_E + rng.normal(0, 0.01, len(own_E))),
        ("2 % noise", lambda own_E: own_E + rng.normal(0, 0.02, len(own_E))),
        ("moved by 0.1 eV", lambda own_E: np.interp(energy_E, energy_E + 0.1, own_E)),
        ("moved by 2 eV", lambda own_E: np.interp(energy_E, energy_E + 2, own_E)),
        ("scaled by 0.7", lambda own_E: 0.7 * own_E),
        ("scaled by 1.2", lambda own_E: 1.2 * own_E),
        ("flat from 10 eV before the end on", lambda own_E: np.r_[own_E[:-40], np.full(40, own_E[-41])]),
    ):
        print(f"{name}: {planted_copies(family, change)}", flush=True)


if __name__ == "__main__":
    main()
