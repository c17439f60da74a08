"""The page as a reader uses it: in a browser, from disk."""

import re
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from rankaae_cli.core.labels import Subject
from rankaae_cli.reports.figures.learning import interactive_curves
from rankaae_cli.reports.figures.plotly import figure_json, pack
from rankaae_cli.reports.run.figure_files import still_picture
from rankaae_cli.reports.run.page import Picture, render_page
from rankaae_cli.reports.tables import Ranged, Table
from tests.reports.figures.test_plotly import picture
from tests.reports.run.test_page import content, with_pictures

EPOCHS = np.arange(50)
METRICS = pd.DataFrame(
    {"epoch": EPOCHS, "trial": 0, "train_rank": 1 / (1 + EPOCHS), "val_spearman": EPOCHS / 50}
)
ROWS = [["b 10", Ranged(0.123456, 0.1, 0.2), 3], ["b 9", None, 1], ["a", Ranged(-0.5, None, None), 20]]
TABLE = Table("trials", ("name", "rho", "n"), ("Name", "ρ", "Count"), ROWS, "A table.")
COLUMN = "return [...document.querySelectorAll('#table-trials tbody tr')].map(r => r.cells[0].textContent)"
LIVE = "return document.querySelectorAll('#figure-losses .live .main-svg').length"


@pytest.fixture(scope="module")
def page_url(tmp_path_factory):
    """A page with one figure far down and one table, as a file."""
    figure = interactive_curves(
        Subject("Fe_oxides", "Fe", "K"), METRICS, ["train_rank", "val_spearman"], 0, 40, "rows"
    )
    source, width, height = still_picture(picture(4)[0])
    live = Picture(
        source, "Losses.", "figures/losses.pdf", name="losses", alt="Curves.", size=(width, height),
        interactive=pack(figure_json(figure)),
    )  # fmt: skip
    path = tmp_path_factory.mktemp("page") / "report.html"
    path.write_text(
        render_page(with_pictures(replace(content(), trials=TABLE), learning=[live])), encoding="utf-8"
    )
    return path.as_uri()


@pytest.fixture
def opened(browser, page_url):
    browser.get(page_url)
    browser.execute_script("document.documentElement.style.scrollBehavior = 'auto'")
    return browser


def wait(browser, script, seconds=20):
    from selenium.webdriver.support.ui import WebDriverWait

    return WebDriverWait(browser, seconds, poll_frequency=0.05).until(
        lambda _: browser.execute_script(script)
    )


def scroll_to(browser, identity):
    browser.execute_script(f"document.getElementById('{identity}').scrollIntoView()")


def test_figure_is_still_until_it_is_near_and_then_live_at_the_same_height(opened):
    height = "return document.getElementById('figure-losses').getBoundingClientRect().height"
    before = opened.execute_script(height)
    assert opened.execute_script("return window.Plotly === undefined") and not opened.execute_script(LIVE)
    scroll_to(opened, "figure-losses")
    wait(opened, LIVE)
    assert abs(opened.execute_script(height) - before) < 1
    host = "document.querySelector('#figure-losses .live')"
    assert opened.execute_script(f"return [{host}.tabIndex, {host}.ariaLabel]") == [
        0,
        "Interactive figure. Curves.",
    ]
    titles = opened.execute_script(
        f"return [...{host}.querySelectorAll('.modebar-btn')].map(b => b.dataset.title)"
    )
    assert titles[:2] == ["Download as svg", "Download as png"] and any("eset" in title for title in titles)
    assert not opened.execute_script(f"return {host}.querySelectorAll('a[href]').length")


def test_figure_follows_the_theme(opened):
    paper = "return document.querySelector('#figure-losses .live').layout.font.color"
    scroll_to(opened, "figure-losses")
    wait(opened, LIVE)
    light = opened.execute_script(paper)
    dark = {"features": [{"name": "prefers-color-scheme", "value": "dark"}]}
    opened.execute_cdp_cmd("Emulation.setEmulatedMedia", dark)
    try:
        wait(opened, paper.replace("return ", "return '" + light + "' !== "))
    finally:
        opened.execute_cdp_cmd("Emulation.setEmulatedMedia", {"features": []})


def test_figure_stacks_its_panels_on_a_phone_and_nothing_is_cut_off(opened, page_url):
    metrics = {"width": 400, "height": 800, "deviceScaleFactor": 1, "mobile": True}
    opened.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", metrics)
    opened.get(page_url)
    scroll_to(opened, "figure-losses")
    wait(opened, LIVE)
    layout = "document.querySelector('#figure-losses .live')._fullLayout"
    first, second = opened.execute_script(f"return [{layout}.yaxis.domain, {layout}.yaxis2.domain]")
    assert first[0] > second[1]
    assert opened.execute_script("return document.documentElement.scrollWidth") <= 400


def test_page_without_the_means_to_unpack_keeps_still_pictures_and_says_so(browser, page_url):
    source = "delete window.DecompressionStream"
    added = browser.execute_cdp_cmd("Page.addScriptToEvaluateOnNewDocument", {"source": source})
    try:
        browser.get(page_url)
        note = browser.execute_script("return document.getElementById('still-note').textContent")
        assert "still pictures" in note and "DecompressionStream" in note
        scroll_to(browser, "figure-losses")
        assert browser.execute_script("return document.querySelector('#figure-losses img').checkVisibility()")
    finally:
        browser.execute_cdp_cmd("Page.removeScriptToEvaluateOnNewDocument", added)


def test_tables_sort_by_full_values_with_the_unknown_last(opened):
    from selenium.webdriver.common.keys import Keys

    headings = opened.find_elements("css selector", "#table-trials thead button")
    assert [h.text for h in headings] == ["Name", "ρ", "Count"]
    scroll_to(opened, "table-trials")
    headings[1].send_keys(Keys.ENTER)
    assert opened.execute_script(COLUMN) == ["a", "b 10", "b 9"]
    headings[1].send_keys(Keys.ENTER)
    assert opened.execute_script(COLUMN) == ["b 10", "a", "b 9"]
    headings[2].send_keys(Keys.SPACE)
    assert opened.execute_script(COLUMN) == ["b 9", "b 10", "a"]
    headings[0].send_keys(Keys.ENTER)
    assert opened.execute_script(COLUMN) == ["a", "b 9", "b 10"]
    sorts = opened.execute_script(
        "return [...document.querySelectorAll('#table-trials th[scope=col]')].map(h => h.ariaSort)"
    )
    assert sorts == ["ascending", None, None]


def test_commands_can_be_copied_and_headings_linked(opened):
    button = opened.find_element("css selector", "#reproduce .copyable button")
    button.click()
    wait(opened, "return document.querySelector('#reproduce .copyable button').textContent === 'Copied'")
    anchors = opened.execute_script(
        "return [...document.querySelectorAll('.anchor')].map(a => a.hash.slice(1))"
    )
    assert "evaluation" in anchors and "styles" in anchors
    assert all(opened.execute_script("return !!document.getElementById(arguments[0])", i) for i in anchors)


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_text_stands_out_from_what_is_behind_it(opened, scheme):
    media = {"features": [{"name": "prefers-color-scheme", "value": scheme}]}
    opened.execute_cdp_cmd("Emulation.setEmulatedMedia", media)
    try:
        pairs = opened.execute_script("""
            const style = getComputedStyle(document.documentElement);
            const colour = (name) => style.getPropertyValue(name).trim();
            return [["--ink", "--paper"], ["--ink", "--card"], ["--soft", "--paper"], ["--soft", "--card"],
                    ["--accent", "--paper"], ["--accent", "--card"], ["--warn", "--warn-paper"],
                    ["--ink", "--code"],
            ].map((pair) => pair.map(colour))""")
    finally:
        opened.execute_cdp_cmd("Emulation.setEmulatedMedia", {"features": []})
    for front, back in pairs:
        assert contrast(front, back) >= 4.5, (front, back)


def contrast(*colours):
    """The ratio of WCAG 2, from two colours as #rrggbb."""

    def luminance(colour):
        channels = [int(part, 16) / 255 for part in re.findall("..", colour.removeprefix("#"))]
        linear = [c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in channels]
        return float(np.dot(linear, [0.2126, 0.7152, 0.0722]))

    low, high = sorted(map(luminance, colours))
    return (high + 0.05) / (low + 0.05)
