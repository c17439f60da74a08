"""Reading mutated tables as `rankaae compare` does: each is compared soundly, or refused in one or two lines."""

from pathlib import Path

import numpy as np

from rankaae_cli.analysis.comparison.collection import Collection, Spectra, read_collections
from rankaae_cli.analysis.comparison.pairs import ComparisonOptions, compare
from rankaae_cli.core.errors import UserError
from tests.benchmarks.fuzz.readings import Wrong, require_refusal, require_sentence
from tests.benchmarks.fuzz.seeds import E0, ENERGY, MEASURED, MU, Seed, rows
from tests.data.measured_scan import mu

_GRID = E0 + np.arange(-20, 60, 0.5)
_OTHER = Collection("other", [Spectra(_GRID, mu(_GRID, E0 + 3)[None], [""], [0])], energy_unit="eV")


def seeds() -> list[Seed]:
    """Return tables of two columns, and what codes write."""
    table = rows(ENERGY, MU).encode()
    names = ("output of OCEAN, exciting, XSpectra or VASP", "FEFF's xmu.dat")
    return [
        table,
        b"energy,mu\n" + table.replace(b" ", b","),
        *(one for name in names for one in MEASURED[name]()),
    ]


def read_compared(path: Path) -> bool:
    """Compare a file with a sound spectrum; return whether they fit at any shift."""
    try:
        collections, faults = read_collections([str(path)])
        for _, reason in faults:
            require_sentence(reason)
        found = [compare(one, _OTHER, ComparisonOptions(published=True, drawn=1)) for one in collections]
        found += [compare(_OTHER, one, ComparisonOptions(drawn=1)) for one in collections]
    except UserError as error:
        require_refusal(error)
        return False
    for one in found:
        numbers = one.table.select_dtypes("number").to_numpy(dtype=float)
        if np.isinf(numbers).any():
            raise Wrong("a score is infinite")
        one.summary(resamples=20, seed=0)
    return all(one.joint is not None for one in found)
