"""Bringing a family file to the grid of a family."""

from collections.abc import Iterator
from dataclasses import replace

import numpy as np

from rankaae_cli.core.errors import UserError
from rankaae_cli.core.xas.spectra import SpectrumError, regrid
from rankaae_cli.data.family.family import Family
from rankaae_cli.data.family.rejections import Rejection
from rankaae_cli.data.family.sites import FamilySpec
from rankaae_cli.data.segments import side_by_side
from rankaae_cli.data.spectra_rows import blocks_of, gathered_spectra


def require_same_absorber(family: Family, spec: FamilySpec, path: str) -> None:
    """Raise UserError if a family file is of another element, edge or energy unit than the family."""
    for what in ("element", "edge", "energy_unit"):
        found, expected = getattr(family, what), getattr(spec, what)
        if found != expected:
            raise UserError(
                f"{path}: {what} is {found}, that of the family {spec.name} is {expected}\nchoose +family="
            )


def shifted(family: Family, offset: float) -> Family:
    """Return computed spectra with `offset` eV added to their energies, which their fidelity then says.

    Raises
    ------
    UserError
        If the spectra were measured, or are not over eV.
    """
    if family.is_measured:
        raise UserError(
            "offset= moves computed spectra, these were measured\n"
            "leave it out: rankaae predict offset= moves these"
        )
    if family.energy_unit != "eV":
        raise UserError(f"offset= is in eV, the spectra are over {family.energy_unit}\nleave it out")
    fidelity = f"{family.fidelity} shifted by {offset:+.2f} eV"
    return replace(family, energy_E=family.energy_E + offset, fidelity=fidelity)


def on_grid(family: Family, energy_E: np.ndarray, max_tail: float) -> tuple[Family, tuple[Rejection, ...]]:
    """Bring the spectra of a family to the energies `energy_E`; large ones are not held in memory.

    Returns
    -------
    Family
        With the rows that can be brought there. A true response is brought there too if its energies
        suffice, and left out otherwise.
    tuple of Rejection
        The other rows.

    Raises
    ------
    UserError
        If the family holds several edges.
    """
    if len(family.segments) > 1:
        raise UserError(
            f"family {family.name} holds several edges, which are not brought to other energies\n"
            "make the file again with spectra on the energies you want"
        )
    kept: list[int] = []
    rejected: list[Rejection] = []

    def regridded() -> Iterator[np.ndarray]:
        rows = (spectrum_E for block_NE in blocks_of(family.spectra_NE) for spectrum_E in block_NE)
        for n, spectrum_E in enumerate(rows):
            try:
                yield regrid(family.energy_E, spectrum_E, energy_E, max_tail)
                kept.append(n)
            except SpectrumError as error:
                rejected.append(Rejection(str(family.material_N[n]), str(family.site_N[n]), str(error)))

    spectra_NE = gathered_spectra(regridded(), len(energy_E))
    return (
        replace(
            family.with_rows(kept),
            energy_E=energy_E,
            spectra_NE=spectra_NE,
            segments=side_by_side([one.name for one in family.segments], [len(energy_E)]),
            true_response_KE=_response_on_grid(family, energy_E),
        ),
        tuple(rejected),
    )


def _response_on_grid(family: Family, energy_E: np.ndarray) -> np.ndarray | None:
    if family.true_response_KE is None:
        return None
    try:
        # A response may be negative, so it cannot be continued by a tail.
        rows = [regrid(family.energy_E, row_E, energy_E, max_tail=0.0) for row_E in family.true_response_KE]
    except SpectrumError:
        return None
    return np.array(rows, dtype=np.float32)
