"""What `rankaae ingest dry_run=true` says and draws, and that it writes nothing else."""

import pytest

from rankaae_cli.cli import main
from tests.data.measured_scan import copper_xdi, mu, scan_energies

CALL = ["ingest", "+family=Cu_oxides", "source=xdi", "output=out/m.h5", "dry_run=true"]


@pytest.fixture
def place(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    return tmp_path


def files_in(folder):
    return sorted(str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_file())


def line_of(said, *words):
    return next(line for line in said.splitlines() if all(word in line for word in words))


def test_a_folder_is_shown_and_only_the_picture_is_written(place, capsys):
    (place / "in").mkdir()
    for i in range(4):
        (place / "in" / f"scan_{i}.xdi").write_text(copper_xdi(noise=5e-4, seed=i))
    (place / "in" / "notes.txt").write_text("dear diary\n")
    before = files_in(place)
    assert main([*CALL, "path=in"]) == 0
    said = capsys.readouterr().out
    assert set(files_in(place)) - set(before) == {"out/m.dry_run.png"}
    assert (place / "out" / "m.dry_run.png").read_bytes().startswith(b"\x89PNG")
    assert said.splitlines()[-1] == "out/m.dry_run.png"
    assert "scan_3 " in said and "scan_3.xdi" not in said  # a row of the table, no details
    assert "scan_2.xdi: XDI" in said
    assert "would be kept: 4 spectra" in said and "would be rejected: 1 spectra" in said
    assert "notes.txt: there are no rows of numbers" in said


def scan_text(labels, bad_transmission=False):
    energy = scan_energies(8985.0)
    mu_M = mu(energy, 8985.0)
    rows = "".join(
        f"{e:.3f} 1000 {0 if bad_transmission else 1000 / 2.718281828**m:.6f} {1000 * m:.6f}\n"
        for e, m in zip(energy, mu_M, strict=True)
    )
    return f"# {labels}\n{rows}"


def test_columns_and_signals_are_told_with_the_reason_of_the_choice(place, capsys):
    (place / "a.dat").write_text(scan_text("energy i0 it if", bad_transmission=True))
    assert main([*CALL, "path=a.dat"]) == 0
    said = capsys.readouterr().out
    assert line_of(said, "  1 ", "energy").split() == ["1", "energy", "-", "energy"]
    assert line_of(said, "  3 ", " it ").split() == ["3", "it", "-", "itrans"]
    assert line_of(said, "  4 ", " if ").split() == ["4", "if", "-", "ifluor,", "taken"]
    assert "ifluor/i0" in line_of(said, "signal taken")
    assert "detector column itrans is zero" in line_of(said, "other signal")


def test_a_scan_of_unknown_columns_shows_these_and_fails_as_without_dry_run(place, capsys):
    (place / "a.dat").write_text(scan_text("energy alpha beta gamma"))
    assert main([*CALL, "path=a.dat"]) == 2
    dry = capsys.readouterr()
    assert main([*CALL[:-1], "path=a.dat"]) == 2
    assert dry.err.splitlines()[0] == capsys.readouterr().err.splitlines()[0]
    assert line_of(dry.out, "  3 ", "beta").split() == ["3", "beta", "-", "passed", "over"]
    assert dry.out.splitlines()[-1] == "out/m.dry_run.png"
    chosen = "measured.columns={energy:1,i0:alpha,itrans:beta}"
    assert main([*CALL, "path=a.dat", chosen]) == 0
    assert "itrans, taken" in line_of(capsys.readouterr().out, "  3 ", "beta")


def test_a_file_without_columns_has_no_picture(place, capsys):
    (place / "a.dat").write_text("dear diary\n")
    assert main([*CALL, "path=a.dat"]) == 2
    assert "a.dat: text columns" in capsys.readouterr().out
    assert files_in(place) == ["a.dat"]


def test_other_sources_are_counted_and_an_output_that_exists_stays(place, capsys):
    (place / "out").mkdir()
    (place / "out" / "m.h5").write_text("mine")
    call = ["ingest", "+family=Fe_oxides", "source=synthetic", "synthetic.spectra=60", "output=out/m.h5"]
    assert main([*call, "dry_run=true"]) == 0
    assert "would be kept: 60 spectra" in capsys.readouterr().out
    assert files_in(place) == ["out/m.h5"] and (place / "out" / "m.h5").read_text() == "mine"
