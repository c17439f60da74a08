"""The page of several runs: one HTML file that holds its pictures and needs no network."""

import math
from collections.abc import Callable, Mapping, Sequence
from typing import Any
from urllib.parse import quote

import numpy as np

from rankaae_cli.core.labels import descriptor_meaning, listed
from rankaae_cli.reports.batch.batch import SEEDS, Batch, BatchRun
from rankaae_cli.reports.batch.comparison import cautions, is_number, key_effects, means_are_joined
from rankaae_cli.reports.batch.tables import AGREES, DIFFERS, spearman, verdict
from rankaae_cli.reports.run.page import Picture, render
from rankaae_cli.reports.tables import Table


def render_batch_page(
    batch: Batch, tables: Mapping[str, Table], pictures: Mapping[str, Sequence[Picture]]
) -> str:
    """Return the page as HTML; every value is escaped.

    Parameters
    ----------
    batch
        The runs.
    tables, pictures
        By section: ``matrix``, ``responses``, ``runs`` (a table) and ``settings`` (a picture).
    """
    validation = batch.spread([run.validation_score for run in batch.runs])
    test = batch.spread([_number(run.metrics["ensemble"]["mean_spearman"]) for run in batch.runs])
    return render(
        "batch.html.j2",
        batch=batch,
        families=[batch.name(run) for run in batch.best],
        tables=tables,
        figures=pictures,
        run_rows=_run_rows(batch, tables["runs"]),
        means=_over_families(batch, lambda run: run.metrics["ensemble"]["mean_spearman"]),
        # An error of exactly nothing is that of a run that reconstructs nothing.
        errors=_over_families(batch, lambda run: run.metrics["ensemble"]["reconstruction"]["mae"] or None),
        scores=[(name, descriptor_meaning(name), _score(batch, name)) for name in batch.descriptors],
        matched=_matched(batch),
        effects=key_effects(batch, validation),
        spreads=[
            (what, spread)
            for what, spread in (
                ("validation score", validation),
                ("test mean Spearman ρ of the ensemble", test),
            )
            if spread is not None
        ],
        keys=[key for key in batch.keys if key not in SEEDS],
        joined=means_are_joined(batch),
        cautions=cautions(batch),
    )


def run_link(relative: str) -> str:
    """Return a link to a file of this disk, seen from the page; special characters are escaped."""
    return quote(relative, safe="/")


def _score(batch: Batch, name: str) -> dict[str, Any] | None:
    return _over_families(batch, lambda run: spearman(run, name).value)


def _number(value: float | None) -> float:
    return math.nan if value is None else float(value)


def _over_families(batch: Batch, number: Callable[[BatchRun], float | None]) -> dict[str, Any] | None:
    """Return how many best runs of a family know a number, its median, its ends and whose they are."""
    numbers = {batch.name(run): _number(number(run)) for run in batch.best}
    known = {family: value for family, value in numbers.items() if math.isfinite(value)}
    if not known:
        return None
    least, most = min(known, key=lambda family: known[family]), max(known, key=lambda family: known[family])
    median = float(np.median(list(known.values())))
    ends = {"least": known[least], "least_of": least, "most": known[most], "most_of": most}
    return {"n": len(known), "median": median, **ends}


def _matched(batch: Batch) -> dict[str, Any]:
    """Return how many responses of the best runs matched data support, in all and of each descriptor."""
    verdicts: dict[str, list[str]] = {}
    for run in batch.best:
        for name, response in run.responses.items():
            verdicts.setdefault(name, []).append(verdict(response.style))
    agree = {name: says.count(AGREES) for name, says in verdicts.items()}
    compared = {name: agree[name] + says.count(DIFFERS) for name, says in verdicts.items()}
    several = len(batch.best) > 1
    each = [
        f"{name} {agree[name]} of {n}" if several else f"{name} {'yes' if agree[name] else 'no'}"
        for name, n in compared.items()
        if n
    ]
    return {
        "compared": sum(compared.values()),
        "agree": sum(agree.values()),
        "each": listed(each),
        "all": len(verdicts),
    }


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
