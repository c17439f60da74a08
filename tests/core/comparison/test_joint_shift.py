import numpy as np
import pytest

from rankaae_cli.core.comparison.joint_shift import combine_pairs

SHIFT = -1.37


def combined(materials, shifts):
    return combine_pairs(materials, np.asarray(shifts, float), np.ones(len(shifts)))


def test_the_sites_of_one_material_count_together():
    result = combined(["a"] * 6 + ["b", "c"], [5, 5, 5, 5, 5, 6, 1, 2])
    assert result.offset == 2 and result.materials == 3 and sorted(result.material_shifts) == [1, 2, 5]


def test_one_material_does_not_show_how_materials_differ():
    result = combined(["a", "a"], [1.0, 1.2])
    assert result.offset == pytest.approx(1.1) and result.spread == 1.0


def test_the_offset_lies_within_its_standard_error_as_often_as_it_should():
    rng = np.random.default_rng(0)
    within = []
    for _ in range(400):
        result = combined([str(n) for n in range(40)], rng.normal(SHIFT, 0.5, 40))
        within.append(abs(result.offset - SHIFT) < 2 * result.standard_error)
    assert 0.9 < np.mean(within) < 0.98
