"""The report of several runs: one page that lays families and settings side by side."""

import math
import os
import shlex
import shutil
import sys
import traceback
import uuid
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from matplotlib.figure import Figure

from rankaae_cli.core.calls import setting
from rankaae_cli.core.errors import UserError
from rankaae_cli.core.terminal import console
from rankaae_cli.core.xas.trends import edge_energy
from rankaae_cli.data.family.splits import TRAIN
from rankaae_cli.data.files import now, strict_json, write_text
from rankaae_cli.reports.batch import figures
from rankaae_cli.reports.batch.batch import Batch, BatchRun, Response
from rankaae_cli.reports.batch.page import render_batch_page
from rankaae_cli.reports.batch.tables import matrix_table, responses_table, runs_table, terminal_table
from rankaae_cli.reports.figures.drawing import COLUMN_INCHES, data_uri, save_figure
from rankaae_cli.reports.latex import write_table
from rankaae_cli.reports.run.page import Picture
from rankaae_cli.reports.run.report import report_run
from rankaae_cli.reports.run.results import RunResults
from rankaae_cli.reports.tables import print_table
from rankaae_cli.runs.directory import flattened, plain_config, short_path
from rankaae_cli.runs.find import OmittedRun, RunSelection
from rankaae_cli.runs.provenance import read_provenance

REPORTS = Path("reports")
PAGE, CONTENT = "report.html", "batch.json"


def report_batch(selection: RunSelection, output: str | None, pages: bool) -> dict[str, Any]:
    """Write one page of several runs, and theirs where missing or outdated.

    Parameters
    ----------
    selection
        The runs.
    output
        The folder to write; by default ``report/`` in the directory that was searched, else
        ``reports/<date>/<time>/``.
    pages
        Whether to make the pages of runs.

    Returns
    -------
    dict
        ``page``, its path, and ``status``, the exit status: 1 if a run could not be reported.

    Raises
    ------
    UserError
        If none of the runs can be reported, or the folder holds something else.
    """
    folder = _folder(selection, output)
    root = selection.directory or _common(selection)
    _require_own(folder)
    runs, failed = [], []
    for number, path in enumerate(selection.finished, 1):
        console.print(f"run {number} of {len(selection.finished)}: {_label(path, root)}")
        try:
            results, page = report_run(path, "outdated" if pages else "never")
            link = None if page is None else os.path.relpath(page, folder)
            runs.append(_batch_run(results, _label(path, root), link))
        except Exception as error:
            # One run must not stop the others.
            failed.append(_failure(path, error))
            console.print(f"{_label(path, root)} cannot be reported: {failed[-1].reason}")
    if not runs:
        raise UserError(f"none of {len(failed)} runs can be reported; the first: {failed[0].reason}")
    batch = _batch(runs, [*failed, *selection.left_out], root)
    with _replacing_folder(folder) as temporary:
        _write(batch, temporary)
    print_table(batch.title, terminal_table(batch), batch.synthetic)
    for omitted in batch.not_reported:
        console.print(f"left out: {omitted['run']}: {omitted['reason']}")
    print(folder / PAGE)
    faults = bool(failed) or any(run.fault for run in selection.left_out)
    return {"page": folder / PAGE, "status": int(faults)}


def _batch_run(run: RunResults, label: str, page: str | None) -> BatchRun:
    """Return what is compared of a run: its name on the page, and the link to its own page."""
    provenance, model = read_provenance(run.directory), run.model
    return BatchRun(
        label=label,
        directory=str(run.directory),
        subject=model.subject,
        settings=flattened(plain_config(run.directory)),
        metrics=run.metrics,
        responses=_responses(run),
        first_energy=float(model.energy_E[0]) if model.energy_unit == "eV" else math.inf,
        data_sha256=" ".join(str(entry.get("sha256")) for entry in provenance.get("data") or []),
        wall_s=float(provenance.get("wall_s") or "nan"),
        page=page,
    )


def _batch(runs: list[BatchRun], left_out: Sequence[OmittedRun], root: Path) -> Batch:
    def order(run: BatchRun) -> tuple[float, str, bool, float]:
        score = run.validation_score
        return (run.first_energy, run.family, math.isnan(score), -score)

    return Batch(
        title=str(root if root == Path.cwd() else short_path(root)),
        runs=sorted(runs, key=order),
        not_reported=[
            {"run": _label(run.path.resolve(), root), "reason": run.reason, "todo": run.todo}
            for run in left_out
        ],
        command=shlex.join(["rankaae", "report", *sys.argv[1:]]),
        created=now()[:19].replace("T", " ") + " UTC",
    )


def _write(batch: Batch, folder: Path) -> None:
    """Write the page, its figures and tables, and all numbers as JSON."""
    tables = {table.name: table for table in (matrix_table(batch), responses_table(batch), runs_table(batch))}
    for table in tables.values():
        write_table(table, folder / "tables")
    page = render_batch_page(batch, tables, _pictures(batch, folder / "figures"))
    write_text(folder / PAGE, page)
    write_text(folder / CONTENT, strict_json(_content(batch)))


def _pictures(batch: Batch, folder: Path) -> dict[str, list[Picture]]:
    """Draw the figures; return their pictures by section of the page."""
    note = "Synthetic data. " if batch.synthetic else ""

    def picture(name: str, figure: Figure, caption: str, csv: str = "") -> Picture:
        png = next(p for p in save_figure(figure, folder / name) if p.suffix == ".png")
        width, height = (round(float(inches) * figure.dpi) for inches in figure.get_size_inches())
        return Picture(
            data_uri(png.read_bytes()),
            f"{note}{caption}",
            f"figures/{name}.pdf",
            wide=figure.get_figwidth() > COLUMN_INCHES,
            name=name,
            size=(width, height),
            csv=csv,
        )

    matrix = picture(
        "matrix",
        figures.matrix(batch),
        "Spearman ρ on the test split, of the best run of each family on validation; in brackets 95 % intervals "
        "over materials.",
        csv="tables/matrix.csv",
    )
    responses = [picture(name, figure, text) for name, figure, text in figures.response_figures(batch)]
    pictures = {"matrix": [matrix], "responses": responses, "settings": []}
    settings = figures.settings(batch)
    if settings is not None:
        left = len(batch.keys) - figures.MOST_PANELS
        text = "Validation score of every run against the settings that differ."
        text += f" {left} more settings differ and are in the table only." if left > 0 else ""
        pictures["settings"].append(picture("settings", settings, text, csv="tables/runs.csv"))
    return pictures


def _content(batch: Batch) -> dict[str, Any]:
    """Return all numbers of the page."""
    best = {id(run) for run in batch.best}
    return {
        "format": "rankaae-batch",
        "made": batch.created,
        "command": batch.command,
        "differing_settings": batch.keys,
        "runs": [
            {
                "run": run.label,
                "directory": run.directory,
                "family": run.subject.family,
                "synthetic": run.subject.synthetic,
                "best_of_family_on_validation": id(run) in best,
                "settings": {key: run.settings.get(key) for key in batch.keys},
                "validation_score": run.validation_score,
                "training_s": run.wall_s,
                "ensemble": {
                    key: run.metrics["ensemble"][key]
                    for key in ("mean_spearman", "descriptors", "reconstruction", "inter_style")
                    if key in run.metrics["ensemble"]
                },
            }
            for run in batch.runs
        ],
        "not_reported": batch.not_reported,
    }


def _folder(selection: RunSelection, output: str | None) -> Path:
    if output is not None:
        return Path(output).resolve()
    if selection.directory is not None:
        return selection.directory / "report"
    return (REPORTS / f"{datetime.now():%Y-%m-%d/%H-%M-%S-%f}").resolve()


def _require_own(folder: Path) -> None:
    """Refuse a folder that holds what an earlier page of several runs did not leave: it would be replaced.

    Raises
    ------
    UserError
        If it does.
    """
    if not folder.exists():
        return
    own = folder.is_dir() and {p.name for p in folder.iterdir()} <= {PAGE, CONTENT, "figures", "tables"}
    if not own or (any(folder.iterdir()) and not (folder / CONTENT).is_file()):
        raise UserError(
            f"{folder} holds something else than a page of several runs, and would be replaced\n"
            "choose another folder with output="
        )


@contextmanager
def _replacing_folder(folder: Path) -> Iterator[Path]:
    """Give a folder beside `folder` to fill, and put it in its place on success.

    Raises
    ------
    UserError
        If it cannot be put there.
    """
    mark = uuid.uuid4().hex[:8]
    temporary, former = (folder.with_name(f".{folder.name}-{mark}{end}") for end in ("", "-former"))
    try:
        yield temporary
        folder.parent.mkdir(parents=True, exist_ok=True)
        if folder.exists():
            folder.rename(former)
        temporary.rename(folder)
    except OSError as error:
        raise UserError(f"{folder} cannot be written: {error.strerror}\nchoose another output=") from error
    finally:
        if former.exists() and not folder.exists():
            former.rename(folder)
        for left in (temporary, former):
            shutil.rmtree(left, ignore_errors=True)


def _failure(path: Path, error: Exception) -> OmittedRun:
    if os.environ.get("RANKAAE_DEBUG") == "1":
        traceback.print_exception(error)
    if isinstance(error, UserError):
        reason, _, todo = str(error).partition("\n")
        return OmittedRun(path, reason, todo.replace("\n", " "), fault=True)
    text = f"{type(error).__name__}: {error}".splitlines()[0]
    return OmittedRun(
        path, f"failed: {text}", f"RANKAAE_DEBUG=1 rankaae report {setting('run', path)}", fault=True
    )


def _common(selection: RunSelection) -> Path:
    paths = [*selection.finished, *(run.path.resolve() for run in selection.left_out)]
    return Path(os.path.commonpath([path.parent for path in paths]))


def _label(path: Path, root: Path) -> str:
    return str(path.relative_to(root)) if path != root and path.is_relative_to(root) else path.name


def _responses(run: RunResults) -> dict[str, Response]:
    if run.traversal is None:
        return {}
    edge, folder = _edge_position(run), run.directory / "traversal"
    origin, zero = ("edge", edge) if math.isfinite(edge) else ("start", float(run.model.energy_E[0]))
    responses = {}
    for name in run.model.descriptor_names:
        walk = pd.read_csv(folder / f"{name}.csv", dtype=float)
        check = pd.read_csv(folder / f"{name}_check.csv", dtype=float)
        curves = walk[["energy", "difference", "trials_low", "trials_high"]].assign(
            energy=walk["energy"] - zero, **check[["data_difference", "data_low", "data_high"]]
        )
        responses[name] = Response(origin, curves, run.traversal["styles"][name])
    return responses


def _edge_position(run: RunResults) -> float:
    """Return where the mean training spectrum first rises through half the edge step; NaN where it does not.

    Of spectra that are not normalised to the edge step, through half of their mean over the last quarter of the
    grid.
    """
    model, family = run.model, run.family
    if model.energy_unit != "eV":
        return math.nan
    mean_E = family.spectra_NE[family.split_N == TRAIN].mean(axis=0, dtype=np.float64)
    if model.normalisation != "edge_step":
        mean_E = mean_E / mean_E[-len(mean_E) // 4 :].mean()
    return edge_energy(mean_E, np.asarray(model.energy_E))
