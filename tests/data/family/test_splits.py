"""Sides of the split by materials and by what materials share."""

import hashlib
from dataclasses import replace

import numpy as np
import pytest

from rankaae_cli.core.errors import UserError
from rankaae_cli.data.family.family_file import read_family, write_family
from rankaae_cli.data.family.groups import read_groups, with_groups
from rankaae_cli.data.family.samples import sample_path
from rankaae_cli.data.family.splits import groups_of, split_again, split_by_group

FORMULAS = ["CuO", "Cu2O", "CuO3Sr", "CuLa2O4"]


@pytest.fixture(scope="module")
def family():
    """The first rows of a sample, whose materials in turn have one of four formulas."""
    sample = read_family(sample_path("Cu_oxides")).with_rows(np.arange(120))
    number_N = np.unique(sample.material_N.astype(str), return_inverse=True)[1]
    formula_N = np.array([FORMULAS[n % 4] for n in number_N], dtype=object)
    return replace(sample, groups={"formula": formula_N})


def side(name, seed):
    u = int(hashlib.sha256(f"{seed}:{name}".encode()).hexdigest(), 16) / 2**256
    return int(u >= 0.70) + int(u >= 0.85)


@pytest.mark.parametrize("seed", [0, 3])
def test_the_split_by_material_is_that_of_the_hash_of_the_name(family, seed):
    again = split_again(family, "material", seed)
    assert again.split_N.tolist() == [side(m, seed) for m in family.material_N]
    assert split_again(family, None, 0) is family


def test_what_shares_a_group_shares_a_side(family):
    by_formula = split_again(family, "formula", 1)
    assert by_formula.split_by == "formula"
    for formula in FORMULAS:
        assert len(set(by_formula.split_N[groups_of(family, "formula") == formula])) == 1
    systems = groups_of(family, "chemical_system")
    assert set(systems) == {"Cu-O", "Cu-O-Sr", "Cu-La-O"}
    assert len(set(split_again(family, "chemical_system", 1).split_N[systems == "Cu-O"])) == 1


def test_many_groups_have_the_side_of_their_hash():
    names = [f"g{i}" for i in range(60)]
    assert split_by_group(names, 5).tolist() == [side(name, 5) for name in names]


@pytest.mark.parametrize("seed", range(5))
def test_few_groups_leave_no_side_empty(seed):
    names = ["75", "100", "125", "150", "175"]
    sides = dict(zip(names, split_by_group(names, seed), strict=True))
    assert set(sides.values()) == {0, 1, 2}
    assert sides == dict(zip(names[::-1], split_by_group(names[::-1], seed), strict=True))
    assert set(split_by_group(["75", "100"], seed)) <= {0, 1, 2}


def test_groups_and_what_is_split_by_stay_in_the_file(family, tmp_path):
    split = split_again(family, "formula", 0)
    first, second = (write_family(tmp_path / name, split).read_bytes() for name in ("a.h5", "b.h5"))
    again = read_family(tmp_path / "a.h5")
    assert first == second and again.split_by == "formula"
    assert again.groups["formula"].tolist() == family.groups["formula"].tolist()
    few = again.with_rows([3, 1])
    assert few.groups["formula"].tolist() == family.groups["formula"][[3, 1]].tolist()


def test_data_without_the_groups_are_refused_with_a_way_out(family):
    without = replace(family, groups={})
    for by in ("formula", "chemical_system"):
        with pytest.raises(UserError, match=r"groups=TABLE.csv, with columns material,formula"):
            split_again(without, by, 0)
    unknown = replace(family, groups={"formula": np.where(np.arange(120) == 7, "", family.groups["formula"])})
    with pytest.raises(UserError, match=f"no formula of {family.material_N[7]}"):
        split_again(unknown, "formula", 0)
    with pytest.raises(UserError, match="formula"):
        split_again(family, "formulae", 0)
    with pytest.raises(UserError, match="different groups"):
        split_again(replace(family, split_by=""), None, 0)


def test_a_table_gives_groups(family, tmp_path):
    table = tmp_path / "groups.csv"
    materials = sorted(set(family.material_N))
    table.write_text("material,kind\n" + "".join(f"{m},{'ab'[i % 2]}\n" for i, m in enumerate(materials)))
    grouped = with_groups(family, read_groups(str(table)), "groups.csv")
    assert set(grouped.groups) == {"formula", "kind"}
    assert grouped.groups["kind"][0] == "ab"[materials.index(family.material_N[0]) % 2]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("name,kind\na,b\n", "has the columns name, kind"),
        ("material,kind\na,b,c\n", "row 2 has 3 values"),
        ("material,kind\na,b\na,c\n", "'a' is there twice"),
        ("", "cannot be read as a table"),
        ("material,kind\nother,b\n", "names none of the materials"),
        ("material,chemical_system\nsynthetic-00000,b\n", "cannot be called chemical_system"),
    ],
)
def test_what_is_no_such_table_is_refused(family, tmp_path, text, message):
    table = tmp_path / "groups.csv"
    table.write_text(text)
    with pytest.raises(UserError, match=message):
        with_groups(family, read_groups(str(table)), "groups.csv")
