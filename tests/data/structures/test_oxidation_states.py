"""Oxidation states of small crystals, from their POSCAR."""

import math

import numpy as np
import pytest

from rankaae_cli.data.family.sites import Neighbours
from rankaae_cli.data.structures.pymatgen_shells import compute
from rankaae_cli.data.structures.shell_task import MaterialShells, ShellTask
from tests.data.feff_folder import perovskite, poscar

pytest.importorskip("pymatgen")


def label(text, element, site):
    task = ShellTask(text.encode(), (site,), Neighbours("cutoff", 2.4), True)
    shells = MaterialShells.from_json(compute(task, 60).to_json())
    shell = shells.of_site(site, element)
    return shell.oxidation_state, shell.oxidation_reason


def dumbbells(metal, length, a=3.8, c=6.8):
    """The structure of BaO2 and KO2: metals, and pairs of oxygens of that distance along c."""
    z = 0.5 - length / 2 / c
    places = [(0, 0, 0), (0.5, 0.5, 0.5), (0, 0, z), (0, 0, -z), (0.5, 0.5, 0.5 + z), (0.5, 0.5, 0.5 - z)]
    return poscar(np.diag([a, a, c]), [metal] * 2 + ["O"] * 4, places)


def test_oxygens_apart_leave_copper_no_valence():
    state, reason = label(perovskite("Sr", "Cu", 3.9), "Cu", 1)  # O-O 2.76 angstrom: Cu4+, or Cu1+ and O-
    assert math.isnan(state) and reason == "no known valence balances"


def test_one_open_element_follows_from_the_others():
    assert label(perovskite("La", "Mn", 3.9), "Mn", 1) == (3, "bond valence and charge balance")
    assert label(perovskite("La", "Cu", 3.82), "Cu", 1)[0] == 3
    assert label(perovskite("Ca", "Mn", 3.75), "Mn", 1)[0] == 4


def test_bonded_oxygens_take_less():
    state, reason = label(dumbbells("Cu", 1.49), "Cu", 0)
    assert state == 2 and reason.endswith("; peroxide")
    state, reason = label(dumbbells("Cu", 1.28), "Cu", 0)
    assert state == 1 and reason.endswith("; superoxide")


def test_distinct_sites_of_mixed_valence():
    # YBa2Cu3O6 (Jorgensen et al., Phys. Rev. B 41, 1863 (1990)): copper between two oxygens, and in planes of four.
    species = ["Y", "Ba", "Ba", "Cu", "Cu", "Cu", *["O"] * 6]
    x, plane, apex = 0.5, 0.379, 0.152
    places = [(x, x, x), (x, x, 0.195), (x, x, -0.195), (0, 0, 0), (0, 0, 0.361), (0, 0, -0.361)]
    places += [(0, 0, apex), (0, 0, -apex), (x, 0, plane), (x, 0, -plane), (0, x, plane), (0, x, -plane)]
    crystal = poscar(np.diag([3.857, 3.857, 11.82]), species, places)
    assert [label(crystal, "Cu", i) for i in (3, 4, 5)] == [
        (state, "mixed valence, by bond-valence sums") for state in (1, 2, 2)
    ]


def test_mixed_valence_on_equal_sites_is_not_known():
    # Magnetite: a third of the iron is Fe2+, on half of the octahedral sites, which are all alike.
    a, u = 8.394, 0.2549
    cell = np.array([[0, 1, 1], [1, 0, 1], [1, 1, 0]]) * a / 2
    tetrahedral = [(1 / 8,) * 3, (7 / 8,) * 3]
    octahedral = [(0.5, 0.5, 0.5), (0.5, 0.5, 0), (0.5, 0, 0.5), (0, 0.5, 0.5)]
    v = 0.5 - 3 * u
    oxygen = [(u, u, u), (u, u, v), (u, v, u), (v, u, u)]
    oxygen += [tuple(-x for x in place) for place in oxygen]
    magnetite = poscar(cell, ["Fe"] * 6 + ["O"] * 8, tetrahedral + octahedral + oxygen)
    for site in (0, 2):
        state, reason = label(magnetite, "Fe", site)
        assert math.isnan(state) and reason == "mixed valence, not unique"


def test_two_open_elements_rest_on_bond_valences():
    # Delafossite, CuFeO2: copper between two oxygens, iron among six.
    a, c, z = 3.035, 17.166, 0.1066
    hexagonal = np.array([[a, 0, 0], [-a / 2, a * math.sqrt(3) / 2, 0], [0, 0, c]])
    centres = [(0, 0, 0), (2 / 3, 1 / 3, 1 / 3), (1 / 3, 2 / 3, 2 / 3)]
    places = [(x, y, w + dz) for dz in (0, 0.5) for x, y, w in centres]
    places += [(x, y, w + dz) for dz in (z, -z) for x, y, w in centres]
    crystal = poscar(hexagonal, ["Cu"] * 3 + ["Fe"] * 3 + ["O"] * 6, places)
    assert label(crystal, "Cu", 0) == (1, "bond valence")
    assert label(crystal, "Fe", 3) == (3, "bond valence")
