"""Features of the absorbers of structures as users have them: of thousands, in processes side by side."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from rankaae_cli.core.xas.spectra import SpectrumError
from rankaae_cli.data.features.featurisers import Featuriser
from rankaae_cli.data.structures.shell_workers import in_order
from rankaae_cli.data.structures.structure_files import Absorber, StructureFile, distinct_absorbers


@dataclass(frozen=True)
class AbsorberFeatures:
    """The absorbers of a structure that differ by symmetry and their features, (M, F), or why there are none."""

    name: str
    absorbers: Sequence[Absorber] = ()
    values_MF: np.ndarray | None = None
    fault: str = ""


def absorber_features(
    structures: Iterable[StructureFile], element: str, featurisers: Sequence[Featuriser], jobs: int
) -> Iterator[AbsorberFeatures]:
    """Give the features of the absorbers of structures, in their order; only those at hand are in memory.

    Parameters
    ----------
    structures
        Read when they are asked for.
    element
        Of the absorbers.
    featurisers
        Whose features stand side by side.
    jobs
        Structures at once where they are many, each in a process of its own; -1: one a core.
    """
    calls = ((one, element, featurisers) for one in structures)
    return in_order(_of_structure, calls, jobs, "jobs=1")


def _of_structure(one: StructureFile, element: str, featurisers: Sequence[Featuriser]) -> AbsorberFeatures:
    try:
        if one.fault:
            raise SpectrumError(one.fault)
        absorbers = distinct_absorbers(one.structure, element)
        sites = [absorber.site for absorber in absorbers]
        values = [each.features(one.structure, one.name)[sites] for each in featurisers]
    except SpectrumError as error:
        return AbsorberFeatures(one.name, fault=str(error))
    return AbsorberFeatures(one.name, absorbers, np.hstack(values))
