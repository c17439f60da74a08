"""The shift, scale and relative broadening at which one spectrum fits another.

For each shift the scale and the offset of the absorption are those of least squares, in closed form, so that what
is left is 1 - r^2, r being Pearson's correlation over the energies that both then have; cross-correlations by fast
Fourier transform give it for all shifts at once. Shifts are sought near those at which the slopes of both spectra
correlate, since flat ends fit each other anywhere. The sharper of the two is broadened by a Lorentzian of several
widths, and the best of all is taken.

Letters: N pairs, E and M energies of either spectrum, D shifts of the search, J blocks of energies.
"""

from dataclasses import dataclass

import numpy as np
from scipy.ndimage import gaussian_filter1d
from scipy.signal import fftconvolve

# eV, full width at half maximum, by which either spectrum may be broadened; negative: the second.
WIDTHS = (0.0, 0.5, 1.0, 2.0, 3.0, 4.0, -0.5, -1.0, -2.0, -3.0, -4.0)
_LEAST_OVERLAP = 0.5  # of the shorter spectrum
_MOST_CANDIDATES, _LEAST_OF_BEST = 3, 0.5  # peaks of the correlation of slopes
_NEAR = 3.0  # eV about a candidate
_SLOPE_SMOOTHING = 1.0  # eV, standard deviation
_NO_FIT = 3.0  # above 2, which 1 - r |r| reaches for opposite spectra
_BLOCKS = 8
_FEWEST_LAGS = 3
_AROUND = 2.0  # eV about the best shift, within which left-out blocks may move it
_ROWS_AT_ONCE = 512


@dataclass(frozen=True)
class Alignments:
    """At which shift each first spectrum fits the second; NaN where a pair has no shift.

    Attributes
    ----------
    shift_N
        eV, to be added to the energies of the first.
    error_N
        eV: the jackknife's standard error over blocks of energies.
    scale_N, offset_N
        The second is ``scale * first + offset`` there.
    width_N
        eV, full width of the Lorentzian that broadens the first, or where negative the second.
    misfit_N
        Share of the second's variance over the common energies that is left, 1 - r^2.
    """

    shift_N: np.ndarray
    error_N: np.ndarray
    scale_N: np.ndarray
    offset_N: np.ndarray
    width_N: np.ndarray
    misfit_N: np.ndarray


def align(
    start: float,
    spectra_NE: np.ndarray,
    other_start: float,
    others_NM: np.ndarray,
    step: float,
    search: float | None = None,
    widths: tuple[float, ...] = WIDTHS,
) -> Alignments:
    """Align each spectrum with another one.

    Parameters
    ----------
    start, spectra_NE
        First energy of the spectra that are moved, eV, and their absorption.
    other_start, others_NM
        Those of what they are to fit, in the same order.
    step
        eV, between the energies of all.
    search
        Largest shift, eV, either way; None: any at which half of the shorter spectrum overlaps.
    widths
        eV; see `WIDTHS`.

    Returns
    -------
    Alignments
        Of each pair. One of a constant spectrum, or of which no slopes correlate, has none.
    """
    parts = []
    for first in range(0, len(spectra_NE), _ROWS_AT_ONCE):
        rows = slice(first, first + _ROWS_AT_ONCE)
        own_NE, other_NM = (np.asarray(each[rows], np.float64) for each in (spectra_NE, others_NM))
        block = _Block(own_NE, other_NM, start - other_start, step, search)
        parts.append(block.aligned(widths))
    columns = zip(*parts, strict=True) if parts else [[np.empty(0)]] * 6
    return Alignments(*(np.concatenate(column) for column in columns))


def broadened(spectra_NE: np.ndarray, width: float, step: float) -> np.ndarray:
    """Return spectra (N, E) broadened by a Lorentzian of a full width in eV; beyond their ends they go on flat."""
    if width == 0:
        return spectra_NE
    points = spectra_NE.shape[-1]
    # Integrated over each step, so that a narrow one is whole too.
    ends = (np.arange(-points, points + 2) - 0.5) * step
    kernel = np.diff(np.arctan(2 * ends / width))
    padded = np.pad(spectra_NE, ((0, 0), (points, points)), mode="edge")
    return fftconvolve(padded, (kernel / kernel.sum())[None, :], mode="same", axes=1)[:, points:-points]


class _Block:
    """Some of the pairs, scaled to unit deviation."""

    def __init__(
        self, own_NE: np.ndarray, other_NM: np.ndarray, between: float, step: float, search: float | None
    ):
        self.step = step
        self.deviations = [np.maximum(each.std(axis=1), 1e-300) for each in (own_NE, other_NM)]
        self.means = [each.mean(axis=1) for each in (own_NE, other_NM)]
        self.own_NE, self.other_NM = (
            (each - mean[:, None]) / deviation[:, None]
            for each, mean, deviation in zip((own_NE, other_NM), self.means, self.deviations, strict=True)
        )
        n, m = own_NE.shape[1], other_NM.shape[1]
        # With lag l the first's point i + l lies on the second's point i.
        self.lag_D = np.arange(-(m - 1), n)
        # eV to be added to the first's energies.
        self.shift_D = -(between + step * self.lag_D)
        if search is not None:
            within = np.abs(self.shift_D) <= search
            self.lag_D, self.shift_D = self.lag_D[within], self.shift_D[within]
        self.length = 1 << (n + m - 1).bit_length()
        self.count_D = self._correlation(np.ones((1, n)), np.ones((1, m)))[0].round()
        self.usable_D = self.count_D >= _LEAST_OVERLAP * min(n, m)

    def aligned(self, widths: tuple[float, ...]) -> tuple[np.ndarray, ...]:
        """Return what `Alignments` holds, field by field."""
        rows = np.arange(len(self.own_NE))
        if len(self.lag_D) < _FEWEST_LAGS:
            return (np.full(len(rows), np.nan),) * 6
        allowed_ND = self._near_candidates()
        best_N, lag_N, between_N, width_N = np.full(len(rows), np.inf), rows * 0, rows * 0.0, rows * 0.0
        for width in widths:
            misfit_ND = np.where(allowed_ND, self._misfit(*self._at_width(width)), _NO_FIT)
            d_N = misfit_ND.argmin(axis=1)
            better_N = misfit_ND[rows, d_N] < best_N
            best_N = np.where(better_N, misfit_ND[rows, d_N], best_N)
            lag_N, width_N = np.where(better_N, d_N, lag_N), np.where(better_N, width, width_N)
            between_N = np.where(better_N, _vertex(misfit_ND, d_N), between_N)
        has_shift_N = best_N < 1
        error_N, scale_N, offset_N = (np.full(len(rows), np.nan) for _ in range(3))
        for width in np.unique(width_N[has_shift_N]):
            of_width = rows[has_shift_N & (width_N == width)]
            for n, own_E, other_M in zip(of_width, *self._at_width(float(width), of_width), strict=True):
                error_N[n], scale_N[n], offset_N[n] = self._details(n, lag_N[n], own_E, other_M)
        shift_N = np.where(has_shift_N, self.shift_D[lag_N] - self.step * between_N, np.nan)
        nan_N = np.where(has_shift_N, 0.0, np.nan)
        return shift_N, error_N, scale_N, offset_N, width_N + nan_N, best_N + nan_N

    def _at_width(
        self, width: float, rows: np.ndarray | slice = slice(None)
    ) -> tuple[np.ndarray, np.ndarray]:
        """Return both spectra, one of them broadened."""
        own_NE, other_NM = self.own_NE[rows], self.other_NM[rows]
        if width < 0:
            return own_NE, broadened(other_NM, -width, self.step)
        return broadened(own_NE, width, self.step), other_NM

    def _correlation(self, own_NE: np.ndarray, other_NM: np.ndarray) -> np.ndarray:
        """Return the sums over common points of the products at each lag, (N, D)."""
        product = np.fft.rfft(own_NE, self.length) * np.conj(np.fft.rfft(other_NM, self.length))
        return np.fft.irfft(product, self.length)[:, self.lag_D % self.length]

    def _misfit(self, own_NE: np.ndarray, other_NM: np.ndarray) -> np.ndarray:
        """Return 1 - r |r| at each lag, (N, D)."""
        one_E, one_M = np.ones((1, own_NE.shape[1])), np.ones((1, other_NM.shape[1]))
        count_D = np.maximum(self.count_D, 1)
        sums = [
            self._correlation(*pair)
            for pair in (
                (own_NE, one_M),
                (one_E, other_NM),
                (own_NE**2, one_M),
                (one_E, other_NM**2),
                (own_NE, other_NM),
            )
        ]
        variances = [sums[2] - sums[0] ** 2 / count_D, sums[3] - sums[1] ** 2 / count_D]
        covariance_ND = sums[4] - sums[0] * sums[1] / count_D
        # Over a flat part of unit deviation's spectrum nothing can be told.
        told_ND = (variances[0] > 1e-6 * count_D) & (variances[1] > 1e-6 * count_D) & self.usable_D
        r_ND = covariance_ND / np.sqrt(np.maximum(variances[0] * variances[1], 1e-300))
        return np.where(told_ND, 1 - r_ND * np.abs(r_ND), _NO_FIT)

    def _near_candidates(self) -> np.ndarray:
        """Return which lags lie near a peak of the correlation of slopes, (N, D) bool."""
        slopes = [
            gaussian_filter1d(np.gradient(each, axis=1), _SLOPE_SMOOTHING / self.step, axis=1)
            for each in (self.own_NE, self.other_NM)
        ]
        correlation_ND = np.where(self.usable_D, self._correlation(*slopes), -np.inf)
        inner = correlation_ND[:, 1:-1]
        is_peak = (inner >= correlation_ND[:, :-2]) & (inner > correlation_ND[:, 2:]) & (inner > 0)
        height_ND = np.zeros_like(correlation_ND)
        height_ND[:, 1:-1] = np.where(is_peak, inner, 0.0)
        order = np.argsort(-height_ND, axis=1, kind="stable")[:, :_MOST_CANDIDATES]
        near = round(_NEAR / self.step)
        allowed_ND = np.zeros(correlation_ND.shape, dtype=bool)
        for row, candidates in enumerate(order):
            highest = height_ND[row, candidates[0]]
            for d in candidates:
                if height_ND[row, d] > 0 and height_ND[row, d] >= _LEAST_OF_BEST * highest:
                    allowed_ND[row, max(d - near, 0) : d + near + 1] = True
        return allowed_ND

    def _details(self, n: int, d: int, own_E: np.ndarray, other_M: np.ndarray) -> tuple[float, float, float]:
        """Return the jackknife's error of the shift of a pair, eV, and its scale and offset."""
        around = round(_AROUND / self.step)
        lags = self.lag_D[max(d - around, 0) : d + around + 1]
        point_DM = lags[:, None] + np.arange(len(other_M))
        common_DM = (point_DM >= 0) & (point_DM < len(own_E))
        own_DM = np.where(common_DM, own_E[np.clip(point_DM, 0, len(own_E) - 1)], 0.0)
        other_DM = np.where(common_DM, other_M, 0.0)
        products = (common_DM, own_DM, other_DM, own_DM**2, other_DM**2, own_DM * other_DM)
        at = int(np.flatnonzero(lags == self.lag_D[d])[0])
        points = np.flatnonzero(common_DM[at])
        blocks = np.linspace(points[0], points[-1] + 1, _BLOCKS + 1).astype(int)[:-1]
        blocks[0] = 0
        sums = [np.add.reduceat(np.asarray(each, dtype=np.float64), blocks, axis=1) for each in products]
        count, x, y, xx, _, xy = (each.sum(axis=1)[at] for each in sums)
        scale = (xy - x * y / count) / (xx - x * x / count)
        offset = (y - scale * x) / count
        # Back from unit deviation.
        own_size, other_size = (each[n] for each in self.deviations)
        own_mean, other_mean = (each[n] for each in self.means)
        scale *= other_size / own_size
        offset = other_mean + other_size * offset - scale * own_mean
        return self._jackknife(sums), float(scale), float(offset)

    def _jackknife(self, sums: list[np.ndarray]) -> float:
        """Return the standard error of the shift that leaving out each block gives, from sums (D, J)."""
        count, x, y, xx, yy, xy = (each.sum(axis=1, keepdims=True) - each for each in sums)
        count = np.maximum(count, 1)
        variance = np.maximum((xx - x * x / count) * (yy - y * y / count), 1e-300)
        r_DJ = (xy - x * y / count) / np.sqrt(variance)
        misfit_JD = (1 - r_DJ * np.abs(r_DJ)).T
        best_J = misfit_JD.argmin(axis=1)
        shifts_J = self.step * (best_J + _vertex(misfit_JD, best_J))
        left_out = len(shifts_J)
        return float(np.sqrt((left_out - 1) / left_out * ((shifts_J - shifts_J.mean()) ** 2).sum()))


def _vertex(misfit_ND: np.ndarray, d_N: np.ndarray) -> np.ndarray:
    """Return where a parabola through the least of each row and its neighbours is least, in steps from it."""
    rows, inner_N = np.arange(len(d_N)), np.clip(d_N, 1, misfit_ND.shape[1] - 2)
    below_N, at_N, above_N = (misfit_ND[rows, inner_N + k] for k in (-1, 0, 1))
    bend_N = below_N - 2 * at_N + above_N
    usable_N = (inner_N == d_N) & (bend_N > 0) & (np.maximum(below_N, above_N) < _NO_FIT)
    return np.where(usable_N, 0.5 * (below_N - above_N) / np.where(bend_N > 0, bend_N, 1), 0.0)
