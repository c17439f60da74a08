"""Oxidation states from charges that must hold, where bond valences say one thing or another."""

import math

import pytest

from rankaae_cli.core.structure import oxidation_states as module
from rankaae_cli.core.structure.oxidation_states import REASONS, Bond, oxidation_states


def states(elements, bond_valences=None, sums=None, pairs=()):
    """Return what is found, with bonds both ways of `pairs` (i, j, angstrom).

    Atoms of `sums` have a bond to the last oxygen that makes their bond-valence sums differ so.
    """
    bonds = [Bond(*ends, length) for i, j, length in pairs for ends in ((i, j), (j, i))]
    last = len(elements) - 1
    bonds += [Bond(i, last, 1.8 - 0.37 * math.log(total)) for i, total in (sums or {}).items()]
    found = oxidation_states(elements, bonds, bond_valences)
    assert all(reason in REASONS for _, reason in found)
    return found


def test_oxygen_of_less_charge_needs_a_bond_between_oxygens():
    elements, left = ["Cu", "Mn", "O", "O"], [1, 2, -1, -2]
    assert math.isnan(states(elements, left)[0][0])
    assert states(elements, left)[0][1] == module.UNPHYSICAL_OXYGEN
    bonded = states(["Cu", "Ag", "O", "O"], [1, 1, -1, -1], pairs=[(2, 3, 1.49)])
    assert bonded[:2] == [(1, "bond valence; peroxide")] * 2
    # Bonded oxygens that are taken for two O2- are as wrong.
    assert states(elements, [2, 2, -2, -2], pairs=[(2, 3, 1.49)])[0][1] == "unphysical oxygen; peroxide"


@pytest.mark.parametrize(
    ("length", "state", "group"),
    [(1.21, math.nan, "dioxygen"), (1.28, 1, "superoxide"), (1.49, 2, "peroxide")],
)
def test_the_charge_of_two_bonded_oxygens_by_their_distance(length, state, group):
    found, reason = states(["Cu", "O", "O"], pairs=[(1, 2, length)])[0]
    assert found == state or (math.isnan(found) and math.isnan(state))
    assert reason.endswith(f"; {group}")


def test_three_bonded_oxygens_are_an_ozonide_and_four_are_nothing_known():
    bent = [(1, 2, 1.35), (2, 3, 1.35)]
    assert states(["Cu", "O", "O", "O"], pairs=bent)[0] == (1, "charge balance; ozonide")
    assert states(["Cu", "O", "O", "O"], pairs=bent)[2] == (
        pytest.approx(-1 / 3),
        "ion of one valence; ozonide",
    )
    four = states(["Cu", "O", "O", "O", "O"], [2, -1, -1, 0, 0], pairs=[*bent, (3, 4, 1.35)])
    assert math.isnan(four[0][0]) and four[0][1] == module.UNPHYSICAL_OXYGEN


def test_oxygens_that_are_apart_are_not_bonded():
    found, reason = states(["Cu", "O", "O"], [1, -0.5, -0.5], pairs=[(1, 2, 1.75)])[0]
    assert math.isnan(found) and reason == module.NO_SUCH_VALENCE


def test_balance_comes_before_bond_valences():
    elements = ["La", "La", "Mn", "Mn", *["O"] * 6]
    alike = {2: 3.1, 3: 2.9}
    agreeing = [3, 3, 3, 3, *[-2] * 6]
    assert states(elements, agreeing, alike)[2] == (3, module.BOTH)
    assert states(elements, [3, 3, 2, 4, *[-2] * 6], alike)[2:4] == [(3, module.BALANCE_WINS)] * 2
    assert states(elements, None, alike)[2] == (3, module.BALANCE)
    assert states(elements, agreeing, alike)[0] == (3, module.FIXED)


def test_bond_valences_that_change_an_ion_of_one_valence_are_not_believed():
    elements = ["La", "Mn", "Fe", *["O"] * 4]
    assert states(elements, [3, 2, 3, *[-2] * 4])[1:3] == [(2, module.BOND_VALENCE), (3, module.BOND_VALENCE)]
    found, reason = states(elements, [2, 3, 3, *[-2] * 4])[1]
    assert math.isnan(found) and reason == module.UNPHYSICAL_ION


def test_mixed_valences_need_sums_that_are_apart():
    elements = ["Fe", "Fe", "Fe", *["O"] * 4]
    apart = states(elements, sums={0: 2.9, 1: 2.1, 2: 3.0})
    assert apart[:3] == [(3, module.MIXED), (2, module.MIXED), (3, module.MIXED)]
    for sums in ([2.8, 2.6, 3.0], [2.0, 2.0, 3.0]):
        found = states(elements, [3, 2, 3, *[-2] * 4], dict(enumerate(sums)))
        assert all(math.isnan(state) and reason == module.MIXED_UNKNOWN for state, reason in found[:3])


def test_a_mean_without_remainder_is_no_proof_where_sites_differ():
    elements = ["Ca", "Ca", "Fe", "Fe", *["O"] * 6]
    assert states(elements, sums={2: 4.4, 3: 3.6})[2][0] == 4
    assert states(elements, sums={2: 4.9, 3: 3.1})[2][1] == module.MIXED_UNKNOWN
    both = states(elements, [2, 2, 4, 4, *[-2] * 6], {2: 4.9, 3: 3.1})
    assert both[2:4] == [(4, module.BOTH)] * 2


@pytest.mark.parametrize(
    "elements", [["Sr", "Cu", "O", "O", "O"], ["Cu", "Cu", "Cu", "O"], ["La", "O"], ["Cu"]]
)
def test_a_valence_that_the_element_does_not_have_is_not_given(elements):
    at = elements.index("Cu") if "Cu" in elements else 0
    found, reason = states(elements)[at]
    assert math.isnan(found) and reason == module.NO_SUCH_VALENCE


@pytest.mark.parametrize(
    ("element", "oxygens", "length", "valence"),
    [("P", 4, 1.55, 5), ("S", 4, 1.5, 6), ("S", 3, 1.5, None), ("C", 3, 1.3, 4)],
)
def test_oxygens_tell_the_valence_of_the_centre_of_an_oxoanion(element, oxygens, length, valence):
    elements = ["Fe", element, *["O"] * oxygens]
    found, reason = states(elements, pairs=[(1, 2 + i, length) for i in range(oxygens)])[0]
    if valence is None:
        assert math.isnan(found) and reason == module.NO_BOND_VALENCES
    else:
        assert (found, reason) == (2 * oxygens - valence, module.BALANCE)
