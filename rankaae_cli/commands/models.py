"""``rankaae models``: the models that ship with the program, and their cards."""

import json
from pathlib import Path
from typing import Any

from omegaconf import DictConfig

from rankaae_cli.analysis.prediction.offset import read_offset
from rankaae_cli.core.labels import listed, print_number
from rankaae_cli.runs.directory import METRICS, evaluation_directory, plain_config
from rankaae_cli.runs.provenance import read_provenance
from rankaae_cli.runs.shipped import CARD, OFFSET, find_shipped, shipped_models


def run(cfg: DictConfig) -> dict[str, Any]:
    """Print what ships, or the card of one model; return the names (``models``)."""
    if cfg.model.name is not None:
        print((find_shipped(cfg.model.name) / CARD).read_text(encoding="utf-8"))
        return {"models": [cfg.model.name]}
    names = shipped_models()
    for name in names:
        print("\n".join(_lines(name, find_shipped(name))))
    print(
        "\nrankaae predict model=NAME input=SCAN reads a measured spectrum; rankaae models model=NAME prints a card"
    )
    return {"models": names}


def _lines(name: str, directory: Path) -> list[str]:
    """Return what a model reads, what it was trained on, how well it does, and where its files are."""
    family, (data,) = plain_config(directory)["family"], read_provenance(directory)["data"]
    metrics = json.loads((evaluation_directory(directory, "test") / METRICS).read_text(encoding="utf-8"))
    offset, grid = read_offset(directory / OFFSET), family["energy"]
    last = grid["start"] + (grid["points"] - 1) * grid["step"]
    scores = metrics["ensemble"]["descriptors"].items()
    read = listed([f"{key} ({print_number(score['spearman'], 2)})" for key, score in scores])
    return [
        f"{name}: {family['element']} {family['edge']} edge, {grid['start']:g} to {last:g} {grid['unit']}",
        f"  reads {read}; in brackets Spearman's correlation on {metrics['n']} test spectra",
        f"  made of {data['rows']} {data['fidelity']} spectra; measured energies are shifted by "
        f"{offset.offset:+g} ± {offset.uncertainty:g} eV",
        f"  {directory}",
    ]
