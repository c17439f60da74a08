"""``rankaae align``: the energy offset between a code and a beamline, or between two codes."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from omegaconf import DictConfig, OmegaConf

from rankaae_cli.analysis.prediction.align import (
    Known,
    check_reference,
    known_references,
    offset_of,
    offset_warnings,
)
from rankaae_cli.analysis.prediction.offset import OffsetFile, write_offset
from rankaae_cli.analysis.prediction.pairs import match_codes
from rankaae_cli.core.calls import setting
from rankaae_cli.core.errors import UserError
from rankaae_cli.core.labels import Subject
from rankaae_cli.data.family.families import read_families
from rankaae_cli.data.family.family import Family
from rankaae_cli.data.family.soundness import unsound_remark
from rankaae_cli.data.files import write_text
from rankaae_cli.data.measured.sites import MeasuredOptions
from rankaae_cli.reports.figures.drawing import save_figure
from rankaae_cli.reports.prediction.offset_figures import offset_figure, pairs_figure
from rankaae_cli.runs.directory import read_run_config
from rankaae_cli.runs.find import find_run
from rankaae_cli.runs.load import family_of_run


def run(cfg: DictConfig) -> dict[str, Any]:
    """Determine the offset, write it with a figure, and return it."""
    given = OmegaConf.to_container(cfg.references) if OmegaConf.is_config(cfg.references) else cfg.references
    references = None if given is None else known_references(given)
    if (references is None) == (cfg.to is None):
        raise UserError(
            f"rankaae align needs references= (measured files) or to= (a family file of another code), "
            f"{'one of them' if references is None else 'not both'}\nsee rankaae align --help"
        )
    output = _output(cfg)
    family = _family(cfg.data) if cfg.data else family_of_run(read_run_config(find_run(cfg.run)))
    if family.energy_unit != "eV":
        raise UserError(f"family {family.name} is over {family.energy_unit}: there is no offset in eV")
    if remark := unsound_remark(family):
        print(f"warning: {remark}")
    content = (
        _of_codes(cfg, family, output)
        if references is None
        else _of_references(cfg, references, family, output)
    )
    return {"offset": content.offset, "uncertainty": content.uncertainty, "path": output}


def _of_references(cfg: DictConfig, references: dict[str, Known], family: Family, output: Path) -> OffsetFile:
    """Return the offset of measured energies; print it, write it and draw it."""
    measured: Any = OmegaConf.to_container(cfg.measured, resolve=True)
    options = MeasuredOptions.of(measured, 0.0)
    checks = []
    for file, known in references.items():
        checks.append(check_reference(file, known, family, options, cfg.search))
        print(checks[-1].summary())
    content = offset_of(checks, family)
    write_offset(output, content)
    result = _result(content)
    figure = offset_figure(_subject(family), family.energy_E, checks, result)
    picture = save_figure(figure, output.with_suffix(""))[0]
    _warn(offset_warnings(checks, content))
    print(
        f"{family.element} {family.edge}, {content.to_fidelity}: {result}, to be added to measured energies\n"
        f"{output}\n{picture}: look whether the references fit\n"
        f"next: rankaae predict {setting('offset', output)} input=..."
    )
    return content


def _of_codes(cfg: DictConfig, family: Family, output: Path) -> OffsetFile:
    """Return the offset between two codes; print it, write it and draw it."""
    pairs = match_codes(family, _family(cfg.to), cfg.search)
    result, content, table = pairs.result, pairs.content(), output.with_suffix(".csv")
    write_offset(output, content)
    write_text(table, pairs.table.to_csv(index=False, lineterminator="\n"))
    picture = save_figure(pairs_figure(_subject(family), pairs), output.with_suffix(""))[0]
    _warn(pairs.warnings())
    print(
        f"{family.element} {family.edge}, {content.from_fidelity} to {content.to_fidelity}: {_result(content)}, "
        f"to be added to energies of {content.from_fidelity}\n"
        f"  from {result.sites} sites of {result.materials} materials; standard error "
        f"{result.standard_error:.2f} eV; factor on the absorption {result.amplitude:.2f} ± "
        f"{result.amplitude_spread:.2f}\n"
        f"{output}\n{table}: each site\n{picture}: look whether one offset fits\n"
        f"next: rankaae ingest +family={family.name} source=family path=... regrid=true "
        f"{setting('offset', output)} output=..."
    )
    return content


def _family(data: Any) -> Family:
    """Read a family file, or several as one."""
    paths = [data] if isinstance(data, str) else list(data)
    family, notes = read_families([Path(str(path)) for path in paths], regrid=True)
    for note in notes:
        print(note)
    return family


def _subject(family: Family) -> Subject:
    return Subject(family.name, family.element, family.edge, synthetic=family.is_synthetic)


def _result(content: OffsetFile) -> str:
    return f"offset {content.offset:+.2f} ± {content.uncertainty:.2f} eV"


def _warn(warnings: Sequence[str]) -> None:
    for warning in warnings:
        print(f"warning: {warning}")


def _output(cfg: DictConfig) -> Path:
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
