import numpy as np
import pytest
import torch
from scipy import stats
from sklearn.metrics import f1_score

from rankaae_cli.analysis.evaluation.published_score import (
    lead,
    published_f1,
    published_measures,
    published_scores,
    ranks,
    resampled_scores,
)
from rankaae_cli.core.statistics.bootstrap import material_weights
from rankaae_cli.models.rankaae.validation import (
    descriptor_coupling,
    excess_coupling,
    selection_score,
    style_spearman,
)
from tests.core.resampling import gathered_rows

NAMES, CLASSES = ["OS", "CN", "MOOD"], {"CN": [4, 5, 6], "OS": [1, 2, 3]}


@pytest.fixture
def rng():
    return np.random.default_rng(0)


def binary_f1(true, read):
    either = (true.sum() + read.sum()) / 2
    return (true & read).sum() / either if either else 0.0


def slow_published_f1(style, cn):
    """The published recipe, one threshold at a time, in the end with scikit-learn."""
    grid = np.linspace(-3.5, 3.5, 700)
    lower = grid[np.argmax([binary_f1(cn == 4, style < th) for th in grid])]
    upper = grid[np.argmax([binary_f1(cn == 6, style > th) for th in grid])]
    read = 4 + (style > lower).astype(int) + (style > upper)
    return f1_score(cn, read, average="weighted", zero_division=0)


def test_published_f1_agrees_with_scikit_learn(rng):
    cn = rng.choice([4.0, 5.0, 6.0], size=120, p=[0.5, 0.2, 0.3])
    style = (cn - 4.8) + 0.6 * rng.normal(size=120)
    assert published_f1(style, cn, [6, 4, 5]) == pytest.approx(slow_published_f1(style, cn))
    gaps = np.where(np.arange(120) % 4, cn, np.nan)
    known = np.isfinite(gaps)
    assert published_f1(style, gaps, [4, 5, 6]) == pytest.approx(slow_published_f1(style[known], cn[known]))


def test_published_f1_is_not_known_of_other_data(rng):
    style = rng.normal(size=20)
    assert np.isnan(published_f1(style, np.full(20, np.nan), [4, 5, 6]))
    assert np.isnan(published_f1(style, np.full(20, 9.0), [4, 5, 6]))
    assert published_f1(style, np.full(20, 5.0), [4, 5, 6]) <= 1


def test_measures_take_f1_of_cn_alone_and_all_styles_for_coupling(rng):
    descriptors = np.stack([rng.integers(1, 4, 80), rng.integers(4, 7, 80), rng.normal(size=80)], axis=1)
    styles = np.column_stack([descriptors + rng.normal(size=(80, 3)), rng.normal(size=80)])
    styles[:, 3] = -(styles[:, 2] ** 3)  # the free style is wholly coupled
    measures = published_measures(styles, descriptors, NAMES, CLASSES, 0.03)
    assert list(measures) == ["inter_style", "reconstruction_mae", *NAMES]
    assert measures["inter_style"] == pytest.approx(1) and measures["reconstruction_mae"] == 0.03
    assert measures["OS"] == pytest.approx(stats.spearmanr(styles[:, 0], descriptors[:, 0]).statistic)
    assert measures["CN"] == published_f1(styles[:, 1], descriptors[:, 1], [4, 5, 6])


def test_score_is_the_sum_of_z_scores_without_the_reconstruction(rng):
    keys = ["inter_style", "reconstruction_mae", *NAMES]
    table = rng.random((5, 5))
    scores = published_scores([dict(zip(keys, row, strict=True)) for row in table])
    z = stats.zscore(table, axis=0)
    np.testing.assert_allclose(scores, z[:, 2:].sum(axis=1) - z[:, 0])
    table[:, 1] = 7 - table[:, 1]
    np.testing.assert_allclose(scores, published_scores([dict(zip(keys, r, strict=True)) for r in table]))


def test_diverged_trials_have_no_score_and_do_not_shift_others():
    a, b = ({"inter_style": x, "reconstruction_mae": 1.0, "OS": y} for x, y in ((0.2, 0.9), (0.4, 0.8)))
    assert published_scores([a, b]).tolist() == pytest.approx([2, -2])
    with_lost = published_scores([a, None, b])
    assert with_lost[[0, 2]].tolist() == pytest.approx([2, -2]) and np.isnan(with_lost[1])
    assert ranks(with_lost) == [1, None, 2]


def test_one_trial_scores_zero_and_unknown_descriptors_count_for_nothing():
    one = {"inter_style": 0.2, "reconstruction_mae": 0.1, "OS": 0.9}
    assert published_scores([one]).tolist() == [0]
    unknown = [{**one, "MOOD": np.nan}, {**one, "OS": 0.5, "MOOD": np.nan}]
    assert published_scores(unknown).tolist() == pytest.approx([1, -1])
    assert np.isnan(published_scores([None])).all() and ranks(np.array([np.nan])) == [None]


def test_equal_scores_share_a_rank():
    assert ranks(np.array([0.5, 0.7, 0.7, -np.inf])) == [3, 1, 1, None]
    assert ranks(np.array([0.7, np.nan, 0.5, 0.5, 0.1])) == [1, None, 2, 2, 4]


def test_two_trials_of_cancelling_z_scores_are_equal(rng):
    for low, high in rng.random((50, 2, 2)):
        # Better in the one as it is worse in the other.
        a, b = ({"inter_style": f(low), "reconstruction_mae": 1.0, "OS": f(high)} for f in (np.min, np.max))
        scores = published_scores([a, b])
        assert scores.tolist() == [0, 0] and ranks(scores) == [1, 1]


def slow_score(styles, error, flat, descriptors):
    """The score as training takes it."""
    of_styles, of_descriptors = torch.as_tensor(styles.T)[None], torch.as_tensor(descriptors.T)
    return selection_score(
        style_spearman(of_styles[:, : descriptors.shape[1]], of_descriptors),
        torch.tensor([error.mean() / flat.mean()]),
        excess_coupling(of_styles, descriptor_coupling(of_descriptors)),
    ).item()


@pytest.mark.parametrize("free", [0, 2])
def test_score_in_resamples_is_that_of_the_gathered_rows(rng, free):
    descriptors = np.stack([rng.integers(4, 7, 90).astype(float), rng.normal(size=90)], axis=1)
    styles = np.column_stack([descriptors + rng.normal(size=(90, 2)), rng.normal(size=(90, free))])
    styles[:, -1] += 0.8 * styles[:, 0]
    descriptors[::7, 1] = np.nan
    error, flat = rng.random(90), 2 + rng.random(90)
    weights = material_weights(np.arange(90) // 3, 30, rng)
    scores = resampled_scores(styles, error, flat, descriptors, weights)
    gathered = gathered_rows(lambda i: slow_score(styles[i], error[i], flat[i], descriptors[i]), weights)
    np.testing.assert_allclose(scores, gathered, atol=1e-5)
    whole = resampled_scores(styles, error, flat, descriptors, np.ones((90, 1)))
    assert whole[0] == pytest.approx(slow_score(styles, error, flat, descriptors), abs=1e-5)


def test_a_lead_is_beyond_chance_where_its_whole_interval_is_positive(rng):
    second = rng.normal(size=400)
    sure = lead(second + 1 + 0.1 * rng.normal(size=400), second, 1.0)
    assert (
        sure["beyond_chance"] and sure["share"] == 1 and 0.7 < sure["interval"][0] < 1 < sure["interval"][1]
    )
    doubtful = lead(second + 0.1 + rng.normal(size=400), second, 0.1)
    assert doubtful["beyond_chance"] is False and 0.4 < doubtful["share"] < 0.7
    assert doubtful["interval"][0] < 0 < doubtful["interval"][1] and doubtful["difference"] == 0.1
    unknown = lead(np.empty(0), np.empty(0), 0.1)
    assert unknown["beyond_chance"] is None and np.isnan(unknown["interval"]).all()
