"""Spectra as mixtures of the classes of a descriptor, such as valences or coordination numbers."""

from collections.abc import Sequence
from typing import Any

import numpy as np

from rankaae_cli.analysis.prediction.predictor import Prediction, Predictor
from rankaae_cli.core.errors import UserError
from rankaae_cli.core.mixtures.unmixing import Mixture, Unmixer
from rankaae_cli.core.statistics.classification import fits_classes, nearest_class
from rankaae_cli.core.xas.discrepancy import smooth_differences

# Of each measured spectrum that shares are read of: the likeliest variants, and differences from computed ones.
_VARIANTS = _DIFFERENCES = 8


def make_unmixers(wanted: Any, predictor: Predictor) -> dict[str, Unmixer]:
    """Return what reads spectra as mixtures of the classes of descriptors, by descriptor.

    Parameters
    ----------
    wanted
        A descriptor, a list of them, or true for all that have classes.
    predictor
        Holds the model and the training spectra, which are the references.

    Raises
    ------
    UserError
        If a descriptor has no classes, or too few training spectra are known.
    """
    classes = predictor.model.descriptor_classes
    with_classes = [name for name in predictor.model.descriptor_names if classes.get(name)]
    names = wanted if isinstance(wanted, list) else with_classes if wanted is True else [str(wanted)]
    if not names or any(name not in with_classes for name in names):
        raise UserError(
            f"mixture={wanted}: no descriptor of this run with classes\n"
            f"there are: {', '.join(with_classes) or 'none'}"
        )
    return {name: _unmixer(name, predictor) for name in names}


def read_mixtures(
    unmixer: Unmixer,
    prediction: Prediction,
    variants: Sequence[np.ndarray | None],
    energy_E: np.ndarray,
) -> list[Mixture]:
    """Read each spectrum as a mixture of the classes of a descriptor.

    Parameters
    ----------
    unmixer
        Of the descriptor.
    prediction
        Of N spectra.
    variants
        N of them: a measured spectrum with other nuisances, as it was predicted with, shape (M, E); None for a
        computed one.
    energy_E
        Of the spectra, eV where some were measured.
    """
    difference_ME = smooth_differences(energy_E, _DIFFERENCES)
    of_spectra = zip(prediction.spectra_NE, variants, prediction.weights, strict=True)
    return [
        unmixer.read(spectrum_E, *_likeliest(rows, weight), None if rows is None else difference_ME)
        for spectrum_E, rows, weight in of_spectra
    ]


def _likeliest(
    variants_ME: np.ndarray | None, weight_M: np.ndarray
) -> tuple[np.ndarray | None, np.ndarray | None]:
    """Return some variants of a spectrum and how much they count, adding up to 1."""
    if variants_ME is None or not len(variants_ME):
        return None, None
    of_variants_M = weight_M[1:]  # the first is that of the spectrum itself
    likeliest = np.argsort(-of_variants_M, kind="stable")[:_VARIANTS]
    chosen = of_variants_M[likeliest]
    return variants_ME[likeliest], chosen / max(chosen.sum(), float(np.finfo(np.float64).tiny))


def _unmixer(name: str, predictor: Predictor) -> Unmixer:
    rows = predictor.calibration.rows
    if rows is None:
        raise UserError(
            f"mixture={name}: a model that ships holds no spectra to mix\nread mixtures with a run of yours, run="
        )
    value_M = rows.descriptors_MK[:, predictor.model.descriptor_names.index(name)]
    known = np.isfinite(value_M)
    classes = predictor.model.descriptor_classes[name]
    if not fits_classes(value_M, classes):
        raise UserError(
            f"mixture={name}: {classes} are not the classes of the training data\ntrain with others"
        )
    try:
        return Unmixer(
            rows.spectra_ME[known],
            nearest_class(value_M[known], classes),
            rows.material_M[known],
            predictor.coverage,
        )
    except ValueError as error:
        raise UserError(f"mixture={name}: {error}\ntrain on more data") from error
