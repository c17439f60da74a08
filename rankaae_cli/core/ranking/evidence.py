"""How likely a measured spectrum is as that of each of several structures, whose spectra were simulated.

With y the measured spectrum at an energy offset o, s_b the simulated one of a structure, broadened by a Gaussian of
width b, and d the deviation that the model states of it::

    y(o) = s_b + a s_b + c s_b (1 - s_b) + g (E - E0) ds_b/dE + d sqrt(v) e + t f

a, c and g are amplitude, damping of white lines and stretch of the energies (to first order), normal with the
deviations of `core.xas.nuisances`; e is the error of the simulation, normal with the covariance S of residuals, and
v its size (see `residuals.Residuals`); f is what measurement and code differ by, smooth over a few eV
(`core.xas.discrepancy`) with a little noise, of unknown size t. Then::

    y(o) | structure, o, b, v, t  ~  N(s_b, X X' + v d^2 S + t^2 F)

with the columns of X those of a, c and g over their deviations. a, c, g, e and f are so integrated out in closed
form, and o, b, v and t by sums over values with their prior weights. What is left is the evidence of the structure;
over the sum of those of all structures, taken for equally likely before, it is the posterior probability.

One basis makes S the unit matrix and F diagonal, so that nothing is inverted but the 3 by 3 matrices of X. Letters:
N structures, W energies compared, D offsets, H sizes v by sizes t, B widths b, P columns of X.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from scipy.linalg import eigh
from scipy.special import logsumexp

from rankaae_cli.core.ranking.residuals import Residuals
from rankaae_cli.core.xas.discrepancy import smooth_correlation
from rankaae_cli.core.xas.energy_offset import POOR_FIT
from rankaae_cli.core.xas.nuisances import AMPLITUDE, BROADENING, DAMPING, STRETCH, Nuisances

LEVEL = 0.90  # of the intervals of offsets
_BROADENINGS = np.array([0.0, 0.5, 1.0, 1.5, 2.0])  # in deviations of what is usual
_DIFFERENCES = np.array([0.01, 0.02, 0.04, 0.08])  # t, edge steps
_SIZES = 9
_NOISE = 0.2  # of the smooth difference, at each energy for itself
_JITTER = 1e-6


@dataclass(frozen=True)
class MovedScan:
    """A measured spectrum with each of many offsets of its energies.

    Attributes
    ----------
    points_W
        Indices of the energies of a model that all of them reach.
    spectra_DW
        At these.
    offset_D, prior_D
        eV added to measured energies, ascending, and how likely each is before anything is compared.
    edge
        Energy of the edge on the model's scale, eV.
    """

    points_W: np.ndarray
    spectra_DW: np.ndarray
    offset_D: np.ndarray
    prior_D: np.ndarray
    edge: float


@dataclass(frozen=True)
class Fit:
    """How a structure's spectrum fits a measured one.

    Attributes
    ----------
    log_evidence
        Up to a constant that all structures share.
    offset, low, high
        eV: posterior mean, and the interval that holds 90 %.
    broadening
        eV, posterior mean.
    misfit
        Mean absolute difference, edge steps, at the likeliest offset, broadening and amplitude.
    p
        Share of rows that were left out of the fit that would fit as badly or worse, if they differed from their
        measured spectra as usual (`core.xas.energy_offset.POOR_FIT`).
    measured_W, fitted_W
        The two spectra that the misfit is of.
    """

    log_evidence: float
    offset: float
    low: float
    high: float
    broadening: float
    misfit: float
    p: float
    measured_W: np.ndarray
    fitted_W: np.ndarray


def fit_structures(
    scan: MovedScan,
    energy_E: np.ndarray,
    spectra_NE: np.ndarray,
    deviation_N: np.ndarray,
    residuals: Residuals,
) -> list[Fit]:
    """Compare a measured spectrum with simulated ones of structures and their deviations.

    Parameters
    ----------
    scan
        The measured spectrum.
    energy_E
        Of the model, eV.
    spectra_NE, deviation_N
        Simulated, and how uncertain each is.
    residuals
        Of the model.
    """
    frame = _Frame.of(scan, energy_E, residuals)
    return [frame.fit(s_E, float(d)) for s_E, d in zip(spectra_NE, deviation_N, strict=True)]


def probabilities(fits: Sequence[Fit]) -> np.ndarray:
    """Return the posterior probability of each structure, all being equally likely before."""
    log_N = np.array([one.log_evidence for one in fits])
    return np.asarray(np.exp(log_N - logsumexp(log_N)))


@dataclass(frozen=True)
class _Frame:
    """The scan in the basis in which S is the unit matrix and F is diagonal."""

    scan: MovedScan
    energy_E: np.ndarray
    residuals: Residuals
    basis_WW: np.ndarray
    difference_W: np.ndarray
    moved_DW: np.ndarray

    @classmethod
    def of(cls, scan: MovedScan, energy_E: np.ndarray, residuals: Residuals) -> "_Frame":
        points = scan.points_W
        covariance_WW = residuals.covariance_EE[np.ix_(points, points)].astype(np.float64)
        covariance_WW += _JITTER * np.trace(covariance_WW) / len(points) * np.eye(len(points))
        smooth_WW = smooth_correlation(energy_E[points]) + _NOISE**2 * np.eye(len(points))
        difference_W, basis_WW = eigh(smooth_WW, covariance_WW)
        return cls(scan, energy_E, residuals, basis_WW, difference_W, scan.spectra_DW @ basis_WW)

    def fit(self, spectrum_E: np.ndarray, deviation: float) -> Fit:
        width_B = BROADENING * _BROADENINGS
        columns_BPE = _columns(spectrum_E, width_B, self.energy_E, self.scan.edge)
        columns_BPW = columns_BPE[..., self.scan.points_W]
        parts = [self._log_likelihoods(columns_PW @ self.basis_WW, deviation) for columns_PW in columns_BPW]
        log_BHD = np.stack(parts) + np.log(_prior(_BROADENINGS))[:, None, None] + np.log(self.scan.prior_D)
        evidence = logsumexp(log_BHD)
        posterior_BHD = np.exp(log_BHD - evidence)
        offset_D, at_D = self.scan.offset_D, posterior_BHD.sum(axis=(0, 1))
        below_D = at_D.cumsum() - at_D / 2
        low, high = np.interp([(1 - LEVEL) / 2, (1 + LEVEL) / 2], below_D / below_D[-1], offset_D)
        b, h, d = np.unravel_index(log_BHD.argmax(), log_BHD.shape)
        measured_W = self.scan.spectra_DW[d]
        fitted_W = self._fitted(columns_BPW[b], deviation, int(h), measured_W)
        square = float(((measured_W - fitted_W) ** 2).mean())
        usual_Q = self.residuals.size_Q * deviation**2 + POOR_FIT**2
        return Fit(
            log_evidence=float(evidence),
            offset=float(at_D @ offset_D),
            low=float(low),
            high=float(high),
            broadening=float(posterior_BHD.sum(axis=(1, 2)) @ width_B),
            misfit=float(np.abs(measured_W - fitted_W).mean()),
            p=float((1 + (usual_Q >= square).sum()) / (1 + len(usual_Q))),
            measured_W=measured_W,
            fitted_W=fitted_W,
        )

    def _precisions(self, deviation: float) -> np.ndarray:
        """Return the inverse variances in the basis, shape (H, W), of all sizes v and t."""
        count = len(self.residuals.size_Q)
        size_V = self.residuals.size_Q[((np.arange(_SIZES) + 0.5) / _SIZES * count).astype(int)]
        of_model_V = np.maximum(size_V.astype(np.float64), 1e-6) * deviation**2
        variance_VTW = of_model_V[:, None, None] + (_DIFFERENCES**2)[:, None] * self.difference_W
        return np.asarray(1 / variance_VTW.reshape(-1, len(self.difference_W)))

    def _log_likelihoods(self, columns_PW: np.ndarray, deviation: float) -> np.ndarray:
        """Return the logarithm of the density of the scan for all sizes and offsets, shape (H, D)."""
        precision_HW = self._precisions(deviation)
        spectrum_W, columns_PW = columns_PW[0], columns_PW[1:]
        apart_DW = self.moved_DW - spectrum_W
        square_HD = precision_HW @ (apart_DW**2).T
        weighed_HPW = precision_HW[:, None] * columns_PW
        inner_HPD = weighed_HPW @ apart_DW.T
        matrix_HPP = np.eye(len(columns_PW)) + weighed_HPW @ columns_PW.T
        square_HD -= (inner_HPD * np.linalg.solve(matrix_HPP, inner_HPD)).sum(axis=1)
        spread_H = np.linalg.slogdet(matrix_HPP)[1] - np.log(precision_HW).sum(axis=1)
        return np.asarray(-0.5 * (square_HD + spread_H[:, None]) - np.log(len(precision_HW)))

    def _fitted(self, columns_PW: np.ndarray, deviation: float, h: int, measured_W: np.ndarray) -> np.ndarray:
        """Return the spectrum with its likeliest amplitude, damping and stretch."""
        precision_W = self._precisions(deviation)[h]
        own_W, own_PW = columns_PW[0] @ self.basis_WW, columns_PW[1:] @ self.basis_WW
        matrix_PP = np.eye(len(own_PW)) + (precision_W * own_PW) @ own_PW.T
        apart_W = measured_W @ self.basis_WW - own_W
        return np.asarray(
            columns_PW[0] + np.linalg.solve(matrix_PP, own_PW @ (precision_W * apart_W)) @ columns_PW[1:]
        )


def _columns(spectrum_E: np.ndarray, width_B: np.ndarray, energy_E: np.ndarray, edge: float) -> np.ndarray:
    """Return the broadened spectra, and beneath each the columns of X, shape (B, 1 + P, E)."""
    nothing_B = np.zeros(len(width_B))
    broadened = Nuisances(nothing_B, nothing_B, width_B, nothing_B + 1, nothing_B)
    step = float(np.diff(energy_E).mean())
    broad_BE = broadened.absorption(
        np.tile(np.asarray(spectrum_E, dtype=np.float64), (len(width_B), 1)), step
    )
    stretched_BE = (energy_E - edge) * np.gradient(broad_BE, energy_E, axis=1)
    columns = (broad_BE, AMPLITUDE * broad_BE, DAMPING * broad_BE * (1 - broad_BE), STRETCH * stretched_BE)
    return np.stack(columns, axis=1)


def _prior(width_B: np.ndarray) -> np.ndarray:
    """Return the prior of widths in deviations: half of it on none, as of `core.xas.nuisances.draw_nuisances`."""
    density_B = np.where(width_B > 0, np.exp(-0.5 * width_B**2), 0.0)
    return np.asarray(np.where(width_B > 0, 0.5 * density_B / density_B.sum(), 0.5))
