"""Figure of the choice among trials."""

from collections.abc import Mapping
from typing import Any

import matplotlib as mpl
import numpy as np
from matplotlib.cm import ScalarMappable
from matplotlib.colors import Normalize
from matplotlib.figure import Figure
from matplotlib.patches import Rectangle

from rankaae_cli.core.labels import Subject
from rankaae_cli.reports.figures.drawing import ORANGE, VERMILION, legend_below, new_figure, styled
from rankaae_cli.reports.figures.heat import draw_cells, short

_TRIALS_AT_MOST = 10
_LIMIT = 2.0  # standard deviations at which colours end


@styled
def trial_choice(subject: Subject, choice: Mapping[str, Any]) -> Figure:
    """Draw every trial's measures on validation, the best of ours first; darker is better.

    Parameters
    ----------
    subject
        What the figure is about.
    choice
        ``choice`` of metrics.json.
    """
    alive, labels, value_MT, better_MT = _by_score(choice)
    keep = [
        i
        for i, trial in enumerate(alive)
        if i < _TRIALS_AT_MOST or trial["trial"] in (choice["trial"], choice["published_choice"])
    ]
    shown = f"best {len(keep)} of {len(alive)} trials" if len(keep) < len(alive) else ""
    rows = len(labels)
    tied = "published score undecided" if choice["published_choice"] is None else ""
    figure = new_figure(0.95 + 0.17 * rows, subject, *filter(None, ["validation split", shown, tied]))
    ax = figure.subplots()
    text = [
        [short(v, measure_digits(label)) for v in row[keep]]
        for label, row in zip(labels, value_MT, strict=True)
    ]
    norm, colours = Normalize(-_LIMIT, _LIMIT), mpl.colormaps["Blues"]
    draw_cells(ax, better_MT[:, keep], text, colours, norm)
    ax.set_yticklabels(labels, parse_math=False)
    ax.set_xticklabels([str(alive[i]["trial"]) for i in keep])
    ax.set_xlabel("Trial, best score first")
    ax.axhline(1.5, color="white", lw=2, zorder=1)
    for position, i in enumerate(keep):
        for chosen, row, colour, label in (
            (choice["trial"], 0, VERMILION, "chosen"),
            (choice["published_choice"], 1, ORANGE, "the published score's choice"),
        ):
            if alive[i]["trial"] == chosen:
                ax.add_patch(
                    Rectangle(
                        (position - 0.5, row - 0.5),
                        1,
                        1,
                        fill=False,
                        ec=colour,
                        lw=1.6,
                        label=label,
                        zorder=3,
                    )
                )
    bar = figure.colorbar(ScalarMappable(norm, colours), ax=ax, aspect=30, pad=0.02)
    bar.set_label("Better, std. dev. over trials")
    legend_below(figure, ax)
    return figure


def choice_measures(choice: Mapping[str, Any]) -> tuple[list[str], list[str], np.ndarray, np.ndarray]:
    """Return what the figure shows of all trials that did not diverge, the best score first.

    Parameters
    ----------
    choice
        ``choice`` of metrics.json.

    Returns
    -------
    tuple
        Names of the trials; labels of the M measures; the measures, and how many standard deviations over
        trials each is better, shapes (M, trials).
    """
    alive, labels, value_MT, better_MT = _by_score(choice)
    return [str(trial["trial"]) for trial in alive], labels, value_MT, better_MT


def _by_score(
    choice: Mapping[str, Any],
) -> tuple[list[Mapping[str, Any]], list[str], np.ndarray, np.ndarray]:
    alive = [trial for trial in choice["trials"] if trial["mean_spearman"] is not None]
    alive.sort(key=lambda trial: trial["rank"] if trial["rank"] is not None else np.inf)
    labels, sign_M, value_MT = _measures(alive)
    return alive, labels, value_MT, sign_M[:, None] * _z(value_MT)


def _measures(trials: list[Mapping[str, Any]]) -> tuple[list[str], np.ndarray, np.ndarray]:
    """Return labels of M measures, whether more (1) or less (-1) is better, and values, shape (M, trials)."""
    rows: list[tuple[str, int, list[Any]]] = [
        ("Score", 1, [trial["score"] for trial in trials]),
        ("Published score", 1, [trial["published_score"] for trial in trials]),
    ]
    for name in trials[0]["descriptors"] if trials else ():
        for key, label in (("spearman", "ρ"), ("f1", "F1")):
            if key in trials[0]["descriptors"][name]:
                values = [trial["descriptors"][name][key] for trial in trials]
                rows.append((f"{name} {label}", 1, values))
    rows += [
        (label, sign, [trial[key] for trial in trials])
        for label, sign, key in (
            ("Max. |ρ| of styles", -1, "max_abs_spearman"),
            ("Excess coupling", -1, "excess"),
            ("Shapiro W", 1, "shapiro_min"),
        )
    ]
    errors = [1000 * trial["reconstruction_mae"] for trial in trials]
    rows.append(("Reconstr. MAE (10⁻³)", -1, errors))
    labels, signs, values = zip(*rows, strict=True)
    return list(labels), np.array(signs), np.array(values, dtype=float)


def measure_digits(label: str) -> int:
    """Return with how many decimals a measure is written in a cell."""
    return {"Published score": 1, "Reconstr. MAE (10⁻³)": 1, "Score": 3}.get(label, 2)


def _z(value_MT: np.ndarray) -> np.ndarray:
    """Return how far each value lies from the mean over trials, in standard deviations; 0 where all are equal."""
    result_MT = np.full(value_MT.shape, np.nan)
    for row, value_T in zip(result_MT, value_MT, strict=True):
        known = np.isfinite(value_T)
        if known.any():
            spread = value_T[known].std()
            row[known] = (value_T[known] - value_T[known].mean()) / spread if spread > 0 else 0.0
    return result_MT
