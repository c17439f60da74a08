"""The shift, scale and relative broadening at which one spectrum fits another.

For each shift the scale and the offset of the absorption are those of least squares, in closed form, so that what
is left is 1 - r^2, r being Pearson's correlation over the energies that both then have; cross-correlations by fast
Fourier transform give it for all shifts at once. Shifts are sought near those at which the slopes of both spectra
correlate, since flat ends fit each other anywhere. The sharper of the two is broadened by a Lorentzian of several
widths; parabolas find the shift and the width between those tried. Noise that a broadening takes away counts as
left, else the noisier spectrum would fit best broadened.

Letters: N pairs, E and M energies of either spectrum, D shifts of the search, K widths, H blocks of energies,
J all energies and all but each block.
"""

from collections.abc import Sequence
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
_BLOCKS, _STUDENT = 6, 1.11  # t of five degrees of freedom within which 68 % lie
_FEWEST_LAGS, _BEYOND = 3, 2  # steps beyond the search, so that what is best at its end shows
_AROUND = 2.0  # eV about the best shift, within which left-out blocks may move it
_ROWS_AT_ONCE = 512
_FEWEST_FOR_NOISE = 20
_NORMAL = 1.4826  # standard deviation over median absolute deviation, of a normal distribution


@dataclass(frozen=True)
class Alignments:
    """At which shift each first spectrum fits the second; NaN where a pair has no shift.

    Attributes
    ----------
    shift_N
        eV, to be added to the energies of the first.
    error_N
        eV: the jackknife's error over blocks of energies, width fitted anew with each left out, by Student's t.
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
    widths: Sequence[float] = WIDTHS,
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
        Of each pair. One of a constant spectrum, or of which no slopes correlate, or that fits best at an end of
        the search, has none.
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
    padded = np.pad(spectra_NE, ((0, 0), (points, points)), mode="edge")
    kernel = _lorentzian(width, step, points)
    return fftconvolve(padded, kernel[None], mode="same", axes=1)[:, points:-points]


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
        self.noises = [_noise(each) for each in (self.own_NE, self.other_NM)]
        n, m = own_NE.shape[1], other_NM.shape[1]
        # With lag l the first's point i + l lies on the second's point i.
        self.lag_D = np.arange(-(m - 1), n)
        # eV to be added to the first's energies.
        self.shift_D = -(between + step * self.lag_D)
        self.search = search
        if search is not None:
            within = np.abs(self.shift_D) <= search + _BEYOND * step
            self.lag_D, self.shift_D = self.lag_D[within], self.shift_D[within]
        self.length = 1 << (n + m - 1).bit_length()
        self.count_D = self._correlation(np.ones((1, n)), np.ones((1, m)))[0].round()
        self.usable_D = self.count_D >= _LEAST_OVERLAP * min(n, m)

    def aligned(self, widths: Sequence[float]) -> tuple[np.ndarray, ...]:
        """Return what `Alignments` holds, field by field."""
        rows = np.arange(len(self.own_NE))
        if len(self.lag_D) < _FEWEST_LAGS:
            return (np.full(len(rows), np.nan),) * 6
        widths = sorted(widths)
        allowed_ND = self._near_candidates()
        best_N, lag_N, width_N = np.full(len(rows), np.inf), rows * 0, rows * 0
        for k, width in enumerate(widths):
            misfit_ND = np.where(allowed_ND, self._misfit(*self._at_width(width)), _NO_FIT)
            misfit_ND += self._noise_lost(width)[:, None]
            d_N = misfit_ND.argmin(axis=1)
            better_N = misfit_ND[rows, d_N] < best_N
            best_N = np.where(better_N, misfit_ND[rows, d_N], best_N)
            lag_N, width_N = np.where(better_N, d_N, lag_N), np.where(better_N, k, width_N)
        values_FN = np.full((6, len(rows)), np.nan)
        has_shift_N = best_N < 1
        for k in np.unique(width_N[has_shift_N]):
            of_width = rows[has_shift_N & (width_N == k)]
            first = min(max(k - 1, 0), max(len(widths) - 3, 0))
            near = np.array(widths[first : first + 3])
            spectra = [self._at_width(width, of_width) for width in near]
            lost_KB = np.array([self._noise_lost(width)[of_width] for width in near])
            for i, n in enumerate(of_width):
                sums = self._sums(lag_N[n], [(own[i], other[i]) for own, other in spectra])
                values_FN[:5, n] = self._refined(n, lag_N[n], near, sums, lost_KB[:, i])
                values_FN[5, n] = best_N[n] - self._noise_lost(widths[k])[n]
        if self.search is not None:
            values_FN[:, np.abs(values_FN[0]) > self.search] = np.nan
        return tuple(values_FN)

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

    def _noise_lost(self, width: float) -> np.ndarray:
        """Return the share of a variance that the noise had which broadening takes away, (N,).

        Without it the noisier spectrum would always be broadened.
        """
        kept = float((_lorentzian(abs(width), self.step, 64) ** 2).sum()) if width else 1.0
        return (1 - kept) * self.noises[int(width < 0)]

    def _sums(self, d: int, pairs: Sequence[tuple[np.ndarray, np.ndarray]]) -> np.ndarray:
        """Return sums of a pair, at several widths, over blocks of the common energies: shape (6, K, D, H).

        They are the number of points, and the sums of both, of their squares and of their product, at the lags
        about `d`.
        """
        around = round(_AROUND / self.step)
        lags = self.lag_D[max(d - around, 0) : d + around + 1]
        points_own, points_other = len(pairs[0][0]), len(pairs[0][1])
        point_DM = lags[:, None] + np.arange(points_other)
        common_DM = (point_DM >= 0) & (point_DM < points_own)
        point_DM = np.clip(point_DM, 0, points_own - 1)
        own_KDM = np.stack([np.where(common_DM, own_E[point_DM], 0.0) for own_E, _ in pairs])
        other_KDM = np.stack([np.where(common_DM, other_M, 0.0) for _, other_M in pairs])
        count_KDM = np.broadcast_to(common_DM.astype(np.float64), own_KDM.shape)
        products = (count_KDM, own_KDM, other_KDM, own_KDM**2, other_KDM**2, own_KDM * other_KDM)
        points = np.flatnonzero(common_DM[int(np.flatnonzero(lags == self.lag_D[d])[0])])
        blocks = np.linspace(points[0], points[-1] + 1, _BLOCKS + 1).astype(int)[:-1]
        blocks[0] = 0
        return np.stack([np.add.reduceat(each, blocks, axis=2) for each in products])

    def _refined(
        self, n: int, d: int, width_K: np.ndarray, sums: np.ndarray, lost_K: np.ndarray
    ) -> tuple[float, ...]:
        """Return shift, its error, scale, offset and width of a pair, between the lags and widths tried."""
        whole = sums.sum(axis=3, keepdims=True)
        # All, and all but each block.
        count, x, y, xx, yy, xy = np.concatenate([whole, whole - sums], axis=3)
        count = np.maximum(count, 1)
        variance = xx - x * x / count
        covariance = xy - x * y / count
        r = covariance / np.sqrt(np.maximum(variance * (yy - y * y / count), 1e-300))
        misfit_KDJ = 1 - r * np.abs(r) + lost_K[:, None, None]
        place_KJ, least_KJ = _vertices(misfit_KDJ)
        weight_KJ = _between(width_K, least_KJ)
        around = round(_AROUND / self.step)
        shift_J = self.shift_D[max(d - around, 0)] - self.step * (weight_KJ * place_KJ).sum(axis=0)
        left_out = len(shift_J) - 1
        # About that of all, not their mean: residuals of neighbouring blocks may go together.
        error = _STUDENT * np.sqrt((left_out - 1) / left_out * ((shift_J[1:] - shift_J[0]) ** 2).sum())
        if (place_KJ <= 0).any() or (place_KJ >= misfit_KDJ.shape[1] - 1).any():
            error = max(float(error), _AROUND)  # as far as it was looked at
        at_K = np.arange(len(width_K)), place_KJ[:, 0].round().astype(int), 0
        scale_K = covariance[at_K] / variance[at_K]
        offset_K = (y[at_K] - scale_K * x[at_K]) / count[at_K]
        scale, offset, width = (float(weight_KJ[:, 0] @ each) for each in (scale_K, offset_K, width_K))
        width = round(width, 4) + 0.0
        # Back from unit deviation.
        own_size, other_size = (each[n] for each in self.deviations)
        own_mean, other_mean = (each[n] for each in self.means)
        scale *= other_size / own_size
        return (
            float(shift_J[0]),
            float(error),
            scale,
            other_mean + other_size * offset - scale * own_mean,
            width,
        )


def _lorentzian(width: float, step: float, points: int) -> np.ndarray:
    """Return a Lorentzian of a full width in eV with a sum of one, integrated over each of 2 `points` + 2 steps."""
    # Integrated, so that a narrow one is whole too.
    kernel = np.diff(np.arctan(2 * (np.arange(-points, points + 2) - 0.5) * step / width))
    return kernel / kernel.sum()


def _noise(spectra_NE: np.ndarray) -> np.ndarray:
    """Return the variance of the noise of spectra, by fourth differences, which a curve hardly has."""
    if spectra_NE.shape[1] < _FEWEST_FOR_NOISE:
        return np.zeros(len(spectra_NE))
    difference_NE = np.diff(spectra_NE, 4, axis=1)
    # 70 is the sum of the squares of 1, 4, 6, 4, 1.
    return (_NORMAL * np.median(np.abs(difference_NE), axis=1)) ** 2 / 70


def _vertices(misfit_KDJ: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return where a parabola through the least misfit of the lags and its neighbours is least, and the least."""
    d_KJ = misfit_KDJ.argmin(axis=1)
    inner_KJ = np.clip(d_KJ, 1, misfit_KDJ.shape[1] - 2)
    below, at, above = (
        np.take_along_axis(misfit_KDJ, inner_KJ[:, None] + k, axis=1)[:, 0] for k in (-1, 0, 1)
    )
    bend = below - 2 * at + above
    usable = (inner_KJ == d_KJ) & (bend > 0)
    between = np.where(usable, 0.5 * (below - above) / np.where(bend > 0, bend, 1), 0.0)
    least_KJ = np.take_along_axis(misfit_KDJ, d_KJ[:, None], axis=1)[:, 0]
    return d_KJ + between, least_KJ - 0.5 * between**2 * np.maximum(bend, 0)


def _between(width_K: np.ndarray, least_KJ: np.ndarray) -> np.ndarray:
    """Return the weights of three widths in a value at that of the least misfit, by parabolas, shape (K, J)."""
    best_J = least_KJ.argmin(axis=0)
    if len(width_K) < 3:
        return np.eye(len(width_K))[best_J].T
    others_K2 = width_K[[[1, 2], [0, 2], [0, 1]]]
    size_K = (width_K - others_K2.T).prod(axis=0)
    bend_J = 2 * (least_KJ.T / size_K).sum(axis=1)
    slope_J = (least_KJ.T * ((2 * width_K[1] - others_K2.sum(axis=1)) / size_K)).sum(axis=1)
    vertex_J = width_K[1] - slope_J / np.where(bend_J > 0, bend_J, 1)
    width_J = np.where(bend_J > 0, np.clip(vertex_J, width_K[0], width_K[2]), width_K[best_J])
    return (width_J - others_K2[..., None]).prod(axis=1) / size_K[:, None]
