"""Yes/no classes of new molecules."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from rankaae_cli.core.errors import UserError
from rankaae_cli.core.xas.spectra import is_same_grid
from rankaae_cli.data.family.family import Family
from rankaae_cli.data.family.family_file import read_family
from rankaae_cli.data.family.regrid import on_grid
from rankaae_cli.data.family.sites import FamilySpec
from rankaae_cli.data.family.splits import SPLITS, split_again
from rankaae_cli.data.readers.computed.npy import NpyFiles, read_npy
from rankaae_cli.data.segments import Segment
from rankaae_cli.models.base import Answers, Classifies

_ARRAYS = (".npy", ".npz")


@dataclass(frozen=True)
class ClassPrediction:
    """What is read of molecules.

    Attributes
    ----------
    material_N, site_N
        Names of the molecules.
    answers
        Of the model.
    faults
        Molecules that cannot be read, and why.
    """

    material_N: np.ndarray
    site_N: np.ndarray
    answers: Answers
    faults: tuple[tuple[str, str], ...]


@dataclass(frozen=True)
class _Molecules:
    """Spectra on the model's axis, and their names."""

    spectra_NE: np.ndarray
    material_N: np.ndarray
    site_N: np.ndarray
    faults: tuple[tuple[str, str], ...] = ()


def predict_classes(
    model: Classifies,
    names: Sequence[str],
    max_tail: float,
    split: str | None = None,
    split_seed: int = 0,
    split_by: str | None = None,
) -> ClassPrediction:
    """Tell the classes of the molecules in family files, or in arrays of spectra (``x.npy``, ``x.npz:name``).

    Parameters
    ----------
    model
        A run's model.
    names
        The files, at least one.
    max_tail
        eV that spectra of one edge may begin after the model's grid.
    split, split_seed, split_by
        The side of the split of family files to read; None for all.

    Raises
    ------
    UserError
        If a file cannot be read, is of other edges or energies, or nothing in it can be read.
    """
    parts = [_molecules(model, name, max_tail, split, split_seed, split_by) for name in names]
    faults = tuple(fault for part in parts for fault in part.faults)
    spectra_NE, material_N, site_N = (
        np.concatenate([getattr(part, key) for part in parts])
        for key in ("spectra_NE", "material_N", "site_N")
    )
    if not len(spectra_NE):
        reason = f": {faults[0][1]}" if faults else ""
        raise UserError(f"no molecule of {', '.join(names)} can be read{reason}\ncorrect input=")
    return ClassPrediction(material_N, site_N, model.classify(spectra_NE), faults)


def _molecules(
    model: Classifies, name: str, max_tail: float, split: str | None, split_seed: int, split_by: str | None
) -> _Molecules:
    if Path(name.rsplit(":", 1)[0]).suffix in _ARRAYS:
        return _of_array(model, name)
    family = read_family(name)
    for what in ("element", "edge", "energy_unit"):
        own, wanted = getattr(family, what), getattr(model, what)
        if own != wanted:
            raise UserError(
                f"{name}: {what} is {own}, that of the model is {wanted}\ngive another input= or run="
            )
    if split is not None:
        if split not in SPLITS:
            raise UserError(f"there is no split {split!r}\ngive one of {', '.join(SPLITS)}")
        family = split_again(family, split_by, split_seed)
        family = family.with_rows(family.split_N == SPLITS.index(split))
    if model.segments:
        return _of_edges(model, family, name)
    if is_same_grid(family.energy_E, model.energy_E):
        return _Molecules(np.asarray(family.spectra_NE[:]), family.material_N, family.site_N)
    if family.segments or family.energy_unit != "eV":
        raise UserError(
            f"{name} has {len(family.energy_E)} points a spectrum, the model reads {len(model.energy_E)} others\n"
            "give spectra on the energies of the model"
        )
    brought, rejected = on_grid(family, model.energy_E, max_tail)
    faults = tuple((one.material, one.reason) for one in rejected)
    return _Molecules(np.asarray(brought.spectra_NE[:]), brought.material_N, brought.site_N, faults)


def _of_edges(model: Classifies, family: Family, name: str) -> _Molecules:
    """Return the edges that a model reads of those of a file, NaN for those that it has not."""
    wanted = ", ".join(one.name for one in model.segments)
    own = {one.name: one for one in family.segments}
    if not set(own) & {one.name for one in model.segments}:
        there = ", ".join(own) or "one edge without a name"
        raise UserError(
            f"{name} holds {there}, the model reads {wanted}\ningest it with names of its edges, family.edges="
        )
    spectra_NE = np.full((len(family), len(model.energy_E)), np.nan)
    for one in model.segments:
        if one.name in own:
            _require_grid(model, family, one, own[one.name], name)
            spectra_NE[:, one.points] = family.spectra_NE[:][:, own[one.name].points]
    there_N = ~np.isnan(spectra_NE).all(axis=1)
    faults = tuple((str(material), f"no spectrum of {wanted}") for material in family.material_N[~there_N])
    return _Molecules(spectra_NE[there_N], family.material_N[there_N], family.site_N[there_N], faults)


def _require_grid(model: Classifies, family: Family, wanted: Segment, own: Segment, name: str) -> None:
    if not is_same_grid(family.energy_E[own.points], model.energy_E[wanted.points]):
        raise UserError(
            f"{name}: the energies of {wanted.name} are not those of the model\n"
            "give spectra on the energies of the model"
        )


def _of_array(model: Classifies, name: str) -> _Molecules:
    """Return the spectra of an array, on the model's axis."""
    if len(model.segments) > 1:
        raise UserError(
            f"{name} is one array, the model reads {', '.join(one.name for one in model.segments)}\n"
            "make a family file of the arrays: rankaae ingest source=npy"
        )
    spec = FamilySpec(model.family, model.element, model.edge, model.energy_E, model.energy_unit)
    sites = read_npy(NpyFiles([name]), spec)
    if sites.spectra_NE.shape[1] != len(model.energy_E):
        raise UserError(
            f"{name} has {sites.spectra_NE.shape[1]} points a spectrum, the model reads {len(model.energy_E)}\n"
            "give spectra on the energies of the model"
        )
    faults = tuple((one.material, one.reason) for one in sites.rejected)
    return _Molecules(np.asarray(sites.spectra_NE[:]), sites.material_N, sites.site_N, faults)
