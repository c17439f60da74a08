"""Spectra as mixtures of the classes of a descriptor, such as valences or coordination numbers."""

from collections.abc import Sequence
from typing import Any

import numpy as np

from rankaae_cli.analysis.prediction.predictor import Predictor, ShiftedSpectra
from rankaae_cli.core.errors import UserError
from rankaae_cli.core.statistics.classification import fits_classes, nearest_class
from rankaae_cli.core.statistics.mixtures import Mixture, Unmixer


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
    unmixer: Unmixer, spectra_NE: np.ndarray, shifted: Sequence[ShiftedSpectra | None]
) -> list[Mixture]:
    """Read each spectrum as a mixture of the classes of a descriptor.

    Parameters
    ----------
    unmixer
        Of the descriptor.
    spectra_NE
        Shape (N, E), on the model's grid.
    shifted
        N of them: the same spectrum with other offsets; None where its energies are certain.
    """
    return [
        unmixer.read(spectrum_E)
        if variants is None
        else unmixer.read(spectrum_E, variants.spectra_NE, variants.weight_N)
        for spectrum_E, variants in zip(spectra_NE, shifted, strict=True)
    ]


def _unmixer(name: str, predictor: Predictor) -> Unmixer:
    rows = predictor.calibration
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
