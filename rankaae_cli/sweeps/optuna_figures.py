"""The figure of a search, from its study."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from rankaae_cli.runs.provenance import PROVENANCE, read_provenance
from rankaae_cli.sweeps.optuna_study import optuna_module

_FEWEST_A_SETTING = 3  # completed jobs for each that is searched, for their importance to mean anything


def draw(study: Any, sweep: Path, space: Mapping[str, Any]) -> list[Path]:
    """Write ``search.png`` and ``search.pdf``; nothing where no job has completed.

    Parameters
    ----------
    study
        Of Optuna.
    sweep
        Where to write.
    space
        What is searched, by key.
    """
    from rankaae_cli.reports.batch.search_figure import SearchedJob, search_figure
    from rankaae_cli.reports.figures.drawing import save_figure

    jobs = []
    for trial in study.get_trials(deepcopy=False):
        if trial.state.name not in ("COMPLETE", "PRUNED") or trial.value is None:
            continue
        jobs.append(SearchedJob(trial.number, trial.value, trial.state.name == "PRUNED", dict(trial.params)))
    if not any(not job.pruned for job in jobs):
        return []
    log = [key for key, distribution in space.items() if getattr(distribution, "log", False)]
    synthetic = any(_is_synthetic(sweep / str(job.number)) for job in jobs)
    figure = search_figure(jobs, _importances(study, jobs), log, sweep.name, synthetic)
    return save_figure(figure, sweep / "search")


def _is_synthetic(run: Path) -> bool:
    if not (run / PROVENANCE).is_file():
        return False
    return any(file.get("source") == "synthetic" for file in read_provenance(run).get("data", []))


def _importances(study: Any, jobs: list[Any]) -> dict[str, float]:
    """Return the share of the score's variance that each setting explains, by functional ANOVA."""
    complete = [job for job in jobs if not job.pruned]
    if (
        len(complete) < _FEWEST_A_SETTING * len(complete[0].settings)
        or len({job.score for job in complete}) < 2
    ):
        return {}
    importance = optuna_module().importance
    evaluator = importance.FanovaImportanceEvaluator(seed=0)
    return dict(importance.get_param_importances(study, evaluator=evaluator))
