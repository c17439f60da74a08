"""The page of a watched folder, made again beside the reading of scans, which does not wait for it."""

import sys
import time
from collections.abc import Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import replace
from datetime import datetime
from pathlib import Path

import numpy as np

from rankaae_cli.analysis.encoded import evenly_spaced
from rankaae_cli.analysis.prediction.against import Against
from rankaae_cli.analysis.prediction.predict import PredictionResult
from rankaae_cli.core.statistics.calibration import OUTSIDE
from rankaae_cli.data.files import write_text
from rankaae_cli.reports.figures.drawing import png_bytes
from rankaae_cli.reports.prediction.against import MOST_SCANS, Trend, against_figure, against_picture
from rankaae_cli.reports.prediction.figures import prediction_figure
from rankaae_cli.reports.prediction.live import SHOWN, LiveReadings
from rankaae_cli.reports.prediction.page import (
    PAGE,
    PageContent,
    render_prediction_page,
    spectrum_picture,
)
from rankaae_cli.reports.prediction.sentences import verdict_counts, warning_lines
from rankaae_cli.reports.run.page import Picture

# From one page to the next pass so many seconds at least, and so many times what making the last one took: drawing
# takes longer than reading, and is not to hold it up where the machine is busy.
_BETWEEN, _TIMES = 2.0, 5.0
_REFRESH = 3  # s after which the page loads itself again


class LivePage:
    """The page of a watch.

    Parameters
    ----------
    output
        A folder.
    readings
        What the page shows.
    folder
        That is watched.
    """

    def __init__(self, output: Path, readings: LiveReadings, folder: Path) -> None:
        self.path = output / PAGE
        self._readings, self._folder, self._began = readings, folder, _clock()
        self._pictures: Sequence[Picture] = ()
        self._drawn: PredictionResult | None = None
        self._pool = ThreadPoolExecutor(1)
        self._page: Future[None] | None = None
        self._changes, self._made, self._took, self._error = -1, -np.inf, 0.0, ""

    def refresh(self, now: float) -> None:
        """Begin to make the page again where there is something new, and the last one is old enough.

        Parameters
        ----------
        now
            Seconds by a clock that is not set.
        """
        if self._page is not None and not self._page.done():
            return
        if self._readings.changes == self._changes or now - self._made < max(_BETWEEN, _TIMES * self._took):
            return
        self._made = now
        self._make(
            f"Watching {self._folder} since {self._began}. This is how it stood at {_clock()}; the page loads "
            f"itself again every {_REFRESH} s.",
            _REFRESH,
        )

    def close(self) -> Path:
        """Make the last page; return its path."""
        self._make(f"{self._folder} was watched from {self._began} to {_clock()}.", 0)
        self._wait()
        self._pool.shutdown()
        return self.path

    def _make(self, watching: str, refresh: int) -> None:
        self._wait()
        readings = self._readings
        self._changes = readings.changes
        newest = None if readings.newest is self._drawn else readings.newest
        self._drawn = readings.newest
        content = replace(self._content(), watch=watching, refresh=refresh)
        self._page = self._pool.submit(self._write, content, _trend(readings), newest)

    def _wait(self) -> None:
        """Wait for the page that is being made; what is wrong with it does not end the watch."""
        page, self._page = self._page, None
        error = None if page is None else page.exception()
        if error is not None and str(error) != self._error:
            print(f"the page could not be made: {error}", file=sys.stderr, flush=True)
        self._error = str(error)

    def _content(self) -> PageContent:
        """Return what the page says; the last scans, the newest first."""
        readings, run = self._readings, self._readings.run
        shown, faults = list(reversed(readings.shown.items())), readings.faults
        verdicts = [readings.scans[label].verdict for label, _ in shown]
        tables = [
            replace(table, rows=[one.cells[i] for _, one in shown]) for i, table in enumerate(readings.tables)
        ]
        return PageContent(
            model=run.predictor.model,
            run_name=run.name,
            coverage=run.settings.coverage,
            counts=verdict_counts([scan.verdict for scan in readings.scans.values()]),
            offset=readings.offset,
            warnings=warning_lines(verdicts, [pair for _, one in shown for pair in one.warnings]),
            readings=tables[0],
            shares=dict(zip(run.unmixers, tables[1:], strict=False)),
            n=len(readings.scans),
            has_classes=bool(run.predictor.classes),
            faults=faults[-SHOWN:],
            more_faults=max(len(faults) - SHOWN, 0),
        )

    def _write(self, content: PageContent, trend: Trend | None, newest: PredictionResult | None) -> None:
        begin, against = time.monotonic(), None
        if trend is not None:
            against = against_picture(trend, png_bytes(against_figure(trend)), content.n)
        if newest is not None:
            picture = spectrum_picture(newest, -1, png_bytes(prediction_figure(newest, -1)))
            others = [one for one in self._pictures if one.alt != picture.alt]
            most = self._readings.run.settings.figures
            numbered = enumerate([picture, *others][:most], 1)
            self._pictures = [replace(one, name=f"spectrum-{i}") for i, one in numbered]
        content = replace(content, against=against, pictures=self._pictures)
        write_text(self.path, render_prediction_page(content))
        self._took = time.monotonic() - begin


def _trend(readings: LiveReadings) -> Trend | None:
    scans = list(readings.scans.values())
    if not scans:
        return None
    chosen = [scans[i] for i in evenly_spaced(len(scans), MOST_SCANS)]
    value_NK, low_NK, high_NK = np.moveaxis(np.stack([scan.readings_K3 for scan in chosen]), 2, 0)
    return Trend(
        readings.run.predictor.model,
        readings.run.predictor.calibration.known_range_K2,
        Against(readings.key, readings.unit or "", np.array([scan.against for scan in chosen])),
        value_NK,
        low_NK,
        high_NK,
        np.array([scan.verdict == OUTSIDE for scan in chosen]),
    )


def _clock() -> str:
    return datetime.now().astimezone().strftime("%Y-%m-%d %H:%M:%S")
