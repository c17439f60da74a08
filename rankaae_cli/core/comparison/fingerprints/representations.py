"""What stands for a spectrum where clusters are sought: coordinates in which spectra of one kind lie together."""

from dataclasses import dataclass

import numpy as np
from sklearn.decomposition import NMF, PCA

CUMULATIVE, COMPONENTS, STANDARDISED, FACTORS = "cumulative", "components", "standardised", "factors"
REPRESENTATIONS = (CUMULATIVE, COMPONENTS, STANDARDISED, FACTORS)
_MOST_COORDINATES = 20
_FACTORS = 8
_FACTOR_STEPS = 300
_LEAST_DEVIATION = 1e-3  # of an energy where spectra hardly differ, as a share of their deviation overall


@dataclass(frozen=True)
class Representation:
    """From spectra to coordinates, fitted to some and then applied to any on the same energies.

    Attributes
    ----------
    kind
        One of `REPRESENTATIONS`. `CUMULATIVE`: the share of the absorption up to each energy, so that spectra are
        far from each other where absorption would have to be moved far. `COMPONENTS`: the spectrum as it is.
        `STANDARDISED`: each energy less its mean over spectra, over its deviation. `FACTORS`: weights of
        non-negative factors, each times the size of its factor.
    mean_E, deviation_E
        Of the spectra fitted to, shape (E,).
    factors
        Fitted non-negative factors, of `FACTORS` alone.
    components
        Principal components, at most twenty, of what `kind` makes of the spectra: they hold nearly all of it.
    """

    kind: str
    mean_E: np.ndarray
    deviation_E: np.ndarray
    factors: NMF | None
    components: PCA

    def coordinates(self, spectra_NE: np.ndarray) -> np.ndarray:
        """Return the coordinates of spectra, shape (N, C)."""
        described = _described(self.kind, self.mean_E, self.deviation_E, self.factors, spectra_NE)
        return self.components.transform(described)


def fit_representation(spectra_NE: np.ndarray, kind: str) -> Representation:
    """Fit a representation to at least two spectra.

    Parameters
    ----------
    spectra_NE
        Shape (N, E).
    kind
        One of `REPRESENTATIONS`.
    """
    spectra_NE = np.asarray(spectra_NE, dtype=np.float64)
    mean_E, deviation_E = spectra_NE.mean(axis=0), spectra_NE.std(axis=0)
    deviation_E = np.maximum(deviation_E + _LEAST_DEVIATION * spectra_NE.std(), 1e-300)
    factors = None
    if kind == FACTORS:
        factors = NMF(
            min(_FACTORS, *spectra_NE.shape), init="nndsvda", max_iter=_FACTOR_STEPS, tol=1e-3, random_state=0
        ).fit(np.maximum(spectra_NE, 0))
    described = _described(kind, mean_E, deviation_E, factors, spectra_NE)
    size = min(_MOST_COORDINATES, len(described) - 1, described.shape[1])
    return Representation(kind, mean_E, deviation_E, factors, PCA(size, random_state=0).fit(described))


def _described(
    kind: str, mean_E: np.ndarray, deviation_E: np.ndarray, factors: NMF | None, spectra_NE: np.ndarray
) -> np.ndarray:
    spectra_NE = np.asarray(spectra_NE, dtype=np.float64)
    if kind == STANDARDISED:
        return (spectra_NE - mean_E) / deviation_E
    if kind == CUMULATIVE:
        sum_NE = np.cumsum(spectra_NE, axis=1)
        last_N = sum_NE[:, -1:]
        return sum_NE / np.where(last_N == 0, 1.0, last_N)
    if factors is not None:
        return factors.transform(np.maximum(spectra_NE, 0)) * np.linalg.norm(factors.components_, axis=1)
    return spectra_NE
