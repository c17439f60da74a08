import numpy as np
import pytest

from rankaae_cli.core.statistics.novelty import Novelty, StyleDistances, novelty_signs, widening


def signs(n, seed, times=(1.0, 1.0, 1.0)):
    """Signs of usual spectra, log-normal and on scales of their own, times factors."""
    rng = np.random.default_rng(seed)
    return np.exp(rng.standard_normal((n, 3)) * [0.3, 0.5, 0.2] + [-4, -2, 0]) * times


@pytest.fixture
def novelty():
    return Novelty.of(signs(4000, 0))


def test_as_many_usual_spectra_are_called_so_as_it_says(novelty):
    values, p, verdicts = novelty.judge(signs(20000, 1))
    assert np.median(values) == pytest.approx(0, abs=0.05)
    assert np.mean(values > 1) == pytest.approx(0.05, abs=0.015)
    assert np.mean([v != "in range" for v in verdicts]) == pytest.approx(0.05, abs=0.015)
    assert verdicts.count("outside") / 20000 == pytest.approx(0.005, abs=0.004)
    for level in (0.05, 0.3, 0.7):
        assert np.mean(p <= level) == pytest.approx(level, abs=0.03)


@pytest.mark.parametrize("sign", range(3))
def test_every_sign_counts_and_its_scale_does_not(novelty, sign):
    times = np.ones(3)
    times[sign] = 500.0
    assert set(novelty.judge(signs(50, 2, times))[2]) == {"outside"}
    rescaled = Novelty.of(signs(4000, 0, (1.0, 1e6, 1.0)))
    for ours, theirs in zip(
        novelty.judge(signs(50, 3)), rescaled.judge(signs(50, 3, (1.0, 1e6, 1.0))), strict=True
    ):
        if isinstance(ours, np.ndarray):
            np.testing.assert_allclose(ours, theirs, atol=1e-9)


def test_errors_are_expected_to_grow_with_the_novelty_beyond_the_usual_alone():
    assert widening(np.array([-3.0, 0.0, 1.0, 1.5, 3.0])).tolist() == [1.0, 1.0, 1.0, 2.25, 9.0]


def test_better_than_usual_is_not_novel(novelty):
    values, p, verdicts = novelty.judge(signs(50, 4, (0.05, 0.05, 0.05)))
    assert values.max() < 0 and p.min() > 0.5 and set(verdicts) == {"in range"}


def test_a_single_trial_has_no_disagreement_and_is_judged_all_the_same():
    one = novelty_signs(signs(200, 5)[:, 0], np.zeros((200, 4)), signs(200, 5)[:, 2])
    novelty = Novelty.of(one)
    assert np.isfinite(novelty.score_N).all()
    far = novelty_signs(np.array([1.0]), np.zeros((1, 4)), np.array([50.0]))
    assert novelty.judge(far)[2] == ["outside"]


def test_distance_is_the_mean_over_trials_of_that_to_the_five_nearest():
    rng = np.random.default_rng(0)
    training, styles = rng.standard_normal((2, 40, 3)), rng.standard_normal((2, 7, 3))
    all_pairs = np.sqrt(((styles[:, :, None] - training[:, None]) ** 2).sum(-1))
    expected = np.sort(all_pairs, axis=2)[:, :, :5].mean(axis=(0, 2))
    np.testing.assert_allclose(StyleDistances(training).of(styles), expected)
    assert StyleDistances(training[:, :1]).of(training[:, :1]).tolist() == [0.0]
