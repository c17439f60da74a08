import pytest

from rankaae_cli.core.errors import UserError
from rankaae_cli.core.xas.edges import (
    CORE_HOLES,
    edge_energy,
    edge_span,
    edges_near,
    is_edge_of,
    looks_like,
    parts_of,
)


@pytest.mark.parametrize(
    ("element", "edge", "energy"),
    # X-ray Data Booklet, table 1-1.
    [
        ("C", "K", 284.2),
        ("Ti", "K", 4966),
        ("Fe", "K", 7112),
        ("Cu", "K", 8979),
        ("U", "L3", 17166),
        ("Ba", "L1", 5989),
    ],
)
def test_edges_are_those_of_the_booklet(element, edge, energy):
    assert edge_energy(element, edge) == energy


@pytest.mark.parametrize("element", ["C", "Ti", "V", "Cr", "Mn", "Fe", "Co", "Ni", "Cu", "Zn", "Mo", "I"])
@pytest.mark.parametrize("shift", [-3.0, 0.0, 21.0])
def test_an_edge_within_chemical_shifts_names_its_element_first(element, shift):
    e0 = edge_energy(element) + shift
    assert (edges_near(e0)[0].element, edges_near(e0)[0].edge) == (element, "K")
    assert is_edge_of(e0, element)


def test_an_edge_of_two_elements_gives_both_the_k_edge_first():
    assert [str(e) for e in edges_near(5990.0)] == [
        "Cr K (5989 eV)",
        "Pr L3 (5964 eV)",
        "Ba L1 (5989 eV)",
    ]
    assert looks_like(7118.0) == "Fe K (7112 eV)"
    assert looks_like(17170.0) == "U L3 (17166 eV)"
    assert looks_like(8500.0) == "no K or L edge of any element"
    assert not is_edge_of(7118.0, "Cu")


def test_two_edges_on_one_axis_begin_at_the_first_and_have_the_weights_of_their_electrons():
    assert edge_energy("Cu", "L23") == edge_energy("Cu", "L3") == 932.7
    assert edge_span("Cu", "L23") == pytest.approx(952.3 - 932.7) and edge_span("Cu", "K") == 0
    assert parts_of("L23") == {"L3": pytest.approx(4 / 6), "L2": pytest.approx(2 / 6)}
    assert parts_of("K") == {"K": 1.0} and is_edge_of(931.5, "Cu", "L23")
    assert all(l3 <= l2 for l3, l2 in CORE_HOLES.values()), "L2 has further ways to decay"


def test_an_unknown_element_or_edge_is_named():
    with pytest.raises(UserError, match="no edges are tabulated of 'Xx'"):
        edge_energy("Xx")
    with pytest.raises(UserError, match="no M5 edge is tabulated of Cu"):
        edge_energy("Cu", "M5")
