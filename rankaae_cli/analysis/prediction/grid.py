"""The grid of a model, and how measured spectra come to it."""

from dataclasses import dataclass

import numpy as np

from rankaae_cli.analysis.prediction.input import InputSpectrum
from rankaae_cli.analysis.prediction.offset import Offset
from rankaae_cli.core.xas.nuisances import Nuisances
from rankaae_cli.data.family.sites import FamilySpec
from rankaae_cli.data.measured.absorber import tabulated_edge

_FINE = 0.05  # eV, of the energies that variants of a spectrum are interpolated between


@dataclass(frozen=True)
class Grid:
    """The grid of a model, how late a spectrum may begin on it, and the offset of measured energies."""

    spec: FamilySpec
    max_tail: float
    offset: Offset

    def row(self, one: InputSpectrum) -> np.ndarray:
        """Return a spectrum at the energies of the model, shape (E,).

        Raises
        ------
        SpectrumError
            If it does not cover them.
        """
        return one.on_grid(self.spec.energy_E, self.max_tail, self.offset.value)

    def variants(self, one: InputSpectrum, draws: Nuisances) -> "Variants":
        """Return a measured spectrum with other nuisances: those draws at which it covers the grid."""
        energy_E, offset, scan_M = self.spec.energy_E, self.offset.value, one.prepared.energy_M
        edge = (tabulated_edge(self.spec.element, self.spec.edge) or float(scan_M[0])) + offset
        needed_ME = draws.energies(energy_E, edge)
        first, last = float(scan_M[0]) + offset - self.max_tail, float(scan_M[-1]) + offset
        covered_M = (needed_ME[:, 0] >= first) & (needed_ME[:, -1] <= last)
        if not covered_M.any():
            return Variants(draws.taken(covered_M), np.empty((0, len(energy_E))))
        needed_ME = needed_ME[covered_M]
        fine = np.arange(needed_ME.min(), min(needed_ME.max() + _FINE, last), _FINE)
        absorption_ME = np.interp(needed_ME, fine, one.on_grid(fine, self.max_tail, offset))
        taken = draws.taken(covered_M)
        return Variants(taken, taken.absorption(absorption_ME, float(np.diff(energy_E).mean())))


@dataclass(frozen=True)
class Variants:
    """A measured spectrum with M draws of nuisances, on the grid of a model, shape (M, E)."""

    draws: Nuisances
    spectra_ME: np.ndarray
