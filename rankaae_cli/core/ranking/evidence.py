"""How likely a measured spectrum is as that of each of several structures, whose spectra were simulated.

With y the measured spectrum at an energy offset o, s_b the simulated one of a structure, broadened by a Gaussian of
width b, and d the deviation that the model states of it::

    y(o) = s_b + a s_b + c s_b (1 - s_b) + g (E - E0) ds_b/dE + d sqrt(v) e + t f + n

a, c and g are amplitude, damping of white lines and stretch of the energies (to first order), normal with the
deviations of `core.xas.nuisances`; e is the error of the simulation, normal with the covariance S of residuals, and
v its size (see `residuals.Residuals`); f is what measurement and code differ by, of unknown size t: in part smooth
over a few eV as in `core.xas.discrepancy`, in part large where spectra are simulated badly, with the covariance
F = (1 - w) K + w S; n is noise, independent at each energy. Then::

    y(o) | structure, o, b, v, t  ~  N(s_b, X X' + v d^2 S + t^2 F + n^2)

with the columns of X those of a, c and g over their deviations. a, c, g, e, f and the noise are so integrated out
in closed form, and o, b, v and t by sums over values with their prior weights. What is left is the evidence of the
structure; over the sum of those of all structures, taken for equally likely before, it is the posterior
probability.

For each t one basis makes t^2 F + n^2 the unit matrix and S diagonal, so that nothing is inverted but the 3 by 3
matrices of X. Letters: N structures, W energies compared, D offsets, V sizes v, T sizes t, B widths b, P columns of
X, Q these below the spectrum itself.
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
_DIFFERENCES = np.array([0.01, 0.02, 0.04, 0.08, 0.16])  # t, edge steps
_SIZES = 9
_SHARE = 0.9  # w
_NOISE = 0.01  # n, edge steps


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
    comparison = _Comparison.of(scan, energy_E, residuals)
    return [comparison.fit(s_E, float(d)) for s_E, d in zip(spectra_NE, deviation_N, strict=True)]


def probabilities(fits: Sequence[Fit]) -> np.ndarray:
    """Return the posterior probability of each structure, all being equally likely before."""
    log_N = np.array([one.log_evidence for one in fits])
    return np.asarray(np.exp(log_N - logsumexp(log_N)))


@dataclass(frozen=True)
class _Frame:
    """The scan with one size t, in the basis in which t^2 F + n^2 is the unit matrix and S is diagonal.

    Attributes
    ----------
    basis_WW
        From energies to it.
    spread
        Logarithm of the determinant of t^2 F + n^2.
    simulation_W
        The diagonal of S.
    moved_DW
        The scan with each offset.
    """

    basis_WW: np.ndarray
    spread: float
    simulation_W: np.ndarray
    moved_DW: np.ndarray

    @classmethod
    def of(cls, scan: MovedScan, difference_WW: np.ndarray, covariance_WW: np.ndarray) -> "_Frame":
        simulation_W, basis_WW = eigh(covariance_WW, difference_WW)
        spread = float(np.linalg.slogdet(difference_WW)[1])
        return cls(basis_WW, spread, np.maximum(simulation_W, 0.0), scan.spectra_DW @ basis_WW)

    def precisions(self, variance_V: np.ndarray) -> np.ndarray:
        """Return the inverse variances in the basis, shape (V, W), the simulation's being given."""
        return np.asarray(1 / (1 + variance_V[:, None] * self.simulation_W))

    def log_likelihoods(self, columns_QW: np.ndarray, variance_V: np.ndarray) -> np.ndarray:
        """Return the logarithm of the density of the scan for all sizes and offsets, shape (V, D)."""
        precision_VW = self.precisions(variance_V)
        spectrum_W, *columns = columns_QW @ self.basis_WW
        columns_PW, apart_DW = np.array(columns), self.moved_DW - spectrum_W
        square_VD = precision_VW @ (apart_DW**2).T
        weighed_VPW = precision_VW[:, None] * columns_PW
        inner_VPD = weighed_VPW @ apart_DW.T
        matrix_VPP = np.eye(len(columns_PW)) + weighed_VPW @ columns_PW.T
        square_VD -= (inner_VPD * np.linalg.solve(matrix_VPP, inner_VPD)).sum(axis=1)
        spread_V = self.spread - np.log(precision_VW).sum(axis=1) + np.linalg.slogdet(matrix_VPP)[1]
        return np.asarray(-0.5 * (square_VD + spread_V[:, None]))

    def fitted(self, columns_QW: np.ndarray, variance: float, measured_W: np.ndarray) -> np.ndarray:
        """Return the spectrum with its likeliest amplitude, damping and stretch."""
        own_W, *columns = columns_QW @ self.basis_WW
        weighed_PW = self.precisions(np.array([variance])) * np.array(columns)
        matrix_PP = np.eye(len(columns)) + weighed_PW @ np.array(columns).T
        sizes_P = np.linalg.solve(matrix_PP, weighed_PW @ (measured_W @ self.basis_WW - own_W))
        return np.asarray(columns_QW[0] + sizes_P @ columns_QW[1:])


@dataclass(frozen=True)
class _Comparison:
    """The scan in the basis of each size t, and what it is compared by."""

    scan: MovedScan
    energy_E: np.ndarray
    residuals: Residuals
    frames: Sequence[_Frame]

    @classmethod
    def of(cls, scan: MovedScan, energy_E: np.ndarray, residuals: Residuals) -> "_Comparison":
        points = scan.points_W
        covariance_WW = residuals.covariance_EE[np.ix_(points, points)].astype(np.float64)
        shape_WW = (1 - _SHARE) * smooth_correlation(energy_E[points]) + _SHARE * covariance_WW
        noise_WW = _NOISE**2 * np.eye(len(points))
        frames = [_Frame.of(scan, t**2 * shape_WW + noise_WW, covariance_WW) for t in _DIFFERENCES]
        return cls(scan, energy_E, residuals, frames)

    def fit(self, spectrum_E: np.ndarray, deviation: float) -> Fit:
        scan, width_B = self.scan, BROADENING * _BROADENINGS
        count = len(self.residuals.size_Q)
        size_V = self.residuals.size_Q[((np.arange(_SIZES) + 0.5) / _SIZES * count).astype(int)]
        variance_V = deviation**2 * size_V.astype(np.float64)
        columns_BQE = _columns(spectrum_E, width_B, self.energy_E, scan.edge)
        columns_BQW = columns_BQE[..., scan.points_W]
        log_BTVD = np.array(
            [[frame.log_likelihoods(one, variance_V) for frame in self.frames] for one in columns_BQW]
        )
        log_BTVD += np.log(_prior(_BROADENINGS))[:, None, None, None] + np.log(scan.prior_D)
        log_BTVD -= np.log(len(self.frames) * _SIZES)
        evidence = logsumexp(log_BTVD)
        posterior_BTVD = np.exp(log_BTVD - evidence)
        at_D = posterior_BTVD.sum(axis=(0, 1, 2))
        below_D = at_D.cumsum() - at_D / 2
        ends = [(1 - LEVEL) / 2, (1 + LEVEL) / 2]
        low, high = (
            np.interp(ends, below_D / below_D[-1], scan.offset_D) if len(at_D) > 1 else [*scan.offset_D] * 2
        )
        b, t, v, d = (int(at) for at in np.unravel_index(log_BTVD.argmax(), log_BTVD.shape))
        measured_W = scan.spectra_DW[d]
        fitted_W = self.frames[int(t)].fitted(columns_BQW[b], float(variance_V[v]), measured_W)
        square = float(((measured_W - fitted_W) ** 2).mean())
        usual_Q = self.residuals.size_Q * deviation**2 + POOR_FIT**2
        return Fit(
            log_evidence=float(evidence),
            offset=float(at_D @ scan.offset_D),
            low=float(low),
            high=float(high),
            broadening=float(posterior_BTVD.sum(axis=(1, 2, 3)) @ width_B),
            misfit=float(np.abs(measured_W - fitted_W).mean()),
            p=float((1 + (usual_Q >= square).sum()) / (1 + len(usual_Q))),
            measured_W=measured_W,
            fitted_W=fitted_W,
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
