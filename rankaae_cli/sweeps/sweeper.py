"""The sweepers: they plan the jobs of a sweep, hand them to a launcher, watch them and print a table at the end."""

import shlex
import sys
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

from hydra.core.override_parser.overrides_parser import OverridesParser
from hydra.core.plugins import Plugins
from hydra.plugins.launcher import Launcher
from hydra.plugins.sweeper import Sweeper
from hydra.types import HydraContext, TaskFunction
from omegaconf import DictConfig, OmegaConf, open_dict

from rankaae_cli.core.calls import in_grammar, setting
from rankaae_cli.core.errors import Stopped, UserError
from rankaae_cli.data.files import write_text
from rankaae_cli.runs import sweep_record
from rankaae_cli.runs.directory import short_path
from rankaae_cli.runs.find import find_runs
from rankaae_cli.runs.sweep_record import DONE, ENDED, FAILED, INTERRUPTED, NOT_STARTED, SWEEP, Job, Plan
from rankaae_cli.schema.foreign import harmful
from rankaae_cli.schema.numbers import require_possible_sweep
from rankaae_cli.schema.train import Then
from rankaae_cli.sweeps.slurm import wait_for_queue

_SECONDS_BETWEEN_LOOKS = 0.5
_SIGINT = 2


class JobsFailed(Exception):  # noqa: N818
    """Jobs of a sweep failed; the printed table shows which."""


class JobSweeper(Sweeper):
    """What every sweep does, however its jobs are chosen.

    Attributes
    ----------
    sweep_directory
        Absolute, once set up.
    command
        Of rankaae, that each job runs.
    most_printed
        Of the jobs that worked, print so many, the best; None prints all in their order.
    """

    most_printed: int | None = None

    def setup(self, *, hydra_context: HydraContext, task_function: TaskFunction, config: DictConfig) -> None:
        """Take what Hydra composed, and make the launcher."""
        require_possible_sweep(config.hydra)
        self.hydra_context, self.config = hydra_context, config
        self.loader, self.composed = hydra_context.config_loader, config
        # A configuration may have another name: --config-name.
        self.command = str(getattr(task_function, "command", config.hydra.job.config_name))
        self.sweep_directory = Path(config.hydra.sweep.dir).resolve()
        with open_dict(config.hydra.sweep):
            config.hydra.sweep.dir = str(self.sweep_directory)
        self.launcher: Launcher = Plugins.instance().instantiate_launcher(
            hydra_context=hydra_context, task_function=task_function, config=config
        )

    def begin(self, arguments: list[str], jobs: Sequence[Sequence[str]]) -> tuple[Plan, list[str]]:
        """Write the plan of a new sweep, or read that of the sweep to resume; return it and what this call adds.

        Raises
        ------
        UserError
            If the directory holds another sweep, or two jobs share a directory.
        """
        if (self.sweep_directory / SWEEP).is_file():
            return self._begun(arguments)
        planned = [self.planned(number, overrides) for number, overrides in enumerate(jobs)]
        calls = [sorted(job.overrides) for job in planned]
        same = next((c for c in calls if calls.count(c) > 1), None)
        if same is not None:
            raise UserError(
                f"two jobs would be the same: {' '.join(same) or 'no settings'}\ngive each value once"
            )
        directories = [job.directory for job in planned]
        twice = next((d for d in directories if directories.count(d) > 1), None)
        if twice is not None:
            raise UserError(f"two jobs would share the directory {twice}\nleave hydra.sweep.subdir as it is")
        write_text(self.sweep_directory / "multirun.yaml", OmegaConf.to_yaml(self.config))
        plan = Plan(self.command, str(Path.cwd()), sys.argv[1:], list(arguments), planned)
        sweep_record.write_plan(self.sweep_directory, plan)
        return plan, []

    def _begun(self, arguments: list[str]) -> tuple[Plan, list[str]]:
        plan = sweep_record.read_plan(self.sweep_directory)
        before = len(plan.arguments)
        if arguments[:before] != plan.arguments:
            raise UserError(
                f"{short_path(self.sweep_directory)} holds another sweep: rankaae {plan.command} "
                f"{shlex.join(plan.call)}\nchoose another hydra.sweep.dir"
            )
        if foreign := [
            o for o in harmful([o for job in plan.jobs for o in job.overrides]) if o not in arguments
        ]:
            raise UserError(f"a job in {SWEEP} sets {foreign[0]}, which the call does not\nbegin a new sweep")
        return plan, arguments[before:]

    def planned(self, number: int, overrides: Sequence[str]) -> Job:
        """Return a job with its directory; Hydra's errors in its configuration come up here, before any begins."""
        cfg = self.loader.load_sweep_config(self.composed, list(overrides))
        with open_dict(cfg):
            cfg.hydra.job.num = number
            cfg.hydra.job.id = number
        return Job(number, str(cfg.hydra.sweep.subdir), list(overrides))

    def launch(self, jobs: Sequence[Job], added: Sequence[str] = ()) -> None:
        """Run jobs and wait for them.

        Whatever a launcher says of a job whose process was killed, those that it did not begin are launched
        again as long as some begin.

        Parameters
        ----------
        jobs
            Of the plan.
        added
            Settings beyond their own overrides.
        """
        waiting = list(jobs)
        while waiting:
            calls = [[*job.overrides, *added, *self._place(job)] for job in waiting]
            try:
                self.launcher.launch(calls, initial_job_idx=waiting[0].number)
            except Exception as error:
                print(f"rankaae: the launcher reports: {_one_line(error)}", file=sys.stderr)
                _wait_for(self.sweep_directory, waiting)
            left = [job for job in waiting if self._state(job).state == NOT_STARTED]
            if len(left) == len(waiting):
                return
            waiting = left

    def _place(self, job: Job) -> list[str]:
        return [
            f"hydra.sweep.dir={in_grammar(self.sweep_directory)}",
            f"hydra.sweep.subdir={in_grammar(job.directory)}",
        ]

    def _state(self, job: Job) -> Job:
        return sweep_record.state_of(self.sweep_directory, job)

    def parsed(self, settings: Sequence[str]) -> list[Any]:
        """Return overrides as Hydra reads them."""
        return OverridesParser.create(self.loader).parse_overrides(list(settings))

    @contextmanager
    def watched(self, plan: Plan) -> Iterator[None]:
        """Print which jobs end while the body runs; then, however it ends, write and print the table.

        Raises
        ------
        JobsFailed
            If a job failed.
        Stopped
            If a signal asked a job to stop.
        """
        over = threading.Event()
        known = {job.number for job in sweep_record.jobs_of(self.sweep_directory) if job.state in ENDED}
        watch = threading.Thread(target=_print_ends, args=(self.sweep_directory, known, over), daemon=True)
        watch.start()
        try:
            yield
        finally:
            over.set()
            watch.join()
            jobs = self._finish()
        if self.composed.get("then") == Then.report and any(job.state == DONE for job in jobs):
            # Only such a sweep needs what draws figures.
            from rankaae_cli.reports.batch.write import report_batch

            report_batch(find_runs(str(self.sweep_directory)), None, pages=True)
        if self.failures(jobs):
            raise JobsFailed
        if any(job.state == INTERRUPTED for job in jobs):
            raise Stopped("the sweep was interrupted", _SIGINT)

    def failures(self, jobs: Sequence[Job]) -> list[Job]:
        """Return the jobs for which the sweep as a whole has failed."""
        return [job for job in jobs if job.state in (FAILED, NOT_STARTED)]

    def _finish(self) -> list[Job]:
        from rankaae_cli.core.terminal import console
        from rankaae_cli.reports.batch.sweep_table import print_jobs

        plan = sweep_record.read_plan(self.sweep_directory)
        jobs = sweep_record.jobs_of(self.sweep_directory)
        sweep_record.write_plan(self.sweep_directory, replace(plan, jobs=jobs))
        sweep_record.write_table(self.sweep_directory, jobs)
        where = short_path(self.sweep_directory)
        print_jobs(str(where), jobs, self.most_printed)
        left = [job for job in jobs if job.state in (FAILED, INTERRUPTED, NOT_STARTED)]
        if left and plan.command == "train":
            console.print(f"to run what is missing: rankaae train {setting('resume', where)}")
        elif plan.command == "train" and self.composed.get("then") != Then.report:
            console.print(f"next: rankaae report {setting('run', where)}")
        print(where)
        return jobs


class GridSweep(JobSweeper):
    """One job for each combination of the values given; Hydra's basic sweeper with a record and a table.

    Parameters
    ----------
    max_batch_size
        Jobs handed to the launcher at once; null: all.
    params
        Keys and values besides those given on the command line.
    """

    def __init__(self, max_batch_size: int | None = None, params: DictConfig | None = None) -> None:
        self.max_batch_size = max_batch_size
        self.params: dict[str, Any] = {str(key): value for key, value in (params or {}).items()}

    def sweep(self, arguments: list[str]) -> None:
        """Run the jobs that `arguments` ask for, or of an earlier sweep in this directory those that are missing.

        Raises
        ------
        JobsFailed
            If one failed.
        """
        from hydra._internal.core_plugins.basic_sweeper import BasicSweeper

        overrides = self.parsed([*(f"{key}={value}" for key, value in self.params.items()), *arguments])
        (combinations,) = BasicSweeper.split_arguments(overrides, None)
        plan, added = self.begin(arguments, combinations)
        with self.watched(plan):
            # What an earlier call has handed over need not be handed over again.
            wait_for_queue(self.sweep_directory)
            missing = [j for j in plan.jobs if self._state(j).state not in (DONE, sweep_record.RUNNING)]
            at_once = self.max_batch_size or max(len(missing), 1)
            for start in range(0, len(missing), at_once):
                self.launch(missing[start : start + at_once], added)
            # Another call may have begun some, whose launcher has left them to themselves.
            _wait_for(self.sweep_directory, plan.jobs)


def _print_ends(sweep: Path, known: set[int], over: threading.Event) -> None:
    """Print a line whenever a job ends."""
    from rankaae_cli.core.terminal import console
    from rankaae_cli.reports.batch.sweep_table import described

    last_look = False
    while not last_look:
        last_look = over.wait(_SECONDS_BETWEEN_LOOKS)
        try:
            jobs = sweep_record.jobs_of(sweep)
        except UserError:
            continue  # it is being written by another worker
        for job in jobs:
            if job.state in ENDED and job.number not in known:
                known.add(job.number)
                ended = sum(other.state in ENDED for other in jobs)
                console.print(f"job {job.directory} {described(job)} ({ended} ended)")


def _wait_for(sweep: Path, jobs: Sequence[Job]) -> None:
    """Wait until none of the jobs runs any more: a launcher that gave up on one may have left the others."""
    wait = threading.Event()
    while any(sweep_record.state_of(sweep, job).state == sweep_record.RUNNING for job in jobs):
        wait.wait(_SECONDS_BETWEEN_LOOKS)


def _one_line(error: Exception) -> str:
    lines = [line.strip() for line in str(error).splitlines() if line.strip()]
    if isinstance(error, UserError):
        return "; ".join(lines)
    return f"{type(error).__name__}: {lines[-1]}" if lines else type(error).__name__
