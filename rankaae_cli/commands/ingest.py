"""Bring foreign files into one family file."""

import re
from collections import Counter
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from omegaconf import DictConfig, OmegaConf

from rankaae_cli.core.errors import UserError
from rankaae_cli.data.files import now, replacing, write_text

if TYPE_CHECKING:
    from rankaae_cli.data.family.family_file import Family
    from rankaae_cli.data.family.sites import FamilySpec, Progress, Rejection, Sites
    from rankaae_cli.data.structures.shells import ShellOptions

_REASONS_SHOWN = 12


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
    from rankaae_cli.data.family.family_file import write_family
    from rankaae_cli.data.family.sites import rejected_csv

    output = _output(cfg)
    rejected_path = output.with_name(f"{output.name}.rejected.csv")
    family, rejected = _read(cfg, _spec(cfg.family))
    if not len(family):
        if output.exists():  # whose own list is to stay
            rejected_path = output.with_name(f"{output.name}.failed.rejected.csv")
        if rejected:
            write_text(rejected_path, rejected_csv(rejected))
        raise _nothing_left(rejected, rejected_path)
    # Both or none: the list is renamed into place only once the family file is whole.
    with replacing(rejected_path) as temporary:
        temporary.write_text(rejected_csv(rejected), encoding="utf-8")
        write_family(output, family)
    print("\n".join(_summary(family, rejected, output, rejected_path, cfg)), flush=True)
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


def _read(cfg: DictConfig, spec: "FamilySpec") -> "tuple[Family, tuple[Rejection, ...]]":
    """Return the family that `cfg` describes, and the sites that are not in it."""
    source = cfg.source.name
    if source == "synthetic":
        return _synthetic(cfg, spec), ()
    if cfg.path is None:
        raise UserError(f"path= is missing: source={source} needs the file or folder to read")
    if source == "family":
        return _family_again(cfg, spec)
    from rankaae_cli.core.terminal import Progress

    if source == "xdi":
        from rankaae_cli.commands.ingest_measured import read_measured_family

        with Progress("normalisation", "spectra") as progress:
            return _as_family(read_measured_family(cfg, spec, _output(cfg), progress), spec, "measured")
    from rankaae_cli.commands.ingest_stopped import stopping_in_order

    with stopping_in_order(), Progress("descriptors") as progress:
        return _as_family(_read_sites(cfg, spec, progress), spec, source)


def _read_sites(cfg: DictConfig, spec: "FamilySpec", progress: "Progress") -> "Sites":
    """Call the reader of the source. Each imports what only it needs."""
    match cfg.source.name:
        case "feff":
            return _read_feff(cfg, spec, progress)
        case "atoms":
            from rankaae_cli.data.structures.atoms import read_atoms

            return read_atoms(
                cfg.path, spec, keep_all=_keeps_all(cfg), options=_shell_options(cfg), progress=progress
            )
        case "csv":
            from rankaae_cli.data.readers.computed.csv_table import read_csv

            return read_csv(cfg.path, spec, to_grid=cfg.regrid, max_tail=cfg.max_tail)
        case "npz":
            from rankaae_cli.data.readers.computed.npz import read_npz

            return read_npz(
                cfg.path,
                spec,
                energy_start=cfg.npz.energy_start,
                energy_step=cfg.npz.energy_step,
                to_grid=cfg.regrid,
                max_tail=cfg.max_tail,
            )
        case other:
            raise AssertionError(f"no reader for source={other}")


def _read_feff(cfg: DictConfig, spec: "FamilySpec", progress: "Progress") -> "Sites":
    from rankaae_cli.data.readers.computed.feff_sites import read_feff

    return read_feff(
        cfg.path,
        spec,
        max_tail=cfg.max_tail,
        keep_all=_keeps_all(cfg),
        options=_shell_options(cfg),
        progress=progress,
    )


def _synthetic(cfg: DictConfig, spec: "FamilySpec") -> "Family":
    from rankaae_cli.data.family.synthetic import synthetic_family

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


def _family_again(cfg: DictConfig, spec: "FamilySpec") -> "tuple[Family, tuple[Rejection, ...]]":
    """Read a family file that there is; give it the family's name and grid and the split of seed 0."""
    from rankaae_cli.data.family.family_file import read_family
    from rankaae_cli.data.family.regrid import on_grid, require_same_absorber
    from rankaae_cli.data.family.splits import split_by_material

    family = read_family(cfg.path, stored=True)
    require_same_absorber(family, spec, cfg.path)
    rejected: tuple[Rejection, ...] = ()
    if cfg.regrid:
        family, rejected = on_grid(family, spec.energy_E, cfg.max_tail)
    family = replace(family, name=spec.name, split_N=split_by_material(family.material_N), created=now())
    return family, rejected


def _as_family(sites: "Sites", spec: "FamilySpec", source: str) -> "tuple[Family, tuple[Rejection, ...]]":
    from rankaae_cli.data.family.family_file import Family
    from rankaae_cli.data.family.splits import split_by_material

    family = Family(
        name=spec.name,
        element=spec.element,
        edge=spec.edge,
        energy_E=sites.energy_E,
        spectra_NE=sites.spectra_NE,
        descriptors_NK=sites.descriptors_NK,
        descriptor_names=sites.descriptor_names,
        descriptor_units=sites.descriptor_units,
        material_N=sites.material_N,
        site_N=sites.site_N,
        split_N=split_by_material(sites.material_N),
        energy_unit=sites.energy_unit,
        normalisation=sites.normalisation,
        quantities_NQ=sites.quantities_NQ,
        quantity_names=sites.quantity_names,
        quantity_units=sites.quantity_units,
        source=source,
        created=now(),
    )
    return family, sites.rejected


def _spec(family: DictConfig) -> "FamilySpec":
    """Turn the configuration of a family into what the readers take."""
    from rankaae_cli.data.family.sites import family_spec

    plain = OmegaConf.to_container(family, resolve=True, enum_to_str=True)
    assert isinstance(plain, dict)
    return family_spec({str(key): value for key, value in plain.items()})


def _keeps_all(cfg: DictConfig) -> bool:
    return cfg.filter.name == "none"


def _shell_options(cfg: DictConfig) -> "ShellOptions":
    from rankaae_cli.data.structures.shell_workers import Workers
    from rankaae_cli.data.structures.shells import ShellOptions

    parallel = Workers(cfg.parallel.backend.name, cfg.parallel.jobs, cfg.parallel.address)
    return ShellOptions(cfg.time_limit, parallel, Path(cfg.cache) if cfg.cache else None)


def _nothing_left(rejected: "tuple[Rejection, ...]", rejected_path: Path) -> UserError:
    if not rejected:
        return UserError("the input holds no site\ncheck path=")
    (kind, count), *_ = Counter(_kind(r.reason) for r in rejected).most_common(1)
    alike = [r.reason for r in rejected if _kind(r.reason) == kind]
    like = "" if len(set(alike)) == 1 else " like"
    return UserError(
        f"none of {len(rejected)} sites can be used; {count} of them{like}: {' '.join(alike[0].split())}\n"
        f"every site's reason is in {rejected_path}"
    )


def _summary(
    family: "Family", rejected: "tuple[Rejection, ...]", output: Path, rejected_path: Path, cfg: DictConfig
) -> list[str]:
    """Return what there is to say about a new family file, line by line."""
    import numpy as np

    from rankaae_cli.data.family.splits import SPLITS

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
    lines += _reasons(rejected)
    if is_measured:
        return [*lines, f"next: rankaae predict input={output}"]
    data = "" if output == Path(cfg.family.data) else f" data={output}"
    if known_K.any():
        lines.append(f"next: rankaae train +family={family.name}{data}")
    else:
        lines.append("no descriptor is known of any site: training has nothing to learn from")
    return lines


def _reasons(rejected: "tuple[Rejection, ...]") -> list[str]:
    """Return how often each kind of reason occurs; those that occur once, or are all alike, as they are."""
    kinds: dict[str, list[Rejection]] = {}
    for one in rejected:
        kinds.setdefault(_kind(one.reason), []).append(one)
    often = sorted(kinds.items(), key=lambda item: -len(item[1]))
    lines = []
    for kind, ones in often[:_REASONS_SHOWN]:
        said = " ".join(ones[0].reason.split()) if len({one.reason for one in ones}) == 1 else kind
        site = f" {ones[0].site}" if str(ones[0].site) else ""
        lines.append(f"  {len(ones):6d}  {f'{ones[0].material}{site}: ' if len(ones) == 1 else ''}{said}")
    if len(often) > _REASONS_SHOWN:
        lines.append(f"  {sum(len(ones) for _, ones in often[_REASONS_SHOWN:]):6d}  for other reasons")
    return lines


def _kind(reason: str) -> str:
    """Return a reason without what differs from site to site, so that equal ones can be counted."""
    if reason.startswith("coordination number"):
        return reason
    reason = re.sub(r"^first shell is (?!empty).*?, not", "first shell is not", reason)
    # Choices of columns that are advised stay as they can be pasted.
    parts = re.split(r"('measured\.[^']*')", reason)
    for i in range(0, len(parts), 2):
        part = re.sub(r"(?<!\w)(['\"]).*?\1(?!\w)", "...", parts[i])
        parts[i] = re.sub(r"(?<![\w.])-?\d+(\.\d+)?(e[+-]?\d+)?(?![\w])", "...", part)
    return "".join(parts)
