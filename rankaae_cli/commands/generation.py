"""What ``rankaae predict``, ``evaluate`` and ``traverse`` do with a run that generates structures."""

from pathlib import Path
from typing import Any

from omegaconf import DictConfig, OmegaConf

from rankaae_cli.analysis.generation.evaluate import evaluate_generation
from rankaae_cli.analysis.generation.forward import Forward
from rankaae_cli.analysis.generation.generate import Request, density_in, structures_on
from rankaae_cli.analysis.generation.result import generation_of
from rankaae_cli.analysis.generation.steer import steer
from rankaae_cli.analysis.generation.targets import read_targets
from rankaae_cli.core.errors import UserError
from rankaae_cli.core.terminal import Progress
from rankaae_cli.data.family.family import Family
from rankaae_cli.data.family.splits import SPLITS
from rankaae_cli.data.files import results_folder
from rankaae_cli.data.structures.structure_set import Structure
from rankaae_cli.models.base import Samples
from rankaae_cli.reports.console import print_lines
from rankaae_cli.reports.generation.page import write_page
from rankaae_cli.reports.generation.write import (
    distances_table,
    generation_lines,
    steering_table,
    write_generation,
    write_generation_evaluation,
    write_steering,
)
from rankaae_cli.reports.tables import print_table
from rankaae_cli.runs.directory import evaluation_directory, read_run_config
from rankaae_cli.runs.load import load_run


def generate(directory: Path, names: list[str], settings: Any, output: Path, command: str) -> dict[str, Any]:
    """Generate structures for a target; write them, tables, figures and a page; return where.

    Parameters
    ----------
    directory
        Of the run.
    names
        What `input=` names.
    settings
        Of `rankaae predict`.
    output
        The folder to write, which is not there yet.
    command
        The command line.
    """
    if settings.density is None:
        raise UserError(
            "density= is missing: the structures to generate need one, in g/cm3\ngive density=2.0, say"
        )
    directory, model, family = load_run(str(directory))
    config = read_run_config(directory)
    split = None if settings.split is None else settings.split.value
    targets = read_targets(model, names, split, int(config.split_seed), config.get("split_by"))
    chosen = {key: getattr(settings, key) for key in ("density", "atoms", "samples", "seed")}
    request = Request(**chosen, **_course(settings))
    model.require_cell(request.lattice(model.element))
    forward = _forward(settings.forward, model)
    with results_folder(str(output), output) as folder:
        with Progress("structures", "steps") as progress:
            result = generation_of(model, family, targets, request, _radius(config), progress, forward)
        write_generation(folder, result)
        print_lines(result.sentences())
        about = {"run": f"run {directory.name}", "command": command}
        print(write_page(folder, model, result, settings.figures, about) if settings.figures else folder)
    return {"output": output, "n": len(result.structures), "rejected": 0}


def evaluate(cfg: DictConfig, directory: Path, model: Samples, family: Family, split: str) -> dict[str, Any]:
    """Evaluate a run that generates structures; return the contents of metrics.json."""
    request = _like(next(iter(family.structures.values())), cfg)
    forward = _forward(cfg.forward, model)
    radius = _radius(read_run_config(directory))
    with Progress("structures", "steps") as progress:
        evaluation = evaluate_generation(directory, model, family, split, request, radius, progress, forward)
    folder, metrics = evaluation_directory(directory, split), evaluation.metrics
    write_generation_evaluation(folder, model.subject, evaluation)
    cells = f"{metrics['cells']} cells at {metrics['density']:.2g} g/cm3"
    print_table(
        f"{metrics['family']}, {split} split, {cells}", distances_table(metrics), metrics["synthetic"]
    )
    print_lines(generation_lines(metrics))
    print(folder)
    return metrics


def traverse(cfg: DictConfig, directory: Path, model: Samples, family: Family) -> dict[str, Any]:
    """Generate structures along each descriptor, in a cell of the test split; return what traversal.json holds."""
    cell = next(iter(structures_on(family, (SPLITS.index("test"),)).values()), None)
    if cell is None:
        raise UserError(
            f"the data of {directory.name} hold no test structures, whose cell is taken\ntrain again"
        )
    model.require_cell(cell.lattice)
    request, radius = _like(cell, cfg), _radius(read_run_config(directory))
    with Progress("structures", "steps") as progress:
        content, table = steer(directory, model, family, request, cell.lattice, cfg.levels, radius, progress)
    write_steering(directory / "traversal", model.subject, content, table)
    print_table(f"{family.name}, {request.density:.2g} g/cm3", steering_table(content), content["synthetic"])
    return content


def _like(structure: Structure, cfg: DictConfig) -> Request:
    """Return what asks for structures of the density and the number of atoms of one."""
    return Request(density_in(structure), len(structure), cfg.samples, seed=cfg.seed, **_course(cfg))


def _course(settings: Any) -> dict[str, Any]:
    return {key: getattr(settings, key) for key in ("steps", "guidance", "temperature")}


def _forward(run: str | None, model: Samples) -> Forward | None:
    return None if run is None else Forward.of(*load_run(run), model)


def _radius(config: DictConfig) -> float | None:
    """Return up to which distance atoms are bonded by the family's configuration; None where it does not say."""
    radius = OmegaConf.select(config, "family.neighbours.radius")
    return None if radius is None else float(radius)
