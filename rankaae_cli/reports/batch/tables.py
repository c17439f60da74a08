"""The tables of several runs."""

import math
from typing import Any

from rankaae_cli.analysis.traversal.findings import GOOD_CORRELATION
from rankaae_cli.core.labels import described_range, is_known, listed
from rankaae_cli.reports.batch.batch import Batch, BatchRun
from rankaae_cli.reports.batch.comparison import shown_value
from rankaae_cli.reports.captions import table_caption
from rankaae_cli.reports.tables import Cell, Ranged, Table

AGREES, DIFFERS, NOT_COMPARABLE = "agrees", "differs", "no matched data"


def matrix_table(batch: Batch) -> Table:
    """Return test Spearman of each descriptor, of the best run of each family."""
    names = batch.descriptors
    rows: list[list[Cell]] = []
    for run in batch.best:
        ensemble = run.metrics["ensemble"]
        row: list[Cell] = [batch.name(run), *(spearman(run, name) for name in names)]
        row.append(_ranged(ensemble, ensemble["mean_spearman"], "mean_spearman"))
        rows.append([*row, run.metrics["n_materials"], _known(run.validation_score), run.label, run.source])
    return Table(
        name="matrix",
        keys=["family", *names, "mean", "test_materials", "validation_score", "run", "data"],
        headings=["Family", *names, "Mean", "Test materials", "Validation score", "Run", "Data"],
        rows=rows,
        caption=_caption("matrix", batch),
    )


def runs_table(batch: Batch) -> Table:
    """Return the main numbers of every run and the settings that differ between them."""
    keys = batch.keys
    rows: list[list[Cell]] = [
        [
            run.label,
            batch.name(run),
            *(shown_value(run.settings.get(key)) for key in keys),
            *_main_numbers(run),
            _known(run.wall_s),
            run.source,
        ]
        for run in batch.runs
    ]
    return Table(
        name="runs",
        keys=["run", "family", *keys, *_MAIN, "training_s", "data"],
        headings=["Run", "Family", *keys, *_MAIN.values(), "Training (s)", "Data"],
        rows=rows,
        caption=_caption("runs", batch, score=batch.score_parts),
    )


def responses_table(batch: Batch) -> Table:
    """Return each response of the best runs: its size, where it is, and what matched data say."""
    rows: list[list[Cell]] = []
    some_true = any(
        response.style["pearson_true_response"] is not None
        for run in batch.best
        for response in run.responses.values()
    )
    for name in batch.descriptors:
        for run in batch.best:
            if name not in run.responses:
                continue
            response = run.responses[name]
            style, at = response.style, response.curves["difference"].abs().to_numpy().argmax()
            check = style.get("check") or {}
            row: list[Cell] = [name, batch.name(run), described_range(style), float(style["largest_change"])]
            row += [round(float(response.curves["energy"].iloc[at]), 2), _known(check.get("pearson"))]
            row += [_known(check.get("pearson_ceiling")), verdict(style)]
            row += [_known(style["pearson_true_response"])] if some_true else []
            rows.append([*row, run.source])
    return Table(
        name="responses",
        keys=[
            *("descriptor", "family", "descriptor_range", "largest_change", "relative_energy"),
            *("pearson_matched", "pearson_ceiling", "matched_data"),
            *(["pearson_truth", "data"] if some_true else ["data"]),
        ],
        headings=[
            *("Descriptor", "Family", "From and to", "Largest change", _place(batch)),
            *("r, matched data", "r possible", "Matched data"),
            *(["r, truth", "Data"] if some_true else ["Data"]),
        ],
        rows=rows,
        caption=_caption("responses", batch, correlation=GOOD_CORRELATION),
    )


def _place(batch: Batch) -> str:
    """Return the heading of energies, by what those of the shown responses are counted from."""
    origins = {response.origin for run in batch.best for response in run.responses.values()}
    named = [name for origin, name in (("edge", "edge"), ("start", "grid start")) if origin in origins]
    index = any(run.subject.energy_unit == "index" for run in batch.best)
    unit = "points" if index else "eV"
    return f"At ({unit} from {' or '.join(named) or 'edge'})"


def verdict(style: dict[str, Any] | Any) -> str:
    """Return whether matched data support a response, in its shape and as that of its own descriptor."""
    check = style.get("check")
    if not check or check["not_comparable_because"] or not is_known(check["pearson"]):
        return NOT_COMPARABLE
    return AGREES if check["supported"] else DIFFERS


def terminal_table(batch: Batch) -> Table:
    """Return the columns of `runs_table` that a terminal has room for."""
    rows: list[list[Cell]] = [[run.label, batch.name(run), *_main_numbers(run)] for run in batch.runs]
    keep = [0, 1, *(2 + list(_MAIN).index(key) for key in ("validation_score", "spearman", "mae", "excess"))]
    headings = ["Run", "Family", "Validation score", "Test ρ", "Recon. MAE", "Excess"]
    return Table("runs", headings, headings, [[row[i] for i in keep] for row in rows], "")


def spearman(run: BatchRun, name: str) -> Ranged:
    """Return Spearman's correlation of one descriptor on test, of the ensemble, with its interval."""
    score = run.metrics["ensemble"]["descriptors"].get(name)
    return Ranged(None, None, None) if score is None else _ranged(score, score["spearman"], "spearman")


_MAIN = {
    "validation_score": "Validation score",
    "spearman_single_trial": "ρ, one trial",
    "spearman": "ρ, ensemble",
    "mae": "Reconstr. MAE",
    "excess": "Excess coupling",
}


def _main_numbers(run: BatchRun) -> list[Cell]:
    ensemble = run.metrics["ensemble"]
    single = run.metrics["trials"][run.metrics["selected_trial"]]
    return [
        _known(run.validation_score),
        _known(single["mean_spearman"]),
        _known(ensemble["mean_spearman"]),
        _known(ensemble["reconstruction"]["mae"]),
        _known(ensemble.get("inter_style", {}).get("excess")),
    ]


def _ranged(scores: Any, value: float | None, key: str) -> Ranged:
    low, high = (scores.get("interval") or {}).get(key) or (None, None)
    return Ranged(value, low, high)


def _known(value: Any) -> float | None:
    return None if value is None or not math.isfinite(value) else float(value)


def _caption(name: str, batch: Batch, **values: Any) -> str:
    families = [batch.name(run) for run in batch.best]
    about = listed(families) if len(families) <= 3 else f"{len(families)} families"
    return table_caption(name, f"{about}: ", batch.synthetic, **values)
