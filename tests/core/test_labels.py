import pytest

from rankaae_cli.core.labels import (
    Subject,
    described_range,
    descriptor_meaning,
    listed,
    metric_label,
    number_word,
    quantity,
    style_title,
    with_unit,
)


@pytest.mark.parametrize(
    ("unit", "label"), [("angstrom", "X (Å)"), ("1", "X"), ("", "X"), ("e", "X (e)"), ("kPa", "X (kPa)")]
)
def test_units(unit, label):
    assert with_unit("X", unit) == label


def test_known_descriptors_are_explained_and_others_keep_their_name():
    assert descriptor_meaning("OS") == "oxidation state" and descriptor_meaning("charge <b>") == "charge <b>"


@pytest.mark.parametrize(
    ("values", "shown"),
    [
        ([2.0, 4.0], "2.0 to 4.0 Å"),
        ([0.0581, 0.368], "0.06 to 0.37 Å"),
        ([-1.0, 31.0], "−1 to 31 Å"),
        ([1, 1], "1.00 to 1.00 Å"),
    ],
)
def test_range_has_the_digits_of_its_difference(values, shown):
    assert described_range({"descriptor": values, "unit": "angstrom"}) == shown


@pytest.mark.parametrize(("unit", "shown"), [("angstrom", "2.5 Å"), ("degree", "2.5°"), ("", "2.5")])
def test_number_with_unit(unit, shown):
    assert quantity("2.5", unit) == shown


@pytest.mark.parametrize("values", [None, [None, None], [float("nan")] * 2])
def test_unknown_range(values):
    assert described_range({"descriptor": values, "unit": "angstrom"}) == "–"


def test_words():
    assert listed(["a", "b", "c"]) == "a, b and c" and listed(["a"]) == "a"
    assert number_word(8) == "eight" and number_word(1200) == "1,200"
    assert style_title("free_2") == "free style 2" and style_title("CN") == "CN"
    assert metric_label("train_new_loss") == "New loss"
    assert Subject("f", "Fe", "K").heading("x") == "f, Fe K edge · x"
