"""The tables of one run, from the contents of metrics.json and traversal.json."""

import math
from collections.abc import Mapping
from typing import Any

from rankaae_cli.core.quantities import QUANTITIES
from rankaae_cli.reports.labels import averaged, described_range, style_title, traversed, with_unit
from rankaae_cli.reports.tables import Cell, Ranged, Table

_BRIEF = ("spearman", "r2", "mae", "f1", "interval_half_width", "n")
_RANGED = ("spearman", "mean_spearman", "mae", "f1")


def descriptors_table(metrics: Mapping[str, Any], units: Mapping[str, str], brief: bool = False) -> Table:
    """Return how well each descriptor is read, of the ensemble, with intervals over materials.

    Parameters
    ----------
    metrics
        Contents of metrics.json.
    units
        Unit of each descriptor.
    brief
        Leave out what a terminal has no room for.
    """
    ensemble, single = metrics["ensemble"], metrics["trials"][metrics["selected_trial"]]
    columns = {"spearman": "Spearman ρ", "kendall": "Kendall τ", "r2": "R²", "mae": "MAE"}
    columns |= {"f1": "F1", "balanced_accuracy": "Bal. acc."}
    columns |= {"interval_half_width": "90 % ±", "interval_coverage": "within", "n": "n"}
    if not any("f1" in score for score in ensemble["descriptors"].values()):
        del columns["f1"], columns["balanced_accuracy"]
    if brief:
        columns = {key: heading for key, heading in columns.items() if key in _BRIEF}
    rows: list[list[Cell]] = [
        [with_unit(name, units.get(name, "")), *(_ranged(score, key) for key in columns)]
        for name, score in ensemble["descriptors"].items()
    ]
    rows.append(["mean", _ranged(ensemble, "mean_spearman"), *[None] * (len(columns) - 1)])
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
    text += ". In brackets: 95 % bootstrap intervals over materials"
    return Table(
        name="descriptors",
        keys=keys,
        headings=headings,
        rows=rows,
        caption=_caption(metrics, f"{text}. MAE, and ± of the calibrated value, in the descriptor's unit."),
    )


def associations_table(associations: Mapping[str, Any], about: Mapping[str, Any]) -> Table:
    """Return what the free styles go with, the strongest first.

    Parameters
    ----------
    associations
        ``associations`` of metrics.json.
    about
        Contents of metrics.json, for the caption.
    """
    rows: list[list[Cell]] = [
        [
            style_title(pair["style"]),
            _quantity(pair["quantity"]),
            pair["spearman"],
            pair["partial"],
            pair["p_value"],
            "yes" if pair["stands_out"] else "no",
        ]
        for pair in associations["strongest"]
    ]
    text = (
        f"{about['split']} split, trial {associations['trial']}: the strongest partial correlations of each free "
        f"style. “Partial”: what is left after the named styles are taken out; p over all pairs together, from "
        f"{associations['permutations']} permutations of the materials."
    )
    return Table(
        name="associations",
        keys=["style", "quantity", "spearman", "partial", "p_value", "stands_out"],
        headings=["Free style", "Quantity", "Spearman ρ", "Partial ρ", "p", "Stands out"],
        rows=rows,
        caption=_caption(about, text),
    )


def disentanglement_table(metrics: Mapping[str, Any]) -> Table:
    """Return MIG, SAP and DCI, coupling, normality and leakage of the selected trial and the ensemble."""
    t = metrics["selected_trial"]
    leakage = metrics["leakage"]
    rows: list[list[Cell]] = []
    for label, scores, measured, leaked in (
        (f"trial {t}, all styles", metrics["trials"][t], "selected_trial", leakage["largest"]),
        ("ensemble, named styles", metrics["ensemble"], "ensemble", leakage["named_mean_largest"]),
    ):
        found, coupling = metrics["disentanglement"][measured], scores["inter_style"]
        rows.append(
            [
                label,
                *(coupling[key] for key in ("max_abs_spearman", "excess", "excess_permuted")),
                scores["shapiro_min"],
                *(found["mig"], found["sap"], found["dci"]["disentanglement"]),
                *(found["dci"]["completeness"], found["dci"]["informativeness"], leaked),
            ]
        )
    keys = ["styles", "max_abs_spearman", "excess", "excess_permuted", "shapiro_min", "mig", "sap"]
    headings = ["Styles", "Max. |ρ|", "Excess", "by chance", "Shapiro W", "MIG", "SAP"]
    return Table(
        name="styles",
        keys=[*keys, "dci_disentanglement", "dci_completeness", "dci_informativeness", "leakage"],
        headings=[*headings, "Disent.", "Complet.", "Inform.", "Leakage"],
        rows=rows,
        caption=_caption(
            metrics,
            f"{metrics['split']} split. The trees of DCI (disentanglement, completeness, informativeness) are "
            "fitted on validation. Leakage: the most that a style moves when another is walked, relative to that "
            "one; of the ensemble, the mean over trials.",
        ),
    )


def trials_table(metrics: Mapping[str, Any]) -> Table:
    """Return every trial's main numbers on the split, ranked by validation, unranked last, and the ensemble's."""
    rows: list[list[Cell]] = []
    for trial in sorted(
        metrics["trials"], key=lambda trial: math.inf if trial["rank"] is None else trial["rank"]
    ):
        remark = " (selected)" if trial["selected"] else " (diverged)" if trial["failed"] else ""
        first: list[Cell] = [f"{trial['trial']}{remark}", trial["validation_score"]]
        first += [trial["published_score"], trial["published_rank"], trial["best_epoch"]]
        rows.append([*first, *_main_numbers(trial)])
    rows.append(["ensemble", *[None] * 4, *_main_numbers(metrics["ensemble"])])
    return Table(
        name="trials",
        keys=[
            "trial",
            "validation_score",
            "published_score",
            "published_rank",
            "best_epoch",
            "mean_spearman",
            "reconstruction_mae",
            "excess_coupling",
            "shapiro_min",
        ],
        headings=[
            "Trial",
            "Validation score",
            "Published score",
            "its rank",
            "Epoch kept",
            "Mean ρ",
            "Reconstr. MAE",
            "Excess coupling",
            "Shapiro W",
        ],
        rows=rows,
        caption=_caption(
            metrics,
            f"by validation score, which chose; the published score is of validation too. Columns after the epoch: "
            f"{metrics['split']} split. The ensemble has named styles only.",
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
        caption=_caption(traversal, f"5th to 95th percentile of each style, {traversed(traversal)}."),
    )


def _ranged(scores: Mapping[str, Any], key: str) -> Cell:
    """Return a number with its interval where it has one and tables show it."""
    interval = (scores.get("interval") or {}).get(key) if key in _RANGED else None
    value: Cell = scores.get(key)
    return value if interval is None or isinstance(value, str) else Ranged(scores[key], *interval)


def _quantity(name: str) -> str:
    label = QUANTITIES[name].label if name in QUANTITIES else name
    return f"{name}, {label}" if label != name else name


def _main_numbers(scores: Mapping[str, Any]) -> list[Cell]:
    return [
        scores["mean_spearman"],
        scores["reconstruction"]["mae"],
        scores["inter_style"]["excess"],
        scores["shapiro_min"],
    ]


def _caption(content: Mapping[str, Any], text: str) -> str:
    return f"{'Synthetic data. ' if content['synthetic'] else ''}{content['family']}, {text}"
