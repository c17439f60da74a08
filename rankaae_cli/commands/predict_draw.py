"""Figures and the page of a prediction."""

import re
from pathlib import Path

from rankaae_cli.data.files import write_text
from rankaae_cli.reports.drawing import data_uri, png_bytes, save_figure
from rankaae_cli.reports.page import Picture
from rankaae_cli.reports.prediction import Prediction
from rankaae_cli.reports.prediction_figures import prediction_figure
from rankaae_cli.reports.prediction_page import render_prediction_page

_PAGE = "page.html"


def write_page(output: Path, prediction: Prediction, most: int) -> Path:
    """Draw at most so many spectra, the first, below ``figures/``, and write the page; return its path."""
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
                alt=f"Spectrum and reconstruction of {prediction.spectra[n].label}, and its readings",
            )
        )
    return write_text(output / _PAGE, render_prediction_page(prediction, pictures))


def _caption(prediction: Prediction, n: int) -> str:
    parts = [f"{prediction.spectra[n].label}: {prediction.reading.verdict_N[n]}."]
    for name, (classes, probability_NC) in prediction.reading.probabilities.items():
        shown = ", ".join(
            f"{c:g} with {100 * p:.0f} %" for c, p in zip(classes, probability_NC[n], strict=True)
        )
        parts.append(f"{name} is {shown}.")
    if prediction.nearest[n]:
        parts.append(f"Nearest of training: {', '.join(prediction.nearest[n][:3])}.")
    parts += [f"{said[0].upper()}{said[1:]}." for said in prediction.warnings[n]]
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
