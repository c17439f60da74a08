"""What a page of several runs takes from one of them."""

import math
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from rankaae_cli.commands.report import RunReport
from rankaae_cli.reports.batch.settings import flattened
from rankaae_cli.runs.directory import read_run_config
from rankaae_cli.runs.provenance import read_provenance

if TYPE_CHECKING:
    import numpy as np

    from rankaae_cli.data.family.family_file import Family
    from rankaae_cli.models.rankaae.trained import TrainedModel
    from rankaae_cli.reports.batch.batch import BatchRun, Response


def batch_run(report: RunReport, label: str, page: str | None) -> "BatchRun":
    """Return what is compared of a run.

    Parameters
    ----------
    report
        The run, its evaluation and its traversal.
    label
        Its name on the page.
    page
        The link to its own page.
    """
    from omegaconf import OmegaConf

    from rankaae_cli.reports.batch.batch import BatchRun

    config = OmegaConf.to_container(read_run_config(report.directory))
    assert isinstance(config, dict)
    provenance = read_provenance(report.directory)
    model = report.model
    return BatchRun(
        label=label,
        directory=str(report.directory),
        subject=model.subject,
        settings=flattened({str(key): value for key, value in config.items()}),
        metrics=report.metrics,
        responses=_responses(report.directory, model, report.family, report.traversal),
        units=dict(zip(model.descriptor_names, model.descriptor_units, strict=True)),
        first_energy=float(model.energy_E[0]) if model.energy_unit == "eV" else math.inf,
        data_sha256=" ".join(str(entry.get("sha256")) for entry in provenance.get("data") or []),
        wall_s=float(provenance.get("wall_s") or "nan"),
        started=str(provenance.get("started", "")),
        page=page,
    )


def edge_position(model: "TrainedModel", family: "Family") -> float:
    """Return where the mean training spectrum first rises through half the edge step; NaN where it does not.

    Of spectra that are not normalised to the edge step, through half of their mean over the last quarter of the
    grid.
    """
    import numpy as np

    from rankaae_cli.core.xas.trends import edge_energy
    from rankaae_cli.data.family.splits import TRAIN

    if model.energy_unit != "eV":
        return float("nan")
    mean_E = family.spectra_NE[family.split_N == TRAIN].mean(axis=0, dtype=np.float64)
    if model.normalisation != "edge_step":
        mean_E = mean_E / mean_E[-len(mean_E) // 4 :].mean()
    return edge_energy(mean_E, np.asarray(model.energy_E))


def _responses(
    directory: Path, model: "TrainedModel", family: "Family", traversal: Mapping[str, Any]
) -> "dict[str, Response]":
    import numpy as np

    edge = edge_position(model, family)
    known = bool(np.isfinite(edge))
    zero = edge if known else float(model.energy_E[0])
    folder = directory / "traversal"
    return {
        name: _response(folder, name, zero, "edge" if known else "start", traversal["styles"][name])
        for name in model.descriptor_names
    }


def _response(folder: Path, name: str, zero: float, origin: str, style: Mapping[str, Any]) -> "Response":
    import pandas as pd

    from rankaae_cli.reports.batch.batch import Response

    walk = pd.read_csv(folder / f"{name}.csv")
    check = pd.read_csv(folder / f"{name}_check.csv")

    def column(table: "pd.DataFrame", key: str) -> "np.ndarray":
        return table[key].to_numpy(dtype=float)

    return Response(
        energy_E=column(walk, "energy") - zero,
        origin=origin,
        difference_E=column(walk, "difference"),
        low_E=column(walk, "trials_low"),
        high_E=column(walk, "trials_high"),
        data_E=column(check, "data_difference"),
        data_low_E=column(check, "data_low"),
        data_high_E=column(check, "data_high"),
        style=style,
    )
