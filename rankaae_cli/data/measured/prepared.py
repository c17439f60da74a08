"""From a measured spectrum as it was read to one that is calibrated and normalised, and on a family's grid."""

from dataclasses import dataclass, replace

import numpy as np

from rankaae_cli.core.errors import UserError
from rankaae_cli.core.xas.edges import EDGES, edge_span, is_edge_of, looks_like, parts_of
from rankaae_cli.core.xas.glitches import full_range, glitches, jumps
from rankaae_cli.core.xas.normalisation import (
    Normalised,
    calibration_shift,
    normalise,
    repeats,
    require_normalised,
)
from rankaae_cli.core.xas.ranges import NormalisationRanges
from rankaae_cli.core.xas.spectra import SpectrumError, lorentzian_tail, regrid_noisy
from rankaae_cli.data.measured.absorber import edge_name, element_name, foil_element, tabulated_edge
from rankaae_cli.data.measured.spectrum import MeasuredSpectrum

NOT_CALIBRATED = "energies not calibrated: the file has no foil"
_FOIL_WORDS = ("foil", "metal")
# An edge so far (eV) below or above where the element's is tabulated asks for a calibration. Those of scans without
# one, of 3d metals and their compounds, lie 1.5 eV below to 21 eV above.
_FAR_BELOW, _FAR_ABOVE = 6.0, 22.0
# A foil that shifts the energies by more than this (eV), or to which the sample's edge would lie so far below the
# metal's, may be none: no compound's edge is below its metal's, and monochromators are seldom off by more.
_LARGE_SHIFT, _BELOW_METAL = 3.0, 2.0
_WHICH_FOIL = "was the foil in the reference channel?"
# A scan whose first points, so many eV of it, lie below this level (edge steps) begins in its flat pre-edge.
_FIRST = 1.0
_PRE_EDGE_LEVEL = 0.1
_SHOWN = 3  # glitches and jumps that are named


@dataclass(frozen=True)
class Calibration:
    """What the energy reference of a scan says of its monochromator.

    Attributes
    ----------
    shift
        eV that were added to the energies.
    reference_e0
        The foil's edge energy as measured, eV.
    element, edge
        Of the foil.
    foil
        What to say of it: whether the file names it, and where its edge is.
    """

    shift: float
    reference_e0: float
    element: str
    edge: str
    foil: str = ""


@dataclass(frozen=True)
class Prepared:
    """A spectrum ready to be brought to a grid.

    Attributes
    ----------
    spectrum
        As it was read, with notes on what was done; its energies are not calibrated.
    energy_M, absorption_M
        Shape (M,): calibrated energies, eV, and the normalised absorption.
    normalised
        How it was normalised, on calibrated energies; None where it came normalised.
    calibration
        None where there is no foil, or the spectrum is computed.
    """

    spectrum: MeasuredSpectrum
    energy_M: np.ndarray
    absorption_M: np.ndarray
    normalised: Normalised | None = None
    calibration: Calibration | None = None


def prepare(
    spectrum: MeasuredSpectrum,
    ranges: NormalisationRanges | None = None,
    *,
    element: str | None = None,
    edge: str | None = None,
    calibrate: bool = True,
) -> Prepared:
    """Calibrate the energies by the foil where the scan has one, and normalise to the edge step.

    A computed spectrum is neither calibrated nor normalised; one that its file calls normalised is calibrated
    and checked, not normalised again. No spectrum is aligned by its own edge. Computed ones are checked once they
    are on a grid; see `rankaae_cli.core.xas.soundness`.

    Parameters
    ----------
    spectrum
        As it was read.
    ranges
        Where pre-edge and post-edge are fitted.
    element, edge
        What is expected; None for what the file says.
    calibrate
        Whether to use the foil.

    Raises
    ------
    SpectrumError
        If it is of another element or edge (naming which it looks like), or cannot be normalised.
    """
    element, edge = element or spectrum.element, edge or spectrum.edge
    _require_same_absorber(spectrum, element, edge)
    if spectrum.is_computed:
        return Prepared(spectrum, spectrum.energy_M, spectrum.mu_M)
    calibration = None
    if calibrate:
        spectrum, calibration = _calibrated(spectrum, element, edge)
    shift = calibration.shift if calibration else 0.0
    normalised, absorption_M = None, spectrum.mu_M
    tabulated = _tabulated(element, edge)
    span = 0.0 if tabulated is None or not element else edge_span(element, edge or "K")
    # On the energies of the file, which its faults are told by.
    if spectrum.is_normalised:
        expected = None if tabulated is None else tabulated - shift
        require_normalised(spectrum.energy_M, absorption_M, expected, span)
        e0 = _half_way(spectrum.energy_M, absorption_M)
    else:
        expected = None if tabulated is None else tabulated - shift
        normalised = normalise(spectrum.energy_M, spectrum.mu_M, ranges, expected=expected, span=span)
        e0, absorption_M = normalised.e0, normalised.normalised_M
    _require_edge_of(e0, shift, element, edge)
    if calibration:
        spectrum = with_calibration(spectrum, shift, e0 + shift, tabulated, calibration.foil)
    spectrum = _doubted(spectrum, absorption_M, e0, None if calibration else _far_from(e0, element, edge))
    energy_M = spectrum.energy_M + shift
    if normalised:
        normalised = replace(
            normalised, energy_M=energy_M, e0=normalised.e0 + shift, half_step=normalised.half_step + shift
        )
    return Prepared(spectrum, energy_M, absorption_M, normalised, calibration)


def on_energies(prepared: Prepared, grid_E: np.ndarray, max_tail: float) -> np.ndarray:
    """Bring a prepared spectrum to the energies of a family; shape (E,).

    Points closer than half a step of the grid are averaged; see `rankaae_cli.core.xas.spectra.regrid_noisy`. A scan
    that begins after the grid does is continued for at most `max_tail` eV: by the level of its first eV, where
    it `begins_in_pre_edge`; else by the wing of the edge, `rankaae_cli.core.xas.spectra.lorentzian_tail`.

    Raises
    ------
    SpectrumError
        If it does not cover the grid; the message says how much is missing.
    """
    first, last = float(prepared.energy_M[0]), float(prepared.energy_M[-1])
    missing_below, missing_above = first - float(grid_E[0]), float(grid_E[-1]) - last
    if missing_above > 0.05 or missing_below > max_tail + 0.05:
        parts = []
        if missing_below > max_tail + 0.05:
            parts.append(f"{missing_below:.1f} eV at the low end (at most {max_tail:g} are continued)")
        if missing_above > 0.05:
            parts.append(f"{missing_above:.1f} eV at the high end (nothing is made up there)")
        shifted = f" (calibrated by {prepared.calibration.shift:+.2f} eV)" if prepared.calibration else ""
        raise SpectrumError(
            f"runs from {first:.1f} to {last:.1f} eV{shifted}, the grid from {grid_E[0]:.1f} to "
            f"{grid_E[-1]:.1f} eV: missing are {' and '.join(parts)}"
        )
    out_E = regrid_noisy(prepared.energy_M, prepared.absorption_M, grid_E)
    below = grid_E < first
    if below.any():
        out_E[below] = _continued(prepared, grid_E[below])
    return out_E


def with_calibration(
    spectrum: MeasuredSpectrum, shift: float, e0: float, tabulated: float | None, said: str
) -> MeasuredSpectrum:
    """Return a spectrum with a note on its calibration, and with what makes one doubt that a foil gave it.

    Parameters
    ----------
    spectrum
        Whose energies a foil shifted.
    shift
        eV.
    e0
        Its edge on the calibrated energies, eV; NaN where not known.
    tabulated
        Where the metal has it, eV; None where not known.
    said
        How the note goes on.
    """
    note = f"calibrated by {round(shift, 2) + 0.0:+.2f} eV{said}"  # never by -0.00
    if abs(shift) > _LARGE_SHIFT:
        spectrum = spectrum.with_doubt(f"{note}; that is more than {_LARGE_SHIFT:g} eV, {_WHICH_FOIL}")
    else:
        spectrum = spectrum.with_note(note)
    if tabulated is None or not e0 < tabulated - _BELOW_METAL:
        return spectrum
    return spectrum.with_doubt(
        f"the edge, calibrated, is at {e0:.1f} eV, below that of the metal ({tabulated:g} eV): {_WHICH_FOIL}"
    )


def begins_in_pre_edge(prepared: Prepared) -> bool:
    """Tell whether a scan begins in its flat pre-edge, below a tenth of the edge step, not on the edge itself."""
    return float(_first_points(prepared)[1].mean()) < _PRE_EDGE_LEVEL


def _continued(prepared: Prepared, below: np.ndarray) -> np.ndarray:
    """Return the absorption at energies `below` the first of the scan."""
    energy, absorption = _first_points(prepared)
    if begins_in_pre_edge(prepared):
        return np.full(below.shape, absorption.mean())
    slope, _ = np.polyfit(energy - energy[0], absorption, 1)
    return lorentzian_tail(below, float(energy[0]), float(absorption[0]), float(slope))


def _first_points(prepared: Prepared) -> tuple[np.ndarray, np.ndarray]:
    """Return energies and absorption of the first eV of a scan, three points at least."""
    energy_M = prepared.energy_M
    count = max(3, int((energy_M <= energy_M[0] + _FIRST).sum()))
    return energy_M[:count], prepared.absorption_M[:count]


def _require_same_absorber(spectrum: MeasuredSpectrum, element: str | None, edge: str | None) -> None:
    if edge and spectrum.edge in parts_of(edge) and not spectrum.is_computed:
        edge = spectrum.edge  # a scan of several edges is called after one of them
    for what, said, wanted in (("element", spectrum.element, element), ("edge", spectrum.edge, edge)):
        if said and wanted and said != wanted:
            raise SpectrumError(f"wrong {what}: the file says {said}, expected {wanted}")


def _require_edge_of(e0: float, shift: float, element: str | None, edge: str | None) -> None:
    """Check where the edge lies; `e0` as measured, to which calibration adds `shift`, eV."""
    tabulated = _tabulated(element, edge)
    if tabulated is not None and element and not is_edge_of(e0 + shift, element, edge or "K"):
        raise SpectrumError(
            f"wrong element or edge: the edge at {e0:.1f} eV looks like {looks_like(e0 + shift)}, expected "
            f"{element} {edge or 'K'} ({tabulated:g} eV)"
        )


def _far_from(e0: float, element: str | None, edge: str | None) -> str | None:
    """Return what to say of an edge that is far from where the element's is tabulated."""
    tabulated = _tabulated(element, edge)
    if tabulated is None or -_FAR_BELOW <= e0 - tabulated <= _FAR_ABOVE:
        return None
    return (
        f"the edge at {e0:.1f} eV is {abs(e0 - tabulated):.0f} eV from {element} {edge or 'K'} ({tabulated:g} eV): "
        "is the monochromator calibrated?"
    )


def _doubted(
    spectrum: MeasuredSpectrum, absorption_M: np.ndarray, e0: float, far: str | None
) -> MeasuredSpectrum:
    """Return the spectrum with notes on what in it is no absorption, by the energies of the file."""
    doubts = [far] if far else []
    for what, places in (
        ("a glitch", glitches(spectrum.energy_M, absorption_M, e0)),
        ("a jump", jumps(spectrum.energy_M, absorption_M, e0)),
    ):
        doubts += [
            f"{what} at {energy:.1f} eV, {height:+.2f} of the edge step" for energy, height in places[:_SHOWN]
        ]
        if len(places) > _SHOWN:
            doubts.append(f"{len(places) - _SHOWN} more of the kind")
    full = full_range(spectrum.mu_M)
    if full:
        first, last = spectrum.energy_M[full.start], spectrum.energy_M[full.stop - 1]
        doubts.append(f"mu is flat at its top from {first:.1f} to {last:.1f} eV: was a detector saturated?")
    for doubt in doubts:
        spectrum = spectrum.with_doubt(doubt)
    return spectrum


def _tabulated(element: str | None, edge: str | None) -> float | None:
    """Return the tabulated energy of the edge; raise SpectrumError if the element has none."""
    energy = tabulated_edge(element, edge)
    if energy is None and element and (edge or "K") in EDGES:
        raise SpectrumError(f"no {edge or 'K'} edge is tabulated of {element!r}")
    return energy


def _half_way(energy_M: np.ndarray, absorption_M: np.ndarray) -> float:
    """Return where a normalised spectrum first reaches one half, eV."""
    return float(energy_M[int(np.argmax(absorption_M >= 0.5))])


def _calibrated(
    spectrum: MeasuredSpectrum, element: str | None, edge: str | None
) -> tuple[MeasuredSpectrum, Calibration | None]:
    """Return what the reference says; the spectrum with a note on why nothing where it does not."""
    if spectrum.reference_M is None:
        return spectrum, None
    said = spectrum.metadata.get("sample.reference") or spectrum.metadata.get("detector.refer") or ""
    if said and not any(word in said.lower() for word in _FOIL_WORDS):
        return spectrum.with_note(
            f"not calibrated: the reference, {said!r}, is not said to be a metal foil"
        ), None
    said_element = element_name(spectrum.metadata.get("element.reference", "")) or foil_element(said)
    reference_element = said_element or element
    reference_edge = edge_name(spectrum.metadata.get("element.ref_edge", "")) or edge or "K"
    if not reference_element or reference_edge not in EDGES:
        return spectrum.with_note("not calibrated: of which element the reference is, is not known"), None
    if repeats(spectrum.reference_M, spectrum.mu_M) and not _is_foil(spectrum):
        return spectrum.with_doubt(
            "not calibrated: the reference is the sample's own absorption, no foil behind it: is irefer the right "
            "column?"
        ), None
    try:
        shift, e0 = calibration_shift(
            spectrum.energy_M, spectrum.reference_M, reference_element, reference_edge
        )
    except (SpectrumError, UserError) as error:
        other = "" if reference_element == element else f", a foil of {reference_element} as the file says"
        return spectrum.with_doubt(f"not calibrated: reference{other}: {str(error).splitlines()[0]}"), None
    taken = "" if said or said_element else ", taken for the reference as the file does not say what it is"
    note = f": the {reference_element} foil{taken} has its edge at {e0:.2f} eV"
    return spectrum, Calibration(shift, e0, reference_element, reference_edge, note)


def _is_foil(spectrum: MeasuredSpectrum) -> bool:
    """Tell whether the sample is a foil itself, by its name."""
    names = f"{spectrum.name} {spectrum.metadata.get('sample.name', '')}".lower()
    return any(word in names for word in _FOIL_WORDS)
