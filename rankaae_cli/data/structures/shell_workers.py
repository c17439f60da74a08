"""Computing first shells on many cores or machines, through joblib's backends."""

import itertools
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass
from importlib.util import find_spec
from typing import Any, TypeVar

from joblib import Parallel, delayed, effective_n_jobs, parallel_config
from joblib.externals.loky.process_executor import TerminatedWorkerError

from rankaae_cli.core.errors import UserError, nearest
from rankaae_cli.data.structures.pymatgen_shells import compute_named
from rankaae_cli.data.structures.shell_task import MaterialShells, ShellTask

BACKENDS = ("loky", "threading", "ray")
# Ray returns results only all together, so it gets structures in batches.
_BATCH_A_WORKER = 32
_FIRST = 150  # structures that are featurised before processes are started for it
_BATCH = 8  # structures that a process is sent at once
Result = TypeVar("Result")


@dataclass(frozen=True)
class Workers:
    """Where shells are computed.

    Attributes
    ----------
    backend
        ``loky`` (processes), ``threading`` or ``ray``.
    jobs
        Structures at once; -1 for one a core, of a cluster all its cores.
    address
        Of a Ray cluster that there is; None to start one on this machine.
    """

    backend: str = "loky"
    jobs: int = -1
    address: str | None = None

    def require_usable(self) -> None:
        """Raise UserError if there is no such backend, its package is missing or no job is to run."""
        if self.jobs == 0:
            raise UserError(
                "parallel.jobs= must not be 0\ngive how many structures at once, or -1: one a core"
            )
        if self.backend == "dask":
            raise UserError(
                "parallel.backend=dask is no more, version 0.1.0 had it\ngive loky (the default), threading or ray"
            )
        if self.backend not in BACKENDS:
            raise UserError(f"there is no parallel.backend={self.backend}: {nearest(self.backend, BACKENDS)}")
        if self.backend == "ray" and find_spec("ray") is None:
            raise UserError('parallel.backend=ray needs ray\npip install "rankaae[ray]"')
        if self.address is not None and self.backend != "ray":
            raise UserError(
                f"parallel.address= is of a Ray cluster, but parallel.backend={self.backend}\n"
                "add parallel.backend=ray"
            )


def computed_shells(
    tasks: Iterable[tuple[str, ShellTask]], workers: Workers, time_limit: float
) -> Iterator[tuple[str, MaterialShells]]:
    """Yield each task's name and result as soon as it is there, in any order.

    Tasks are taken a few at a time, by a thread of joblib's, so that they need not all be in memory.

    Raises
    ------
    UserError
        If a process is killed, or a cluster cannot be reached.
    """
    calls = (delayed(compute_named)(name, task, time_limit) for name, task in tasks)
    with _backend(workers), _explained("parallel.jobs=1; what was finished is kept in the cache"):
        if workers.backend == "ray":
            # Entered once, it keeps its processes from batch to batch.
            with Parallel(n_jobs=workers.jobs, batch_size=1) as parallel:
                while batch := list(itertools.islice(calls, _BATCH_A_WORKER * parallel._effective_n_jobs())):
                    yield from parallel(batch)
        else:
            yield from Parallel(n_jobs=workers.jobs, return_as="generator_unordered", batch_size=1)(calls)


def in_order(
    compute: Callable[..., Result], calls: Iterable[tuple[Any, ...]], jobs: int, instead: str
) -> Iterator[Result]:
    """Yield what a function returns for each call's arguments, in their order, in processes side by side.

    The first calls are made in this process: others take seconds until they have loaded what featurises. Calls are
    taken a few at a time, by a thread of joblib's. `instead` is what to do if a process is killed.

    Raises
    ------
    UserError
        If a process is killed.
    """
    waiting = iter(calls)
    yield from (compute(*call) for call in itertools.islice(waiting, None if jobs == 1 else _FIRST))
    for first in waiting:
        rest = (delayed(compute)(*call) for call in itertools.chain([first], waiting))
        with _backend(Workers(jobs=jobs)), _explained(instead):
            yield from Parallel(n_jobs=jobs, return_as="generator", batch_size=_BATCH)(rest)


@contextmanager
def _backend(workers: Workers) -> Iterator[None]:
    """Let joblib use the backend, having started or reached the cluster it may need."""
    with _ray(workers) if workers.backend == "ray" else nullcontext():
        # Each process has one thread of linear algebra, lest they crowd each other out.
        several = workers.backend == "loky" and effective_n_jobs(workers.jobs) > 1
        with parallel_config(backend=workers.backend, inner_max_num_threads=1 if several else None):
            yield


@contextmanager
def _ray(workers: Workers) -> Iterator[None]:
    import ray  # an extra, which others need not have

    local = {} if workers.address else {"num_cpus": None if workers.jobs < 0 else workers.jobs}
    started_here = not ray.is_initialized()
    if started_here:
        try:
            ray.init(address=workers.address, include_dashboard=False, log_to_driver=False, **local)
        except (ConnectionError, RuntimeError, ValueError) as error:
            raise _no_cluster(workers, error) from error
    from ray.util.joblib import register_ray

    register_ray()
    try:
        yield
    finally:
        if started_here:
            ray.shutdown()


def _no_cluster(workers: Workers, error: Exception) -> UserError:
    where = f"at parallel.address={workers.address}" if workers.address else "on this machine"
    why = " ".join(str(error).split())[:200] or type(error).__name__
    return UserError(f"no Ray cluster could be used {where}: {why}\nstart it, or leave parallel.backend=loky")


@contextmanager
def _explained(instead: str) -> Iterator[None]:
    try:
        yield
    except TerminatedWorkerError as error:
        raise UserError(
            "a process that computed descriptors was killed, probably for want of memory\n"
            f"run again with {instead}"
        ) from error
