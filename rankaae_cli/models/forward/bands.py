"""Bands about simulated spectra that hold a stated share of true ones: by energy, and for the whole curve."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch

from rankaae_cli.core.errors import UnusableError, UserError
from rankaae_cli.core.statistics.conformal.quantile import upper_quantile

_SHAPE = 0.9  # the share by which the width of a band goes with the energy


@dataclass(frozen=True)
class Bands:
    """Half widths of bands, in deviations of a simulated spectrum.

    Residuals of rows whose material was left out of the fit, over the deviation of each, are the scores of split
    conformal prediction (Lei et al., J. Am. Stat. Assoc. 113, 1094 (2018)); of a whole curve the score is the
    largest over energies, each in units of its own 90 % quantile.

    Attributes
    ----------
    score_ME
        Of M rows at each energy, descending, float32.
    curve_M
        Of whole curves.
    """

    score_ME: np.ndarray
    curve_M: np.ndarray

    @classmethod
    def of(cls, residual_ME: np.ndarray, deviation_M: np.ndarray) -> "Bands":
        """Return the bands that residuals with these deviations ask for."""
        score_ME = np.abs(residual_ME) / deviation_M[:, None]
        curve_M = (score_ME / _quantiles(score_ME, _SHAPE)).max(axis=1)
        return cls(*(np.sort(score, axis=0)[::-1].astype(np.float32) for score in (score_ME, curve_M)))

    def half_widths(self, deviation_N: np.ndarray, coverage: float, whole: bool) -> np.ndarray:
        """Return the half width at each energy, shape (N, E): by energy, or such that it holds `whole` curves.

        Raises
        ------
        UserError
            If there are too few rows for so large a share.
        """
        factor = upper_quantile(self.curve_M, coverage) if whole else 1.0
        width_E = _quantiles(self.score_ME, _SHAPE if whole else coverage) * factor
        if not np.isfinite(width_E).all():
            raise UserError(
                f"coverage={coverage:g} cannot be held by {len(self.curve_M)} rows\ngive a smaller coverage="
            )
        return np.asarray(deviation_N[:, None] * width_E)

    def content(self) -> dict[str, Any]:
        """Return tensors."""
        return {
            "score_ME": torch.as_tensor(self.score_ME.copy()),
            "curve_M": torch.as_tensor(self.curve_M.copy()),
        }

    @classmethod
    def restored(cls, content: Mapping[str, Any], points: int) -> "Bands":
        """Return what has this `content`; ValueError where it would not fit spectra of E points."""
        score_ME, curve_M = content["score_ME"].numpy(), content["curve_M"].numpy()
        if score_ME.shape != (len(curve_M), points) or not (
            np.isfinite(score_ME).all() and np.isfinite(curve_M).all()
        ):
            raise UnusableError("bands that do not fit the energies, or hold a number that is not finite")
        return cls(score_ME, curve_M)


def _quantiles(score_ME: np.ndarray, coverage: float) -> np.ndarray:
    """Return the quantile of the scores at each energy, shape (E,); where it is 0, a very small number."""
    return np.array([max(upper_quantile(score_M, coverage), 1e-12) for score_M in score_ME.T])
