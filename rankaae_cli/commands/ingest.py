"""``rankaae ingest``: bring foreign files into one family file."""

from contextlib import ExitStack
from dataclasses import replace
from pathlib import Path
from typing import Any

from omegaconf import DictConfig, OmegaConf

from rankaae_cli.commands.sources import listed_names, read_source
from rankaae_cli.commands.summary import show_dry_run, summary_lines
from rankaae_cli.core.errors import UserError
from rankaae_cli.core.labels import fidelity_name, fidelity_of
from rankaae_cli.data.family.family import Family
from rankaae_cli.data.family.family_file import write_family
from rankaae_cli.data.family.groups import read_groups, with_groups
from rankaae_cli.data.family.labels import read_labels, with_labels
from rankaae_cli.data.family.rejections import Rejection, nothing_left, rejected_csv
from rankaae_cli.data.family.sites import FamilySpec, family_spec
from rankaae_cli.data.family.soundness import doubt_lines, sound_rows
from rankaae_cli.data.family.splits import split_again
from rankaae_cli.data.features.family_features import featurisers_for, with_features
from rankaae_cli.data.files import locked, replacing, write_text
from rankaae_cli.data.structures.label_list import labels_csv, labels_path
from rankaae_cli.data.structures.structure_set import structures_path, write_structures


def run(cfg: DictConfig) -> dict[str, Any]:
    """Read what `cfg` names and write the family file and the lists of labels and rejected sites, or show them.

    Parameters
    ----------
    cfg
        Resolved configuration; see `rankaae_cli.schema.IngestConfig`.

    Returns
    -------
    dict
        ``output`` and ``rejected``, the paths of two files; ``rows`` and ``rejected_sites``, how many.

    Raises
    ------
    UserError
        If the input cannot be read, nothing in it can be used, the files cannot be written, or would replace
        others unasked.
    """
    output = _output(cfg)
    rejected_path = output.with_name(f"{output.name}.rejected.csv")
    spec = _spec(cfg.family)
    if cfg.fidelity is not None:  # before hours may go into reading
        fidelity_name(cfg.fidelity, fidelity_of(cfg.source.name))
    labels = _labels(cfg, spec)
    names = listed_names(cfg.features)
    featurisers_for(names, cfg.source.name)
    groups = None if cfg.groups is None else read_groups(cfg.groups)
    family, rejected = read_source(cfg, spec, output)
    if cfg.fidelity is not None:
        family = replace(family, fidelity=fidelity_name(cfg.fidelity, family.fidelity))
    family = with_features(family, names, cfg.source.name)
    if labels is not None:
        family, unlabelled = with_labels(family, labels, cfg.labels)
        rejected += unlabelled
    if groups is not None:
        family = with_groups(family, groups, cfg.groups)
    family = _split(family, spec)
    doubts: list[tuple[str, str]] = []
    if not family.is_synthetic:
        family, unsound, doubts = sound_rows(family)
        rejected = tuple(sorted((*rejected, *unsound), key=lambda one: (one.material, one.site)))
    if cfg.dry_run:
        return show_dry_run(cfg, spec, output, family, rejected, doubts)
    if not len(family):
        if output.exists():  # whose own list is to stay
            rejected_path = output.with_name(f"{output.name}.failed.rejected.csv")
        if rejected:
            write_text(rejected_path, rejected_csv(rejected))
        raise nothing_left(rejected, rejected_path)
    _write(cfg, output, rejected_path, family, rejected)
    summary = summary_lines(family, rejected, output, rejected_path, cfg)
    print("\n".join([*doubt_lines(doubts, len(family)), *summary]), flush=True)
    return {
        "output": str(output),
        "rejected": str(rejected_path),
        "rows": len(family),
        "rejected_sites": len(rejected),
    }


def _write(
    cfg: DictConfig, output: Path, rejected_path: Path, family: Family, rejected: tuple[Rejection, ...]
) -> None:
    """Write the family file and its lists."""
    labels, listed = labels_csv(family), labels_path(output)
    if not labels and cfg.path == str(output) and listed.exists():  # the same sites once more
        labels = listed.read_text(encoding="utf-8")
    # All or none: the lists are renamed into place only once the family file is whole.
    beside = structures_path(output)
    has_structures = len(family) > 0 and set(family.material_N) <= set(family.structures)
    with ExitStack() as files:
        temporary, table = (files.enter_context(replacing(path)) for path in (rejected_path, listed))
        marker = output.with_name(f".{output.name}.writing")
        is_free = files.enter_context(locked(marker, wait=0))
        if is_free:
            files.callback(marker.unlink, missing_ok=True)  # where writing fails too
        if not is_free or (output.exists() and not cfg.overwrite):
            raise UserError(
                f"another process has made {output} meanwhile\ngive another output=, or take that one"
            )
        temporary.write_text(rejected_csv(rejected), encoding="utf-8")
        table.write_text(labels, encoding="utf-8")
        if has_structures:
            write_structures(files.enter_context(replacing(beside)), family.structures, family.rows)
        write_family(output, family)
    if not has_structures:  # another family's may not stay
        beside.unlink(missing_ok=True)
    if not labels:  # nor may another family's list stay
        listed.unlink()


def _output(cfg: DictConfig) -> Path:
    """Return the file to write, before hours may go into reading.

    Raises
    ------
    UserError
        If it cannot be a file, or there is one that is not to be overwritten.
    """
    output = Path(cfg.output or cfg.family.data)
    if output.is_dir():
        raise UserError(
            f"output={output} is a folder\ngive the name of a file, such as {output / 'family.h5'}"
        )
    above = next(folder for folder in output.absolute().parents if folder.exists())
    if not above.is_dir():
        raise UserError(f"output={output} cannot be written: {above} is a file, not a folder")
    if output.exists() and not (cfg.overwrite or cfg.dry_run):
        raise UserError(
            f"{output} exists already\ngive another output=, or overwrite=true to replace it and its list of "
            "rejected sites"
        )
    return output


def _spec(family: DictConfig) -> FamilySpec:
    plain: Any = OmegaConf.to_container(family, resolve=True, enum_to_str=True)
    return family_spec(plain)


def _labels(cfg: DictConfig, spec: FamilySpec) -> Family | None:
    """Return the family file that descriptors are taken from, or None; raise UserError where it cannot be one."""
    if cfg.source.name == "npy":  # whose labels are arrays
        return None
    for key in ("spectra", "names"):
        if cfg[key] is not None:
            raise UserError(
                f"{key}= is of source=npy, not of source={cfg.source.name}\nleave it out, or give path="
            )
    if cfg.labels is None:
        return None
    if cfg.source.name not in ("npz", "codes"):
        raise UserError(
            f"labels= is of source=npz, npy and codes, not of source={cfg.source.name}\nleave it out"
        )
    return read_labels(cfg.labels, spec)


def _split(family: Family, spec: FamilySpec) -> Family:
    """Return a family, split by material, with the split that its configuration asks for."""
    try:
        return split_again(family, spec.split_by, 0) if len(family) else family
    except UserError as error:
        raise UserError(
            f"family {spec.name} is split by {spec.split_by}, which is not known of all of these materials\n"
            f"give family.split_by=material, or groups=TABLE.csv with columns material,{spec.split_by}"
        ) from error
