"""What a prediction rests on beside the networks: validation rows for its intervals, training rows for its novelty.

They are encoded once and kept in the run directory, so that `predict` works without the data file and starts
quickly. The file holds plain arrays, and the checkpoint's digest by which it is known to belong to it.
"""

import sys
import zipfile
import zlib
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from rankaae_cli.core.errors import UserError
from rankaae_cli.core.statistics.conformal import IntervalRows, calibrate_intervals, difficulty_features
from rankaae_cli.core.statistics.novelty import novelty_signs, style_distance
from rankaae_cli.core.styles.ensemble import ensemble_spectra
from rankaae_cli.data.files import replacing
from rankaae_cli.runs.directory import BEST
from rankaae_cli.runs.find import find_run
from rankaae_cli.runs.load import load_run
from rankaae_cli.runs.provenance import read_provenance, sha256

if TYPE_CHECKING:
    from rankaae_cli.data.family.family_file import Family
    from rankaae_cli.models.rankaae.trained import TrainedModel

CACHE = Path("prediction") / "calibration.npz"
_VERSION = 1
_MOST_TRAINING_ROWS = 20_000  # to hold distances against: evenly drawn from more


@dataclass(frozen=True)
class Encoded:
    """What the trials that make the ensemble say of N spectra.

    Attributes
    ----------
    styles_TNS
        Standardised on the training rows.
    reconstruction_NE
        Of the ensemble.
    error_N
        Mean absolute error of that.
    """

    styles_TNS: np.ndarray
    reconstruction_NE: np.ndarray
    error_N: np.ndarray


@dataclass(frozen=True)
class Calibrated:
    """Rows that a prediction rests on; N of validation, M of training.

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
            found = IntervalRows(features_NF[known], self.residual_NK[known, k], self.difficulty_NK[known, k])
            rows.append(found if known.any() else None)
        return rows


def load_for_prediction(run: str) -> "tuple[Path, TrainedModel, Calibrated]":
    """Find a run and load its model and what a prediction rests on, making that where it is not there yet.

    Raises
    ------
    UserError
        If the run cannot be used, or neither its data file nor what was made of it before is there.
    """
    import torch

    from rankaae_cli.models.registry import load_model

    torch.set_num_threads(1)
    directory = find_run(run)
    kept = _read(directory / CACHE, sha256(directory / BEST))
    if kept is not None:
        return directory, load_model(directory / BEST), kept
    data = [Path(entry["path"]) for entry in read_provenance(directory).get("data", [])]
    if data and not data[0].is_file():
        raise UserError(
            f"{data[0]}, which the run {directory} was trained on, is not there; intervals are calibrated on it\n"
            "put it back for the first prediction of a run; later ones do without"
        )
    _, model, family = load_run(str(directory))
    return directory, model, calibration_of(directory, model, family)


def calibration_of(directory: Path, model: "TrainedModel", family: "Family") -> Calibrated:
    """Return what the predictions of a run rest on: as kept in its directory, else made now and kept.

    Parameters
    ----------
    directory, model, family
        As `load_run` gives them.
    """
    digest = sha256(directory / BEST)
    kept = _read(directory / CACHE, digest)
    if kept is not None:
        return kept
    made = calibrate_prediction(model, family)
    try:
        _write(directory / CACHE, digest, made)
    except UserError as error:
        reason = str(error).splitlines()[0]
        print(f"the calibration is not kept for the next prediction: {reason}", file=sys.stderr)
    return made


def calibrate_prediction(model: "TrainedModel", family: "Family") -> Calibrated:
    """Encode validation and training rows, and fit what the intervals rest on.

    Parameters
    ----------
    model
        A trained model.
    family
        Its data with its split and descriptors, as `load_run` gives them.
    """
    training, validation = (family.with_rows(family.split_N == side) for side in (0, 1))
    if len(training) > _MOST_TRAINING_ROWS:
        training = training.with_rows(np.linspace(0, len(training) - 1, _MOST_TRAINING_ROWS).astype(int))
    training_ME = training.spectra_NE[:]
    seen = encode(model, training_ME)
    held = encode(model, validation.spectra_NE[:])
    styles_NK, spread_NK = named_styles(model, held)
    signs_N3 = novelty_signs(held.error_N, spread_NK, style_distance(held.styles_TNS, seen.styles_TNS))
    features_KNF = difficulty_features(styles_NK, spread_NK, held.error_N)
    residual_NK = np.full(styles_NK.shape, np.nan)
    difficulty_NK = np.full(styles_NK.shape, np.nan)
    for k, features_NF in enumerate(features_KNF):
        value_N = validation.descriptors_NK[:, k]
        rows = calibrate_intervals(features_NF, styles_NK[:, k], value_N, validation.material_N)
        if rows is not None:
            known = np.isfinite(value_N) & np.isfinite(styles_NK[:, k])
            residual_NK[known, k], difficulty_NK[known, k] = rows.residual_N, rows.difficulty_N
    return Calibrated(
        styles_NK=styles_NK,
        spread_NK=spread_NK,
        signs_N3=signs_N3,
        descriptors_NK=validation.descriptors_NK,
        residual_NK=residual_NK,
        difficulty_NK=difficulty_NK,
        training_TMS=seen.styles_TNS.astype(np.float32),
        spectra_ME=training_ME,
        descriptors_MK=training.descriptors_NK,
        material_M=np.asarray(training.material_N, dtype=str),
        site_M=training.site_N,
    )


def encode(model: "TrainedModel", spectra_NE: np.ndarray) -> Encoded:
    """Encode and reconstruct spectra (N, E) in the trials that make the ensemble."""
    alive_T = model.alive_T
    styles_TNS = model.encode(np.asarray(spectra_NE, dtype=np.float32))
    reconstruction_NE = ensemble_spectra(model.decode(styles_TNS), alive_T)
    # A style that is constant on the training rows stays as it is, as in the ensemble's average.
    deviation_TS = np.where(model.style_std_TS > 0, model.style_std_TS, 1.0)
    standardised = (styles_TNS.astype(np.float64) - model.style_mean_TS[:, None]) / deviation_TS[:, None]
    return Encoded(
        standardised[alive_T],
        reconstruction_NE,
        np.abs(reconstruction_NE - spectra_NE).mean(axis=1),
    )


def named_styles(model: "TrainedModel", encoded: Encoded) -> tuple[np.ndarray, np.ndarray]:
    """Return the named styles of the ensemble and their standard deviation over its trials, (N, K) each."""
    named_TNK = encoded.styles_TNS[:, :, : len(model.descriptor_names)]
    return named_TNK.mean(axis=0), named_TNK.std(axis=0)


def _write(path: Path, digest: str, made: Calibrated) -> None:
    with replacing(path) as temporary:
        np.savez_compressed(temporary, version=_VERSION, checkpoint=digest, **vars(made))


def _read(path: Path, digest: str) -> Calibrated | None:
    """Return what was kept, None where there is nothing or it belongs to another checkpoint."""
    if not path.is_file():
        return None
    try:
        with np.load(path, allow_pickle=False) as file:
            content: dict[str, Any] = dict(file)
        if content.pop("version") != _VERSION or content.pop("checkpoint") != digest:
            return None
        return Calibrated(**content)
    except (OSError, ValueError, KeyError, TypeError, EOFError, zipfile.BadZipFile, zlib.error) as error:
        print(f"{path} cannot be read ({error}) and is made anew", file=sys.stderr)
        return None
