"""``rankaae compare``: how well codes agree, whether a calculation has converged, whether a family is sound."""

import os
import shlex
import sys
from collections.abc import Sequence
from datetime import datetime
from pathlib import Path
from typing import Any

import numpy as np
from omegaconf import DictConfig, OmegaConf

from rankaae_cli.analysis.comparison.collection import Collection, read_collections
from rankaae_cli.analysis.comparison.convergence import compare_settings
from rankaae_cli.analysis.comparison.fingerprints import (
    FEWEST,
    FEWEST_MATERIALS,
    FingerprintOptions,
    Fingerprints,
    find_fingerprints,
)
from rankaae_cli.analysis.comparison.known import labels_of, series_of
from rankaae_cli.analysis.comparison.pairs import Comparison, ComparisonOptions, compare_all
from rankaae_cli.analysis.comparison.soundness import check_family
from rankaae_cli.analysis.comparison.styles import styles_of_run
from rankaae_cli.core.comparison.alignment import WIDTHS
from rankaae_cli.core.errors import UserError, printable
from rankaae_cli.core.labels import Subject, shortened
from rankaae_cli.data.family.family import Family
from rankaae_cli.data.files import results_folder
from rankaae_cli.reports.comparison.fingerprint_section import add_fingerprints
from rankaae_cli.reports.comparison.page import (
    ComparisonPage,
    add_agreement,
    add_convergence,
    add_soundness,
)
from rankaae_cli.reports.tables import print_table

_MOVED = 0.2  # eV, beyond which settings of one calculation have other energies
_LARGE = 250.0  # eV, by which zeros of energy of codes are seldom apart that mean the same absorber


def run(cfg: DictConfig) -> dict[str, Any]:
    """Compare what `cfg` names; write tables, figures and a page; return where."""
    settings: Any = OmegaConf.to_object(cfg)
    inputs = [str(one) for one in (settings.input if isinstance(settings.input, list) else [settings.input])]
    if settings.input is None or not inputs or "" in inputs:
        raise UserError("rankaae compare needs input=: files or folders\nsee rankaae compare --help")
    if settings.run is not None and settings.representation is not None:
        raise UserError("run= and representation= both say what stands for a spectrum\nleave one of them out")
    options = ComparisonOptions(settings.search, settings.reach, settings.published, settings.drawn)
    command = printable(shlex.join(["rankaae", "compare", *sys.argv[1:]]))
    now = datetime.now()
    default = Path("compare") / f"{now:%Y-%m-%d}" / f"{now:%H-%M-%S-%f}"
    with results_folder(settings.output, default) as folder:
        if settings.convergence:
            page = _convergence(inputs, options, folder, command)
        else:
            collections, faults = read_collections(inputs)
            if len(collections) == 1:
                page = _one(collections[0], faults, settings, folder, command)
            else:
                page = _several(collections, faults, options, settings, folder, command)
        path = page.write()
    for section in page.sections:
        print_table(section.heading.lower(), section.tables[0], page.subject.synthetic)
    for file, reason in page.faults:
        print(printable(f"not read: {file}: {reason}"), file=sys.stderr)
    print("\n".join([*page.lines, str(path)]))
    return {"output": page.output, **page.results}


def _convergence(
    inputs: Sequence[str], options: ComparisonOptions, folder: Path, command: str
) -> ComparisonPage:
    if len(inputs) != 1 or not os.path.isdir(inputs[0]):  # noqa: PTH112 - raises of no name
        raise UserError("convergence=true takes one folder, with a folder for each setting\ncorrect input=")
    table, faults = compare_settings(Path(inputs[0]), options)
    name = printable(Path(inputs[0]).resolve().name)
    page = ComparisonPage(folder, Subject(name, "", ""), f"Convergence of {name}", [name], command, faults)
    add_convergence(page, table)
    for code, own in table.groupby("code", sort=False):
        first = own[own["verdict"] == "converged"]["setting"]
        says = f"converged from {first.iloc[0]} on" if len(first) else "not converged before the last setting"
        if (most := own["shift"].abs().max()) > _MOVED:
            says += f", by shape: energies differ by up to {most:.1f} eV from the last"
        page.lines.append(f"{code}: {says}")
    return page


def _one(
    collection: Collection, faults: Sequence[tuple[str, str]], settings: Any, folder: Path, command: str
) -> ComparisonPage:
    """Check one family, and seek clusters of its spectra."""
    family = collection.family
    if family is None:
        why = f", as {': '.join(faults[0])}" if faults else ""
        raise UserError(
            f"{collection.name} alone is nothing to compare{why}\n"
            "give two files or folders, or one family file"
        )
    subject = Subject(
        family.name,
        family.element,
        family.edge,
        family.energy_unit,
        family.normalisation,
        family.is_synthetic,
    )
    about, frames = check_family(family)
    found, series = _fingerprints(family, settings) if settings.fingerprints else (None, None)
    page = ComparisonPage(folder, subject, f"Soundness of {family.name}", [collection.name], command, faults)
    add_soundness(page, about, frames)
    page.lines.append(
        f"{about['near_duplicates']} pairs of spectra of different materials are nearly the same, "
        f"{about['across']} of them across the split; {about['moved']} more once moved and scaled, "
        f"{about['moved_across']} of them across"
    )
    if found is not None:
        add_fingerprints(page, found, series)
    elif settings.fingerprints:
        page.lines.append(
            f"no clusters are sought of fewer than {FEWEST} spectra or {FEWEST_MATERIALS} materials, or where all "
            "spectra are the same"
        )
    return page


def _fingerprints(family: Family, settings: Any) -> tuple[Fingerprints | None, str | None]:
    """Return the clusters of a family, None of too few spectra or ones that do not differ; and their series."""
    series_N, label = (None, None) if settings.series is None else series_of(family, settings.series)
    styles = None if settings.run is None else styles_of_run(settings.run, family)
    spectra_NE = np.asarray(family.spectra_NE[:], dtype=np.float64)
    few = len(spectra_NE) < FEWEST or len(set(family.material_N)) < FEWEST_MATERIALS
    if few or not (spectra_NE.std(axis=0) > 0).any():
        return None, label
    kind = None if settings.representation is None else settings.representation.value
    options = FingerprintOptions(kind, settings.clustering.value, seed=settings.seed)
    of_family = spectra_NE, family.energy_E, family.material_N, options, labels_of(family)
    return find_fingerprints(*of_family, series_N, styles), label


def _several(
    collections: Sequence[Collection],
    faults: Sequence[tuple[str, str]],
    options: ComparisonOptions,
    settings: Any,
    folder: Path,
    command: str,
) -> ComparisonPage:
    """Compare several codes."""
    comparisons = compare_all(collections, options)
    if all(one.joint is None for one in comparisons):
        raise UserError(_no_shift(comparisons[0], collections, options.search))
    names = [one.name for one in collections]
    element = next((one.element for one in collections if one.element), "")
    edge = next((one.edge for one in collections if one.edge), "")
    synthetic = any(one.family is not None and one.family.is_synthetic for one in collections)
    of_all = ", ".join(shortened(name, 18, 9, 8) for name in names[:3])
    of_all += f" and {len(names) - 3} more" if len(names) > 3 else ""
    subject = Subject(of_all, element, edge, collections[0].energy_unit, synthetic=synthetic)
    title = f"Agreement of {len(names)} codes" if len(names) > 2 else f"{names[0]} and {names[1]}"
    page = ComparisonPage(folder, subject, title, names, command, faults)
    add_agreement(page, comparisons, settings.resamples, settings.seed)
    for one in collections:
        if one.is_relative:
            page.lines.append(
                f"the energies of {one.name} are from a zero of its own: its shifts say nothing"
            )
        if one.is_component:
            page.lines.append(f"{one.name} is one polarisation: give the folder of all for their average")
        if one.settings:
            page.lines.append(f"{one.name}: the spectra at {one.settings}")
    relative = {one.name for one in collections if one.is_relative}
    for comparison in comparisons:
        joint = comparison.joint
        if joint and abs(joint.offset) > _LARGE and not {comparison.first, comparison.second} & relative:
            page.lines.append(
                f"{comparison.first} and {comparison.second} are {abs(joint.offset):.0f} eV apart: are both of one "
                "absorber, or the energies of one from a zero of its own?"
            )
        if at_end := int((comparison.table["width"].abs() > max(WIDTHS) - 1e-6).sum()):
            page.lines.append(
                f"{comparison.first} and {comparison.second}: {at_end} of {len(comparison.table)} pairs fit best "
                f"at the most broadening that is tried, {max(WIDTHS):g} eV: look at how they lie on each other"
            )
        if lost := int(comparison.table["shift"].isna().sum()):
            within = "" if options.search is None else f" within {options.search:g} eV"
            page.lines.append(
                f"{comparison.first} and {comparison.second}: {lost} of {len(comparison.table)} pairs fit at no "
                f"shift{within}"
            )
    return page


def _no_shift(one: Comparison, collections: Sequence[Collection], search: float | None) -> str:
    """Return what to say where no pair of any two fits."""
    ranges = []
    for collection in collections:
        first, last = (f(part.energy_E[i] for part in collection.parts) for f, i in ((min, 0), (max, -1)))
        ranges.append(f"{collection.name} from {first:g} to {last:g}")
    unit, within = collections[0].energy_unit, "" if search is None else f" within {search:g} eV"
    return (
        f"no pair of {one.first} and {one.second}, of {len(one.table)}, fits at any shift{within}: "
        f"{', '.join(ranges)} ({unit})\nare spectra constant, or too short? else search further: search="
    )
