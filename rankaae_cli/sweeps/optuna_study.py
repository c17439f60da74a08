"""The study of a search in Optuna: its storage, its space of settings, and the pruning of jobs that do worse.

Optuna is called directly. Hydra's own sweeper for it requires an Optuna older than 3 (of 2022), does not prune, and
keeps no record from which a killed search could take up the jobs that were under way.
"""

import math
import warnings
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from hydra.core.hydra_config import HydraConfig
from hydra.core.override_parser.types import Override
from hydra.types import RunMode
from omegaconf import DictConfig

from rankaae_cli.core.errors import Pruned, UserError

STORAGE = "search.db"
# Scores are reported so many times a job, so that jobs of other lengths in epochs are compared at equal fractions.
STEPS = 50
_WARM_UP, _FIRST_RUNG = 10, 5
_SECONDS_FOR_A_LOCK = 120
_FEWEST_A_SETTING = 3  # completed jobs for each that is searched, for their importance to mean anything
SAMPLERS, PRUNERS = ("tpe", "random"), ("median", "hyperband", "none")


def optuna_module() -> Any:
    """Return the module optuna, without its chatter.

    Raises
    ------
    UserError
        If it is not installed.
    """
    try:
        import optuna
    except ImportError as error:
        raise UserError("hydra/sweeper=optuna needs Optuna\npip install 'rankaae[search]'") from error
    optuna.logging.set_verbosity(optuna.logging.WARNING)
    warnings.filterwarnings("ignore", category=optuna.exceptions.ExperimentalWarning)
    return optuna


def open_study(settings: DictConfig, sweep: Path) -> Any:
    """Return the study of a search, made where there is none.

    Parameters
    ----------
    settings
        The configuration of the sweeper.
    sweep
        Its directory, which holds the storage where the settings name none.
    """
    optuna = optuna_module()
    url = settings.storage or f"sqlite:///{sweep / STORAGE}"
    waiting = {"connect_args": {"timeout": _SECONDS_FOR_A_LOCK}} if url.startswith("sqlite") else {}
    try:
        storage = optuna.storages.RDBStorage(url, engine_kwargs=waiting)
    except Exception as error:
        raise UserError(
            f"the storage {url} cannot be used: {str(error).splitlines()[0]}\ncorrect hydra.sweeper.storage="
        ) from error
    return optuna.create_study(
        study_name=settings.study_name,
        storage=storage,
        direction="maximize",
        pruner=_pruner(optuna, settings.pruner),
        load_if_exists=True,
    )


def sampler(settings: DictConfig, n_before: int) -> Any:
    """Return the sampler of the next job's settings, after `n_before` jobs.

    Its random numbers depend on the seed and on the number of jobs before, so that neither a resumed search nor a
    second worker chooses the same settings again.
    """
    optuna = optuna_module()
    seed = (int(settings.seed) * 1_000_003 + n_before) % 2**32
    if settings.sampler == "random":
        return optuna.samplers.RandomSampler(seed=seed)
    return optuna.samplers.TPESampler(
        seed=seed, n_startup_trials=int(settings.startup), multivariate=True, constant_liar=True
    )


def distributions(overrides: Sequence[Override]) -> tuple[dict[str, Any], list[str]]:
    """Return what is searched, and the other settings as written.

    Searched are ``a,b`` or ``choice(a,b)``, ``range(1,9)``, ``interval(0,1)``, ``int(interval(1,9))`` and
    ``tag(log, interval(1,100))``.
    """
    optuna = optuna_module()
    space: dict[str, Any] = {}
    fixed: dict[str, str] = {}
    for override in overrides:
        key = override.get_key_element()
        fixed.pop(key, None)
        space.pop(key, None)
        if not override.is_sweep_override():
            fixed[key] = f"{key}={override.get_value_element_as_str()}"
            continue
        value: Any = override.value()
        log = "log" in value.tags
        if override.is_interval_sweep():
            whole = isinstance(value.start, int) and isinstance(value.end, int)
            kind = optuna.distributions.IntDistribution if whole else optuna.distributions.FloatDistribution
            space[key] = kind(value.start, value.end, log=log)
        elif override.is_range_sweep() and all(
            isinstance(v, int) for v in (value.start, value.stop, value.step)
        ):
            numbers = range(value.start, value.stop, value.step)
            space[key] = optuna.distributions.IntDistribution(numbers[0], numbers[-1], step=value.step)
        else:
            space[key] = optuna.distributions.CategoricalDistribution(list(override.sweep_string_iterator()))
    return space, list(fixed.values())


def importances(study: Any) -> dict[str, float]:
    """Return by functional ANOVA the share of the score's variance of each setting; empty where jobs are few."""
    complete = [trial for trial in study.get_trials(deepcopy=False) if trial.state.name == "COMPLETE"]
    enough = len(complete) >= _FEWEST_A_SETTING * len(complete[0].params)
    if not enough or len({trial.value for trial in complete}) < 2:
        return {}
    importance = optuna_module().importance
    evaluator = importance.FanovaImportanceEvaluator(seed=0)
    return dict(importance.get_param_importances(study, evaluator=evaluator))


class Pruning:
    """Reports a job's validation score to its study, and gives the job up where others did better.

    Parameters
    ----------
    study
        Of the search.
    number
        Of the job.
    """

    def __init__(self, study: Any, number: int) -> None:
        frozen = next(trial for trial in study.get_trials(deepcopy=False) if trial.number == number)
        self.trial = optuna_module().trial.Trial(study, frozen._trial_id)
        self.last_step = max(frozen.intermediate_values, default=0)  # before an interruption

    def __call__(self, done: int, total: int, score: float) -> None:
        """Report the best score so far after `done` of `total` epochs.

        Raises
        ------
        Pruned
            If the job is to be given up.
        """
        step = STEPS * done // total
        if step <= self.last_step or not math.isfinite(score):
            return
        self.last_step = step
        self.trial.report(score, step)
        if step < STEPS and self.trial.should_prune():
            raise Pruned(f"after epoch {done} of {total}, where others did better", score)


def pruning_of_job() -> Pruning | None:
    """Return what this job reports its scores to; None where it belongs to no search."""
    if not HydraConfig.initialized() or "n_trials" not in (HydraConfig.get().sweeper or {}):
        return None
    hydra = HydraConfig.get()
    if hydra.mode != RunMode.MULTIRUN or hydra.sweeper.pruner == "none":
        return None
    sweep, folder = Path(hydra.sweep.dir).resolve(), Path(hydra.runtime.output_dir)
    return Pruning(open_study(hydra.sweeper, sweep), int(folder.relative_to(sweep).name))


def _pruner(optuna: Any, name: str) -> Any:
    if name == "hyperband":
        return optuna.pruners.HyperbandPruner(min_resource=_FIRST_RUNG, max_resource=STEPS)
    if name == "median":
        return optuna.pruners.MedianPruner(n_startup_trials=5, n_warmup_steps=_WARM_UP)
    return optuna.pruners.NopPruner()
