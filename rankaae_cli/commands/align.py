"""``rankaae align``: the energy offset between a code and a beamline, from references of known valence."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from rankaae_cli.core.errors import UserError, nearest

if TYPE_CHECKING:
    import numpy as np
    from omegaconf import DictConfig

    from rankaae_cli.analysis.prediction.offset import OffsetFile
    from rankaae_cli.core.xas.energy_offset import ReferenceShift
    from rankaae_cli.data.family.family_file import Family
    from rankaae_cli.data.measured.prepared import Prepared
    from rankaae_cli.reports.prediction.offset import ShownReference

_VALENCE, _MATERIAL = "OS", "material"
_TOLERANCE = (
    0.25  # in the unit of the descriptor: rows this near to what a reference is known to be count as such
)


@dataclass(frozen=True)
class Held:
    """A reference held against computed spectra: the match, what the file tells of it, and how it is drawn."""

    match: "ReferenceShift"
    told: dict[str, Any]
    shown: "ShownReference"


def run(cfg: "DictConfig") -> dict[str, Any]:
    """Determine the offset, write it with a figure, and return it."""
    from omegaconf import OmegaConf

    from rankaae_cli.analysis.prediction.offset import OffsetFile, write_offset
    from rankaae_cli.core.labels import Subject
    from rankaae_cli.core.xas.energy_offset import combine
    from rankaae_cli.data.family.family_file import read_family
    from rankaae_cli.reports.figures.drawing import save_figure
    from rankaae_cli.reports.prediction.offset import offset_figure
    from rankaae_cli.runs.directory import family_of_run, find_run, read_run_config

    references = OmegaConf.to_container(cfg.references) if OmegaConf.is_config(cfg.references) else None
    if not isinstance(references, dict) or not references:
        raise UserError(
            "references= names no reference\n"
            "give files and their valences, in quotes: 'references={Cu2O.xdi:1,CuO.xdi:2}'"
        )
    if not cfg.search > 0:
        raise UserError(f"search={cfg.search:g} must be positive\ngive the largest offset to try, eV")
    config = read_run_config(find_run(cfg.run))
    family = read_family(cfg.data) if cfg.data else family_of_run(config)
    if family.energy_unit != "eV":
        raise UserError(f"family {family.name} is over {family.energy_unit}: there is no offset in eV")
    output = _output(cfg)
    held = [_held_against(str(name), _wanted(known), family, cfg) for name, known in references.items()]
    offset = combine([one.match for one in held])
    beamlines = dict.fromkeys(one.told["beamline"] for one in held if one.told["beamline"])
    content = OffsetFile(
        element=family.element,
        edge=family.edge,
        code=family.source,
        beamline=", ".join(beamlines),
        offset=round(offset.offset, 2),
        uncertainty=round(offset.uncertainty, 2),
        references=[one.told for one in held],
    )
    path = write_offset(output, content)
    result = f"offset {content.offset:+.2f} ± {content.uncertainty:.2f} eV"
    subject = Subject(family.name, family.element, family.edge, synthetic=family.is_synthetic)
    figure = offset_figure(subject, family.energy_E, [one.shown for one in held], result)
    pictures = save_figure(figure, path.with_suffix(""))
    for warning in _warnings([one.match for one in held], content):
        print(f"warning: {warning}")
    print(
        f"{family.element} {family.edge}, {family.source}: {result}, to be added to measured energies\n{path}\n"
        f"{pictures[0]}: look whether the references fit\nnext: rankaae predict offset={path} input=..."
    )
    return {"offset": content.offset, "uncertainty": content.uncertainty, "path": path}


def _output(cfg: "DictConfig") -> Path:
    """Return the file to write.

    Raises
    ------
    UserError
        If it is not called as one, or is there already.
    """
    path = Path(cfg.output)
    if path.suffix not in (".yaml", ".yml"):
        raise UserError(
            f"output={path} is to be a YAML file; its figure gets its name\ngive one such as offset.yaml"
        )
    if path.exists() and not cfg.overwrite:
        raise UserError(f"{path} exists already\ngive another output=, or overwrite=true to replace it")
    return path


def _warnings(matches: "Sequence[ReferenceShift]", content: "OffsetFile") -> list[str]:
    """Return what is to be said of an offset before anybody uses it."""
    from rankaae_cli.core.xas.energy_offset import LARGE, LEAST_OF_ONE, POOR_FIT, disagreement

    said = []
    for match, told in zip(matches, content.references, strict=True):
        name = Path(told["file"]).name
        if match.distance > POOR_FIT:
            said.append(
                f"{name} fits the computed spectra poorly (mean difference {match.distance:.3f}, usually below "
                f"{POOR_FIT:g}): are there any of this compound? A file with other shells is given as data="
            )
        if told["calibrated_by"] is None:
            said.append(f"{name} is not calibrated by a foil: the offset holds for its monochromator alone")
    apart = disagreement(matches)
    if apart is not None:
        said.append(
            f"the references differ by {apart:.1f} eV, more than each leaves open: is each what it is said to be? "
            "More that is known of one, such as {OS:2,CN:4} or its material, narrows it"
        )
    if len(matches) == 1:
        said.append(
            f"one reference does not tell how references differ: ± {LEAST_OF_ONE:g} eV at least is assumed"
        )
    if abs(content.offset) > LARGE:
        said.append(
            f"an offset of {content.offset:+.1f} eV is larger than codes are off: is the monochromator calibrated?"
        )
    return said


def _held_against(name: str, wanted: dict[str, float | str], family: "Family", cfg: "DictConfig") -> Held:
    """Move one reference until it fits the computed spectra of what it is, and say so."""
    from rankaae_cli.commands.ingest_measured import measured_options
    from rankaae_cli.core.xas.energy_offset import match_reference
    from rankaae_cli.core.xas.spectra import SpectrumError
    from rankaae_cli.reports.prediction.offset import ShownReference

    rows = _rows_of(family, wanted, name)
    try:
        prepared = _prepared(name, family, measured_options(cfg.measured, 0.0))
        match = match_reference(
            prepared.energy_M, prepared.absorption_M, family.energy_E, family.spectra_NE[rows], cfg.search
        )
    except SpectrumError as error:
        raise UserError(f"reference {name}: {error}") from error
    if match.at_the_end:
        raise UserError(
            f"reference {name}: no shift within {cfg.search:g} eV fits computed spectra of {_words(wanted)}\n"
            "is it what it is said to be? else search further: search="
        )
    nearest_rows = rows[match.nearest]
    told = {
        "file": name,
        "known": wanted,
        "beamline": prepared.spectrum.metadata.get("beamline.name", ""),
        "calibrated_by": round(prepared.calibration.shift, 3) if prepared.calibration else None,
        "shift": round(match.shift, 2),
        "deviation": round(match.deviation, 2),
        "difference": round(match.distance, 4),
        "computed_spectra": len(rows),
        "nearest": [f"{family.material_N[i]} {family.site_N[i]}" for i in nearest_rows],
    }
    print(
        f"{name}: {match.shift:+.1f} eV ± {match.deviation:.1f} against the nearest of {len(rows)} computed "
        f"spectra with {_words(wanted)} (mean difference {match.distance:.3f})"
    )
    shown = ShownReference(
        Path(name).name,
        _words(wanted),
        prepared.energy_M,
        prepared.absorption_M,
        match.shift,
        match.deviation,
        family.spectra_NE[nearest_rows],
    )
    return Held(match, told, shown)


def _wanted(known: Any) -> dict[str, float | str]:
    """Return what a reference is known to be: a number is its valence, a text its material in the family."""
    if isinstance(known, Mapping) and known:
        wrong = {k: v for k, v in known.items() if not _tells(str(k), v)}
        if wrong:
            raise UserError(
                f"references: {', '.join(f'{key}:{value}' for key, value in wrong.items())} is no value\n"
                "expected numbers, such as {OS:2,CN:4}, and a name for material"
            )
        return {str(k): str(v) if k == _MATERIAL else float(v) for k, v in known.items()}
    if isinstance(known, str):
        return {_MATERIAL: known}
    if isinstance(known, int | float) and not isinstance(known, bool):
        return {_VALENCE: float(known)}
    raise UserError(
        f"references: {known!r} says nothing of a compound\nexpected its valence, a mapping such as "
        "{OS:2,CN:4}, or the name of its material in the family"
    )


def _tells(key: str, value: Any) -> bool:
    """Return whether a value is one that can be known: a name for the material, a number of all else."""
    if key == _MATERIAL:
        return isinstance(value, str)
    return isinstance(value, int | float) and not isinstance(value, bool)


def _rows_of(family: "Family", wanted: Mapping[str, float | str], name: str) -> "np.ndarray":
    """Return the indices of the computed spectra of what a reference is known to be."""
    import numpy as np

    columns = dict(zip(family.descriptor_names, family.descriptors_NK.T, strict=True))
    columns |= dict(zip(family.quantity_names, family.quantities_NQ.T, strict=True))
    fits = np.ones(len(family), dtype=bool)
    for key, value in wanted.items():
        if key == _MATERIAL:
            fits &= family.material_N.astype(str) == str(value)
        elif key in columns:
            fits &= np.abs(columns[key] - float(value)) <= _TOLERANCE
        else:
            raise UserError(f"reference {name}: family {family.name} has no {key}: {nearest(key, columns)}")
    if not fits.any():
        raise UserError(
            f"reference {name}: family {family.name} holds no spectrum with {_words(wanted)}\n"
            "give another family file as data=, or another reference"
        )
    return np.flatnonzero(fits)


def _prepared(name: str, family: "Family", options: Any) -> "Prepared":
    from rankaae_cli.core.xas.spectra import SpectrumError
    from rankaae_cli.data.measured.detect import read_measured
    from rankaae_cli.data.measured.prepared import prepare

    spectra = read_measured(name, options.columns, family.element, family.edge)
    if len(spectra) > 1:
        raise SpectrumError(f"the file holds {len(spectra)} spectra, a reference is one")
    if spectra[0].is_computed:
        raise SpectrumError("a computed spectrum: references are measured")
    return prepare(
        spectra[0], options.ranges, element=family.element, edge=family.edge, calibrate=options.calibrate
    )


def _words(wanted: Mapping[str, float | str]) -> str:
    return ", ".join(
        f"{key} {value if isinstance(value, str) else f'{value:g}'}" for key, value in wanted.items()
    )
