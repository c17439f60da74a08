import numpy as np
import pytest

from rankaae_cli.core.structure.bond_network import BondNetwork, radial_distribution

CORNERS = np.array([(0, 0, 0), (0, 0.5, 0.5), (0.5, 0, 0.5), (0.5, 0.5, 0)])
DIAMOND = np.eye(3) * 3.567, np.concatenate([CORNERS, CORNERS + 0.25]) * 3.567


def graphite(a=2.46, c=6.71):
    lattice = np.array([[a, 0, 0], [-a / 2, a * np.sqrt(3) / 2, 0], [0, 0, c]])
    inner = np.array([[0, 0, 0.25], [0, 0, 0.75], [1 / 3, 2 / 3, 0.25], [2 / 3, 1 / 3, 0.75]])
    return lattice, inner @ lattice


def test_diamond_has_tetrahedra_and_rings_of_six():
    network = BondNetwork.of(*DIAMOND, 1.85)
    assert network.coordination.tolist() == [4] * 8
    assert np.allclose(network.angles, np.degrees(np.arccos(-1 / 3))) and len(network.angles) == 48
    assert network.rings.tolist() == [6] * 48 or set(network.rings) <= {
        4,
        6,
    }  # eight atoms: images close rings


def test_graphite_has_hexagons():
    lattice, positions = graphite()
    large = np.diag([4, 4, 1]) @ lattice
    copies = [positions + i * lattice[0] + j * lattice[1] for i in range(4) for j in range(4)]
    network = BondNetwork.of(large, np.concatenate(copies), 1.85)
    assert set(network.coordination) == {3} and np.allclose(network.angles, 120)
    assert len(network.rings) == 3 * 64 and set(network.rings) == {6}
    assert network.distances(network) == {"coordination": 0, "angles": 0, "rings": 0}
    tetrahedra = BondNetwork.of(*DIAMOND, 1.85)
    apart = network.distances(tetrahedra)
    assert apart["coordination"] == 1 and apart["angles"] == 1
    half = BondNetwork.joined([network, *[tetrahedra] * 8])  # 64 atoms of each
    assert network.distances(half)["coordination"] == pytest.approx(0.5)


def test_rings_are_those_of_a_search_over_all_paths():
    positions = np.random.default_rng(3).random((30, 3)) * 6
    network = BondNetwork.of(np.eye(3) * 40, positions, 2.0)
    bonded = (d := np.linalg.norm(positions[:, None] - positions, axis=2)) <= 2.0
    bonded &= d > 0
    expected = []
    for atom in range(30):
        own = np.flatnonzero(bonded[atom])
        others = bonded.copy()
        others[atom] = others[:, atom] = False
        for k, start in enumerate(own):
            reached, length = np.arange(30) == start, np.full(30, 99)
            for step in range(1, 11):
                reached = reached | others[reached].any(axis=0)
                length = np.where(reached & (length == 99) & (np.arange(30) != start), step, length)
            expected += [n + 2 for n in length[own[k + 1 :]] if n + 2 <= 12]
    assert sorted(network.rings) == sorted(expected) and len(expected) > 20


def test_the_radial_distribution_of_atoms_anywhere_is_one():
    positions = np.random.default_rng(0).random((4000, 3)) * 30
    edges = np.linspace(2, 6, 5)
    assert np.allclose(radial_distribution(np.eye(3) * 30, positions, edges), 1, atol=0.03)
    shell = radial_distribution(*DIAMOND, np.array([1.4, 1.7]))[0]
    expected = 4 / (8 / 3.567**3 * 4 / 3 * np.pi * (1.7**3 - 1.4**3))
    assert shell == pytest.approx(expected)
