"""The spectrum that is made of a raw scan, whichever format it comes from: its axis, its absorption, its points."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from rankaae_cli.core.xas.spectra import SpectrumError
from rankaae_cli.data.measured.absorber import fluorescence_columns, says_something, tabulated_edge
from rankaae_cli.data.measured.absorption import Line, absorption
from rankaae_cli.data.measured.columns import (
    SIGNALS,
    ColumnChoice,
    abscissa_index,
    canonical,
    choosing,
    is_scanned,
    labelled,
    labels_of,
    listed,
)
from rankaae_cli.data.measured.energy import energies, settled_unit, unit_in_prose
from rankaae_cli.data.measured.spectrum import MeasuredSpectrum, ordered
from rankaae_cli.data.readers.scans.raw_scan import RawScan

# Steps of a motor need constants that no field defines; pixels need a dispersion.
_NO_ENERGY = ("step", "pixel")


@dataclass(frozen=True)
class Assignment:
    """What the columns of a scan are; letter M: its points, in the order of the file.

    Attributes
    ----------
    choice
        What was asked for, with the axis of a scan of motors.
    columns
        Shape (M,) each, by XDI's labels.
    axis
        The column of the energies or angles, from 0 on.
    energy_M
        Shape (M,), eV.
    mu_label
        What the file calls the column ``mu``, if otherwise.
    line
        The column named after the absorber's line, if there is one.
    notes
        On units and sums; may be empty.
    """

    choice: ColumnChoice
    columns: dict[str, np.ndarray]
    axis: int
    energy_M: np.ndarray
    mu_label: str
    line: Line | None
    notes: tuple[str, str]


def assignment(
    scan: RawScan, choice: ColumnChoice | None, element: str | None, edge: str | None
) -> Assignment:
    """Tell what the columns of a scan are that holds no finished absorption; arguments as for `spectrum_of`.

    Raises
    ------
    SpectrumError
        With the reason, if energies or an absorption cannot be told.
    """
    element, edge = scan.element or element, scan.edge or edge
    choice = scan.choice or choice or ColumnChoice()
    if scan.command is not None and choice.energy is None:
        choice = replace(choice, energy=_scan_axis(scan, choice, element, edge) + 1)
    columns, summed, mu_label, line = _columns(scan, choice, element, edge)
    axis = abscissa_index(scan.names, choice)
    unit = choice.unit or _unit(scan, axis, element, edge)
    energy_M, note = energies(scan.columns[axis], unit, choice.d_spacing or scan.d_spacing)
    return Assignment(choice, columns, axis, energy_M, mu_label, line, (note, summed))


def spectrum_of(
    scan: RawScan, choice: ColumnChoice | None = None, element: str | None = None, edge: str | None = None
) -> MeasuredSpectrum:
    """Make a spectrum of a scan: which columns, in which unit the energies, transmission or fluorescence.

    Parameters
    ----------
    scan
        As its file has it.
    choice
        Columns and units to take instead of those that labels and header tell.
    element, edge
        The absorber where the file does not say: it tells whether small energies are keV.

    Raises
    ------
    SpectrumError
        With the reason, if no absorption over energies can be made of it.
    """
    element, edge = scan.element or element, scan.edge or edge
    bare = MeasuredSpectrum(
        name=scan.name,
        path=scan.path,
        element=element,
        edge=edge,
        energy_M=scan.columns[0],
        mu_M=scan.columns[-1],
        is_normalised=scan.is_normalised,
        is_computed=scan.is_computed,
        metadata=scan.metadata,
        columns_used=scan.absorption,
        notes=scan.notes,
    )
    if scan.absorption:
        reference_M = scan.columns[2] if len(scan.columns) > 2 else None
        spectrum = replace(bare, mu_M=scan.columns[1], reference_M=reference_M)
        return spectrum if scan.is_ordered else ordered(spectrum)
    parts = assignment(scan, choice, element, edge)
    note, summed = parts.notes
    expected = tabulated_edge(element, edge)
    absorbed = absorption(parts.columns, parts.choice, parts.energy_M, expected, parts.mu_label, parts.line)
    spectrum = ordered(
        replace(
            bare,
            energy_M=parts.energy_M[absorbed.kept],
            mu_M=absorbed.mu_M,
            # Some files fill the column although there was no reference, and say so.
            reference_M=None if _says_no_reference(scan) else absorbed.reference_M,
            is_normalised=absorbed.is_normalised,
            columns_used=absorbed.columns_used,
            notes=tuple(n for n in (note, *scan.notes, summed, *absorbed.notes) if n),
            doubts=absorbed.doubts,
        )
    )
    # After the faults of the energies, which may be why no signal shows an edge.
    if absorbed.fault:
        raise SpectrumError(absorbed.fault)
    return spectrum


def _scan_axis(scan: RawScan, choice: ColumnChoice, element: str | None, edge: str | None) -> int:
    """Return the column of the energies that a scan of motors ran over, from 0 on.

    An angle is the monochromator's only where its lattice spacing is given: others turn samples. A first column of
    another name counts where the absorber's edge lies among its numbers.
    """
    labels = labels_of(scan.names)
    for wanted in ("energy", "angle") if choice.d_spacing is not None else ("energy",):
        for i, (label, values_M) in enumerate(zip(labels, scan.columns, strict=True)):
            if label == wanted and is_scanned(values_M):
                return i
    tabulated, first_M = tabulated_edge(element, edge), scan.columns[0]
    if tabulated is not None and tabulated / 2 < first_M.min() < tabulated < first_M.max() < 2 * tabulated:
        return 0
    raise SpectrumError(
        f"the scan ({scan.command}) is over {scan.names[0] or 'a column without a name'}, no energies; if they "
        f"are, say {choosing(energy=1)}, of angles of the monochromator "
        f"{choosing(energy=1, unit='degrees', d_spacing=3.1356)}"
    )


def _columns(
    scan: RawScan, choice: ColumnChoice, element: str | None, edge: str | None
) -> tuple[dict[str, np.ndarray], str, str, Line | None]:
    """Return the columns by XDI's labels, a note on sums, what the file calls mu, and the absorber's line."""
    if scan.is_labelled and not (any(scan.names) or choice.chooses_signal):
        raise SpectrumError(
            "no Column.N field and no line of labels names the columns: choose them, such as by "
            f"{choosing(energy=1, i0=2, itrans=3)}"
        )
    columns, summed = labelled(scan.names, scan.columns, choice)
    line, note = _line(scan, columns, element, edge)
    summed = "; ".join(filter(None, [summed, note]))
    if scan.is_labelled:
        return columns, summed, "", line
    count = len(scan.columns)
    # Of two columns the fluorescence is already divided.
    is_divided = count == 2 and "ifluor" in columns
    signals = {*SIGNALS, line.label} if line and count > 2 else SIGNALS
    if choice.chooses_signal or not (is_divided or columns.keys().isdisjoint(signals)):
        return columns, summed, "", line
    if count > 2:
        raise SpectrumError(
            f"{count} columns ({listed(scan.names)}), and none is known for an absorption: choose, such as by "
            f"{choosing(energy=1, mu=2)} or {choosing(energy=1, i0=2, itrans=3)}"
        )
    other = 1 - abscissa_index(scan.names, choice)
    return {"mu": scan.columns[other]}, summed, scan.names[other] or str(other + 1), None


def _line(
    scan: RawScan, columns: dict[str, np.ndarray], element: str | None, edge: str | None
) -> tuple[Line | None, str]:
    """Put the fluorescence of the absorber's line, if there is any, among the columns; a note on a sum."""
    parts = fluorescence_columns(scan.names, element, edge)
    if not parts:
        return None, ""
    names = [scan.names[i] for i in parts]
    label = canonical(names[0]) if len(parts) == 1 else f"{element}_{(edge or 'K')[0]}a".lower()
    columns[label] = np.sum([scan.columns[i] for i in parts], axis=0)
    choices = [name if name.isidentifier() else i + 1 for i, name in zip(parts, names, strict=True)]
    if len(parts) == 1:
        return Line(label, choices[0]), ""
    note = f"{len(parts)} columns of fluorescence, {names[0]} to {names[-1]}, were summed to {label}"
    return Line(label, choices), note


def _unit(scan: RawScan, used: int, element: str | None, edge: str | None) -> str:
    """Return the unit of the column of energies: as its label or the header say, or as its numbers tell."""
    unit = scan.units[used] or ("degrees" if labels_of(scan.names)[used] == "angle" else "")
    if unit.lower().startswith(_NO_ENERGY):
        raise SpectrumError(
            f"the scan is in {unit}, which no field turns into energies; expected eV, keV or degrees"
        )
    values_M = scan.columns[used]
    return settled_unit(
        unit or unit_in_prose(scan.comments, values_M, element, edge), values_M, element, edge
    )


def _says_no_reference(scan: RawScan) -> bool:
    fields: Sequence[str | None] = [scan.metadata.get(f"{kind}.reference") for kind in ("sample", "element")]
    return any(value and not says_something(value) for value in fields)
