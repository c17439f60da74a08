"""``rankaae ingest``: bring foreign files into one family file."""

import signal
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import fields, replace
from pathlib import Path
from types import FrameType
from typing import Any

import numpy as np
from omegaconf import DictConfig, OmegaConf

from rankaae_cli.core.calls import setting
from rankaae_cli.core.errors import Stopped, UserError
from rankaae_cli.core.terminal import Progress
from rankaae_cli.data.family.family_file import Family, read_family, write_family
from rankaae_cli.data.family.regrid import on_grid, require_same_absorber
from rankaae_cli.data.family.rejections import Rejection, frequent_reasons, nothing_left, rejected_csv
from rankaae_cli.data.family.sites import FamilySpec, Sites, family_spec
from rankaae_cli.data.family.soundness import doubt_lines, sound_rows
from rankaae_cli.data.family.splits import SPLITS, split_by_material
from rankaae_cli.data.family.synthetic import synthetic_family
from rankaae_cli.data.files import now, replacing, write_text
from rankaae_cli.data.measured.sites import (
    MeasuredOptions,
    doubts_about,
    normalisation_csv,
    read_measured_sites,
    short_margins,
)
from rankaae_cli.data.readers.computed.csv_table import read_csv
from rankaae_cli.data.readers.computed.feff_sites import read_feff
from rankaae_cli.data.readers.computed.npz import read_npz
from rankaae_cli.data.structures.atoms import read_atoms
from rankaae_cli.data.structures.shell_workers import Workers
from rankaae_cli.data.structures.shells import ShellOptions

_STOP_SIGNALS = (signal.SIGTERM, signal.SIGINT)


def run(cfg: DictConfig) -> dict[str, Any]:
    """Read what `cfg` names and write the family file and the list of rejected sites.

    Parameters
    ----------
    cfg
        Resolved configuration; see `rankaae_cli.schema.IngestConfig`.

    Returns
    -------
    dict
        ``output`` and ``rejected``, the paths of the two files; ``rows`` and ``rejected_sites``, how many.

    Raises
    ------
    UserError
        If the input cannot be read, nothing in it can be used, the files cannot be written, or would replace
        others unasked.
    """
    output = _output(cfg)
    rejected_path = output.with_name(f"{output.name}.rejected.csv")
    family, rejected = _read(cfg, _spec(cfg.family), output)
    doubts: list[tuple[str, str]] = []
    if not family.is_synthetic:
        family, unsound, doubts = sound_rows(family)
        rejected = tuple(sorted((*rejected, *unsound), key=lambda one: (one.material, one.site)))
    if not len(family):
        if output.exists():  # whose own list is to stay
            rejected_path = output.with_name(f"{output.name}.failed.rejected.csv")
        if rejected:
            write_text(rejected_path, rejected_csv(rejected))
        raise nothing_left(rejected, rejected_path)
    # Both or none: the list is renamed into place only once the family file is whole.
    with replacing(rejected_path) as temporary:
        temporary.write_text(rejected_csv(rejected), encoding="utf-8")
        write_family(output, family)
    summary = _summary(family, rejected, output, rejected_path, cfg)
    print("\n".join([*doubt_lines(doubts, len(family)), *summary]), flush=True)
    return {
        "output": str(output),
        "rejected": str(rejected_path),
        "rows": len(family),
        "rejected_sites": len(rejected),
    }


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
    if output.exists() and not cfg.overwrite:
        raise UserError(
            f"{output} exists already\ngive another output=, or overwrite=true to replace it and its list of "
            "rejected sites"
        )
    return output


def _spec(family: DictConfig) -> FamilySpec:
    plain: Any = OmegaConf.to_container(family, resolve=True, enum_to_str=True)
    return family_spec(plain)


def _read(cfg: DictConfig, spec: FamilySpec, output: Path) -> tuple[Family, tuple[Rejection, ...]]:
    """Return the family that `cfg` describes, and the sites that are not in it."""
    source = cfg.source.name
    if source == "synthetic":
        return _synthetic(cfg, spec), ()
    if cfg.path is None:
        raise UserError(f"path= is missing: source={source} needs the file or folder to read")
    if source == "family":
        return _family_again(cfg, spec)
    if source == "xdi":
        return _as_family(_read_measured(cfg, spec, output), spec, "measured")
    with _stopping_in_order(), Progress("descriptors") as progress:
        return _as_family(_READERS[source](cfg, spec, progress), spec, source)


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


# What reads the sites of each source.
_READERS: dict[str, Callable[[DictConfig, FamilySpec, Progress], Sites]] = {
    "feff": _read_feff,
    "atoms": _read_atoms,
    "csv": _read_csv,
    "npz": _read_npz,
}


def _keeps_all(cfg: DictConfig) -> bool:
    return cfg.filter.name == "none"


def _shell_options(cfg: DictConfig) -> ShellOptions:
    workers = Workers(cfg.parallel.backend.name, cfg.parallel.jobs, cfg.parallel.address)
    workers.require_usable()
    return ShellOptions(cfg.time_limit, workers, Path(cfg.cache) if cfg.cache else None)


def _read_measured(cfg: DictConfig, spec: FamilySpec, output: Path) -> Sites:
    """Read measured spectra; write how they were normalised beside `output`.

    ``<output>.normalisation.csv`` has a row a spectrum that was taken; unless `measured.figures` is false,
    ``<output>.normalisation-<page>.pdf`` show them, forty a page. Where these cannot be drawn, that is printed.
    """
    measured: Any = OmegaConf.to_container(cfg.measured, resolve=True)
    with Progress("normalisation", "spectra") as progress:
        options = MeasuredOptions.of(measured, cfg.max_tail)
        sites, taken = read_measured_sites(cfg.path, spec, options, progress)
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


def _synthetic(cfg: DictConfig, spec: FamilySpec) -> Family:
    return synthetic_family(
        spec.name,
        spec.element,
        spec.edge,
        spec.energy_E,
        spec.descriptor_names,
        spectra=cfg.synthetic.spectra,
        seed=cfg.synthetic.seed,
        hidden=True,
        in_memory=False,
    )


def _family_again(cfg: DictConfig, spec: FamilySpec) -> tuple[Family, tuple[Rejection, ...]]:
    """Read a family file that there is; give it the family's name and grid and the split of seed 0."""
    family = read_family(cfg.path, stored=True)
    require_same_absorber(family, spec, cfg.path)
    rejected: tuple[Rejection, ...] = ()
    if cfg.regrid:
        family, rejected = on_grid(family, spec.energy_E, cfg.max_tail)
    family = replace(family, name=spec.name, split_N=split_by_material(family.material_N), created=now())
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


@contextmanager
def _stopping_in_order() -> Iterator[None]:
    """Let SIGTERM, a cluster's warning, and Ctrl-C raise Stopped in the body, once.

    Raises
    ------
    Stopped
        When such a signal came.
    """
    if threading.current_thread() is not threading.main_thread():
        yield  # only the main thread hears signals
        return

    def stop(number: int, frame: FrameType | None) -> None:
        for each in _STOP_SIGNALS:  # what is being saved now is not to be interrupted
            signal.signal(each, signal.SIG_IGN)
        name = signal.Signals(number).name
        raise Stopped(
            f"stopped by {name}: no file was written; what was computed is in the cache, "
            "run the same command again to go on",
            number,
        )

    before = {number: signal.signal(number, stop) for number in _STOP_SIGNALS}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def _summary(
    family: Family, rejected: tuple[Rejection, ...], output: Path, rejected_path: Path, cfg: DictConfig
) -> list[str]:
    """Return what there is to say about a new family file, line by line."""
    sides = {name: int((family.split_N == i).sum()) for i, name in enumerate(SPLITS)}
    is_measured = cfg.source.name == "xdi"
    known_K = np.isfinite(family.descriptors_NK).sum(axis=0)
    known = [f"{name} {count}" for name, count in zip(family.descriptor_names, known_K, strict=True)]
    energy_E = family.energy_E
    lines = [
        f"{output}: {len(family)} spectra"
        + ("" if is_measured else f" of {len(set(family.material_N))} materials"),
        f"  energies    {len(energy_E)} points, {energy_E[0]:.8g} to {energy_E[-1]:.8g} {family.energy_unit}",
    ]
    if not is_measured:
        lines += [
            f"  split       {', '.join(f'{name} {count}' for name, count in sides.items())}",
            f"  descriptor known for  {', '.join(known) or 'none'}",
        ]
    if family.quantity_names:
        lines.append(f"  and further quantities  {', '.join(family.quantity_names)}")
    lines += [
        f"  warning: no material is on the {name} side; training needs more materials"
        for name, count in sides.items()
        if not (count or is_measured)
    ]
    lines.append(f"{rejected_path}: {len(rejected)} rejected {'spectra' if is_measured else 'sites'}")
    lines += frequent_reasons(rejected)
    if is_measured:
        return [*lines, f"next: rankaae predict {setting('input', output)}"]
    data = "" if output == Path(cfg.family.data) else f" {setting('data', output)}"
    if known_K.any():
        lines.append(f"next: rankaae train +family={family.name}{data}")
    else:
        lines.append("no descriptor is known of any site: training has nothing to learn from")
    return lines
