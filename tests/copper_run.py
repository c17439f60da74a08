"""A small run on synthetic copper oxides, and scans as a beamline measures them: fixtures that tests import."""

import contextlib
import csv

import numpy as np
import pytest

from rankaae_cli.cli import main
from rankaae_cli.data.family.family_file import write_family
from rankaae_cli.data.family.synthetic import synthetic_family
from tests.conftest import save_blank_figures
from tests.data.measured_scan import xdi_text

NAMES = ["OS", "CN", "NNRS"]
GRID = np.linspace(8983.5, 9047.25, 64)


def make_run(top):
    """Make a small run in a folder, on a synthetic copper family, cu.h5."""
    write_family(top / "cu.h5", synthetic_family("Cu_oxides", "Cu", "K", GRID, NAMES, 500))
    with contextlib.chdir(top):
        small = ("trials=2", "max_epochs=25", "model.hidden=16", "model.free_styles=2", "device=cpu")
        assert main(["train", "+family=Cu_oxides", "data=cu.h5", *small, "batch_size=64"]) == 0
        assert main(["evaluate", "resamples=10"]) == 0


@pytest.fixture(scope="session")
def folder(tmp_path_factory):
    """A folder with a small run on a synthetic copper family, cu.h5."""
    top = tmp_path_factory.mktemp("work")
    with pytest.MonkeyPatch.context() as patch:
        save_blank_figures(patch)
        make_run(top)
    return top


@pytest.fixture
def work(folder, monkeypatch):
    monkeypatch.chdir(folder)
    return folder


def scan(family, row, shift=0.0, noise=0.0, element="Cu", **fields):
    """XDI of one row as a beamline would measure it: wider, on its own energies, not normalised, with a foil."""
    energy = np.concatenate(
        [np.arange(8880.0, 8975, 5.0), np.arange(8975.0, 9070, 0.5), np.arange(9070.0, 9500, 4)]
    )
    spectrum = np.interp(energy, family.energy_E, family.spectra_NE[row], left=0.0, right=1.0)
    spectrum = np.where(
        energy < GRID[0], np.exp((energy - GRID[0]) / 2) * family.spectra_NE[row, 0], spectrum
    )
    values = 0.3 - 2e-4 * (energy - 8980) + 1.1 * spectrum
    values = values + noise * np.random.default_rng(row).standard_normal(len(energy))
    i0 = np.full(len(energy), 1e5)
    lines = [f"# Element.symbol: {element}", "# Element.edge: K", "# Sample.reference: Cu foil"]
    lines += [f"# {key.replace('_', '.', 1)}: {value}" for key, value in fields.items()]
    itrans = i0 * np.exp(-values)
    foil = 0.5 + np.arctan(energy - 8979.0) / np.pi
    columns = {"energy eV": energy + shift, "i0": i0, "itrans": itrans, "irefer": itrans * np.exp(-foil)}
    return xdi_text(columns, lines)


def rows_of(path):
    with path.open() as file:
        return list(csv.DictReader(file))
