"""The page of a prediction: one HTML file that holds its pictures and needs no network; its figures beside it."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from rankaae_cli.analysis.prediction.predict import ModelDescription, PredictionResult
from rankaae_cli.core.labels import descriptor_meaning, with_unit
from rankaae_cli.data.files import write_text
from rankaae_cli.reports.figures.drawing import data_uri, save_figure
from rankaae_cli.reports.prediction.against import against_figure, against_picture, trend_of
from rankaae_cli.reports.prediction.figures import prediction_figure
from rankaae_cli.reports.prediction.normalisation import write_sheets
from rankaae_cli.reports.prediction.sentences import (
    STEPS,
    offset_sentence,
    references_sentence,
    verdict_counts,
    warnings,
)
from rankaae_cli.reports.prediction.tables import prediction_table, references_table, shares_table
from rankaae_cli.reports.run.page import Picture, render
from rankaae_cli.reports.tables import Table

PAGE = "page.html"
_SHEETS, _FIGURES = "normalisation", "figures"


def write_page(
    output: Path, result: PredictionResult, figures: int, draw_normalisation: bool
) -> tuple[Path, list[Path]]:
    """Draw spectra below ``figures/``, and write the page.

    Parameters
    ----------
    output
        A folder.
    result
        Of the call.
    figures
        How many spectra to draw, the first; below 0: all.
    draw_normalisation
        Whether to draw how the measured ones of these were normalised.

    Returns
    -------
    tuple
        The page, and the contact sheets of the normalisation.
    """
    shown = result.spectra if figures < 0 else result.spectra[:figures]
    sheets: list[Path] = []
    if draw_normalisation:
        scans = [one.prepared for one in shown if not (one.is_computed or one.is_stored)]
        sheets = write_sheets(scans, f"{result.model.subject.family}, measured", output / _SHEETS)
    stems: set[str] = set()
    pictures = []
    for n, one in enumerate(shown):
        stem = _new_stem(one.label, stems)
        stems.add(stem.lower())
        _, png = save_figure(prediction_figure(result, n), output / _FIGURES / stem, ("pdf", "png"))
        pictures.append(spectrum_picture(result, n, png.read_bytes(), f"{_FIGURES}/{stem}.pdf"))
    against = None
    if result.against is not None:
        stem = _new_stem("against", stems)
        trend = trend_of(result, result.against)
        _, png = save_figure(against_figure(trend), output / _FIGURES / stem, ("pdf", "png"))
        against = against_picture(trend, png.read_bytes(), len(result.spectra), f"{_FIGURES}/{stem}.pdf")
    html = render_prediction_page(page_content(result, pictures, [path.name for path in sheets], against))
    return write_text(output / PAGE, html), sheets


@dataclass(frozen=True)
class PageContent:
    """All that the page of a prediction shows; plain values, no markup.

    Attributes
    ----------
    model
        Of the run, whose name is `run_name`.
    coverage
        Share of true values that the intervals are to hold.
    counts, offset, warnings
        Sentences: how many spectra with which verdict, what was done to their energies, what is to be said of them.
    readings, shares, references
        Tables; of shares by descriptor, of references None where there are none.
    references_remark
        A sentence on them.
    n
        How many spectra were read.
    has_classes
        Whether there are columns for these.
    faults, more_faults
        What could not be read, file and reason, and how many of them are not shown.
    pictures, sheets
        Of spectra; files of how measured ones were normalised, seen from the page.
    against
        Descriptors against a number of each scan; None where that was not asked for.
    watch
        A sentence on the watch whose page this is; empty where it is of none.
    refresh
        Seconds after which the page loads itself again; 0: never.
    """

    model: ModelDescription
    run_name: str
    coverage: float
    counts: str
    offset: str
    warnings: Sequence[str]
    readings: Table
    shares: Mapping[str, Table]
    n: int
    has_classes: bool
    faults: Sequence[tuple[str, str]]
    more_faults: int = 0
    pictures: Sequence[Picture] = ()
    sheets: Sequence[str] = ()
    against: Picture | None = None
    references: Table | None = None
    references_remark: str = ""
    watch: str = ""
    refresh: int = 0


def page_content(
    result: PredictionResult,
    pictures: Sequence[Picture] = (),
    sheets: Sequence[str] = (),
    against: Picture | None = None,
) -> PageContent:
    """Return what the page of a call shows; see `PageContent`."""
    return PageContent(
        model=result.model,
        run_name=result.run_name,
        coverage=result.coverage,
        counts=verdict_counts(result.prediction.verdict_N),
        offset=offset_sentence(result),
        warnings=warnings(result),
        readings=prediction_table(result),
        shares={name: shares_table(result, name) for name in result.mixtures},
        n=len(result.spectra),
        has_classes=bool(result.prediction.probabilities),
        faults=result.faults,
        pictures=pictures,
        sheets=sheets,
        against=against,
        references=references_table(result) if result.references else None,
        references_remark=references_sentence(result),
    )


def render_prediction_page(content: PageContent) -> str:
    """Return the page as HTML; every value is escaped."""
    units = zip(content.model.descriptor_names, content.model.descriptor_units, strict=True)
    return render(
        "prediction.html.j2",
        page=content,
        descriptors=[(with_unit(name, unit), name, descriptor_meaning(name)) for name, unit in units],
        steps=STEPS,
    )


def spectrum_picture(result: PredictionResult, n: int, png: bytes, file: str = "") -> Picture:
    """Return the figure of the n-th spectrum for the page; `file` is the one for papers, seen from there."""
    one = result.spectra[n]
    return Picture(
        source=data_uri(png),
        caption=_caption(result, n),
        file=file,
        name=f"spectrum-{n + 1}",
        alt=f"Spectrum and reconstruction of {one.title}, and its readings",
    )


def _caption(result: PredictionResult, n: int) -> str:
    prediction = result.prediction
    parts = [f"{result.spectra[n].title}: {prediction.verdict_N[n]}."]
    probable = []
    for name, (classes, probability_NC) in prediction.probabilities.items():
        each = zip(classes, probability_NC[n], strict=True)
        probable.append(f"{name} {', '.join(f'{c:g} ({100 * p:.0f} %)' for c, p in each)}")
    if probable:
        parts.append(f"Probabilities: {'; '.join(probable)}.")
    if result.nearest[n]:
        nearest = [" (site ".join(one.rsplit(" ", 1)) + ")" for one in result.nearest[n][:3]]
        parts.append(f"Nearest of training: {', '.join(nearest)}.")
    if result.nuisances[n]:
        parts.append(f"Integrated over: {result.nuisances[n]}.")
    parts += [
        f"{text[0].upper()}{text[1:]}{'' if text.endswith('?') else '.'}" for text in result.warnings[n]
    ]
    return " ".join(parts)


def _new_stem(label: str, others: set[str]) -> str:
    """Return a file name for a spectrum that is none of `others`, which are in lower case."""
    plain = re.sub(r"[^A-Za-z0-9._+-]+", "_", label).strip("._")[:80] or "spectrum"
    stem, count = plain, 1
    while stem.lower() in others:
        count += 1
        stem = f"{plain}-{count}"
    return stem
