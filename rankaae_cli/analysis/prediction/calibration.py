"""The rows that a prediction rests on beside the networks: validation for its intervals, training for its novelty.

They are kept in the run directory, with what was fitted to them, so that `predict` works without the data file and
starts quickly. The file holds plain arrays, and the checkpoint's digest by which it is known to belong to it.
"""

import sys
import zipfile
import zlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any

import numpy as np
import torch

from rankaae_cli.analysis.encoded import EncodedSplit, encode_split, evenly_spaced
from rankaae_cli.core.errors import UserError
from rankaae_cli.core.statistics.classification import ClassProbabilities, fit_class_probabilities
from rankaae_cli.core.statistics.conformal import (
    IntervalRows,
    calibrate_intervals,
    difficulty_features,
    fit_difficulty,
)
from rankaae_cli.core.statistics.forest import Forest
from rankaae_cli.core.statistics.novelty import StyleDistances, novelty_signs
from rankaae_cli.data.files import replacing
from rankaae_cli.models.base import HasStyles, Predicts, Reconstructs, require
from rankaae_cli.models.rankaae.trained import TrainedModel
from rankaae_cli.models.registry import load_model
from rankaae_cli.runs.directory import BEST, checkpoint_sha256
from rankaae_cli.runs.find import find_run
from rankaae_cli.runs.load import load_run
from rankaae_cli.runs.provenance import read_provenance

CACHE = Path("prediction") / "calibration.npz"
_VERSION = 2
_WITHOUT_FITS = 1  # the version that held the rows alone
_MOST_TRAINING_ROWS = 20_000  # that distances are taken from: evenly spaced among more
_NEEDED = (Predicts, Reconstructs, HasStyles)  # of a model


@dataclass(frozen=True)
class CalibrationRows:
    """The rows that predictions rest on; N of validation, M of training.

    Attributes
    ----------
    styles_NK, spread_NK
        Named styles of the ensemble on the validation rows, and their standard deviation over the trials.
    signs_N3
        Signs of novelty of the validation rows.
    descriptors_NK
        Their true descriptors.
    residual_NK, difficulty_NK
        See `rankaae_cli.core.statistics.conformal.IntervalRows`; NaN where not known.
    forest_K
        Of the same; None where too little is known.
    class_probabilities_K
        Of those descriptors that have classes, and rows enough of them; None of others.
    training_TMS, spectra_ME, descriptors_MK, material_M, site_M
        Training rows: standardised styles of the trials of the ensemble, spectra, descriptors and names.
    """

    styles_NK: np.ndarray
    spread_NK: np.ndarray
    signs_N3: np.ndarray
    descriptors_NK: np.ndarray
    residual_NK: np.ndarray
    difficulty_NK: np.ndarray
    forest_K: Sequence[Forest | None]
    class_probabilities_K: Sequence[ClassProbabilities | None]
    training_TMS: np.ndarray
    spectra_ME: np.ndarray
    descriptors_MK: np.ndarray
    material_M: np.ndarray
    site_M: np.ndarray

    def name_of(self, m: int) -> str:
        """Return material and site of a training row."""
        return f"{self.material_M[m]} {self.site_M[m]}"

    def known_range(self) -> np.ndarray:
        """Return the 1st and 99th percentile of each descriptor among the training rows, shape (K, 2)."""
        known = [column[np.isfinite(column)] for column in self.descriptors_MK.T]
        return np.array([np.percentile(c, [1, 99]) if len(c) else [np.nan, np.nan] for c in known])

    def interval_rows(self) -> list[IntervalRows | None]:
        """Return what the intervals of each descriptor rest on; None where too little is known."""
        rows: list[IntervalRows | None] = []
        for residual_N, difficulty_N, forest in zip(
            self.residual_NK.T, self.difficulty_NK.T, self.forest_K, strict=True
        ):
            known = np.isfinite(residual_N)
            rows.append(
                None if forest is None else IntervalRows(residual_N[known], difficulty_N[known], forest)
            )
        return rows


def load_for_prediction(run: str) -> tuple[Path, TrainedModel, CalibrationRows]:
    """Find a run and load its model and the rows that its predictions rest on, encoding these where need be.

    Raises
    ------
    UserError
        If the run cannot be used, its model does not predict, or neither its data file nor rows of it are there.
    """
    torch.set_num_threads(1)
    directory = find_run(run)
    model = require(load_model(directory / BEST), "predict", *_NEEDED)
    kept = _kept(directory, model)
    if kept is not None:
        return directory, model, kept
    data = [Path(entry["path"]) for entry in read_provenance(directory).get("data", [])]
    if data and not data[0].is_file():
        raise UserError(
            f"{data[0]}, which the run {directory} was trained on, is not there; intervals are calibrated on it\n"
            "put it back for the first prediction of a run; later ones do without"
        )
    _, _, family = load_run(str(directory))
    training = encode_split(model, family, "train", _MOST_TRAINING_ROWS)
    validation = encode_split(model, family, "validation")
    return directory, model, calibration_of(directory, model, training, validation)


def calibration_of(
    directory: Path, model: TrainedModel, training: EncodedSplit, validation: EncodedSplit
) -> CalibrationRows:
    """Return what the predictions of a run rest on: as kept in its directory, else of these rows, and kept.

    Parameters
    ----------
    directory, model
        As `load_run` gives them.
    training, validation
        Rows of these splits of the run's data.
    """
    kept = _kept(directory, model)
    if kept is None:
        kept = calibrate_prediction(model, training, validation)
        _keep(directory, kept)
    return kept


def calibrate_prediction(
    model: TrainedModel, training: EncodedSplit, validation: EncodedSplit
) -> CalibrationRows:
    """Fit what the intervals rest on to validation rows, and keep training rows for distances from them."""
    rows = evenly_spaced(len(training.error_N), _MOST_TRAINING_ROWS)
    styles_NK, spread_NK = validation.ensemble_styles_NK, validation.spread_NK
    training_TMS = training.standardised_TNS[:, rows]
    distance_N = StyleDistances(training_TMS).of(validation.standardised_TNS)
    residual_NK = np.full(styles_NK.shape, np.nan)
    difficulty_NK = np.full(styles_NK.shape, np.nan)
    forest_K: list[Forest | None] = []
    for k, features_NF in enumerate(difficulty_features(styles_NK, spread_NK, validation.error_N)):
        value_N = validation.descriptors_NK[:, k]
        interval_rows = calibrate_intervals(features_NF, styles_NK[:, k], value_N, validation.material_N)
        forest_K.append(None if interval_rows is None else interval_rows.forest)
        if interval_rows is not None:
            known = np.isfinite(value_N) & np.isfinite(styles_NK[:, k])
            residual_NK[known, k] = interval_rows.residual_N
            difficulty_NK[known, k] = interval_rows.difficulty_N
    return CalibrationRows(
        styles_NK=styles_NK,
        spread_NK=spread_NK,
        signs_N3=novelty_signs(validation.error_N, spread_NK, distance_N),
        descriptors_NK=validation.descriptors_NK,
        residual_NK=residual_NK,
        difficulty_NK=difficulty_NK,
        forest_K=forest_K,
        class_probabilities_K=_class_probabilities(model, styles_NK, validation.descriptors_NK),
        training_TMS=training_TMS.astype(np.float32),
        spectra_ME=training.spectra_NE[rows],
        descriptors_MK=training.descriptors_NK[rows],
        material_M=np.asarray(training.material_N[rows], dtype=str),
        site_M=training.site_N[rows],
    )


def _class_probabilities(
    model: TrainedModel, styles_NK: np.ndarray, descriptors_NK: np.ndarray
) -> list[ClassProbabilities | None]:
    classes_K = [model.descriptor_classes.get(name) for name in model.descriptor_names]
    return [
        fit_class_probabilities(styles_NK, descriptor_N, classes) if classes else None
        for descriptor_N, classes in zip(descriptors_NK.T, classes_K, strict=True)
    ]


def _kept(directory: Path, model: TrainedModel) -> CalibrationRows | None:
    """Return what a run's directory keeps, None where there is nothing or it belongs to another checkpoint."""
    path = directory / CACHE
    if not path.is_file():
        return None
    try:
        with np.load(path, allow_pickle=False) as file:
            content: dict[str, Any] = dict(file)
        version, digest = content.pop("version"), content.pop("checkpoint")
        if version not in (_VERSION, _WITHOUT_FITS) or digest != checkpoint_sha256(directory):
            return None
        fits = (_fitted if version == _WITHOUT_FITS else _unpacked)(content, model)
        kept = CalibrationRows(**content, **fits)
    except (OSError, ValueError, KeyError, TypeError, EOFError, zipfile.BadZipFile, zlib.error) as error:
        print(f"{path} cannot be read ({error}) and is made again", file=sys.stderr)
        return None
    if version == _WITHOUT_FITS:
        _keep(directory, kept)
    return kept


def _keep(directory: Path, calibration: CalibrationRows) -> None:
    """Write the calibration into the directory of its run; say so where that cannot be."""
    content = dict(vars(calibration))
    fits = [*enumerate(content.pop("forest_K")), *enumerate(content.pop("class_probabilities_K"))]
    content |= {f"{part}_{k}": array for k, fit in fits if fit for part, array in vars(fit).items()}
    try:
        with replacing(directory / CACHE) as temporary:
            np.savez_compressed(
                temporary, version=_VERSION, checkpoint=checkpoint_sha256(directory), **content
            )
    except UserError as error:
        reason = str(error).splitlines()[0]
        print(f"the calibration is not kept for the next prediction: {reason}", file=sys.stderr)


def _unpacked(content: dict[str, Any], model: TrainedModel) -> dict[str, Any]:
    """Take the arrays of what was fitted out of what a file holds, and return them put together."""

    def unpacked(kind: type[Any], k: int) -> Any:
        names = [field.name for field in fields(kind)]
        is_there = f"{names[0]}_{k}" in content
        return kind(*(content.pop(f"{name}_{k}") for name in names)) if is_there else None

    each = range(len(model.descriptor_names))
    return {
        "forest_K": [unpacked(Forest, k) for k in each],
        "class_probabilities_K": [unpacked(ClassProbabilities, k) for k in each],
    }


def _fitted(content: Mapping[str, Any], model: TrainedModel) -> dict[str, Any]:
    """Return what is fitted to the rows of a file of before it was kept."""
    styles_NK, residual_NK = content["styles_NK"], content["residual_NK"]
    features_KNF = difficulty_features(styles_NK, content["spread_NK"], content["signs_N3"][:, 0])
    known_KN = np.isfinite(residual_NK).T
    return {
        "forest_K": [
            fit_difficulty(features_NF[known_N], residual_N[known_N]) if known_N.any() else None
            for features_NF, residual_N, known_N in zip(features_KNF, residual_NK.T, known_KN, strict=True)
        ],
        "class_probabilities_K": _class_probabilities(model, styles_NK, content["descriptors_NK"]),
    }
