"""Pages as axe-core finds them: for a screen reader, by keys alone, in the dark and on a phone."""

from importlib.resources import files

import pytest

from tests.reports.batch.test_batch import Batch, run
from tests.reports.batch.test_batch import page_of as batch_page
from tests.reports.prediction.test_sentences import page_content, render_prediction_page
from tests.reports.predictions import prediction, spectrum

axe = pytest.importorskip("axe_core_python", reason="axe-core-python is not installed")
RUN_AXE = (
    "const done = arguments[arguments.length - 1];"
    "axe.run({resultTypes: ['violations']}).then(found => done(found.violations.map("
    "one => [one.impact, one.id, one.nodes.slice(0, 3).map(node => node.html)])))"
)
WIDTHS = (1300, 400)


@pytest.fixture(scope="module")
def addresses(tmp_path_factory, page_of):
    """The address of a page of each sort by its name."""
    folder, spectra = tmp_path_factory.mktemp("pages"), [spectrum("a.xdi", doubts=["saturated?"])]
    runs = [run("a", model__norm="x"), run("b", synthetic=True, page=None)]
    failed = [{"run": "r", "reason": "no data", "todo": "rankaae train resume=r"}]
    texts = {
        "batch": batch_page(Batch("t", runs, failed)),
        "prediction": render_prediction_page(page_content(prediction(spectra), [], ["normalisation-1.pdf"])),
    }
    for name, text in texts.items():
        (folder / f"{name}.html").write_text(text, encoding="utf-8")
    return {name: (folder / f"{name}.html").as_uri() for name in texts} | {"run": page_of()}


@pytest.fixture
def emulate(browser):
    """Take the browser for another: its medium, its scheme of colours, its width."""

    def call(scheme, media="", width=1300):
        features = [{"name": "prefers-color-scheme", "value": scheme}]
        size = {"width": width, "height": 900, "deviceScaleFactor": 1, "mobile": False}
        browser.execute_cdp_cmd("Emulation.setEmulatedMedia", {"media": media, "features": features})
        browser.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", size)

    yield call
    browser.execute_cdp_cmd("Emulation.setEmulatedMedia", {"media": "", "features": []})


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("name", ["run", "batch", "prediction"])
def test_nothing_hinders_a_reader(browser, emulate, addresses, name, scheme):
    for width in WIDTHS:
        emulate(scheme, width=width)
        browser.get(addresses[name])
        browser.execute_script(files("axe_core_python").joinpath("axe.min.js").read_text(encoding="utf-8"))
        assert browser.execute_async_script(RUN_AXE) == []
        beyond = "return document.documentElement.scrollWidth - document.documentElement.clientWidth"
        assert browser.execute_script(beyond) == 0


def test_pages_print_as_on_light_paper(browser, emulate, addresses):
    colours = "const s = getComputedStyle(document.body); return [s.color, s.backgroundColor]"
    emulate("light")
    browser.get(addresses["batch"])
    light = browser.execute_script(colours)
    emulate("dark")
    assert browser.execute_script(colours) != light
    emulate("dark", media="print")
    assert browser.execute_script(colours) == light
