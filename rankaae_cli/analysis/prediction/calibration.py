"""What a prediction rests on beside the networks: validation rows for intervals, training rows for novelty.

It is kept in the run directory, so that `predict` works without the data file and starts quickly. The file holds
plain arrays, and the checkpoint's digest by which it is known to belong to it.
"""

import sys
import zipfile
import zlib
from collections.abc import Mapping, Sequence
from dataclasses import astuple, dataclass, fields, replace
from pathlib import Path
from typing import Any

import numpy as np
import torch

from rankaae_cli.analysis.encoded import EncodedSplit, encode_split, evenly_spaced
from rankaae_cli.core.errors import UserError
from rankaae_cli.core.statistics.classification import ClassProbabilities, fit_class_probabilities
from rankaae_cli.core.statistics.conformal.classes import ClassBelt, fit_class_belt
from rankaae_cli.core.statistics.conformal.intervals import (
    Belt,
    difficulty_features,
    fit_belt,
    fit_difficulty,
    resolution_of,
)
from rankaae_cli.core.statistics.novelty import Novelty, StyleDistances, novelty_signs, widening
from rankaae_cli.core.xas.soundness import Usual, usual_of
from rankaae_cli.data.family.family import Family
from rankaae_cli.data.files import replacing
from rankaae_cli.data.mixtures import with_mixtures
from rankaae_cli.models.base import (
    Classifies,
    Predicts,
    ReadingModel,
    Reconstructs,
    Samples,
    Simulates,
    recipe_of,
    require,
)
from rankaae_cli.models.registry import load_model
from rankaae_cli.runs.directory import BEST, checkpoint_sha256
from rankaae_cli.runs.load import load_run
from rankaae_cli.runs.provenance import read_provenance

CACHE = Path("prediction") / "calibration.npz"
_VERSION = 5
# Versions that asked the same share of all true values; whose intervals were alike for all; that also held the
# validation rows, with what is fitted to them and without.
_WITHOUT_LEVELS, _ALIKE, _WITH_ROWS, _WITHOUT_FITS = 4, 3, 2, 1
_MOST_TRAINING_ROWS = 20_000  # that distances are taken from: evenly spaced among more
_FITTED = {"belt_K": Belt, "class_probabilities_K": ClassProbabilities, "class_belt_K": ClassBelt}
_NEEDED = (Predicts, Reconstructs)  # of a model


@dataclass(frozen=True)
class TrainingRows:
    """Spectra of training (M, E), their descriptors (M, K) and names (M,): for what names or mixes them."""

    spectra_ME: np.ndarray
    descriptors_MK: np.ndarray
    material_M: np.ndarray
    site_M: np.ndarray

    def name_of(self, m: int) -> str:
        """Return material and site of a row."""
        return f"{self.material_M[m]} {self.site_M[m]}"


@dataclass(frozen=True)
class Calibration:
    """What predictions rest on; N rows of validation, M of training.

    Attributes
    ----------
    signs_N3
        Signs of novelty of the validation rows.
    belt_K
        What intervals rest on; None where too little is known.
    class_probabilities_K, class_belt_K
        Of those descriptors that have classes, and rows enough of them; None of others.
    training_TMS
        Where training rows lie; see `models.base.Reconstructs.coordinates`.
    known_range_K2, extremes_K2
        1st and 99th percentile of each descriptor among the training rows, and its least and largest value.
    resolution_K
        See `rankaae_cli.core.statistics.conformal.intervals.resolution_of`.
    usual
        What training spectra are like.
    rows
        The training rows themselves; None of a model that ships.
    """

    signs_N3: np.ndarray
    belt_K: Sequence[Belt | None]
    class_probabilities_K: Sequence[ClassProbabilities | None]
    class_belt_K: Sequence[ClassBelt | None]
    training_TMS: np.ndarray
    known_range_K2: np.ndarray
    extremes_K2: np.ndarray
    resolution_K: np.ndarray
    usual: Usual
    rows: TrainingRows | None


class OtherModelError(UserError):
    """A run does not predict descriptors, but its `model` does something else."""

    def __init__(self, directory: Path, model: Classifies | Simulates | Samples) -> None:
        does = does_instead(model)
        super().__init__(f"the run {directory} {does}, it does not predict descriptors\ngive another run=")
        self.directory, self.model = directory, model


def does_instead(model: Classifies | Simulates | Samples) -> str:
    """Return what a model does that does not predict descriptors."""
    if isinstance(model, Classifies):
        return "reads yes/no classes"
    return "simulates spectra of structures" if isinstance(model, Simulates) else "generates structures"


def load_for_prediction(directory: Path) -> tuple[ReadingModel, Calibration]:
    """Load the model of a run and what its predictions rest on, making this of the data where need be.

    Raises
    ------
    UserError
        If the model does not predict (`OtherModelError` where it does something else), or neither the run's data
        file nor what is made of it is there.
    """
    torch.set_num_threads(1)
    model = load_model(directory / BEST)
    if isinstance(model, Classifies | Simulates | Samples):
        raise OtherModelError(directory, model)
    require(model, "rankaae predict", *_NEEDED)
    calibration = _read(directory, model)
    if calibration is not None:
        return model, calibration
    data = [Path(entry["path"]) for entry in read_provenance(directory).get("data", [])]
    if data and not data[0].is_file():
        raise UserError(
            f"{data[0]}, which the run {directory} was trained on, is not there; intervals are calibrated on it\n"
            "put it back for the first prediction of a run; later ones do without"
        )
    _, _, family = load_run(str(directory))
    training = encode_split(model, family, "train", _MOST_TRAINING_ROWS)
    return model, calibration_of(directory, model, training, calibrating_rows(model, family))


def calibrating_rows(model: ReadingModel, family: Family) -> EncodedSplit:
    """Return the rows of validation, and mixtures of them where the model was trained on mixtures.

    Of the descriptor that mixes, mixtures alone are then known: they are harder to read than pure spectra, and no
    two sets of materials share one.
    """
    recipe = recipe_of(model)
    encoded = encode_split(model, with_mixtures(family, recipe), "validation")
    if recipe is None:
        return encoded
    descriptors_NK = encoded.descriptors_NK.copy()
    descriptors_NK[encoded.rows < len(family), model.descriptor_names.index(recipe.of)] = np.nan
    return replace(encoded, descriptors_NK=descriptors_NK)


def calibration_of(
    directory: Path, model: ReadingModel, training: EncodedSplit, validation: EncodedSplit
) -> Calibration:
    """Return what the predictions of a run rest on: as kept in its directory, else of these rows, and kept.

    Parameters
    ----------
    directory, model
        As `load_run` gives them.
    training, validation
        Rows of these splits of the run's data. What an earlier version kept is made again of them.
    """
    calibration = _read(directory, model, earlier=False)
    if calibration is None:
        calibration = calibrate_prediction(model, training, validation)
        _write(directory, calibration)
    return calibration


def calibrate_prediction(
    model: ReadingModel, training: EncodedSplit, validation: EncodedSplit
) -> Calibration:
    """Fit what the intervals rest on to validation rows, and keep training rows for distances from them."""
    rows = evenly_spaced(len(training.error_N), _MOST_TRAINING_ROWS)
    styles_NK, spread_NK = validation.ensemble_indicators_NK, validation.spread_NK
    descriptors_NK, material_N = validation.descriptors_NK, validation.material_N
    training_TMS = training.coordinates_TNS[:, rows]
    distance_N = StyleDistances(training_TMS).of(validation.coordinates_TNS)
    signs_N3 = novelty_signs(validation.error_N, spread_NK, distance_N)
    # As predictions are widened where spectra are novel, so are those that tell how wide they have to be.
    times_N = widening(Novelty.of(signs_N3).judge(signs_N3)[0])
    features_KNF = difficulty_features(styles_NK, spread_NK, validation.error_N)
    recipe = recipe_of(model)
    mixed = [] if recipe is None else [recipe.of]
    probabilities_K = [
        # What is read off mixtures lies between classes.
        None if name in mixed else fitted
        for name, fitted in zip(
            model.descriptor_names, _class_probabilities(model, styles_NK, descriptors_NK), strict=True
        )
    ]
    return Calibration(
        signs_N3=signs_N3,
        belt_K=[
            fit_belt(features_NF, style_N, value_N, material_N, times_N, name in mixed)
            for name, features_NF, style_N, value_N in zip(
                model.descriptor_names, features_KNF, styles_NK.T, descriptors_NK.T, strict=True
            )
        ],
        class_probabilities_K=probabilities_K,
        class_belt_K=[
            fit_class_belt(fitted, styles_NK, value_N, material_N, times_N)
            for fitted, value_N in zip(probabilities_K, descriptors_NK.T, strict=True)
        ],
        training_TMS=training_TMS.astype(np.float32),
        **_of_training(
            TrainingRows(
                spectra_ME=training.spectra_NE[rows],
                descriptors_MK=training.descriptors_NK[rows],
                material_M=np.asarray(training.material_N[rows], dtype=str),
                site_M=training.site_N[rows],
            )
        ),
    )


def _of_training(rows: TrainingRows) -> dict[str, Any]:
    """Return what is known of the training rows, and these."""
    known_K = [column[np.isfinite(column)] for column in rows.descriptors_MK.T]
    shares = ([1, 99], [0, 100])
    known_range_K2, extremes_K2 = (
        np.array([np.percentile(known, ends) if len(known) else [np.nan, np.nan] for known in known_K])
        for ends in shares
    )
    return {
        "known_range_K2": known_range_K2,
        "extremes_K2": extremes_K2,
        "resolution_K": np.array([resolution_of(known) for known in known_K]),
        "usual": usual_of(rows.spectra_ME),
        "rows": rows,
    }


def _class_probabilities(
    model: ReadingModel, styles_NK: np.ndarray, descriptors_NK: np.ndarray
) -> list[ClassProbabilities | None]:
    classes_K = [model.descriptor_classes.get(name) for name in model.descriptor_names]
    return [
        fit_class_probabilities(styles_NK, descriptor_N, classes) if classes else None
        for descriptor_N, classes in zip(descriptors_NK.T, classes_K, strict=True)
    ]


def _read(directory: Path, model: ReadingModel, earlier: bool = True) -> Calibration | None:
    """Return what a run's directory keeps, None where there is nothing or it belongs to another checkpoint.

    `earlier` says whether what earlier versions kept counts.
    """
    path = directory / CACHE
    if not path.is_file():
        return None
    try:
        with np.load(path, allow_pickle=False) as file:
            content: dict[str, Any] = dict(file)
        version, digest = content.pop("version"), content.pop("checkpoint")
        least = _WITHOUT_FITS if earlier else _VERSION
        if not least <= version <= _VERSION or digest != checkpoint_sha256(directory):
            return None
        if version <= _ALIKE:
            content = _of_alike(content, model, int(version))
        if version <= _WITHOUT_LEVELS:
            scores = [key for key in content if key.startswith("score_N_")]
            content |= {key.replace("score_N", "shares"): np.empty(0) for key in scores}
        return _unpacked(content, model)
    except (OSError, ValueError, KeyError, TypeError, EOFError, zipfile.BadZipFile, zlib.error) as error:
        print(f"{path} cannot be read ({error}) and is made again", file=sys.stderr)
        return None


def write_calibration(path: Path, calibration: Calibration, checkpoint: str) -> None:
    """Write what the predictions of a checkpoint, given by its digest, rest on as plain arrays."""
    content = dict(vars(calibration))
    fits = [one for name in _FITTED for one in enumerate(content.pop(name))]
    content |= {f"{part}_{k}": array for k, fit in fits if fit for part, array in vars(fit).items()}
    rows = content.pop("rows")
    content |= {"usual": astuple(calibration.usual), **(vars(rows) if rows else {})}
    with replacing(path) as temporary:
        np.savez_compressed(temporary, version=_VERSION, checkpoint=checkpoint, **content)


def _write(directory: Path, calibration: Calibration) -> None:
    """Write the calibration into the directory of its run; say so where that cannot be."""
    try:
        write_calibration(directory / CACHE, calibration, checkpoint_sha256(directory))
    except UserError as error:
        reason = str(error).splitlines()[0]
        print(f"the calibration is not kept for the next prediction: {reason}", file=sys.stderr)


def _unpacked(content: dict[str, Any], model: ReadingModel) -> Calibration:
    """Return the calibration whose arrays a file holds."""
    count = len(model.descriptor_names)
    fitted_K: dict[str, Any] = {name: _fits(content, kind, count) for name, kind in _FITTED.items()}
    rows = TrainingRows(**_taken(content, TrainingRows)) if "spectra_ME" in content else None
    if "usual" not in content and rows is not None:
        return Calibration(**content, **fitted_K, **_of_training(rows))
    usual = Usual(*map(float, content.pop("usual")))
    return Calibration(**content, **fitted_K, usual=usual, rows=rows)


def _of_alike(content: dict[str, Any], model: ReadingModel, version: int) -> dict[str, Any]:
    """Return the arrays of intervals that are alike as later versions have them: a belt with a single knot."""
    residual_NK, difficulty_NK = content.pop("residual_NK"), content.pop("difficulty_NK")
    if version == _WITHOUT_FITS:
        content |= _fitted(content, residual_NK, model)
    for k, (residual_N, difficulty_N) in enumerate(zip(residual_NK.T, difficulty_NK.T, strict=True)):
        size_N = np.abs(residual_N)
        known_N = np.isfinite(size_N)
        if known_N.any():
            content[f"score_N_{k}"] = (size_N / difficulty_N)[known_N]
            content |= {f"knot_M_{k}": np.zeros(1), f"rank_M_{k}": np.zeros(1, dtype=int)}
            content[f"mean_error_{k}"] = size_N[known_N].mean()
    of_rows = ("styles_NK", "spread_NK", "descriptors_NK")
    return {name: array for name, array in content.items() if name not in of_rows}


def _taken(content: dict[str, Any], kind: type[Any], ending: str = "") -> dict[str, Any]:
    """Take the arrays of a record out of what a file holds."""
    return {field.name: content.pop(f"{field.name}{ending}") for field in fields(kind)}


def _fits(content: dict[str, Any], kind: type[Any], descriptors: int) -> list[Any]:
    """Take what was fitted to each descriptor out of what a file holds; None where it holds none."""
    first = fields(kind)[0].name
    return [
        kind(**_taken(content, kind, f"_{k}")) if f"{first}_{k}" in content else None
        for k in range(descriptors)
    ]


def _fitted(content: Mapping[str, Any], residual_NK: np.ndarray, model: ReadingModel) -> dict[str, Any]:
    """Return the arrays of what is fitted to the rows of a file of before it was kept."""
    styles_NK = content["styles_NK"]
    features_KNF = difficulty_features(styles_NK, content["spread_NK"], content["signs_N3"][:, 0])
    fits: list[tuple[int, Any]] = [
        (k, fit_difficulty(features_NF[known_N], residual_N[known_N]))
        for k, (features_NF, residual_N) in enumerate(zip(features_KNF, residual_NK.T, strict=True))
        if (known_N := np.isfinite(residual_N)).any()
    ]
    fits += enumerate(_class_probabilities(model, styles_NK, content["descriptors_NK"]))
    return {f"{part}_{k}": array for k, fit in fits if fit for part, array in vars(fit).items()}
