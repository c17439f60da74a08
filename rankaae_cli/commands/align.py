"""``rankaae align``: the energy offset between a code and a beamline, from references of known valence."""

from pathlib import Path
from typing import Any

from omegaconf import DictConfig, OmegaConf

from rankaae_cli.analysis.prediction.align import check_reference, offset_of, offset_warnings
from rankaae_cli.analysis.prediction.offset import write_offset
from rankaae_cli.core.calls import setting
from rankaae_cli.core.errors import UserError
from rankaae_cli.core.labels import Subject
from rankaae_cli.data.family.family_file import read_family
from rankaae_cli.data.family.soundness import unsound_remark
from rankaae_cli.data.measured.sites import MeasuredOptions
from rankaae_cli.reports.figures.drawing import save_figure
from rankaae_cli.reports.prediction.figures import offset_figure
from rankaae_cli.runs.directory import read_run_config
from rankaae_cli.runs.find import find_run
from rankaae_cli.runs.load import family_of_run


def run(cfg: DictConfig) -> dict[str, Any]:
    """Determine the offset, write it with a figure, and return it."""
    references = OmegaConf.to_container(cfg.references) if OmegaConf.is_config(cfg.references) else None
    if not isinstance(references, dict) or not references:
        raise UserError(
            "references= names no reference\n"
            "give files and their valences, in quotes: 'references={Cu2O.xdi:1,CuO.xdi:2}'"
        )
    config = read_run_config(find_run(cfg.run))
    family = read_family(cfg.data) if cfg.data else family_of_run(config)
    if family.energy_unit != "eV":
        raise UserError(f"family {family.name} is over {family.energy_unit}: there is no offset in eV")
    if remark := unsound_remark(family):
        print(f"warning: {remark}")
    output = _output(cfg)
    measured: Any = OmegaConf.to_container(cfg.measured, resolve=True)
    options = MeasuredOptions.of(measured, 0.0)
    checks = []
    for file, known in references.items():
        checks.append(check_reference(str(file), known, family, options, cfg.search))
        print(checks[-1].summary())
    content = offset_of(checks, family)
    path = write_offset(output, content)
    result = f"offset {content.offset:+.2f} ± {content.uncertainty:.2f} eV"
    subject = Subject(family.name, family.element, family.edge, synthetic=family.is_synthetic)
    pictures = save_figure(offset_figure(subject, family.energy_E, checks, result), path.with_suffix(""))
    for warning in offset_warnings(checks, content):
        print(f"warning: {warning}")
    print(
        f"{family.element} {family.edge}, {family.source}: {result}, to be added to measured energies\n{path}\n"
        f"{pictures[0]}: look whether the references fit\nnext: rankaae predict {setting('offset', path)} input=..."
    )
    return {"offset": content.offset, "uncertainty": content.uncertainty, "path": path}


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
