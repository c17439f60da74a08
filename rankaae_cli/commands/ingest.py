"""``rankaae ingest``: bring foreign files into one family file."""

import shlex
from collections.abc import Callable
from dataclasses import fields, replace
from itertools import islice
from pathlib import Path
from typing import Any

import numpy as np
from hydra.core.hydra_config import HydraConfig
from omegaconf import DictConfig, ListConfig, OmegaConf

from rankaae_cli.analysis.prediction.offset import offset_of_codes
from rankaae_cli.core.calls import setting
from rankaae_cli.core.errors import UserError, stopping_in_order
from rankaae_cli.core.labels import fidelity_name, fidelity_of
from rankaae_cli.core.terminal import Progress
from rankaae_cli.data.family.family import Family
from rankaae_cli.data.family.family_file import read_family, write_family
from rankaae_cli.data.family.groups import read_groups, with_groups
from rankaae_cli.data.family.labels import read_labels, with_labels
from rankaae_cli.data.family.regrid import on_grid, require_same_absorber, shifted
from rankaae_cli.data.family.rejections import Rejection, frequent_reasons, nothing_left, rejected_csv
from rankaae_cli.data.family.sites import FamilySpec, Sites, family_spec, require_overlap
from rankaae_cli.data.family.soundness import doubt_lines, sound_rows
from rankaae_cli.data.family.splits import MATERIAL, SPLITS, TEST, split_again, split_by_material
from rankaae_cli.data.family.synthetic import synthetic_family
from rankaae_cli.data.features.family_features import featurisers_for, with_features
from rankaae_cli.data.files import now, replacing, write_text
from rankaae_cli.data.measured.detect import files_below
from rankaae_cli.data.measured.inspection import inspections, scan_table
from rankaae_cli.data.measured.sites import (
    MeasuredOptions,
    doubts_about,
    normalisation_csv,
    read_measured_sites,
    short_margins,
)
from rankaae_cli.data.readers.computed.csv_table import read_csv
from rankaae_cli.data.readers.computed.feff_sites import read_feff
from rankaae_cli.data.readers.computed.npy import NpyFiles, read_npy
from rankaae_cli.data.readers.computed.npz import read_npz
from rankaae_cli.data.segments import Segment, is_missing
from rankaae_cli.data.structures.atoms import read_atoms
from rankaae_cli.data.structures.label_list import label_lines, labels_csv, labels_path
from rankaae_cli.data.structures.shell_workers import Workers
from rankaae_cli.data.structures.shells import ShellOptions

_DRAWN, _DETAILED = 6, 3  # scans that a dry run draws, and tells all about
_KEPT = "no file was written; what was computed is in the cache, run the same command again to go on"


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
    names = _several(cfg.features)
    featurisers_for(names, cfg.source.name)
    groups = None if cfg.groups is None else read_groups(cfg.groups)
    family, rejected = _read(cfg, spec, output)
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
        return _dry_run(cfg, spec, output, family, rejected, doubts)
    if not len(family):
        if output.exists():  # whose own list is to stay
            rejected_path = output.with_name(f"{output.name}.failed.rejected.csv")
        if rejected:
            write_text(rejected_path, rejected_csv(rejected))
        raise nothing_left(rejected, rejected_path)
    _write(cfg, output, rejected_path, family, rejected)
    summary = _summary(family, rejected, output, rejected_path, cfg)
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
    with replacing(rejected_path) as temporary, replacing(listed) as table:
        temporary.write_text(rejected_csv(rejected), encoding="utf-8")
        table.write_text(labels, encoding="utf-8")
        write_family(output, family)
    if not labels:  # nor may another family's list stay
        listed.unlink()


def _dry_run(
    cfg: DictConfig,
    spec: FamilySpec,
    output: Path,
    family: Family,
    rejected: tuple[Rejection, ...],
    doubts: list[tuple[str, str]],
) -> dict[str, Any]:
    """Print what would be kept and why, and draw the first measured scans; nothing else is written."""
    picture = _show_scans(cfg, spec, output) if cfg.source.name == "xdi" else None
    if len(family):
        summary = _summary(family, rejected, output, None, cfg)
    else:
        reasons = frequent_reasons(rejected) if len(rejected) > 1 else []
        summary = [f"would be kept: 0 spectra, would be rejected: {len(rejected)}", *reasons]
    print("\n".join([*doubt_lines(doubts, len(family)), *summary]), flush=True)
    if picture:
        print(picture, flush=True)
    if not len(family):
        raise nothing_left(rejected, None)
    return {"output": None, "rejected": None, "rows": len(family), "rejected_sites": len(rejected)}


def _show_scans(cfg: DictConfig, spec: FamilySpec, output: Path) -> Path | None:
    """Print how the first scans are read; return the path of their picture, None where there is nothing to draw."""
    # Matplotlib takes a second to load, which only these figures need.
    from rankaae_cli.reports.figures.drawing import save_figure
    from rankaae_cli.reports.prediction.inspection import inspection_figure, inspection_lines

    options, path = _measured_options(cfg), Path(cfg.path)
    found = (one for file in files_below(path) for one in inspections(file, spec, options))
    # What in a folder is no scan stands among the rejections.
    first = list(islice((one for one in found if one.scan or path.is_file()), _DRAWN))
    for one in first[:_DETAILED]:
        print("\n".join(inspection_lines(one, spec)), flush=True)
    drawn = [one for one in first if one.scan]
    stem = output.with_name(f"{output.stem}.dry_run")
    return save_figure(inspection_figure(drawn, spec), stem, ("png",))[0] if drawn else None


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
    if cfg.source.name != "npz":
        raise UserError(f"labels= is of source=npz and npy, not of source={cfg.source.name}\nleave it out")
    return read_labels(cfg.labels, spec)


def _read(cfg: DictConfig, spec: FamilySpec, output: Path) -> tuple[Family, tuple[Rejection, ...]]:
    """Return the family that `cfg` describes, and the sites that are not in it."""
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
        if cfg.spectra is None or cfg.path is not None:
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
        key: _several(value) for key, value in (("spectra", cfg.spectra), ("energies", cfg.npy.energies))
    }
    return read_npy(
        NpyFiles(**several, labels=cfg.labels, names=cfg.names, materials=cfg.npy.materials), spec
    )


def _several(value: Any) -> tuple[str, ...]:
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
    names = _several(cfg.features)
    featurisers = featurisers_for(names, cfg.source.name)
    return ShellOptions(cfg.time_limit, workers, Path(cfg.cache) if cfg.cache else None, featurisers)


def _read_measured(cfg: DictConfig, spec: FamilySpec, output: Path) -> Sites:
    """Read measured spectra; write how they were normalised beside `output`.

    ``<output>.normalisation.csv`` has a row a spectrum that was taken; unless `measured.figures` is false,
    ``<output>.normalisation-<page>.pdf`` show them, forty a page. Where these cannot be drawn, that is printed.
    """
    with Progress("normalisation", "spectra") as progress:
        sites, taken = read_measured_sites(cfg.path, spec, _measured_options(cfg), progress)
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


def _measured_options(cfg: DictConfig) -> MeasuredOptions:
    measured: Any = OmegaConf.to_container(cfg.measured, resolve=True)
    return MeasuredOptions.of(measured, cfg.max_tail)


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


def _split(family: Family, spec: FamilySpec) -> Family:
    """Return a family, split by material, with the split that its configuration asks for."""
    try:
        return split_again(family, spec.split_by, 0) if len(family) else family
    except UserError as error:
        raise UserError(
            f"family {spec.name} is split by {spec.split_by}, which is not known of all of these materials\n"
            f"give family.split_by=material, or groups=TABLE.csv with columns material,{spec.split_by}"
        ) from error


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


def _summary(
    family: Family, rejected: tuple[Rejection, ...], output: Path, rejected_path: Path | None, cfg: DictConfig
) -> list[str]:
    """Return what there is to say about a new family file, or one that would be written, line by line."""
    sides = {name: int((family.split_N == i).sum()) for i, name in enumerate(SPLITS)}
    is_measured = cfg.source.name == "xdi"
    known_K = np.isfinite(family.descriptors_NK).sum(axis=0)
    known = [f"{name} {count}" for name, count in zip(family.descriptor_names, known_K, strict=True)]
    by = "" if family.split_by == MATERIAL else f", by {family.split_by.replace('_', ' ')}"
    lines = [
        f"{f'{output}: ' if rejected_path else 'would be kept: '}{len(family)} spectra"
        + ("" if is_measured else f" of {len(set(family.material_N))} materials"),
        f"  fidelity    {family.fidelity}",
        *_energy_lines(family),
    ]
    if not is_measured:
        lines += [
            f"  split       {', '.join(f'{name} {count}' for name, count in sides.items())}{by}",
            _class_line(family) if family.yes_no else f"  descriptor known for  {', '.join(known) or 'none'}",
        ]
    if family.quantity_names:
        lines.append(f"  and further quantities  {', '.join(family.quantity_names)}")
    if family.features is not None:
        lines.append(f"  features    {len(family.features.names)} of {family.features.title}")
    lines += label_lines(family)
    lines += [
        f"  warning: no material is on the {name} side; training needs more materials"
        for name, count in sides.items()
        if not (count or is_measured)
    ]
    where = rejected_path or "would be rejected"
    lines.append(
        f"{where}: {len(rejected)} {'rejected ' if rejected_path else ''}{'spectra' if is_measured else 'sites'}"
    )
    lines += frequent_reasons(rejected)
    if not rejected_path:
        return [*lines, "nothing was written; next: the same without dry_run=true"]
    if is_measured:
        return [*lines, f"next: rankaae predict {setting('input', output)}"]
    data = "" if output == Path(cfg.family.data) else f" {setting('data', output)}"
    if known_K.any():
        kind = " kind=supervised" if family.yes_no else ""
        lines.append(f"next: rankaae train {_config_dir()}{_family_overrides(family.name)}{data}{kind}")
    elif family.features is not None:
        lines.append(f"next: rankaae train kind=forward {_config_dir()}+family={family.name}{data}")
    else:
        lines.append("no descriptor is known of any site: training has nothing to learn from")
    return lines


def _energy_lines(family: Family) -> list[str]:
    """Return what energies the spectra are on, a line an edge."""
    segments = family.segments or (Segment("", 0, len(family.energy_E)),)
    missing_NM = (
        is_missing(family.spectra_NE[:], segments) if family.segments else np.zeros((0, 1), dtype=bool)
    )
    lines = []
    for m, segment in enumerate(segments):
        energy_E = family.energy_E[segment.points]
        name = f"{segment.name}, " if segment.name else ""
        count = int(missing_NM[:, m].sum())
        without = f"; {count} molecules lack it" if count else ""
        lines.append(
            f"  energies    {name}{len(energy_E)} points, {energy_E[0]:.8g} to {energy_E[-1]:.8g} "
            f"{family.energy_unit}{without}"
        )
    return lines


def _class_line(family: Family) -> str:
    """Return how many molecules are of the rarest and the commonest class."""
    yes_K = np.nansum(family.descriptors_NK, axis=0).astype(int)
    rarest, commonest = int(yes_K.argmin()), int(yes_K.argmax())
    ends = (f"{family.descriptor_names[k]} of {yes_K[k]}" for k in (rarest, commonest))
    return f"  classes     {len(yes_K)}, yes or no: from {' to '.join(ends)} molecules"


def _family_overrides(name: str) -> str:
    """Return the options by which the call chose the family, or that of a family of this name."""
    if not HydraConfig.initialized():
        return f"+family={name}"
    hydra = HydraConfig.get()
    own = [one for one in hydra.overrides.task if one.lstrip("+").startswith("family.")]
    return shlex.join([f"+family={hydra.runtime.choices.get('family', name)}", *own])


def _config_dir() -> str:
    """Return the option by which the call named a folder of configurations of its own, with a blank, or nothing."""
    sources = HydraConfig.get().runtime.config_sources if HydraConfig.initialized() else []
    paths = [source.path for source in sources if source.provider == "command-line"]
    return f"--config-dir {shlex.quote(paths[0])} " if paths else ""
