"""A finished run loaded again: its model, and its data with the split of the training."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import torch
from omegaconf import DictConfig, ListConfig, OmegaConf

from rankaae_cli.core.errors import UserError
from rankaae_cli.data.family.families import read_families
from rankaae_cli.data.family.family import Family
from rankaae_cli.data.family.family_file import read_family
from rankaae_cli.data.family.sites import material_numbers
from rankaae_cli.data.family.splits import SPLITS, groups_of, split_again
from rankaae_cli.data.structures.structure_set import Structure, read_structures, structures_path
from rankaae_cli.models.base import HasStyles, require
from rankaae_cli.models.registry import load_model
from rankaae_cli.runs.directory import BEST, CONFIG, read_run_config
from rankaae_cli.runs.find import find_run, runs_on_same_data
from rankaae_cli.runs.provenance import read_provenance, sha256
from rankaae_cli.schema import schema_of


def load_run(run: str) -> tuple[Path, Any, Family]:
    """Find a run and load its model, a `models.base.Trained`, and its data with the run's split and descriptors.

    Raises
    ------
    UserError
        If the run or its data cannot be used, or the data file is not the one the run was trained on.
    """
    # The passes of these commands are too small to be shared among threads.
    torch.set_num_threads(1)
    path = find_run(run)
    config = read_run_config(path)
    model = load_model(path / BEST)
    _require_same_data(path, config)
    family = family_of_run(config)
    return path, model, family.with_descriptors(model.descriptor_names)


def _require_same_data(run: Path, config: DictConfig) -> None:
    """Raise UserError where a file that a run's configuration names is not one that it was trained on."""
    entries = read_provenance(run).get("data", [])
    digests = {str(entry["path"]): entry["sha256"] for entry in entries}
    for data in data_paths(config):
        if not data.is_file():
            continue
        digest, trained_on = sha256(data), digests.get(str(data))
        if trained_on not in (None, digest):
            raise UserError(
                f"{data} has changed since the run {run} was trained on it\ntrain again on the new file"
            )
        if digest not in digests.values():
            raise UserError(
                f"{data}, which {CONFIG} of the run {run} names, is not the file that it was trained on "
                f"(its SHA-256 begins {digest[:12]})\nput back {CONFIG}, or train on that file"
            )


def structures_beside(paths: list[Path]) -> dict[str, Structure]:
    """Return the structures beside family files, by material; of a file that has none beside it none.

    Raises
    ------
    UserError
        If a file of structures is damaged, or of other rows than the family file.
    """
    structures: dict[str, Structure] = {}
    for path in paths:
        if structures_path(path).is_file():
            structures |= read_structures(path, read_family(path, stored=True).rows)
    return structures


def load_styled(run_directory: Path, named: str | None = None) -> tuple[Path, Any, Family] | None:
    """Load the run with styles that is named, or else the newest on the data of a run; None where there is none.

    Raises
    ------
    UserError
        If the one that is named has none, or cannot be used.
    """
    if named is not None:
        directory, model, family = load_run(named)
        return directory, require(model, "rankaae traverse against=", HasStyles), family
    others = runs_on_same_data(run_directory)
    newest = next((path for path in others if isinstance(load_model(path / BEST), HasStyles)), None)
    return None if newest is None else load_run(str(newest))


def family_of_run(config: DictConfig) -> Family:
    """Read the data of a run with its split; spectra that it did not hold in memory stay in their files."""
    regrid, stored = bool(config.get("regrid")), config.get("memory") is not None
    split = int(config.split_seed), config.get("split_by")
    schema = schema_of("train", config.get("kind"))
    reads = schema.joins_families, schema.reads_structures
    return with_edges_of(config, load_family(data_paths(config), *split, regrid, stored, *reads))


def with_edges_of(config: DictConfig, family: Family) -> Family:
    """Return a family with those of its edges that a configuration names; all where it names none."""
    edges = OmegaConf.select(config, "family.edges")
    return family.with_edges(list(edges)) if family.segments and edges else family


def load_family(
    paths: list[Path],
    split_seed: int,
    split_by: str | None = None,
    regrid: bool = False,
    stored: bool = False,
    across: bool = False,
    with_structures: bool = False,
    announce: Callable[[str], None] = lambda text: None,
) -> Family:
    """Read family files as one, split as `data.family.splits.split_again` does.

    Parameters
    ----------
    paths, regrid, stored, across
        See `data.family.families.read_families`.
    with_structures
        Whether to read the structures beside the file, which there then has to be one of.
    split_seed, split_by
        0 keeps the split in the files, where that is by the same groups; None keeps these.
    announce
        Takes a line on how several files were joined.

    Raises
    ------
    UserError
        If a material or group is on two sides of the split, a side is empty, the files do not go together, or
        have no such groups.
    """
    family, notes = read_families(paths, regrid, stored, across)
    named = ", ".join(str(path) for path in paths)
    if with_structures:
        if len(paths) > 1:
            raise UserError(
                f"data= holds {len(paths)} files, and structures are read beside one\ngive one of them"
            )
        family = replace(family, structures=read_structures(paths[0], family.rows))
    try:
        family = split_again(family, split_by, split_seed)
    except UserError as error:
        raise UserError(f"{named}: {error}") from error
    for name_N in (family.material_N, groups_of(family, family.split_by)):
        number_N = material_numbers(name_N)
        first_M = np.unique(number_N, return_index=True)[1]
        beside_N = family.split_N != family.split_N[first_M][number_N]
        if beside_N.any():
            raise UserError(
                f"{named}: the sites of {name_N[beside_N.argmax()]} are on two sides of the split\n"
                f"split by {family.split_by}" + ("" if len(paths) == 1 else ", as any split_seed= but 0 does")
            )
    empty = [name for side, name in enumerate(SPLITS) if not np.any(family.split_N == side)]
    if empty:
        by = family.split_by.replace("_", " ")
        raise UserError(
            f"{named}: no {by} of its {len(first_M)} is on the {' or '.join(empty)} side of the split\n"
            "add materials, or choose another split_seed= or split_by="
        )
    for note in notes:
        announce(note)
    return family


def data_paths(config: DictConfig) -> list[Path]:
    """Return the family files that a configuration names, be it one or a list."""
    data = config.data
    return [Path(str(path)) for path in data] if isinstance(data, ListConfig) else [Path(str(data))]
