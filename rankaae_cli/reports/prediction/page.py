"""The page of a prediction: one HTML file that holds its pictures and needs no network; its figures beside it."""

import re
from collections.abc import Sequence
from pathlib import Path

from rankaae_cli import __version__
from rankaae_cli.analysis.prediction.predict import PredictionResult
from rankaae_cli.core.labels import descriptor_meaning, with_unit
from rankaae_cli.data.files import write_text
from rankaae_cli.reports.figures.drawing import data_uri, save_figure
from rankaae_cli.reports.prediction.figures import prediction_figure
from rankaae_cli.reports.prediction.normalisation import write_sheets
from rankaae_cli.reports.prediction.sentences import STEPS, offset_sentence, verdict_counts, warnings
from rankaae_cli.reports.prediction.tables import prediction_table, shares_table
from rankaae_cli.reports.run.page import Picture, page_environment

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
        pictures.append(
            Picture(
                source=data_uri(png.read_bytes()),
                caption=_caption(result, n),
                file=f"{_FIGURES}/{stem}.pdf",
                name=f"spectrum-{n + 1}",
                alt=f"Spectrum and reconstruction of {one.title}, and its readings",
            )
        )
    html = render_prediction_page(result, pictures, [path.name for path in sheets])
    return write_text(output / PAGE, html), sheets


def render_prediction_page(
    result: PredictionResult, pictures: Sequence[Picture], sheets: Sequence[str] = ()
) -> str:
    """Return the page as HTML; every value is escaped.

    Parameters
    ----------
    result
        Of the call.
    pictures
        Of spectra, the first.
    sheets
        Files of how measured ones were normalised, seen from the page.
    """
    units = zip(result.model.descriptor_names, result.model.descriptor_units, strict=True)
    return (
        page_environment()
        .get_template("prediction.html.j2")
        .render(
            result=result,
            pictures=pictures,
            sheets=sheets,
            readings=prediction_table(result),
            shares={name: shares_table(result, name) for name in result.mixtures},
            descriptors=[(with_unit(name, unit), name, descriptor_meaning(name)) for name, unit in units],
            steps=STEPS,
            warnings=warnings(result),
            counts=verdict_counts(result),
            offset=offset_sentence(result),
            version=__version__,
        )
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
