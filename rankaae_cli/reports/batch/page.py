"""The page of several runs: one HTML file that holds its pictures and needs no network."""

import json
import math
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote

import numpy as np

from rankaae_cli import __version__
from rankaae_cli.core.labels import descriptor_meaning, listed, number_word
from rankaae_cli.reports.batch.batch import (
    SEEDS,
    Batch,
    BatchRun,
    cautions,
    is_number,
    key_effects,
    means_are_joined,
)
from rankaae_cli.reports.batch.figures import colour_start
from rankaae_cli.reports.batch.settings import SeedSpread
from rankaae_cli.reports.batch.tables import AGREES, DIFFERS, matrix_table, responses_table, spearman, verdict
from rankaae_cli.reports.figures.plotly import pack
from rankaae_cli.reports.run.page import Picture, page_environment
from rankaae_cli.reports.tables import Table, print_number

# Of ColorBrewer, as in the figure for papers; Plotly's own scale of this name ends elsewhere.
_BLUES = [
    [0, "rgb(247,251,255)"],
    [0.25, "rgb(198,219,239)"],
    [0.5, "rgb(107,174,214)"],
    [0.75, "rgb(33,113,181)"],
    [1, "rgb(8,48,107)"],
]


@dataclass(frozen=True)
class Shown:
    """What the page of several runs shows beside the numbers; pictures by section.

    Attributes
    ----------
    runs
        The table of all runs.
    matrix, settings
        Figures; settings is None where none differs.
    responses
        One a descriptor.
    """

    runs: Table
    matrix: Picture
    responses: Sequence[Picture]
    settings: Picture | None


def render_batch_page(batch: Batch, shown: Shown) -> str:
    """Return the page as HTML; every value is escaped."""
    matrix = matrix_table(batch)
    spreads = [
        (what, spread)
        for what, spread in (
            ("validation score", batch.spread([run.validation_score for run in batch.runs])),
            ("test mean Spearman ρ of the ensemble", batch.spread([_mean(run) for run in batch.runs])),
        )
        if spread is not None
    ]
    return (
        page_environment()
        .get_template("batch.html.j2")
        .render(
            batch=batch,
            shown=shown,
            matrix=matrix,
            responses=responses_table(batch),
            run_rows=_run_rows(batch, shown.runs),
            tiles=_tiles(batch),
            readings=_readings(batch),
            supported=_supported(batch),
            effects=[effect_sentence(batch, e, spreads) for e in key_effects(batch)],
            seeds=[_seed_sentence(what, spread) for what, spread in spreads],
            keys=[key for key in batch.keys if key not in SEEDS],
            joined=means_are_joined(batch),
            cautions=cautions(batch),
            version=__version__,
        )
    )


def heat_figure(batch: Batch) -> dict[str, Any]:
    """Return the heat map of test Spearman as a Plotly figure, which shows intervals where one points."""
    runs, names = batch.best, batch.descriptors
    cells = [[spearman(run, name) for name in names] for run in runs]
    hover = [
        [
            _plain(f"{batch.name(run)}, {name}: ρ {print_number(cell)} (run {run.label})")
            for name, cell in zip(names, row, strict=True)
        ]
        for run, row in zip(runs, cells, strict=True)
    ]
    known = [
        [None if c.value is None or math.isnan(c.value) else round(c.value, 4) for c in r] for r in cells
    ]
    # Places are numbers and names their ticks: equal names would fall together as categories.
    ticks = {"tickmode": "array", "showgrid": False, "zeroline": False, "fixedrange": False}
    trace = {
        "type": "heatmap",
        "z": known,
        "text": [[print_number(v, 2) if v is not None else "" for v in row] for row in known],
        "texttemplate": "%{text}",
        "customdata": hover,
        "hovertemplate": "%{customdata}<extra></extra>",
        "colorscale": _BLUES,
        "zmin": colour_start(np.array([[np.nan if v is None else v for v in row] for row in known])),
        "zmax": 1,
        "xgap": 2,
        "ygap": 2,
        "colorbar": {"title": {"text": "Spearman ρ", "side": "right"}, "thickness": 12, "outlinewidth": 0},
    }
    layout = {
        "margin": {"l": 10, "r": 10, "t": 30, "b": 10},
        "xaxis": {
            **ticks,
            "tickvals": list(range(len(names))),
            "ticktext": [_plain(n) for n in names],
            "side": "top",
        },
        "yaxis": {
            **ticks,
            "tickvals": list(range(len(runs))),
            "ticktext": [_plain(batch.name(run)) for run in runs],
            "autorange": "reversed",
            "automargin": True,
        },
    }
    if batch.synthetic or batch.partly_synthetic:
        text = "SYNTHETIC DATA" if batch.synthetic else "PARTLY SYNTHETIC DATA"
        layout["title"] = {"text": text, "font": {"size": 12, "color": "#D55E00"}, "x": 0.01, "y": 0.99}
        layout["margin"] = {"l": 10, "r": 10, "t": 60, "b": 10}
    return {"data": [trace], "layout": layout}


def packed_heat(batch: Batch) -> str:
    """Return `heat_figure` as a picture of a page takes it."""
    return pack(json.dumps(heat_figure(batch), ensure_ascii=False))


def effect_sentence(batch: Batch, effect: Any, spreads: Sequence[tuple[str, SeedSpread]]) -> str:
    """Return how much a setting goes with the score, and whether that is more than seeds alone do."""
    text = (
        f"{effect.key}: {effect.best} scores best and {effect.worst} worst on average, "
        f"{print_number(effect.difference)} apart"
    )
    spread = next((s for what, s in spreads if what == "validation score"), None)
    if spread is None:
        return f"{text}."
    # The mean of n runs varies by the deviation of one over the root of n; two means are compared.
    each = max(1.0, len(batch.runs) / max(2, len({str(r.settings.get(effect.key)) for r in batch.runs})))
    chance = 2 * spread.deviation * math.sqrt(2 / each)
    more = "more than" if effect.difference > chance else "no more than"
    return f"{text}, {more} seeds would give such means (about {print_number(chance)})."


def run_link(relative: str) -> str:
    """Return a link to a file of this disk, seen from the page; special characters are escaped."""
    return quote(relative, safe="/")


def _seed_sentence(what: str, spread: SeedSpread) -> str:
    settings = f"{number_word(spread.settings)} setting{'s' if spread.settings != 1 else ''}"
    return (
        f"The {what} varies by a standard deviation of {print_number(spread.deviation)} where the seed alone "
        f"differs, and by {print_number(spread.widest)} at most ({spread.runs} runs of {settings})."
    )


def _mean(run: BatchRun) -> float:
    value = run.metrics["ensemble"]["mean_spearman"]
    return math.nan if value is None else float(value)


def _tiles(batch: Batch) -> list[tuple[str, str, str]]:
    """Return the numbers at the head of the page: value, what it is, and a remark."""
    means = {batch.name(run): _mean(run) for run in batch.best if math.isfinite(_mean(run))}
    n_runs, n_families = len(batch.runs), len(batch.families)

    def over(count: int) -> str:
        return f"median over {count} families (best run of each)"

    left_out = len(batch.not_reported)
    tiles = [
        (
            f"{n_runs:,}",
            f"run{'s' if n_runs != 1 else ''} compared",
            f"{left_out} left out, listed below" if left_out else "none left out",
        ),
        (
            str(n_families),
            "families" if n_families != 1 else "family",
            f"{len(batch.keys)} settings differ" if batch.keys else "all of one setting",
        ),
    ]
    if means:
        best, worst = max(means, key=lambda f: means[f]), min(means, key=lambda f: means[f])
        remark = (
            f"{print_number(means[worst], 2)} ({worst}) to {print_number(means[best], 2)} ({best})"
            if len(means) > 1
            else f"of the best run of {best} on validation"
        )
        what = "mean Spearman ρ over descriptors"
        if len(means) > 1:
            what = f"Spearman ρ: mean over descriptors, {over(len(means))}"
        tiles.append((print_number(float(np.median(list(means.values()))), 2), what, remark))
    errors = [float(run.metrics["ensemble"]["reconstruction"]["mae"] or math.nan) for run in batch.best]
    errors = [error for error in errors if math.isfinite(error)]
    if errors:
        spread = f"{print_number(min(errors))} to {print_number(max(errors))} over families; "
        remark = f"{spread if len(errors) > 1 else ''}mean absolute, in units of the absorption"
        what = "reconstruction error" + (f": {over(len(errors))}" if len(errors) > 1 else "")
        tiles.append((print_number(float(np.median(errors))), what, remark))
    return tiles


def _readings(batch: Batch) -> list[dict[str, str]]:
    """Return how well each descriptor is read over the families, best run of each."""
    readings = []
    for name in batch.descriptors:
        rho = {batch.name(run): spearman(run, name).value for run in batch.best}
        known = {family: v for family, v in rho.items() if v is not None and math.isfinite(v)}
        if not known:
            readings.append(
                {"name": name, "meaning": descriptor_meaning(name), "score": "not known", "width": "0"}
            )
            continue
        median = float(np.median(list(known.values())))
        low, high = min(known, key=lambda f: known[f]), max(known, key=lambda f: known[f])
        score = f"ρ\u00a0{print_number(median, 2)}"
        if len(known) > 1:
            ends = (f"{print_number(known[family], 2)} ({family})" for family in (low, high))
            score = f"median {score}; {' to '.join(ends)}"
        width = f"{100 * max(0.0, min(1.0, median)):.0f}"
        readings.append({"name": name, "meaning": descriptor_meaning(name), "score": score, "width": width})
    return readings


def _supported(batch: Batch) -> dict[str, Any]:
    """Return how many responses of the best runs matched data support, in all and of each descriptor."""
    agree, compared = Counter[str](), Counter[str]()
    for run in batch.best:
        for name, response in run.responses.items():
            says = verdict(response.style)
            compared[name] += says in (AGREES, DIFFERS)
            agree[name] += says == AGREES
    several = len(batch.best) > 1
    each = [
        f"{name} {agree[name]} of {n}" if several else f"{name} {'yes' if agree[name] else 'no'}"
        for name, n in compared.items()
        if n
    ]
    return {"compared": compared.total(), "agree": agree.total(), "each": listed(each), "all": len(compared)}


def _run_rows(batch: Batch, table: Table) -> list[dict[str, Any]]:
    """Return the rows of the table of all runs with their links and the numbers to sort them by."""
    best = {id(run) for run in batch.best}
    keys = batch.keys
    rows = []
    for run, printed, cells in zip(batch.runs, table.printed(), table.rows, strict=True):
        numbers: list[str | None] = []
        for i, cell in enumerate(cells):
            setting = run.settings.get(keys[i - 2]) if 2 <= i < 2 + len(keys) else cell
            text = isinstance(setting, str) or i < 2 or (setting is not None and not is_number(setting))
            numbers.append(None if text else "" if setting is None else repr(setting))
        link = None if run.page is None else run_link(run.page)
        rows.append(
            {"link": link, "cells": list(zip(printed, numbers, strict=True)), "best": id(run) in best}
        )
    return rows


def _plain(text: str) -> str:
    """Return text so that Plotly, which reads a few tags and entities, shows it as it stands."""
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
