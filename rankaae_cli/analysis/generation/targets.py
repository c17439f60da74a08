"""The spectra that structures are to have, and the conditions of atoms that follow from them."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from rankaae_cli.core.errors import UserError
from rankaae_cli.core.xas.spectra import SpectrumError, is_same_grid
from rankaae_cli.data.family.family import Family
from rankaae_cli.data.family.family_file import is_family_file, read_family
from rankaae_cli.data.family.splits import SPLITS, split_again
from rankaae_cli.data.structures.atoms import table_rows
from rankaae_cli.models.base import Samples

_STEPS = 60  # of Newton's method
_RIDGE = 1e-3  # keeps weights from running away where no mixture of training atoms has the mean


@dataclass(frozen=True)
class Targets:
    """What structures are to be like.

    Attributes
    ----------
    title
        Where they come from.
    spectra_ME
        Spectra of atoms; a single one is the mean over the structure.
    values_MX
        What conditions the model: the spectra, or the descriptors of their sites.
    """

    title: str
    spectra_ME: np.ndarray
    values_MX: np.ndarray

    @property
    def mean_E(self) -> np.ndarray:
        """The spectrum of the whole structure."""
        return np.asarray(self.spectra_ME.mean(axis=0))


def read_targets(
    model: Samples, names: Sequence[str], split: str | None, split_seed: int, split_by: str | None
) -> Targets:
    """Read the target in a family file, or in a text table with a spectrum a row.

    Parameters
    ----------
    model
        Of the run.
    names
        One path.
    split, split_seed, split_by
        Of a family file, the side to take; None for all rows.

    Raises
    ------
    UserError
        If there is not one file, it is of another element or grid, or lacks what conditions the model.
    """
    if len(names) != 1:
        raise UserError(
            f"input= names {len(names)} files, and structures are generated for one target\ngive one"
        )
    path = Path(names[0])
    if not path.is_file():
        raise UserError(
            f"there is no file {path}\ngive a family file, or a text file with a spectrum a row, as input="
        )
    if is_family_file(path):
        return _targets_of_family(model, path, split, split_seed, split_by)
    if split is not None:
        raise UserError(f"split={split} is for family files; {path} is none\nleave split= out")
    if model.conditioned_on != "spectra":
        raise UserError(
            f"this run is conditioned on descriptors, which {path} has none of\ngive a family file as input="
        )
    faults: dict[int, str] = {}
    try:
        rows = table_rows(path.read_bytes(), len(model.energy_E), faults)
    except SpectrumError as error:
        raise UserError(f"{path}: {error}\ngive a spectrum a row, of {len(model.energy_E)} values") from error
    if faults:
        row, why = next(iter(faults.items()))
        raise UserError(
            f"{path}, row {row + 1}: {why}\ngive a spectrum a row, of {len(model.energy_E)} values"
        )
    return Targets(path.name, np.array(rows), np.array(rows))


def _targets_of_family(
    model: Samples, path: Path, split: str | None, split_seed: int, split_by: str | None
) -> Targets:
    family = read_family(path)
    own, wanted = ((one.element, one.edge) for one in (family, model))
    if own != wanted:
        raise UserError(
            f"{path} holds {' '.join(own)} spectra, and this run was trained on {' '.join(wanted)} alone\n"
            "give a target of that element"
        )
    require_grid(model, family, str(path))
    if split is not None:
        family = split_again(family, split_by, split_seed)
        family = family.with_rows(family.split_N == SPLITS.index(split))
        if not len(family):
            raise UserError(f"the {split} split of {path} has no spectra\nchoose another split")
    return Targets(path.name if split is None else f"{path.name}, {split}", *condition_values(model, family))


def condition_values(model: Samples, family: Family) -> tuple[np.ndarray, np.ndarray]:
    """Return spectra (M, E) and what conditions the model (M, X) of those rows of a family where that is known."""
    spectra_ME = family.spectra_NE[:].astype(np.float64)
    values_MX = spectra_ME
    if model.conditioned_on == "descriptors":
        values_MX = family.with_descriptors(model.descriptor_names).descriptors_NK
    known = np.isfinite(values_MX).all(axis=1)
    if not known.any():
        raise UserError(
            "no row of the target has all descriptors that condition this run\ngive another target"
        )
    return spectra_ME[known], values_MX[known]


def require_grid(model: Samples, family: Family, where: str) -> None:
    """Raise UserError if spectra are on another grid than the model's."""
    if family.energy_unit != model.energy_unit or not is_same_grid(family.energy_E, model.energy_E):
        grids = [
            f"{len(one.energy_E)} points, {one.energy_E[0]:.8g} to {one.energy_E[-1]:.8g} {one.energy_unit}"
            for one in (family, model)
        ]
        raise UserError(
            f"{where} is on another grid ({grids[0]}) than this run ({grids[1]})\nbring it there first"
        )


def atom_conditions(model: Samples, targets: Targets, atoms: int, random: np.random.Generator) -> np.ndarray:
    """Return the conditions of N atoms, (N, C).

    Of several spectra each is given to as many atoms as the others, as near as can be. One alone is the mean of
    what atoms differ in: atoms of training are drawn, with those weights nearest to even (in entropy) that have
    this mean, rather than that every atom has the mean, which no atom does.
    """
    condition_MC = model.conditions(targets.values_MX)
    if len(condition_MC) == 1:
        weight_M = weights_of_mean(model.condition_MC.astype(np.float64), condition_MC[0])
        return model.condition_MC[even_draws(weight_M, atoms, random)].astype(np.float64)
    order = random.permutation(len(condition_MC))
    return np.asarray(condition_MC[np.resize(order, atoms)])


def weights_of_mean(rows_MC: np.ndarray, mean_C: np.ndarray) -> np.ndarray:
    """Return weights (M,) by which rows have a mean, as even as they can be: exp(rows @ x), by Newton's method."""
    x_C = np.zeros(rows_MC.shape[1])
    for _ in range(_STEPS):
        weight_M = _softmax(rows_MC @ x_C)
        apart_C = rows_MC.T @ weight_M - mean_C + _RIDGE * x_C
        centred = rows_MC - rows_MC.T @ weight_M
        step_C = np.linalg.solve((centred.T * weight_M) @ centred + _RIDGE * np.eye(len(x_C)), apart_C)
        x_C -= step_C * min(1.0, 1.0 / max(np.abs(step_C).max(), 1e-12))
        if np.abs(step_C).max() < 1e-8:
            break
    return _softmax(rows_MC @ x_C)


def _softmax(values_M: np.ndarray) -> np.ndarray:
    shifted_M = np.exp(values_M - values_M.max())
    return np.asarray(shifted_M / shifted_M.sum())


def even_draws(weight_M: np.ndarray, count: int, random: np.random.Generator) -> np.ndarray:
    """Return `count` indices drawn by their weights, each as often as these say to within one."""
    places = (random.random() + np.arange(count)) / count
    drawn = np.searchsorted(np.cumsum(weight_M), places).clip(max=len(weight_M) - 1)
    return random.permutation(drawn)
