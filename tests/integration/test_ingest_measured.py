"""A beamline's folder through the command line, up to a family file."""

import csv

import numpy as np
import pytest

from rankaae_cli.cli import main
from rankaae_cli.data.family.family_file import read_family
from rankaae_cli.data.measured.detect import read_measured
from tests.data.measured_scan import EDGES, chambers, copper_xdi, edge_step_function, mu, scan_energies


@pytest.fixture
def folder(tmp_path):
    top = tmp_path / "beamtime"
    top.mkdir()
    for i in range(3):
        (top / f"scan_{i}.xdi").write_text(copper_xdi(shift=i - 1.0, noise=5e-4, seed=i))
    (top / "notes.txt").write_text("dear diary\n")
    (top / "iron.dat").write_text(
        "".join(
            f"{e} {m}\n"
            for e, m in zip(scan_energies(7118.0), mu(scan_energies(7118.0), 7118.0), strict=True)
        )
    )
    return top


def test_numbers_of_headers_are_kept_for_series(folder, refused, rankaae, tmp_path):
    for i in range(3):
        scan = folder / f"scan_{i}.xdi"
        head, rest = scan.read_text().split("\n", 1)
        scan.write_text(f"{head}\n# Cell.capacity: {50 * i} mAh\n{rest}")
    call = (
        "ingest",
        "+family=Cu_oxides",
        "source=xdi",
        f"path={folder}",
        "output=m.h5",
        "measured.figures=false",
    )
    assert rankaae(*call, "headers=Cell.capacity").returncode == 0
    family = read_family(tmp_path / "m.h5")
    at = family.quantity_names.index("Cell.capacity")
    assert family.quantities_NQ[:, at].tolist() == [0, 50, 100] and family.quantity_units[at] == "mAh"
    done = rankaae("compare", "m.h5", "series=Cell.capacity", "output=there")
    assert done.returncode == 0 and "no clusters are sought of fewer" in done.stdout
    assert "no 'Cell.charge' for series=; did you mean" in refused("compare", "m.h5", "series=Cell.charge")
    done = rankaae(*call, "overwrite=true", "headers=[Cell.charge]")
    assert (done.returncode, "headers=[Cell.charge]: no scan has such a number" in done.stderr) == (2, True)


def test_a_folder_of_scans_becomes_a_family_file_without_descriptors(folder, tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    assert main(["ingest", "+family=Cu_oxides", "source=xdi", f"path={folder}", "output=m.h5"]) == 0
    family = read_family("m.h5")
    assert (family.element, family.edge, family.normalisation, family.source) == (
        "Cu",
        "K",
        "edge_step",
        "measured",
    )
    assert family.material_N.tolist() == ["scan_0", "scan_1", "scan_2"]
    assert np.isnan(family.descriptors_NK).all()
    true = edge_step_function(family.energy_E, EDGES["Cu"] + 6.0)
    assert np.abs(family.spectra_NE - true).mean(axis=1).max() < 0.03
    with (tmp_path / "m.h5.rejected.csv").open() as file:
        rejected = {row["material"]: row["reason"] for row in csv.DictReader(file)}
    assert "there are no rows of numbers" in rejected["notes.txt"]
    assert "looks like Fe K (7112 eV), expected Cu K" in rejected["iron"]
    with (tmp_path / "m.h5.normalisation.csv").open() as file:
        shifts = [float(row["calibration"]) for row in csv.DictReader(file)]
    np.testing.assert_allclose(np.diff(shifts), -1.0, atol=0.05)
    assert (tmp_path / "m.h5.normalisation-1.pdf").read_bytes().startswith(b"%PDF")
    said = capsys.readouterr().out
    assert "m.h5.normalisation.csv: how 3 spectra were normalised" in said
    # Nothing is asked of them that only training needs.
    assert said.endswith("next: rankaae predict input=m.h5\n")
    assert not any(word in said for word in ("training", "split", "materials", "descriptor", "doubts"))
    # The family file is again a source of spectra, which need nothing more.
    assert [s.is_normalised and not s.is_computed for s in read_measured("m.h5")] == [True] * 3


def test_columns_and_ranges_are_chosen_on_the_command_line(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    energy = scan_energies(8985.0)
    i0, itrans, _ = chambers(energy, 8985.0)
    rows = zip(energy / 1000, i0, itrans, strict=True)
    (tmp_path / "scan.dat").write_text("".join(f"{e:.8f} {a:.4f} {b:.4f}\n" for e, a, b in rows))
    columns = "measured.columns={energy:1,i0:2,itrans:3,unit:keV}"
    ranges = ["measured.normalisation.pre1=-100", "measured.normalisation.norm1=60", "measured.figures=false"]
    call = ["ingest", "+family=Cu_oxides", "source=xdi", "path=scan.dat", "output=m.h5", columns, *ranges]
    assert main(call) == 0
    with (tmp_path / "m.h5.normalisation.csv").open() as file:
        (row,) = csv.DictReader(file)
    assert (row["pre1"], row["norm1"], row["mu"]) == ("-100", "60", "log(i0/itrans)")
    assert "energies in keV were multiplied by 1000" in row["notes"]
    assert not list(tmp_path.glob("*.pdf"))


def test_reasons_are_told_as_they_are_and_advice_is_whole(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    folder = tmp_path / "scans"
    folder.mkdir()
    energy = scan_energies(8985.0)
    write_columns(folder / "counts.dat", energy, np.round(2e5 * mu(energy, 8985.0)), header="# Energy ICR1\n")
    for name, count in (("three_a", 2), ("three_b", 2), ("four", 3)):
        write_columns(folder / f"{name}.dat", energy, *[mu(energy, 8985.0)] * count)
    for name, e0 in (("iron_a", 7118.0), ("iron_b", 7119.0), ("zinc", 9665.0)):
        write_columns(folder / f"{name}.dat", scan_energies(e0), mu(scan_energies(e0), e0))
    call = [
        "ingest",
        "+family=Cu_oxides",
        "source=xdi",
        "path=scans",
        "output=m.h5",
        "measured.figures=false",
    ]
    assert main(call) == 0
    said = capsys.readouterr().out
    assert "doubts about 1 of 1 spectra, which were taken:\n  counts: column ICR1 was taken for mu" in said
    advice = "'measured.columns={energy:1,mu:2}' or 'measured.columns={energy:1,i0:2,itrans:3}'"
    assert said.count(advice) == 2
    assert (
        "       2  3 columns (unnamed, unnamed, unnamed)" in said
        and "       1  four.dat: 4 columns (" in said
    )
    assert "       2  wrong element or edge: the edge at ... eV looks like Fe K (... eV)" in said
    assert "       1  zinc: wrong element or edge: the edge at 966" in said


def write_columns(path, *columns, header=""):
    path.write_text(
        header + "".join(" ".join(map(repr, map(float, row))) + "\n" for row in zip(*columns, strict=True))
    )


def test_a_fault_in_drawing_does_not_cost_the_family_file(folder, tmp_path, monkeypatch, capsys):
    def fault(*arguments):
        raise ValueError("no such glyph")

    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr("rankaae_cli.reports.prediction.normalisation.contact_sheets", fault)
    assert main(["ingest", "+family=Cu_oxides", "source=xdi", f"path={folder}", "output=m.h5"]) == 0
    assert "how they were normalised could not be drawn: no such glyph" in capsys.readouterr().err
    assert len(read_family("m.h5")) == 3


def test_faults_of_the_call_are_two_lines(folder, refused, tmp_path):
    call = ["ingest", "+family=Cu_oxides", "source=xdi", "output=m.h5"]
    assert "there is no file or folder nowhere" in refused(*call, "path=nowhere")
    assert "columns has no 'nix'" in refused(*call, f"path={folder}", "measured.columns={nix:1}")
    assert "did you mean measured.calibrate" in refused(*call, f"path={folder}", "measured.calibrat=true")
    pre_edge = ("measured.normalisation.pre1=50", "measured.normalisation.pre2=100")
    assert "normalisation.pre2=100 is not below 0\n" in refused(*call, "path=nowhere", *pre_edge)
    message = refused(*call, f"path={folder / 'notes.txt'}")
    assert "none of 1 sites can be used" in message and "no rows of numbers" in message
    assert not (tmp_path / "m.h5").exists() and not (tmp_path / "m.h5.normalisation.csv").exists()
