import io

import numpy as np
import pandas as pd
import pytest
from matplotlib.colors import to_rgb
from matplotlib.text import Text
from PIL import Image

from rankaae_cli.core.labels import Subject
from rankaae_cli.core.statistics.calibration import fit_calibration
from rankaae_cli.reports.figures import descriptors, learning, spectra
from rankaae_cli.reports.figures.drawing import BLACK, BLUE, VERMILION, png_bytes, save_figure

HOSTILE = r"$\frac{<script>_^%& ' quoted $"
ENERGY = np.linspace(7111, 7175, 40)
SUBJECTS = {
    "synthetic": Subject("Fe_oxides", "Fe", "K", synthetic=True),
    "index": Subject("amorphous_carbon", "C", "K", energy_unit="index", normalisation="unknown"),
}


def reading(name="CN", n=60, known=True, classes=None):
    """Return a descriptor and its columns of the tables."""
    rng = np.random.default_rng(0)
    style = rng.normal(size=n)
    true = np.round(style + 5) if classes else style + 0.2 * rng.normal(size=n)
    true = true if known else np.full(n, np.nan)
    calibration = fit_calibration(style, true, np.arange(n))
    score = dict.fromkeys(("spearman", "r2", "mae"), 0.9 if known else float("nan"))
    columns = {f"{name}_style": style, f"{name}_true": true, name: true}
    return descriptors.DescriptorScores(name, "angstrom", classes, calibration, score), columns


def draw_readings(draw, subject, readings, split):
    n = len(next(iter(readings[0][1].values())))
    columns = {"material": "m", "site": np.arange(n)}
    for _, more in readings:
        columns |= more
    return draw(subject, pd.DataFrame(columns), [descriptor for descriptor, _ in readings], split)


def examples(titles):
    """Return as many spectra, all 1, reconstructed as 0."""
    return pd.concat(
        [
            pd.DataFrame({"example": title, "mae": 0.1, "energy": ENERGY, "given": 1.0, "reconstructed": 0.0})
            for title in titles
        ]
    )


def errors():
    names = ("mean_spectrum", "mean_error", "mean_absolute_error", "error_p05", "error_p95")
    return pd.DataFrame({"energy": ENERGY} | {name: float(i) for i, name in enumerate(names)})


def draw_learning(figure, subject, table, selected=1, best_epoch=7):
    """Draw a figure of learning as the report does, without one where nothing was recorded."""
    draw = learning.descriptor_learning if figure == "descriptor_learning" else learning.curves
    columns = learning.recorded_columns(table)[figure]
    return draw(subject, table, columns, selected, best_epoch, "rows") if columns else None


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
    "losses": lambda s: draw_learning("training_losses", s, metrics()),
    "losses of one epoch and trial": lambda s: draw_learning("training_losses", s, metrics(1, 1), 0, 0),
    "validation": lambda s: draw_learning("validation_curves", s, metrics()),
    "descriptor learning": lambda s: draw_learning("descriptor_learning", s, metrics()),
    "one descriptor": lambda s: draw_readings(descriptors.style_vs_descriptor, s, [reading()], "test"),
    "styles": lambda s: draw_readings(
        descriptors.style_vs_descriptor,
        s,
        [reading(), reading("OS", classes=[3, 4, 5, 6, 7]), reading("OCN", known=False)],
        "validation",
    ),
    "many spectra": lambda s: draw_readings(
        descriptors.prediction_vs_truth, s, [reading(n=3500), reading("OS", n=3500)], "test"
    ),
    "truth": lambda s: draw_readings(
        descriptors.prediction_vs_truth,
        s,
        [reading(), reading("OS", classes=[3, 4, 5, 6, 7]), reading("OCN", known=False)],
        "test",
    ),
    "examples": lambda s: spectra.reconstruction_examples(
        s, examples([f"{HOSTILE} {i}" for i in range(3)]), "test"
    ),
    "error": lambda s: spectra.reconstruction_error(s, errors(), 9, "test"),
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
    assert_fits(MAKERS[name](subject), subject)


def assert_words_within(figure, slack=2):
    """Draw a figure and check that no text leaves it by more than so many dots."""
    figure.canvas.draw()
    for text in texts(figure):
        inside, box = text.get_window_extent(figure.canvas.get_renderer()).padded(-slack), figure.bbox
        assert box.x0 <= inside.x0 and inside.x1 <= box.x1 and box.y0 <= inside.y0 and inside.y1 <= box.y1, (
            text
        )


def assert_fits(figure, subject):
    """Check that a figure is of one column, labelled, with its subject above it, and that no text leaves it."""
    assert figure.get_figwidth() == 3.4
    heading = figure.get_suptitle()
    assert ("SYNTHETIC DATA" in heading) == subject.synthetic and subject.family in heading
    assert_words_within(figure)
    assert all(text.get_fontsize() >= 6 for text in texts(figure))
    labels = {ax.get_xlabel() for ax in figure.axes} | {ax.get_ylabel() for ax in figure.axes}
    assert labels - {""}


@pytest.mark.parametrize("name", ["error", "examples"])
def test_energy_axis_has_its_unit(name):
    for subject, expected in (("synthetic", "Energy (eV)"), ("index", "Energy index")):
        assert expected in {ax.get_xlabel() for ax in MAKERS[name](SUBJECTS[subject]).axes}


def test_names_are_drawn_as_they_are():
    shown = {t.get_text() for t in texts(MAKERS["examples"](SUBJECTS["synthetic"]))}
    assert any(HOSTILE in text for text in shown)


def test_nothing_recorded_leaves_no_columns_to_draw():
    empty = metrics()[["epoch", "trial", "train_smoothness"]]
    assert not any(learning.recorded_columns(empty).values())


def test_each_recorded_column_stands_in_one_figure():
    assert learning.recorded_columns(metrics()) == {
        "training_losses": ["train_reconstruction", "train_rank"],
        "validation_curves": ["val_reconstruction_mae", "val_spearman", "score"],
        "descriptor_learning": ["val_spearman_CN"],
    }


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
