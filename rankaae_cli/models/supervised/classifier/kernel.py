"""Ridge regression of yes/no classes with a Laplacian kernel of each edge, whose rows are read out of fold exactly.

Letters beyond the legend: M fitting rows, F inputs of an edge, C components of it.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch

from rankaae_cli.core.errors import UnusableError
from rankaae_cli.data.segments import Segment
from rankaae_cli.models.supervised.inputs import input_columns

_ARRAYS = ("mean_F", "axes_FC", "fitted_MC", "there_M")
_GAMMA = 0.3  # of exp(-sqrt(gamma) distance), where the mean square length of the components is 1
_COMPONENTS = 300


@dataclass(frozen=True)
class Edge:
    """How alike spectra of one edge are.

    Attributes
    ----------
    segment
        Where its points are.
    inputs
        What is seen of a spectrum; names in `supervised.inputs`.
    mean_F, axes_FC
        From inputs to components: (inputs - mean) axes.
    fitted_MC, there_M
        Components of the fitting rows, 0 where `there_M`, bool, says that a row lacks the edge.
    """

    segment: Segment
    inputs: tuple[str, ...]
    mean_F: np.ndarray
    axes_FC: np.ndarray
    fitted_MC: np.ndarray
    there_M: np.ndarray

    def components(self, spectra_NE: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Return the components of spectra, (N, C), and which rows have the edge, (N,)."""
        part_NE = np.asarray(spectra_NE)[:, self.segment.points]
        there_N = ~np.isnan(part_NE).all(axis=1)
        columns_NF = input_columns(np.where(there_N[:, None], part_NE, 0.0), self.inputs)
        return np.where(there_N[:, None], (columns_NF - self.mean_F) @ self.axes_FC, 0.0), there_N

    def likeness(self, spectra_NE: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Return exp(-sqrt(gamma) |c - c'|) of spectra and fitting rows, (N, M), 0 without the edge; and (N,)."""
        components_NC, there_N = self.components(spectra_NE)
        fitted_MC = self.fitted_MC.astype(np.float64)
        squared_NM = (components_NC**2).sum(axis=1)[:, None] + (fitted_MC**2).sum(axis=1)
        squared_NM = np.maximum(squared_NM - 2 * components_NC @ fitted_MC.T, 0.0)
        return np.exp(-np.sqrt(_GAMMA * squared_NM)) * (there_N[:, None] & self.there_M), there_N


def fit_edge(spectra_ME: np.ndarray, segment: Segment, inputs: tuple[str, ...], whitening: float) -> Edge:
    """Take the principal components of an edge's standardised inputs over the rows that have it.

    Parameters
    ----------
    spectra_ME, segment
        Fitting rows on the joint axis, and the part of it.
    inputs
        See `Edge`.
    whitening
        Components of standard deviation s are divided by s to this power: 0 leaves them, 1 makes all count alike.
    """
    part_ME = np.asarray(spectra_ME)[:, segment.points]
    there_M = ~np.isnan(part_ME).all(axis=1)
    columns_MF = input_columns(part_ME[there_M], inputs)
    mean_F, scale_F = columns_MF.mean(axis=0), columns_MF.std(axis=0)
    scale_F = np.where(scale_F > 0, scale_F, 1.0)
    _, size_C, axes_CF = np.linalg.svd((columns_MF - mean_F) / scale_F, full_matrices=False)
    # What is left of rounding is no direction in which spectra vary.
    count = max(1, min(_COMPONENTS, int((size_C > 1e-6 * size_C[0]).sum())))
    axes_FC = (axes_CF[:count] / scale_F).T * (size_C[:count] / size_C[0]) ** -whitening
    length = np.sqrt((((columns_MF - mean_F) @ axes_FC) ** 2).sum(axis=1).mean()) or 1.0
    none_MC = np.zeros((len(there_M), count), dtype=np.float32)
    edge = Edge(
        segment,
        inputs,
        mean_F.astype(np.float32),
        (axes_FC / length).astype(np.float32),
        none_MC,
        there_M,
    )
    fitted_MC = edge.components(spectra_ME)[0].astype(np.float32)
    return Edge(segment, inputs, edge.mean_F, edge.axes_FC, fitted_MC, there_M)


@dataclass(frozen=True)
class KernelClassifier:
    """Scores of K classes: weights of the fitting rows times how alike a spectrum is to each.

    Attributes
    ----------
    edges
        At least one. The likeness of two rows is the sum over the edges that both have, over the square root of the
        numbers of edges that each has: it is 1 of a row with itself, and a missing edge says nothing.
    weights_MK
        Of the fitting rows.
    """

    edges: tuple[Edge, ...]
    weights_MK: np.ndarray

    def likeness(self, spectra_NE: np.ndarray) -> np.ndarray:
        """Return how alike spectra and fitting rows are, shape (N, M), from 0 to 1."""
        return likeness(self.edges, spectra_NE)

    def scores(self, likeness_NM: np.ndarray) -> np.ndarray:
        """Return scores, which rise with the probability of yes; shape (N, K)."""
        return np.asarray((likeness_NM + 1) @ self.weights_MK.astype(np.float64))

    def content(self) -> dict[str, Any]:
        """Return plain values and tensors."""
        return {
            "weights": torch.as_tensor(self.weights_MK),
            "edges": [
                {
                    "segment": [one.segment.name, one.segment.start, one.segment.length],
                    "inputs": list(one.inputs),
                    **{name: torch.as_tensor(getattr(one, name)) for name in _ARRAYS},
                }
                for one in self.edges
            ],
        }

    @classmethod
    def restored(cls, content: Mapping[str, Any], points: int) -> "KernelClassifier":
        """Return what has this `content`; ValueError where it would not read spectra of E points."""
        edges = tuple(
            Edge(
                Segment(str(one["segment"][0]), int(one["segment"][1]), int(one["segment"][2])),
                tuple(str(name) for name in one["inputs"]),
                **{name: one[name].numpy() for name in _ARRAYS},
            )
            for one in content["edges"]
        )
        whole = cls(edges, content["weights"].numpy())
        if not edges or edges[-1].segment.points.stop != points:
            raise UnusableError(f"a classifier that does not read spectra of {points} points")
        if not np.isfinite(whole.weights_MK).all():
            raise UnusableError("a classifier with a weight that is not finite")
        for edge in edges:
            arrays = (edge.mean_F, edge.axes_FC, edge.fitted_MC)
            if not all(np.isfinite(array).all() for array in arrays):
                raise UnusableError("a classifier with a number that is not finite")
        if whole.scores(whole.likeness(np.zeros((1, points)))).shape != (1, whole.weights_MK.shape[1]):
            raise UnusableError("a classifier whose parts do not fit together")
        return whole


def likeness(edges: Sequence[Edge], spectra_NE: np.ndarray) -> np.ndarray:
    """Return how alike spectra and the fitting rows of edges are, shape (N, M); see `KernelClassifier`."""
    parts = [edge.likeness(spectra_NE) for edge in edges]
    count_N = np.maximum(sum(there_N.astype(int) for _, there_N in parts), 1)
    count_M = np.maximum(sum(edge.there_M.astype(int) for edge in edges), 1)
    return np.asarray(sum(of_edge for of_edge, _ in parts) / np.sqrt(np.multiply.outer(count_N, count_M)))


def fit_weights(
    likeness_MM: np.ndarray, values_MK: np.ndarray, group_M: np.ndarray, ridge: float
) -> tuple[np.ndarray, np.ndarray]:
    """Fit the weights of rows, and read every row by the fit to the rows of other groups.

    With G the inverse of likeness + 1 + ridge, the weights are a = G y, and a group B of rows that is left out is
    read y_B - (G_BB)^-1 a_B: exactly what a fit without it would (Hastie, Tibshirani and Friedman, The Elements of
    Statistical Learning, 2009, equation 7.64, of blocks).

    Parameters
    ----------
    likeness_MM, values_MK, group_M
        Of the rows; 1, 0 or NaN of the K classes; what each row shares with others, numbers.
    ridge
        Penalty.

    Returns
    -------
    weights_MK, out_of_fold_MK
        0 and NaN where a class is not known of a row.
    """
    weights_MK, read_MK = np.zeros(values_MK.shape), np.full(values_MK.shape, np.nan)
    known_MK = np.isfinite(values_MK)
    patterns, of_K = np.unique(known_MK.T, axis=0, return_inverse=True)
    for i, known_M in enumerate(patterns):
        rows, columns = np.flatnonzero(known_M), np.flatnonzero(of_K.ravel() == i)
        if not len(rows):
            continue
        inverse = np.linalg.inv(likeness_MM[np.ix_(rows, rows)] + 1 + ridge * np.eye(len(rows)))
        values = values_MK[np.ix_(rows, columns)]
        weights = inverse @ values
        weights_MK[np.ix_(rows, columns)] = weights
        order = np.argsort(group_M[rows], kind="stable")
        for block in np.split(order, np.flatnonzero(np.diff(group_M[rows][order])) + 1):
            left = np.linalg.solve(inverse[np.ix_(block, block)], weights[block])
            read_MK[np.ix_(rows[block], columns)] = values[block] - left
    return weights_MK, read_MK
