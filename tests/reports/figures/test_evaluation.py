import io

import numpy as np
import pandas as pd
import pytest
from matplotlib.colors import to_rgb
from matplotlib.text import Text
from PIL import Image

from rankaae_cli.core.labels import Subject
from rankaae_cli.core.statistics.calibration import fit_calibration
from rankaae_cli.reports.figures import evaluation as figures
from rankaae_cli.reports.figures.drawing import BLACK, BLUE, VERMILION, png_bytes, save_figure

HOSTILE = r"$\frac{<script>_^%& ' quoted $"
ENERGY = np.linspace(7111, 7175, 40)
SUBJECTS = {
    "synthetic": Subject("Fe_oxides", "Fe", "K", synthetic=True),
    "index": Subject("amorphous_carbon", "C", "K", energy_unit="index", normalisation="unknown"),
}


def reading(name="CN", n=60, known=True, classes=None):
    rng = np.random.default_rng(0)
    style = rng.normal(size=n)
    true = np.round(style + 5) if classes else style + 0.2 * rng.normal(size=n)
    true = true if known else np.full(n, np.nan)
    calibration = fit_calibration(style, true, np.arange(n))
    predicted = true if known else np.full(n, np.nan)
    score = 0.9 if known else float("nan")
    return figures.DescriptorReading(
        name, "angstrom", style, true, predicted, calibration, score, score, score, classes
    )


def metrics(trials=3, epochs=20):
    rng = np.random.default_rng(0)
    rows = [
        {
            "epoch": e,
            "trial": t,
            "learning_rate": 1e-3,
            "train_reconstruction": np.exp(-e / 3) + 1e-3,
            "train_rank": -0.1 * rng.random(),
            "train_smoothness": np.nan,
            "val_reconstruction_mae": 0.1,
            "val_spearman": 0.5 if e % 2 else np.nan,
            "val_spearman_CN": 0.5,
            "score": -1.0,
        }
        for e in range(epochs)
        for t in range(trials)
    ]
    return pd.DataFrame(rows)


MAKERS = {
    "losses": lambda s: figures.training_losses(s, metrics(), 1, 7),
    "losses of one epoch and trial": lambda s: figures.training_losses(s, metrics(1, 1), 0, 0),
    "validation": lambda s: figures.validation_curves(s, metrics(), 1, 7),
    "descriptor learning": lambda s: figures.descriptor_learning(s, metrics(), ["CN", "OS"], 1, 7),
    "one descriptor": lambda s: figures.style_vs_descriptor(s, [reading()], "test"),
    "styles": lambda s: figures.style_vs_descriptor(
        s, [reading(), reading("OS", classes=[3, 4, 5, 6, 7]), reading("OCN", known=False)], "validation"
    ),
    "many spectra": lambda s: figures.prediction_vs_truth(s, [reading(n=3500), reading(n=3500)], "test"),
    "truth": lambda s: figures.prediction_vs_truth(
        s, [reading(), reading("OS", classes=[3, 4, 5, 6, 7]), reading("OCN", known=False)], "test"
    ),
    "examples": lambda s: figures.reconstruction_examples(
        s, ENERGY, [figures.ReconstructionExample(HOSTILE, np.ones(40), np.zeros(40), 0.1)] * 3, "test"
    ),
    "error": lambda s: figures.reconstruction_error(s, ENERGY, np.zeros((9, 40)), np.ones((9, 40)), "test"),
}


def texts(figure):
    """All texts but tick labels, which matplotlib keeps for ticks out of view too."""
    ticks = {
        t for ax in figure.axes for t in (*ax.xaxis.get_majorticklabels(), *ax.yaxis.get_majorticklabels())
    }
    minor = {t for ax in figure.axes for axis in (ax.xaxis, ax.yaxis) for t in axis.get_minorticklabels()}
    return [t for t in figure.findobj(Text) if t.get_visible() and t.get_text() and t not in ticks | minor]


@pytest.mark.parametrize("subject", SUBJECTS.values(), ids=SUBJECTS.keys())
@pytest.mark.parametrize("name", MAKERS)
def test_figure_fits_its_column_is_labelled_and_says_what_is_synthetic(name, subject):
    figure = MAKERS[name](subject)
    assert figure.get_figwidth() == 3.4
    heading = figure.get_suptitle()
    assert ("SYNTHETIC DATA" in heading) == subject.synthetic and subject.family in heading
    figure.canvas.draw()
    for text in texts(figure):
        inside = text.get_window_extent(figure.canvas.get_renderer()).padded(-2)
        box = figure.bbox
        assert box.x0 <= inside.x0 and inside.x1 <= box.x1 and box.y0 <= inside.y0 and inside.y1 <= box.y1, (
            text
        )
        assert text.get_fontsize() >= 6
    labels = {ax.get_xlabel() for ax in figure.axes} | {ax.get_ylabel() for ax in figure.axes}
    assert labels - {""}


@pytest.mark.parametrize("name", ["error", "examples"])
def test_energy_axis_has_its_unit(name):
    for subject, expected in (("synthetic", "Energy (eV)"), ("index", "Energy index")):
        assert expected in {ax.get_xlabel() for ax in MAKERS[name](SUBJECTS[subject]).axes}


def test_names_are_drawn_as_they_are():
    shown = {t.get_text() for t in texts(MAKERS["examples"](SUBJECTS["synthetic"]))}
    assert any(HOSTILE in text for text in shown)


def test_nothing_recorded_gives_no_figure():
    empty = metrics()[["epoch", "trial"]]
    assert figures.training_losses(SUBJECTS["index"], empty, 0, 0) is None
    assert figures.validation_curves(SUBJECTS["index"], empty, 0, 0) is None
    assert figures.descriptor_learning(SUBJECTS["index"], empty, ["CN"], 0, 0) is None


def test_picture_has_the_colours_and_the_size_of_its_figure():
    picture = Image.open(io.BytesIO(png_bytes(MAKERS["truth"](SUBJECTS["synthetic"]))))
    assert picture.width == 3.4 * 300 and picture.mode == "P"
    colours = {colour for _, colour in picture.convert("RGB").getcolors()}
    for asked in (BLACK, BLUE, VERMILION):
        asked = np.array(to_rgb(asked)) * 255
        assert min(np.abs(asked - colour).max() for colour in colours) < 12


def test_same_figure_is_the_same_bytes(tmp_path):
    for name in ("a", "b"):
        save_figure(MAKERS["truth"](SUBJECTS["synthetic"]), tmp_path / name)
    assert png_bytes(MAKERS["truth"](SUBJECTS["synthetic"])) == (tmp_path / "a.png").read_bytes()
    for suffix in ("png", "pdf"):
        assert (tmp_path / f"a.{suffix}").read_bytes() == (tmp_path / f"b.{suffix}").read_bytes()
