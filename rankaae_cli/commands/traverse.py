"""``rankaae traverse``: how the spectrum, or the structure, responds to each style or descriptor of a run."""

from typing import Any

from omegaconf import DictConfig

from rankaae_cli.commands.generation import traverse as traverse_structures
from rankaae_cli.core.errors import UserError
from rankaae_cli.models.base import Samples, Simulates
from rankaae_cli.reports.console import print_traversal
from rankaae_cli.reports.run.traversal_figures import write_traversal
from rankaae_cli.reports.simulation.traversal import print_simulated_traversal, write_simulated_traversal
from rankaae_cli.runs.load import load_run, load_styled


def run(cfg: DictConfig) -> dict[str, Any]:
    """Walk every style or descriptor that a run has; return the contents of traversal.json."""
    run_directory, model, family = load_run(cfg.run)
    walk = {"levels": cfg.levels, "draws": cfg.draws, "seed": cfg.seed, "others": cfg.others.value}
    if isinstance(model, Simulates):
        against = load_styled(run_directory, cfg.against)
        content = write_simulated_traversal(run_directory, model, family, against=against, **walk)
        print_simulated_traversal(content)
    elif cfg.against is not None:
        raise UserError("against= is of a run that simulates spectra, this one does not\nleave it out")
    elif isinstance(model, Samples):
        content = traverse_structures(cfg, run_directory, model, family)
    else:
        content = write_traversal(run_directory, model, family, check_rows=cfg.check_rows.value, **walk)
        print_traversal(content)
    print(run_directory / "traversal")
    return content
