"""How the residuals of simulated spectra lie over the energies, and how large they are."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch

from rankaae_cli.core.errors import UnusableError
from rankaae_cli.core.xas.discrepancy import smooth_correlation

_SIZES = 200  # even quantiles that are kept


@dataclass(frozen=True)
class Residuals:
    """What true spectra differ by from simulated ones, of rows whose material was left out of the fit.

    A residual is taken for d sqrt(v) e with the deviation d that the model states, a size v of its own, and e of
    mean square 1 and covariance S over the energies. S is that of the residuals at hand, each over its own root
    mean square, shrunken towards T, the same variances with a correlation over a few eV: S = (1 - a) S' + a T. The
    share a is the one of Schaefer and Strimmer (Stat. Appl. Genet. Mol. Biol. 4, 32 (2005)), the sum of the
    variances of the elements of S' over that of their squared distances from T. Sizes differ widely, so that none
    of them counts as impossible that some row has.

    Attributes
    ----------
    covariance_EE
        S, float32.
    size_Q
        Quantiles of v, ascending, float32.
    """

    covariance_EE: np.ndarray
    size_Q: np.ndarray

    @classmethod
    def of(cls, residual_ME: np.ndarray, deviation_M: np.ndarray, energy_E: np.ndarray) -> "Residuals":
        """Return what residuals with these deviations show."""
        size_M = (residual_ME**2).mean(axis=1) / deviation_M**2
        shape_ME = residual_ME / np.sqrt(np.maximum((residual_ME**2).mean(axis=1), 1e-300))[:, None]
        sample_EE = shape_ME.T @ shape_ME / len(shape_ME)
        scale_E = np.sqrt(np.maximum(np.diag(sample_EE), 1e-9))
        target_EE = smooth_correlation(energy_E) * scale_E * scale_E[:, None]
        variance_EE = ((shape_ME**2).T @ shape_ME**2 / len(shape_ME) - sample_EE**2) / len(shape_ME)
        apart = float(((sample_EE - target_EE) ** 2).sum())
        share = min(max(float(variance_EE.sum()) / apart, 0.0), 1.0) if apart > 0 else 1.0
        sizes = np.quantile(size_M, (np.arange(_SIZES) + 0.5) / _SIZES)
        covariance_EE = (1 - share) * sample_EE + share * target_EE
        return cls(covariance_EE.astype(np.float32), sizes.astype(np.float32))

    def content(self) -> dict[str, Any]:
        """Return tensors."""
        return {name: torch.as_tensor(array.copy()) for name, array in vars(self).items()}

    @classmethod
    def restored(cls, content: Mapping[str, Any], points: int) -> "Residuals":
        """Return what has this `content`; ValueError where it would not fit spectra of E points."""
        covariance_EE, size_Q = content["covariance_EE"].numpy(), content["size_Q"].numpy()
        sound = np.isfinite(covariance_EE).all() and np.isfinite(size_Q).all() and len(size_Q) > 0
        if covariance_EE.shape != (points, points) or not sound or (size_Q < 0).any():
            raise UnusableError("residuals that do not fit the energies, or hold a number that cannot be")
        return cls(covariance_EE, size_Q)
