"""The readings of a watched folder, kept up to date: the tables of what was read and what was not.

What a scan costs does not depend on how many were read before it: it adds a line to the table, and is kept as that
line and the numbers of the trend. Only of the last scans is more kept, for the page.
"""

from collections import OrderedDict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from rankaae_cli.analysis.prediction.against import NUMBER, read_against
from rankaae_cli.analysis.prediction.input import Fault
from rankaae_cli.analysis.prediction.predict import LoadedRun, PredictionResult
from rankaae_cli.analysis.prediction.watch import Look
from rankaae_cli.core.labels import Cell
from rankaae_cli.core.mixtures.unmixing import Mixture
from rankaae_cli.data.files import append_text, write_text
from rankaae_cli.reports.prediction.sentences import offset_sentence, own_warnings
from rankaae_cli.reports.prediction.tables import prediction_table, shares_table
from rankaae_cli.reports.prediction.write import PREDICTIONS, prediction_lines, write_rejected
from rankaae_cli.reports.tables import Table

SHOWN = 50  # scans that the page shows, the last ones


@dataclass(frozen=True)
class Scan:
    """What is kept of every scan.

    Attributes
    ----------
    number
        In the order of reading, from 1 on.
    line
        Of the table.
    against
        What the trend shows it at.
    readings_K3
        Descriptors and the ends of their intervals.
    verdict
        See `rankaae_cli.core.statistics.novelty`.
    mixtures
        By descriptor that scans are read as mixtures of the classes of.
    """

    number: int
    line: str
    against: float
    readings_K3: np.ndarray
    verdict: str
    mixtures: Mapping[str, Mixture]


@dataclass(frozen=True)
class ShownScan:
    """What is kept of the last scans beside that: rows of the tables of the page, and warnings."""

    cells: Sequence[Sequence[Cell]]
    warnings: Sequence[tuple[str, str]]


class LiveReadings:
    """What was read of a watched folder, and what was not.

    Parameters
    ----------
    output
        A folder, where ``predictions.csv`` and ``rejected.csv`` always are whole.
    run
        What reads the scans.

    Attributes
    ----------
    scans
        By name.
    shown
        The last of them.
    tables
        Those of the page, without their rows.
    newest
        What was read last; None before.
    offset
        What to say of the offset of measured energies.
    key, unit
        What the scans are drawn against, as far as is known.
    changes
        How often anything has changed.
    """

    def __init__(self, output: Path, run: LoadedRun) -> None:
        self._output, self.run = output, run
        self.key = run.settings.against or NUMBER
        self.unit: str | None = None
        self.scans: dict[str, Scan] = {}
        self.shown: OrderedDict[str, ShownScan] = OrderedDict()
        self.tables = [Table("predictions", ["spectrum"], ["Spectrum"], [], "")]
        self.newest: PredictionResult | None = None
        self.offset, self.changes = "", 0
        self._heading, self._count = "", 0
        self._labels: dict[str, tuple[str, ...]] = {}
        self._reasons: dict[str, list[str]] = {}

    @property
    def faults(self) -> list[Fault]:
        """What is in the folder and cannot be read, and why."""
        return [(file, reason) for file, reasons in self._reasons.items() for reason in reasons]

    def take(self, look: Look) -> PredictionResult | None:
        """Take in what a look at the folder brought; return what was read, with what it is drawn against.

        The lines of a file that has changed are replaced, and keep their numbers. Those of one that is gone, or
        cannot be read any more, stay.
        """
        reasons = {
            file: lines for file, lines in self._reasons.items() if file not in (look.file, *look.gone)
        }
        if look.file is not None and look.faults:
            reasons[look.file] = [reason for _, reason in look.faults]
        if reasons != self._reasons:
            self._reasons = reasons
            self.changes += 1
            write_rejected(self._output, self.faults)
        if look.file is None or not look.labels:
            return None
        stale = [label for label in self._labels.get(look.file, ()) if label not in look.labels]
        self._labels[look.file] = look.labels
        for label in stale:
            del self.scans[label]
            self.shown.pop(label, None)
        result = None if look.result is None else self._with_against(look.result)
        if stale or result is not None:
            self.changes += 1
            self._write(result, bool(stale))
        return result

    def _with_against(self, result: PredictionResult) -> PredictionResult:
        against, reasons = read_against(self.key, result.spectra, self.unit)
        if len(reasons) < len(result.spectra):
            self.unit = against.unit
        return result.with_against(against, reasons)

    def _write(self, result: PredictionResult | None, is_replacing: bool) -> None:
        """Append lines to the table, or write it again where any is replaced."""
        lines: list[str] = []
        if result is not None:
            self._heading, *lines = prediction_lines(result)
            is_replacing = is_replacing or any(one.file in self.scans for one in result.spectra)
            self._keep(result, lines)
        path = self._output / PREDICTIONS
        if is_replacing or not path.exists():
            write_text(path, self._heading + "".join(scan.line for scan in self.scans.values()))
        else:
            append_text(path, "".join(lines))

    def _keep(self, result: PredictionResult, lines: Sequence[str]) -> None:
        assert result.against is not None
        prediction = result.prediction
        tables = [prediction_table(result), *(shares_table(result, name) for name in result.mixtures)]
        self.tables = [replace(table, rows=[]) for table in tables]
        self.offset = offset_sentence(result) or self.offset
        self.newest = result
        warned = own_warnings(result)
        readings_NK3 = np.stack([prediction.value_NK, prediction.low_NK, prediction.high_NK], axis=2)
        for n, one in enumerate(result.spectra):
            known = self.scans.get(one.file)
            self._count += known is None
            number = self._count if known is None else known.number
            at = float(number) if self.key == NUMBER else float(result.against.value_N[n])
            mixtures = {name: of_scans[n] for name, of_scans in result.mixtures.items()}
            self.scans[one.file] = Scan(
                number, lines[n], at, readings_NK3[n], prediction.verdict_N[n], mixtures
            )
            own = [(title, text) for title, text in warned if title == one.title]
            self.shown[one.file] = ShownScan([table.rows[n] for table in tables], own)
            self.shown.move_to_end(one.file)
        while len(self.shown) > SHOWN:
            self.shown.popitem(last=False)
