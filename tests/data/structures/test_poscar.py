"""What is wrong with a POSCAR, by its line, and the scales that VASP 6 takes."""

import gzip

import numpy as np
import pytest

from rankaae_cli.core.structure.descriptors import describe
from rankaae_cli.core.xas.spectra import SpectrumError
from rankaae_cli.data.family.sites import Neighbours
from rankaae_cli.data.structures.poscar import cell_of, poscar_fault, with_one_scale
from rankaae_cli.data.structures.pymatgen_shells import compute
from rankaae_cli.data.structures.shell_task import ShellTask
from tests.data.feff_folder import rock_salt, tenorite

pytest.importorskip("pymatgen")
LINES = tenorite().splitlines()


def changed(**lines):
    """Return tenorite's POSCAR with other lines, by their number: l7="four four"."""
    text = list(LINES)
    for name, line in lines.items():
        text[int(name[1:]) - 1] = line
    return "\n".join(text) + "\n"


def fault(text):
    return compute(ShellTask(text.encode(), (0,), Neighbours("cutoff", 2.4), False), 60).fault


SCALE = "expected a scale, or three that are positive"
COUNTS = "expected whole numbers of atoms, one for each of Cu O"
WRONG = [
    ("", f"the POSCAR ends at line 0, {SCALE} on line 2"),
    ("<html>404</html>\n", f"the POSCAR ends at line 1 with '<html>404</html>', {SCALE} on line 2"),
    (changed(l2="one"), f"line 2 of the POSCAR holds 'one', {SCALE}"),
    (changed(l2="1.0 -1.0 1.0"), f"line 2 of the POSCAR holds '1.0 -1.0 1.0', {SCALE}"),
    (
        changed(l4="0.0 3.4226"),
        "line 4 of the POSCAR holds '0.0 3.4226', expected three numbers, a vector of the cell",
    ),
    (changed(l4=LINES[2]), "lines 3 to 5 of the POSCAR are vectors of a cell without a volume"),
    (changed(l6="Cu Oo"), "line 6 of the POSCAR holds 'Oo', expected symbols of elements"),
    (changed(l6="? ?"), "line 6 of the POSCAR holds '? ?', expected symbols of elements"),
    (changed(l7="four four"), f"line 7 of the POSCAR holds 'four four', {COUNTS}"),
    (changed(l7="4 4.0"), f"line 7 of the POSCAR holds '4 4.0', {COUNTS}"),
    (changed(l7="4 4 4"), f"line 7 of the POSCAR holds '4 4 4', {COUNTS}"),
    (changed(l8=""), "line 8 of the POSCAR is empty, expected Direct or Cartesian"),
    (
        changed(l10="0.75 x 0.5"),
        "line 10 of the POSCAR holds '0.75 x 0.5', expected three numbers, the position of atom 2 of 8",
    ),
    (
        "\n".join(LINES[:-2]),
        f"the POSCAR ends at line 14 with '{LINES[13][:40]}', expected three numbers, the position of atom 7 of 8 "
        "on line 15",
    ),
]


@pytest.mark.parametrize(("text", "reason"), WRONG)
def test_the_line_that_is_wrong_is_named(text, reason):
    assert fault(text) == f"the structure cannot be read: {reason}"


def test_nothing_is_wrong_with_what_is_read():
    for text in (
        tenorite(),
        changed(l2="-82.0"),
        changed(l6="Cu_pv/f474ac0d O/79d998"),
        "\n".join([*LINES[:7], "Selective dynamics", "Direct", *(f"{line} T T F" for line in LINES[8:])]),
        "\n".join([*LINES[:5], "Cu", "O", "4", "4", *LINES[7:]]),
    ):
        assert fault(text) == ""
        assert poscar_fault(text, lambda name: name in ("Cu", "O")) == ""


@pytest.mark.parametrize("scales", ["1.0 1.0 1.0", "2.1 4.2 1.05"])
@pytest.mark.parametrize("mode", ["direct", "Cartesian"])
def test_three_scales_are_one_for_each_direction(scales, mode):
    lines = rock_salt(a=4.2).splitlines()
    sizes = [4.2 / float(s) for s in scales.split()]
    lines[1] = scales
    lines[2:5] = [" ".join(str(x) for x in row) for row in np.diag(sizes)]
    if mode == "Cartesian":
        lines[7] = mode
        positions = [np.array(line.split(), dtype=float) * sizes for line in lines[8:]]
        lines[8:] = [" ".join(str(x) for x in position) for position in positions]
    task = ShellTask("\n".join(lines).encode(), (0,), Neighbours("cutoff", 2.4), False)
    shell = compute(task, 60).of_site(0, "Cu")
    assert describe(shell, ["CN", "MBL"]) == pytest.approx([6, 2.1])


def test_one_scale_stays_as_it_is():
    assert with_one_scale(tenorite()) == tenorite()
    comment = changed(l2="2.0 ! three words more")
    assert with_one_scale(comment) == comment


@pytest.mark.parametrize("scale", ["1e9", "1e300", "-1e300"])
def test_a_cell_beyond_all_crystals_is_refused(scale):
    with pytest.raises(SpectrumError, match="reach beyond 100000 angstrom"):
        cell_of(changed(l2=scale).encode())


def test_no_shell_is_a_sentence_of_our_own():
    lone = "one\n1.0\n400 0 0\n0 400 0\n0 0 400\nCu\n1\ndirect\n0 0 0\n"
    shells = compute(ShellTask(lone.encode(), (0,), Neighbours(), False), 60)
    reason = shells.of_site(0, "Cu")
    assert not isinstance(reason, str) or reason.startswith("no first shell could be found: the atom is not")


def test_a_compressed_structure_is_a_task_only_once_uncompressed():
    assert fault(gzip.compress(tenorite().encode()).decode("latin-1")).startswith(
        "the structure cannot be read"
    )
