"""What computes features of the sites of structures: one module each, loaded when asked for."""

import importlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from importlib.util import find_spec
from typing import Any

import numpy as np

from rankaae_cli.core.errors import UserError, nearest
from rankaae_cli.core.terminal import console
from rankaae_cli.core.xas.spectra import SpectrumError
from rankaae_cli.data.features.feature_set import FeatureSet, side_by_side

_LARGE = 1000  # atoms, beyond which a structure takes long and much memory


@dataclass(frozen=True)
class Featuriser:
    """A model that makes a row of numbers of each atom of a structure.

    Attributes
    ----------
    model, version, weights, names
        As of its `FeatureSet`.
    most_protons
        Of the elements that it knows.
    compute
        Returns the features of a structure of pymatgen, (atoms, F); SpectrumError where it cannot.
    """

    model: str
    version: str
    weights: str
    names: tuple[str, ...]
    most_protons: int
    compute: Callable[[Any], np.ndarray]

    def empty(self) -> FeatureSet:
        """Return its features of no site."""
        nothing_NF = np.empty((0, len(self.names)), dtype=np.float32)
        return FeatureSet(nothing_NF, self.names, self.model, self.version, self.weights)

    def features(self, structure: Any, name: str) -> np.ndarray:
        """Return the features of all atoms, shape (atoms, F), float32.

        Raises
        ------
        SpectrumError
            With the reason, if the structure is not one that it can describe.
        """
        if fault := self._fault(structure):
            raise SpectrumError(fault)
        if len(structure) > _LARGE:
            console.print(
                f"warning: {name} has {len(structure)} atoms: its features take long and much memory"
            )
        return self.compute(structure).astype(np.float32)

    def _fault(self, structure: Any) -> str:
        for i, site in enumerate(structure):
            if not site.is_ordered:
                return (
                    f"site {i} is occupied in part ({site.species_string}): {self.model} needs whole atoms; "
                    "make an ordered structure of it"
                )
            if not 1 <= getattr(site.specie, "Z", 0) <= self.most_protons:
                return f"{self.model} does not know the element {site.species_string} (site {i})"
        return ""


# By name: the module with `featuriser()`, the package that it needs, and the extra that brings it.
FEATURISERS = {"chgnet": ("rankaae_cli.data.features.chgnet", "chgnet", "features")}


def featurisers_of(names: Sequence[str]) -> tuple[Featuriser, ...]:
    """Return the featurisers of those names.

    Raises
    ------
    UserError
        If there is no such featuriser, or its package is not installed.
    """
    for name in names:
        if name not in FEATURISERS:
            raise UserError(f"there are no features={name}: {nearest(name, FEATURISERS)}")
        package, extra = FEATURISERS[name][1:]
        if find_spec(package) is None:
            raise UserError(f'features={name} needs the package {package}\npip install "rankaae[{extra}]"')
    return tuple(importlib.import_module(FEATURISERS[name][0]).featuriser() for name in names)


def empty_features(featurisers: Sequence[Featuriser]) -> FeatureSet | None:
    """Return the features that several featurisers make side by side, of no site; None of no featurisers."""
    return side_by_side([each.empty() for each in featurisers]) if featurisers else None
