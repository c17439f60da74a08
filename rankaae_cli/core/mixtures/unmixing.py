"""A spectrum as a mixture of classes of sites, such as valences: non-negative combination of reference spectra.

The absorption of a mixture is the sum of its parts' in their shares, so the shares are found by non-negative
least squares (Lawson and Hanson, Solving Least Squares Problems (1974)), as linear-combination fitting does. Which
spectra stand for a class is not known: some of each are drawn, many times over, and the shares averaged over the
draws that fit best. How far these are off is measured on mixtures made of spectra that are not among the
references, and stated with them.

Letters: C classes, D drawn references.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from scipy.optimize import nnls
from scipy.special import ndtri

from rankaae_cli.core.statistics.calibration import conformal_quantile
from rankaae_cli.core.xas.discrepancy import discrepancy

# On copper oxides, the best tenth of the draws is off by a fifth less than all of them for coordination numbers.
_OF_A_CLASS, _DRAWS, _BEST = 20, 80, 10
_FEWEST_OF_A_CLASS = 5
_TEST_MIXTURES = 200  # that the uncertainty is measured on
_LEAST_DEVIATION = 0.05  # draws may agree by chance


class _Draw(NamedTuple):
    """D references that a spectrum is combined of.

    What of a spectrum lies outside the span of theirs cannot be fitted: least squares of the part inside, on the
    triangle of their QR decomposition, have the same solution and fewer rows.
    """

    label_D: np.ndarray  # index of the class
    spectra_ED: np.ndarray
    basis_ED: np.ndarray
    triangle_DD: np.ndarray


@dataclass(frozen=True)
class Mixture:
    """Shares of the classes in one spectrum.

    Attributes
    ----------
    classes
        C values, ascending.
    share, low, high
        Shares, adding up to 1, and their intervals.
    error
        Mean absolute difference between the spectrum and the combinations, averaged over the best draws.
    """

    classes: tuple[float, ...]
    share: np.ndarray
    low: np.ndarray
    high: np.ndarray
    error: float


class Unmixer:
    """Reads shares of classes off spectra.

    Parameters
    ----------
    references_NE
        Spectra of sites of one class each, shape (N, E).
    class_N
        The class of each, shape (N,).
    material_N
        Its material, shape (N,). The spectra of a fifth of the materials are kept from the references, and the
        mixtures that measure the uncertainty are made of them.
    coverage
        Part of the spectra whose true shares, all of them, the intervals are to hold.
    seed
        Of the draws.

    Raises
    ------
    ValueError
        If fewer than two classes have five spectra on either side.
    """

    def __init__(
        self,
        references_NE: np.ndarray,
        class_N: np.ndarray,
        material_N: Sequence[str] | np.ndarray,
        coverage: float,
        seed: int = 0,
    ) -> None:
        self._rng = np.random.default_rng(seed)
        self._normal = float(ndtri((1 + coverage) / 2))
        materials = np.unique(np.asarray(material_N).astype(str))
        apart = self._rng.permutation(materials)[: -(-len(materials) // 5)]
        apart_N = np.isin(np.asarray(material_N).astype(str), apart)
        self.classes = tuple(
            float(c)
            for c in np.unique(class_N)
            if min(((class_N == c) & side).sum() for side in (apart_N, ~apart_N)) >= _FEWEST_OF_A_CLASS
        )
        if len(self.classes) < 2:
            raise ValueError(
                f"{len(self.classes)} classes have enough reference spectra, at least 2 are needed"
            )
        references = [
            np.asarray(references_NE[(class_N == c) & ~apart_N], dtype=np.float64) for c in self.classes
        ]
        # The same draws for every spectrum, so that what one is read as does not depend on the others.
        self._draws = [self._drawn(references) for _ in range(_DRAWS)]
        test_spectra = [
            np.asarray(references_NE[(class_N == c) & apart_N], dtype=np.float64) for c in self.classes
        ]
        self._factor, self._usual_error = self._measured_on(test_spectra, coverage)

    def read(
        self,
        spectrum_E: np.ndarray,
        moved_NE: np.ndarray | None = None,
        weight_N: np.ndarray | None = None,
        differences_ME: np.ndarray | None = None,
    ) -> Mixture:
        """Read one spectrum.

        Parameters
        ----------
        spectrum_E
            Shape (E,).
        moved_NE, weight_N
            The same spectrum with the N offsets of its energies that may be true instead, and how likely each is;
            they widen the intervals. None where its energies are certain.
        differences_ME
            Of a measured spectrum: M smooth differences of mean absolute value 1. What the combinations leave of it
            beyond what they usually leave is taken for a difference from computed spectra, and its unseen part to
            be as large; see `rankaae_cli.core.xas.discrepancy`. None for a computed one.
        """
        share, deviation, error = self._shares(np.asarray(spectrum_E, dtype=np.float64))
        half = self._factor * deviation
        if moved_NE is not None and weight_N is not None:
            moved_NC = np.stack([self._shares(np.asarray(m_E, dtype=np.float64))[0] for m_E in moved_NE])
            half = np.hypot(half, self._normal * np.sqrt(weight_N @ (moved_NC - share) ** 2))
        size = float(discrepancy(np.array(error), self._usual_error))
        if differences_ME is not None and size > 0:
            changed_MC = np.stack([self._shares(spectrum_E + size * d_E)[0] for d_E in differences_ME])
            half = np.hypot(half, self._normal * np.sqrt(((changed_MC - share) ** 2).mean(axis=0)))
        return Mixture(self.classes, share, np.clip(share - half, 0, 1), np.clip(share + half, 0, 1), error)

    def _drawn(self, references: Sequence[np.ndarray]) -> _Draw:
        """Draw some references of each class."""
        some = [
            one_NE[self._rng.choice(len(one_NE), min(_OF_A_CLASS, len(one_NE)), replace=False)]
            for one_NE in references
        ]
        label_D = np.repeat(np.arange(len(some)), [len(one) for one in some])
        spectra_ED = np.concatenate(some).T
        return _Draw(label_D, spectra_ED, *np.linalg.qr(spectra_ED))

    def _shares(self, spectrum_E: np.ndarray) -> tuple[np.ndarray, np.ndarray, float]:
        """Return shares, their standard deviation over the best draws, and the error of the combinations."""
        shares = np.empty((_DRAWS, len(self.classes)))
        errors = np.empty(_DRAWS)
        for i, draw in enumerate(self._draws):
            weight_D, _ = nnls(draw.triangle_DD, draw.basis_ED.T @ spectrum_E)
            shares[i] = np.bincount(draw.label_D, weight_D, shares.shape[1]) / max(weight_D.sum(), 1e-12)
            errors[i] = np.abs(draw.spectra_ED @ weight_D - spectrum_E).mean()
        best = np.argsort(errors, kind="stable")[:_BEST]
        deviation = shares[best].std(axis=0) + _LEAST_DEVIATION
        return shares[best].mean(axis=0), deviation, float(errors[best].mean())

    def _measured_on(self, spectra: Sequence[np.ndarray], coverage: float) -> tuple[float, float]:
        """Return how many deviations an interval takes, and the usual error, from mixtures of two known parts."""
        errors, remainders = [], []
        for _ in range(_TEST_MIXTURES):
            a, b = self._rng.integers(len(spectra), size=2)  # of one class too: some spectra are no mixtures
            part = self._rng.random()
            first, second = (spectra[i][self._rng.integers(len(spectra[i]))] for i in (a, b))
            true = np.zeros(len(spectra))
            true[a] += part
            true[b] += 1 - part
            share, deviation, remainder = self._shares(part * first + (1 - part) * second)
            errors.append((np.abs(share - true) / deviation).max())
            remainders.append(remainder)
        return conformal_quantile(np.array(errors), coverage), float(np.median(remainders))
