"""Forests of regression trees as plain arrays: fitted by scikit-learn, stored and applied without it.

Letters beyond the legend: F inputs of a spectrum; R trees; J nodes, of which I part rows and the others are leaves.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch

from rankaae_cli.core.errors import UnusableError
from rankaae_cli.models.baselines import FittingRows, Report, known_rows
from rankaae_cli.models.supervised.inputs import input_columns
from rankaae_cli.models.supervised.settings import TreeSettings

_PLACES_AT_ONCE = 1_000_000  # of a row in a tree
_MOST_INPUTS = 2**16


@dataclass(frozen=True)
class Forest:
    """R trees in one layout, by levels: the roots, then their children, then the children of these, and so on.

    The children of the i-th node that parts rows are the nodes R + 2 i and R + 2 i + 1, so none are stored.

    Attributes
    ----------
    trees_T
        How many of the trees each trial has; they add up to R.
    value_J
        Threshold of a node that parts rows, prediction of a leaf; float32.
    is_leaf_J
        Bool.
    feature_I
        Which input a node parts rows by: those of at most its threshold go to the first child; uint16.
    """

    trees_T: np.ndarray
    value_J: np.ndarray
    is_leaf_J: np.ndarray
    feature_I: np.ndarray

    def predict(self, inputs_NF: np.ndarray) -> np.ndarray:
        """Return the mean over the trees of each trial, shape (T, N), of inputs (N, F) float32."""
        at_once = max(_PLACES_AT_ONCE // int(self.trees_T.sum()), 1)
        blocks = [inputs_NF[first : first + at_once] for first in range(0, len(inputs_NF), at_once)]
        return np.concatenate([self._predict(block_NF) for block_NF in blocks], axis=1)

    def _predict(self, inputs_NF: np.ndarray) -> np.ndarray:
        trees, (rows, columns) = int(self.trees_T.sum()), inputs_NF.shape
        child_J, feature_J = self._links()
        flat, out = np.ascontiguousarray(inputs_NF).ravel(), np.empty(trees * rows, dtype=np.float64)
        place = np.arange(trees * rows)
        node = np.repeat(np.arange(trees, dtype=np.int32), rows)
        first = np.tile(np.arange(rows) * columns, trees)  # of the row's inputs in `flat`
        while len(place):
            child = child_J[node]
            ends = child == 0
            if ends.any():
                out[place[ends]] = self.value_J[node[ends]]
                goes_on = ~ends
                place, node, first, child = place[goes_on], node[goes_on], first[goes_on], child[goes_on]
            node = child + (flat[first + feature_J[node]] > self.value_J[node])
        # One tree after the other: how a sum is ordered shows in its last digit.
        ends_T = np.cumsum(self.trees_T)
        parts = np.split(out.reshape(trees, rows), ends_T[:-1])
        return np.stack([part.cumsum(axis=0)[-1] / len(part) for part in parts])

    def _links(self) -> tuple[np.ndarray, np.ndarray]:
        """Return the first child of each node, 0 of a leaf, and the input that it parts rows by."""
        child_J, feature_J = (np.zeros(len(self.value_J), dtype=np.int32) for _ in range(2))
        parts_J = ~self.is_leaf_J
        child_J[parts_J] = self.trees_T.sum() + 2 * np.arange(len(self.feature_I))
        feature_J[parts_J] = self.feature_I
        return child_J, feature_J

    def require_sound(self, columns: int) -> None:
        """Raise ValueError unless every row of so many inputs comes to a leaf with a finite value."""
        trees, inner = int(self.trees_T.sum()), len(self.feature_I)
        if (self.trees_T < 1).any() or self.value_J.shape != (trees + 2 * inner,):
            raise UnusableError("a forest whose nodes do not add up to trees")
        if (self.is_leaf_J.shape, int((~self.is_leaf_J).sum())) != (self.value_J.shape, inner):
            raise UnusableError("a forest with more or fewer leaves than its nodes need")
        if (self._links()[0][~self.is_leaf_J] <= np.flatnonzero(~self.is_leaf_J)).any():
            raise UnusableError("a forest in which a node comes before its parent")
        if inner and not 0 <= self.feature_I.min() <= self.feature_I.max() < columns:
            raise UnusableError(f"a forest that asks for another input than those of 0 to {columns - 1}")
        if not np.isfinite(self.value_J).all():
            raise UnusableError("a forest with a value that is not finite")


@dataclass(frozen=True)
class Forests:
    """A forest a descriptor, whose trees are shared out to the trials; a part of a reader.

    Attributes
    ----------
    inputs
        What it sees of a spectrum.
    forest_K
        None of a descriptor that no training row knows.
    """

    inputs: tuple[str, ...]
    forest_K: Sequence[Forest | None]

    @property
    def parameters(self) -> int:
        """How many numbers were fitted: an input and a threshold a node that parts rows, a value a leaf."""
        return sum(len(one.value_J) + len(one.feature_I) for one in self.forest_K if one is not None)

    def read(self, spectra_NE: np.ndarray) -> np.ndarray:
        """Return the descriptors of spectra in every trial, shape (T, N, K)."""
        # As scikit-learn compares them.
        inputs_NF = input_columns(spectra_NE, self.inputs).astype(np.float32)
        known = next(one for one in self.forest_K if one is not None)
        unknown_TN = np.full((len(known.trees_T), len(inputs_NF)), np.nan)
        return np.stack(
            [unknown_TN if one is None else one.predict(inputs_NF) for one in self.forest_K], axis=-1
        )

    def content(self) -> dict[str, Any]:
        """Return plain values and tensors."""
        return {
            "inputs": list(self.inputs),
            "forests": [
                one and {name: torch.as_tensor(_stored(array)) for name, array in vars(one).items()}
                for one in self.forest_K
            ],
        }

    @classmethod
    def restored(cls, content: Mapping[str, Any], points: int) -> "Forests":
        """Return what has this `content`; ValueError where it would not read spectra of E points."""
        forests: list[Forest | None] = []
        for one in content["forests"]:
            if one is None:
                forests.append(None)
                continue
            arrays = {name: tensor.numpy() for name, tensor in one.items()}
            bits, nodes = arrays["is_leaf_J"], len(arrays["value_J"])
            if bits.shape != (-(-nodes // 8),):
                raise UnusableError("a forest with more or fewer leaves than its nodes need")
            forest = Forest(**{**arrays, "is_leaf_J": np.unpackbits(bits, count=nodes).astype(bool)})
            forest.require_sound(points * len(content["inputs"]))
            forests.append(forest)
        return cls(tuple(content["inputs"]), forests)


def fit_forests(
    method: str,
    rows: FittingRows,
    settings: TreeSettings,
    inputs: tuple[str, ...],
    trials: int,
    seed: int,
    threads: int,
    report: Report,
) -> Forests:
    """Fit one forest a descriptor.

    ``extra_trees``: extremely randomised trees (Geurts et al., Mach. Learn. 63, 3 (2006)); ``random_forest``:
    Breiman, Mach. Learn. 45, 5 (2001).

    Parameters
    ----------
    method
        Which of the two.
    rows
        Only the training rows are used.
    settings, seed, threads
        Of the forests.
    inputs
        What they see of a spectrum.
    trials
        As many as the trees are shared out to; each has one tree at least.
    report
        Called after every descriptor.
    """
    # scikit-learn takes a second to load, which what only applies a forest need not wait for.
    from sklearn.ensemble import ExtraTreesRegressor, RandomForestRegressor

    kind = {"extra_trees": ExtraTreesRegressor, "random_forest": RandomForestRegressor}[method]
    train_NF = input_columns(rows.train_NE, inputs).astype(np.float32)
    assert train_NF.shape[1] <= _MOST_INPUTS
    trees = max(settings.trees, trials)
    trees_T = np.array([len(part) for part in np.array_split(np.arange(trees), trials)])
    forests: list[Forest | None] = []
    report(0, rows.train_NK.shape[1], "")
    for known_N, descriptor_N in known_rows(rows.train_NK):
        fitted = kind(
            trees,
            min_samples_leaf=settings.min_samples_leaf,
            max_features=settings.max_features,
            random_state=seed,
            n_jobs=threads,
        )
        if len(descriptor_N):
            fitted.fit(train_NF[known_N], descriptor_N)
            forests.append(packed([one.tree_ for one in fitted.estimators_], trees_T))
        else:
            forests.append(None)
        report(len(forests), rows.train_NK.shape[1], "")
    return Forests(inputs, forests)


def packed(trees: Sequence[Any], trees_T: np.ndarray) -> Forest:
    """Return trees of scikit-learn in the layout of a `Forest`.

    Thresholds become the largest numbers of single precision that are not above them, so that inputs of single
    precision part as before.
    """
    begins = np.cumsum([0, *(tree.node_count for tree in trees)])
    left, right = (
        np.concatenate(
            [
                np.where(children < 0, -1, children + begin)
                for begin, children in zip(begins, (getattr(tree, side) for tree in trees), strict=False)
            ]
        )
        for side in ("children_left", "children_right")
    )
    levels = [begins[:-1]]
    while len(inner := levels[-1][left[levels[-1]] >= 0]):
        levels.append(np.column_stack([left[inner], right[inner]]).ravel())
    order_J = np.concatenate(levels)
    is_leaf_J = left[order_J] < 0
    threshold_J, value_J, feature_J = (
        np.concatenate(arrays)[order_J]
        for arrays in (
            [tree.threshold for tree in trees],
            [tree.value[:, 0, 0] for tree in trees],
            [tree.feature for tree in trees],
        )
    )
    return Forest(
        trees_T,
        np.where(is_leaf_J, value_J.astype(np.float32), _rounded_down(threshold_J)),
        is_leaf_J,
        feature_J[~is_leaf_J].astype(np.uint16),
    )


def _rounded_down(value: np.ndarray) -> np.ndarray:
    """Return the largest numbers of single precision that are not above the given ones."""
    single = value.astype(np.float32)
    return np.where(single > value, np.nextafter(single, np.float32(-np.inf)), single)


def _stored(array: np.ndarray) -> np.ndarray:
    return np.packbits(array) if array.dtype == bool else array
