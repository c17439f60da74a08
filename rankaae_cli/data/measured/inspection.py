"""How scans would be read: what their columns are taken for, all signals, the spectrum or its fault."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from rankaae_cli.core.xas.soundness import check_spectra
from rankaae_cli.core.xas.spectra import SpectrumError
from rankaae_cli.data.family.sites import FamilySpec
from rankaae_cli.data.measured.absorber import fluorescence_columns, tabulated_edge
from rankaae_cli.data.measured.absorption import signals_of
from rankaae_cli.data.measured.columns import SIGNALS, ColumnChoice, chosen_roles, is_channel, labels_of
from rankaae_cli.data.measured.detect import raw_scans
from rankaae_cli.data.measured.from_scan import Assignment, assignment, spectrum_of
from rankaae_cli.data.measured.prepared import Prepared, on_energies
from rankaae_cli.data.measured.sites import MeasuredOptions, prepared_for
from rankaae_cli.data.measured.spectrum import MeasuredSpectrum
from rankaae_cli.data.readers.scans.raw_scan import Fault, RawScan

PASSED_OVER = "passed over"
_ROLES = frozenset({"energy", "angle", "i0", "irefer", "murefer", *SIGNALS})


@dataclass(frozen=True)
class Signal:
    """What an absorption can be made of, over energies `energy_M` (eV, shape (M,)); noise in edge steps.

    `mu_M` is None where it cannot be read; noise is infinite where it shows no edge at the expected energy.
    """

    name: str
    energy_M: np.ndarray
    mu_M: np.ndarray | None
    noise: float
    fault: str


@dataclass(frozen=True)
class Inspection:
    """How far the reading of a scan gets; `scan` is None where its file has no columns to show.

    Attributes
    ----------
    name, format
        The file, with the record in it where there are several; the name of its format.
    roles
        What each column is taken for, one a column of the scan.
    signals
        All that were tried, the first choice first.
    spectrum, prepared
        As it was read, and calibrated and normalised; None where it does not get that far.
    fault
        Why it would be rejected; empty where it would be kept.
    """

    name: str
    format: str
    scan: RawScan | None = None
    roles: tuple[str, ...] = ()
    signals: tuple[Signal, ...] = ()
    spectrum: MeasuredSpectrum | None = None
    prepared: Prepared | None = None
    fault: str = ""


def inspections(path: Path, spec: FamilySpec, options: MeasuredOptions) -> Iterator[Inspection]:
    """Return how each scan of a file would be read, and what in it cannot be."""
    choice, name = ColumnChoice.of(options.columns), "unknown"
    with np.errstate(over="ignore", invalid="ignore", divide="ignore"):
        try:
            name, scans = raw_scans(path, choice)
            for scan in scans:
                record = f"{path.name}/{scan.record}" if scan.record else path.name
                if isinstance(scan, Fault):
                    yield Inspection(record, name, fault=scan.reason)
                else:
                    yield _inspected(Inspection(record, name, scan), scan, choice, spec, options)
        except SpectrumError as error:
            yield Inspection(path.name, name, fault=str(error))


def aligned(rows: Sequence[Sequence[str]]) -> list[str]:
    """Return rows of a table as lines whose cells begin below each other."""
    widths = [max(map(len, cells)) for cells in zip(*rows, strict=True)]
    return ["  ".join(["", *(c.ljust(w) for c, w in zip(row, widths, strict=True))]).rstrip() for row in rows]


def scan_table(taken: Sequence[Prepared]) -> list[str]:
    """Return a line a scan: what its absorption is made of, its edge, its calibration; energies in eV."""
    rows = [("scan", "made of", "E0", "edge step", "noise", "calibration")]
    for one in taken:
        done, shift = one.normalised, one.calibration
        numbers = (f"{done.e0:.2f}", f"{done.edge_step:.4g}", f"{done.noise:.2%}") if done else ("-",) * 3
        added = f"{shift.shift:+.2f}" if shift else "-"
        rows.append((one.spectrum.name, one.spectrum.columns_used, *numbers, added))
    return aligned(rows)


def _inspected(
    bare: Inspection, scan: RawScan, choice: ColumnChoice, spec: FamilySpec, options: MeasuredOptions
) -> Inspection:
    element, edge = spec.element, spec.edge
    columns = None
    try:
        if not scan.absorption:
            columns = assignment(scan, choice, element, edge)
            bare = replace(bare, signals=tuple(_signals(scan, columns, spec)))
        bare = replace(bare, spectrum=(spectrum := spectrum_of(scan, choice, element, edge)))
        bare = replace(bare, prepared=(prepared := prepared_for(spectrum, spec, options)))
        spectrum_E = on_energies(prepared, spec.energy_E, options.max_tail)
        bare = replace(bare, fault=check_spectra(spec.energy_E, spectrum_E[None], True).reasons.get(0, ""))
    except SpectrumError as error:
        bare = replace(bare, fault=str(error))
    return replace(bare, roles=_roles(scan, columns, bare.spectrum, element, edge))


def _signals(scan: RawScan, columns: Assignment, spec: FamilySpec) -> Iterator[Signal]:
    expected = tabulated_edge(scan.element or spec.element, scan.edge or spec.edge)
    energy_M = columns.energy_M
    for one in signals_of(columns.columns, columns.choice, energy_M, expected, columns.line):
        kept = slice(None) if one.kept is None else one.kept
        yield Signal(one.name, energy_M[kept], one.mu_M, one.noise, one.fault)


def _roles(
    scan: RawScan, said: Assignment | None, spectrum: MeasuredSpectrum | None, element: str, edge: str
) -> tuple[str, ...]:
    """Return what each column is taken for; by its name alone where the columns do not tell."""
    if scan.absorption:
        return ("energy", f"{scan.absorption}, taken", "reference")[: len(scan.columns)]
    names = scan.names or [""] * len(scan.columns)
    labels: Sequence[str] = [label if label in _ROLES else PASSED_OVER for label in labels_of(names)]
    if said is None:
        return tuple(labels)
    line = fluorescence_columns(scan.names, scan.element or element, scan.edge or edge) if said.line else []
    taken = spectrum.columns_used if spectrum else ""
    chosen, roles = chosen_roles(names, said.choice), []
    for i, (name, values_M) in enumerate(zip(names, scan.columns, strict=True)):
        label = next((n for n, v in said.columns.items() if n in _ROLES and v is values_M), PASSED_OVER)
        if i in chosen:
            label = chosen[i]
        elif i in line and said.line:
            label = said.line.label
        elif label == PASSED_OVER and is_channel(name) and "ifluor" in said.columns:
            label = "ifluor"
        is_used = label in taken.replace("(", "/").replace(")", "/").split("/")
        roles.append("energy" if i == said.axis else f"{label}, taken" if is_used else label)
    return tuple(roles)
