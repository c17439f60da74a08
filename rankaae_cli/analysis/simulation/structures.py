"""Spectra of structures by a model that simulates: each absorber that differs by symmetry, and their average."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from rankaae_cli.core.errors import UserError
from rankaae_cli.core.labels import listed
from rankaae_cli.data.family.family import Family
from rankaae_cli.data.family.sites import Gauge
from rankaae_cli.data.family.splits import split_by_material
from rankaae_cli.data.features.absorber_features import absorber_features
from rankaae_cli.data.features.featurisers import FEATURISERS, Featuriser, empty_features, featurisers_of
from rankaae_cli.data.files import now
from rankaae_cli.data.structures.pymatgen_shells import require_pymatgen
from rankaae_cli.data.structures.structure_files import given_structures
from rankaae_cli.models.base import Simulates


@dataclass(frozen=True)
class Averages:
    """Averages over the absorbers of each of M structures: of spectra, deviations and bands of whole curves.

    Deviations and half widths are averaged as the spectra are: errors of sites of one structure are alike.

    Attributes
    ----------
    names, sites_M
        Of the structures, and how many absorbers differ in each.
    spectra_ME, deviation_M, curves_ME
        The averages.
    novelty_M, verdicts
        Of the most novel site of each.
    """

    names: list[str]
    sites_M: np.ndarray
    spectra_ME: np.ndarray
    deviation_M: np.ndarray
    curves_ME: np.ndarray
    novelty_M: np.ndarray
    verdicts: list[str]


@dataclass(frozen=True)
class SimulatedStructures:
    """Spectra of the sites of structures.

    Attributes
    ----------
    family
        The spectra, their materials and sites, and the features; fidelity ``simulated``.
    multiplicity_N
        How many sites each stands for.
    deviation_N, points_NE, curves_NE
        How uncertain each is; half widths of the bands by energy, and of those that hold whole curves.
    novelty_N, verdicts
        Of each by its features: 1 for one that 5 % of training rows exceed.
    faults
        Structures that could not be used, and why.
    """

    family: Family
    multiplicity_N: np.ndarray
    deviation_N: np.ndarray
    points_NE: np.ndarray
    curves_NE: np.ndarray
    novelty_N: np.ndarray
    verdicts: list[str]
    faults: tuple[tuple[str, str], ...]

    def averages(self) -> Averages:
        """Return the averages over all absorbers of each structure."""
        names, number_N = np.unique(self.family.material_N.astype(str), return_inverse=True)
        order_N = np.lexsort(
            (self.novelty_N, number_N)
        )  # the sites of a structure together, the most novel last
        sites_M = np.bincount(number_N)
        first_M = np.cumsum(sites_M) - sites_M
        weight_N = self.multiplicity_N / np.bincount(number_N, self.multiplicity_N)[number_N]

        def averaged(values: np.ndarray) -> np.ndarray:
            return np.add.reduceat((values.T * weight_N).T[order_N], first_M)

        novel_M = order_N[first_M + sites_M - 1]
        return Averages(
            names.tolist(),
            sites_M,
            averaged(self.family.spectra_NE[:]),
            averaged(self.deviation_N),
            averaged(self.curves_NE),
            self.novelty_N[novel_M],
            [self.verdicts[n] for n in novel_M],
        )


def simulate_structures(
    model: Simulates, structures: Sequence[Any], coverage: float, progress: Gauge, jobs: int = 1
) -> SimulatedStructures:
    """Simulate the spectra of structures.

    Parameters
    ----------
    model
        Simulates them.
    structures
        Files and folders that hold them, or structures as pymatgen or ase have them.
    coverage
        Share that the bands are to hold.
    progress
        Called with structures done, and in all.
    jobs
        Structures at once where they are many; see `absorber_features`.

    Raises
    ------
    UserError
        If the model's features are none of structures, a package is missing, or no structure can be used.
    """
    featurisers = _featurisers(model)
    require_pymatgen()
    given, count = given_structures(structures)
    rows: list[tuple[str, int, int, np.ndarray]] = []
    faults: list[tuple[str, str]] = []
    features = absorber_features(given, model.element, featurisers, jobs)
    for done, one in enumerate(features, 1):
        if one.values_MF is None:
            faults.append((one.name, one.fault))
        else:
            of_absorbers = zip(one.absorbers, one.values_MF, strict=True)
            rows += [(one.name, a.site, a.multiplicity, row_F) for a, row_F in of_absorbers]
        progress(min(done, count), count, f"{done} structures")
    if not rows:
        name, reason = faults[0]
        raise UserError(f"none of {len(faults)} structures can be used; {name}: {reason}\ncheck input=")
    return _simulated(model, rows, tuple(faults), coverage)


def model_of_element(model: Simulates, element: str | None) -> Simulates:
    """Return a model as it is, or of several families that of an element.

    Raises
    ------
    UserError
        If it is of several families and no element of one alone is given, or of another element.
    """
    known = [member.element for member in model.members] or [model.element]
    if element not in (known if model.members else (*known, None)):
        asked = "no element= is given" if element is None else f"not of element={element}"
        raise UserError(
            f"this run simulates spectra of {listed(known)}, {asked}\ngive one, such as element={known[0]}"
        )
    if not model.members:
        return model
    if known.count(str(element)) > 1:
        titles = [member.title for member in model.members if member.element == element]
        raise UserError(
            f"this run simulates {element} as in {listed(titles)}\ngo on to one of them: rankaae train start="
        )
    return model.of_member(known.index(str(element)))


def _featurisers(model: Simulates) -> tuple[Featuriser, ...]:
    """Return what computes the features that a model was trained on."""
    names = model.features.model.split("+")
    unknown = [name for name in names if name not in FEATURISERS]
    if unknown:
        raise UserError(
            f"this run was trained on features of {model.features.title}, which cannot be computed here\n"
            f"train on data ingested with features={' or '.join(FEATURISERS)}"
        )
    featurisers = featurisers_of(names)
    computed = empty_features(featurisers)
    assert computed is not None
    if why := model.features.difference(computed):
        raise UserError(
            f"the features that can be computed here are {why}, those that this run was trained on\n"
            "install the package as it was then, or train again"
        )
    return featurisers


def _simulated(
    model: Simulates,
    rows: list[tuple[str, int, int, np.ndarray]],
    faults: tuple[tuple[str, str], ...],
    coverage: float,
) -> SimulatedStructures:
    names, sites, multiplicities, features = zip(*rows, strict=True)
    of_sites = replace(model.features, values_NF=np.array(features, dtype=np.float32))
    spectra_NE, deviation_N = model.simulate(of_sites)
    material_N = np.array(names, dtype=object)
    family = Family(
        name=model.family,
        element=model.element,
        edge=model.edge,
        energy_E=model.energy_E,
        energy_unit=model.energy_unit,
        spectra_NE=spectra_NE,
        descriptors_NK=np.full((len(rows), len(model.descriptor_names)), np.nan),
        descriptor_names=model.descriptor_names,
        descriptor_units=model.descriptor_units,
        material_N=material_N,
        site_N=np.array(sites, dtype=np.int64),
        split_N=split_by_material(material_N),
        normalisation=model.normalisation,
        source="forward",
        fidelity="simulated",
        created=now(),
        features=of_sites,
    )
    points_NE, curves_NE = (model.half_widths(deviation_N, coverage, whole) for whole in (False, True))
    return SimulatedStructures(
        family,
        np.array(multiplicities),
        deviation_N,
        points_NE,
        curves_NE,
        *model.judge(of_sites),
        faults,
    )
