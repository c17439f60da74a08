"""A folder of measured spectra as sites of a family: calibrated, normalised, on the family's grid."""

import csv
import io
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from rankaae_cli.core.errors import UserError, nearest
from rankaae_cli.core.xas.ranges import NormalisationRanges
from rankaae_cli.core.xas.spectra import SpectrumError
from rankaae_cli.data.family.rejections import Rejection
from rankaae_cli.data.family.sites import FamilySpec, Gauge, Sites, gather, silent
from rankaae_cli.data.family.soundness import doubt_lines
from rankaae_cli.data.measured.columns import ColumnChoice
from rankaae_cli.data.measured.detect import Columns, read_folder
from rankaae_cli.data.measured.header_numbers import header_number
from rankaae_cli.data.measured.prepared import NOT_CALIBRATED, Prepared, on_energies, prepare
from rankaae_cli.data.measured.spectrum import MeasuredSpectrum

# What is known of a scan besides its spectrum, and the units: what its foil added to its energies, the steepest and
# the half-way point of its edge, its edge step, and the noise before the edge in edge steps.
CALIBRATION = "calibration"
SCAN_QUANTITIES = {CALIBRATION: "eV", "e0": "eV", "half_step": "eV", "edge_step": "", "noise": ""}
_MARGIN = 15.0  # eV; as far as `rankaae align` searches


@dataclass(frozen=True)
class MeasuredOptions:
    """How measured spectra are read and normalised.

    Attributes
    ----------
    columns
        Which columns to take; see `rankaae_cli.data.measured.columns.ColumnChoice`.
    ranges
        Where pre-edge and post-edge are fitted.
    calibrate
        Whether the foil that a scan has calibrates its energies.
    max_tail
        eV that a scan may begin after the family's grid.
    code_shift
        eV to add to the energies of what codes with a core hole write, which are on a zero of their own.
    headers
        Numbers in the headers of scans that are kept as quantities.
    """

    columns: Columns = None
    ranges: NormalisationRanges = field(default_factory=NormalisationRanges)
    calibrate: bool = True
    max_tail: float = 8.0
    code_shift: float = 0.0
    headers: tuple[str, ...] = ()

    @classmethod
    def of(cls, measured: Mapping[str, Any], max_tail: float, code_shift: float = 0.0) -> "MeasuredOptions":
        """Return what the configuration of measured spectra (conf/measured.yaml) stands for.

        Raises
        ------
        UserError
            If it names columns that there cannot be, or ranges of the normalisation that are none.
        """
        ranges = NormalisationRanges(**measured["normalisation"])
        ranges.require_possible()
        columns = ColumnChoice.of(measured["columns"], measured["skip_lines"])
        return cls(columns, ranges, measured["calibrate"], max_tail, code_shift)


def read_measured_sites(
    path: str | Path, spec: FamilySpec, options: MeasuredOptions, progress: Gauge = silent
) -> tuple[Sites, list[Prepared]]:
    """Read all measured spectra below a folder, or in a file, and bring them to one grid that holds the family's.

    Each is a material of its own by its name, with site 0; no descriptor is known of it. Computed spectra are
    rejected: their own sources read them with what is known of their structures.

    The grid goes on beyond the family's, as far as all scans do and by 15 eV at most on either side, so that the
    offset between their energies and those of a code can be applied later.

    Parameters
    ----------
    path
        A folder, or a file.
    spec
        The family.
    options
        How to read and normalise.
    progress
        Called with (spectra done, spectra in all).

    Returns
    -------
    Sites
        Normalisation ``edge_step``, quantities `SCAN_QUANTITIES`; with every file and record that was not taken,
        and why.
    list of Prepared
        What was done to each spectrum that was taken, in the order of reading.

    Raises
    ------
    UserError
        If there is no such path, the family is not over eV, or the columns are impossible.
    """
    if spec.energy_unit != "eV":
        raise UserError(
            f"family {spec.name} is over {spec.energy_unit}: measured spectra are over eV\nchoose +family="
        )
    spectra, faults = read_folder(path, options.columns, spec.element, spec.edge)
    rejected = [Rejection(_relative(file, Path(path)), "", reason) for file, reason in faults]
    taken = []
    for done, spectrum in enumerate(spectra, 1):
        try:
            prepared = prepared_for(spectrum, spec, options)
            on_energies(prepared, spec.energy_E, options.max_tail)
            taken.append(prepared)
        except SpectrumError as error:
            rejected.append(Rejection(spectrum.name, "", str(error)))
        progress(done, len(spectra))
    unknown = [np.nan] * len(spec.descriptor_names)
    grid_E = _widened(spec.energy_E, taken)
    number_NH, units = _header_numbers(taken, options.headers)
    sites = gather(
        (
            (
                one.spectrum.name,
                0,
                on_energies(one, grid_E, options.max_tail),
                [*unknown, *_quantities(one), *row_H],
            )
            for one, row_H in zip(taken, number_NH, strict=True)
        ),
        rejected,
        energy_E=grid_E,
        descriptor_names=spec.descriptor_names,
        quantity_names=(*SCAN_QUANTITIES, *options.headers),
        quantity_units=SCAN_QUANTITIES | units,
        normalisation="edge_step",
    )
    return sites, taken


def doubts_about(taken: Sequence[Prepared]) -> list[str]:
    """Return the doubts about spectra that were taken, line by line."""
    doubted = [one.spectrum for one in taken if one.spectrum.doubts]
    doubts = [(one.name, "; ".join(one.doubts)) for one in doubted]
    return doubt_lines(doubts, len(taken), ", see the notes in the table")


def short_margins(family_E: np.ndarray, stored_E: np.ndarray, taken: Sequence[Prepared]) -> list[str]:
    """Return what there is to say where a scan leaves less than 15 eV of the grid beyond the family's.

    Parameters
    ----------
    family_E, stored_E
        Shape (E,) each, eV: the family's grid, and the one that `read_measured_sites` made of it.
    taken
        What was taken.
    """
    if not taken:
        return []
    step = float(stored_E[1] - stored_E[0])
    lines = []
    for side, margin, reach, ends in (
        ("below", float(family_E[0] - stored_E[0]), _reach_below(family_E, taken), "begins"),
        ("above", float(stored_E[-1] - family_E[-1]), _reach_above(family_E, taken), "ends"),
    ):
        if margin < _MARGIN - step:
            shortest = taken[int(reach.argmin())]
            at = shortest.energy_M[0 if side == "below" else -1]
            lines.append(
                f"the energies go on {margin:g} eV {side} the family's instead of {_MARGIN:g}, since "
                f"{shortest.spectrum.name} {ends} at {at:.1f} eV"
            )
    return lines


def normalisation_csv(prepared: Iterable[Prepared]) -> str:
    """Return as a table what was done to each spectrum: edge energy and step, calibration, ranges, notes.

    Energies are in eV, after calibration.
    """
    text = io.StringIO()
    lines = csv.writer(text, lineterminator="\n")
    names = ("pre1", "pre2", "norm1", "norm2", "pre_order", "norm_order")
    head = ("name", "file", "mu", "e0", "half_step", "edge_step", "noise", "calibration", *names, "notes")
    lines.writerow(head)
    for one in prepared:
        done, calibration = one.normalised, one.calibration
        numbers = ["", "", "", ""]
        ranges = [""] * len(names)
        if done:
            numbers = [
                f"{done.e0:.3f}",
                f"{done.half_step:.3f}",
                f"{done.edge_step:.5g}",
                f"{done.noise:.3g}",
            ]
            ranges = [f"{getattr(done.ranges, name):.6g}" for name in names]
        lines.writerow(
            (
                one.spectrum.name,
                one.spectrum.path,
                one.spectrum.columns_used,
                *numbers,
                f"{calibration.shift:.3f}" if calibration else "",
                *ranges,
                "; ".join([*one.spectrum.notes, *without_foil(one)]),
            )
        )
    return text.getvalue()


def without_foil(one: Prepared) -> tuple[str, ...]:
    """Return what is to be said of a measured scan that has no reference to calibrate it; nothing of others."""
    is_without = one.spectrum.reference_M is None and not one.spectrum.is_computed
    return (NOT_CALIBRATED,) if is_without else ()


def _widened(grid_E: np.ndarray, taken: Sequence[Prepared]) -> np.ndarray:
    """Return a grid that goes on beyond `grid_E` by its end steps, as far as all scans do, `_MARGIN` at most."""
    if not taken:
        return grid_E
    below, above = float(grid_E[1] - grid_E[0]), float(grid_E[-1] - grid_E[-2])
    before = np.arange(int(max(min(_MARGIN, _reach_below(grid_E, taken).min()), 0.0) / below), 0, -1)
    after = np.arange(1, int(max(min(_MARGIN, _reach_above(grid_E, taken).min()), 0.0) / above) + 1)
    return np.concatenate([grid_E[0] - below * before, grid_E, grid_E[-1] + above * after])


def _reach_below(grid_E: np.ndarray, taken: Sequence[Prepared]) -> np.ndarray:
    return np.array([grid_E[0] - one.energy_M[0] for one in taken])


def _reach_above(grid_E: np.ndarray, taken: Sequence[Prepared]) -> np.ndarray:
    return np.array([one.energy_M[-1] - grid_E[-1] for one in taken])


def _quantities(one: Prepared) -> list[float]:
    """Return the `SCAN_QUANTITIES` of a scan, NaN where not known."""
    shift = one.calibration.shift if one.calibration else np.nan
    done = one.normalised
    return [shift, done.e0, done.half_step, done.edge_step, done.noise] if done else [shift, *[np.nan] * 4]


def _header_numbers(taken: Sequence[Prepared], names: Sequence[str]) -> tuple[np.ndarray, dict[str, str]]:
    """Return numbers of the headers, shape (N, H), NaN where none is in the first one's unit, and the units."""
    number_NH, units = np.full((len(taken), len(names)), np.nan), {}
    for h, name in enumerate(names):
        unit = None
        for n, one in enumerate(taken):
            value, own = header_number(one.spectrum.metadata.get(name.lower(), ""), unit)
            if value is not None and unit in (None, own):
                number_NH[n, h], unit = value, own
        if taken and unit is None:
            known = {
                key
                for one in taken
                for key, text in one.spectrum.metadata.items()
                if header_number(text)[0] is not None
            }
            raise UserError(f"headers=[{name}]: no scan has such a number\n{nearest(name, known)}")
        units[name] = unit or ""
    return number_NH, units


def prepared_for(spectrum: MeasuredSpectrum, spec: FamilySpec, options: MeasuredOptions) -> Prepared:
    """Return a spectrum calibrated and normalised; raise SpectrumError if it is computed, or cannot be."""
    if spectrum.is_computed:
        raise SpectrumError("a computed spectrum: bring it in by source=feff, csv or family")
    return prepare(
        spectrum, options.ranges, element=spec.element, edge=spec.edge, calibrate=options.calibrate
    )


def _relative(file: Path, top: Path) -> str:
    """Return the path of a file below the folder that was read; its name if that is the file itself."""
    return str(file.relative_to(top)) if file != top and top in file.parents else file.name
