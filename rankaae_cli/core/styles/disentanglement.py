"""Disentanglement of styles with respect to descriptors: MIG, SAP and DCI.

These are the measures of the representation-learning literature, as disentanglement_lib (Locatello et al., ICML
2019, arXiv:1811.12359; github.com/google-research/disentanglement_lib) computes them. Given discrete factors
the functions here return its numbers, which tests hold: MIG, SAP and the scores of a matrix of importances to
rounding, the importances themselves to 0.001 (trees break ties at random). The measures suppose independent
factors. Descriptors of real sites are not, and a faithful style then knows something of two of them: read these
beside `metrics.inter_style`, which allows for it.

What departs from the library, because descriptors are not its factors:

* A descriptor that is no class is continuous. The library bins styles only (20 bins of equal width); for MIG
  such a descriptor is binned likewise. For DCI it has a gradient-boosted regressor in place of the classifier,
  and R^2 in place of accuracy.
* Of SAP the form for continuous factors (squared correlation) serves all descriptors, classes being ordered
  numbers. The library's published configuration takes the other, the accuracy of a linear support vector
  machine.
* Rows where a descriptor is not known are left out for it, and descriptors that do not vary are left out.
* The library draws 10,000 rows from a generator. On few rows mutual information is overestimated, of two
  binned variables by up to about 19^2 / 2N. All styles gain alike, so the gap hardly does, but the most that
  a style can share is bounded by the entropy: a perfect model has less than 1.
* The two highest styles are those of all S styles, free ones too, as in the library; the one that leads need
  not be the descriptor's own. `Gap.leader_K` says which it is.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from scipy import stats
from sklearn.ensemble import GradientBoostingClassifier, GradientBoostingRegressor
from sklearn.metrics import mutual_info_score

from rankaae_cli.core.statistics.calibration import MIN_ROWS
from rankaae_cli.core.statistics.classification import fits_classes, nearest_class
from rankaae_cli.core.statistics.metrics import mean_of_known, r2

BINS = 20
_NEGLIGIBLE_VARIANCE = 1e-12  # of a style in SAP, as in disentanglement_lib
_ENTROPY_FLOOR = 1e-11  # added to importances in DCI, as in disentanglement_lib


@dataclass(frozen=True)
class Gap:
    """What the style that says most about a descriptor is ahead of the next.

    Attributes
    ----------
    score
        Mean of `gap_K` over the descriptors that have one.
    gap_K
        Shape (K,), 0 to 1; NaN where the descriptor does not vary over ten known rows or there is one style.
    leader_K
        Index of the style that says most, shape (K,); -1 where `gap_K` is NaN.
    matrix_SK
        What each style says about each descriptor, shape (S, K), 0 to 1.
    """

    score: float
    gap_K: np.ndarray
    leader_K: np.ndarray
    matrix_SK: np.ndarray


@dataclass(frozen=True)
class Dci:
    """Disentanglement, completeness and informativeness.

    Attributes
    ----------
    disentanglement, completeness
        Means of the next two, weighted by the importance of style or descriptor; 1 where each style serves
        one descriptor, and where each descriptor needs one style.
    disentanglement_S, completeness_K
        Shapes (S,) and (K,), 0 to 1.
    informativeness
        Mean of `informativeness_K`.
    informativeness_K
        Shape (K,): of the rows not fitted to, R^2 (accuracy for classes) of the descriptor from all styles.
    importance_SK
        Share of each style in predicting each descriptor, shape (S, K); columns sum to 1.

    NaN for descriptors that do not vary over ten known rows; disentanglement is NaN where fewer than two
    remain, completeness where there is one style.
    """

    disentanglement: float
    completeness: float
    informativeness: float
    disentanglement_S: np.ndarray
    completeness_K: np.ndarray
    informativeness_K: np.ndarray
    importance_SK: np.ndarray


def mutual_information_gap(
    styles_NS: np.ndarray, descriptors_NK: np.ndarray, classes_K: Sequence[Sequence[float] | None]
) -> Gap:
    """Return the mutual information gap (MIG; Chen et al., arXiv:1802.04942, equation 6).

    MIG_k = (I(z_1; d_k) - I(z_2; d_k)) / H(d_k), z_1 and z_2 the two styles that share most with d_k; mutual
    information and entropy are those of the joint histogram.

    Parameters
    ----------
    styles_NS
        Shape (N, S).
    descriptors_NK
        Shape (N, K), NaN where not known.
    classes_K
        Classes of each descriptor, or None where it is continuous. Where they are not those of the data
        (`classification.fits_classes`) it is taken for continuous.

    Returns
    -------
    Gap
        ``matrix_SK`` holds I(z_s; d_k) / H(d_k).
    """

    def shares(
        styles_NS: np.ndarray, descriptor_N: np.ndarray, classes: Sequence[float] | None
    ) -> np.ndarray:
        factor_N = _labels(descriptor_N, classes)
        shared = [mutual_info_score(factor_N, _bin(style_N)) for style_N in styles_NS.T]
        entropy = mutual_info_score(factor_N, factor_N)
        return np.array(shared) / entropy if entropy > 0 else np.full(len(shared), np.nan)

    return _gap(shares, styles_NS, descriptors_NK, classes_K)


def separated_attribute_predictability(styles_NS: np.ndarray, descriptors_NK: np.ndarray) -> Gap:
    """Return the separated attribute predictability (SAP; Kumar et al., arXiv:1711.00848, section 3).

    SAP_k is the largest minus the second largest over styles of cov(z, d_k)^2 / (var(z) var(d_k)). It sees
    linear relations only; a style that follows its descriptor along a curve loses.

    Parameters
    ----------
    styles_NS, descriptors_NK
        As in `mutual_information_gap`.

    Returns
    -------
    Gap
        ``matrix_SK`` holds the squared correlations.
    """

    def squared(styles_NS: np.ndarray, descriptor_N: np.ndarray, _: object) -> np.ndarray:
        covariance_S = (styles_NS - styles_NS.mean(axis=0)).T @ (descriptor_N - descriptor_N.mean())
        covariance_S /= len(descriptor_N) - 1
        variance_S = styles_NS.var(axis=0, ddof=1)
        product_S = variance_S * descriptor_N.var(ddof=1)
        return np.divide(
            covariance_S**2, product_S, out=np.zeros(len(product_S)), where=variance_S > _NEGLIGIBLE_VARIANCE
        )

    return _gap(squared, styles_NS, descriptors_NK, [None] * descriptors_NK.shape[1])


def dci(
    fit_styles_NS: np.ndarray,
    fit_descriptors_NK: np.ndarray,
    styles_NS: np.ndarray,
    descriptors_NK: np.ndarray,
    classes_K: Sequence[Sequence[float] | None],
    seed: int = 0,
) -> Dci:
    """Return disentanglement, completeness and informativeness (Eastwood & Williams, ICLR 2018, section 2).

    Gradient-boosted trees with scikit-learn's defaults predict each descriptor from all styles; the importance
    of a style is its share in lowering the trees' impurity. `disentanglement_and_completeness` follows.

    Parameters
    ----------
    fit_styles_NS, fit_descriptors_NK
        Rows that the trees are fitted to, shapes (N, S) and (N, K), descriptors NaN where not known: of the
        validation split, that the styles were not trained on.
    styles_NS, descriptors_NK
        Other rows, for informativeness; of none it is NaN.
    classes_K
        As in `mutual_information_gap`; a descriptor with classes has a classifier, one without a regressor.
    seed
        Breaks ties between equally good splits of the trees.

    Returns
    -------
    Dci
    """
    s, k = fit_styles_NS.shape[1], fit_descriptors_NK.shape[1]
    importance_SK, informativeness_K = np.full((s, k), np.nan), np.full(k, np.nan)
    for index, classes in enumerate(classes_K):
        importance_SK[:, index], informativeness_K[index] = _importance(
            _known(fit_styles_NS, fit_descriptors_NK[:, index]),
            _known(styles_NS, descriptors_NK[:, index]),
            classes,
            seed,
        )
    disentanglement, completeness, disentanglement_S, completeness_K = disentanglement_and_completeness(
        importance_SK
    )
    return Dci(
        disentanglement,
        completeness,
        mean_of_known(informativeness_K),
        disentanglement_S,
        completeness_K,
        informativeness_K,
        importance_SK,
    )


def disentanglement_and_completeness(
    importance_SK: np.ndarray,
) -> tuple[float, float, np.ndarray, np.ndarray]:
    """Return how few descriptors each style serves, and how few styles each descriptor needs.

    With P_sk = R_sk / sum_k R_sk of importances R, style s has D_s = 1 - H_K(P_s.), the entropy to base K, and
    D = sum_s D_s (sum_k R_sk / sum R); completeness is the same over columns, to base S.

    Parameters
    ----------
    importance_SK
        Shape (S, K), not negative; columns of NaN are left out.

    Returns
    -------
    disentanglement, completeness
        Weighted means of the next two.
    disentanglement_S, completeness_K
        Shapes (S,) and (K,). A style of no importance has 0 and no weight.
    """
    s, k = importance_SK.shape
    used_K = np.isfinite(importance_SK).all(axis=0)
    importance = importance_SK[:, used_K]
    disentanglement_S, completeness_K = np.full(s, np.nan), np.full(k, np.nan)
    if importance.shape[1] > 1:
        disentanglement_S = 1 - stats.entropy(importance.T + _ENTROPY_FLOOR, base=importance.shape[1])
    if s > 1 and used_K.any():
        completeness_K[used_K] = 1 - stats.entropy(importance + _ENTROPY_FLOOR, base=s)
    if importance.sum() == 0:
        importance = np.ones_like(importance)
    weight_S, weight_K = importance.sum(axis=1), importance.sum(axis=0)
    total = importance.sum() if importance.size else np.nan
    return (
        float((disentanglement_S * weight_S).sum() / total),
        float((completeness_K[used_K] * weight_K).sum() / total),
        disentanglement_S,
        completeness_K,
    )


def score_disentanglement(
    fit_styles_NS: np.ndarray,
    fit_descriptors_NK: np.ndarray,
    styles_NS: np.ndarray,
    descriptors_NK: np.ndarray,
    names: Sequence[str],
    classes: Mapping[str, Sequence[float]],
    seed: int = 0,
    held_out: bool = True,
) -> dict[str, Any]:
    """Collect MIG, SAP and DCI of one trial, or of the ensemble, on one split.

    Parameters
    ----------
    fit_styles_NS, fit_descriptors_NK
        Rows that the trees of DCI are fitted to (see `dci`).
    styles_NS, descriptors_NK
        Rows of the split, shapes (N, S) and (N, K), descriptors NaN where not known.
    names
        Of the K descriptors.
    classes
        Values of those descriptors that take few.
    seed
        Of the trees.
    held_out
        Whether these are other rows than those fitted to; else informativeness, too good there, is NaN.

    Returns
    -------
    dict
        ``mig``, ``sap`` and ``dci`` (``disentanglement``, ``completeness``, ``informativeness``);
        ``descriptors``, by name ``mig``, ``mig_leader`` (index of the style that knows most, or None),
        ``sap``, ``completeness`` and ``informativeness``; ``style_disentanglement``, a list of S numbers.
        Plain numbers, NaN where not defined.
    """
    classes_K = [classes.get(name) or None for name in names]
    mig = mutual_information_gap(styles_NS, descriptors_NK, classes_K)
    sap = separated_attribute_predictability(styles_NS, descriptors_NK)
    rows = slice(None) if held_out else slice(0)
    trees = dci(fit_styles_NS, fit_descriptors_NK, styles_NS[rows], descriptors_NK[rows], classes_K, seed)
    return {
        "mig": mig.score,
        "sap": sap.score,
        "dci": {n: getattr(trees, n) for n in ("disentanglement", "completeness", "informativeness")},
        "descriptors": {
            name: {
                "mig": float(mig.gap_K[k]),
                "mig_leader": int(mig.leader_K[k]) if mig.leader_K[k] >= 0 else None,
                "sap": float(sap.gap_K[k]),
                "completeness": float(trees.completeness_K[k]),
                "informativeness": float(trees.informativeness_K[k]),
            }
            for k, name in enumerate(names)
        },
        "style_disentanglement": trees.disentanglement_S.tolist(),
    }


def _importance(
    fit_rows: tuple[np.ndarray, np.ndarray],
    other_rows: tuple[np.ndarray, np.ndarray],
    classes: Sequence[float] | None,
    seed: int,
) -> tuple[np.ndarray, float]:
    """Return the importance of each style for one descriptor, shape (S,), and its informativeness.

    Rows are known styles and values of the descriptor, as `_known` gives them.
    """
    (fit_styles, fit_values), (styles, values) = fit_rows, other_rows
    discrete = False
    if classes is not None and fits_classes(fit_values, classes):
        discrete = True
        fit_values, values = nearest_class(fit_values, classes), nearest_class(values, classes)
    if len(fit_values) < MIN_ROWS or np.ptp(fit_values) == 0:
        return np.full(fit_styles.shape[1], np.nan), float("nan")
    model = (GradientBoostingClassifier if discrete else GradientBoostingRegressor)(random_state=seed)
    model.fit(fit_styles, fit_values)
    if not len(values):
        return model.feature_importances_, float("nan")
    predicted = model.predict(styles)
    return model.feature_importances_, float(np.mean(predicted == values)) if discrete else r2(
        values, predicted
    )


def _known(styles_NS: np.ndarray, descriptor_N: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    known = np.isfinite(descriptor_N) & np.isfinite(styles_NS).all(axis=1)
    return np.asarray(styles_NS, dtype=np.float64)[known], np.asarray(descriptor_N, dtype=np.float64)[known]


def _gap(
    measure: Any,
    styles_NS: np.ndarray,
    descriptors_NK: np.ndarray,
    classes_K: Sequence[Sequence[float] | None],
) -> Gap:
    """Return the gap of a measure, a number a style, of each descriptor's known rows."""
    matrix_SK = np.full((styles_NS.shape[1], descriptors_NK.shape[1]), np.nan)
    for k, classes in enumerate(classes_K):
        styles, values = _known(styles_NS, descriptors_NK[:, k])
        if len(values) >= MIN_ROWS and np.ptp(values) > 0:
            matrix_SK[:, k] = measure(styles, values, classes)
    if len(matrix_SK) < 2:
        gap_K = np.full(matrix_SK.shape[1], np.nan)
    else:
        ascending = np.sort(matrix_SK, axis=0)
        gap_K = ascending[-1] - ascending[-2]
    leader_K = np.where(np.isfinite(gap_K), np.argmax(matrix_SK, axis=0), -1)
    return Gap(mean_of_known(gap_K), gap_K, leader_K, matrix_SK)


def _labels(descriptor_N: np.ndarray, classes: Sequence[float] | None) -> np.ndarray:
    if classes is None or not fits_classes(descriptor_N, classes):
        return _bin(descriptor_N)
    labels: np.ndarray = np.unique(nearest_class(descriptor_N, classes), return_inverse=True)[1]
    return labels


def _bin(value_N: np.ndarray) -> np.ndarray:
    """Return the number of the bin of each value, 1 to 20, of equal width between the extremes."""
    return np.digitize(value_N, np.histogram_bin_edges(value_N, BINS)[:-1])
