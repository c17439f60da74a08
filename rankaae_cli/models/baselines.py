"""What a model is measured against: the common interface of baselines, and their scores.

A baseline is fitted on training rows, may choose among its epochs on validation rows, and is given no others. Each
lies with the kind of model that it is akin to.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import scipy  # whose parts are loaded where they are used

from rankaae_cli.core.statistics.metrics import (
    inter_style,
    mae,
    mean_of_known,
    mean_spearman,
    r2,
    score_reconstruction,
    spearman,
)

# Names on the command line and in files, and in print.
BASELINES = {
    "mean_spectrum": "Mean spectrum",
    "pca_linear": "PCA + linear",
    "extra_trees": "Extra-trees",
    "random_forest": "Random forest",
    "derivative_trees": "Extra-trees, derivatives",
    "kernel_ridge": "Kernel ridge",
    "blend": "Blend of trees and ridge",
    "supervised_network": "Supervised network",
    "aae": "AAE without ranks",
    "vae": "VAE",
}

Report = Callable[[int, int, str], None]


@dataclass(frozen=True)
class FittingRows:
    """All that a baseline may see.

    Attributes
    ----------
    train_NE, train_NK
        Spectra and descriptors of the training rows, NaN where not known.
    validation_NE, validation_NK
        Of the validation rows, which choose an epoch.
    """

    train_NE: np.ndarray
    train_NK: np.ndarray
    validation_NE: np.ndarray
    validation_NK: np.ndarray


@dataclass(frozen=True)
class FittedBaseline:
    """A fitted baseline.

    Attributes
    ----------
    read
        From spectra (N, E) to descriptors (N, K), a column of NaN where none could be learnt.
    parameters
        How many numbers were fitted.
    reads
        Whether what it reads depends on the spectrum.
    rebuild
        From spectra to their reconstructions (N, E); None where it makes no spectra.
    styles
        From spectra to latent variables (N, S), none of which has a name; None where it has none.
    """

    read: Callable[[np.ndarray], np.ndarray]
    parameters: int
    reads: bool = True
    rebuild: Callable[[np.ndarray], np.ndarray] | None = None
    styles: Callable[[np.ndarray], np.ndarray] | None = None


def linear_reading(
    styles_NS: np.ndarray, descriptors_NK: np.ndarray
) -> tuple[Callable[[np.ndarray], np.ndarray], int]:
    """Fit each descriptor by least squares from styles, over the rows where it is known.

    Returns
    -------
    read
        From styles (N, S) to descriptors (N, K).
    parameters
        How many numbers were fitted.
    """
    # scikit-learn takes a second to load, which what only reads a comparison need not wait for.
    from sklearn.linear_model import LinearRegression

    fits: list[LinearRegression | None] = []
    for known_N, descriptor_N in known_rows(descriptors_NK):
        fits.append(LinearRegression().fit(styles_NS[known_N], descriptor_N) if len(descriptor_N) else None)

    def read(styles_NS: np.ndarray) -> np.ndarray:
        return predicted_columns(styles_NS, fits)

    return read, sum(fit is not None for fit in fits) * (styles_NS.shape[1] + 1)


def autoencoder_baseline(
    rows: FittingRows,
    encode: Callable[[np.ndarray], np.ndarray],
    rebuild: Callable[[np.ndarray], np.ndarray],
    parameters: int,
) -> FittedBaseline:
    """Return an autoencoder that reads descriptors by least squares from its styles of the training rows."""
    read, more = linear_reading(encode(rows.train_NE), rows.train_NK)
    return FittedBaseline(
        read=lambda spectra_NE: read(encode(spectra_NE)),
        rebuild=rebuild,
        styles=encode,
        parameters=parameters + more,
    )


def score_baseline(
    baseline: FittedBaseline,
    rows: FittingRows,
    spectra_NE: np.ndarray,
    descriptors_NK: np.ndarray,
    names: Sequence[str],
) -> dict[str, Any]:
    """Collect what a baseline can do and how well, on one split.

    Parameters
    ----------
    baseline, rows
        A baseline and the rows it was fitted on; their validation rows pair styles with descriptors.
    spectra_NE, descriptors_NK
        The rows of the split; NaN where a descriptor is not known.
    names
        Of the descriptors.

    Returns
    -------
    dict
        ``reads``, ``generates``, ``has_styles`` (whether it can); ``mean_spearman``, ``mean_r2`` and
        ``descriptors``, by name ``spearman``, ``r2`` and ``mae``; ``reconstruction`` with ``mae`` and ``mse``,
        or None; ``styles``, of `score_unnamed_styles`, or None; ``validation`` with ``mean_spearman`` and
        ``reconstruction_mae``; ``parameters``. NaN where not defined.
    """
    validation = {"mean_spearman": float("nan"), "reconstruction_mae": float("nan")}
    reading = score_reading(baseline.read(spectra_NE), descriptors_NK, names)
    if baseline.reads:
        read_NK = baseline.read(rows.validation_NE)
        validation["mean_spearman"] = mean_spearman(read_NK, rows.validation_NK)
    reconstruction, styles = None, None
    if baseline.rebuild is not None:
        reconstruction = score_reconstruction(baseline.rebuild(spectra_NE), spectra_NE)
        rebuilt_NE = baseline.rebuild(rows.validation_NE)
        validation["reconstruction_mae"] = score_reconstruction(rebuilt_NE, rows.validation_NE)["mae"]
    if baseline.styles is not None:
        styles = score_unnamed_styles(
            baseline.styles(spectra_NE),
            descriptors_NK,
            baseline.styles(rows.validation_NE),
            rows.validation_NK,
            names,
        )
    return {
        "reads": baseline.reads,
        "generates": reconstruction is not None,
        "has_styles": styles is not None,
        **reading,
        "reconstruction": reconstruction,
        "styles": styles,
        "validation": validation,
        "parameters": int(baseline.parameters),
    }


def score_reading(read_NK: np.ndarray, descriptors_NK: np.ndarray, names: Sequence[str]) -> dict[str, Any]:
    """Return ``mean_spearman``, ``mean_r2`` and, by name, ``spearman``, ``r2`` and ``mae`` of values as read.

    ``mean_spearman`` is NaN where nothing that is read varies.
    """
    scores = {
        name: {
            "spearman": spearman(read_NK[:, k], descriptors_NK[:, k]),
            "r2": r2(descriptors_NK[:, k], read_NK[:, k]),
            "mae": mae(descriptors_NK[:, k], read_NK[:, k]),
        }
        for k, name in enumerate(names)
    }
    varies = bool((np.ptp(np.nan_to_num(read_NK), axis=0) > 0).any()) if len(read_NK) else False
    return {
        "mean_spearman": mean_spearman(read_NK, descriptors_NK) if varies else float("nan"),
        "mean_r2": mean_of_known(np.array([score["r2"] for score in scores.values()])),
        "descriptors": scores,
    }


def score_unnamed_styles(
    styles_NS: np.ndarray,
    descriptors_NK: np.ndarray,
    validation_NS: np.ndarray,
    validation_NK: np.ndarray,
    names: Sequence[str],
) -> dict[str, Any]:
    """Measure how far latent variables without names stand for one descriptor each.

    Each descriptor is given a style of its own, so that the sum of |rho| on the validation rows is largest
    (linear assignment; Kuhn, Nav. Res. Logist. 2, 83 (1955)); its sign is that of rho there.

    Returns
    -------
    dict
        ``spearman``, by name, of the descriptor and its one style on the split; ``mean_spearman``;
        ``inter_style`` as of `metrics.inter_style`, these styles counting as the named ones.
    """
    rho_KS = np.array([[spearman(s_N, d_N) for s_N in validation_NS.T] for d_N in validation_NK.T])
    chosen_K, style_K = scipy.optimize.linear_sum_assignment(-np.abs(np.nan_to_num(rho_KS)))
    pairs = dict(zip(chosen_K.tolist(), style_K.tolist(), strict=True))
    rho = {
        name: spearman(styles_NS[:, pairs[k]], descriptors_NK[:, k]) * float(np.sign(rho_KS[k, pairs[k]]))
        if k in pairs
        else float("nan")
        for k, name in enumerate(names)
    }
    others = [s for s in range(styles_NS.shape[1]) if s not in pairs.values()]
    coupling = inter_style(styles_NS[:, [*pairs.values(), *others]], descriptors_NK[:, list(pairs)])
    return {
        "spearman": rho,
        "mean_spearman": mean_of_known(np.array(list(rho.values()))),
        "inter_style": coupling,
    }


def known_rows(descriptors_NK: np.ndarray) -> list[tuple[np.ndarray, np.ndarray]]:
    """Return for each descriptor which rows know it and its values there."""
    known = [np.isfinite(column_N) for column_N in descriptors_NK.T]
    return [(known_N, column_N[known_N]) for known_N, column_N in zip(known, descriptors_NK.T, strict=True)]


def predicted_columns(inputs_NI: np.ndarray, fits: Sequence[Any]) -> np.ndarray:
    """Return what each fit predicts from inputs (N, I), as columns; NaN where there is none."""
    unknown_N = np.full(len(inputs_NI), np.nan)
    return np.stack([unknown_N if fit is None else fit.predict(inputs_NI) for fit in fits], axis=1)
