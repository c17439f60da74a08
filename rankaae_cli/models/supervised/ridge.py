"""Kernel ridge regression on principal components of what a reader sees of a spectrum.

Letters beyond the legend: F inputs of a spectrum, C components, M training rows.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from scipy.linalg import cho_factor, cho_solve, svd

from rankaae_cli.core.errors import UnusableError
from rankaae_cli.models.baselines import FittingRows, Report
from rankaae_cli.models.supervised.inputs import input_columns
from rankaae_cli.models.supervised.settings import KernelRidgeSettings

_LEFT_OUT = 0.2  # of the rows, in each of several trials


@dataclass(frozen=True)
class KernelRidge:
    """Ridge regression with a Gaussian kernel; a part of a reader.

    exp(-gamma |t - t'|^2) is the kernel of components t, whose mean square length over the training rows is 1, so
    that gamma has no unit and fits families alike (Hastie, Tibshirani and Friedman, The Elements of Statistical
    Learning, 2009, section 5.8). Arrays are of single precision, as they are stored.

    Attributes
    ----------
    inputs
        What it sees of a spectrum.
    gamma
        Of the kernel.
    mean_F, axes_FC
        From inputs to components: (inputs - mean) axes.
    train_MC
        Components of the training rows.
    offset_TK, weights_TKM
        The mean of each descriptor and the weights of the training rows; NaN where no row knows the descriptor.
    """

    inputs: tuple[str, ...]
    gamma: float
    mean_F: np.ndarray
    axes_FC: np.ndarray
    train_MC: np.ndarray
    offset_TK: np.ndarray
    weights_TKM: np.ndarray

    @property
    def parameters(self) -> int:
        """How many numbers were fitted, those of the components aside."""
        return int(np.isfinite(self.offset_TK).sum() + np.count_nonzero(np.nan_to_num(self.weights_TKM)))

    def read(self, spectra_NE: np.ndarray) -> np.ndarray:
        """Return the descriptors of spectra in every trial, shape (T, N, K)."""
        kernel_NM = kernel(self._components(spectra_NE), self.train_MC, self.gamma)
        return np.asarray(
            self.offset_TK[:, None] + np.matmul(kernel_NM, self.weights_TKM.transpose(0, 2, 1)), dtype=float
        )

    def _components(self, spectra_NE: np.ndarray) -> np.ndarray:
        centred_NF = input_columns(spectra_NE, self.inputs) - self.mean_F
        return np.asarray(centred_NF @ self.axes_FC.astype(np.float64))

    def content(self) -> dict[str, Any]:
        """Return plain values and tensors."""
        arrays = {name: torch.as_tensor(getattr(self, name)) for name in _ARRAYS}
        return {"inputs": list(self.inputs), "gamma": self.gamma, **arrays}

    @classmethod
    def restored(cls, content: Mapping[str, Any], points: int) -> "KernelRidge":
        """Return what has this `content`; ValueError where it would not read spectra of E points."""
        one = cls(
            tuple(content["inputs"]),
            float(content["gamma"]),
            **{name: content[name].numpy() for name in _ARRAYS},
        )
        rows, components = one.train_MC.shape
        columns = points * len(one.inputs)
        if (one.mean_F.shape, one.axes_FC.shape) != ((columns,), (columns, components)):
            raise UnusableError(f"a kernel ridge regression that does not fit spectra of {points} points")
        if one.weights_TKM.shape != (*one.offset_TK.shape, rows):
            raise UnusableError("a kernel ridge regression with more or fewer weights than training rows")
        known_TK = np.isfinite(one.offset_TK)
        fitted = (one.mean_F, one.axes_FC, one.train_MC, one.weights_TKM[known_TK], np.array(one.gamma))
        if not all(np.isfinite(array).all() for array in fitted):
            raise UnusableError("a kernel ridge regression with a number that is not finite")
        return one


_ARRAYS = ("mean_F", "axes_FC", "train_MC", "offset_TK", "weights_TKM")


def fit_kernel_ridge(
    rows: FittingRows,
    settings: KernelRidgeSettings,
    inputs: tuple[str, ...],
    trials: int,
    seed: int,
    threads: int,
    report: Report,
) -> KernelRidge:
    """Fit kernel ridge regression; each of several trials leaves another fifth of the training rows out.

    The parameters are those of `forests.fit_forests`. Every input is standardised before components are taken.
    """
    train_NF = input_columns(rows.train_NE, inputs)
    mean_F, scale_F = train_NF.mean(axis=0), train_NF.std(axis=0)
    scale_F = np.where(scale_F > 0, scale_F, 1.0)
    most = min(settings.components, *train_NF.shape)
    axes_FC = svd((train_NF - mean_F) / scale_F, full_matrices=False)[2][:most].T / scale_F[:, None]
    train_NC = (train_NF - mean_F) @ axes_FC
    length = float(np.sqrt((train_NC**2).sum(axis=1).mean())) or 1.0
    train_MC = (train_NC / length).astype(np.float32)
    kernel_MM = kernel(train_MC, train_MC, settings.gamma)
    offset_TK = np.full((trials, rows.train_NK.shape[1]), np.nan, dtype=np.float32)
    weights_TKM = np.full((*offset_TK.shape, len(train_MC)), np.nan, dtype=np.float32)
    report(0, trials, "")
    for t in range(trials):
        used_N = _used_rows(len(train_MC), trials, seed, t)
        for known_N, columns in _known_alike(rows.train_NK):
            taken = np.flatnonzero(known_N & used_N)
            if len(taken):
                value_NK = rows.train_NK[np.ix_(taken, columns)]
                mean_K = value_NK.mean(axis=0)
                weights_NK = _weights(kernel_MM[np.ix_(taken, taken)], value_NK - mean_K, settings.alpha)
                offset_TK[t, columns], weights_TKM[t, columns] = mean_K, 0
                weights_TKM[t][np.ix_(columns, taken)] = weights_NK.T
        report(t + 1, trials, "")
    return KernelRidge(
        inputs,
        settings.gamma,
        mean_F.astype(np.float32),
        (axes_FC / length).astype(np.float32),
        train_MC,
        offset_TK,
        weights_TKM,
    )


def kernel(a_NC: np.ndarray, b_MC: np.ndarray, gamma: float) -> np.ndarray:
    """Return exp(-gamma |a - b|^2) of every two rows, shape (N, M)."""
    a_NC, b_MC = a_NC.astype(np.float64), b_MC.astype(np.float64)
    squared_NM = (a_NC**2).sum(axis=1)[:, None] + (b_MC**2).sum(axis=1) - 2 * a_NC @ b_MC.T
    return np.asarray(np.exp(-gamma * np.maximum(squared_NM, 0.0)))


def _used_rows(rows: int, trials: int, seed: int, trial: int) -> np.ndarray:
    """Return which training rows a trial is fitted to, shape (N,); all where there is one."""
    used_N = np.ones(rows, dtype=bool)
    if trials > 1:
        rng = np.random.default_rng([seed, trial])
        used_N[rng.permutation(rows)[: int(_LEFT_OUT * rows)]] = False
    return used_N


def _known_alike(descriptors_NK: np.ndarray) -> list[tuple[np.ndarray, np.ndarray]]:
    """Return which rows know a descriptor, and the descriptors that just these rows know."""
    columns: dict[bytes, list[int]] = {}
    known_NK = np.isfinite(descriptors_NK)
    for k, known_N in enumerate(known_NK.T):
        columns.setdefault(known_N.tobytes(), []).append(k)
    return [(known_NK[:, alike[0]], np.array(alike)) for alike in columns.values()]


def _weights(kernel_NN: np.ndarray, value_NK: np.ndarray, alpha: float) -> np.ndarray:
    penalised_NN = kernel_NN + alpha * np.eye(len(kernel_NN))
    return np.asarray(cho_solve(cho_factor(penalised_NN, lower=True), value_NK))
