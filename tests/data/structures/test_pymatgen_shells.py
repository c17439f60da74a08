"""First shells of known structures, by pymatgen."""

import math
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest

from rankaae_cli.core.structure.descriptors import describe
from rankaae_cli.core.structure.quantities import QUANTITIES, measure
from rankaae_cli.data.family.sites import Neighbours
from rankaae_cli.data.structures import pymatgen_shells
from rankaae_cli.data.structures.pymatgen_shells import compute, task_key
from rankaae_cli.data.structures.shell_task import MaterialShells, ShellTask
from tests.data.feff_folder import cuprite, poscar, rock_salt, tenorite

pytest.importorskip("pymatgen")
NAMES = ["OS", "CN", "OCN", "NNRS", "MOOD"]


def job(text, sites=(0,), neighbours=None, states=True):
    return ShellTask(text.encode(), tuple(sites), neighbours or Neighbours(), states)


def test_copper_in_tenorite():
    shells = compute(job(tenorite(), range(4)), 60)
    for i in range(4):
        state, cn, ocn, spread, separation = describe(shells.of_site(i, "Cu"), NAMES)
        assert (state, cn, ocn) == (2, 4, 4)
        # Two bonds of 1.951 and two of 1.961 angstrom; the closer pair of oxygens is 2.62 angstrom apart.
        assert spread == pytest.approx(0.005, abs=1e-3)
        assert separation == pytest.approx(2.62, abs=0.02)


def test_copper_in_cuprite():
    shell = compute(job(cuprite(), (3,)), 60).of_site(3, "Cu")
    bond = 4.27 * math.sqrt(3) / 4
    expected = [1, 2, 4, 0, 2 * bond, bond, 180]
    assert describe(shell, [*NAMES, "MBL", "MBA"]) == pytest.approx(expected, abs=1e-5)


def test_rock_salt_by_a_cutoff():
    neighbours = Neighbours("cutoff", 2.2)
    shell = compute(job(rock_salt(a=4.2), (1,), neighbours), 60).of_site(1, "Cu")
    assert describe(shell, NAMES) == pytest.approx([2, 6, 6, 0, 2.1 * math.sqrt(2)], abs=1e-5)
    assert np.allclose(np.linalg.norm(shell.vectors_M3, axis=1), 2.1)


def test_a_neighbour_may_come_in_several_images():
    small = poscar(np.eye(3) * 2.0, ["Cu", "O"], [(0, 0, 0), (0.5, 0.5, 0.5)])
    shell = compute(job(small, (0,), Neighbours("cutoff", 1.8), states=False), 60).of_site(0, "Cu")
    assert shell.elements == ("O",) * 8
    assert shell.neighbour_coordination_M.tolist() == [8] * 8
    assert math.isnan(shell.oxidation_state)


def test_the_second_shell_of_rock_salt():
    shell = compute(job(rock_salt(a=4.2)), 60).of_site(0, "Cu")
    assert shell.absorber == "Cu"
    # Twelve metals across the edges of the octahedron and six behind its corners, each reached in several ways.
    assert shell.second_elements == ("Cu",) * 18
    distances = np.linalg.norm(shell.second_vectors_L3, axis=1)
    assert np.allclose(distances, [2.1 * math.sqrt(2)] * 12 + [4.2] * 6, atol=1e-5)
    by_cutoff = compute(job(rock_salt(a=4.2), (0,), Neighbours("cutoff", 2.2)), 60).of_site(0, "Cu")
    assert np.allclose(
        sorted_rows(by_cutoff.second_vectors_L3), sorted_rows(shell.second_vectors_L3), atol=1e-5
    )


def sorted_rows(vectors):
    return sorted(vectors.round(3).tolist())


def test_second_shells_of_known_structures():
    # Each of the four oxygens of tenorite has three other coppers; two of these are shared by two oxygens.
    copper = compute(job(tenorite()), 60).of_site(0, "Cu")
    assert measure(copper, ["SSN", "SSEN"]) == [10, 1.9]
    assert measure(copper, ["SSD"])[0] == pytest.approx(2.90, abs=0.02)
    # In cuprite both oxygens have three further coppers each: half of an fcc shell, at a / sqrt 2.
    copper = compute(job(cuprite()), 60).of_site(0, "Cu")
    assert measure(copper, ["SSN", "SSD"]) == pytest.approx([6, 4.27 / math.sqrt(2)], abs=1e-5)
    # Diamond: twelve second neighbours at a / sqrt 2, and none of them is a first one.
    corners = [(0, 0, 0), (0, 0.5, 0.5), (0.5, 0, 0.5), (0.5, 0.5, 0)]
    inner = [(x + 0.25, y + 0.25, z + 0.25) for x, y, z in corners]
    diamond = poscar(np.eye(3) * 3.567, ["C"] * 8, corners + inner)
    carbon = compute(job(diamond, (0,), Neighbours("cutoff", 1.85)), 60).of_site(0, "C")
    assert measure(carbon, ["SSN", "SSD"]) == pytest.approx([12, 3.567 / math.sqrt(2)], abs=1e-5)


def test_an_image_of_the_absorber_is_in_the_second_shell_but_not_itself():
    chain = poscar(np.diag([8.0, 8.0, 3.8]), ["Cu", "O"], [(0, 0, 0), (0, 0, 0.5)])
    shell = compute(job(chain, (0,), Neighbours("cutoff", 2.0), states=False), 60).of_site(0, "Cu")
    assert sorted_rows(shell.second_vectors_L3) == [[0, 0, -3.8], [0, 0, 3.8]]


def test_neighbours_of_one_another_are_no_second_shell():
    triangle = [(0, 0, 0), (0.15, 0, 0), (0.075, 0.13, 0)]
    shell = compute(
        job(poscar(np.eye(3) * 10, ["C"] * 3, triangle), (0,), Neighbours("cutoff", 1.85), states=False), 60
    ).of_site(0, "C")
    assert (len(shell.elements), shell.second_elements) == (2, ())
    assert shell.second_vectors_L3.shape == (0, 3)
    assert measure(shell, ["SSN"]) == [0]


def test_behind_other_neighbours_than_oxygen_the_second_shell_is_not_sought():
    shell = compute(job(rock_salt("Cu", "Cl", a=5.1)), 60).of_site(0, "Cu")
    assert shell.elements == ("Cl",) * 6
    assert shell.second_vectors_L3 is None
    assert math.isnan(measure(shell, ["SSN"])[0])


def test_without_consistent_valences_the_oxidation_state_is_not_known():
    shell = compute(job(rock_salt("Cu", "Cu")), 60).of_site(0, "Cu")
    assert math.isnan(describe(shell, ["OS"])[0])
    assert len(shell.elements) >= 6


def test_sites_that_cannot_be_described_say_why():
    shells = compute(job(rock_salt("Fe"), (0, 5, 8)), 60)
    assert shells.of_site(0, "Cu") == "the structure holds no Cu; it is of Fe, O"
    assert shells.of_site(5, "Fe") == "site 5 of the structure is O, the family is of Fe"
    assert shells.of_site(8, "Fe") == "site index 8 is out of range: the structure has atoms 0 to 7"


@pytest.mark.parametrize("text", ["", "no POSCAR at all", tenorite()[:120]])
def test_a_damaged_poscar_says_so(text):
    assert compute(job(text), 60).of_site(0, "Cu").startswith("the structure cannot be read: ")


@pytest.mark.parametrize(
    ("place", "message"),
    [
        ((0, 0, 0), "Cu (site 0) and O (site 8) are 0.00 angstrom apart"),
        ((1.02, 0.0, -0.02), "Cu (site 0) and O (site 8) are 0.12 angstrom apart"),
        ((0.5, 0.05, 0.0), "O (site 4) and O (site 8) are 0.21 angstrom apart"),
        ((0.5, 0.18, 0.0), None),
    ],
)
def test_two_atoms_at_one_place_are_named(place, message):
    salt = rock_salt(a=4.2).replace("\n4 4\n", "\n4 5\n") + " ".join(map(str, place)) + "\n"
    found = compute(job(salt, neighbours=Neighbours("cutoff", 2.2)), 60).of_site(0, "Cu")
    if message is None:
        assert not isinstance(found, str)
    else:
        assert found == f"two atoms at one place: {message}; leave one out of the structure"


def test_the_record_survives_its_text():
    shells = compute(job(tenorite(), (0, 1, 5)), 60)
    again = MaterialShells.from_json(shells.to_json())
    assert again.to_json() == shells.to_json()
    before, after = shells.of_site(0, "Cu"), again.of_site(0, "Cu")
    assert np.array_equal(after.vectors_M3, before.vectors_M3)
    assert np.array_equal(after.second_vectors_L3, before.second_vectors_L3)
    assert (after.absorber, after.second_elements) == ("Cu", before.second_elements)
    assert np.array_equal(measure(after, list(QUANTITIES)), measure(before, list(QUANTITIES)))
    chloride = compute(job(rock_salt("Cu", "Cl", a=5.1)), 60)
    assert MaterialShells.from_json(chloride.to_json()).of_site(0, "Cu").second_vectors_L3 is None


def test_the_time_limit_ends_a_computation_that_swallows_exceptions(monkeypatch):
    def stubborn(job):
        while True:
            try:
                while True:
                    pass
            except BaseException as error:
                if stubborn.caught:
                    raise
                stubborn.caught = error

    stubborn.caught = None
    monkeypatch.setattr(pymatgen_shells, "_compute", stubborn)
    before = signal.getsignal(signal.SIGPROF)
    start = time.process_time()
    shells = compute(job(tenorite()), 0.1)
    assert time.process_time() - start < 3
    assert shells.timed_out
    assert shells.of_site(0, "Cu") == "time-out: the structure took more than 0.1 s (time_limit=)"
    assert signal.getsignal(signal.SIGPROF) == before
    assert signal.getitimer(signal.ITIMER_PROF) == (0.0, 0.0)


def test_no_import_is_ended_half_way():
    code = """
import sys
from tests.data.structures.test_pymatgen_shells import compute, job, tenorite
assert compute(job(tenorite()), 1e-3).timed_out
assert hasattr(sys.modules["pymatgen.analysis.local_env"], "CrystalNN")
"""
    subprocess.run([sys.executable, "-c", code], check=True, cwd=Path(__file__).parents[3])


def test_time_that_others_take_does_not_count(monkeypatch):
    monkeypatch.setattr(pymatgen_shells, "_compute", lambda job: time.sleep(0.5))
    assert compute(job(tenorite()), 0.1) is None


def test_the_key_tells_apart_what_gives_different_shells():
    jobs = [
        job(tenorite()),
        job(cuprite()),
        job(tenorite(), (0, 1)),
        job(tenorite(), (0,), Neighbours("cutoff", 2.5)),
        job(tenorite(), (0,), Neighbours("cutoff", 2.6)),
        job(tenorite(), states=False),
    ]
    assert len({task_key(j) for j in jobs}) == len(jobs)
    assert task_key(job(tenorite())) == task_key(jobs[0])


def test_records_of_another_algorithm_are_not_read(monkeypatch):
    now = task_key(job(tenorite()))
    monkeypatch.setattr(pymatgen_shells, "ALGORITHM", pymatgen_shells.ALGORITHM - 1)
    assert task_key(job(tenorite())) != now
