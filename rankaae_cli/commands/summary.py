"""What ``rankaae ingest`` prints: of a new family file, and of one that a dry run would write."""

import shlex
from itertools import islice
from pathlib import Path
from typing import Any

import numpy as np
from hydra.core.hydra_config import HydraConfig
from omegaconf import DictConfig

from rankaae_cli.commands.sources import measured_options
from rankaae_cli.core.calls import setting
from rankaae_cli.data.family.family import Family
from rankaae_cli.data.family.rejections import Rejection, frequent_reasons, nothing_left
from rankaae_cli.data.family.sites import FamilySpec
from rankaae_cli.data.family.soundness import doubt_lines
from rankaae_cli.data.family.splits import MATERIAL, SPLITS
from rankaae_cli.data.measured.detect import files_below
from rankaae_cli.data.measured.inspection import inspections
from rankaae_cli.data.segments import Segment, is_missing
from rankaae_cli.data.structures.label_list import label_lines

_PICTURES, _DETAILS = 6, 3  # scans that a dry run draws, and tells all about


def show_dry_run(
    cfg: DictConfig,
    spec: FamilySpec,
    output: Path,
    family: Family,
    rejected: tuple[Rejection, ...],
    doubts: list[tuple[str, str]],
) -> dict[str, Any]:
    """Print what would be kept and why, and draw the first measured scans; nothing else is written.

    Raises
    ------
    UserError
        If nothing would be kept.
    """
    picture = _show_scans(cfg, spec, output) if cfg.source.name == "xdi" else None
    if len(family):
        summary = summary_lines(family, rejected, output, None, cfg)
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

    options, path = measured_options(cfg), Path(cfg.path)
    scans = (one for file in files_below(path) for one in inspections(file, spec, options))
    # What in a folder is no scan stands among the rejections.
    first = list(islice((one for one in scans if one.scan or path.is_file()), _PICTURES))
    for one in first[:_DETAILS]:
        print("\n".join(inspection_lines(one, spec)), flush=True)
    readable = [one for one in first if one.scan]
    stem = output.with_name(f"{output.stem}.dry_run")
    return save_figure(inspection_figure(readable, spec), stem, ("png",))[0] if readable else None


def summary_lines(
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
