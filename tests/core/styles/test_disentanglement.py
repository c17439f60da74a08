import json
import math
from collections import Counter

import numpy as np
import pytest

from rankaae_cli.core.styles.disentanglement import (
    dci,
    disentanglement_and_completeness,
    mutual_information_gap,
    score_disentanglement,
    separated_attribute_predictability,
)

CLASSES = [0, 1, 2, 3]


@pytest.fixture
def rng():
    return np.random.default_rng(0)


def case(n, seed):
    """Four styles that mix three discrete factors. RandomState's stream is frozen, so this stays the same."""
    rng = np.random.RandomState(seed)
    factors = rng.randint(0, 4, (n, 3)).astype(float)
    noise = rng.normal(size=(n, 4))
    styles = [
        factors[:, 0] + 0.3 * noise[:, 0],
        factors[:, 1] + 0.5 * factors[:, 2] + 0.3 * noise[:, 1],
        factors[:, 2] - factors[:, 1] + 0.5 * noise[:, 2],
        noise[:, 3],
    ]
    return np.stack(styles, axis=1), factors


# Stored numbers: disentanglement_lib 1.5 as on PyPI, its mig, sap_score and dci modules run once on `case(400, 0)`
# (trees tested on `case(300, 1)`) with numpy 2.4, scikit-learn 1.9 and 20 bins, gin, absl and six replaced by
# stand-ins that do nothing; numpy's global seed 0 before the trees.
LIBRARY_MIG = [0.801874500474945, 0.216730217131713, 0.125879343529538]
LIBRARY_SAP = [0.932754548739394, 0.296717139988204, 0.298548368234612]
LIBRARY_IMPORTANCE = [
    [0.963521694601542, 0.011112834270632, 0.02584254776673],
    [0.02097350426244, 0.646640378075862, 0.418624244013336],
    [0.011917978273019, 0.338795802075008, 0.530898508864714],
    [0.003586822862999, 0.003450985578499, 0.02463469935522],
]
LIBRARY_DISENTANGLEMENT = [0.835544259606637, 0.315082886786176, 0.334507985015056, 0.377701154398511]
LIBRARY_COMPLETENESS = [0.863055448106651, 0.481943588391129, 0.360599406250667]


def test_mig_and_sap_are_those_of_the_library():
    styles, factors = case(400, 0)
    mig = mutual_information_gap(styles, factors, [CLASSES] * 3)
    sap = separated_attribute_predictability(styles, factors)
    np.testing.assert_allclose(mig.gap_K, LIBRARY_MIG, rtol=1e-12)
    assert mig.score == pytest.approx(0.3814946870453984, rel=1e-12)
    np.testing.assert_allclose(sap.gap_K, LIBRARY_SAP, rtol=1e-12)
    assert sap.score == pytest.approx(0.5093400189874034, rel=1e-12)
    assert mig.leader_K.tolist() == sap.leader_K.tolist() == [0, 1, 2]


def test_dci_is_that_of_the_library():
    trees = dci(*case(400, 0), *case(300, 1), [CLASSES] * 3)
    # Ties between splits are broken by another stream of random numbers.
    np.testing.assert_allclose(trees.importance_SK, LIBRARY_IMPORTANCE, atol=0.002)
    assert trees.disentanglement == pytest.approx(0.49502233867610923, abs=0.002)
    assert trees.completeness == pytest.approx(0.5685328142494825, abs=0.002)
    assert trees.informativeness == pytest.approx(0.8666666666666666, abs=0.01)


def test_dci_of_the_librarys_importances():
    d, c, d_S, c_K = disentanglement_and_completeness(np.array(LIBRARY_IMPORTANCE))
    np.testing.assert_allclose(d_S, LIBRARY_DISENTANGLEMENT, rtol=1e-9)
    np.testing.assert_allclose(c_K, LIBRARY_COMPLETENESS, rtol=1e-9)
    assert (d, c) == pytest.approx((0.49502233867610923, 0.5685328142494825), rel=1e-9)
    # Also the library's, on a matrix with a style of no importance.
    fixed = np.array([[0.9, 0.1, 0.0], [0.1, 0.7, 0.5], [0.0, 0.2, 0.5], [0.0, 0.0, 0.0]])
    d, c, d_S, _ = disentanglement_and_completeness(fixed)
    assert (d, c) == pytest.approx((0.42004114044260776, 0.5623707925088651), rel=1e-9)
    assert d_S[3] == pytest.approx(0)


def bins(values):
    low, width = min(values), (max(values) - min(values)) / 20
    return [min(int((value - low) / width), 19) for value in values]


def information(a, b):
    n, a_counts, b_counts = len(a), Counter(a), Counter(b)
    return sum(
        m / n * math.log(m * n / (a_counts[i] * b_counts[j]))
        for (i, j), m in Counter(zip(a, b, strict=True)).items()
    )


def test_mig_of_continuous_descriptors_follows_from_counting(rng):
    styles = rng.normal(size=(300, 3))
    descriptors = np.stack([styles[:, 0] + styles[:, 1], styles[:, 2]], axis=1) + 0.1 * rng.normal(
        size=(300, 2)
    )
    descriptors[::7, 0] = np.nan
    expected = []
    for descriptor in descriptors.T:
        known = np.isfinite(descriptor)
        d = bins(descriptor[known].tolist())
        shared = sorted(information(bins(style[known].tolist()), d) for style in styles.T)
        expected.append((shared[-1] - shared[-2]) / information(d, d))
    mig = mutual_information_gap(styles, descriptors, [None, None])
    np.testing.assert_allclose(mig.gap_K, expected, rtol=1e-9)
    assert mig.score == pytest.approx(np.mean(expected))


def test_sap_is_the_difference_of_squared_correlations(rng):
    styles = rng.normal(size=(200, 3))
    descriptor = styles[:, 0] - 0.5 * styles[:, 1] + rng.normal(size=200)
    descriptor[:20] = np.nan
    squared = sorted(np.corrcoef(style[20:], descriptor[20:])[0, 1] ** 2 for style in styles.T)
    sap = separated_attribute_predictability(styles, descriptor[:, None])
    assert sap.score == pytest.approx(squared[-1] - squared[-2])


def test_a_perfect_model_has_everything(rng):
    descriptors = rng.uniform(size=(5000, 3))
    descriptors[:, 2] = np.floor(4 * descriptors[:, 2])
    classes = [None, None, CLASSES]
    styles = np.column_stack([2 * descriptors - 1, rng.normal(size=5000)])
    mig = mutual_information_gap(styles, descriptors, classes)
    # Twenty bins on 5000 rows share 19 * 19 / 2N = 0.036 nats, of log 20 = 3.0, by chance.
    np.testing.assert_allclose(mig.matrix_SK[range(3), range(3)], 1)
    assert mig.score > 0.98
    assert separated_attribute_predictability(styles, descriptors).score == pytest.approx(1, abs=0.002)
    trees = dci(styles[:1000], descriptors[:1000], styles[1000:2000], descriptors[1000:2000], classes)
    assert trees.disentanglement > 0.99 and trees.completeness > 0.99 and trees.informativeness > 0.99


def test_a_shuffled_model_has_nothing(rng):
    descriptors = rng.normal(size=(2000, 3))
    styles = rng.permutation(descriptors)
    assert mutual_information_gap(styles, descriptors, [None] * 3).score < 0.02
    assert separated_attribute_predictability(styles, descriptors).score < 0.005
    trees = dci(styles[:800], descriptors[:800], styles[800:], descriptors[800:], [None] * 3)
    assert trees.disentanglement < 0.1 and trees.completeness < 0.1 and trees.informativeness < 0


def test_twin_styles_have_no_gap_for_their_descriptor_alone(rng):
    descriptors = rng.normal(size=(3000, 2))
    styles = descriptors[:, [0, 0, 1]]
    for gap in (
        mutual_information_gap(styles, descriptors, [None, None]),
        separated_attribute_predictability(styles, descriptors),
    ):
        assert gap.gap_K[0] == pytest.approx(0, abs=1e-12) and gap.gap_K[1] > 0.9
    trees = dci(styles[:500], descriptors[:500], styles[500:], descriptors[500:], [None, None])
    # The trees may share or choose; the twin that is used serves one descriptor either way.
    assert trees.disentanglement > 0.95 and trees.completeness_K[1] > 0.95


def test_a_mixture_of_two_descriptors_costs_disentanglement(rng):
    descriptors = rng.normal(size=(800, 2))
    styles = np.stack([descriptors.sum(axis=1), descriptors[:, 1]], axis=1)
    sap = separated_attribute_predictability(styles, descriptors)
    # Squared correlations in expectation: 1/2 and 0 with the first, 1/2 and 1 with the second.
    np.testing.assert_allclose(sap.matrix_SK, [[0.5, 0.5], [0, 1]], atol=0.06)
    trees = dci(styles[:400], descriptors[:400], styles[400:], descriptors[400:], [None, None])
    assert trees.completeness_K[1] > 0.95 and trees.completeness_K[0] < 0.5
    assert trees.disentanglement_S[0] > trees.disentanglement_S[1]


def test_a_curved_style_loses_in_both(rng):
    descriptor = np.repeat([0.0, 1, 2, 3], 250)[:, None]
    styles = np.column_stack([np.exp(3 * descriptor[:, 0]), np.zeros(1000)])
    assert separated_attribute_predictability(styles, descriptor).score == pytest.approx(
        np.corrcoef(styles[:, 0], descriptor[:, 0])[0, 1] ** 2
    )
    # In bins of equal width only the uppermost class stands apart from the others.
    apart = -(0.25 * math.log(0.25) + 0.75 * math.log(0.75))
    assert mutual_information_gap(styles, descriptor, [CLASSES]).score == pytest.approx(apart / math.log(4))


def test_classes_that_are_not_those_of_the_data_are_taken_for_continuous(rng):
    descriptors, styles = rng.normal(size=(300, 1)), rng.normal(size=(300, 2))
    as_classes = mutual_information_gap(styles, descriptors, [[10, 20]])
    np.testing.assert_array_equal(as_classes.gap_K, mutual_information_gap(styles, descriptors, [None]).gap_K)


def test_what_is_not_known_is_nan_and_the_rest_stands(rng):
    styles = rng.normal(size=(400, 3))
    descriptors = np.column_stack([styles[:, :2], np.full(400, np.nan), np.ones(400)])
    scores = score_disentanglement(
        styles[:200],
        descriptors[:200],
        styles[200:],
        descriptors[200:],
        ["a", "b", "none", "one"],
        {"one": [1, 2]},
    )
    for name in ("none", "one"):
        values = scores["descriptors"][name]
        assert values.pop("mig_leader") is None and np.isnan(list(values.values())).all()
    assert scores["descriptors"]["b"]["mig_leader"] == 1 and scores["sap"] > 0.9
    assert scores["dci"]["disentanglement"] > 0.9 and len(scores["style_disentanglement"]) == 3
    json.dumps(scores)


def test_rows_that_trees_were_fitted_to_give_no_informativeness(rng):
    descriptors = np.column_stack([rng.normal(size=200), rng.integers(0, 4, 200)])
    styles = descriptors + 0.5 * rng.normal(size=descriptors.shape)
    arguments = (styles, descriptors, styles, descriptors, ["a", "b"], {"b": CLASSES})
    seen, held_out = score_disentanglement(*arguments, held_out=False), score_disentanglement(*arguments)
    assert math.isnan(seen["dci"]["informativeness"]) and held_out["dci"]["informativeness"] > 0.9
    for scores in (seen, held_out):
        del scores["dci"]["informativeness"]
        for descriptor in scores["descriptors"].values():
            del descriptor["informativeness"]
    assert seen == held_out


def test_a_single_style_has_no_gap_and_a_diverged_one_no_number(rng):
    descriptors = rng.normal(size=(50, 2))
    styles = rng.normal(size=(50, 2))
    alone = score_disentanglement(styles[:, :1], descriptors, styles[:, :1], descriptors, ["a", "b"], {})
    assert np.isnan([alone["mig"], alone["sap"], alone["dci"]["completeness"]]).all()
    assert np.isfinite(alone["dci"]["disentanglement"])
    styles[:, 0] = np.nan
    diverged = score_disentanglement(styles, descriptors, styles, descriptors, ["a", "b"], {})
    assert np.isnan([diverged["mig"], diverged["sap"], *diverged["dci"].values()]).all()


def test_a_collapsed_style_says_nothing(rng):
    descriptors = rng.normal(size=(300, 2))
    styles = np.column_stack([descriptors[:, 0], np.full(300, 0.3), rng.normal(size=300)])
    assert mutual_information_gap(styles, descriptors, [None, None]).matrix_SK[1].tolist() == [0, 0]
    assert separated_attribute_predictability(styles, descriptors).matrix_SK[1].tolist() == [0, 0]
    assert dci(styles, descriptors, styles, descriptors, [None, None]).importance_SK[1].tolist() == [0, 0]
