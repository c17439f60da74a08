"""A search of hyperparameters: jobs whose settings Optuna chooses by the validation scores of those before."""

import math
import os
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

from filelock import FileLock
from omegaconf import DictConfig, OmegaConf

from rankaae_cli.core.errors import UserError
from rankaae_cli.data.files import is_locked, locked
from rankaae_cli.runs import sweep_record
from rankaae_cli.runs.directory import short_path
from rankaae_cli.runs.provenance import PROVENANCE, read_provenance
from rankaae_cli.runs.sweep_record import DONE, FAILED, JOB_LOCK, PRUNED, SWEEP, Job
from rankaae_cli.sweeps import optuna_study
from rankaae_cli.sweeps.optuna_study import PRUNERS, SAMPLERS
from rankaae_cli.sweeps.sweeper import JobSweeper

_LOCK, _CLAIM = ".search.lock", ".claim"
_REPEATS = "repeats"


class OptunaSearch(JobSweeper):
    """Searches for the settings of the highest validation score.

    Every job is a trial of a study of Optuna, with the same number. Several processes may work on one search: each
    claims a trial before it runs it, so that none is run twice; a trial whose process was killed is taken up again.

    Parameters
    ----------
    n_trials
        Jobs in all.
    n_jobs
        Handed to the launcher at once; None: as many as it runs side by side.
    params
        What is searched, in Hydra's grammar by key; beside what the call gives so.
    storage
        URL of a database; None: SQLite in the directory of the sweep.
    study_name
        In the storage.
    sampler, startup
        ``tpe`` or ``random``; how many jobs have random settings before it learns.
    pruner
        ``median``, ``hyperband`` or ``none``.
    seed
        Of the random settings.
    """

    most_printed = 10

    def __init__(self, n_trials: int, n_jobs: int | None, params: DictConfig, **settings: Any) -> None:
        self.settings = OmegaConf.create({"n_trials": n_trials, **settings})
        self.n_jobs = n_jobs
        self.params = {str(key): value for key, value in (params or {}).items()}

    def sweep(self, arguments: list[str]) -> None:
        """Search, or go on with a search in this directory.

        Raises
        ------
        JobsFailed
            If a job failed.
        """
        self._check()
        given = {override.get_key_element().lstrip("+") for override in self.parsed(arguments)}
        shipped = [f"{key}={value}" for key, value in self.params.items() if key not in given]
        self.sweep_directory.mkdir(parents=True, exist_ok=True)
        with self._locked():
            is_resumed = (self.sweep_directory / SWEEP).is_file()
            plan, added = self.begin(arguments, [])
        self.space, self.fixed = optuna_study.distributions(self.parsed([*shipped, *plan.arguments]))
        if not self.space:
            raise UserError(
                "nothing is searched\ngive keys as key=interval(1,10), or hydra/sweeper/params=default"
            )
        self.study = optuna_study.open_study(self.settings, self.sweep_directory)
        if is_resumed:
            self._repeat_failed()
        with self.watched(plan):
            while self._batch(added):
                pass

    def _check(self) -> None:
        for key, choices in (("sampler", SAMPLERS), ("pruner", PRUNERS)):
            if self.settings[key] not in choices:
                raise UserError(
                    f"hydra.sweeper.{key}={self.settings[key]} is none of {', '.join(choices)}\ncorrect it"
                )
        if self.command != "train":
            raise UserError(
                "hydra/sweeper=optuna searches settings of rankaae train\nuse it with that command"
            )

    def _batch(self, added: list[str]) -> bool:
        """Run as many jobs as the launcher takes at once; return whether more may be wanted."""
        with ExitStack() as claims:
            jobs = self._claimed(claims)
            waiting = [job for job in jobs if job.state not in (DONE, PRUNED, FAILED)]
            if waiting:
                self.launch(waiting, added)
            ended = [self._tell(self._state(job)) for job in jobs]
        return bool(jobs) and all(ended)

    def _claimed(self, claims: ExitStack) -> list[Job]:
        """Return jobs that no other worker has: first those whose process is gone, then new ones."""
        jobs: list[Job] = []
        with self._locked():
            trials = self.study.get_trials(deepcopy=False)
            for trial in (t for t in trials if t.state.name == "RUNNING"):
                if len(jobs) < self._at_once() and self._take_up(trial, claims):
                    jobs.append(self._recorded(self._job(trial)))
            while len(jobs) < self._at_once() and self._wanted() > 0:
                trials = self.study.get_trials(deepcopy=False)
                self.study.sampler = optuna_study.sampler(self.settings, len(trials))
                number = self.study.ask(self.space).number
                trial = next(t for t in self.study.get_trials(deepcopy=False) if t.number == number)
                claims.enter_context(self._claim(number))
                jobs.append(self._recorded(self._job(trial)))
        return jobs

    def _take_up(self, trial: Any, claims: ExitStack) -> bool:
        """Claim a trial that was begun; return whether it is this worker's to run."""
        if not claims.enter_context(self._claim(trial.number)):
            return False
        if is_locked(self.sweep_directory / str(trial.number) / JOB_LOCK):
            return False  # a process of a launcher goes on without the worker that began it
        if trial.params.keys() != self.space.keys():
            # Killed while its settings were chosen: nothing of it has begun.
            self.study.tell(trial.number, state=optuna_study.optuna_module().trial.TrialState.FAIL)
            self._repeat(trial)
            return False
        return True

    def _job(self, trial: Any) -> Job:
        settings = [f"{key}={value}" for key, value in trial.params.items()]
        return self.planned(trial.number, [*self.fixed, *settings])

    def _recorded(self, job: Job) -> Job:
        """Add a job to the plan where it is not in it yet; return it as it stands."""
        plan = sweep_record.read_plan(self.sweep_directory)
        if job.number not in {other.number for other in plan.jobs}:
            jobs = sorted([*plan.jobs, job], key=lambda other: other.number)
            sweep_record.write_plan(self.sweep_directory, replace(plan, jobs=jobs))
        return self._state(job)

    def _wanted(self) -> int:
        """Return how many jobs are still to be begun; those repeated for one that failed count once."""
        trials = self.study.get_trials(deepcopy=False)
        begun = sum(trial.state.name != "WAITING" for trial in trials)
        repeated = {trial.user_attrs[_REPEATS] for trial in trials if _REPEATS in trial.user_attrs}
        return int(self.settings.n_trials) - (begun - len(repeated))

    def _tell(self, job: Job) -> bool:
        """Tell the study how a job ended; return whether it did."""
        states = optuna_study.optuna_module().trial.TrialState
        if job.state == DONE and job.score is not None and math.isfinite(job.score):
            self.study.tell(job.number, job.score, skip_if_finished=True)
        elif job.state == PRUNED:
            self.study.tell(job.number, state=states.PRUNED, skip_if_finished=True)
        elif job.state in (DONE, FAILED):
            self.study.tell(job.number, state=states.FAIL, skip_if_finished=True)
        else:
            return False
        return True

    def _repeat_failed(self) -> None:
        with self._locked():
            trials = self.study.get_trials(deepcopy=False)
            repeated = {trial.user_attrs.get(_REPEATS) for trial in trials}
            for trial in trials:
                if trial.state.name == "FAIL" and trial.number not in repeated:
                    self._repeat(trial)

    def _repeat(self, trial: Any) -> None:
        self.study.enqueue_trial(trial.params, user_attrs={_REPEATS: trial.number})

    def failures(self, jobs: Sequence[Job]) -> list[Job]:
        """Return the jobs that failed and were not repeated since; others may be about to begin elsewhere."""
        trials = self.study.get_trials(deepcopy=False)
        repeated = {trial.user_attrs.get(_REPEATS) for trial in trials}
        return [job for job in jobs if job.state == FAILED and job.number not in repeated]

    def _at_once(self) -> int:
        n = self.n_jobs or self.composed.hydra.launcher.get("n_jobs") or 1
        return int(n) if n > 0 else os.cpu_count() or 1

    @contextmanager
    def _locked(self) -> Iterator[None]:
        """Wait until no other worker reads or changes which jobs there are."""
        with FileLock(self.sweep_directory / _LOCK):
            yield

    @contextmanager
    def _claim(self, number: int) -> Iterator[bool]:
        """Hold a trial for this worker while the body runs; give whether no other has it."""
        folder = self.sweep_directory / str(number)
        folder.mkdir(exist_ok=True)
        with locked(folder / _CLAIM, wait=0.0) as is_free:
            yield is_free

    def _finish(self) -> list[Job]:
        with self._locked():
            jobs = super()._finish()
        self._draw()
        return jobs

    def _draw(self) -> None:
        """Write the figure of the search, once a job has completed."""
        trials = [
            trial
            for trial in self.study.get_trials(deepcopy=False)
            if trial.state.name in ("COMPLETE", "PRUNED") and trial.value is not None
        ]
        if not any(trial.state.name == "COMPLETE" for trial in trials):
            return
        # matplotlib is not loaded before there is something to draw.
        from rankaae_cli.core.terminal import console
        from rankaae_cli.reports.batch.search_figure import SearchedJob, search_figure
        from rankaae_cli.reports.figures.drawing import save_figure

        jobs = [
            SearchedJob(trial.number, trial.value, trial.state.name == "PRUNED", dict(trial.params))
            for trial in trials
        ]
        sweep = self.sweep_directory
        log = [key for key, distribution in self.space.items() if getattr(distribution, "log", False)]
        synthetic = any(_is_synthetic(sweep / str(job.number)) for job in jobs)
        importances = optuna_study.importances(self.study)
        figure = search_figure(jobs, importances, log, sweep.name, synthetic)
        console.print(f"the search: {short_path(save_figure(figure, sweep / 'search')[0])}")


def _is_synthetic(run: Path) -> bool:
    if not (run / PROVENANCE).is_file():
        return False
    return any(file.get("source") == "synthetic" for file in read_provenance(run).get("data", []))
