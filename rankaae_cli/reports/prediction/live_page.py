"""The page of a watched folder, drawn in a process of its own, for which the reading of scans does not wait."""

import multiprocessing
import os
import signal
import sys
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import datetime
from multiprocessing import resource_tracker
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Final

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
# takes longer than reading, and is not to take a processor for itself.
_BETWEEN, _TIMES = 2.0, 5.0
_REFRESH = 3  # s after which the page loads itself again
_LONGEST = 60.0  # s that the end of a watch waits for the last page
_NICENESS = 10
_START_METHOD: Final = "spawn"  # since this process has threads, of which a fork would have none
_STOP_SIGNALS = (signal.SIGINT, signal.SIGTERM)


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
        self._readings, self._folder, self._start = readings, folder, _clock()
        self._newest: PredictionResult | None = None
        self._drawer: _Drawer | None = None
        self._changes, self._request, self._duration = -1, -np.inf, 0.0

    def refresh(self, now: float) -> None:
        """Have the page made again where there is something new, and the last one is old enough.

        Parameters
        ----------
        now
            Seconds by a clock that is not set.
        """
        drawer = self._running_drawer()
        was_busy = drawer.is_busy
        if not drawer.wait(0):
            return
        if was_busy and np.isfinite(self._request):
            self._duration = now - self._request
        if self._readings.changes == self._changes or now - self._request < max(
            _BETWEEN, _TIMES * self._duration
        ):
            return
        self._request = now
        self._draw(
            f"Watching {self._folder} since {self._start}. This is how it stood at {_clock()}; the page loads "
            f"itself again every {_REFRESH} s.",
            _REFRESH,
        )

    def close(self) -> Path:
        """Make the last page; return its path."""
        drawer = self._running_drawer()
        try:
            if drawer.wait(_LONGEST):
                self._draw(f"{self._folder} was watched from {self._start} to {_clock()}.", 0)
                drawer.wait(_LONGEST)
        finally:
            drawer.close()
        return self.path

    def _running_drawer(self) -> "_Drawer":
        if self._drawer is None:
            self._drawer = _Drawer(self.path, self._readings.run.settings.figures)
        return self._drawer

    def _draw(self, remark: str, refresh: int) -> None:
        readings = self._readings
        self._changes = readings.changes
        newest = None if readings.newest is self._newest else readings.newest
        self._newest = readings.newest
        content = replace(self._content(), watch=remark, refresh=refresh)
        self._running_drawer().draw(_Page(content, _trend(readings), newest))

    def _content(self) -> PageContent:
        """Return what the page says; the last scans, the newest first."""
        readings, run = self._readings, self._readings.run
        shown, faults = list(reversed(readings.shown.items())), readings.faults
        verdicts = [readings.scans[label].verdict for label, _ in shown]
        tables = [
            replace(table, rows=[one.cells[i] for _, one in shown]) for i, table in enumerate(readings.tables)
        ]
        return PageContent(
            model=run.model,
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


@dataclass(frozen=True)
class _Page:
    """What a page is drawn from: plain values, and none of the networks, since another process is sent it."""

    content: PageContent
    trend: Trend | None
    newest: PredictionResult | None


class _Drawer:
    """A process that draws pages, one at a time; it ends with this one. What is wrong with it ends no watch.

    Parameters
    ----------
    path
        Of the page.
    figures
        How many spectra to show, the last.

    Attributes
    ----------
    is_busy
        Whether it has yet to answer: it does once it has begun, and after each page.
    """

    def __init__(self, path: Path, figures: int) -> None:
        start = multiprocessing.get_context(_START_METHOD)
        self._pipe, far_end = start.Pipe()
        self._process = start.Process(
            target=_draw_pages, args=(far_end, path, figures), name=f"page {path}", daemon=True
        )
        self.is_busy, self._is_lost, self._fault = True, False, ""
        resource_tracker.ensure_running()  # which lets the signals through that are blocked below
        # The process inherits it: the watch ends in order at these signals, and ends the process.
        signal.pthread_sigmask(signal.SIG_BLOCK, _STOP_SIGNALS)
        try:
            self._process.start()
        finally:
            signal.pthread_sigmask(signal.SIG_UNBLOCK, _STOP_SIGNALS)
            far_end.close()

    def wait(self, seconds: float) -> bool:
        """Wait so long at most for its answer; return whether it can draw a page now."""
        try:
            if self.is_busy and self._pipe.poll(seconds):
                fault = self._pipe.recv()
                if fault and fault != self._fault:
                    _print(f"the page could not be made: {fault}")
                self.is_busy, self._fault = False, fault
        except (EOFError, OSError):
            self._lose()
        return not (self.is_busy or self._is_lost)

    def draw(self, page: _Page) -> None:
        """Begin to draw a page; the answer to the last one is there."""
        self.is_busy = True
        try:
            self._pipe.send(page)
        except OSError:
            self._lose()

    def close(self) -> None:
        """End it."""
        self._pipe.close()
        self._process.join(_LONGEST)
        self._process.kill()

    def _lose(self) -> None:
        self.is_busy, self._is_lost = False, True
        self._process.join(_LONGEST)
        status = self._process.exitcode
        _print(f"the page is not kept up to date: what draws it ended with status {status}; reading goes on")


def _draw_pages(pipe: Connection, path: Path, figures: int) -> None:
    """Draw each page that comes through a pipe, and answer with what went wrong, until the pipe is closed."""
    os.nice(_NICENESS)
    pictures: Sequence[Picture] = ()
    fault = ""
    with pipe, suppress(EOFError, OSError):
        while True:
            pipe.send(fault)
            page, fault = pipe.recv(), ""
            try:
                pictures = _draw(page, path, pictures, figures)
            except Exception as error:
                fault = str(error) or type(error).__name__


def _draw(page: _Page, path: Path, pictures: Sequence[Picture], figures: int) -> Sequence[Picture]:
    """Write a page; return the pictures of spectra on it, given those of the page before."""
    content, trend, newest = page.content, page.trend, page.newest
    against = None
    if trend is not None:
        against = against_picture(trend, png_bytes(against_figure(trend)), content.n)
    if newest is not None:
        picture = spectrum_picture(newest, -1, png_bytes(prediction_figure(newest, -1)))
        others = [one for one in pictures if one.alt != picture.alt]
        numbered = enumerate([picture, *others][:figures], 1)
        pictures = [replace(one, name=f"spectrum-{i}") for i, one in numbered]
    write_text(path, render_prediction_page(replace(content, against=against, pictures=pictures)))
    return pictures


def _trend(readings: LiveReadings) -> Trend | None:
    scans = list(readings.scans.values())
    if not scans:
        return None
    scans = [scans[i] for i in evenly_spaced(len(scans), MOST_SCANS)]
    value_NK, low_NK, high_NK = np.moveaxis(np.stack([scan.readings_K3 for scan in scans]), 2, 0)
    return Trend(
        readings.run.model,
        readings.run.predictor.calibration.known_range_K2,
        Against(readings.key, readings.unit or "", np.array([scan.against for scan in scans])),
        value_NK,
        low_NK,
        high_NK,
        np.array([scan.verdict == OUTSIDE for scan in scans]),
        {name: [scan.mixtures[name] for scan in scans] for name in scans[0].mixtures},
    )


def _print(text: str) -> None:
    print(text, file=sys.stderr, flush=True)


def _clock() -> str:
    return datetime.now().astimezone().strftime("%Y-%m-%d %H:%M:%S")
