"""Files of many formats, read and normalised here and by Larch over the same ranges.

Larch needs an environment of its own (`pip install xraylarch`): constraints.txt pins newer packages than it takes.
"""

import json
import re
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

import h5py
import numpy as np
import pytest

from rankaae_cli.data.measured.detect import read_measured
from rankaae_cli.data.measured.prepared import prepare
from tests.benchmarks.fuzz.seeds import MEASURED
from tests.data import beamline_files as files
from tests.data.beamline_files import ENERGY, I0, IF, IT, MU, rows

pytestmark = [pytest.mark.slow, pytest.mark.filterwarnings("ignore")]
LIBRARY = Path(__file__).parents[4] / "shared" / "data" / "xdi"
HC = 12398.41984  # eV angstrom
STEP, ABSORPTION = 0.005, 0.003  # what edge steps (relative) and normalised spectra may differ by


@pytest.fixture(scope="module", autouse=True)
def larch():
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return pytest.importorskip("larch.io", reason="xraylarch is not installed (extra: larch)")


def table(path):
    """Return the columns of the last rows of equally many numbers, without any of this program's code."""
    lines = [re.split(r"[\s,;]+", line.strip()) for line in path.read_text().splitlines()]
    lines = [line for line in lines if len(line) == len(lines[-1]) and re.match(r"[-+.\d]+", line[0])]
    return np.array(lines, dtype=float).T


def by_larch(name):
    """Return Larch's reader of that name as one that gives columns."""
    return lambda path: getattr(pytest.importorskip("larch.io"), name)(str(path)).data


def transmission(energy, i0, it, scale=1.0):
    return lambda columns: (scale * columns[energy], np.log(columns[i0] / columns[it]))


def mu(columns):
    return columns[0], columns[1]


def angles(columns):
    return HC / (2 * files.D_111 * np.sin(np.radians(columns[1]))), np.log(columns[3] / columns[4])


def athena_record(path):
    group = next(
        iter(pytest.importorskip("larch.io").read_athena(str(path), do_preedge=False).groups.values())
    )
    return np.array([group.energy, group.mu])


def athena_json(path):
    record = json.loads(path.read_text())["a"]
    return np.array([np.add(record["x"], float(record["args"]["bkg_eshift"])), record["y"]])


def nexus(path):
    with h5py.File(path) as file:
        entry = file["entry1/instrument"]
        names = ("monochromator/energy", "incoming_beam/data", "absorbed_beam/data")
        return [entry[name][()] for name in names]


class Case(NamedTuple):
    """A file, what else reads its columns, and the energies and absorption in them."""

    content: str | bytes
    read: Callable
    made_of: Callable


CASES = {
    "XDI": Case(MEASURED["XDI"]()[0], by_larch("read_xdi"), transmission(0, 1, 2)),
    "Athena's project, Perl": Case(
        # Athena, as this program, adds the shift of the energies; Larch leaves them as they are.
        MEASURED["Athena's project"]()[0].replace(b"'0.5'", b"'0'"),
        athena_record,
        mu,
    ),
    "Athena's project, JSON": Case(MEASURED["Athena's project"]()[1], athena_json, mu),
    "two columns": Case("# energy mu\n" + rows(ENERGY, MU), by_larch("read_ascii"), mu),
    "keV": Case(
        "# energy_keV i0 it\n" + rows(ENERGY / 1000, I0, IT),
        by_larch("read_ascii"),
        transmission(0, 1, 2, 1000),
    ),
    "semicolons": Case("energy;mu\n" + rows(ENERGY, MU, separator=";"), table, mu),
    "degrees (9809)": Case(files.photon_factory(), table, angles),
    "SPEC": Case(MEASURED["SPEC"]()[0].split(b"#S 2")[0].rstrip() + b"\n", table, transmission(0, 2, 3)),
    "NeXus": Case(MEASURED["NeXus"]()[0], nexus, transmission(0, 1, 2)),
    "XDAC": Case(files.xdac(), by_larch("read_ascii"), transmission(0, 1, 2)),
    "13-ID": Case(files.epics_scan(), by_larch("read_ascii"), transmission(0, 2, 3)),
    "Elettra": Case(files.elettra(), by_larch("read_ascii"), transmission(0, 2, 3)),
    "ISS": Case(files.iss(), by_larch("read_ascii"), transmission(0, 1, 3)),
    "LISA": Case(files.lisa(), by_larch("read_ascii"), transmission(0, 1, 2)),
    "BM23, keV": Case(files.bm23(), table, transmission(0, 2, 3, 1000)),
    "fluorescence": Case(
        "# energy i0 ifluor\n" + rows(ENERGY, I0, IF), by_larch("read_ascii"), lambda c: (c[0], c[2] / c[1])
    ),
}


def differences(path, energy_M, mu_M, element=None, edge=None):
    """Return the relative difference of edge steps, and the largest one of normalised spectra."""
    from larch import Group
    from larch.xafs import pre_edge

    spectrum, *_ = read_measured(path, None, element, edge)
    ours = prepare(spectrum, calibrate=False).normalised
    used = ours.ranges
    theirs = Group(energy=energy_M, mu=mu_M)
    pre_edge(
        theirs, e0=ours.e0, nnorm=used.norm_order, npre=used.pre_order, nvict=0, **_ranges(energy_M, ours)
    )
    within = (ours.energy_M > ours.e0 - 150) & (ours.energy_M < ours.e0 + used.norm2)
    flat_M = np.interp(ours.energy_M, energy_M, theirs.flat)
    return abs(theirs.edge_step / ours.edge_step - 1), np.abs(flat_M - ours.normalised_M)[within].max()


def _ranges(energy_M, ours):
    """Return the ranges in which Larch, which leaves out the last point of one, fits the same points."""
    ranges = {}
    for low, high in (("pre1", "pre2"), ("norm1", "norm2")):
        relative = energy_M - ours.e0
        inside = np.flatnonzero(
            (relative >= getattr(ours.ranges, low)) & (relative <= getattr(ours.ranges, high))
        )
        after = min(inside[-1] + 1, len(energy_M) - 1)
        ranges |= {low: relative[inside[0]] + 1e-9, high: relative[after] + 1e-9}
    return ranges


@pytest.mark.parametrize("name", CASES)
def test_files_of_many_formats_are_normalised_as_by_larch(name, tmp_path):
    content, read, made_of = CASES[name]
    path = tmp_path / "scan.dat"
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    step, absorption = differences(path, *made_of(read(path)), "Fe", "K")
    print(f"\n{name}: edge step {step:.2g}, normalised {absorption:.2g}", end="")
    assert step < STEP
    assert absorption < ABSORPTION


@pytest.mark.skipif(not LIBRARY.is_dir(), reason=f"the XAS Data Library is not at {LIBRARY}")
@pytest.mark.parametrize("element", ["V", "Cr", "Mn", "Fe", "Co", "Ni", "Cu"])
def test_measured_files_are_normalised_as_by_larch(element, larch):
    path = sorted((LIBRARY / element).rglob("*.xdi"))[0]
    group = larch.read_xdi(str(path))
    mu_M = group.mutrans if hasattr(group, "mutrans") else np.log(group.i0 / group.itrans)
    order = np.argsort(group.energy)
    step, absorption = differences(path, group.energy[order], mu_M[order])
    print(f"\n{path.name}: edge step {step:.2g}, normalised {absorption:.2g}", end="")
    assert step < STEP
    assert absorption < ABSORPTION
