"""What is known of the styles: disentanglement, coupling, leakage, and what the free ones go with."""

from collections.abc import Sequence
from typing import Any

import numpy as np
import torch

from rankaae_cli.analysis.encoded import EncodedRun
from rankaae_cli.analysis.evaluation.findings import leakage_findings
from rankaae_cli.core.statistics.metrics import rank_correlations
from rankaae_cli.core.styles.disentanglement import score_disentanglement
from rankaae_cli.core.styles.leakage import largest_off_diagonal, leakage_matrix
from rankaae_cli.core.styles.traversal import draw_rows

_RANGE = (0.01, 0.99)  # quantiles of a style over the training rows: where it may be moved
_DRAWS = 200  # rows that give the styles which are not walked


def describe_styles(run: EncodedRun, seed: int) -> dict[str, Any]:
    """Return ``disentanglement``, ``coupling``, ``leakage`` and ``style_ranges``, as in metrics.json.

    The trees of DCI are fitted to validation rows; where these are the split itself, informativeness is not known.
    Training rows are walked for leakage. `seed` is of the trees, and of the drawn rows.
    """
    return {
        "disentanglement": _disentanglement(run, seed),
        "coupling": _coupling(run),
        "leakage": _leakage(run, seed),
        "style_ranges": style_ranges(
            run.model.style_names, run.training.styles_TNS[run.model.selected_trial]
        ),
    }


def style_ranges(names: Sequence[str], styles_NS: np.ndarray) -> dict[str, tuple[float, float]]:
    """Return between which values nearly all training rows have each style, by its name."""
    low_S, high_S = np.quantile(styles_NS.astype(np.float64), _RANGE, axis=0)
    return dict(zip(names, zip(low_S.tolist(), high_S.tolist(), strict=True), strict=True))


def _disentanglement(run: EncodedRun, seed: int) -> dict[str, Any]:
    """Return MIG, SAP and DCI of the selected trial, and of the ensemble, which has named styles only."""
    model, validation, split = run.model, run.validation, run.split

    def score(fit_NS: np.ndarray, styles_NS: np.ndarray) -> dict[str, Any]:
        return score_disentanglement(
            fit_NS,
            validation.descriptors_NK,
            styles_NS,
            split.descriptors_NK,
            model.descriptor_names,
            model.descriptor_classes,
            seed,
            held_out=split is not validation,
        )

    t = model.selected_trial
    return {
        "selected_trial": score(validation.styles_TNS[t], split.styles_TNS[t]),
        "ensemble": score(validation.ensemble_indicators_NK, split.ensemble_indicators_NK),
    }


def _coupling(run: EncodedRun) -> dict[str, Any]:
    """Return Spearman's correlations between the selected trial's styles, and between the descriptors."""
    t = int(run.model.selected_trial)
    return {
        "trial": t,
        "styles": list(run.model.style_names),
        "between_styles": rank_correlations(run.split.styles_TNS[t]).tolist(),
        "between_descriptors": rank_correlations(run.split.descriptors_NK).tolist(),
    }


def _leakage(run: EncodedRun, seed: int) -> dict[str, Any]:
    """Return the leakage matrix of the selected trial, and the mean over trials of that of the named styles."""
    model, training = run.model, run.training

    def encode(spectra_TDE: np.ndarray) -> np.ndarray:
        with torch.no_grad():
            return np.asarray(model.autoencoder.encode(torch.as_tensor(spectra_TDE)).numpy())

    leakage_TSS = leakage_matrix(
        encode,
        model.decode,
        training.styles_TNS,
        draw_rows(len(training.error_N), _DRAWS, seed),
        model.style_std_TS,
    )
    k, t = len(model.descriptor_names), int(model.selected_trial)
    named_KK = leakage_TSS[model.alive_T][:, :k, :k].mean(axis=0)
    selected_SS = leakage_TSS[t]
    leakage = {
        "trial": t,
        "draws": _DRAWS,
        "styles": list(model.style_names),
        "matrix": selected_SS.tolist(),
        "largest": largest_off_diagonal(selected_SS),
        "named_mean": named_KK.tolist(),
        "named_mean_largest": largest_off_diagonal(named_KK),
        "n_trials": int(model.alive_T.sum()),
    }
    return {**leakage, "findings": leakage_findings(leakage)}
