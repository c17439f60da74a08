"""Spectra and families for Python: read, normalised, and as tables of pandas."""

import warnings
from os import PathLike
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike

from rankaae_cli.core.errors import UserError
from rankaae_cli.core.xas.edges import edge_energy, edge_span
from rankaae_cli.core.xas.normalisation import Normalised
from rankaae_cli.core.xas.normalisation import normalise as normalised_to_step
from rankaae_cli.core.xas.ranges import NormalisationRanges
from rankaae_cli.data.family import family as families
from rankaae_cli.data.family.family_file import read_family
from rankaae_cli.data.family.splits import SPLITS
from rankaae_cli.data.measured.columns import ColumnChoice
from rankaae_cli.data.measured.detect import Columns, read_folder
from rankaae_cli.data.measured.spectrum import MeasuredSpectrum, ordered

Spectrum = MeasuredSpectrum
_LOWEST = 50.0  # eV, below the K edges of all elements but H and He


def read(
    path: str | PathLike[str], *, element: str | None = None, edge: str | None = None, columns: Columns = None
) -> list[Spectrum]:
    """Read the spectra of a file, or of all files of a folder, in any format that ``rankaae predict`` reads.

    Parameters
    ----------
    path
        XDI, Athena, NeXus, SPEC, columns of text, FEFF's ``xmu.dat``, output of other codes, CSV or family files.
    element, edge
        Of spectra whose file does not say.
    columns
        Which columns to take where the file does not name them: ``["energy", "mu"]``, by names or by numbers from 1
        on, or a mapping such as ``{"energy": 1, "i0": 2, "itrans": 3}``.

    Returns
    -------
    list of Spectrum
        Energies (M,), eV, ascending, as ``energy_M``, and absorption (M,) as ``mu_M``, neither calibrated nor
        normalised. What of a folder cannot be read is told in a warning.

    Raises
    ------
    ValueError
        If there is no such file, or nothing of it can be read.
    """
    spectra, faults = read_folder(Path(path), ColumnChoice.of(columns), element, edge)
    told = "; ".join(f"{file}: {reason}" for file, reason in faults)
    if not spectra:
        raise UserError(told or f"there are no files in {path}\ncorrect the path")
    if faults:
        warnings.warn(f"not read: {told}", stacklevel=2)
    return spectra


def spectrum_of(
    energy: ArrayLike,
    mu: ArrayLike,
    *,
    name: str = "spectrum",
    is_normalised: bool = False,
    is_computed: bool = False,
    has_energies: bool = True,
) -> Spectrum:
    """Return arrays as a spectrum, its points in order; `has_energies` tells whether these are eV."""
    energy_M, mu_M = numbers_of(energy, "energy"), numbers_of(mu, "mu")
    if energy_M.ndim != 1 or energy_M.shape != mu_M.shape:
        raise UserError(
            f"energies of shape {energy_M.shape} and an absorption of shape {mu_M.shape} make no spectrum\n"
            "give two arrays of as many points, or one row of absorption a spectrum"
        )
    if has_energies and len(energy_M) > 3 and 0 < energy_M.max() < _LOWEST:
        raise UserError(
            f"energies from {energy_M.min():.6g} to {energy_M.max():.6g} are not eV of an X-ray edge\n"
            "if they are keV, multiply them by 1000; or are energy and mu exchanged?"
        )
    about = {"is_normalised": is_normalised, "is_computed": is_computed}
    spectrum = Spectrum(name, Path(name), None, None, energy_M, mu_M, **about)  # type: ignore[arg-type]
    return ordered(spectrum) if has_energies else spectrum


def numbers_of(values: ArrayLike, name: str) -> np.ndarray:
    """Return a copy of values as float64; UserError, which names them, where they are no real numbers."""
    try:
        if not np.iscomplexobj(values):
            return np.array(values, dtype=np.float64)
    except (TypeError, ValueError):
        pass
    raise UserError(f"{name} is no array of real numbers\ngive one, such as a column of a table")


def normalise(
    energy: ArrayLike,
    mu: ArrayLike,
    *,
    element: str | None = None,
    edge: str = "K",
    e0: float | None = None,
    pre1: float | None = None,
    pre2: float | None = None,
    norm1: float | None = None,
    norm2: float | None = None,
    pre_order: int | None = None,
    norm_order: int | None = None,
    flatten: bool = True,
) -> Normalised:
    """Normalise an absorption to its edge step, as ``rankaae predict`` does.

    Parameters
    ----------
    energy, mu
        Shape (M,): eV, in the order of the scan, and the absorption in any unit.
    element, edge
        The absorber, whose tabulated edge tells where to look for it; None: the steepest point.
    e0
        The edge energy, eV; None: it is searched for.
    pre1, pre2, norm1, norm2
        Where pre-edge and post-edge are fitted, eV from the edge; None: the length of the scan decides.
    pre_order, norm_order
        Of the polynomials that are fitted; None: likewise.
    flatten
        Whether to take slope and curvature of the post-edge out above the edge.

    Returns
    -------
    Normalised
        ``energy_M`` and ``normalised_M``, shape (M,), ascending; ``e0`` and ``half_step``, eV; ``edge_step``, in
        the unit of `mu`; the fitted curves, and the ranges that were used.

    Raises
    ------
    ValueError
        If there is no edge, the scan is too short on either side of it, or the tabulated edge is not in it.
    """
    ranges = NormalisationRanges(pre1, pre2, norm1, norm2, pre_order, norm_order, flatten)
    ranges.require_possible()
    spectrum = spectrum_of(energy, mu)
    span, expected = 0.0, None
    if element is not None:
        span, expected = edge_span(element, edge), edge_energy(element, edge)
        first, last = spectrum.energy_M[[0, -1]]
        if not first <= expected <= last:
            raise UserError(
                f"the {element} {edge} edge, {expected:g} eV, is not in the scan, {first:.8g} to {last:.8g} eV\n"
                "give another element and edge, or none"
            )
    return normalised_to_step(spectrum.energy_M, spectrum.mu_M, ranges, e0=e0, expected=expected, span=span)


class Family:
    """A family file: spectra of one element and edge, and what is known of their sites.

    Parameters
    ----------
    path
        Of a file that ``rankaae ingest`` made.

    Attributes
    ----------
    name, element, edge, fidelity
        Such as ``Cu_oxides``, ``Cu``, ``K``, and ``FEFF``.
    energy
        Shape (E,): of all spectra; eV, or an index.
    spectra
        Shape (N, E): absorption in edge steps.
    descriptors
        Unit by name.
    """

    def __init__(self, path: str | PathLike[str]) -> None:
        self._family: families.Family = read_family(Path(path))
        one = self._family
        self.name, self.element, self.edge, self.fidelity = one.name, one.element, one.edge, one.fidelity
        self.energy = one.energy_E
        self.spectra = np.asarray(one.spectra_NE[:])
        self.descriptors = dict(zip(one.descriptor_names, one.descriptor_units, strict=True))

    def __len__(self) -> int:
        return len(self._family)

    def __repr__(self) -> str:
        return (
            f"<Family {self.name}: {len(self)} {self.fidelity} spectra, {self.element} {self.edge} edge, "
            f"{len(self.energy)} energies, descriptors {', '.join(self.descriptors)}>"
        )

    def to_pandas(self) -> pd.DataFrame:
        """Return a row a site, indexed by material and site.

        Columns: ``split`` (train, validation or test), the descriptors and other known quantities, NaN where not
        known, then the spectrum, a column an energy: ``frame[family.energy]`` holds the spectra alone.
        """
        one = self._family
        index = pd.MultiIndex.from_arrays([one.material_N, one.site_N], names=["material", "site"])
        columns: dict[Any, Any] = {"split": np.array(SPLITS)[one.split_N]}
        columns |= dict(zip(one.descriptor_names, one.descriptors_NK.T, strict=True))
        columns |= dict(zip(one.quantity_names, one.quantities_NQ.T, strict=True))
        about = pd.DataFrame(columns, index=index)
        return pd.concat([about, pd.DataFrame(self.spectra, index=index, columns=self.energy)], axis=1)
