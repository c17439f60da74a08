"""What is found on some rows and has to repeat on others."""

import numpy as np
import pytest

from rankaae_cli.core.styles.associations import associations
from rankaae_cli.core.styles.replication import nearest_descriptors, repeats

QUANTITIES = ["same", "turned", "lost", "OS"]


def on_rows(seed, signs, n=300):
    """Free style 1 goes with each quantity by its coefficient; styles and quantities are independent of OS."""
    random = np.random.default_rng(seed)
    style, named = random.normal(size=(2, n))
    quantities = np.column_stack([sign * style + 0.7 * random.normal(size=n) for sign in signs])
    return associations(
        style[:, None],
        quantities,
        named[:, None],
        np.arange(n),
        style_names=["free_1"],
        quantity_names=QUANTITIES,
        permutations=100,
    )


@pytest.fixture(scope="module")
def found():
    return repeats(on_rows(0, [1, 1, 1, 1]), on_rows(1, [1, -1, 0, 1]), {"OS": "OS"})


def by_quantity(found):
    return {pair.quantity: pair for pair in found.pairs}


def test_only_what_repeats_with_the_same_sign_stands_out(found):
    assert [pair.quantity for pair in found.standing_out] == ["same"]
    pairs = by_quantity(found)
    assert {name: pair.repeats for name, pair in pairs.items()} == {
        "same": True,
        "turned": False,
        "lost": False,
        "OS": True,
    }
    assert pairs["turned"].found_partial > 0.5 and pairs["turned"].partial < -0.5
    assert [pair.quantity for pair in found.of_descriptors] == ["OS"]
    assert not pairs["OS"].stands_out and pairs["OS"].descriptor == "OS"


def test_what_was_not_found_does_not_stand_out_however_strong_it_is_elsewhere():
    again = repeats(on_rows(0, [0, 0, 0, 0]), on_rows(1, [1, 1, 1, 1]), {})
    assert again.standing_out == () and all(abs(pair.partial) > 0.5 for pair in again.pairs)


def test_numbers_are_those_of_either_rows_and_the_search_gives_the_order():
    search, elsewhere = on_rows(0, [0.5, 1, 1.5, 0]), on_rows(1, [1, 1, 1, 1], n=100)
    found = repeats(search, elsewhere, {})
    assert [(p.quantity, p.found_partial, p.found_p_value) for p in found.pairs] == [
        (p.quantity, p.partial, p.p_value) for p in search.pairs
    ]
    for pair in elsewhere.pairs:
        same = by_quantity(found)[pair.quantity]
        assert (same.rows, same.spearman, same.partial) == (100, pair.spearman, pair.partial)
    assert found.again_limit == elsewhere.threshold and found.limit >= search.threshold


def test_too_few_rows_repeat_nothing():
    found = repeats(on_rows(0, [1, 1, 1, 1]), on_rows(1, [1, 1, 1, 1], n=20), {})
    assert found.standing_out == () and np.isnan(found.again_limit)


def test_a_change_of_sign_between_plain_and_partial_is_marked():
    random = np.random.default_rng(2)
    named, left = random.normal(size=(2, 400))
    style, quantity = 2 * named + left, -2 * named + left  # opposite, but for what the named style leaves
    one = associations(
        style[:, None],
        quantity[:, None],
        named[:, None],
        np.arange(400),
        style_names=["free_1"],
        quantity_names=["Q"],
        permutations=50,
    )
    (pair,) = repeats(one, one, {}).pairs
    assert pair.spearman < -0.3 and pair.partial > 0.5 and pair.sign_changes and pair.stands_out
    assert not any(pair.sign_changes for pair in repeats(on_rows(0, [1] * 4), on_rows(1, [1] * 4), {}).pairs)


def test_quantities_that_are_nearly_descriptors_are_found():
    random = np.random.default_rng(3)
    descriptors = random.normal(size=(200, 2))
    nearly = -(descriptors[:, 1] ** 3) + 0.001 * random.normal(size=200)
    rarely = np.where(np.arange(200) < 20, descriptors[:, 0], np.nan)
    quantities = np.column_stack(
        [nearly, random.normal(size=200), rarely, np.full(200, np.nan), descriptors[:, 0]]
    )
    names = ["nearly", "new", "rarely", "unknown", "CN"]
    assert nearest_descriptors(quantities, descriptors, names, ["CN", "OS"]) == {"nearly": "OS", "CN": "CN"}
