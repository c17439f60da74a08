"""The tables of one run, from the contents of metrics.json and traversal.json."""

import math
from collections.abc import Mapping
from typing import Any

from rankaae_cli.analysis.evaluation.findings import WARNING
from rankaae_cli.analysis.traversal.findings import FIT_VERDICTS, NOT_READ, not_read_because
from rankaae_cli.core.labels import averaged, described_range, style_title, traversed, with_unit
from rankaae_cli.core.statistics.calibration import COVERAGE
from rankaae_cli.core.structure.quantities import QUANTITIES
from rankaae_cli.reports.captions import table_caption
from rankaae_cli.reports.tables import Cell, Ranged, Table, print_number

_BRIEF = ("spearman", "spearman_attainable", "r2", "mae", "f1", "interval_half_width", "n")
_TRIAL_COLUMNS = {
    "trial": "Trial",
    "validation_score": "Validation score",
    "published_score": "Published score",
    "published_rank": "Rank by published score",
    "best_epoch": "Epoch kept",
    "mean_spearman": "Mean Spearman ρ",
    "reconstruction_mae": "Reconstruction MAE",
    "excess_coupling": "Excess coupling of named styles",
    "shapiro_min": "Smallest Shapiro W",
}
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
    columns = _descriptor_columns(metrics, brief)
    rows: list[list[Cell]] = [
        [with_unit(name, units.get(name, "")), *(_ranged(score, key) for key in columns)]
        for name, score in ensemble["descriptors"].items()
    ]
    means: list[Cell] = [_ranged(ensemble, "mean_spearman"), ensemble.get("mean_spearman_attainable")]
    rows.append(["mean", *means, *[None] * (len(columns) - len(means))])
    keys, headings = ["descriptor", *columns], ["Descriptor", *columns.values()]
    if ensemble["n_trials"] > 1:
        # Publications give single trials.
        keys.insert(2, "spearman_single_trial")
        headings.insert(2, "one trial")
        alone = [score["spearman"] for score in single["descriptors"].values()]
        for row, rho in zip(rows, [*alone, single["mean_spearman"]], strict=True):
            row.insert(2, rho)
    return Table(
        name="descriptors",
        keys=keys,
        headings=headings,
        rows=rows,
        caption=_caption(
            "descriptors",
            metrics,
            split=metrics["split"],
            averaged=averaged(metrics),
            columns=_columns(metrics, columns),
        ),
    )


def descriptors_note(metrics: Mapping[str, Any], brief: bool = False) -> str:
    """Return what the columns of `descriptors_table` mean."""
    return _columns(metrics, _descriptor_columns(metrics, brief))


def _descriptor_columns(metrics: Mapping[str, Any], brief: bool) -> dict[str, str]:
    """Return keys and headings of the numbers of a descriptor."""
    columns = {"spearman": "Spearman ρ", "spearman_attainable": "best possible ρ", "kendall": "Kendall τ"}
    columns |= {
        "r2": "R²",
        "mae": "MAE",
        "rmse": "RMSE",
        "f1": "F1",
        "balanced_accuracy": "Balanced accuracy",
    }
    columns |= {"interval_half_width": "90 % interval ±", "interval_coverage": "share within it"}
    columns |= {"n": "Spectra"}
    scores = metrics["ensemble"]["descriptors"].values()
    for key in ("rmse", "f1", "balanced_accuracy"):  # an earlier version's numbers lack the first
        if not any(key in score for score in scores):
            del columns[key]
    return {key: heading for key, heading in columns.items() if not brief or key in _BRIEF}


def _columns(metrics: Mapping[str, Any], columns: Mapping[str, str]) -> str:
    single = metrics["selected_trial"]
    number = "a style" if "inter_style" in metrics["ensemble"] else "a reading"
    parts = [f"ρ: rank correlation of {number} with its descriptor (1 is the same order)"]
    if metrics["ensemble"]["n_trials"] > 1:
        parts.append(f"one trial: ρ of trial {single} alone")
    parts.append(
        f"best possible: the most that {number} without ties can reach, as values of the descriptor tie"
    )
    if "kendall" in columns:
        parts.append("Kendall τ: τ-b, a rank correlation of pairs; where values tie it too cannot reach 1")
    errors = "R², MAE: of the calibrated value, share of variance explained and mean absolute error"
    parts.append(f"{errors}; RMSE: root mean square error" if "rmse" in columns else errors)
    if "f1" in columns:
        parts.append("F1: of classes, mean over them (1 is all right)")
    parts.append("90 % interval: half its width, in the descriptor's unit")
    if "interval_coverage" in columns:
        parts[-1] += ", and the share of true values within it"
    return f"{'; '.join(parts)}. In brackets: 95 % bootstrap intervals over materials."


def coverage_table(metrics: Mapping[str, Any]) -> Table | None:
    """Return how many true values intervals hold in each class or decile; None of an earlier version's numbers."""
    keys = ["descriptor", "from", "to", "coverage", "width", "n", "n_materials"]
    headings = [
        "True value",
        "from",
        "to",
        "Share within 90 % intervals",
        "mean width",
        "Spectra",
        "Materials",
    ]
    rows: list[list[Cell]] = [
        [f"{name}, {group['group']}", group["low"], group["high"],
         Ranged(group["coverage"], *group["interval"]), group["width"], group["n"], group["n_materials"]]
        for name, score in metrics["ensemble"]["descriptors"].items()
        for group in score.get("coverage") or ()
    ]  # fmt: skip
    caption = _caption("coverage", metrics, split=metrics["split"])
    return Table("coverage", keys, headings, rows, caption) if rows else None


def coverage_remark(metrics: Mapping[str, Any]) -> str | None:
    """Return of which true values 90 % intervals surely hold fewer; None where of none."""
    short = []
    for name, score in metrics["ensemble"]["descriptors"].items():
        for group in score.get("coverage") or ():
            if group["interval"][1] < COVERAGE:
                ends = dict.fromkeys(f"{group[end]:.3g}" for end in ("low", "high"))
                short.append(f"{name} {' to '.join(ends)} ({100 * group['coverage']:.0f} % of {group['n']})")
    if not short:
        return None
    return f"{WARNING}90 % intervals hold fewer than nine in ten true values of {', '.join(short)}"


def associations_table(associations: Mapping[str, Any], about: Mapping[str, Any]) -> Table:
    """Return what the free styles go with, the strongest first.

    Parameters
    ----------
    associations
        ``associations`` of metrics.json.
    about
        Contents of metrics.json, for the caption.
    """
    again = associations.get("repeated_on", about["split"])
    columns = {"style": "Free style", "quantity": "Quantity", "found_partial": "Partial ρ, validation"}
    numbers = {"partial": "Partial ρ", "spearman": "Spearman ρ", "p_value": "p"}
    columns |= {key: f"{heading}, {again}" for key, heading in numbers.items()} | {"stands_out": "Stands out"}
    rows: list[list[Cell]] = [
        [
            style_title(pair["style"]),
            _quantity(pair["quantity"]),
            pair.get("found_partial"),
            *(pair[key] for key in numbers),
            _verdict(pair),
        ]
        for pair in associations["strongest"]
    ]
    return Table(
        name="associations",
        keys=list(columns),
        headings=list(columns.values()),
        rows=rows,
        caption=_caption(
            "associations",
            about,
            trial=associations["trial"],
            again=again,
            permutations=associations["permutations"],
            floor=print_number(float(associations["floor"]), 1),
        ),
    )


def _verdict(pair: Mapping[str, Any]) -> str:
    if pair["stands_out"]:
        return "yes"
    return f"no, of {pair['descriptor']}" if pair.get("repeats") else "no"


def disentanglement_table(metrics: Mapping[str, Any]) -> Table:
    """Return MIG, SAP and DCI, coupling, normality and leakage of the selected trial and the ensemble."""
    t = metrics["selected_trial"]
    leakage = metrics["leakage"]
    rows: list[list[Cell]] = []
    for label, scores, measured, leaked in (
        (f"trial {t}, all styles", metrics["trials"][t], "selected_trial", leakage["largest"]),
        ("ensemble, named styles", metrics["ensemble"], "ensemble", leakage["named_mean_largest"]),
    ):
        measures, coupling = metrics["disentanglement"][measured], scores["inter_style"]
        rows.append(
            [
                label,
                *(coupling[key] for key in ("max_abs_spearman", "excess", "excess_permuted")),
                scores["shapiro_min"],
                *(measures["mig"], measures["sap"], measures["dci"]["disentanglement"]),
                *(measures["dci"]["completeness"], measures["dci"]["informativeness"], leaked),
            ]
        )
    named = metrics["trials"][t].get("inter_style_named")
    if named and named["excess"] is not None:
        values = [named[key] for key in ("max_abs_spearman", "excess", "excess_permuted")]
        rows.insert(1, [f"trial {t}, named styles", *values, *[None] * 7])
    keys = ["styles", "max_abs_spearman", "excess", "excess_permuted", "shapiro_min", "mig", "sap"]
    headings = ["Styles", "Largest |ρ| of two styles", "Excess coupling", "the same by chance"]
    headings += ["Smallest Shapiro W", "Mutual information gap", "Separated predictability"]
    return Table(
        name="styles",
        keys=[*keys, "dci_disentanglement", "dci_completeness", "dci_informativeness", "leakage"],
        headings=[*headings, "Disentanglement", "Completeness", "Informativeness", "Leakage"],
        rows=rows,
        caption=_caption("styles", metrics, split=metrics["split"]),
    )


def trials_table(metrics: Mapping[str, Any]) -> Table:
    """Return every trial's main numbers on the split, ranked by validation, unranked last, and the ensemble's."""
    first = metrics["trials"][0]
    before = [
        key for key in ("validation_score", "published_score", "published_rank", "best_epoch") if key in first
    ]
    columns = {"trial": _TRIAL_COLUMNS["trial"]} | {key: _TRIAL_COLUMNS[key] for key in before}
    columns |= {key: _TRIAL_COLUMNS[key] for key in _main_numbers(metrics["ensemble"])}
    rows: list[list[Cell]] = []
    for trial in sorted(
        metrics["trials"], key=lambda trial: math.inf if trial["rank"] is None else trial["rank"]
    ):
        remark = " (selected)" if trial["selected"] else " (diverged)" if trial["failed"] else ""
        own: list[Cell] = [trial[key] for key in before]
        rows.append([f"{trial['trial']}{remark}", *own, *_main_numbers(trial).values()])
    rows.append(["ensemble", *[None] * len(before), *_main_numbers(metrics["ensemble"]).values()])
    caption = "trials" if "excess_coupling" in columns else "trials_of_readers"
    return Table(
        name="trials",
        keys=list(columns),
        headings=list(columns.values()),
        rows=rows,
        caption=_caption(caption, metrics, split=metrics["split"]),
    )


def traversals_table(traversal: Mapping[str, Any]) -> Table:
    """Return each style's range and largest change; with the agreement with the truth where it is known."""
    synthetic, unit = traversal["synthetic"], traversal["energy_unit"]
    rows: list[list[Cell]] = []
    for name, style in traversal["styles"].items():
        row: list[Cell] = [style_title(name), described_range(style), style["largest_change"]]
        row.append(f"{style['energy_of_largest_change']:.{0 if unit == 'index' else 1}f}")
        row.append(_read(style.get("check") or {}))
        row.append(f"{100 * style['support']['share']:.0f}" if style.get("support") else None)
        rows.append([*row, *([style["pearson_true_response"]] if synthetic else [])])
    return Table(
        name="traversals",
        keys=[
            "style",
            "descriptor_range",
            "largest_change",
            "energy",
            "read",
            "supported_percent",
            *(["pearson"] if synthetic else []),
        ],
        headings=[
            "Style",
            "Descriptor, from and to",
            "Largest change",
            "At index" if unit == "index" else f"At ({unit})",
            "Read",
            "Supported (%)",
            *(["Pearson r with the truth"] if synthetic else []),
        ],
        rows=rows,
        caption=_caption("traversals", traversal, traversed=traversed(traversal)),
    )


def fits_table(traversal: Mapping[str, Any]) -> Table | None:
    """Return how each walk correlates with each descriptor's matched difference; None of one descriptor."""
    fits = traversal.get("fits") or {"descriptors": []}
    names = fits["descriptors"]
    if len(names) < 2:
        return None
    checks = [traversal["styles"][name]["check"] for name in names]
    return Table(
        name="fits",
        keys=["walk", *names, "p_value", "own"],
        headings=["Walk", *names, "p", "Fits best"],
        rows=[
            [name, *row, (check["fit"] or {}).get("p_value"), _best_fit(check)]
            for name, row, check in zip(names, fits["pearson"], checks, strict=True)
        ],
        caption=_caption("fits", traversal, rows=checks[0]["rows_text"]),
    )


def _best_fit(check: Mapping[str, Any]) -> str:
    if not_read_because(check):
        return NOT_READ
    return FIT_VERDICTS[check["fit"]["verdict"]] if check["fit"] else "–"


def _read(check: Mapping[str, Any]) -> str:
    """Return whether a style reads its descriptor better than chance; a dash for a free style."""
    if not check.get("reading"):
        return "–"
    return NOT_READ if not_read_because(check) else "yes"


def reading_table(traversal: Mapping[str, Any]) -> Table | None:
    """Return how other descriptors change along each walk to an independent reader; None of one descriptor."""
    reading = traversal.get("independent_reader") or {"changes": []}
    names = list(dict.fromkeys(row["walked"] for row in reading["changes"]))
    if not names:
        return None
    cells: dict[tuple[str, str], list[Cell]] = {
        (row["walked"], row["read"]): [row["walk"], row["pairs"]] for row in reading["changes"]
    }
    unknown: list[Cell] = [None, None]
    return Table(
        name="independent_reader",
        keys=["walked", *(f"{name}_{what}" for name in names for what in ("walk", "pairs"))],
        headings=["Walked", *(heading for name in names for heading in (name, "real pairs"))],
        rows=[
            [walked, *(cell for name in names for cell in cells.get((walked, name), unknown))]
            for walked in names
        ],
        caption=_caption("independent_reader", traversal, reader=reading["reader"], rows=reading["rows"]),
    )


def _ranged(scores: Mapping[str, Any], key: str) -> Cell:
    """Return a number with its interval where it has one and tables show it."""
    interval = (scores.get("interval") or {}).get(key) if key in _RANGED else None
    value: Cell = scores.get(key)
    return value if interval is None or isinstance(value, str) else Ranged(scores[key], *interval)


def _quantity(name: str) -> str:
    label = QUANTITIES[name].label if name in QUANTITIES else name
    return f"{name}, {label}" if label != name else name


def _main_numbers(scores: Mapping[str, Any]) -> dict[str, Cell]:
    """Return the main numbers of a trial or the ensemble, by their keys in `_TRIAL_COLUMNS`."""
    numbers: dict[str, Cell] = {
        "mean_spearman": scores["mean_spearman"],
        "reconstruction_mae": scores["reconstruction"]["mae"],
    }
    if "inter_style" in scores:
        # Evaluations of earlier versions lack the coupling of a trial's named styles alone.
        numbers["excess_coupling"] = (scores.get("inter_style_named") or {}).get("excess")
        numbers["shapiro_min"] = scores["shapiro_min"]
    return numbers


def _caption(name: str, content: Mapping[str, Any], **values: Any) -> str:
    return table_caption(name, f"{content['family']}, ", content["synthetic"], **values)
