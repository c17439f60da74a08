"""``rankaae traverse``: how the spectrum responds to each style of a run, and whether the data agree."""

from typing import Any

from omegaconf import DictConfig

from rankaae_cli.reports.console import print_traversal
from rankaae_cli.reports.run.traversal_figures import write_traversal
from rankaae_cli.runs.load import load_run


def run(cfg: DictConfig) -> dict[str, Any]:
    """Traverse every style of a run; return the contents of traversal.json."""
    run_directory, model, family = load_run(cfg.run)
    content = write_traversal(
        run_directory,
        model,
        family,
        levels=cfg.levels,
        draws=cfg.draws,
        seed=cfg.seed,
        others=cfg.others.value,
        check_rows=cfg.check_rows.value,
    )
    print_traversal(content)
    print(run_directory / "traversal")
    return content
