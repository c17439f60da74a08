"""The rows that a prediction rests on beside the networks: validation for its intervals, training for its novelty.

They are kept in the run directory, so that `predict` works without the data file and starts quickly. The file
holds plain arrays, and the checkpoint's digest by which it is known to belong to it.
"""

import sys
import zipfile
import zlib
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch

from rankaae_cli.analysis.encoded import EncodedSplit, encode_split, evenly_spaced
from rankaae_cli.core.errors import UserError
from rankaae_cli.core.statistics.conformal import IntervalRows, calibrate_intervals, difficulty_features
from rankaae_cli.core.statistics.novelty import novelty_signs, style_distance
from rankaae_cli.data.files import replacing
from rankaae_cli.models.base import HasStyles, Predicts, Reconstructs, require
from rankaae_cli.models.rankaae.trained import TrainedModel
from rankaae_cli.models.registry import load_model
from rankaae_cli.runs.directory import BEST, checkpoint_sha256
from rankaae_cli.runs.find import find_run
from rankaae_cli.runs.load import load_run
from rankaae_cli.runs.provenance import read_provenance

CACHE = Path("prediction") / "calibration.npz"
_VERSION = 1
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
    training_TMS, spectra_ME, descriptors_MK, material_M, site_M
        Training rows: standardised styles of the trials of the ensemble, spectra, descriptors and names.
    """

    styles_NK: np.ndarray
    spread_NK: np.ndarray
    signs_N3: np.ndarray
    descriptors_NK: np.ndarray
    residual_NK: np.ndarray
    difficulty_NK: np.ndarray
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
        features_KNF = difficulty_features(self.styles_NK, self.spread_NK, self.signs_N3[:, 0])
        rows: list[IntervalRows | None] = []
        for k, features_NF in enumerate(features_KNF):
            known = np.isfinite(self.residual_NK[:, k])
            parts = (features_NF[known], self.residual_NK[known, k], self.difficulty_NK[known, k])
            rows.append(IntervalRows(*parts) if known.any() else None)
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
    kept = _read(directory / CACHE, checkpoint_sha256(directory))
    if kept is not None:
        return directory, require(load_model(directory / BEST), "predict", *_NEEDED), kept
    data = [Path(entry["path"]) for entry in read_provenance(directory).get("data", [])]
    if data and not data[0].is_file():
        raise UserError(
            f"{data[0]}, which the run {directory} was trained on, is not there; intervals are calibrated on it\n"
            "put it back for the first prediction of a run; later ones do without"
        )
    _, model, family = load_run(str(directory))
    require(model, "predict", *_NEEDED)
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
    digest = checkpoint_sha256(directory)
    kept = _read(directory / CACHE, digest)
    if kept is not None:
        return kept
    calibration = calibrate_prediction(training, validation)
    try:
        _write(directory / CACHE, digest, calibration)
    except UserError as error:
        reason = str(error).splitlines()[0]
        print(f"the calibration is not kept for the next prediction: {reason}", file=sys.stderr)
    return calibration


def calibrate_prediction(training: EncodedSplit, validation: EncodedSplit) -> CalibrationRows:
    """Fit what the intervals rest on to validation rows, and keep training rows for distances from them."""
    rows = evenly_spaced(len(training.error_N), _MOST_TRAINING_ROWS)
    styles_NK, spread_NK = validation.ensemble_styles_NK, validation.spread_NK
    training_TMS = training.standardised_TNS[:, rows]
    distance_N = style_distance(validation.standardised_TNS, training_TMS)
    residual_NK = np.full(styles_NK.shape, np.nan)
    difficulty_NK = np.full(styles_NK.shape, np.nan)
    for k, features_NF in enumerate(difficulty_features(styles_NK, spread_NK, validation.error_N)):
        value_N = validation.descriptors_NK[:, k]
        interval_rows = calibrate_intervals(features_NF, styles_NK[:, k], value_N, validation.material_N)
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
        training_TMS=training_TMS.astype(np.float32),
        spectra_ME=training.spectra_NE[rows],
        descriptors_MK=training.descriptors_NK[rows],
        material_M=np.asarray(training.material_N[rows], dtype=str),
        site_M=training.site_N[rows],
    )


def _write(path: Path, digest: str, calibration: CalibrationRows) -> None:
    with replacing(path) as temporary:
        np.savez_compressed(temporary, version=_VERSION, checkpoint=digest, **vars(calibration))


def _read(path: Path, digest: str) -> CalibrationRows | None:
    """Return what was kept, None where there is nothing or it belongs to another checkpoint."""
    if not path.is_file():
        return None
    try:
        with np.load(path, allow_pickle=False) as file:
            content: dict[str, Any] = dict(file)
        if content.pop("version") != _VERSION or content.pop("checkpoint") != digest:
            return None
        return CalibrationRows(**content)
    except (OSError, ValueError, KeyError, TypeError, EOFError, zipfile.BadZipFile, zlib.error) as error:
        print(f"{path} cannot be read ({error}) and is made again", file=sys.stderr)
        return None
