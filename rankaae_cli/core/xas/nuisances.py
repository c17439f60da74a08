"""What separates a measured spectrum from a computed one of its structure: energy scale, resolution, amplitude.

None of it is known exactly, so a measured spectrum is read as it would be with many values of all of it, drawn from
what is usual, and each reading counts by how well the model reconstructs that variant: these nuisance parameters
are integrated out, by importance sampling, instead of being set to the values that fit best.

Letters: M draws, E energies, W points of a Gaussian.
"""

from dataclasses import dataclass

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view
from scipy.special import ndtri

from rankaae_cli.core.xas.discrepancy import CORRELATION_LENGTH

DRAWS = 128
# Standard deviations of what is usual. Codes and monochromators differ in their energy scale by a percent, edge
# steps by some with the ranges they are fitted on; self-absorption lowers white lines, codes exaggerate them.
STRETCH = 0.01  # of the distance from the edge
BROADENING = 0.7  # eV, of a Gaussian's width; what would have to be narrower stays as it is
AMPLITUDE = 0.05
DAMPING = 0.1
_TRUNCATION = 4.0  # standard deviations, where the Gaussian ends
_NEGLIGIBLE = 1e-3  # of the weight of the likeliest draw
# What a summary names: what it is called, its unit, and the value that changes nothing.
_SUMMARY = {
    "shift_M": ("shift", " eV", 0.0),
    "broadening_M": ("broadening", " eV", 0.0),
    "amplitude_M": ("amplitude", "", 1.0),
}


@dataclass(frozen=True)
class Nuisances:
    """Draws of what separates a measured spectrum from a computed one.

    Attributes
    ----------
    shift_M
        Of the energies, eV.
    stretch_M
        Of the distance from the edge, as a fraction.
    broadening_M
        Standard deviation of a Gaussian, eV.
    amplitude_M
        Factor on the absorption.
    damping_M
        By which the absorption mu becomes mu / (1 + d (1 - mu)): positive ones raise white lines, as undoing
        self-absorption does, and leave the edge step.
    """

    shift_M: np.ndarray
    stretch_M: np.ndarray
    broadening_M: np.ndarray
    amplitude_M: np.ndarray
    damping_M: np.ndarray

    def energies(self, energy: np.ndarray, edge: float) -> np.ndarray:
        """Return the measured energies, shape (M, E), that come to lie at `energy`, eV, about an edge at `edge`."""
        moved_ME = energy - self.shift_M[:, None]
        return edge + (moved_ME - edge) / (1 + self.stretch_M[:, None])

    def taken(self, draws_M: np.ndarray) -> "Nuisances":
        """Return some of the draws, by index or mask."""
        return Nuisances(**{name: value_M[draws_M] for name, value_M in vars(self).items()})

    def summary(self, weight_M: np.ndarray) -> str:
        """Return mean and standard deviation of each under weights, shape (M,), as text."""
        parts = []
        for field, (what, unit, none) in _SUMMARY.items():
            value_M = getattr(self, field)
            mean = float(weight_M @ value_M) + (1 - float(weight_M.sum())) * none
            deviation = float(np.sqrt(weight_M @ (value_M - mean) ** 2))
            parts.append(f"{what} {mean:{'.2f' if none else '+.2f'}} ± {deviation:.2f}{unit}")
        return ", ".join(parts).replace("-", "−")

    def absorption(self, absorption_ME: np.ndarray, step: float) -> np.ndarray:
        """Return the absorption of each draw, shape (M, E), broadened and changed in amplitude.

        Parameters
        ----------
        absorption_ME
            At the energies of each draw, normalised to the edge step.
        step
            Of the grid, eV.
        """
        broad_ME = np.array(absorption_ME)
        wide_M = self.broadening_M > 0
        if wide_M.any():
            broad_ME[wide_M] = _broadened(broad_ME[wide_M], self.broadening_M[wide_M] / step)
        damped_ME = broad_ME / np.maximum(1 + self.damping_M[:, None] * (1 - broad_ME), 0.5)
        return np.asarray(self.amplitude_M[:, None] * damped_ME)


def draw_nuisances(offset_uncertainty: float, draws: int = DRAWS) -> Nuisances:
    """Draw nuisances evenly from what is usual.

    Parameters
    ----------
    offset_uncertainty
        Standard deviation of the energy offset, eV.
    draws
        M, their number.
    """
    shift, stretch, broadening, amplitude, damping = ndtri(_even_points(draws, 5)).T
    return Nuisances(
        shift_M=offset_uncertainty * shift,
        stretch_M=STRETCH * stretch,
        broadening_M=BROADENING * np.maximum(broadening, 0.0),
        amplitude_M=1 + AMPLITUDE * amplitude,
        damping_M=DAMPING * damping,
    )


def posterior_weights(error_M: np.ndarray, usual_error: float, span: float) -> np.ndarray:
    """Return how likely each draw is once the model has reconstructed its variant, shape (M,), adding up to 1.

    What is a thousand times less likely than the likeliest counts for nothing.

    The residual is taken for as many independent points as the span has correlation lengths, each of the usual
    size, or of that of the best variant where no variant is reconstructed as well as computed spectra are.

    Parameters
    ----------
    error_M
        Mean absolute error of the reconstruction of each variant.
    usual_error
        That of computed spectra of other materials than those of training.
    span
        Of the grid, eV.
    """
    size = max(usual_error, float(error_M.min()), float(np.finfo(np.float64).tiny))
    log_likelihood_M = -0.5 * span / CORRELATION_LENGTH * (error_M / size) ** 2
    weight_M = np.exp(log_likelihood_M - log_likelihood_M.max())
    weight_M[weight_M < _NEGLIGIBLE] = 0.0
    return np.asarray(weight_M / weight_M.sum())


def _broadened(absorption_ME: np.ndarray, sigma_M: np.ndarray) -> np.ndarray:
    """Return each row convolved with a Gaussian of its own, in points; the values at its ends go on beyond it."""
    radius_M = (_TRUNCATION * sigma_M + 0.5).astype(int)
    radius = int(radius_M.max())
    distance = np.arange(-radius, radius + 1)
    kernel_MW = np.exp(-0.5 * (distance / sigma_M[:, None]) ** 2)
    kernel_MW[np.abs(distance) > radius_M[:, None]] = 0.0
    kernel_MW /= kernel_MW.sum(axis=1, keepdims=True)
    padded_ME = np.pad(absorption_ME, ((0, 0), (radius, radius)), mode="edge")
    windows_MEW = sliding_window_view(padded_ME, len(distance), axis=1)
    return np.asarray(np.einsum("mew,mw->me", windows_MEW, kernel_MW))


def _even_points(n: int, dimensions: int) -> np.ndarray:
    """Return points that fill the unit cube evenly, shape (n, dimensions).

    The additive recurrence with powers of the generalised golden ratio, root of x^(d + 1) = x + 1 (Roberts, The
    unreasonable effectiveness of quasirandom sequences (2018)).
    """
    ratio = 2.0
    for _ in range(60):
        ratio = (1 + ratio) ** (1 / (dimensions + 1))
    step = ratio ** -np.arange(1.0, dimensions + 1)
    return np.asarray((0.5 + np.arange(1, n + 1)[:, None] * step) % 1)
