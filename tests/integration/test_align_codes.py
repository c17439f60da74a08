"""The offset between two codes, from family files that have sites in common, and what it is used for."""

import numpy as np
import pandas as pd
import pytest
import yaml

from rankaae_cli.data.family.family import Family
from rankaae_cli.data.family.family_file import read_family, write_family

FEFF, VASP = 8983.5 + 0.25 * np.arange(256), 8983.173 + 0.25 * np.arange(141)
SHIFT = 0.83
CODES = ("align", "data=feff.h5", "to=vasp.h5", "output=codes.yaml")


def family(energy, rows, shift=0.0, factor=1.0, **about):
    """Rows of materials with two sites each, edges and white lines their own; later ones are off by more."""
    rows = np.asarray(rows)
    rng = np.random.default_rng(0)
    edge, height = rng.uniform(8989, 8992, 100)[rows], rng.uniform(0.1, 0.9, 100)[rows]
    place = energy - (edge + shift + (0.1 if shift else 0) * (rows // 2 % 5 - 2))[:, None]
    values = 0.5 + np.arctan(place) / np.pi + height[:, None] * np.exp(-(((place - 6) / 2) ** 2))
    given = {
        "name": "Cu_oxides",
        "element": "Cu",
        "edge": "K",
        "energy_E": energy,
        "spectra_NE": (factor * values).astype(np.float32),
        "descriptors_NK": 1.0 + rows[:, None] % 2,
        "descriptor_names": ("OS",),
        "descriptor_units": ("",),
        "material_N": np.array([f"mp-{row // 2}" for row in rows], dtype=object),
        "site_N": rows % 2,
        "split_N": np.zeros(len(rows), dtype=np.uint8),
        "source": "npz",
    }
    return Family(**(given | about))


@pytest.fixture
def files(tmp_path):
    """Write twenty materials by FEFF, and the sites of ten and of five more by VASP, in another order."""
    write_family(tmp_path / "feff.h5", family(FEFF, range(40), source="feff"))
    rows = np.random.default_rng(1).permutation(np.arange(20, 50))
    write_family(tmp_path / "vasp.h5", family(VASP, rows, SHIFT, 1.05, fidelity="VASP"))
    return tmp_path


def test_the_offset_between_two_codes_is_written_with_its_sites_and_a_figure(rankaae, files):
    done = rankaae(*CODES)
    assert done.returncode == 0, done.stderr
    content = yaml.safe_load((files / "codes.yaml").read_text())
    assert (content["element"], content["from_fidelity"], content["to_fidelity"]) == ("Cu", "FEFF", "VASP")
    assert content["offset"] == pytest.approx(SHIFT, abs=0.05)
    assert 0.05 < content["uncertainty"] < 0.25 and "references" not in content
    assert (content["pairs"]["sites"], content["pairs"]["materials"]) == (20, 10)
    assert content["pairs"]["amplitude"] == pytest.approx(1.05, abs=0.01)
    table = pd.read_csv(files / "codes.csv")
    assert set(table.material) == {f"mp-{n}" for n in range(10, 20)} and len(table) == 20
    assert table.groupby("material")["shift"].median().median() == pytest.approx(content["offset"], abs=0.01)
    assert (files / "codes.png").read_bytes().startswith(b"\x89PNG")
    said = " ".join(done.stdout.split())
    assert "Cu K, FEFF to VASP: offset +0.8" in said and "warning" not in said
    assert (
        "next: rankaae ingest +family=Cu_oxides source=family path=... regrid=true offset=codes.yaml" in said
    )


def test_several_files_of_a_code_are_taken_together(rankaae, files):
    whole = read_family(files / "vasp.h5")
    for name, rows in (("a", slice(0, 12)), ("b", slice(12, None))):
        write_family(files / f"{name}.h5", whole.with_rows(np.arange(30)[rows]))
    assert rankaae(*CODES).returncode == 0
    done = rankaae("align", "data=feff.h5", "to=[a.h5,b.h5]", "output=both.yaml")
    assert done.returncode == 0, done.stderr
    assert (files / "both.yaml").read_text() == (files / "codes.yaml").read_text()


def test_few_materials_and_shifts_that_differ_are_warned_of(rankaae, files):
    write_family(files / "vasp.h5", family(VASP, range(36, 44), SHIFT, fidelity="VASP"))
    done = rankaae(*CODES)
    assert done.returncode == 0 and "warning: 2 materials alone" in done.stdout
    one_in_three = family(VASP, range(0, 40), 0.5, fidelity="VASP")
    far = family(VASP, range(0, 40), 4.0, fidelity="VASP").spectra_NE
    is_far = np.arange(40) // 2 % 3 == 0
    mixed = np.where(is_far[:, None], far, one_in_three.spectra_NE)
    write_family(files / "vasp.h5", family(VASP, range(0, 40), spectra_NE=mixed, fidelity="VASP"))
    done = rankaae(*CODES, "overwrite=true")
    assert "7 of 20 materials lie further than three spreads" in done.stdout


@pytest.mark.parametrize(
    ("rows", "about", "said"),
    [
        (range(60, 70), {}, "data= and to= have no common site: the one begins with site 0 of 'mp-0'"),
        (range(10), {"element": "Fe"}, "data= has element Cu, to= Fe"),
        (
            range(10),
            {"energy_E": VASP + 100},
            "at no shift within 15 eV do they share half of the shorter one",
        ),
        (
            range(10),
            {"energy_E": np.arange(141.0), "energy_unit": "index"},
            "data= has energy unit eV, to= index",
        ),
    ],
)
def test_files_that_do_not_go_together_are_refused(refused, files, rows, about, said):
    write_family(files / "vasp.h5", family(VASP, rows, **about))
    assert said in refused(*CODES)
    assert not list(files.glob("codes*"))


@pytest.mark.parametrize(("search", "at_end"), [(0.2, 20), (0.8, 12)])
def test_an_offset_beyond_the_search_is_refused(refused, files, search, at_end):
    """Pairs are off by 0.63 to 1.03 eV: those few that lie within the search say nothing of the others."""
    message = refused(*CODES, f"search={search}")
    assert f"{at_end} of 20 common sites fit best at an end of the search within {search} eV" in message
    assert not list(files.glob("codes*"))


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ((), "needs references= (measured files) or to= (a family file of another code), one of them"),
        (("to=vasp.h5", "references={a.xdi:1}"), "not both"),
        (("to=nowhere.h5",), "there is no family file nowhere.h5"),
    ],
)
def test_references_and_another_code_are_alternatives(refused, files, arguments, said):
    assert said in refused("align", "data=feff.h5", *arguments)


GRID = ("+family=Cu_oxides", "family.energy.points=141", "regrid=true", "source=family")


@pytest.mark.parametrize("offset", ["codes.yaml", SHIFT])
def test_ingest_moves_the_spectra_of_one_code_to_the_energies_of_the_other(rankaae, files, offset):
    assert rankaae(*CODES).returncode == 0
    call = ("ingest", *GRID, "path=feff.h5", f"offset={offset}", "output=moved.h5")
    done = rankaae(*call)
    assert done.returncode == 0, done.stderr
    moved = read_family(files / "moved.h5")
    expected = family(FEFF[:141], range(40)).spectra_NE
    for row in range(0, 40, 7):
        at = np.interp(FEFF[20:141] - SHIFT, FEFF[:141], expected[row])
        assert moved.spectra_NE[row, 20:] == pytest.approx(at, abs=0.02)
    assert moved.fidelity == "FEFF shifted by +0.83 eV" or offset == "codes.yaml"
    assert moved.fidelity.startswith("FEFF shifted by +0.8")
    again = rankaae("align", "data=moved.h5", "to=vasp.h5", "output=again.yaml")
    assert again.returncode == 0 and "offset +0.0" in again.stdout.replace("-0.0", "+0.0")


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("path=vasp.h5", "offset=codes.yaml"), "of Cu K spectra of FEFF, these are Cu K spectra of VASP"),
        (("path=feff.h5", "offset=none.yaml"), "none.yaml cannot be read"),
        (("path=feff.h5", "offset=true"), "True cannot be read"),
        (("path=measured.h5", "offset=1"), "offset= moves computed spectra, these were measured"),
        (("source=synthetic", "offset=1"), "not of source=synthetic"),
    ],
)  # fmt: skip
def test_an_offset_that_does_not_hold_is_refused_by_ingest(refused, rankaae, files, arguments, said):
    assert rankaae(*CODES).returncode == 0
    write_family(files / "measured.h5", family(FEFF, range(8), source="measured"))
    assert said in refused("ingest", *GRID, *arguments, "output=moved.h5")
    assert not (files / "moved.h5").exists()
