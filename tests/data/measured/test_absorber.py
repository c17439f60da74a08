import pytest

from rankaae_cli.data.measured.absorber import edge_name, element_name, foil_element, tabulated_edge


@pytest.mark.parametrize(
    ("text", "name"),
    [
        ("K", "K"),
        ("k-edge", "K"),
        ("K EDGE", "K"),
        ("Kedge", "K"),
        ("Fe K-edge", "K"),
        ("LIII", "L3"),
        ("L_3", "L3"),
        ("L2,3", "L23"),
        ("Cu L2/3-edge", "L23"),
        ("LII,III", "L23"),
        ("l23", "L23"),
        ("l3-edge", "L3"),
        ("L2", "L2"),
        ("Pt LII edge", "L2"),
        ("MV", "M5"),
        ("m4", "M4"),
        ("total", "TOTAL"),
        ("none", None),
        (" ", None),
    ],
)
def test_edges_have_one_name_however_they_are_spelt(text, name):
    assert edge_name(text) == name


@pytest.mark.parametrize(
    ("text", "symbol"),
    [
        ("Fe", "Fe"),
        ("cu", "Cu"),
        ("V", "V"),
        ("CU", "Cu"),
        ("Cu foil", "Cu"),
        ("Fe2O3", "Fe"),
        ("copper", "Copper"),
        ("n/a", None),
        ("None", None),
        ("", None),
    ],
)
def test_elements_have_one_symbol_however_they_are_spelt(text, symbol):
    assert element_name(text) == symbol


def test_a_k_edge_is_meant_where_none_is_named():
    assert tabulated_edge("Cu", None) == tabulated_edge("Cu", "K") == 8979.0
    assert [tabulated_edge(*x) for x in ((None, "K"), ("Xx", "K"), ("Cu", "M5"))] == [None] * 3


@pytest.mark.parametrize(
    ("text", "element"),
    [("Cu foil", "Cu"), ("Fe 5 um foil", "Fe"), ("6um_Ni-foil", "Ni"), ("metal foil", None), ("Foil", None),
     ("in situ foil", None), ("Metallic, FeO metal", None), ("W metal", "W"), ("foil of Ni", "Ni"),
     ("foil: Ni", "Ni"), ("nickel foil", "Ni"), ("metal foil (Ni, 5 um)", "Ni"), ("foil, K edge", None)],
)  # fmt: skip
def test_the_element_of_a_foil_is_read_where_it_is_said(text, element):
    assert foil_element(text) == element
