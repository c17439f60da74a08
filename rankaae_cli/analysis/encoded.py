"""Spectra as a trained model reads and reconstructs them: what evaluation, prediction and reports share."""

from collections.abc import Mapping
from dataclasses import dataclass, fields
from typing import Any

import numpy as np

from rankaae_cli.core.errors import UserError, nearest
from rankaae_cli.core.statistics.calibration import reconstruction_mae_rows
from rankaae_cli.core.styles.ensemble import ensemble_spectra
from rankaae_cli.data.family.family import Family
from rankaae_cli.data.family.splits import SPLITS
from rankaae_cli.models.base import ReadingModel, StyledModel
from rankaae_cli.models.readings import calibrated, standardised_indicators


@dataclass(frozen=True)
class Encoded:
    """Spectra, read and reconstructed by every trial of a model that predicts and reconstructs.

    Attributes
    ----------
    spectra_NE
        On the model's grid.
    indicators_TNK
        Of every trial: numbers that rise with the descriptors.
    ensemble_indicators_NK, spread_NK
        Their mean and standard deviation over the trials that make the ensemble, standardised on the training rows.
    ensemble_values_NK
        Descriptors as the ensemble reads them: its indicators, calibrated; NaN where there is no calibration.
    coordinates_TNS
        Where the spectra lie among those of training; see `models.base.Reconstructs.coordinates`.
    reconstructions_TNE
        Of every trial.
    ensemble_spectra_NE, error_N
        Mean reconstruction of the trials that make the ensemble, and its mean absolute error.
    styles_TNS
        Of every trial; without columns where the model has no styles.
    """

    spectra_NE: np.ndarray
    indicators_TNK: np.ndarray
    ensemble_indicators_NK: np.ndarray
    spread_NK: np.ndarray
    ensemble_values_NK: np.ndarray
    coordinates_TNS: np.ndarray
    reconstructions_TNE: np.ndarray
    ensemble_spectra_NE: np.ndarray
    error_N: np.ndarray
    styles_TNS: np.ndarray

    def replaced(self, rows: Mapping[int, "Encoded"]) -> "Encoded":
        """Return these spectra with some of them, by index, replaced by another one, a single spectrum each."""
        if not rows:
            return self
        order_N = np.arange(len(self.error_N))
        order_N[list(rows)] = len(order_N) + np.arange(len(rows))
        columns = {}
        for name in (field.name for field in fields(Encoded)):
            axis = _row_axis(name)
            both = np.concatenate([getattr(one, name) for one in (self, *rows.values())], axis)
            columns[name] = both.take(order_N, axis)
        return Encoded(**columns)

    def taken(self, index_N: np.ndarray) -> "Encoded":
        """Return some of the spectra."""
        names = (field.name for field in fields(Encoded))
        return Encoded(**{name: getattr(self, name).take(index_N, _row_axis(name)) for name in names})


def _row_axis(name: str) -> int:
    """Return which axis of an attribute its spectra are, by the letters of its shape."""
    return name.rsplit("_", 1)[1].index("N")


@dataclass(frozen=True)
class EncodedSplit(Encoded):
    """The rows of one split, read and reconstructed.

    Attributes
    ----------
    split
        ``train``, ``validation`` or ``test``.
    rows
        Indices of its rows in the family file, shape (N,).
    descriptors_NK, material_N, site_N
        Of the rows; descriptors in the model's order.
    """

    split: str
    rows: np.ndarray
    descriptors_NK: np.ndarray
    material_N: np.ndarray
    site_N: np.ndarray


def encode_spectra(model: ReadingModel, spectra_NE: np.ndarray) -> Encoded:
    """Read and reconstruct spectra (N, E) in every trial."""
    if isinstance(model, StyledModel):
        # What styles hold is not computed again.
        styles_TNS = model.encode(spectra_NE)
        indicators_TNK = styles_TNS[..., : len(model.descriptor_names)]
        coordinates_TNS, reconstructions_TNE = model.standardised(styles_TNS), model.decode(styles_TNS)
    else:
        indicators_TNK = model.indicators(spectra_NE)
        coordinates_TNS, reconstructions_TNE = model.coordinates(spectra_NE), model.reconstruct(spectra_NE)
        styles_TNS = indicators_TNK[..., :0]
    standardised_TNK = standardised_indicators(model, indicators_TNK)
    averaged_NK = standardised_TNK.mean(axis=0)
    averaged_NE = ensemble_spectra(reconstructions_TNE, model.alive_T)
    return Encoded(
        spectra_NE=spectra_NE,
        indicators_TNK=indicators_TNK,
        ensemble_indicators_NK=averaged_NK,
        spread_NK=standardised_TNK.std(axis=0),
        ensemble_values_NK=calibrated(model, averaged_NK),
        coordinates_TNS=coordinates_TNS,
        reconstructions_TNE=reconstructions_TNE,
        ensemble_spectra_NE=averaged_NE,
        error_N=reconstruction_mae_rows(spectra_NE, averaged_NE),
        styles_TNS=styles_TNS,
    )


def evenly_spaced(n: int, most: int) -> np.ndarray:
    """Return the indices of n rows, or of at most so many that are evenly spaced among them."""
    return np.linspace(0, n - 1, most).astype(int) if n > most else np.arange(n)


def encode_split(model: ReadingModel, family: Family, split: str, most: int | None = None) -> EncodedSplit:
    """Read and reconstruct the rows of one split, or at most so many of them, in every trial.

    Raises
    ------
    UserError
        If there is no such split, it has no rows, or the family lacks a descriptor or the grid of the model.
    """
    if split not in SPLITS:
        raise UserError(f"there is no split {split!r}; {nearest(split, SPLITS)}")
    rows = np.flatnonzero(family.split_N == SPLITS.index(split))
    if not len(rows):
        raise UserError(f"the {split} split of family {family.name} has no spectra\nchoose another split")
    if most is not None:
        rows = rows[evenly_spaced(len(rows), most)]
    absent = [name for name in model.descriptor_names if name not in family.descriptor_names]
    if absent:
        raise UserError(
            f"family {family.name} has no descriptor {', '.join(absent)}, which the run was trained on\n"
            f"it has {', '.join(family.descriptor_names)}"
        )
    columns = [family.descriptor_names.index(name) for name in model.descriptor_names]
    return EncodedSplit(
        **vars(encode_spectra(model, family.spectra_NE[rows])),
        split=split,
        rows=rows,
        descriptors_NK=family.descriptors_NK[rows][:, columns],
        material_N=family.material_N[rows],
        site_N=family.site_N[rows],
    )


@dataclass(frozen=True)
class EncodedRun:
    """A run's model and data, each split that an evaluation needs read once.

    Attributes
    ----------
    model, family
        As `load_run` gives them; the model a `ReadingModel`, and a `StyledModel` for what is asked of styles.
    split
        The split that is evaluated.
    validation, training
        The rows that fits and searches rest on; one of them is `split` itself where that is evaluated.
    """

    model: Any
    family: Family
    split: EncodedSplit
    validation: EncodedSplit
    training: EncodedSplit


def encode_run(model: ReadingModel, family: Family, split: str) -> EncodedRun:
    """Encode the split that is evaluated and those that this rests on; see `encode_split`."""
    encoded = {
        name: encode_split(model, family, name) for name in dict.fromkeys((split, "validation", "train"))
    }
    return EncodedRun(model, family, encoded[split], encoded["validation"], encoded["train"])
