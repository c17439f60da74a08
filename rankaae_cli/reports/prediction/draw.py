"""Figures and the page of a prediction."""

import re
from collections.abc import Sequence
from pathlib import Path

from rankaae_cli.data.files import write_text
from rankaae_cli.reports.figures.drawing import data_uri, png_bytes, save_figure
from rankaae_cli.reports.prediction.figures import prediction_figure
from rankaae_cli.reports.prediction.page import render_prediction_page
from rankaae_cli.reports.prediction.sheets import write_sheets
from rankaae_cli.reports.prediction.tables import Prediction, named
from rankaae_cli.reports.run.page import Picture

_PAGE, _SHEETS = "page.html", "normalisation"


def write_normalisation(output: Path, prediction: Prediction, most: int) -> list[Path]:
    """Draw how the measured ones of at most so many spectra, the first, were normalised; return the sheets."""
    drawn = prediction.spectra[:most]
    prepared = [one.prepared for one in drawn if not one.is_computed and not one.is_stored]
    return write_sheets(prepared, f"{prediction.subject.family}, measured", output / _SHEETS)


def write_page(output: Path, prediction: Prediction, most: int, sheets: Sequence[Path] = ()) -> Path:
    """Draw at most so many spectra, the first, below ``figures/``, and write the page; return its path.

    Parameters
    ----------
    output
        The folder of the prediction.
    prediction
        What was read.
    most
        How many.
    sheets
        Of how spectra were normalised, in `output`; the page links them.
    """
    stems: set[str] = set()
    pictures = []
    for n in range(min(most, len(prediction.spectra))):
        stem = _stem(prediction.spectra[n].label, stems)
        figure = prediction_figure(prediction, n)
        save_figure(figure, output / "figures" / stem, ("pdf",))
        png = png_bytes(figure)
        (output / "figures" / f"{stem}.png").write_bytes(png)
        pictures.append(
            Picture(
                source=data_uri(png),
                caption=_caption(prediction, n),
                file=f"figures/{stem}.pdf",
                name=f"spectrum-{n + 1}",
                alt=f"Spectrum and reconstruction of {named(prediction.spectra[n])}, and its readings",
            )
        )
    return write_text(output / _PAGE, render_prediction_page(prediction, pictures, [p.name for p in sheets]))


def _caption(prediction: Prediction, n: int) -> str:
    parts = [f"{named(prediction.spectra[n])}: {prediction.reading.verdict_N[n]}."]
    probable = []
    for name, (classes, probability_NC) in prediction.reading.probabilities.items():
        each = zip(classes, probability_NC[n], strict=True)
        probable.append(f"{name} {', '.join(f'{c:g} ({100 * p:.0f} %)' for c, p in each)}")
    if probable:
        parts.append(f"Probabilities: {'; '.join(probable)}.")
    if prediction.nearest[n]:
        nearest = [" (site ".join(one.rsplit(" ", 1)) + ")" for one in prediction.nearest[n][:3]]
        parts.append(f"Nearest of training: {', '.join(nearest)}.")
    parts += [
        f"{said[0].upper()}{said[1:]}{'' if said.endswith('?') else '.'}" for said in prediction.warnings[n]
    ]
    return " ".join(parts)


def _stem(label: str, taken: set[str]) -> str:
    """Return a file name for a spectrum that no other has, and note it in `taken`."""
    plain = re.sub(r"[^A-Za-z0-9._+-]+", "_", label).strip("._")[:80] or "spectrum"
    stem, count = plain, 1
    while stem.lower() in taken:
        count += 1
        stem = f"{plain}-{count}"
    taken.add(stem.lower())
    return stem
