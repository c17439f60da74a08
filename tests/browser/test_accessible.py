"""Pages as axe-core finds them: for a screen reader, by keys alone, in the dark and on a phone."""

import time
from dataclasses import replace

import pytest

from rankaae_cli.core.labels import Subject
from rankaae_cli.reports.comparison.page import Section
from rankaae_cli.reports.run.page import Picture, render
from rankaae_cli.reports.tables import Ranged, Table
from tests.chromium import hindrances
from tests.reports.batch.test_batch import Batch, run
from tests.reports.batch.test_batch import page_of as batch_page
from tests.reports.prediction.test_sentences import page_content, render_prediction_page
from tests.reports.predictions import prediction, spectrum

WIDTHS = (1300, 400)
DOT = "data:image/gif;base64,R0lGODlhAQABAAAAACH5BAEKAAEALAAAAAABAAEAAAICTAEAOw=="
PICTURES = [Picture(DOT, f"Caption {i}.", f"{i}.pdf", name=f"picture-{i}", csv=f"{i}.csv") for i in range(2)]
ROWS = [[f"a_rather_long_name_of_a_structure_{i}", Ranged(0.1 * i, 0.0, 1.0), "in range"] for i in range(3)]
TABLES = [Table(name, ("name", "x", "y"), ("Name", "Number", "Verdict"), ROWS, "A table.") for name in "ab"]
# What the pages of other commands show, by the names that their templates know it by.
SHOWN = {
    "subject": Subject("Cu_oxides", "Cu", "K", synthetic=True),
    "synthetic": True,
    "title": "Structures",
    "names": ["a.h5", "b.h5"],
    "run_name": "run r",
    "about": {"run": "run r", "command": "rankaae predict"},
    "fidelity": "FEFF",
    "features": "features of sites",
    "lines": ["a sentence", "another sentence"],
    "n": 3,
    "metrics": {"n": 3, "n_materials": 3, "features": "features", "edges": ["C K"], "rankaae_version": "0"},
    "sections": [Section("agreement", "Agreement", "In words.", TABLES, PICTURES)],
    "faults": [("a.cif", "no sites")],
    "methods": ["A paragraph."],
    "files": dict.fromkeys(("sites", "averages", "spectra", "ranking", "rejected", "order", "table"), "a.csv")
    | {"structures": "a.xyz"},
    "tables": TABLES,
    "pictures": PICTURES,
    "views": [replace(PICTURES[0], name="views")],
    "walks": [replace(PICTURES[0], name="walks")],
    "learning": [replace(PICTURES[0], name="learning")],
    "ranking": TABLES[0],
    "ranked": replace(PICTURES[0], name="ranking"),
    "structures": TABLES[1],
    "molecules": TABLES[0],
    "counts": TABLES[1],
    "scores": TABLES[0],
    "transfer": None,
    "traversal": {
        "table": TABLES[1],
        "lines": ["a sentence"],
        "others": "data",
        "pictures": [replace(PICTURES[0], name="walk")],
    },
    "facts": [("data", "/a/rather/long/path/of/a/file/" * 4)],
    "command": "rankaae report",
    "commands": ["rankaae train +family=Cu_oxides " + "a_rather_long_setting=1 " * 5],
    "config": "trials: 8",
}
TEMPLATES = {
    "comparison": "compare",
    "simulations": "simulations",
    "run of simulations": "simulation_report",
    "classes": "class_prediction",
    "run of classes": "classes",
    "structures": "generated",
    "run of structures": "generation_report",
}
PAGES = ("run", "batch", "prediction", "live", *TEMPLATES)


def live_page(seconds):
    content = page_content(prediction([spectrum("a.xdi")]))
    return render_prediction_page(replace(content, watch="Watching hutch since noon.", refresh=seconds))


@pytest.fixture(scope="module")
def addresses(tmp_path_factory, page_of):
    """The address of a page of each sort by its name."""
    folder, spectra = tmp_path_factory.mktemp("pages"), [spectrum("a.xdi", doubts=["saturated?"])]
    runs = [run("a", model__norm="x"), run("b", synthetic=True, page=None)]
    failed = [{"run": "r", "reason": "no data", "todo": "rankaae train resume=r"}]
    texts = {
        "batch": batch_page(Batch("t", runs, failed)),
        "prediction": render_prediction_page(page_content(prediction(spectra), [], ["normalisation-1.pdf"])),
        "live": live_page(3600),
    } | {name: render(f"{of}.html.j2", **SHOWN) for name, of in TEMPLATES.items()}
    for name, text in texts.items():
        (folder / f"{name}.html").write_text(text, encoding="utf-8")
    return {name: (folder / f"{name}.html").as_uri() for name in texts} | {"run": page_of()}


@pytest.mark.parametrize("name", PAGES)
def test_nothing_hinders_a_reader(browser, emulate, addresses, name):
    for scheme in ("light", "dark"):
        for width in WIDTHS:
            emulate(scheme, width=width)
            browser.get(addresses[name])
            assert hindrances(browser) == [], (scheme, width)


def test_pages_print_as_on_light_paper(browser, emulate, addresses):
    colours = "const s = getComputedStyle(document.body); return [s.color, s.backgroundColor]"
    emulate("light")
    browser.get(addresses["batch"])
    light = browser.execute_script(colours)
    emulate("dark")
    assert browser.execute_script(colours) != light
    emulate("dark", media="print")
    assert browser.execute_script(colours) == light


def test_a_page_that_loads_itself_again_can_be_stopped(browser, tmp_path):
    from selenium.webdriver.support.ui import WebDriverWait

    def is_loaded_again():
        return browser.execute_script("return !window.isRead && document.readyState === 'complete'")

    def wait():
        browser.execute_script("window.isRead = true")
        WebDriverWait(browser, 10, poll_frequency=0.05).until(lambda _: is_loaded_again())

    (tmp_path / "page.html").write_text(live_page(0.4), encoding="utf-8")
    browser.get((tmp_path / "page.html").as_uri())
    wait()
    browser.execute_script("document.querySelector('button.again').click(); window.isRead = true")
    time.sleep(0.6)
    assert not is_loaded_again()
    browser.execute_script("setTimeout(() => document.querySelector('button.again').click(), 50)")
    wait()
