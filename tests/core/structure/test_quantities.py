"""Quantities of polyhedra whose values are known from elsewhere."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import special

from rankaae_cli.core.structure.descriptors import DESCRIPTORS, Shell
from rankaae_cli.core.structure.quantities import QUANTITIES, measure

OCTAHEDRON = np.array([[1, 0, 0], [-1, 0, 0], [0, 1, 0], [0, -1, 0], [0, 0, 1], [0, 0, -1]], float)
TETRAHEDRON = np.array([[1, 1, 1], [1, -1, -1], [-1, 1, -1], [-1, -1, 1]]) / math.sqrt(3)
CUBE = np.array([[x, y, z] for x in (-1, 1) for y in (-1, 1) for z in (-1, 1)]) / math.sqrt(3)
SQUARE = OCTAHEDRON[:4]
ICOSAHEDRON = np.array(
    [np.roll([0, y, z], i) for i in range(3) for y in (-1, 1) for z in (-(1 + 5**0.5) / 2, (1 + 5**0.5) / 2)]
)


def shell_of(vectors, elements=None, absorber="Cu", second=None):
    vectors = np.array(vectors, dtype=float).reshape(-1, 3)
    unknown = np.full(len(vectors), np.nan)
    shell = Shell(vectors, tuple(elements or ["O"] * len(vectors)), np.nan, unknown, absorber)
    if second is None:
        return shell
    places, kinds = second
    return Shell(
        shell.vectors_M3,
        shell.elements,
        np.nan,
        unknown,
        absorber,
        np.array(places, dtype=float).reshape(-1, 3),
        tuple(kinds),
    )


def quantity(name, *arguments, **options):
    return measure(shell_of(*arguments, **options), [name])[0]


@pytest.mark.parametrize(
    ("vectors", "q4", "q6"),
    [
        # Values as in Mickel et al., J. Chem. Phys. 138, 044501 (2013), and in Steinhardt et al.
        (OCTAHEDRON, 0.7638, 0.3536),
        (TETRAHEDRON, 0.5092, 0.6285),
        (CUBE, 0.5092, 0.6285),  # of even degree, so it does not tell a cube from a tetrahedron
        (SQUARE, 0.8292, 0.5863),
        (ICOSAHEDRON, 0.0, 0.6633),
        (OCTAHEDRON[:2], 1.0, 1.0),
    ],
)
def test_steinhardt_order_parameters_of_known_polyhedra(vectors, q4, q6):
    assert measure(shell_of(1.9 * vectors), ["q4", "q6"]) == pytest.approx([q4, q6], abs=1e-4)


@given(st.integers(0, 2**32 - 1), st.sampled_from([4, 6]), st.integers(1, 9))
def test_steinhardt_order_parameters_are_those_of_spherical_harmonics(seed, degree, count):
    vectors = np.random.default_rng(seed).normal(size=(count, 3))
    polar = np.arccos(vectors[:, 2] / np.linalg.norm(vectors, axis=1))
    azimuth = np.arctan2(vectors[:, 1], vectors[:, 0])
    total = sum(abs(harmonic(degree, m, polar, azimuth).mean()) ** 2 for m in range(-degree, degree + 1))
    expected = math.sqrt(4 * math.pi / (2 * degree + 1) * total)
    assert quantity(f"q{degree}", vectors) == pytest.approx(expected, abs=1e-5)


def harmonic(degree, order, polar, azimuth):
    if hasattr(special, "sph_harm_y"):
        return special.sph_harm_y(degree, order, polar, azimuth)
    return special.sph_harm(order, degree, azimuth, polar)


@pytest.mark.parametrize(
    ("vectors", "volume", "sphericity"),
    [
        # Edge length and volume of the solid inscribed in the unit sphere; sphericity from both in closed form.
        (OCTAHEDRON, 4 / 3, (math.pi / (3 * math.sqrt(3))) ** (1 / 3)),
        (TETRAHEDRON, 8 * math.sqrt(3) / 27, (math.pi / (6 * math.sqrt(3))) ** (1 / 3)),
        (CUBE, 8 / (3 * math.sqrt(3)), (math.pi / 6) ** (1 / 3)),
    ],
)
def test_volume_and_sphericity_of_known_polyhedra(vectors, volume, sphericity):
    found = measure(shell_of(2.0 * vectors), ["VOL", "SPH"])
    assert found == pytest.approx([8 * volume, sphericity], abs=1e-5)


def test_a_square_has_no_volume_and_so_no_sphericity():
    rough = 1.95 * SQUARE + 1e-6 * np.random.default_rng(0).normal(size=(4, 3))
    for square in (1.95 * SQUARE, rough):
        assert measure(shell_of(square), ["VOL", "SPH"]) == [0, 0]
    puckered = 1.95 * SQUARE + [[0, 0, 0.05], [0, 0, 0.05], [0, 0, -0.05], [0, 0, -0.05]]
    volume, sphericity = measure(shell_of(puckered), ["VOL", "SPH"])
    # A disphenoid: a third of the two crossing diagonals' product times their distance, over two.
    assert volume == pytest.approx(3.9 * 3.9 * 0.1 / 6)
    assert 0 < sphericity < 0.3
    assert np.isnan(measure(shell_of(OCTAHEDRON[:3]), ["VOL", "SPH"])).all()


def test_bonds_and_angles():
    stretched = 1.95 * OCTAHEDRON
    stretched[4:] *= 1.2
    names = ["MBL", "BLmin", "BLmax", "MBA", "BAstd", "OFF"]
    # Twelve right angles and three straight ones.
    expected = [(4 * 1.95 + 2 * 2.34) / 6, 1.95, 2.34, 108, math.sqrt((12 * 18**2 + 3 * 72**2) / 15), 0]
    assert measure(shell_of(stretched), names) == pytest.approx(expected, abs=1e-5)
    assert quantity("BAstd", TETRAHEDRON) == pytest.approx(0, abs=1e-5)
    assert math.isnan(quantity("BAstd", OCTAHEDRON[:2]))
    pyramid = np.array([*SQUARE, [0, 0, 1]])
    assert quantity("OFF", 2.0 * pyramid) == pytest.approx(2 / 5)
    assert quantity("OFF", TETRAHEDRON + np.array([0, 0, 0.3])) == pytest.approx(0.3)


@pytest.mark.parametrize(
    ("absorber", "bonds", "valence", "tolerance"),
    [
        ("Cu", [1.951] * 2 + [1.961] * 2, 2, 0.15),  # tenorite
        ("Ti", [1.934] * 4 + [1.980] * 2, 4, 0.25),  # anatase
        ("Fe", [1.945] * 3 + [2.116] * 3, 3, 0.1),  # haematite
        ("Cr", [1.962] * 3 + [2.009] * 3, 3, 0.1),  # eskolaite
        ("Ni", [2.089] * 6, 2, 0.2),  # bunsenite
        ("Co", [2.130] * 6, 2, 0.2),  # cobaltous oxide
        ("Mn", [1.90] * 2 + [1.97] * 2 + [2.24] * 2, 3, 0.3),  # bixbyite
        ("V", [1.921] * 4 + [1.933] * 2, 4, 0.15),  # vanadium dioxide, rutile
    ],
)
def test_bond_valences_of_well_known_oxides_add_up_to_the_oxidation_state(
    absorber, bonds, valence, tolerance
):
    vectors = np.array(bonds)[:, None] * OCTAHEDRON[: len(bonds)]
    assert quantity("BVS", vectors, absorber=absorber) == pytest.approx(valence, abs=tolerance)


def test_a_bond_as_long_as_r0_has_one_valence_unit():
    assert quantity("BVS", [[0, 0, 1.679]]) == pytest.approx(1)
    assert quantity("BVS", [[0, 0, 1.679 + 0.37]]) == pytest.approx(math.exp(-1), abs=1e-6)


@pytest.mark.parametrize("options", [{"elements": ["O"] * 5 + ["Cl"]}, {"absorber": "Zn"}, {"absorber": ""}])
def test_without_parameters_no_bond_valence_is_known(options):
    assert math.isnan(quantity("BVS", OCTAHEDRON, **options))


def test_electronegativities():
    assert quantity("NEN", OCTAHEDRON) == 3.44
    assert quantity("NEN", TETRAHEDRON, ["O", "O", "F", "Cl"]) == pytest.approx((2 * 3.44 + 3.98 + 3.16) / 4)
    assert math.isnan(quantity("NEN", TETRAHEDRON, ["O", "O", "O", "He"]))


def test_the_second_shell():
    second = ([[0, 0, 3], [0, 4, 0], [5, 0, 0]], ["Ba", "Cu", "Cu"])
    found = measure(shell_of(OCTAHEDRON, second=second), ["SSN", "SSD", "SSEN"])
    assert found == pytest.approx([3, 3, (0.89 + 2 * 1.90) / 3], abs=1e-6)
    assert quantity("SSN", OCTAHEDRON, second=([], [])) == 0
    assert np.isnan(measure(shell_of(OCTAHEDRON, second=([], [])), ["SSD", "SSEN"])).all()
    assert np.isnan(measure(shell_of(OCTAHEDRON), ["SSN", "SSD", "SSEN"])).all()


@pytest.mark.parametrize(
    "vectors",
    [
        [],
        OCTAHEDRON[:1],
        OCTAHEDRON[:2],
        np.zeros((5, 3)),
        np.full((4, 3), np.nan),
        np.full((4, 3), np.inf),
        [[0, 0, 1]] * 4,
        [[0, 0, x] for x in (1, 2, 3, 4)],
        1e-200 * OCTAHEDRON,
    ],
)
def test_odd_shells_give_values_or_nan_but_no_error(vectors):
    found = measure(shell_of(vectors), list(QUANTITIES))
    assert len(found) == len(QUANTITIES)
    assert not np.isinf(found).any()


@given(st.integers(0, 2**32 - 1))
def test_no_quantity_depends_on_order_or_orientation(seed):
    random = np.random.default_rng(seed)
    vectors = 2 * OCTAHEDRON + random.normal(0, 0.2, OCTAHEDRON.shape)
    second = 4 * CUBE + random.normal(0, 0.2, CUBE.shape)
    rotation, _ = np.linalg.qr(random.normal(size=(3, 3)))
    order, other = random.permutation(6), random.permutation(8)
    names = list(QUANTITIES)
    kinds = np.array(["Cu", "Ba", "La", "O", "K", "Cu", "Cu", "H"])
    assert measure(
        shell_of(vectors[order] @ rotation, second=(second[other] @ rotation, kinds[other])), names
    ) == pytest.approx(measure(shell_of(vectors, second=(second, kinds)), names), abs=2e-6, nan_ok=True)


def test_every_descriptor_is_a_quantity_too():
    assert list(QUANTITIES)[: len(DESCRIPTORS)] == list(DESCRIPTORS)
    assert all(q.unit and q.label for q in QUANTITIES.values())


def test_electronegativities_are_those_pymatgen_has():
    pytest.importorskip("pymatgen")
    from pymatgen.core import Element

    for element in ("H", "Li", "O", "Cu", "Ba", "La", "Tl", "Bi", "U", "W", "Eu"):
        assert quantity("NEN", OCTAHEDRON[:1], [element]) == Element(element).X
