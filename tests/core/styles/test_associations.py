"""Associations of which the answer is known."""

import math

import numpy as np
import pytest
from scipy import stats

from rankaae_cli.core.styles.associations import FLOOR, associations


def materials_of(random, count=200, most=3):
    """Return the number of each row's material: `count` materials of one to `most` rows."""
    return np.repeat(np.arange(count), random.integers(1, most + 1, count))


def call(styles, quantities, named, material, **options):
    styles, quantities, named = (
        np.column_stack(columns) if len(columns) else np.empty((len(material), 0))
        for columns in (styles, quantities, named)
    )
    return associations(
        styles,
        quantities,
        named,
        np.array([f"m-{m}" for m in material], dtype=object),
        style_names=[f"free_{i + 1}" for i in range(styles.shape[1])],
        quantity_names=[f"Q{i}" for i in range(quantities.shape[1])],
        **{"permutations": 200} | options,
    )


def by_definition(x, y, named):
    """Return the partial Spearman correlation from least squares on ranks."""
    design = np.column_stack([np.ones(len(x)), *(stats.rankdata(z) for z in named)])
    left = [
        r - design @ np.linalg.lstsq(design, r, rcond=None)[0] for r in (stats.rankdata(x), stats.rankdata(y))
    ]
    return np.corrcoef(*left)[0, 1]


def standing_out(associations):
    return [pair for pair in associations.pairs if pair.stands_out]


def test_a_style_that_is_a_quantity_stands_out_and_noise_does_not():
    random = np.random.default_rng(0)
    material = materials_of(random)
    n = len(material)
    named = random.normal(size=(2, n))
    style, noise = random.normal(size=(2, n))
    found = call([noise, style], [random.normal(size=n), -np.exp(style)], named, material)
    assert [(p.style, p.quantity) for p in standing_out(found)] == [("free_2", "Q1")]
    best = found.pairs[0]
    assert best.spearman == pytest.approx(-1)
    assert best.partial == pytest.approx(-1, abs=1e-9)
    assert best.p_value == pytest.approx(1 / 201)
    assert best.rows == n
    assert found.materials == 200
    assert 0 < found.threshold < 0.3
    assert len(found.pairs) == 4
    sizes = [abs(pair.partial) for pair in found.pairs]
    assert sizes == sorted(sizes, reverse=True)


def test_of_noise_nothing_stands_out():
    random = np.random.default_rng(1)
    material = materials_of(random)
    draws = random.normal(size=(12, len(material)))
    found = call(draws[:3], draws[3:10], draws[10:], material)
    assert not standing_out(found)
    assert found.pairs[0].p_value > 0.05


def test_what_comes_through_a_named_style_is_taken_out():
    random = np.random.default_rng(2)
    material = materials_of(random, 600)
    n = len(material)
    named = random.normal(size=n)
    style = named + 0.3 * random.normal(size=n)
    found = call([style], [named, named**3, named + 0.3 * random.normal(size=n)], [named], material)
    exact, monotone, noisy = sorted(found.pairs, key=lambda p: p.quantity)
    assert exact.spearman > 0.9
    assert exact.partial == monotone.partial == 0  # nothing is left of the quantity
    assert noisy.spearman > 0.85
    assert abs(noisy.partial) < 0.1
    assert not standing_out(found)


def test_correlations_are_those_of_the_definitions():
    random = np.random.default_rng(3)
    material = materials_of(random, 60)
    named = random.normal(size=(3, len(material)))
    x = named[0] + random.normal(size=len(material))
    y = np.round(x + named[1] + random.normal(size=len(material)))  # with ties
    (pair,) = call([x], [y], named, material).pairs
    assert pair.spearman == pytest.approx(stats.spearmanr(x, y).statistic)
    assert pair.partial == pytest.approx(by_definition(x, y, named))
    (pair,) = call([x], [y], [], material).pairs
    assert pair.partial == pytest.approx(pair.spearman)


def test_only_known_rows_count():
    random = np.random.default_rng(4)
    material = materials_of(random, 100)
    named = random.normal(size=(1, len(material)))
    x = random.normal(size=len(material))
    y = x + random.normal(size=len(material))
    known = random.random(len(x)) < 0.6
    x_seen = x.copy()
    x_seen[0] = np.nan  # such a row is left out whole
    found = call([x_seen], [np.where(known, y, np.nan), y], named, material)
    rows = known & np.isfinite(x_seen)
    some = next(p for p in found.pairs if p.quantity == "Q0")
    assert some.rows == rows.sum()
    assert some.partial == pytest.approx(by_definition(x[rows], y[rows], named[:, rows]))
    assert next(p for p in found.pairs if p.quantity == "Q1").rows == len(x) - 1


def test_what_does_not_vary_or_is_hardly_known_is_not_judged():
    random = np.random.default_rng(5)
    material = np.arange(100)
    x = random.normal(size=100)
    rare = np.where(np.arange(100) < 29, x, np.nan)
    found = call([x, np.ones(100)], [np.ones(100), rare, np.full(100, np.nan), x], [x[::-1], x * 0], material)
    judged = [p for p in found.pairs if not math.isnan(p.partial)]
    assert [(p.style, p.quantity) for p in judged] == [("free_1", "Q3")]
    assert found.pairs[0] is judged[0]
    assert all(math.isnan(p.p_value) and not p.stands_out for p in found.pairs[1:])
    nothing = call([x], [rare], [], material)
    assert math.isnan(nothing.threshold)
    assert not standing_out(nothing)
    assert call([x], [], [], material).pairs == ()
    assert call([], [x], [], material).pairs == ()


def test_rows_of_few_materials_are_no_evidence():
    random = np.random.default_rng(6)
    material = np.repeat(np.arange(4), 100)
    x, y = random.normal(size=(2, 4))
    y[np.argsort(x)] = np.sort(y)  # in the same order: by chance, once in 24 times
    rows = [v[material] + 0.01 * random.normal(size=400) for v in (x, y)]
    (pair,) = call(rows[:1], rows[1:], [], material).pairs
    assert pair.partial > 0.9
    assert not pair.stands_out
    (alone,) = call(rows[:1], rows[1:], [], np.zeros(400, int)).pairs
    assert not alone.stands_out
    # The same numbers from 400 materials are evidence.
    (many,) = call(rows[:1], rows[1:], [], np.arange(400)).pairs
    assert many.stands_out


def test_chance_is_judged_rightly_where_materials_are_of_unequal_size():
    """Where nothing is associated, the best pair has p <= 0.05 in about one case of twenty."""
    false = 0
    for case in range(100):
        random = np.random.default_rng(case)
        material = np.repeat(np.arange(60), random.choice([1, 2, 3, 8], 60))
        styles, quantities, named = (
            [v[material] + 0.3 * random.normal(size=len(material)) for v in random.normal(size=(c, 60))]
            for c in (2, 4, 2)
        )
        false += (
            call(styles, quantities, named, material, permutations=60, seed=case).pairs[0].p_value <= 0.05
        )
    assert false <= 12  # twelve or more of 100 at 5 % each: once in 200 times


def test_a_weak_association_is_below_the_floor_however_sure():
    random = np.random.default_rng(7)
    n = 5000
    x = random.normal(size=n)
    (pair,) = call([x], [0.2 * x + random.normal(size=n)], [], np.arange(n)).pairs
    assert pair.p_value < 0.01
    assert abs(pair.partial) < FLOOR
    assert not pair.stands_out


def test_the_same_seed_gives_the_same_numbers_in_any_order_of_rows():
    random = np.random.default_rng(8)
    material = materials_of(random, 60)
    x, y, z = random.normal(size=(3, len(material)))
    first = call([x], [y], [z], material)
    assert call([x], [y], [z], material) == first
    assert call([x], [y], [z], material, seed=1).threshold != first.threshold


@pytest.mark.parametrize(
    "shapes", [((9, 1), (10, 2), (10, 1)), ((10, 2), (10, 2), (10, 1)), ((10, 1), (10, 2), (9, 1))]
)
def test_shapes_that_do_not_fit_are_refused(shapes):
    with pytest.raises(ValueError, match=r"expected \(10, 1\), \(10, 2\), \(10, K\)"):
        associations(
            *(np.zeros(shape) for shape in shapes),
            np.array(["m"] * 10),
            style_names=["free_1"],
            quantity_names=["A", "B"],
        )
