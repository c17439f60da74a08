"""``rankaae traverse``: how the spectrum responds to each style of a run, and whether the data agree."""

from pathlib import Path
from typing import Any

from omegaconf import DictConfig

from rankaae_cli.core.errors import UserError
from rankaae_cli.data.family.family import Family
from rankaae_cli.models.base import HasStyles, Simulates, require
from rankaae_cli.models.registry import load_model
from rankaae_cli.reports.console import print_traversal
from rankaae_cli.reports.run.traversal_figures import write_traversal
from rankaae_cli.reports.simulation.traversal import print_simulated_traversal, write_simulated_traversal
from rankaae_cli.runs.directory import BEST
from rankaae_cli.runs.find import runs_on_same_data
from rankaae_cli.runs.load import load_run


def run(cfg: DictConfig) -> dict[str, Any]:
    """Walk every style of a run, or descriptor that it simulates from; return the contents of traversal.json."""
    run_directory, model, family = load_run(cfg.run)
    walk = {"levels": cfg.levels, "draws": cfg.draws, "seed": cfg.seed, "others": cfg.others.value}
    if isinstance(model, Simulates):
        against = styled_run(run_directory, cfg.against)
        content = write_simulated_traversal(run_directory, model, family, against=against, **walk)
        print_simulated_traversal(content)
    elif cfg.against is not None:
        raise UserError("against= is of a run that simulates spectra, this one does not\nleave it out")
    else:
        content = write_traversal(run_directory, model, family, check_rows=cfg.check_rows.value, **walk)
        print_traversal(content)
    print(run_directory / "traversal")
    return content


def styled_run(run_directory: Path, named: str | None) -> tuple[Path, Any, Family] | None:
    """Return the run with styles that is named, else the newest on the data of a run; None where there is none."""
    if named is not None:
        directory, model, family = load_run(named)
        return directory, require(model, "traverse against=", HasStyles), family
    others = (
        path for path in runs_on_same_data(run_directory) if isinstance(load_model(path / BEST), HasStyles)
    )
    newest = next(others, None)
    return None if newest is None else load_run(str(newest))
