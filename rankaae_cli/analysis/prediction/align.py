"""The energy offset between a code and a beamline, from measured references compared with computed spectra."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from rankaae_cli.analysis.prediction.offset import MEASURED, OffsetFile, OneScale, large_offset, scale_of
from rankaae_cli.core.errors import UserError, nearest
from rankaae_cli.core.xas.energy_offset import (
    LEAST_OF_ONE,
    POOR_FIT,
    ReferenceShift,
    combine,
    disagreement,
    match_reference,
)
from rankaae_cli.core.xas.soundness import check_spectra
from rankaae_cli.core.xas.spectra import SpectrumError
from rankaae_cli.data.family.family import Family
from rankaae_cli.data.measured.detect import read_measured
from rankaae_cli.data.measured.prepared import Prepared, prepare
from rankaae_cli.data.measured.sites import MeasuredOptions

_VALENCE, MATERIAL = "OS", "material"
_TOLERANCE = 0.25  # in the unit of the descriptor: how far rows may be from what a reference is known to be
Known = dict[str, float | str]


@dataclass(frozen=True)
class ReferenceCheck:
    """A measured reference compared with the computed spectra of what it is known to be.

    Attributes
    ----------
    file
        As the call gives it.
    known
        What is known of the compound: numbers by descriptor or quantity, and the name of its material.
    prepared
        Calibrated and normalised, not moved.
    match
        The shift at which it fits, and how well.
    rows
        How many computed spectra are of such a compound.
    nearest, nearest_NE
        Names of those that it fits best, and their spectra.
    """

    file: str
    known: Known
    prepared: Prepared
    match: ReferenceShift
    rows: int
    nearest: list[str]
    nearest_NE: np.ndarray

    @property
    def beamline(self) -> str:
        """Where it was measured; empty where the file does not say."""
        return self.prepared.spectrum.metadata.get("beamline.name", "")

    @property
    def compound(self) -> str:
        """What is known of the compound, as text."""
        return _compound(self.known)

    def summary(self) -> str:
        """Return the result as a sentence."""
        return (
            f"{self.file}: {self.match.shift:+.1f} eV ± {self.match.deviation:.1f} against the nearest of "
            f"{self.rows} computed spectra with {self.compound} (mean difference {self.match.distance:.3f})"
        )

    def entry(self) -> dict[str, Any]:
        """Return what the file of the offset says of it."""
        calibration = self.prepared.calibration
        return {
            "file": self.file,
            "known": self.known,
            "beamline": self.beamline,
            "calibrated_by": round(calibration.shift, 3) if calibration else None,
            "shift": round(self.match.shift, 2),
            "deviation": round(self.match.deviation, 2),
            "difference": round(self.match.distance, 4),
            "computed_spectra": self.rows,
            "nearest": self.nearest,
        }


def single_scan(file: str, of: OneScale, options: MeasuredOptions) -> Prepared:
    """Return the one measured spectrum of a file, calibrated and normalised.

    Raises
    ------
    SpectrumError
        If it holds several or a computed one, or one of another element or edge than the spectra `of`.
    """
    spectra = read_measured(file, options.columns, of.element, of.edge)
    if len(spectra) > 1:
        raise SpectrumError(f"the file holds {len(spectra)} spectra, one is expected: save it alone")
    if spectra[0].is_computed:
        raise SpectrumError("a computed spectrum, a measured one is expected")
    return prepare(spectra[0], options.ranges, element=of.element, edge=of.edge, calibrate=options.calibrate)


def known_references(given: Any) -> dict[str, Known]:
    """Return what is known of references by their files, as a call gives it.

    Parameters
    ----------
    given
        By file its valence; or a mapping of numbers by descriptor or quantity, and a material; or the name of its
        material.

    Raises
    ------
    UserError
        If it is none of these.
    """
    if not (given and isinstance(given, Mapping)):
        raise UserError(
            "references= names no reference\n"
            "give files and their valences, in quotes: 'references={Cu2O.xdi:1,CuO.xdi:2}'"
        )
    return {str(file): _known(known) for file, known in given.items()}


def check_reference(
    file: str, known: Known, family: Family, options: MeasuredOptions, search: float
) -> ReferenceCheck:
    """Move a reference until it fits the computed spectra of what it is known to be.

    Parameters
    ----------
    file
        A measured spectrum.
    known
        Of `known_references`.
    family
        The computed spectra.
    options
        How the reference is read and normalised.
    search
        Largest shift tried, eV, either way.

    Raises
    ------
    UserError
        If the reference cannot be used, nothing in the family is such a compound, or no shift fits.
    """
    rows = _rows_of(family, known, file)
    try:
        prepared = single_scan(file, family, options)
        for reason in check_spectra(prepared.energy_M, prepared.absorption_M[None], True).reasons.values():
            raise SpectrumError(reason)
        match = match_reference(
            prepared.energy_M, prepared.absorption_M, family.energy_E, family.spectra_NE[rows], search
        )
    except SpectrumError as error:
        raise UserError(f"reference {file}: {error}") from error
    if match.at_the_end:
        raise UserError(
            f"reference {file}: no shift within {search:g} eV fits computed spectra of {_compound(known)}\n"
            "is it what it is said to be? else search further: search="
        )
    best = rows[match.nearest]
    names = [f"{family.material_N[i]} {family.site_N[i]}" for i in best]
    return ReferenceCheck(file, known, prepared, match, len(rows), names, family.spectra_NE[best])


def offset_of(checks: Sequence[ReferenceCheck], family: Family) -> OffsetFile:
    """Return the offset that references give, as it is kept in a file."""
    offset = combine([one.match for one in checks])
    return OffsetFile(
        element=family.element,
        edge=family.edge,
        from_fidelity=MEASURED,
        to_fidelity=scale_of(family),
        beamline=", ".join(dict.fromkeys(one.beamline for one in checks if one.beamline)),
        offset=round(offset.offset, 2),
        uncertainty=round(offset.uncertainty, 2),
        references=[one.entry() for one in checks],
    )


def offset_warnings(checks: Sequence[ReferenceCheck], content: OffsetFile) -> list[str]:
    """Return what is to be said of an offset before anybody uses it."""
    lines = []
    for one in checks:
        name = Path(one.file).name
        if one.match.distance > POOR_FIT:
            lines.append(
                f"{name} fits the computed spectra poorly (mean difference {one.match.distance:.3f}, usually "
                f"below {POOR_FIT:g}): are there any of this compound? A file with other shells is given as data="
            )
        lines += [f"{name}: {doubt}" for doubt in one.prepared.spectrum.doubts]
        if one.prepared.calibration is None:
            lines.append(f"{name} is not calibrated by a foil: the offset holds for its monochromator alone")
    apart = disagreement([one.match for one in checks])
    if apart is not None:
        lines.append(
            f"the references differ by {apart:.1f} eV, more than each leaves open: is each what it is said to be? "
            "More that is known of one, such as {OS:2,CN:4} or its material, narrows it"
        )
    if len(checks) == 1:
        lines.append(
            f"one reference does not tell how references differ: ± {LEAST_OF_ONE:g} eV at least is assumed"
        )
    return [*lines, *filter(None, [large_offset(content.offset)])]


def _known(known: Any) -> Known:
    """Return what a reference is known to be: a number is its valence, a text its material in the family."""
    if isinstance(known, Mapping) and known:
        wrong = {
            k: v for k, v in known.items() if not (isinstance(v, str) if k == MATERIAL else _is_number(v))
        }
        if wrong:
            raise UserError(
                f"references: {', '.join(f'{key}:{value}' for key, value in wrong.items())} is no value\n"
                "expected numbers, such as {OS:2,CN:4}, and a name for material"
            )
        return {str(k): str(v) if k == MATERIAL else float(v) for k, v in known.items()}
    if isinstance(known, str):
        return {MATERIAL: known}
    if _is_number(known):
        return {_VALENCE: float(known)}
    raise UserError(
        f"references: {known!r} says nothing of a compound\nexpected its valence, or a mapping such as "
        "{OS:2,CN:4}"
    )


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def _rows_of(family: Family, known: Known, file: str) -> np.ndarray:
    """Return the indices of the computed spectra of what a reference is known to be."""
    columns = dict(zip(family.descriptor_names, family.descriptors_NK.T, strict=True))
    columns |= dict(zip(family.quantity_names, family.quantities_NQ.T, strict=True))
    fits_N = np.ones(len(family), dtype=bool)
    for key, value in known.items():
        if key == MATERIAL:
            fits_N &= family.material_N.astype(str) == str(value)
        elif key in columns:
            fits_N &= np.abs(columns[key] - float(value)) <= _TOLERANCE
        else:
            raise UserError(f"reference {file}: family {family.name} has no {key}: {nearest(key, columns)}")
    if not fits_N.any():
        raise UserError(
            f"reference {file}: family {family.name} holds no spectrum with {_compound(known)}\n"
            "give another family file as data=, or another reference"
        )
    return np.flatnonzero(fits_N)


def _compound(known: Known) -> str:
    return ", ".join(
        f"{key} {value if isinstance(value, str) else f'{value:g}'}" for key, value in known.items()
    )
