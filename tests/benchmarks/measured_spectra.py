"""How near simulated spectra are to measured ones of the same compounds: mean absolute error and Spearman's rho.

python -m tests.benchmarks.measured_spectra RUN PAIRS.csv [--search 5] [--output TABLE.csv]

RUN is a finished run of kind=forward; PAIRS.csv has the columns `structure` (a POSCAR, CIF or extended XYZ) and
`measured` (a scan of any format that the program reads), paths as seen from the table. Simulated is the average
over the absorbers of the structure; measured is normalised to the edge step (of L2,3 edges that of both) and
shifted, each by the offset within --search eV at which it fits best, since no code's zero of energy is that of a
beamline. Beside the model stands the mean spectrum of training, shifted likewise. For Cu L2,3 edges CuXASNet
(arXiv:2412.02916) reports 0.125 and 0.891 over 14 measured spectra.
"""

import argparse
import csv
from pathlib import Path

import numpy as np

from rankaae_cli.analysis.prediction.align import single_scan
from rankaae_cli.analysis.simulation.structures import simulate_structures
from rankaae_cli.core.errors import UserError
from rankaae_cli.core.statistics.metrics import spearman
from rankaae_cli.core.xas.energy_offset import match_reference
from rankaae_cli.core.xas.spectra import SpectrumError
from rankaae_cli.data.family.sites import silent
from rankaae_cli.data.family.splits import TRAIN
from rankaae_cli.data.measured.sites import MeasuredOptions
from rankaae_cli.runs.load import load_run

KEYS = ("offset", "mae", "spearman")


def agreement(
    energy_M: np.ndarray, absorption_M: np.ndarray, grid_E: np.ndarray, spectrum_E: np.ndarray, search: float
) -> tuple[float, float, float]:
    """Return the offset (eV) at which a measured spectrum fits one best, and error and rho where it reaches."""
    offset = match_reference(energy_M, absorption_M, grid_E, spectrum_E[None], search).shift
    reached_E = (grid_E - offset >= energy_M[0]) & (grid_E - offset <= energy_M[-1])
    moved = np.interp(grid_E[reached_E] - offset, energy_M, absorption_M)
    return offset, float(np.abs(moved - spectrum_E[reached_E]).mean()), spearman(moved, spectrum_E[reached_E])


def main() -> None:
    """Compare, print the table and its means."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("run", help="a finished run of kind=forward")
    parser.add_argument("pairs", type=Path, help="table of structures and measured spectra")
    parser.add_argument("--search", type=float, default=5.0, help="largest offset, eV, either way")
    parser.add_argument("--output", type=Path, help="table to write")
    arguments = parser.parse_args()
    _, model, family = load_run(arguments.run)
    mean_E = family.spectra_NE[np.flatnonzero(family.split_N == TRAIN)].mean(axis=0, dtype=np.float64)
    with arguments.pairs.open(newline="", encoding="utf-8") as file:
        pairs = [(row["structure"], row["measured"]) for row in csv.DictReader(file)]
    rows: list[tuple[str, ...]] = []
    numbers: list[tuple[float, ...]] = []
    print(f"{'measured':<32} {'offset':>7} {'MAE':>6} {'rho':>6} | of the mean spectrum")
    for structure, measured in pairs:
        folder = arguments.pairs.parent
        try:
            scan = single_scan(str(folder / measured), model, MeasuredOptions())
            spectrum_E = (
                simulate_structures(model, [str(folder / structure)], 0.9, silent).averages().spectra_ME[0]
            )
        except (SpectrumError, UserError) as error:
            print(f"{measured:<32} left out: {str(error).splitlines()[0]}")
            continue
        of_scan = scan.energy_M, scan.absorption_M, model.energy_E
        own, mean = (agreement(*of_scan, each_E, arguments.search) for each_E in (spectrum_E, mean_E))
        rows.append((structure, measured))
        numbers.append((*own, *mean))
        print(
            f"{measured:<32} {own[0]:>+7.1f} {own[1]:>6.3f} {own[2]:>6.3f} | {mean[1]:>6.3f} {mean[2]:>6.3f}"
        )
    if not rows:
        raise SystemExit("no pair could be compared")
    means = np.mean(numbers, axis=0)
    print(f"{f'mean of {len(rows)}':<32} {'':>7} {means[1]:>6.3f} {means[2]:>6.3f}", end="")
    print(f" | {means[4]:>6.3f} {means[5]:>6.3f}")
    if arguments.output:
        with arguments.output.open("w", newline="", encoding="utf-8") as file:
            table = csv.writer(file, lineterminator="\n")
            table.writerow(("structure", "measured", *KEYS, *(f"{key}_of_mean_spectrum" for key in KEYS)))
            table.writerows((*pair, *values) for pair, values in zip(rows, numbers, strict=True))


if __name__ == "__main__":
    main()
