"""A measured absorption spectrum, and what every reader does to the columns it finds."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

import numpy as np

from rankaae_cli.core.xas.spectra import SpectrumError, check_spectrum
from rankaae_cli.data.measured.columns import choosing
from rankaae_cli.data.measured.energy import own_zero

# Energies closer than this are one point measured twice, as Larch takes it too.
_SAME_ENERGY = 0.0005  # eV
# Points at which a detector failed may be left out if they are few.
_FAILED_SHARE = 0.02
# eV; uranium's K edge lies at 115.6 keV, an EXAFS scan is 2 keV long, and no scan of an edge is shorter than 2 eV.
_HIGHEST, LONGEST, _SHORTEST = 2e5, 2e4, 2.0
# A scan that goes back by more than this share of its length, or lies below energies that it had reached by more
# than 1 eV (at 10 keV) at more than 3 % of its points, is several scans in one file, up and down for instance.
_TURN, _BACK, _BACK_SHARE = 0.2, 1e-4, 0.03


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
    doubts
        Those of the notes that tell of a fault of the measurement, or of how it was read.
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
    doubts: tuple[str, ...] = ()

    def __len__(self) -> int:
        return len(self.energy_M)

    def with_note(self, note: str) -> "MeasuredSpectrum":
        """Return the spectrum with one more note."""
        return replace(self, notes=(*self.notes, note))

    def with_doubt(self, doubt: str) -> "MeasuredSpectrum":
        """Return the spectrum with one more note that is a doubt."""
        return replace(self, notes=(*self.notes, doubt), doubts=(*self.doubts, doubt))


def ordered(spectrum: MeasuredSpectrum) -> MeasuredSpectrum:
    """Bring the points of a scan into ascending order, energies each once; note what was done.

    A scan may descend, and neighbours may be out of order by the jitter of an encoder. Points of one energy
    (within 0.0005 eV) are averaged. A few points that are no numbers are left out.

    Raises
    ------
    SpectrumError
        If more than 2 % of the points are no numbers (of a computed spectrum, any), energies no X-rays', or the
        energies start over or turn back: several scans in one file.
    """
    spectrum = _finite(spectrum)
    _require_energies(spectrum)
    energy, mu, reference = spectrum.energy_M, spectrum.mu_M, spectrum.reference_M
    if len(energy) > 1 and energy[-1] < energy[0]:
        energy, mu = energy[::-1], mu[::-1]
        reference = None if reference is None else reference[::-1]
        spectrum = spectrum.with_note("the scan descends: its points were reversed")
    steps = np.diff(energy)
    if (steps < 0).any():
        _require_one_scan(energy)
        order = np.argsort(energy, kind="stable")
        energy, mu = energy[order], mu[order]
        reference = None if reference is None else reference[order]
        spectrum = spectrum.with_note(
            f"{int((steps < 0).sum())} points were out of order, by {-steps.min():.2g} eV at most, and were sorted"
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


def _finite(spectrum: MeasuredSpectrum) -> MeasuredSpectrum:
    """Leave out the few points of a measured scan whose energy or mu is no number; many are an error."""
    energy, mu, reference = spectrum.energy_M, spectrum.mu_M, spectrum.reference_M
    good = np.isfinite(energy) & np.isfinite(mu)
    if not good.all():
        if spectrum.is_computed or (~good).mean() > _FAILED_SHARE:
            what, values = ("mu", mu) if np.isfinite(energy).all() else ("energy", energy)
            bad = np.flatnonzero(~np.isfinite(values))
            raise SpectrumError(f"NaN or infinite values: {what} of point {bad[0] + 1} ({bad.size} in all)")
        energy, mu = energy[good], mu[good]
        reference = None if reference is None else reference[good]
        spectrum = spectrum.with_note(
            f"{int((~good).sum())} points at which energy or mu is no number were left out"
        )
    if reference is not None and not np.isfinite(reference).all():
        reference = None
        spectrum = spectrum.with_note("the reference has values that are no numbers and is not used")
    return replace(spectrum, energy_M=energy, mu_M=mu, reference_M=reference)


def _require_energies(spectrum: MeasuredSpectrum) -> None:
    """Check that the first column can be X-ray energies, eV."""
    energy = spectrum.energy_M
    if not energy.size:
        return
    said, length = f"energies from {energy.min():.6g} to {energy.max():.6g} eV", float(np.ptp(energy))
    if energy.min() <= 0:
        raise SpectrumError(own_zero(float(energy.min()), float(energy.max())))
    if energy.max() > _HIGHEST or length > LONGEST:
        raise SpectrumError(f"{said}: no scan of an absorption edge")
    if length < _SHORTEST and len(energy) > 3 and not spectrum.is_computed:
        raise SpectrumError(
            f"{said}: no scan of an absorption edge; if they are keV, say {choosing(unit='keV')}"
        )


def _require_one_scan(energy_M: np.ndarray) -> None:
    """Check that energies out of order are those of one scan, whose points jitter: shape (M,), eV."""
    steps, length = np.diff(energy_M), float(np.ptp(energy_M))
    if -steps.min() > _TURN * length:
        i = int(steps.argmin()) + 1
        raise SpectrumError(
            f"the energies start over at point {i + 1} ({energy_M[i]:.1f} eV after {energy_M[i - 1]:.1f} eV): "
            "several scans in one file; save each alone"
        )
    back = np.maximum.accumulate(energy_M) - energy_M
    much = max(_BACK * float(energy_M.max()), 1.0)
    if back.max() > _TURN * length or (back > much).mean() > _BACK_SHARE:
        i = int(np.flatnonzero(back > min(much, back.max() / 2))[0])
        raise SpectrumError(
            f"the energies turn back near point {i + 1} ({energy_M[i]:.1f} eV), by {back.max():.1f} eV in the end: "
            "several scans in one file, up and down; save each alone"
        )


def working_points(
    columns: Mapping[str, np.ndarray], names: Sequence[str], sign: float = 1.0
) -> tuple[np.ndarray, str]:
    """Return where detectors that are divided or taken the logarithm of work, and a note if not everywhere.

    Parameters
    ----------
    columns
        The columns by name, shape (M,) each.
    names
        The detectors that must be positive.
    sign
        -1 where they must be negative, as currents that flow the other way are.

    Returns
    -------
    numpy.ndarray
        Shape (M,), bool.
    str
        Empty if all points are good.

    Raises
    ------
    SpectrumError
        If a detector has not that sign at more than 2 % of the points.
    """
    good = np.ones(len(columns[names[0]]), dtype=bool)
    right, wrong = ("positive", "negative") if sign > 0 else ("negative", "positive")
    for name in names:
        values_M = sign * columns[name]
        finite = np.isfinite(values_M)
        failed = ~(finite & (values_M > 0))
        if failed.mean() > _FAILED_SHARE:
            faults = (("zero", values_M == 0), (wrong, finite & (values_M < 0)), ("no number", ~finite))
            what = " or ".join(word for word, points in faults if points.any())
            why = ": was an offset, such as a dark current, not subtracted?" if wrong in what else ""
            raise SpectrumError(
                f"detector column {name} is {what} at {int(failed.sum())} of {len(failed)} points{why}"
            )
        good &= ~failed
    if good.all():
        return good, ""
    return good, f"{int((~good).sum())} points at which {' or '.join(names)} is not {right} were left out"
