"""What clusters have to do with labels that they were found without, beside what a supervised reader gets."""

import numpy as np
from sklearn.ensemble import ExtraTreesClassifier
from sklearn.metrics import adjusted_mutual_info_score
from sklearn.model_selection import GroupKFold, cross_val_predict

_TREES, _FOLDS = 60, 5


def mutual_information(cluster_N: np.ndarray, label_N: np.ndarray) -> float:
    """Return the adjusted mutual information of clusters and labels: 1 for the same partition, 0 by chance."""
    return float(adjusted_mutual_info_score(label_N, cluster_N))


def supervised_ceiling(coordinates_NC: np.ndarray, label_N: np.ndarray, material_N: np.ndarray) -> float:
    """Return the adjusted mutual information with the labels of what extremely randomised trees make of them.

    Each row is read by trees fitted to other materials, five folds of them; NaN where there are fewer than five
    materials, or one label.
    """
    if len(np.unique(material_N)) < _FOLDS or len(np.unique(label_N)) < 2:
        return float("nan")
    trees = ExtraTreesClassifier(_TREES, random_state=0)
    read_N = cross_val_predict(trees, coordinates_NC, label_N, groups=material_N, cv=GroupKFold(_FOLDS))
    return mutual_information(read_N, label_N)
