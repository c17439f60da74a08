"""Styles that a run reads off spectra, as coordinates in which clusters are sought."""

from dataclasses import dataclass
from typing import Any

import numpy as np

from rankaae_cli.core.errors import UserError
from rankaae_cli.core.xas.spectra import SpectrumError, regrid
from rankaae_cli.data.family.family import Family
from rankaae_cli.models.base import HasStyles, require
from rankaae_cli.models.registry import load_model
from rankaae_cli.runs.directory import BEST
from rankaae_cli.runs.find import find_run

_MOST_TAIL = 8.0  # eV that a spectrum may begin after the run's grid


@dataclass(frozen=True)
class RunStyles:
    """The styles of a run's selected trial, named and free, of deviation 1 on its training rows.

    Attributes
    ----------
    kind
        Which run's.
    model
        Its model.
    energy_E
        Of the spectra that are read.
    """

    kind: str
    model: Any
    energy_E: np.ndarray

    def coordinates(self, spectra_NE: np.ndarray) -> np.ndarray:
        """Return the styles of spectra, shape (N, S)."""
        grid_E = self.model.energy_E
        if len(grid_E) != len(self.energy_E) or not np.allclose(grid_E, self.energy_E, rtol=0, atol=1e-6):
            spectra_NE = np.array([regrid(self.energy_E, one, grid_E, _MOST_TAIL) for one in spectra_NE])
        trial = self.model.selected_trial
        styles_NS = self.model.encode(np.asarray(spectra_NE, dtype=np.float32))[trial]
        return (styles_NS - self.model.style_mean_TS[trial]) / np.maximum(
            self.model.style_std_TS[trial], 1e-12
        )


def styles_of_run(run: str, family: Family) -> RunStyles:
    """Return the styles by which a run reads spectra like those of a family.

    Raises
    ------
    UserError
        If the run cannot be used, has no styles, or is of another absorber or grid.
    """
    directory = find_run(run)
    model = require(load_model(directory / BEST), "rankaae compare run=", HasStyles)
    own, wanted = ((one.element, one.edge, one.energy_unit) for one in (family, model))
    if own != wanted:
        raise UserError(
            f"{family.name} holds {own[0]} {own[1]} spectra over {own[2]}, the run {directory.name} reads "
            f"{wanted[0]} {wanted[1]} over {wanted[2]}\ngive another run="
        )
    styles = RunStyles(f"styles of the run {directory.name}", model, family.energy_E)
    try:
        styles.coordinates(np.asarray(family.spectra_NE[:1], dtype=np.float64))
    except SpectrumError as error:
        raise UserError(
            f"spectra of {family.name} are not on the grid of the run: {error}\ngive another run="
        ) from error
    return styles
