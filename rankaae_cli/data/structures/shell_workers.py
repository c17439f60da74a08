"""Computing first shells on many cores or machines, through joblib's backends."""

import itertools
from collections.abc import Iterable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from importlib import import_module
from importlib.util import find_spec
from typing import TYPE_CHECKING, Any

from rankaae_cli.core.errors import UserError, nearest

if TYPE_CHECKING:
    from rankaae_cli.data.structures.shells import Job, MaterialShells

BACKENDS = ("loky", "threading", "ray", "dask")
# What each needs beside joblib.
_MODULES = {"ray": "ray", "dask": "distributed"}
# These return results only all together, so they get structures in batches.
_IN_BATCHES = ("ray", "dask")
_BATCH_A_WORKER = 32
_CONNECT_WITHIN = 20.0  # seconds


@dataclass(frozen=True)
class Workers:
    """Where shells are computed.

    Attributes
    ----------
    backend
        ``loky`` (processes), ``threading``, ``ray`` or ``dask``.
    jobs
        Structures at once; -1 for one a core, of a cluster all its cores.
    address
        Of a Ray cluster or a Dask scheduler that there is; None to start one on this machine.
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
        if self.backend not in BACKENDS:
            raise UserError(f"there is no parallel.backend={self.backend}: {nearest(self.backend, BACKENDS)}")
        module = _MODULES.get(self.backend)
        if module is not None and find_spec(module) is None:
            raise UserError(
                f'parallel.backend={self.backend} needs {module}\npip install "rankaae[{self.backend}]"'
            )
        if self.address is not None and module is None:
            raise UserError(
                f"parallel.address= is of a Ray or Dask cluster, but parallel.backend={self.backend}\n"
                "add parallel.backend=ray or parallel.backend=dask"
            )


def computed_shells(
    jobs: Iterable[tuple[str, "Job"]], workers: Workers, time_limit: float
) -> "Iterator[tuple[str, MaterialShells]]":
    """Yield each job's name and result as soon as it is there, in any order.

    Jobs are taken a few at a time, by a thread of joblib's, so that they need not all be in memory.

    Raises
    ------
    UserError
        If a process is killed, or a cluster cannot be reached.
    """
    from joblib import Parallel, delayed

    from rankaae_cli.data.structures.structures import compute_named

    tasks = (delayed(compute_named)(name, job, time_limit) for name, job in jobs)
    with _backend(workers), _explained():
        if workers.backend in _IN_BATCHES:
            parallel = Parallel(n_jobs=workers.jobs, batch_size=1)
            while batch := list(itertools.islice(tasks, _BATCH_A_WORKER * parallel._effective_n_jobs())):
                yield from parallel(batch)
        else:
            yield from Parallel(n_jobs=workers.jobs, return_as="generator_unordered", batch_size=1)(tasks)


@contextmanager
def _backend(workers: Workers) -> Iterator[None]:
    """Let joblib use the backend, having started or reached the cluster it may need."""
    from joblib import effective_n_jobs, parallel_config

    with ExitStack() as cluster:
        match workers.backend:
            case "ray":
                cluster.enter_context(_ray(workers))
            case "dask":
                cluster.enter_context(_dask(workers))
        # Each process has one thread of linear algebra, lest they crowd each other out.
        several = workers.backend == "loky" and effective_n_jobs(workers.jobs) > 1
        with parallel_config(backend=workers.backend, inner_max_num_threads=1 if several else None):
            yield


@contextmanager
def _ray(workers: Workers) -> Iterator[None]:
    ray = import_module("ray")
    local = {} if workers.address else {"num_cpus": None if workers.jobs < 0 else workers.jobs}
    started_here = not ray.is_initialized()
    if started_here:
        try:
            ray.init(address=workers.address, include_dashboard=False, log_to_driver=False, **local)
        except (ConnectionError, RuntimeError, ValueError) as error:
            raise _no_cluster("Ray", workers, error) from error
    import_module("ray.util.joblib").register_ray()
    try:
        yield
    finally:
        if started_here:
            ray.shutdown()


@contextmanager
def _dask(workers: Workers) -> Iterator[None]:
    distributed = import_module("distributed")
    if workers.address:
        arguments: dict[str, Any] = {"address": workers.address, "timeout": _CONNECT_WITHIN}
    else:
        from joblib import cpu_count

        count = workers.jobs if workers.jobs > 0 else max(1, cpu_count() + 1 + workers.jobs)
        # One thread a process: computations hold the interpreter.
        arguments = {"n_workers": count, "threads_per_worker": 1, "dashboard_address": None}
    try:
        client = distributed.Client(**arguments)
    except (OSError, RuntimeError, ValueError) as error:
        raise _no_cluster("Dask", workers, error) from error
    with client:
        yield


def _no_cluster(kind: str, workers: Workers, error: Exception) -> UserError:
    where = f"at parallel.address={workers.address}" if workers.address else "on this machine"
    why = " ".join(str(error).split())[:200] or type(error).__name__
    return UserError(
        f"no {kind} cluster could be used {where}: {why}\nstart it, or leave parallel.backend=loky"
    )


@contextmanager
def _explained() -> Iterator[None]:
    from joblib.externals.loky.process_executor import TerminatedWorkerError

    try:
        yield
    except TerminatedWorkerError as error:
        raise UserError(
            "a process that computed descriptors was killed, probably for want of memory\n"
            "run again with parallel.jobs=1; what was finished is kept in the cache"
        ) from error
