"""Principal components of training spectra: what a reader without a latent space tells unusual spectra by.

Letters beyond the legend: C components.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from scipy.linalg import eigh

from rankaae_cli.core.errors import UnusableError

_ARRAYS = ("mean_E", "axes_CE", "scale_C")


@dataclass(frozen=True)
class Components:
    """Mean and principal components of spectra, in single precision, as they are stored.

    Attributes
    ----------
    mean_E, axes_CE
        The mean spectrum and the components, orthonormal, the largest first.
    scale_C
        Standard deviation of the spectra along each.
    """

    mean_E: np.ndarray
    axes_CE: np.ndarray
    scale_C: np.ndarray

    def coordinates(self, spectra_NE: np.ndarray) -> np.ndarray:
        """Return how far spectra lie along each component, in its standard deviations, shape (N, C)."""
        return np.asarray(self._along(spectra_NE) / self.scale_C)

    def rebuilt(self, spectra_NE: np.ndarray) -> np.ndarray:
        """Return spectra as the components give them, shape (N, E)."""
        return np.asarray(self.mean_E + self._along(spectra_NE) @ self.axes_CE)

    def _along(self, spectra_NE: np.ndarray) -> np.ndarray:
        return np.asarray((np.asarray(spectra_NE, dtype=np.float64) - self.mean_E) @ self.axes_CE.T)

    def content(self) -> dict[str, Any]:
        """Return plain values and tensors."""
        return {name: torch.as_tensor(getattr(self, name)) for name in _ARRAYS}

    @classmethod
    def restored(cls, content: Mapping[str, Any], points: int) -> "Components":
        """Return the components whose `content` is given; ValueError where they do not fit spectra of E points."""
        one = cls(**{name: content[name].numpy() for name in _ARRAYS})
        count = len(one.scale_C)
        if count < 1 or [vars(one)[name].shape for name in _ARRAYS] != [(points,), (count, points), (count,)]:
            raise UnusableError(f"principal components that do not fit spectra of {points} points")
        if not all(np.isfinite(array).all() for array in vars(one).values()) or (one.scale_C <= 0).any():
            raise UnusableError("principal components with a number that is not finite, or no deviation")
        return one


def fit_components(spectra_NE: np.ndarray, share: float) -> Components:
    """Return as many principal components as leave at most a share of what spectra differ from their mean.

    Parameters
    ----------
    spectra_NE
        Of the training rows.
    share
        Of the mean absolute deviation from the mean spectrum, which the components leave.
    """
    spectra_NE = np.asarray(spectra_NE, dtype=np.float64)
    mean_E = spectra_NE.mean(axis=0)
    centred_NE = spectra_NE - mean_E
    variance_E, axes_EE = eigh(centred_NE.T @ centred_NE / len(centred_NE))
    # What is left of rounding is no direction in which spectra vary.
    most = int((variance_E > variance_E[-1] * 1e-10).sum()) or 1
    axes_CE, scale_C = axes_EE[:, ::-1].T[:most], np.sqrt(np.maximum(variance_E[::-1][:most], 1e-30))
    left = centred_NE.copy()
    enough, whole = most, np.abs(centred_NE).mean()
    for c, axis_E in enumerate(axes_CE):
        left -= np.outer(left @ axis_E, axis_E)
        if np.abs(left).mean() <= share * whole:
            enough = c + 1
            break
    return Components(*(array.astype(np.float32) for array in (mean_E, axes_CE[:enough], scale_C[:enough])))
