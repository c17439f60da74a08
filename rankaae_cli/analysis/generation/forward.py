"""Generated structures checked by a model that simulates spectra, which had no part in generating them."""

import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from scipy.spatial.distance import cdist

from rankaae_cli.analysis.simulation.structures import simulate_structures
from rankaae_cli.core.errors import UserError
from rankaae_cli.core.statistics.calibration import COVERAGE
from rankaae_cli.core.xas.spectra import is_same_grid
from rankaae_cli.data.family.family import Family
from rankaae_cli.data.family.sites import Gauge, silent
from rankaae_cli.data.family.splits import TEST
from rankaae_cli.data.files import write_text
from rankaae_cli.data.structures.structure_set import Structure
from rankaae_cli.data.structures.structure_text import cif
from rankaae_cli.models.base import Samples, Simulates, require


@dataclass(frozen=True)
class Forward:
    """A model that simulates, and how far it is off on real structures that it was not trained on.

    Attributes
    ----------
    name
        That of its run.
    model
        What simulates.
    error_of_atoms, error_of_means
        Mean absolute errors of single spectra, and of the mean spectra of structures, on its test split.
    """

    name: str
    model: Simulates
    error_of_atoms: float
    error_of_means: float

    @classmethod
    def of(cls, directory: Path, model: Any, family: Family, generator: Samples) -> "Forward":
        """Return the check of a generator by a loaded run.

        Raises
        ------
        UserError
            If the run does not simulate spectra, or those of another family or grid.
        """
        require(model, "rankaae predict forward=", Simulates)
        if model.members or (model.family, model.element) != (generator.family, generator.element):
            raise UserError(
                f"forward={directory.name} simulates {model.family} ({model.element}), and structures of "
                f"{generator.family} ({generator.element}) are generated\ngive a run of kind=forward on that family"
            )
        if not is_same_grid(model.energy_E, generator.energy_E):
            raise UserError(
                f"forward={directory.name} simulates spectra on another grid\ntrain both on the same data"
            )
        test = family.with_rows(family.split_N == TEST)
        assert test.features is not None
        apart_NE = model.simulate(test.features)[0] - test.spectra_NE[:]
        means = [apart_NE[test.material_N == name].mean(axis=0) for name in sorted(set(test.material_N))]
        return cls(directory.name, model, float(np.abs(apart_NE).mean()), float(np.abs(means).mean()))

    def simulate(self, structures: Sequence[Structure], progress: Gauge = silent) -> list[np.ndarray]:
        """Return the spectra of all atoms of structures, (N, E) each."""
        with tempfile.TemporaryDirectory() as folder:
            paths = [Path(folder) / f"s{i:04d}.cif" for i in range(len(structures))]
            for path, one in zip(paths, structures, strict=True):
                write_text(path, cif(one, path.stem))
            result = simulate_structures(self.model, [str(path) for path in paths], COVERAGE, progress)
        spectra = []
        for path, one in zip(paths, structures, strict=True):
            rows = np.flatnonzero(result.family.material_N == path.stem)
            if result.multiplicity_N[rows].sum() != len(one):
                raise UserError(
                    f"the spectra of {path.stem} cannot be simulated: {dict(result.faults).get(path.stem)}"
                )
            repeated = np.repeat(rows, result.multiplicity_N[rows])
            spectra.append(result.family.spectra_NE[repeated].astype(np.float64))
        return spectra

    def compare(self, structures: Sequence[Structure], conditions: Sequence[np.ndarray]) -> dict[str, Any]:
        """Return errors of the simulated spectra of structures against those that condition their atoms, (N, E).

        Beside the error of an atom stands that against the spectra of all other atoms (shuffled), and beside both
        that of the model itself on real structures. Atoms without a spectrum (NaN) are left out.
        """
        of_atoms, shuffled, of_means = [], [], []
        for spectra_NE, condition_NE in zip(self.simulate(structures), conditions, strict=True):
            known = np.isfinite(condition_NE).all(axis=1)
            apart = cdist(spectra_NE[known], condition_NE[known], "cityblock") / condition_NE.shape[1]
            of_atoms.append(np.diag(apart).mean())
            shuffled.append(apart[~np.eye(len(apart), dtype=bool)].mean())
            of_means.append(np.abs(spectra_NE[known].mean(axis=0) - condition_NE[known].mean(axis=0)).mean())
        return {
            "forward": self.name,
            "atoms": float(np.mean(of_atoms)),
            "atoms_shuffled": float(np.mean(shuffled)),
            "means": float(np.mean(of_means)),
            "own_atoms": self.error_of_atoms,
            "own_means": self.error_of_means,
        }
