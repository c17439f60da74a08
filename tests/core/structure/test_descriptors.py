import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from rankaae_cli.core.errors import UserError
from rankaae_cli.core.structure.descriptors import (
    DESCRIPTORS,
    Shell,
    describe,
    require_usable_names,
    why_not_kept,
)

OCTAHEDRON = 2.0 * np.array([[1, 0, 0], [-1, 0, 0], [0, 1, 0], [0, -1, 0], [0, 0, 1], [0, 0, -1]])
TETRAHEDRON = 1.8 / math.sqrt(3) * np.array([[1, 1, 1], [1, -1, -1], [-1, 1, -1], [-1, -1, 1]])


def shell_of(vectors, elements=None, state=2.0, coordination=None):
    vectors = np.array(vectors, dtype=float).reshape(-1, 3)
    elements = tuple(elements or ["O"] * len(vectors))
    coordination = [np.nan] * len(vectors) if coordination is None else coordination
    return Shell(vectors, elements, state, np.array(coordination, dtype=float))


def test_octahedron():
    shell = shell_of(OCTAHEDRON, coordination=[6, 6, 5, 5, 4, 4])
    names = ["OS", "CN", "OCN", "NNRS", "MOOD", "MBL", "MBA"]
    # Twelve right angles and three straight ones.
    expected = [2, 6, 5, 0, 2 * math.sqrt(2), 2, (12 * 90 + 3 * 180) / 15]
    assert describe(shell, names) == pytest.approx(expected, abs=1e-6)


def test_tetrahedron():
    shell = shell_of(TETRAHEDRON)
    angle = math.degrees(math.acos(-1 / 3))
    assert describe(shell, ["CN", "NNRS", "MOOD", "MBL", "MBA"]) == pytest.approx(
        [4, 0, 1.8 * math.sqrt(8 / 3), 1.8, angle]
    )


def test_spread_of_a_stretched_octahedron_is_that_of_its_distances():
    stretched = OCTAHEDRON.copy()
    stretched[4:] *= 1.25  # four at 2.0, two at 2.5
    mean = (4 * 2.0 + 2 * 2.5) / 6
    spread = math.sqrt((4 * (2.0 - mean) ** 2 + 2 * (2.5 - mean) ** 2) / 6)
    assert DESCRIPTORS["NNRS"].function(shell_of(stretched)) == pytest.approx(spread)


def test_only_neighbouring_oxygens_count_for_their_coordination():
    shell = shell_of(TETRAHEDRON, ["O", "O", "Cl", "Cl"], coordination=[3, 5, np.nan, np.nan])
    assert DESCRIPTORS["OCN"].function(shell) == 4


@pytest.mark.parametrize("count", [0, 1])
def test_what_too_few_neighbours_cannot_tell_is_not_known(count):
    shell = shell_of(OCTAHEDRON[:count], state=np.nan)
    found = dict(zip(DESCRIPTORS, describe(shell, list(DESCRIPTORS)), strict=True))
    assert found["CN"] == count
    assert math.isnan(found["OS"])
    assert math.isnan(found["MOOD"])
    assert math.isnan(found["MBA"])
    assert math.isnan(found["NNRS"]) == (count == 0)


@given(st.integers(0, 2**32 - 1))
def test_no_descriptor_depends_on_order_or_orientation(seed):
    random = np.random.default_rng(seed)
    vectors = OCTAHEDRON + random.normal(0, 0.2, OCTAHEDRON.shape)
    coordination = random.integers(2, 6, 6)
    rotation, _ = np.linalg.qr(random.normal(size=(3, 3)))
    order = random.permutation(6)
    names = list(DESCRIPTORS)
    assert describe(
        shell_of(vectors[order] @ rotation, coordination=coordination[order]), names
    ) == pytest.approx(describe(shell_of(vectors, coordination=coordination), names))


def test_the_family_keeps_its_ligands_and_coordination_numbers():
    mixed = shell_of(OCTAHEDRON, ["O"] * 4 + ["Cl"] * 2)
    assert why_not_kept(mixed, ["O"], [4, 5, 6]) == "first shell is Cl2 O4, not all O"
    assert why_not_kept(shell_of([]), ["O"], None) == "first shell is empty, not all O"
    reason = why_not_kept(shell_of(OCTAHEDRON[:3]), ["O"], [4, 5, 6])
    assert reason == "coordination number 3, the family keeps 4, 5, 6"
    assert why_not_kept(shell_of(OCTAHEDRON), ["O"], [4, 5, 6]) is None
    assert why_not_kept(mixed, None, None) is None


@pytest.mark.parametrize(
    ("names", "said"),
    [
        (["../../x"], "holds '/'"),
        (["Fe/O"], "holds '/'"),
        (["a\\b"], "holds"),
        (["<script>"], "holds '<'"),
        (['a"b'], "holds"),
        (["a\nb"], "holds"),
        (["a\0"], "holds"),
        (["a\ud800"], "holds"),
        ([".hidden"], "begins with a dot"),
        ([" CN"], "begins or ends with a blank"),
        ([""], "is empty"),
        ([" "], "is empty"),
        (["Å" * 60], "longer than 100 bytes"),
        (["CN", "OS", "CN"], "'CN' is given twice"),
        (["CN", "CN_low"], "cannot stand beside CN_low"),
        *(([name], "is taken by the program") for name in ("free_1", "free_23", "overview", "traversal")),
        *(([name], "is taken by the program") for name in ("material", "site", "file", "Overview")),
        *(([name], "is taken by the program") for name in ("reconstruction_mae", "novelty", "verdict")),
    ],
)
def test_names_that_are_no_file_names_are_refused(names, said):
    with pytest.raises(UserError, match=said) as caught:
        require_usable_names(names, "x.csv")
    assert str(caught.value).startswith("x.csv: the descriptor name '")
    assert len(str(caught.value).splitlines()) == 2
    str(caught.value).encode()


@pytest.mark.parametrize(
    "name", ["CN", "Δd", "δ_O-Fe", "it's", "q+", "R²", "Bader %", "1.5", "free", "low", "配位数", "$x$"]
)
def test_names_of_other_letters_and_signs_can_be_used(name, tmp_path):
    require_usable_names(["CN_", name], "x.csv")
    (tmp_path / f"{name}.csv").touch()


def test_the_descriptors_of_the_program_can_be_used():
    require_usable_names(list(DESCRIPTORS), "x")
