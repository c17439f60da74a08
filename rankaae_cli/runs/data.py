"""What a training run is given: which files, and which of their rows and descriptors can be used."""

from pathlib import Path

import numpy as np
import torch
from omegaconf import DictConfig

from rankaae_cli.core.byte_sizes import parsed_bytes, shown_bytes
from rankaae_cli.core.errors import UserError
from rankaae_cli.core.terminal import console
from rankaae_cli.data.family.family import Family
from rankaae_cli.data.family.family_file import read_family
from rankaae_cli.data.family.samples import sample_path
from rankaae_cli.data.family.splits import TRAIN, VALIDATION, groups_of, split_of
from rankaae_cli.data.spectra_rows import Spectra, blocks_of
from rankaae_cli.runs.load import data_paths
from rankaae_cli.schema.family import EnergyGridConfig, FamilyConfig
from rankaae_cli.training.memory import available_bytes
from rankaae_cli.training.rows import drawn_rows, spectra_bytes

# Of the free memory: up to how much spectra are held in it, and how much they may take where they are not.
_SHARE_IN_MEMORY, _SHARE_STREAMED = 0.5, 0.25


def data_files(cfg: DictConfig) -> tuple[list[Path], bool]:
    """Return the family files to train on, and whether it is the shipped synthetic sample."""
    if cfg.data is not None:
        paths = data_paths(cfg)
        for path in paths:
            if not path.is_file():
                raise UserError(
                    f"there is no data file {path}\nmake one with rankaae ingest, or correct data="
                )
        return [path.resolve() for path in paths], False
    default = Path(cfg.family.data)
    if default.is_file():
        return [default.resolve()], False
    sample = sample_path(cfg.family.name)
    if sample is None:
        raise UserError(
            f"there is no {default}, and no sample of {cfg.family.name} ships with the program\n"
            f"make the file: rankaae ingest +family={cfg.family.name} source=... path=..."
        )
    return [sample], True


def streaming_memory(
    cfg: DictConfig, family: Family, unlabelled: Spectra | None, device: str, resumed: bool
) -> int | None:
    """Return how many bytes streamed spectra may take; None where all of them go into memory.

    What is decided for the user is written into `cfg`, so that a run that goes on decides alike.

    Raises
    ------
    UserError
        If ``memory=`` is no amount of memory, or too little for a batch, or streamed spectra are to be replayed.
    """
    needed = spectra_bytes(family.spectra_NE) + (0 if unlabelled is None else spectra_bytes(unlabelled))
    if cfg.memory is None:
        free = None if resumed else available_bytes(torch.device(device))
        if free is None or needed <= _SHARE_IN_MEMORY * free:
            return None
        cfg.memory = f"{max(int(_SHARE_STREAMED * free) // 10**6, 1)}MB"
    memory = parsed_bytes(cfg.memory)
    if memory is None:
        raise UserError(f"memory={cfg.memory} is no amount of memory\ngive one such as memory=1GB, or null")
    if needed <= memory:
        return None
    if cfg.replay > 0:
        raise UserError(
            f"replay= needs all spectra in memory: they take {shown_bytes(needed)} and may take "
            f"{shown_bytes(memory)}\nleave it out, or give more memory="
        )
    # A pool of a batch, and the next one.
    least = 2 * int(cfg.batch_size) * len(family.energy_E) * 4
    if memory < least:
        raise UserError(
            f"memory={cfg.memory} does not hold two batches of {cfg.batch_size} spectra\n"
            f"give at least {least // 1000 + 1}kB, or a smaller batch_size"
        )
    console.print(
        f"the spectra take {shown_bytes(needed)} in memory and may take {shown_bytes(memory)}: "
        "they are read from the file in blocks"
    )
    return memory


def require_family(cfg: DictConfig, family: Family) -> None:
    """Refuse data that do not belong to the family."""
    asked = (cfg.family.name, cfg.family.element, cfg.family.edge, cfg.family.energy.unit)
    given = (family.name, family.element, family.edge, family.energy_unit)
    if asked != given:
        right = "leave +family= out" if family.members else f"give +family={given[0]}"
        raise UserError(
            f"the data file holds {given[0]} ({given[1]} {given[2]} edge, {given[3]}), "
            f"not {asked[0]} ({asked[1]} {asked[2]} edge, {asked[3]})\n{right}, or another data="
        )


def family_of_data(family: Family) -> FamilyConfig:
    """Return what a configuration says of a family that no call names."""
    start, step = float(family.energy_E[0]), float(np.diff(family.energy_E).mean())
    grid = EnergyGridConfig(start, step, len(family.energy_E), family.energy_unit)
    return FamilyConfig(family.name, family.element, family.edge, energy=grid, data=f"data/{family.name}.h5")


def usable_family(family: Family, learns_from: str) -> Family:
    """Leave out descriptors that nothing can be learned of; refuse data that lack what is to be learned from.

    Parameters
    ----------
    family
        The data.
    learns_from
        Of the task, see `training.task.Task`.
    """
    if learns_from == "features":
        return _featured(family)
    if learns_from == "structures":
        return family
    first_NE = family.spectra_NE[:1]
    if all(((block_NE == first_NE) | np.isnan(block_NE)).all() for block_NE in blocks_of(family.spectra_NE)):
        raise UserError("all spectra of the data are the same: nothing can be learned\ngive other data")
    # Nothing can be learnt of a descriptor that does not vary in training, or chosen by one in validation.
    varies = [
        all(
            len(np.unique(d_N[(family.split_N == side) & ~np.isnan(d_N)])) > 1 for side in (TRAIN, VALIDATION)
        )
        for d_N in family.descriptors_NK.T
    ]
    kept = [name for name, v in zip(family.descriptor_names, varies, strict=True) if v]
    left_out = [name for name, v in zip(family.descriptor_names, varies, strict=True) if not v]
    if not kept:
        raise UserError(
            f"no descriptor of {', '.join(family.descriptor_names) or 'the file'} takes two known values "
            "in training and in validation\n"
            "training needs at least one: ingest data with descriptors"
        )
    if left_out:
        console.print(f"left out, without two known values in training and validation: {', '.join(left_out)}")
    return family.with_descriptors(kept)


def _featured(family: Family) -> Family:
    if family.features is None:
        raise UserError(
            "the data hold no features of the sites, from which spectra could be simulated\n"
            "ingest them with features=chgnet (source=feff or atoms), or from an npz file that has features"
        )
    for member, rows in zip(family.members, family.rows_of_members(), strict=False):
        if not (family.split_N[rows] == TRAIN).any():
            raise UserError(
                f"no spectrum of {member.title} is on the train side of the split\nleave its file out of data="
            )
    return family


def unlabelled_rows(cfg: DictConfig, family: Family) -> Family | None:
    """Return the rows of the second file that may be trained on, without reading their spectra.

    Materials, and groups that the family is split by, on the validation or test side, by the family's split or by
    their name, are left out, and sites that the family itself has.

    Raises
    ------
    UserError
        If the file cannot be read, is of another element or grid, does not have these groups, or no such spectrum.
    """
    if cfg.get("unlabelled") is None:  # a key of kinds that are trained in epochs
        return None
    other = read_family(cfg.unlabelled, stored=True)
    cfg.unlabelled = str(second_file(cfg)[0])
    if other.element != family.element or other.edge != family.edge:
        raise UserError(
            f"unlabelled={cfg.unlabelled} holds {other.element} {other.edge} spectra, not {family.element}"
        )
    if len(other.energy_E) != len(family.energy_E) or not np.allclose(
        other.energy_E, family.energy_E, atol=1e-6
    ):
        raise UserError(
            f"unlabelled={cfg.unlabelled} has another energy grid than the data\n"
            "ingest it with source=family regrid=true"
        )
    try:
        group_N = groups_of(other, family.split_by)
    except UserError as error:
        raise UserError(f"unlabelled={cfg.unlabelled}: {error}") from error
    side_of = dict(zip(groups_of(family, family.split_by), family.split_N, strict=True))
    for group in set(group_N) - set(side_of):
        side_of[group] = split_of(group, cfg.split_seed)
    other_sides = set(family.material_N[family.split_N != TRAIN])
    own = set(zip(family.material_N, family.site_N, strict=True))
    keep_N = [
        material not in other_sides and side_of[group] == TRAIN and (material, site) not in own
        for group, material, site in zip(group_N, other.material_N, other.site_N, strict=True)
    ]
    if not any(keep_N):
        raise UserError(
            f"unlabelled={cfg.unlabelled} has no spectrum on the training side that the data have not\n"
            "leave it out, or give another file"
        )
    return other.with_rows(np.array(keep_N))


def unlabelled_spectra(cfg: DictConfig, family: Family) -> Spectra | None:
    """Return the spectra of `unlabelled_rows`, (N, E)."""
    rows = unlabelled_rows(cfg, family)
    return None if rows is None else rows.spectra_NE


def rows_trained_on(family: Family, unlabelled_NE: Spectra | None, replay: float = 0.0) -> int:
    """Return how many spectra an epoch has, of which a share is replayed."""
    rows = int((family.split_N == TRAIN).sum()) + (0 if unlabelled_NE is None else len(unlabelled_NE))
    return rows + drawn_rows(rows, replay)


def second_file(cfg: DictConfig) -> list[Path]:
    """Return the path of the file without descriptors, in a list; an empty one for none."""
    path = cfg.get("unlabelled")  # a key of kinds that are trained in epochs
    return [] if path is None else [Path(path).resolve()]


def classes_of(cfg: DictConfig, family: Family) -> dict[str, list[float]]:
    """Return the classes of those of the family's descriptors that take few values."""
    if family.yes_no:
        return {name: [0.0, 1.0] for name in family.descriptor_names}
    classes = {name: one and one.classes for name, one in cfg.family.descriptors.items()}
    return {name: list(classes[name]) for name in family.descriptor_names if classes.get(name) is not None}
