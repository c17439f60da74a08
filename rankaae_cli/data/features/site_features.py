"""Features of the sites of one structure: from the cache where they are known, else computed."""

import hashlib
from collections.abc import Sequence

import numpy as np

from rankaae_cli.core.xas.spectra import SpectrumError
from rankaae_cli.data.features.feature_record import SiteFeatures
from rankaae_cli.data.features.featurisers import Featuriser
from rankaae_cli.data.structures.pymatgen_structure import structure_of
from rankaae_cli.data.structures.shell_cache import ShellCache
from rankaae_cli.data.structures.shell_task import ShellTask

# To be raised when the same structure would give other features than before: it is part of the cache's keys.
_ALGORITHM = 1


def site_features(
    name: str, task: ShellTask, featurisers: Sequence[Featuriser], cache: ShellCache
) -> SiteFeatures:
    """Return the features of the wanted sites of a structure, those of several featurisers side by side.

    Parameters
    ----------
    name
        Of the structure, for warnings.
    task
        The structure and its sites.
    featurisers
        At least one.
    cache
        Where features are kept, beside first shells.
    """
    results = []
    for featuriser in featurisers:
        key = _key(task, featuriser)
        features = cache.read(key, SiteFeatures.from_json)
        if features is None:
            features = _computed(name, task, featuriser)
            cache.write(key, features.to_json())
        if features.fault:
            return features
        results.append(features.sites)
    return SiteFeatures({site: np.concatenate([sites[site] for sites in results]) for site in results[0]})


def _computed(name: str, task: ShellTask, featuriser: Featuriser) -> SiteFeatures:
    try:
        structure = structure_of(task.poscar)
        of_atoms = featuriser.features(structure, name)
    except SpectrumError as error:
        return SiteFeatures(fault=str(error))
    return SiteFeatures({site: of_atoms[site] for site in task.sites if 0 <= site < len(of_atoms)})


def _key(task: ShellTask, featuriser: Featuriser) -> str:
    of_features = (_ALGORITHM, featuriser.model, featuriser.version, featuriser.weights, task.sites)
    return hashlib.sha256(b"features\n" + repr(of_features).encode() + b"\n" + task.poscar).hexdigest()
