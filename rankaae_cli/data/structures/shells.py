"""First shells of absorbing sites: from the cache where they are known, else computed."""

from collections.abc import Generator, Iterator, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path

from rankaae_cli.core.errors import UserError
from rankaae_cli.data.features.feature_record import SiteFeatures
from rankaae_cli.data.features.featurisers import Featuriser
from rankaae_cli.data.features.site_features import cached_features, computed_features
from rankaae_cli.data.structures.pymatgen_shells import require_pymatgen, task_key
from rankaae_cli.data.structures.shell_cache import ShellCache, default_cache
from rankaae_cli.data.structures.shell_task import MaterialShells, ShellTask
from rankaae_cli.data.structures.shell_workers import Workers, computed_shells


@dataclass(frozen=True)
class ShellOptions:
    """How shells are computed.

    Attributes
    ----------
    time_limit
        Seconds for one structure; it is rejected, not cached and tried again where it takes longer.
    workers
        Where they are computed, and how many at once.
    cache
        File of the shells computed so far; None for the user's cache folder.
    featurisers
        What makes features of the sites beside the shells; none by default.
    """

    time_limit: float = 120.0
    workers: Workers = field(default_factory=Workers)
    cache: Path | None = None
    featurisers: tuple[Featuriser, ...] = ()


def first_shells(
    tasks: Mapping[str, ShellTask], options: ShellOptions
) -> Generator[tuple[str, MaterialShells]]:
    """Find the first shells of many structures, those that are in the cache first.

    What is computed is put into the cache as it comes, so that an interrupted call does not start over. Only
    the structures at hand are in memory, if `tasks` holds them elsewhere.

    Parameters
    ----------
    tasks
        By a name of the structure; computed in its order, so the largest should come first.
    options
        Time limit, workers, cache.

    Yields
    ------
    tuple
        Name and shells of each task, once, in any order.

    Raises
    ------
    UserError
        If pymatgen or what the workers need is missing, the cache cannot be used, or a process is killed.
    """
    if options.time_limit <= 0:
        raise UserError(f"time_limit={options.time_limit:g} must be positive\ngive seconds for one structure")
    options.workers.require_usable()
    if not tasks:
        return
    require_pymatgen()
    with ShellCache(options.cache or default_cache()) as cache:
        if options.featurisers:
            yield from _with_features(tasks, options, cache)
        else:
            yield from _shells(tasks, options, cache)


def _shells(
    tasks: Mapping[str, ShellTask], options: ShellOptions, cache: ShellCache
) -> Iterator[tuple[str, MaterialShells]]:
    """Yield the shells of each structure, those that are in the cache first."""
    missing = []
    for name, task in tasks.items():
        shells = cache.read(task_key(task), MaterialShells.from_json)
        if shells is None:
            missing.append(name)
        else:
            yield name, shells
    if not missing:
        return
    waiting = ((name, tasks[name]) for name in missing)
    for name, shells in computed_shells(waiting, options.workers, options.time_limit):
        if not shells.timed_out:
            cache.write(task_key(tasks[name]), shells.to_json())
        yield name, shells


def _with_features(
    tasks: Mapping[str, ShellTask], options: ShellOptions, cache: ShellCache
) -> Iterator[tuple[str, MaterialShells]]:
    """Yield shells with the features of the sites beside them, where a shell was found."""
    missing = []
    for name, shells in _shells(tasks, options, cache):
        features = (
            cached_features(tasks[name], options.featurisers, cache) if shells.shells else SiteFeatures()
        )
        if features is None:
            missing.append(name)
        else:
            yield name, replace(shells, features=features)
    # A Ray cluster is for shells alone.
    jobs = 1 if options.workers.backend == "ray" else options.workers.jobs
    for name, features in computed_features(missing, tasks, options.featurisers, cache, jobs):
        of_shells = cache.read(task_key(tasks[name]), MaterialShells.from_json)
        assert of_shells is not None, "what is featurised was found just now"
        yield name, replace(of_shells, features=features)
