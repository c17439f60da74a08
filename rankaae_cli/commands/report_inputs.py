"""What a report is made from: the evaluation, the traversal and the baselines of a run."""

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

from rankaae_cli import __version__
from rankaae_cli.commands.evaluate import checkpoint_sha256, evaluate, evaluation_directory, evaluation_files
from rankaae_cli.commands.evaluate_baselines import baselines_files
from rankaae_cli.commands.traverse import traversal_files, traverse

if TYPE_CHECKING:
    from rankaae_cli.data.family_file import Family
    from rankaae_cli.training.trained import TrainedModel


def outputs(
    run_directory: Path, model: "TrainedModel", family: "Family"
) -> tuple[dict[str, Any], dict[str, Any]]:
    """Return the contents of metrics.json and traversal.json, making what is missing or of another model."""
    from rankaae_cli.commands.terminal import console

    made = {
        "evaluation of the test split": (
            evaluation_files(run_directory, "test", model),
            lambda: evaluate(run_directory, model, family, "test"),
        ),
        "traversal": (traversal_files(run_directory, model), lambda: traverse(run_directory, model, family)),
    }
    checkpoint = checkpoint_sha256(run_directory)
    contents = []
    for what, (paths, make) in made.items():
        content = _read_json(paths[-1])
        fault = _fault(content, checkpoint, paths)
        if fault:
            console.print(f"{fault} {what} in {run_directory.name}: making it")
            make()
            content = _read_json(paths[-1])
        assert content is not None, f"{paths[-1]} was just written"
        contents.append(content)
    return contents[0], contents[1]


def baselines(run_directory: Path) -> dict[str, Any] | None:
    """Return the contents of baselines.json of the test split; None where it is of no use."""
    from rankaae_cli.commands.terminal import console

    files = baselines_files(evaluation_directory(run_directory, "test"))
    content = _read_json(files[-1])
    fault = _fault(content, checkpoint_sha256(run_directory), files)
    if content is not None and fault:
        console.print(
            f"{fault} baselines in {run_directory.name}: left out; rankaae evaluate baselines=all makes them"
        )
    return None if fault else content


def _fault(content: dict[str, Any] | None, checkpoint: str, paths: list[Path]) -> str:
    """Return why an evaluation or traversal cannot be used: ``no``, ``outdated``, ``incomplete`` or nothing."""
    if content is None:
        return "no"
    if (content.get("checkpoint_sha256"), content.get("rankaae_version")) != (checkpoint, __version__):
        return "outdated"
    return "" if all(path.is_file() for path in paths) else "incomplete"


def _read_json(path: Path) -> dict[str, Any] | None:
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return None
    return content if isinstance(content, dict) else None
