import numpy as np
import pytest

from rankaae_cli.core.xas.trends import (
    edge_energy,
    main_peak,
    trend_with_range,
    trends_between,
    trends_per_unit,
)

ENERGY = np.linspace(8980, 9040, 241)


def spectrum(edge=8990.0, peak=9000.0, height=1.4):
    """A step of height 1 at `edge` and a peak on it, so that the top is near `height`."""
    step = 1 / (1 + np.exp(-(ENERGY - edge)))
    return step + (height - 1) * np.exp(-((ENERGY - peak) ** 2) / 8)


def test_edge_is_between_points_where_it_belongs():
    for edge in (8990.0, 8990.1, 8991.37):
        assert edge_energy(spectrum(edge, peak=9010.0), ENERGY) == pytest.approx(edge, abs=0.01)
    assert edge_energy(np.array([0.0, 0.4, 0.6, 0.3, 0.9]), np.arange(5.0)) == pytest.approx(1.5)


def test_edge_out_of_range_is_not_known():
    assert np.isnan(edge_energy(np.full(5, 0.7), np.arange(5.0)))
    assert np.isnan(edge_energy(np.full(5, 0.3), np.arange(5.0)))


def test_main_peak_is_found_between_points():
    x = np.arange(9.0)
    place, height = main_peak(2 - 0.1 * (x - 4.3) ** 2, x)
    assert (place, height) == (pytest.approx(4.3), pytest.approx(2))
    assert main_peak(x, x) == (8, 8)
    assert main_peak(np.array([0.0, 1, 1, 1, 0]), np.arange(5.0))[1] == pytest.approx(1, abs=0.2)


def test_trends_have_the_sign_and_size_of_what_changed():
    base = spectrum()
    assert trends_between(base, base, ENERGY) == {
        "edge_shift_eV": 0,
        "main_peak_change": 0,
        "main_peak_shift_eV": 0,
    }
    moved = trends_between(base, spectrum(8991.2, 9001.2), ENERGY)
    assert moved["edge_shift_eV"] == pytest.approx(1.2, abs=0.01)
    assert moved["main_peak_shift_eV"] == pytest.approx(1.2, abs=0.05)
    higher = trends_between(base, spectrum(height=1.6), ENERGY)
    assert higher["main_peak_change"] == pytest.approx(0.2, abs=0.01)


def test_range_over_repetitions():
    first = np.stack([spectrum()] * 11)
    last = np.stack([spectrum(8990 + s, 9010) for s in np.linspace(0.5, 1.5, 11)])
    trend = trend_with_range(first[0], spectrum(8991, 9010), first, last, ENERGY)["edge_shift_eV"]
    assert trend["value"] == pytest.approx(1, abs=0.02)
    assert trend["low"] == pytest.approx(0.55, abs=0.02) and trend["high"] == pytest.approx(1.45, abs=0.02)
    alone = trend_with_range(first[0], last[0], first[:1], last[:1], ENERGY)["edge_shift_eV"]
    assert np.isnan(alone["low"]) and alone["value"] > 0


def test_trends_per_unit_are_those_of_a_usual_change_by_it():
    # One unit moves edge and peak by 10 eV, far more than any spectrum shows.
    slope = (spectrum(8990.05, 9000.05) - spectrum(8989.95, 8999.95)) / 0.01
    resampled = np.outer(np.linspace(0.8, 1.2, 41), slope)
    trend = trends_per_unit(spectrum(8990, 9000), slope, resampled, 0.02, ENERGY)["edge_shift_eV"]
    assert trend["value"] == pytest.approx(10, abs=0.5)
    assert (trend["low"], trend["high"]) == (pytest.approx(8.1, abs=0.5), pytest.approx(11.9, abs=0.5))
