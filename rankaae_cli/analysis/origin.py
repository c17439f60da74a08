"""What every metrics.json says of the run that it is of."""

from pathlib import Path
from typing import Any

from rankaae_cli import __version__
from rankaae_cli.models.base import Trained
from rankaae_cli.runs.directory import checkpoint_sha256


def origin_of(run_directory: Path, model: Trained) -> dict[str, Any]:
    """Return the run, the family that its model was trained on, and the versions of program and checkpoint."""
    return {
        "run": run_directory.name,
        "family": model.family,
        "element": model.element,
        "edge": model.edge,
        "source": model.source,
        "synthetic": model.is_synthetic,
        "rankaae_version": __version__,
        "checkpoint_sha256": checkpoint_sha256(run_directory),
    }
