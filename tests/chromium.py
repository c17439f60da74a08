"""A headless Chromium, and what axe-core finds in a page."""

import shutil
from importlib.resources import files

import pytest

OPTIONS = (
    "--headless=new",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--window-size=1400,1000",
)
_RUN_AXE = (
    "const done = arguments[arguments.length - 1];"
    "axe.run({resultTypes: ['violations']}).then(found => done(found.violations.map("
    "one => [one.impact, one.id, one.nodes.slice(0, 3).map(node => node.html)])))"
)
_BEYOND = "return document.documentElement.scrollWidth - document.documentElement.clientWidth"


@pytest.fixture(scope="session")
def chromium():
    """A headless browser; without one, or without its driver, the tests are skipped."""
    webdriver = pytest.importorskip("selenium.webdriver", reason="selenium is not installed")
    from selenium.webdriver.chrome.service import Service

    binary = shutil.which("chromium") or shutil.which("google-chrome")
    driver = shutil.which("chromedriver")
    if binary is None or driver is None:
        pytest.skip("there is no Chromium with its chromedriver here")
    options = webdriver.ChromeOptions()
    options.binary_location = binary
    for option in OPTIONS:
        options.add_argument(option)
    options.set_capability("goog:loggingPrefs", {"browser": "ALL"})
    browser = webdriver.Chrome(service=Service(driver), options=options)
    browser.set_script_timeout(30)
    yield browser
    browser.quit()


@pytest.fixture
def browser(chromium):
    """The browser, which must not have logged an error when the test ends."""
    chromium.get_log("browser")
    yield chromium
    chromium.execute_cdp_cmd("Emulation.clearDeviceMetricsOverride", {})
    faults = [entry for entry in chromium.get_log("browser") if entry["level"] == "SEVERE"]
    chromium.get("about:blank")
    assert not faults


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


def hindrances(browser, but=""):
    """Return what axe-core finds in the page, but for one rule, and by how many px it is too wide, if it is."""
    axe = pytest.importorskip("axe_core_python", reason="axe-core-python is not installed")
    browser.execute_script(files(axe).joinpath("axe.min.js").read_text(encoding="utf-8"))
    beyond = browser.execute_script(_BEYOND)
    found = [one for one in browser.execute_async_script(_RUN_AXE) if one[1] != but]
    return found + ([f"{beyond} px too wide"] if beyond else [])
