"""Features of the sites of structures: from the cache where they are known, else computed."""

import hashlib
from collections.abc import Iterator, Mapping, Sequence

import numpy as np

from rankaae_cli.core.xas.spectra import SpectrumError
from rankaae_cli.data.features.feature_record import SiteFeatures
from rankaae_cli.data.features.featurisers import Featuriser
from rankaae_cli.data.structures.pymatgen_structure import structure_of
from rankaae_cli.data.structures.shell_cache import ShellCache
from rankaae_cli.data.structures.shell_task import ShellTask
from rankaae_cli.data.structures.shell_workers import in_order

# To be raised when the same structure would give other features than before: it is part of the cache's keys.
_ALGORITHM = 1


def cached_features(
    task: ShellTask, featurisers: Sequence[Featuriser], cache: ShellCache
) -> SiteFeatures | None:
    """Return the features of the wanted sites of a structure, those of several side by side; None where not kept.

    Parameters
    ----------
    task
        The structure and its sites.
    featurisers
        At least one.
    cache
        Where features are kept, beside first shells.
    """
    kept = [cache.read(_key(task, featuriser), SiteFeatures.from_json) for featuriser in featurisers]
    features = [one for one in kept if one is not None]
    return _side_by_side(features) if len(features) == len(kept) else None


def computed_features(
    names: Sequence[str],
    tasks: Mapping[str, ShellTask],
    featurisers: Sequence[Featuriser],
    cache: ShellCache,
    jobs: int,
) -> Iterator[tuple[str, SiteFeatures]]:
    """Yield name and features of structures, in their order, and keep them in the cache.

    Parameters
    ----------
    names, tasks
        Of the structures, for warnings too, and what is asked of each.
    featurisers, cache
        As of `cached_features`.
    jobs
        Structures at once where they are many, each in a process of its own; -1: one a core.
    """
    calls = ((name, tasks[name], featurisers) for name in names)
    instead = "parallel.jobs=1; what was finished is kept in the cache"
    for name, features in zip(names, in_order(_computed, calls, jobs, instead), strict=True):
        for featuriser, one in zip(featurisers, features, strict=True):
            cache.write(_key(tasks[name], featuriser), one.to_json())
        yield name, _side_by_side(features)


def _side_by_side(features: Sequence[SiteFeatures]) -> SiteFeatures:
    """Return the features of several featurisers as one, or the first of them that has a fault."""
    fault = next((one for one in features if one.fault), None)
    sites = features[0].sites
    return fault or SiteFeatures({s: np.concatenate([one.sites[s] for one in features]) for s in sites})


def _computed(name: str, task: ShellTask, featurisers: Sequence[Featuriser]) -> list[SiteFeatures]:
    """Return the features by each of the featurisers."""
    results = []
    for featuriser in featurisers:
        try:
            of_atoms = featuriser.features(structure_of(task.poscar), name)
        except SpectrumError as error:
            results.append(SiteFeatures(fault=str(error)))
        else:
            sites = [site for site in task.sites if 0 <= site < len(of_atoms)]
            results.append(SiteFeatures({site: of_atoms[site] for site in sites}))
    return results


def _key(task: ShellTask, featuriser: Featuriser) -> str:
    of_features = (_ALGORITHM, featuriser.model, featuriser.version, featuriser.weights, task.sites)
    return hashlib.sha256(b"features\n" + repr(of_features).encode() + b"\n" + task.poscar).hexdigest()
