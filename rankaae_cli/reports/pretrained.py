"""A model that ships, made of a run: what predictions need is kept of it, and nothing of the data.

python -m rankaae_cli.reports.pretrained RUN NAME

The energy offset of measured spectra (offset.yaml) and the notice on the licence of the data (NOTICE) are written
by hand and lie in the model's directory already. scripts/pretrained.sh trains the run.
"""

import shutil
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import yaml

from rankaae_cli.analysis.encoded import encode_split
from rankaae_cli.analysis.prediction.calibration import CACHE, calibrate_prediction, write_calibration
from rankaae_cli.analysis.prediction.offset import chosen_offset, read_offset
from rankaae_cli.core.errors import UserError
from rankaae_cli.core.statistics.novelty import StyleDistances
from rankaae_cli.data.files import strict_json, write_text
from rankaae_cli.reports.paper.facts import ShippedFacts
from rankaae_cli.reports.paper.model_card import model_card
from rankaae_cli.reports.paper.write import run_facts
from rankaae_cli.reports.run.results import RunResults, completed_results
from rankaae_cli.runs.directory import (
    BEST,
    CONFIG,
    METRICS,
    checkpoint_sha256,
    evaluation_directory,
    plain_config,
)
from rankaae_cli.runs.load import load_run
from rankaae_cli.runs.provenance import read_provenance, write_provenance
from rankaae_cli.runs.shipped import CARD, NOTICE, OFFSET, shipped_directory

_MOST_BYTES = 3_000_000  # of all files
_MOST_ROWS = 500  # of training, whose styles are kept for distances from them
# What a run records of the machine that it was trained on.
_OF_MACHINE = ("command", "host", "platform", "device", "start", "resumed")
_PATHS = ("data", "start", "teacher", "unlabelled", "resume", "ingest")
_SCORES = ("n", "n_materials", "ensemble")


def pack(run: str, name: str) -> Path:
    """Write the model of a run into the package; return its directory.

    Raises
    ------
    UserError
        If the run or its data cannot be used, the hand-written files are not there or hold for something else, or
        the model is too large.
    """
    results = completed_results(*load_run(run))
    target = shipped_directory(name)
    if not (target / NOTICE).is_file():
        raise UserError(f"there is no {target / NOTICE}\nwrite whose data these are, and their licence")
    chosen_offset(target / OFFSET, None, results.model)  # holds for the model
    _write_model(target, results)
    _write_origin(target, results)
    write_text(target / CARD, model_card(run_facts(results), _shipped(name, results)))
    size = sum(path.stat().st_size for path in target.rglob("*") if path.is_file())
    if size > _MOST_BYTES:
        raise UserError(
            f"{target} has {size} bytes, more than {_MOST_BYTES}\ntrain fewer trials, or smaller networks"
        )
    return target


def _write_model(target: Path, results: RunResults) -> None:
    """Write networks, what their predictions rest on, and their scores."""
    model, family = results.model, results.family
    (target / BEST).parent.mkdir(exist_ok=True)
    shutil.copyfile(results.directory / BEST, target / BEST)
    training = encode_split(model, family, "train", _MOST_ROWS)
    validation = encode_split(model, family, "validation")
    calibration = calibrate_prediction(model, training, validation)
    averages_TMS = averages_of_neighbours(calibration.training_TMS)
    distance_N = StyleDistances(averages_TMS).of(validation.coordinates_TNS)
    signs_N3 = np.column_stack([calibration.signs_N3[:, :2], distance_N])
    shipped = replace(calibration, rows=None, training_TMS=averages_TMS, signs_N3=signs_N3)
    write_calibration(target / CACHE, shipped, checkpoint_sha256(target))
    scores = {key: results.metrics[key] for key in _SCORES}
    write_text(evaluation_directory(target, "test") / METRICS, strict_json(scores))


def averages_of_neighbours(styles_TMS: np.ndarray, size: int = 3) -> np.ndarray:
    """Return means over groups of at least so many neighbouring rows, from which no row's spectrum can be decoded.

    Parameters
    ----------
    styles_TMS
        Standardised styles of M rows in T trials.
    size
        Of the groups, but for the last one, which has fewer than twice as many.

    Notes
    -----
    The groups are those of maximum distance to average vector (Domingo-Ferrer and Mateo-Sanz, IEEE Trans. Knowl.
    Data Eng. 14, 189 (2002)): the row that is furthest from the mean of those left, and its nearest.
    """
    rows_MX = np.moveaxis(styles_TMS, 0, 1).reshape(styles_TMS.shape[1], -1)
    left, groups = np.arange(len(rows_MX)), []
    while len(left) >= 2 * size:
        furthest = left[np.linalg.norm(rows_MX[left] - rows_MX[left].mean(0), axis=1).argmax()]
        order = np.linalg.norm(rows_MX[left] - rows_MX[furthest], axis=1).argsort(kind="stable")
        groups.append(left[order[:size]])
        left = left[order[size:]]
    groups.append(left)
    return np.stack([styles_TMS[:, group].mean(axis=1) for group in groups], axis=1)


def _write_origin(target: Path, results: RunResults) -> None:
    """Write configuration and provenance, without what they tell of the machine that trained."""
    config = {key: value for key, value in plain_config(results.directory).items() if key not in _PATHS}
    energy_E = results.model.energy_E
    config["family"]["energy"] |= {"start": float(energy_E[0]), "points": len(energy_E)}
    write_text(target / CONFIG, yaml.safe_dump(config, sort_keys=False))
    provenance = read_provenance(results.directory)
    data = [{**entry, "path": Path(entry["path"]).name} for entry in provenance["data"]]
    kept = {key: value for key, value in provenance.items() if key not in _OF_MACHINE}
    write_provenance(target, {**kept, "data": data})


def _shipped(name: str, results: RunResults) -> ShippedFacts:
    target, start = shipped_directory(name), read_provenance(results.directory).get("start")
    began_with = None
    if start is not None:
        (entry,) = read_provenance(Path(start["run"]))["data"]
        began_with = int(entry["rows"]), str(entry["fidelity"])
    return ShippedFacts(
        name=name,
        fidelity=results.model.fidelity,
        offset=read_offset(target / OFFSET),
        notice=(target / NOTICE).read_text(encoding="utf-8"),
        began_with=began_with,
        transfer=(results.transfer or {}).get("rows", []),
    )


if __name__ == "__main__":
    try:
        print(pack(*sys.argv[1:]))
    except UserError as error:
        sys.exit(str(error))
