import pytest

from rankaae_cli.core.structure.composition import chemical_system, reduced_formula


@pytest.mark.parametrize(
    ("atoms", "formula", "system"),
    [
        ({"Sr": 4, "Cu": 4, "O": 12}, "CuO3Sr", "Cu-O-Sr"),
        ({"C": 216}, "C", "C"),
        ({"O": 2, "Cu": 4}, "Cu2O", "Cu-O"),
    ],
)
def test_formula_and_chemical_system(atoms, formula, system):
    assert reduced_formula(atoms) == formula and chemical_system(formula) == system


def test_chemical_system_of_a_formula_with_brackets():
    assert chemical_system("Cu3(PO4)2") == "Cu-O-P"
