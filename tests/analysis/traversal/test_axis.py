import numpy as np
import pytest
from matplotlib.ticker import MaxNLocator

from rankaae_cli.analysis.traversal.axis import StyleAxis

PERCENTILES = np.linspace(5, 95, 91)


def axis(values, unit="angstrom", classes=()):
    return StyleAxis("NNRS", unit, PERCENTILES, values, classes)


def test_ticks_stand_where_the_calibration_has_their_value():
    values = 0.02 + 0.28 * ((PERCENTILES - 5) / 90) ** 2
    places, texts = axis(values).ticks()
    assert axis(values).label == "NNRS (Å)" and len(places) >= 3
    np.testing.assert_allclose(np.interp(places, PERCENTILES, values), [float(t) for t in texts], atol=0.004)
    assert np.diff(places).min() >= 14


def test_values_are_those_of_matplotlib():
    rng = np.random.default_rng(0)
    for first, span in zip(rng.normal(size=300) * 10, 10 ** rng.uniform(-2, 1, 300), strict=True):
        _, texts = axis(np.linspace(first, first + span, 91)).ticks(apart=0)
        wanted = MaxNLocator(6, steps=[1, 2, 2.5, 5, 10]).tick_values(first, first + span)
        wanted = wanted[(wanted >= first - 0.01 * span) & (wanted <= first + 1.01 * span)]
        assert [float(text.replace("−", "-")) for text in texts] == pytest.approx(wanted)


def test_steps_are_marked_in_the_middle_of_each_class():
    values = np.select([PERCENTILES < 35, PERCENTILES < 65], [4.0, 5.0], 6.0)
    places, texts = axis(values, "1", (4, 5, 6)).ticks()
    assert texts == ["4", "5", "6"] and places == pytest.approx([19.5, 49.5, 80])
    assert axis(values, "1").label == "NNRS"


def test_a_class_that_the_walk_does_not_reach_has_no_tick():
    places, texts = axis(np.linspace(4.4, 6, 91), "1", (4, 5, 6)).ticks()
    assert texts == ["5", "6"] and places[0] == pytest.approx(5 + 90 * 0.6 / 1.6, abs=1)


def test_between_two_classes_both_ends_are_marked():
    assert axis(np.linspace(4.2, 4.8, 91), "1", (4, 5, 6)).ticks() == ([5.0, 95.0], ["4.2", "4.8"])


def test_one_class_alone_stands_between_both_ends():
    places, texts = axis(np.linspace(1.1, 2.56, 91), "e", (1, 2, 3)).ticks()
    assert texts == ["1.10", "2.00", "2.56"] and places == pytest.approx([5, 5 + 90 * 0.9 / 1.46, 95], abs=1)


def test_a_flat_calibration_has_one_tick():
    assert axis(np.full(91, 2.0)).ticks() == ([50.0], ["2"])


@pytest.mark.parametrize("values", [None, np.full(91, np.nan)], ids=["free", "not known"])
def test_percentiles_remain_where_there_is_no_descriptor(values):
    places, texts = StyleAxis("free_1", "", PERCENTILES, values).ticks()
    assert places == [5, 50, 95] and texts == ["5", "50", "95"]
    assert StyleAxis("free_1", "", PERCENTILES, values).label == "free style 1 (percentile)"
