"""Spectra that are nearly the same as others once they are moved, scaled or rid of noise.

Candidates are those whose slopes have the most alike Fourier amplitudes, which a shift and a scale leave as they
are; each is then aligned with the other one.
"""

from dataclasses import dataclass

import numpy as np
from scipy.ndimage import gaussian_filter1d

from rankaae_cli.core.comparison.alignment import align

NEARLY_THE_SAME = 0.03  # of the deviation of spectra from their mean; less than where nothing is fitted
SEARCH = 5.0  # eV
_SMOOTHING = 1.0  # eV, standard deviation, which noise of 0.01 does not outlast
_FREQUENCIES, _TAPER = 28, 0.25
_NEAREST, _MOST_PAIRS = 6, 4000  # candidates of each spectrum; pairs that are aligned
_ROWS_AT_ONCE = 1024


@dataclass(frozen=True)
class MovedCopies:
    """Pairs of spectra that are nearly the same once the first is moved and scaled.

    Attributes
    ----------
    pairs_P2
        Rows, the smaller first.
    shift_P, scale_P
        eV that are added to the energies of the first, and the factor on its absorption.
    distance_P
        What is left, as a share of the root mean square deviation of the spectra from their mean.
    """

    pairs_P2: np.ndarray
    shift_P: np.ndarray
    scale_P: np.ndarray
    distance_P: np.ndarray


def moved_copies(energy_E: np.ndarray, spectra_NE: np.ndarray, material_N: np.ndarray) -> MovedCopies:
    """Return the pairs of spectra of different materials that are nearly the same once moved and scaled.

    Parameters
    ----------
    energy_E, spectra_NE
        Shapes (E,) and (N, E), finite.
    material_N
        Of each spectrum.
    """
    step = float(energy_E[-1] - energy_E[0]) / (len(energy_E) - 1)
    if not np.allclose(np.diff(energy_E), step, rtol=0, atol=1e-6):
        grid_E = np.linspace(energy_E[0], energy_E[-1], len(energy_E))
        spectra_NE = np.array([np.interp(grid_E, energy_E, one) for one in spectra_NE])
    smooth_NE = gaussian_filter1d(spectra_NE, _SMOOTHING / step, axis=1)
    deviation = float((smooth_NE - smooth_NE.mean(axis=0)).std())
    pairs_P2 = _candidates(smooth_NE, material_N)
    first_P, second_P = pairs_P2.T
    aligned = align(0.0, spectra_NE[first_P], 0.0, spectra_NE[second_P], step, SEARCH, widths=(0.0,))
    distance_P = np.array(
        [
            _distance(smooth_NE[i], smooth_NE[j], shift / step) / max(deviation, 1e-300)
            for i, j, shift in zip(first_P, second_P, aligned.shift_N, strict=True)
        ]
    )
    found = np.flatnonzero(distance_P < NEARLY_THE_SAME)
    return MovedCopies(pairs_P2[found], aligned.shift_N[found], aligned.scale_N[found], distance_P[found])


def _candidates(smooth_NE: np.ndarray, material_N: np.ndarray) -> np.ndarray:
    """Return the pairs of different materials whose slopes have the most alike Fourier amplitudes, (P, 2)."""
    points = smooth_NE.shape[1]
    slope_NE = np.gradient(smooth_NE, axis=1) * np.hanning(points + 2)[1:-1] ** _TAPER
    amplitude_NF = np.abs(np.fft.rfft(slope_NE, axis=1))[:, 1:_FREQUENCIES]
    size_N = np.linalg.norm(amplitude_NF, axis=1)
    amplitude_NF /= np.maximum(size_N, 1e-300)[:, None]
    code_N = np.unique(material_N, return_inverse=True)[1]
    pairs, alike = [], []
    for first in range(0, len(amplitude_NF), _ROWS_AT_ONCE):
        block = np.arange(first, min(first + _ROWS_AT_ONCE, len(amplitude_NF)))
        product_BN = amplitude_NF[block] @ amplitude_NF.T
        product_BN[code_N[block, None] == code_N] = -1
        nearest = min(_NEAREST, len(amplitude_NF))
        near_BP = np.argpartition(-product_BN, nearest - 1, axis=1)[:, :nearest]
        pairs.append(np.stack([np.repeat(block, nearest), near_BP.ravel()], axis=1))
        alike.append(np.take_along_axis(product_BN, near_BP, axis=1).ravel())
    pair_P2, alike_P = np.sort(np.concatenate(pairs), axis=1), np.concatenate(alike)
    pair_P2, alike_P = pair_P2[alike_P > 0], alike_P[alike_P > 0]
    pair_P2, kept_P = np.unique(pair_P2, axis=0, return_index=True)
    return pair_P2[np.argsort(-alike_P[kept_P], kind="stable")[:_MOST_PAIRS]]


def _distance(own_E: np.ndarray, other_E: np.ndarray, steps: float) -> float:
    """Return what is left of two spectra, the first moved, scaled and offset; infinite where it does not fit."""
    if not np.isfinite(steps):
        return np.inf
    place_E = np.arange(len(other_E)) - steps
    common = (place_E >= 0) & (place_E <= len(own_E) - 1)
    own, other = np.interp(place_E[common], np.arange(len(own_E)), own_E), other_E[common]
    scale, offset = np.polyfit(own, other, 1)
    left = float(np.sqrt(((scale * own + offset - other) ** 2).mean()))
    # In the larger of the two, so that a spectrum of next to nothing is not like all others.
    return left / max(min(scale, 1.0), 1e-300) if scale > 0 else np.inf
