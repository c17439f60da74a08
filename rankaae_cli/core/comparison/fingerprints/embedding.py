"""A map of spectra in two dimensions, for the eye: no cluster is read from it."""

import numpy as np
from sklearn.manifold import TSNE

_PERPLEXITY = 30.0


def embed(coordinates_NC: np.ndarray, seed: int = 0) -> np.ndarray:
    """Return places of the rows, shape (N, 2), in which neighbours stay neighbours (t-SNE).

    Van der Maaten and Hinton, J. Mach. Learn. Res. 9, 2579 (2008). Distances between clusters and sizes of them
    mean nothing. Fewer than five rows have no map: zeros.
    """
    rows = len(coordinates_NC)
    if rows < 5:
        return np.zeros((rows, 2))
    perplexity = min(_PERPLEXITY, (rows - 1) / 3)
    return TSNE(2, perplexity=perplexity, init="pca", random_state=seed).fit_transform(coordinates_NC)
