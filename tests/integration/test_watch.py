"""A watched folder, and descriptors against what the headers of scans say, through the command line."""

import multiprocessing
import os
import shutil
import signal
import threading
import time

import numpy as np
import pandas as pd
import pytest

from rankaae_cli.analysis.prediction import watch as watching
from rankaae_cli.cli import main
from rankaae_cli.data.family.family_file import read_family
from rankaae_cli.reports.prediction import live_page
from tests.copper_run import rows_of, scan

PATIENCE = 60.0  # s


def wait_for(condition):
    """Wait until something is so; what reads a file that is being replaced may fail meanwhile."""
    end = time.monotonic() + PATIENCE
    while time.monotonic() < end:
        try:
            if condition():
                return
        except (OSError, KeyError):
            pass
        time.sleep(0.02)
    raise AssertionError("waited in vain")


@pytest.fixture(autouse=True)
def quick_pages(monkeypatch):
    """Draw pages at once, by forks of one process for all tests: to load what draws takes longer than the rest."""
    multiprocessing.set_forkserver_preload([live_page.__name__])
    for name, value in {"_START_METHOD": "forkserver", "_BETWEEN": 0.1, "_TIMES": 0.0}.items():
        monkeypatch.setattr(live_page, name, value)


@pytest.fixture
def watched(work):
    """Watch a folder of that name while a function writes into it; return the exit status."""

    def call(name, script, *overrides, number=signal.SIGINT):
        folder, output = work / name, work / f"{name}_read"
        folder.mkdir()
        has_ended, errors = threading.Event(), []

        def write():
            try:
                wait_for((output / "page.html").is_file)
                script(folder, output)
            except BaseException as error:
                errors.append(error)
            if not has_ended.is_set():
                os.kill(os.getpid(), number)

        writer = threading.Thread(target=write)
        writer.start()
        status = main(["predict", f"input={name}", "watch=true", f"output={output.name}", *overrides])
        has_ended.set()
        writer.join()
        if errors:
            raise errors[0]
        return status

    return call


def table(output):
    return {row["file"]: row for row in rows_of(output / "predictions.csv")}


def reasons(output):
    return {row["file"]: row["reason"] for row in rows_of(output / "rejected.csv")}


def test_each_scan_is_read_once_it_is_finished_and_broken_ones_are_named(watched, work, capsys):
    family = read_family("cu.h5")
    texts = {f"scan_{i}.xdi": scan(family, i, Sample_temperature=f"{300 + i} K") for i in range(4)}

    def write(folder, output):
        assert '<meta http-equiv="refresh"' in (output / "page.html").read_text()
        (folder / "broken.xdi").write_text("dear diary\n")
        (folder / "scan_0.xdi").write_text(texts["scan_0.xdi"])
        (folder / "scan_0.xdi").chmod(0o444)
        half = len(texts["scan_1.xdi"]) // 3
        (folder / "scan_1.xdi").write_text(texts["scan_1.xdi"][:half])
        wait_for(lambda: set(reasons(output)) == {"broken.xdi", "scan_1.xdi"} and table(output))
        with (folder / "scan_1.xdi").open("a") as file:
            file.write(texts["scan_1.xdi"][half:])
        for name in ("scan_2.xdi", "scan_3.xdi"):
            (folder / name).write_text(texts[name])
        wait_for(lambda: set(table(output)) == set(texts))
        wait_for(lambda: set(reasons(output)) == {"broken.xdi"})
        wait_for(lambda: "4 spectra" in (output / "page.html").read_text())

    assert watched("hutch", write, "against=Sample.temperature") == 0
    output, said = work / "hutch_read", capsys.readouterr()
    assert "4 spectra read, 1 not: hutch_read/rejected.csv" in said.out
    assert "scan_3.xdi: in range; OS " in said.out or "scan_3.xdi: unusual; OS " in said.out
    assert said.err.count("not read, until it changes: broken.xdi: ") == 1
    assert said.err.count("offset between code and beamline not given: assumed +0 ± 1 eV") == 1
    page = (output / "page.html").read_text()
    assert 'http-equiv="refresh"' not in page and "hutch was watched from" in page
    assert "Descriptors against Sample.temperature (K)" in page and "broken.xdi" in page
    # As one call reads all of them.
    together = ["predict", "input=hutch", "against=Sample.temperature", "figures=0", "output=hutch_all"]
    assert main(together) == 0
    found, expected = (pd.read_csv(f"{name}/predictions.csv") for name in ("hutch_read", "hutch_all"))
    pd.testing.assert_frame_equal(
        found.sort_values("file", ignore_index=True), expected, rtol=1e-4, atol=1e-4
    )
    assert expected["Sample.temperature"].tolist() == [300, 301, 302, 303]


def test_why_a_scan_is_not_drawn_against_a_number_is_said_once(watched, work, capsys):
    family = read_family("cu.h5")
    headers = ({"Sample_temperature": "300 K"}, {"Sample_temperature": "30 C"}, {}, {})

    def write(folder, output):
        for i, header in enumerate(headers):
            (folder / f"scan_{i}.xdi").write_text(scan(family, i, **header))
            wait_for(lambda i=i: f"scan_{i}.xdi" in table(output))

    assert watched("two_units", write, "against=Sample.temperature", "measured.figures=false") == 0
    err = capsys.readouterr().err
    left_out = "left out of the figure against it"
    assert f"scan_1.xdi: Sample.temperature is in C, that of others in K: {left_out}" in err
    assert f"scan_2.xdi: no Sample.temperature in its header: {left_out}" in err
    assert err.count(left_out) == 2


def test_a_scan_that_is_written_anew_replaces_its_line_and_one_that_goes_keeps_it(watched, work):
    family, seen = read_family("cu.h5"), []

    def write(folder, output):
        for i in range(2):
            (folder / f"{i}.xdi").write_text(scan(family, i))
            wait_for(lambda i=i: f"{i}.xdi" in table(output))
        seen.append(table(output))
        (folder / "1.xdi").unlink()
        (folder / "broken").write_text("")
        wait_for(lambda: "broken" in reasons(output))
        (folder / "broken").unlink()
        (folder / "0.xdi").write_text(scan(family, 2))
        wait_for(lambda: table(output)["0.xdi"] != seen[0]["0.xdi"])
        wait_for(lambda: not reasons(output))

    assert watched("anew", write, number=signal.SIGTERM) == 0
    last = table(work / "anew_read")
    assert list(last) == ["0.xdi", "1.xdi"] and last["1.xdi"] == seen[0]["1.xdi"]


def spec(scans):
    """A SPEC file with some scans, each over the whole edge."""
    energy = np.concatenate([np.arange(8880.0, 8975, 5.0), np.arange(8975.0, 9400, 1.0)])
    text = "#F run\n#E 1\n#D Sat Nov 12 10:11:12 2022\n"
    for number in range(1, scans + 1):
        mu = 0.2 + (1 + 0.1 * number) * (0.5 + np.arctan((energy - 8990.0) / 1.5) / np.pi)
        text += f"\n#S {number} ascan energy 8880 9400 {len(energy)} 1\n#N 3\n#L energy  I0  mutrans\n"
        text += "".join(f"{e:.2f} 1e5 {m:.6f}\n" for e, m in zip(energy, mu, strict=True))
    return text


def test_of_a_file_with_many_scans_the_new_ones_alone_are_read_and_named_by_their_numbers(
    watched, work, capsys
):
    def write(folder, output):
        for scans in (1, 2, 3):
            (folder / "run.spec").write_text(spec(scans))
            wait_for(lambda n=scans: len(table(output)) == n)

    assert watched("spec", write, "figures=1") == 0
    assert len(table(work / "spec_read")) == 3 and "run.spec" not in table(work / "spec_read")
    lines = [line.split(":")[0] for line in capsys.readouterr().out.splitlines() if "; OS " in line]
    assert len(lines) == 1 + 2 + 1 and len(set(lines[1:])) == 3


def test_a_folder_that_is_gone_for_long_ends_the_watch_in_order(watched, work, monkeypatch, capsys):
    monkeypatch.setattr(watching, "_PATIENCE", 0.5)

    def write(folder, output):
        (folder / "0.xdi").write_text(scan(read_family("cu.h5"), 0))
        wait_for(lambda: table(output))
        folder.rename(folder.with_name("gone_away"))
        time.sleep(0.1)
        folder.with_name("gone_away").rename(folder)
        (folder / "1.xdi").write_text(scan(read_family("cu.h5"), 1))
        wait_for(lambda: len(table(output)) == 2)
        shutil.rmtree(folder)
        wait_for(lambda: "was watched from" in (output / "page.html").read_text())
        time.sleep(1)

    assert watched("gone", write) == 2
    assert "gone has been gone for 0.5 s" in capsys.readouterr().err
    assert list(table(work / "gone_read")) == ["0.xdi", "1.xdi"]


def drawing_processes():
    return [process for process in multiprocessing.active_children() if process.name.startswith("page")]


def test_scans_are_read_on_where_what_draws_the_page_is_lost(watched, work, capsys, monkeypatch):
    monkeypatch.setattr(live_page, "_START_METHOD", "spawn")  # as in use: it alone inherits blocked signals

    def write(folder, output):
        (drawer,) = drawing_processes()
        os.kill(drawer.pid, signal.SIGINT)  # the terminal sends it Ctrl-C too
        os.kill(drawer.pid, signal.SIGTERM)
        (folder / "0.xdi").write_text(scan(read_family("cu.h5"), 0))
        wait_for(lambda: "1 spectrum" in (output / "page.html").read_text())
        drawer.kill()
        for i in (1, 2):
            (folder / f"{i}.xdi").write_text(scan(read_family("cu.h5"), i))
            wait_for(lambda i=i: f"{i}.xdi" in table(output))

    assert watched("lost_page", write, "figures=1") == 0
    assert (
        capsys.readouterr().err.count("the page is not kept up to date: what draws it ended with status -9")
        == 1
    )
    assert not drawing_processes()


@pytest.mark.parametrize(
    ("overrides", "said"),
    [
        (["input=cu.h5"], "cu.h5 is a file"),
        (["input=nowhere"], "nowhere is not there"),
        (["input=[a,b]"], "2 are given"),
        (["input=folder", "split=test"], "split= is for family files"),
        (["input=folder", "figures=-1"], "such as figures=12: of the last ones"),
    ],
)
def test_what_cannot_be_watched_is_refused(work, tmp_path, refused, overrides, said):
    (tmp_path / "folder").mkdir()
    shutil.copy(work / "cu.h5", tmp_path)
    run = next(work.glob("runs/*/*/*"))
    assert said in refused("predict", f"run={run}", "watch=true", *overrides)
    assert not (tmp_path / "predictions").exists()


def test_descriptors_are_drawn_against_a_number_of_each_scan(work, tmp_path, refused, capsys):
    family, top = read_family("cu.h5"), work / "heated"
    top.mkdir()
    for i, text in enumerate(("300 K", "3.5e2K", "room temperature")):
        (top / f"{i}.xdi").write_text(scan(family, i, Sample_temperature=text))
    call = ["predict", "input=heated", "figures=1", "measured.figures=false"]
    assert main([*call, "against=sample.Temperature", "output=hot"]) == 0
    rows = rows_of(work / "hot" / "predictions.csv")
    assert [row["sample.Temperature"] for row in rows] == ["300", "350", ""]
    warning = "sample.Temperature is 'room temperature', no number: left out of the figure against it"
    assert warning in rows[2]["warnings"] and f"2.xdi: {warning}" in capsys.readouterr().err
    page = (work / "hot" / "page.html").read_text()
    assert "Descriptors against sample.Temperature (K)." in page and "1 without such a number" in page
    assert (work / "hot" / "figures" / "against.pdf").read_bytes().startswith(b"%PDF")
    run = next(work.glob("runs/*/*/*"))
    said = refused("predict", f"run={run}", f"input={top}", "against=Sample.temprature")
    assert "against=Sample.temprature: no scan has such a header" in said
    assert "did you mean sample.temperature" in said
    said = refused("predict", f"run={run}", f"input={top}/2.xdi", "against=Sample.temperature")
    assert "is 'room temperature', no number" in said and "no header has a number" in said
