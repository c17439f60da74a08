import numpy as np
import pytest
import torch
from sklearn.ensemble import ExtraTreesRegressor, RandomForestRegressor

from rankaae_cli.models.supervised.forests import Forests, fit_forests
from rankaae_cli.models.supervised.settings import TreeSettings

FEW_TREES = TreeSettings(trees=20, min_samples_leaf=2, max_features=0.3)
BY_SCIKIT_LEARN = {"extra_trees": ExtraTreesRegressor, "random_forest": RandomForestRegressor}


def silent(done, total, standing):
    pass


def fit(rows, trials=1, method="extra_trees", seed=0, threads=1):
    return fit_forests(method, rows, FEW_TREES, ("spectrum",), trials, seed, threads, silent)


@pytest.mark.parametrize("method", BY_SCIKIT_LEARN)
def test_forests_are_those_of_scikit_learn(rows, held_out, method):
    ours = fit(rows, method=method, seed=3)
    read_NK, numbers = ours.read(held_out[0])[0], 0
    for k in (0, 1):
        known_N = np.isfinite(rows.train_NK[:, k])
        theirs = BY_SCIKIT_LEARN[method](20, min_samples_leaf=2, max_features=0.3, random_state=3)
        theirs.fit(rows.train_NE[known_N], rows.train_NK[known_N, k])
        np.testing.assert_allclose(read_NK[:, k], theirs.predict(held_out[0]), rtol=1e-6)
        # An input and a threshold for each node that parts rows, a value for each leaf.
        trees = [one.tree_ for one in theirs.estimators_]
        numbers += sum(tree.node_count + (tree.children_left >= 0).sum() for tree in trees)
    assert np.isnan(read_NK[:, 2]).all()
    assert ours.parameters == numbers


def test_thresholds_of_single_precision_part_rows_as_before():
    """Rows that lie next to the thresholds, which are between two numbers of single precision."""
    from rankaae_cli.models.baselines import FittingRows

    rng = np.random.default_rng(0)
    base = np.float32(1.0)
    steps = rng.integers(0, 40, (200, 3))
    spectra_NE = base + steps.astype(np.float32) * np.spacing(base)
    values_NK = rng.normal(size=(200, 1))
    rows = FittingRows(spectra_NE, values_NK, spectra_NE[:0], values_NK[:0])
    ours = fit(rows, method="random_forest").read(spectra_NE)[0, :, 0]
    theirs = RandomForestRegressor(20, min_samples_leaf=2, max_features=0.3, random_state=0)
    np.testing.assert_allclose(ours, theirs.fit(spectra_NE, values_NK[:, 0]).predict(spectra_NE), rtol=1e-5)


def test_trees_are_shared_out_to_the_trials(rows, held_out):
    whole, shared = fit(rows), fit(rows, trials=3)
    assert [one.trees_T.tolist() for one in shared.forest_K if one] == [[7, 7, 6], [7, 7, 6]]
    weighted = np.average(shared.read(held_out[0])[..., :2], axis=0, weights=[7, 7, 6])
    np.testing.assert_allclose(weighted, whole.read(held_out[0])[0, :, :2])
    assert shared.parameters == whole.parameters


def test_readings_do_not_depend_on_how_many_are_read_at_once(rows, held_out):
    fitted = fit(rows, trials=2)
    whole_TNK = fitted.read(held_out[0])
    single_TNK = np.concatenate([fitted.read(held_out[0][n : n + 1]) for n in range(5)], axis=1)
    np.testing.assert_array_equal(whole_TNK[:, :5], single_TNK)


def test_forests_do_not_depend_on_the_number_of_threads(rows, held_out):
    one, two = (fit(rows, seed=3, threads=threads) for threads in (1, 2))
    np.testing.assert_array_equal(one.read(held_out[0]), two.read(held_out[0]))
    assert one.parameters == two.parameters


def test_content_reads_as_what_was_fitted(rows, held_out):
    fitted = fit(rows, trials=2)
    np.testing.assert_array_equal(
        Forests.restored(fitted.content(), 30).read(held_out[0]), fitted.read(held_out[0])
    )


def changed(tensor, index, value):
    tensor = tensor.clone()
    tensor[index] = value
    return tensor


@pytest.mark.parametrize(
    ("name", "change", "message"),
    [
        ("value_J", lambda t: t[:-1], "more or fewer leaves|do not add up"),
        ("value_J", lambda t: changed(t, 3, float("nan")), "not finite"),
        (
            "feature_I",
            lambda t: changed(t.int(), 0, 30).to(torch.uint16),
            "another input than those of 0 to 29",
        ),
        ("feature_I", lambda t: t[1:], "do not add up"),
        ("is_leaf_J", lambda t: t[1:], "more or fewer leaves"),
        ("is_leaf_J", lambda t: t * 0, "more or fewer leaves"),
        ("is_leaf_J", lambda t: t.flip(0), "more or fewer leaves|before its parent"),
        ("trees_T", lambda t: t + 1, "do not add up"),
        ("trees_T", lambda t: torch.tensor([21, -1]), "do not add up"),
    ],
)
def test_content_tampered_with_is_refused(rows, name, change, message):
    content = fit(rows, trials=2).content()
    first = content["forests"][0]
    content["forests"][0] = {**first, name: change(first[name])}
    with pytest.raises(ValueError, match=message):
        Forests.restored(content, 30)


def test_a_circle_of_nodes_is_refused():
    """A leaf where the root's child should part rows: the node after it would be its own child."""
    content = {
        "inputs": ["spectrum"],
        "forests": [
            {
                "trees_T": torch.tensor([1]),
                "value_J": torch.zeros(3),
                "is_leaf_J": torch.tensor([0b10100000], dtype=torch.uint8),
                "feature_I": torch.zeros(1, dtype=torch.uint16),
            }
        ],
    }
    with pytest.raises(ValueError, match="before its parent"):
        Forests.restored(content, 30)
