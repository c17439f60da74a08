"""The first column of a scan in eV: which unit it is in, and from keV or monochromator angles to energies."""

import re
from collections.abc import Sequence

import numpy as np

from rankaae_cli.core.xas.spectra import SpectrumError
from rankaae_cli.data.measured.absorber import tabulated_edge
from rankaae_cli.data.measured.columns import choosing, is_d_spacing, unit_in

HC = 12398.41984  # eV angstrom
# No K edge but those of the lightest elements lies below this, eV; smaller numbers are keV or degrees.
_LOWEST_EV = 120.0


def unit_by_size(values_M: np.ndarray, element: str | None, edge: str | None) -> str | None:
    """Return the unit that energies of this size are in: ``eV``, ``keV``, or None where either, or degrees, may be.

    Numbers above 120 are eV. Smaller ones are what puts the absorber's edge among them, if that is known.

    Parameters
    ----------
    values_M
        Shape (M,).
    element, edge
        The absorber, if known.
    """
    finite = values_M[np.isfinite(values_M)]
    if not finite.size or np.abs(finite).max() > _LOWEST_EV:
        return "eV"
    tabulated = tabulated_edge(element, edge)
    if tabulated is not None:
        for unit, factor in (("eV", 1), ("keV", 1000)):
            if tabulated / 2 < factor * finite.min() < tabulated < factor * finite.max():
                return unit
    return None


def settled_unit(unit: str, values_M: np.ndarray, element: str | None, edge: str | None) -> str:
    """Return the unit that a file says its energies are in, but keV against eV where the edge is among them as keV.

    Parameters
    ----------
    unit
        As the file says, or `unit_in_prose`.
    values_M
        Shape (M,).
    element, edge
        The absorber, if known.
    """
    return unit_by_size(values_M, element, edge) or unit if _is_ev(unit) else unit


def unit_in_prose(lines: Sequence[str], values_M: np.ndarray, element: str | None, edge: str | None) -> str:
    """Return the unit of energies whose label has none, by their size and the lines of the header.

    Any angle may stand in a header, such as the sample's: it counts only where the numbers may be angles and
    nothing else tells.

    Raises
    ------
    SpectrumError
        If nothing tells.
    """
    axis = (line for line in lines if re.search(r"\b(energy|angle|theta|bragg)\b", line, re.IGNORECASE))
    unit = unit_by_size(values_M, element, edge) or unit_in(*axis)
    if not unit:
        raise SpectrumError(asking_for_unit(values_M))
    return unit


def asking_for_unit(values_M: np.ndarray) -> str:
    """Return the words for energies that may be keV or degrees, or neither where they are negative; shape (M,)."""
    finite = values_M[np.isfinite(values_M)]
    low, high = float(finite.min()), float(finite.max())
    if low <= 0:
        return own_zero(low, high)
    return (
        f"the column of energies runs from {low:g} to {high:g}: keV, or degrees of the monochromator? say "
        f"{choosing(unit='keV')} or {choosing(unit='degrees', d_spacing=3.1356)} (angstrom)"
    )


def own_zero(low: float, high: float) -> str:
    """Return the words for energies that are not absolute, from `low` to `high`."""
    return (
        f"energies from {low:.6g} to {high:.6g} eV, from a zero of their own? expected absolute energies: add the "
        "one at that zero to them"
    )


def energies(values: np.ndarray, unit: str, d_spacing: float | None) -> tuple[np.ndarray, str]:
    """Turn the first column of a scan into eV.

    Parameters
    ----------
    values
        Shape (M,).
    unit
        ``eV``, ``keV``, ``degrees``, ``millidegrees`` or ``radians`` (angle of the monochromator); case and
        spelling are free.
    d_spacing
        Distance of the monochromator's lattice planes, angstrom; needed for an angle.

    Returns
    -------
    numpy.ndarray
        Shape (M,), eV.
    str
        A note, empty for eV.

    Raises
    ------
    SpectrumError
        If the unit is another, or an angle cannot be turned into an energy.
    """
    if _is_ev(unit):
        return values, ""
    kind = _bare(unit)
    if kind in ("kev", "kiloelectronvolt", "kiloelectronvolts"):
        return 1000 * values, "energies in keV were multiplied by 1000"
    if kind.startswith(("deg", "rad", "angle", "mdeg", "millideg")):
        if d_spacing is None or not is_d_spacing(d_spacing):
            raise SpectrumError(
                f"a scan in monochromator {unit} needs the lattice spacing in angstrom: Mono.d_spacing is "
                + ("not given" if d_spacing is None else f"{d_spacing:g}")
                + f"; say it, such as 3.1356 of Si(111) by {choosing(unit=_angle_unit(kind), d_spacing=3.1356)}"
            )
        angle = values if kind.startswith("rad") else np.radians(values / (1000 if kind[0] == "m" else 1))
        finite = angle[np.isfinite(angle)]
        if not ((finite > 0) & (finite < np.pi / 2)).all():
            raise SpectrumError(
                f"monochromator angles {np.nanmin(values):g} to {np.nanmax(values):g} {unit} "
                "are not between 0 and 90 degrees"
            )
        note = f"monochromator angles ({unit}) were turned into energies with d = {d_spacing:g} angstrom"
        return HC / (2 * d_spacing * np.sin(angle)), note
    raise SpectrumError(f"the energy is in {unit!r}, expected eV, keV, degrees or radians")


def _angle_unit(kind: str) -> str:
    return "radians" if kind.startswith("rad") else "degrees"


def _bare(unit: str) -> str:
    return re.sub(r"[^a-z]", "", unit.lower())


def _is_ev(unit: str) -> bool:
    return _bare(unit) in ("", "ev", "electronvolt", "electronvolts")
