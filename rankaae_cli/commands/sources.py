"""What ``rankaae ingest`` reads: the sites of a source, brought into the form of a family."""

from collections.abc import Callable
from dataclasses import fields, replace
from pathlib import Path
from typing import Any

import numpy as np
from omegaconf import DictConfig, ListConfig, OmegaConf

from rankaae_cli.analysis.prediction.offset import offset_of_codes
from rankaae_cli.core.errors import UserError, stopping_in_order
from rankaae_cli.core.terminal import Progress
from rankaae_cli.data.family.family import Family
from rankaae_cli.data.family.family_file import read_family
from rankaae_cli.data.family.regrid import on_grid, require_same_absorber, shifted
from rankaae_cli.data.family.rejections import Rejection
from rankaae_cli.data.family.sites import FamilySpec, Sites, require_overlap
from rankaae_cli.data.family.splits import MATERIAL, TEST, split_by_material
from rankaae_cli.data.family.synthetic import synthetic_family
from rankaae_cli.data.features.family_features import featurisers_for
from rankaae_cli.data.files import now, write_text
from rankaae_cli.data.measured.inspection import scan_table
from rankaae_cli.data.measured.sites import (
    MeasuredOptions,
    doubts_about,
    normalisation_csv,
    read_measured_sites,
    short_margins,
)
from rankaae_cli.data.readers.computed.codes.outputs import TABLE
from rankaae_cli.data.readers.computed.codes.sites import read_code_sites
from rankaae_cli.data.readers.computed.csv_table import read_csv
from rankaae_cli.data.readers.computed.feff_sites import read_feff
from rankaae_cli.data.readers.computed.npy import NpyFiles, read_npy
from rankaae_cli.data.readers.computed.npz import read_npz
from rankaae_cli.data.structures.atoms import read_atoms
from rankaae_cli.data.structures.shell_workers import Workers
from rankaae_cli.data.structures.shells import ShellOptions
from rankaae_cli.data.structures.structure_set import read_structures, structures_path

_KEPT = "no file was written; what was computed is in the cache, run the same command again to go on"


def read_source(cfg: DictConfig, spec: FamilySpec, output: Path) -> tuple[Family, tuple[Rejection, ...]]:
    """Return the family that `cfg` describes, and the sites that are not in it.

    Raises
    ------
    UserError
        If the input cannot be read, or a key does not go with the source.
    """
    source = cfg.source.name
    if cfg.offset is not None and source != "family":
        raise UserError(
            f"offset= moves the spectra of a family file, not of source={source}\n"
            "ingest first, then again with source=family"
        )
    if source == "synthetic":
        return _synthetic(cfg, spec), ()
    cfg.path = _path(cfg)
    if source == "family":
        return _family_again(cfg, spec)
    if source == "xdi":
        return _as_family(_read_measured(cfg, spec, output), spec, "measured")
    if source == "codes":
        sites, code = read_code_sites(cfg.path, spec, cfg.codes.code, cfg.codes.shift, cfg.max_tail)
        family, rejected = _as_family(sites, spec, source)
        return replace(family, fidelity=family.fidelity if code == TABLE else code), rejected
    with stopping_in_order(_KEPT), Progress("descriptors") as progress:
        return _as_family(_READERS[source](cfg, spec, progress), spec, source)


def _path(cfg: DictConfig) -> str | list[str]:
    """Return what to read; of source=npz a list of files.

    Raises
    ------
    UserError
        If there is none, or there are more than the source takes.
    """
    source = cfg.source.name
    if source == "npy":
        if not listed_names(cfg.spectra) or cfg.path is not None:
            raise UserError("source=npy reads the arrays of spectra=\ngive spectra=SPECTRA.npy, and no path=")
        return ""
    paths = [str(path) for path in cfg.path] if isinstance(cfg.path, ListConfig) else [cfg.path]
    if not paths or cfg.path is None:
        raise UserError(f"path= is missing: source={source} needs the file or folder to read")
    if source == "npz":
        return [str(path) for path in paths]
    if len(paths) > 1:
        raise UserError(
            f"path= names {len(paths)} files, of which source={source} reads one a call\n"
            "make a family file of each, and train on data=[a.h5,b.h5]"
        )
    return str(paths[0])


def _read_feff(cfg: DictConfig, spec: FamilySpec, progress: Progress) -> Sites:
    options = _shell_options(cfg)
    return read_feff(
        cfg.path, spec, max_tail=cfg.max_tail, keep_all=_keeps_all(cfg), options=options, progress=progress
    )


def _read_atoms(cfg: DictConfig, spec: FamilySpec, progress: Progress) -> Sites:
    options = _shell_options(cfg)
    return read_atoms(cfg.path, spec, keep_all=_keeps_all(cfg), options=options, progress=progress)


def _read_csv(cfg: DictConfig, spec: FamilySpec, progress: Progress) -> Sites:
    return read_csv(cfg.path, spec, to_grid=cfg.regrid, max_tail=cfg.max_tail)


def _read_npz(cfg: DictConfig, spec: FamilySpec, progress: Progress) -> Sites:
    return read_npz(cfg.path, spec, **cfg.npz, to_grid=cfg.regrid, max_tail=cfg.max_tail)


def _read_npy(cfg: DictConfig, spec: FamilySpec, progress: Progress) -> Sites:
    several = {
        key: listed_names(value) for key, value in (("spectra", cfg.spectra), ("energies", cfg.npy.energies))
    }
    return read_npy(
        NpyFiles(**several, labels=cfg.labels, names=cfg.names, materials=cfg.npy.materials), spec
    )


def listed_names(value: Any) -> tuple[str, ...]:
    """Return what a key gives, one name or a list of them, as a tuple."""
    if value is None:
        return ()
    return tuple(str(one) for one in value) if isinstance(value, ListConfig) else (str(value),)


# What reads the sites of each source.
_READERS: dict[str, Callable[[DictConfig, FamilySpec, Progress], Sites]] = {
    "feff": _read_feff,
    "atoms": _read_atoms,
    "csv": _read_csv,
    "npz": _read_npz,
    "npy": _read_npy,
}


def _keeps_all(cfg: DictConfig) -> bool:
    return cfg.filter.name == "none"


def _shell_options(cfg: DictConfig) -> ShellOptions:
    workers = Workers(cfg.parallel.backend.name, cfg.parallel.jobs, cfg.parallel.address)
    workers.require_usable()
    names = listed_names(cfg.features)
    featurisers = featurisers_for(names, cfg.source.name)
    return ShellOptions(cfg.time_limit, workers, Path(cfg.cache) if cfg.cache else None, featurisers)


def _read_measured(cfg: DictConfig, spec: FamilySpec, output: Path) -> Sites:
    """Read measured spectra; write how they were normalised beside `output`.

    ``<output>.normalisation.csv`` has a row a spectrum that was taken; unless `measured.figures` is false,
    ``<output>.normalisation-<page>.pdf`` show them, forty a page. Where these cannot be drawn, that is printed.
    """
    with Progress("normalisation", "spectra") as progress:
        sites, taken = read_measured_sites(cfg.path, spec, measured_options(cfg), progress)
        if cfg.dry_run:
            remarks = [*scan_table(taken), *doubts_about(taken)] if len(taken) > 1 else []
            for text in [*remarks, *short_margins(spec.energy_E, sites.energy_E, taken)]:
                print(text, flush=True)
            return sites
        if taken:
            table = write_text(output.with_name(f"{output.name}.normalisation.csv"), normalisation_csv(taken))
            print(f"{table}: how {len(taken)} spectra were normalised", flush=True)
        if taken and cfg.measured.figures:
            # Matplotlib takes a second to load, which only these figures need.
            from rankaae_cli.reports.prediction.normalisation import sheets_remark, write_sheets

            stem = output.with_name(f"{output.name}.normalisation")
            paths = write_sheets(taken, f"{spec.name}, measured", stem)
            if paths:
                print(sheets_remark(paths), flush=True)
        for line in [*short_margins(spec.energy_E, sites.energy_E, taken), *doubts_about(taken)]:
            print(line, flush=True)
    return sites


def measured_options(cfg: DictConfig) -> MeasuredOptions:
    """Return how measured spectra are read and normalised."""
    measured: Any = OmegaConf.to_container(cfg.measured, resolve=True)
    headers = [cfg.headers] if isinstance(cfg.headers, str) else cfg.headers or ()
    return replace(MeasuredOptions.of(measured, cfg.max_tail), headers=tuple(map(str, headers)))


def _synthetic(cfg: DictConfig, spec: FamilySpec) -> Family:
    family = synthetic_family(
        spec.name,
        spec.element,
        spec.edge,
        spec.energy_E,
        spec.descriptor_names,
        spectra=cfg.synthetic.spectra,
        seed=cfg.synthetic.seed,
        hidden=True,
        in_memory=False,
        code=cfg.synthetic.code.name,
    )
    few = cfg.synthetic.few
    if few is None:
        return family
    return family.with_rows((np.arange(len(family)) < few) | (family.split_N == TEST))


def _family_again(cfg: DictConfig, spec: FamilySpec) -> tuple[Family, tuple[Rejection, ...]]:
    """Read a family file that there is; give it the family's name and grid and the split of seed 0."""
    family = read_family(cfg.path, stored=True)
    if structures_path(cfg.path).is_file():
        family = replace(family, structures=read_structures(cfg.path, family.rows))
    require_same_absorber(family, spec, cfg.path)
    if cfg.offset is not None:
        family = shifted(family, offset_of_codes(cfg.offset, family))
    rejected: tuple[Rejection, ...] = ()
    if cfg.regrid:
        require_overlap(family.energy_E, spec, cfg.path, to_grid=True)
        family, rejected = on_grid(family, spec.energy_E, cfg.max_tail)
    side_N = split_by_material(family.material_N)
    family = replace(family, name=spec.name, split_N=side_N, split_by=MATERIAL, created=now())
    return family, rejected


def _as_family(sites: Sites, spec: FamilySpec, source: str) -> tuple[Family, tuple[Rejection, ...]]:
    values = {each.name: getattr(sites, each.name) for each in fields(sites) if each.name != "rejected"}
    family = Family(
        name=spec.name,
        element=spec.element,
        edge=spec.edge,
        split_N=split_by_material(sites.material_N),
        source=source,
        created=now(),
        **values,
    )
    return family, sites.rejected
