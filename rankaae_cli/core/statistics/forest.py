"""A forest of regression trees as plain arrays: fitted by scikit-learn, and applied without it.

scikit-learn takes longer to load than to predict, and what it fits it keeps as a pickle, which no file of this
program may be. The trees are the same, and so are their predictions, to the last bit.

Letters: N rows, F features, T trees.
"""

from dataclasses import dataclass

import numpy as np

_NODE = np.dtype(
    [("left", "<i4"), ("right", "<i4"), ("feature", "<i4"), ("threshold", "<f8"), ("value", "<f8")]
)
_ROWS_AT_ONCE = 4096


@dataclass(frozen=True)
class Forest:
    """Extremely randomised trees (Geurts et al., Mach. Learn. 63, 3 (2006)), whose predictions are averaged.

    Attributes
    ----------
    nodes
        Of all trees, structured: ``left`` and ``right``, where a row goes on whose ``feature`` is at most
        ``threshold`` or above; ``value``, the prediction of a leaf, which is its own ``left`` and ``right``.
    root_T
        The first node of each tree.
    """

    nodes: np.ndarray
    root_T: np.ndarray

    def predict(self, features_NF: np.ndarray) -> np.ndarray:
        """Return the mean of the trees' predictions, shape (N,), of rows of features, shape (N, F)."""
        single_NF = np.asarray(features_NF, dtype=np.float32)  # as scikit-learn compares them
        parts = [
            self._predict(single_NF[first : first + _ROWS_AT_ONCE])
            for first in range(0, len(single_NF), _ROWS_AT_ONCE)
        ]
        return np.concatenate(parts) if parts else np.empty(0)

    def _predict(self, features_NF: np.ndarray) -> np.ndarray:
        nodes = self.nodes
        at_TN = np.repeat(self.root_T[:, None], len(features_NF), axis=1)
        rows_N = np.arange(len(features_NF))
        while True:
            goes_left_TN = features_NF[rows_N, nodes["feature"][at_TN]] <= nodes["threshold"][at_TN]
            next_TN = np.where(goes_left_TN, nodes["left"][at_TN], nodes["right"][at_TN])
            if (next_TN == at_TN).all():
                break
            at_TN = next_TN
        # One tree after the other: how a sum is ordered shows in its last digit.
        return np.asarray(nodes["value"][at_TN].cumsum(axis=0)[-1] / len(self.root_T))


def fit_forest(features_NF: np.ndarray, value_N: np.ndarray, trees: int, least_leaf: int) -> Forest:
    """Fit a forest, always with the same seed.

    Parameters
    ----------
    features_NF
        Shape (N, F).
    value_N
        What it is to predict, shape (N,).
    trees
        How many.
    least_leaf
        Rows that a leaf has at least.
    """
    # scikit-learn takes a second to load, which what only applies a forest need not wait for.
    from sklearn.ensemble import ExtraTreesRegressor

    fitted = ExtraTreesRegressor(trees, min_samples_leaf=least_leaf, random_state=0).fit(features_NF, value_N)
    parts, roots, first = [], [], 0
    for tree in (one.tree_ for one in fitted.estimators_):
        nodes, own = np.zeros(tree.node_count, dtype=_NODE), np.arange(tree.node_count)
        is_leaf = tree.children_left < 0
        nodes["left"] = first + np.where(is_leaf, own, tree.children_left)
        nodes["right"] = first + np.where(is_leaf, own, tree.children_right)
        nodes["feature"] = np.where(is_leaf, 0, tree.feature)
        nodes["threshold"] = tree.threshold
        nodes["value"] = tree.value[:, 0, 0]
        parts.append(nodes)
        roots.append(first)
        first += tree.node_count
    return Forest(np.concatenate(parts), np.array(roots))
