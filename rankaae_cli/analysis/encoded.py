"""Spectra as a trained model encodes and reconstructs them: what evaluation, prediction and reports share."""

from dataclasses import dataclass

import numpy as np

from rankaae_cli.core.errors import UserError, nearest
from rankaae_cli.core.statistics.calibration import apply_calibration, reconstruction_mae_rows
from rankaae_cli.core.styles.ensemble import ensemble_spectra, ensemble_styles
from rankaae_cli.data.family.family_file import Family
from rankaae_cli.data.family.splits import SPLITS
from rankaae_cli.models.rankaae.trained import TrainedModel


@dataclass(frozen=True)
class EncodedSplit:
    """The rows of one split, encoded and reconstructed.

    Attributes
    ----------
    split
        ``train``, ``validation`` or ``test``.
    rows
        Indices of its rows in the family file, shape (N,).
    spectra_NE, descriptors_NK, material_N, site_N
        The rows; descriptors in the model's order.
    styles_TNS, reconstructions_TNE
        Of every trial.
    alive_T
        The trials that make the ensemble.
    ensemble_styles_NK, ensemble_spectra_NE
        Averages over them.
    ensemble_values_NK
        Descriptors as the ensemble reads them: its styles, calibrated; NaN where there is no calibration.
    error_N
        Mean absolute error of each spectrum's reconstruction by the ensemble.
    """

    split: str
    rows: np.ndarray
    spectra_NE: np.ndarray
    descriptors_NK: np.ndarray
    material_N: np.ndarray
    site_N: np.ndarray
    styles_TNS: np.ndarray
    reconstructions_TNE: np.ndarray
    alive_T: np.ndarray
    ensemble_styles_NK: np.ndarray
    ensemble_spectra_NE: np.ndarray
    ensemble_values_NK: np.ndarray
    error_N: np.ndarray


def encode_split(model: TrainedModel, family: Family, split: str) -> EncodedSplit:
    """Encode and reconstruct the rows of one split in every trial.

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
    absent = [name for name in model.descriptor_names if name not in family.descriptor_names]
    if absent:
        raise UserError(
            f"family {family.name} has no descriptor {', '.join(absent)}, which the run was trained on\n"
            f"it has {', '.join(family.descriptor_names)}"
        )
    columns = [family.descriptor_names.index(name) for name in model.descriptor_names]
    spectra_NE = family.spectra_NE[rows]
    styles_TNS = model.encode(spectra_NE)
    reconstructions_TNE = model.decode(styles_TNS)
    alive_T = model.alive_T
    averaged_NK = ensemble_styles(
        styles_TNS, model.style_mean_TS, model.style_std_TS, alive_T, len(model.descriptor_names)
    )
    averaged_NE = ensemble_spectra(reconstructions_TNE, alive_T)
    calibrations = model.calibration["ensemble"]["descriptors"]
    return EncodedSplit(
        split=split,
        rows=rows,
        spectra_NE=spectra_NE,
        descriptors_NK=family.descriptors_NK[rows][:, columns],
        material_N=family.material_N[rows],
        site_N=family.site_N[rows],
        styles_TNS=styles_TNS,
        reconstructions_TNE=reconstructions_TNE,
        alive_T=alive_T,
        ensemble_styles_NK=averaged_NK,
        ensemble_spectra_NE=averaged_NE,
        ensemble_values_NK=np.stack(
            [
                apply_calibration(calibrations[name], averaged_NK[:, k])
                for k, name in enumerate(model.descriptor_names)
            ],
            axis=1,
        ),
        error_N=reconstruction_mae_rows(spectra_NE, averaged_NE),
    )
