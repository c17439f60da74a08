"""The tables of one run, from the contents of metrics.json and traversal.json."""

from collections.abc import Mapping
from typing import Any

from rankaae_cli.reports.labels import averaged, described_range, style_title, with_unit
from rankaae_cli.reports.tables import Cell, Table


def descriptors_table(metrics: Mapping[str, Any], units: Mapping[str, str]) -> Table:
    """Return how well each descriptor is read, of the ensemble.

    Parameters
    ----------
    metrics
        Contents of metrics.json.
    units
        Unit of each descriptor.
    """
    ensemble, single = metrics["ensemble"], metrics["trials"][metrics["selected_trial"]]
    columns = {"spearman": "Spearman ρ", "r2": "R²", "mae": "MAE", "f1": "F1"}
    columns |= {"interval_half_width": "90 % ±", "interval_coverage": "within", "n": "n"}
    if not any("f1" in score for score in ensemble["descriptors"].values()):
        del columns["f1"]
    rows: list[list[Cell]] = [
        [with_unit(name, units.get(name, "")), *(score.get(key) for key in columns)]
        for name, score in ensemble["descriptors"].items()
    ]
    rows.append(["mean", ensemble["mean_spearman"], *[None] * (len(columns) - 1)])
    keys, headings = ["descriptor", *columns], ["Descriptor", *columns.values()]
    if ensemble["n_trials"] > 1:
        # Publications give single trials.
        keys.insert(2, "spearman_single_trial")
        headings.insert(2, "one trial")
        alone = [score["spearman"] for score in single["descriptors"].values()]
        for row, rho in zip(rows, [*alone, single["mean_spearman"]], strict=True):
            row.insert(2, rho)
    text = f"{metrics['split']} split, {averaged(metrics)}"
    text += f"; “one trial”: ρ of trial {metrics['selected_trial']} alone" if ensemble["n_trials"] > 1 else ""
    return Table(
        name="descriptors",
        keys=keys,
        headings=headings,
        rows=rows,
        caption=_caption(metrics, f"{text}. MAE, and ± of the calibrated value, in the descriptor's unit."),
    )


def trials_table(metrics: Mapping[str, Any]) -> Table:
    """Return every trial's main numbers on the split, ranked by validation, and the ensemble's."""
    rows: list[list[Cell]] = []
    for trial in sorted(metrics["trials"], key=lambda trial: trial["rank"]):
        remark = " (selected)" if trial["selected"] else " (diverged)" if trial["failed"] else ""
        first: list[Cell] = [f"{trial['trial']}{remark}", trial["validation_score"], trial["best_epoch"]]
        rows.append([*first, *_main_numbers(trial)])
    rows.append(["ensemble", None, None, *_main_numbers(metrics["ensemble"])])
    return Table(
        name="trials",
        keys=[
            "trial",
            "validation_score",
            "best_epoch",
            "mean_spearman",
            "reconstruction_mae",
            "excess_coupling",
            "shapiro_min",
        ],
        headings=[
            "Trial",
            "Validation score",
            "Epoch kept",
            "Mean ρ",
            "Reconstr. MAE",
            "Excess coupling",
            "Shapiro W",
        ],
        rows=rows,
        caption=_caption(
            metrics, f"{metrics['split']} split, by validation score. The ensemble has named styles only."
        ),
    )


def traversals_table(traversal: Mapping[str, Any]) -> Table:
    """Return each style's range and largest change; with the agreement with the truth where it is known."""
    synthetic, unit = traversal["synthetic"], traversal["energy_unit"]
    rows: list[list[Cell]] = []
    for name, style in traversal["styles"].items():
        row: list[Cell] = [style_title(name), described_range(style), style["largest_change"]]
        row.append(f"{style['energy_of_largest_change']:.{0 if unit == 'index' else 1}f}")
        rows.append([*row, *([style["pearson_true_response"]] if synthetic else [])])
    return Table(
        name="traversals",
        keys=["style", "descriptor_range", "largest_change", "energy", *(["pearson"] if synthetic else [])],
        headings=[
            "Style",
            "Descriptor, from and to",
            "Largest change",
            "At index" if unit == "index" else f"At ({unit})",
            *(["Pearson r with the truth"] if synthetic else []),
        ],
        rows=rows,
        caption=_caption(
            traversal, f"5th to 95th percentile of each style, trial {traversal['selected_trial']}."
        ),
    )


def _main_numbers(scores: Mapping[str, Any]) -> list[Cell]:
    return [
        scores["mean_spearman"],
        scores["reconstruction"]["mae"],
        scores["inter_style"]["excess"],
        scores["shapiro_min"],
    ]


def _caption(content: Mapping[str, Any], text: str) -> str:
    return f"{'Synthetic data. ' if content['synthetic'] else ''}{content['family']}, {text}"
