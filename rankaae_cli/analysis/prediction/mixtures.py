"""Reading spectra as mixtures of valences or coordination numbers."""

from collections.abc import Sequence
from typing import Any

import numpy as np

from rankaae_cli.analysis.prediction.reader import Shifted, SpectrumReader
from rankaae_cli.core.errors import UserError
from rankaae_cli.core.statistics.classification import fits_classes, nearest_class
from rankaae_cli.core.statistics.mixtures import Mixture, Unmixer


def read_mixtures(
    wanted: Any, reader: SpectrumReader, spectra_NE: np.ndarray, shifted: Sequence[Shifted | None]
) -> dict[str, list[Mixture]]:
    """Read each spectrum as a mixture of the classes of some descriptors.

    Parameters
    ----------
    wanted
        A descriptor, a list of them, or true for all that have classes.
    reader
        Holds the model and the training spectra, which are the references.
    spectra_NE
        Shape (N, E), on the model's grid.
    shifted
        N of them: the same spectrum with other offsets; None where its energies are certain.

    Returns
    -------
    dict
        By descriptor, N mixtures.

    Raises
    ------
    UserError
        If a descriptor has no classes, or too few training spectra are known.
    """
    classes = reader.model.descriptor_classes
    with_classes = [name for name in reader.model.descriptor_names if classes.get(name)]
    names = wanted if isinstance(wanted, list) else with_classes if wanted is True else [str(wanted)]
    if not names or any(name not in with_classes for name in names):
        raise UserError(
            f"mixture={wanted}: no descriptor of this run with classes\n"
            f"there are: {', '.join(with_classes) or 'none'}"
        )
    return {name: _read(name, reader, spectra_NE, shifted) for name in names}


def _read(
    name: str, reader: SpectrumReader, spectra_NE: np.ndarray, shifted: Sequence[Shifted | None]
) -> list[Mixture]:
    rows = reader.calibrated
    value_M = rows.descriptors_MK[:, reader.model.descriptor_names.index(name)]
    known = np.isfinite(value_M)
    classes = reader.model.descriptor_classes[name]
    if not fits_classes(value_M, classes):
        raise UserError(
            f"mixture={name}: {classes} are not the classes of the training data\ntrain with others"
        )
    try:
        unmixer = Unmixer(
            rows.spectra_ME[known],
            nearest_class(value_M[known], classes),
            rows.material_M[known],
            reader.coverage,
        )
    except ValueError as error:
        raise UserError(f"mixture={name}: {error}\ntrain on more data") from error
    return [
        unmixer.read(spectrum_E)
        if moved is None
        else unmixer.read(spectrum_E, moved.spectra_NE, moved.weight_N)
        for spectrum_E, moved in zip(spectra_NE, shifted, strict=True)
    ]
