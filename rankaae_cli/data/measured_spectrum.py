"""A measured absorption spectrum, and what every reader does to the columns it finds."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

import numpy as np

from rankaae_cli.core.spectra import SpectrumError, check_spectrum

HC = 12398.41984  # eV angstrom
# Energies closer than this are one point measured twice, as Larch takes it too.
_SAME_ENERGY = 0.0005  # eV
# Points at which a detector failed may be left out if they are few.
_FAILED_SHARE = 0.02
_HIGHEST, _LONGEST = 2e5, 2e4  # eV; uranium's K edge lies at 115.6 keV, and an EXAFS scan is 2 keV long
# A scan that turns back by more than this share of its length is several scans in one file.
_TURN = 0.2


@dataclass(frozen=True)
class MeasuredSpectrum:
    """One spectrum of a file, as it was measured (or computed), energies ascending in eV.

    Letter M: its points.

    Attributes
    ----------
    name
        What to call it: the file's name without its ending, or the record's label.
    path
        The file it comes from.
    element, edge
        The absorber and its edge (``K``, ``L3``, ...) where the file or the caller says.
    energy_M, mu_M
        Shape (M,), float64: eV, ascending, each once; the absorption, neither normalised nor calibrated
        unless `is_normalised`.
    reference_M
        Shape (M,): absorption of the energy reference (a foil) measured in the same scan; or None.
    is_normalised
        Whether `mu_M` is normalised to the edge step, as the file says.
    is_computed
        Whether it comes from a simulation, whose energies are never to be calibrated or shifted.
    metadata
        What the file says of sample, beamline, monochromator, date, reference and so on; keys in lower case
        after XDI's dictionary: ``sample.name``, ``beamline.name``, ``mono.d_spacing``, ``scan.start_time``,
        ``sample.reference``, ``element.reference``.
    columns_used
        What mu was made of: ``mutrans``, ``log(i0/itrans)``, ``ifluor/i0``, ...
    notes
        What was done to the points on reading, one sentence each.
    """

    name: str
    path: Path
    element: str | None
    edge: str | None
    energy_M: np.ndarray
    mu_M: np.ndarray
    reference_M: np.ndarray | None = None
    is_normalised: bool = False
    is_computed: bool = False
    metadata: Mapping[str, str] = field(default_factory=dict)
    columns_used: str = "mu"
    notes: tuple[str, ...] = ()

    def __len__(self) -> int:
        return len(self.energy_M)

    def with_note(self, note: str) -> "MeasuredSpectrum":
        """Return the spectrum with one more note."""
        return replace(self, notes=(*self.notes, note))


@dataclass(frozen=True)
class Readings:
    """What a file holds: its spectra, and what in it could not be used: (record, reason)."""

    spectra: tuple[MeasuredSpectrum, ...]
    faults: tuple[tuple[str, str], ...] = ()


def ordered(spectrum: MeasuredSpectrum) -> MeasuredSpectrum:
    """Bring the points of a scan into ascending order, energies each once; note what was done.

    A scan may descend, and neighbours may be out of order by the jitter of an encoder. Points of one energy
    (within 0.0005 eV) are averaged.

    Raises
    ------
    SpectrumError
        If values are not finite, energies no X-rays', or the energies start over: several scans in one file.
    """
    energy, mu, reference = spectrum.energy_M, spectrum.mu_M, spectrum.reference_M
    for what, values in (("energy", energy), ("mu", mu)):
        bad = np.flatnonzero(~np.isfinite(values))
        if bad.size:
            raise SpectrumError(f"NaN or infinite values: {what} of point {bad[0] + 1} ({bad.size} in all)")
    if energy.size and energy.min() <= 0:
        raise SpectrumError(
            f"energies from {energy.min():g} to {energy.max():g} eV, from a zero of their own? expected absolute "
            "energies"
        )
    if energy.size and (energy.max() > _HIGHEST or np.ptp(energy) > _LONGEST):
        raise SpectrumError(
            f"energies from {energy.min():g} to {energy.max():g} eV: no scan of an absorption edge"
        )
    if reference is not None and not np.isfinite(reference).all():
        reference = None
        spectrum = spectrum.with_note("the reference has values that are no numbers and is not used")
    if len(energy) > 1 and energy[-1] < energy[0]:
        energy, mu = energy[::-1], mu[::-1]
        reference = None if reference is None else reference[::-1]
        spectrum = spectrum.with_note("the scan descends: its points were reversed")
    steps = np.diff(energy)
    if (steps < 0).any():
        turn, length = float(-steps.min()), float(np.ptp(energy))
        if turn > _TURN * length:
            i = int(steps.argmin()) + 1
            raise SpectrumError(
                f"the energies start over at point {i + 1} ({energy[i]:.1f} eV after {energy[i - 1]:.1f} eV): "
                "several scans in one file; save each alone"
            )
        order = np.argsort(energy, kind="stable")
        energy, mu = energy[order], mu[order]
        reference = None if reference is None else reference[order]
        spectrum = spectrum.with_note(
            f"{int((steps < 0).sum())} points were out of order, by {turn:.2g} eV at most, and were sorted"
        )
    first = np.concatenate([[True], np.diff(energy) > _SAME_ENERGY])
    if not first.all():
        spectrum = spectrum.with_note(f"{int((~first).sum())} points of equal energy were averaged")
        group = np.cumsum(first) - 1
        count = np.bincount(group)
        energy, mu = (np.bincount(group, weights=v) / count for v in (energy, mu))
        reference = None if reference is None else np.bincount(group, weights=reference) / count
    check_spectrum(energy, mu)
    return replace(spectrum, energy_M=energy, mu_M=mu, reference_M=reference)


def working_points(columns: Mapping[str, np.ndarray], names: Sequence[str]) -> tuple[np.ndarray, str]:
    """Return where detectors that are divided or taken the logarithm of work, and a note if not everywhere.

    Parameters
    ----------
    columns
        The columns by name, shape (M,) each.
    names
        The detectors that must be positive.

    Returns
    -------
    numpy.ndarray
        Shape (M,), bool.
    str
        Empty if all points are good.

    Raises
    ------
    SpectrumError
        If a detector is not positive at more than 2 % of the points.
    """
    good = np.ones(len(columns[names[0]]), dtype=bool)
    for name in names:
        failed = ~(columns[name] > 0)
        if failed.mean() > _FAILED_SHARE:
            what = "zero" if (columns[name][failed] == 0).all() else "zero, negative or no number"
            raise SpectrumError(
                f"detector column {name} is {what} at {int(failed.sum())} of {len(failed)} points"
            )
        good &= ~failed
    if good.all():
        return good, ""
    return good, f"{int((~good).sum())} points at which {' or '.join(names)} is not positive were left out"


def energies(values: np.ndarray, unit: str, d_spacing: float | None) -> tuple[np.ndarray, str]:
    """Turn the first column of a scan into eV.

    Parameters
    ----------
    values
        Shape (M,).
    unit
        ``eV``, ``keV``, ``degrees`` or ``radians`` (angle of the monochromator); case and spelling are free.
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
    kind = re.sub(r"[^a-z]", "", unit.lower())
    if kind in ("", "ev", "electronvolt", "electronvolts"):
        return values, ""
    if kind in ("kev", "kiloelectronvolt"):
        return 1000 * values, "energies in keV were multiplied by 1000"
    if kind.startswith(("deg", "rad", "angle")):
        if d_spacing is None or not 0.3 < d_spacing < 20:
            raise SpectrumError(
                f"a scan in monochromator {unit} needs the lattice spacing in angstrom: Mono.d_spacing is "
                + ("not given" if d_spacing is None else f"{d_spacing:g}")
            )
        angle = values if kind.startswith("rad") else np.radians(values)
        if not ((angle > 0) & (angle < np.pi / 2)).all():
            raise SpectrumError(
                f"monochromator angles {values.min():g} to {values.max():g} {unit} are not between 0 and 90 degrees"
            )
        note = f"monochromator angles ({unit}) were turned into energies with d = {d_spacing:g} angstrom"
        return HC / (2 * d_spacing * np.sin(angle)), note
    raise SpectrumError(f"the energy is in {unit!r}, expected eV, keV, degrees or radians")
