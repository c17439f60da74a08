"""A real sweep of two families, one job of which fails, on one page."""

import json
import shutil
from html.parser import HTMLParser
from urllib.parse import unquote

import numpy as np
import pytest

from rankaae_cli.cli import main
from rankaae_cli.data.family.family_file import write_family
from rankaae_cli.data.family.synthetic import synthetic_family
from tests.conftest import save_blank_figures

NAMES = ["OS", "CN"]
QUICK = ("trials=1", "max_epochs=2", "model.hidden=8", "model.free_styles=0", "batch_size=64", "device=cpu")


class Links(HTMLParser):
    """Where a page links to on disk."""

    def __init__(self, text):
        super().__init__()
        self.found = []
        self.feed(text)

    def handle_starttag(self, tag, attrs):
        self.found += [v for k, v in attrs if tag == "a" and k == "href" and not v.startswith("#")]


@pytest.fixture(scope="module")
def sweep(tmp_path_factory):
    """A sweep in a folder with a hostile name: Ti (job 0), no data (job 1), Fe (job 2)."""
    folder = tmp_path_factory.mktemp("work") / "a #1 'b' <script>"
    for family, element, start in (("Ti_oxides", "Ti", 4964.5), ("Fe_oxides", "Fe", 7111.0)):
        grid = start + np.arange(40) * 1.6
        write_family(
            folder / "data" / f"{family}.h5", synthetic_family(family, element, "K", grid, NAMES, 160)
        )
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(folder)
        assert main(["train", "-m", "+family=Ti_oxides,amorphous_carbon,Fe_oxides", *QUICK]) != 0
    (path,) = folder.glob("multirun/*/*")
    return path


def report(sweep, monkeypatch, *arguments, status=0):
    monkeypatch.chdir(sweep.parents[2])
    assert main(["report", *map(str, arguments)]) == status


@pytest.fixture(scope="module")
def page(sweep):
    """The page of the sweep, which evaluates, traverses and makes the runs' pages on the way."""
    with pytest.MonkeyPatch.context() as patch:
        save_blank_figures(patch)
        report(sweep, patch, f"run={sweep.relative_to(sweep.parents[2])}")
    return sweep / "report" / "report.html"


def test_page_lies_in_the_sweep_with_figures_tables_and_numbers(sweep, page):
    made = {str(p.relative_to(page.parent)) for p in page.parent.rglob("*") if p.is_file()}
    assert {f"figures/{f}.{x}" for f in ("matrix", "responses_1_OS") for x in ("pdf", "png")} <= made
    assert {f"tables/{t}.{x}" for t in ("matrix", "runs", "responses") for x in ("csv", "tex")} <= made
    assert not [p for p in page.parent.parent.rglob(".*")]
    content = json.loads((page.parent / "batch.json").read_text())
    assert [run["run"] for run in content["runs"]] == ["0", "2"]
    assert all(run["synthetic"] and run["best_of_family_on_validation"] for run in content["runs"])
    assert [run["run"] for run in content["not_reported"]] == ["1"]
    metrics = json.loads((sweep / "0" / "evaluation" / "metrics.json").read_text())
    assert content["runs"][0]["ensemble"]["descriptors"]["OS"] == metrics["ensemble"]["descriptors"]["OS"]


def test_links_lead_to_the_pages_of_the_runs(sweep, page):
    text = page.read_text(encoding="utf-8")
    links = {(page.parent / unquote(link)).resolve() for link in Links(text).found}
    assert {sweep / job / "report" / "report.html" for job in "02"} <= links
    assert all(link.is_file() for link in links)
    assert "Synthetic data." in text and "<script>'" not in text and "/a #1" not in text


def test_a_second_page_makes_no_run_anew(sweep, page, monkeypatch, capfd):
    before = {p: p.stat().st_mtime_ns for job in "02" for p in (sweep / job).rglob("*") if p.is_file()}
    report(
        sweep,
        monkeypatch,
        f"run=[{sweep / '0'!s},{sweep / '2'!s}]".replace(
            str(sweep), str(page.parents[1].relative_to(sweep.parents[2]))
        ),
    )
    out, err = capfd.readouterr()
    assert "making it" not in err
    assert before == {
        p: p.stat().st_mtime_ns for job in "02" for p in (sweep / job).rglob("*") if p.is_file()
    }
    made = out.splitlines()[-1]
    assert "/reports/" in made and made.endswith("report.html")
    assert "Ti_oxides" in out and "SYNTHETIC DATA" in out


def test_patterns_output_and_a_run_that_cannot_be_reported(sweep, page, monkeypatch, capfd):
    folder = sweep.parents[2]
    broken = folder / "multirun" / "day" / "time" / "broken"
    shutil.copytree(sweep / "0", broken)
    (broken / "checkpoints" / "best.ckpt").write_bytes(b"no checkpoint")
    unfinished = broken.with_name("unfinished")
    shutil.copytree(sweep / "0", unfinished)
    provenance = json.loads((unfinished / "provenance.json").read_text())
    del provenance["finished"]
    (unfinished / "provenance.json").write_text(json.dumps(provenance))
    report(sweep, monkeypatch, "run=multirun/*/*/*", "output=paper/all", "pages=false", status=1)
    content = json.loads((folder / "paper" / "all" / "batch.json").read_text())
    assert len(content["runs"]) == 2
    reasons = {entry["run"].rsplit("/")[-1]: entry["reason"] for entry in content["not_reported"]}
    assert set(reasons) == {"broken", "unfinished"} and reasons["unfinished"] == "has not finished"
    assert "left out" in capfd.readouterr().err
    # Without the broken run nothing failed: an unfinished one is only listed. An earlier page is replaced.
    shutil.rmtree(broken)
    report(sweep, monkeypatch, "run=multirun/*/*/*", "output=paper/all", "pages=false")
    assert len(json.loads((folder / "paper" / "all" / "batch.json").read_text())["not_reported"]) == 1
    shutil.rmtree(unfinished)


def test_other_peoples_folders_are_not_replaced(sweep, page, monkeypatch, capfd):
    notes = sweep.parents[2] / "notes"
    notes.mkdir()
    (notes / "mine.txt").touch()
    for output in ("notes", sweep.relative_to(sweep.parents[2]) / "0" / "report"):
        report(sweep, monkeypatch, "run=multirun", f"output={output}", status=2)
        assert "something else than a page of several runs" in capfd.readouterr().err
    assert (notes / "mine.txt").is_file()


def test_data_that_changed_leave_a_run_out_and_the_status_says_so(sweep, page, monkeypatch):
    data = sweep.parents[2] / "data" / "Ti_oxides.h5"
    kept = data.read_bytes()
    try:
        data.write_bytes(kept + b"\0")
        report(sweep, monkeypatch, "run=multirun", "output=changed", "pages=false", status=1)
    finally:
        data.write_bytes(kept)
    content = json.loads((sweep.parents[2] / "changed" / "batch.json").read_text())
    assert [run["run"] for run in content["runs"]] and "has changed" in content["not_reported"][0]["reason"]


def test_one_run_in_a_directory_gets_its_own_page(sweep, page, monkeypatch, capfd):
    folder = sweep.parents[2] / "alone"
    shutil.copytree(sweep / "0", folder / "run")
    report(sweep, monkeypatch, "run=alone")
    assert capfd.readouterr().out.splitlines()[-1] == str(folder / "run" / "report" / "report.html")
    assert not (folder / "report").exists()


def test_a_directory_without_a_finished_run_says_what_to_do(sweep, refused):
    assert "there is no run in nothing" in refused("report", "run=nothing")
