"""The explorer as a reader uses it: in a browser, from disk."""

import copy
from urllib.parse import quote

import numpy as np
import pytest
import torch

from rankaae_cli.core.statistics.calibration import apply_calibration
from rankaae_cli.core.xas.soundness import check_spectra
from rankaae_cli.core.xas.spectra import SpectrumError, regrid
from rankaae_cli.reports.run.explorer import quantised

TEST = 2
HOSTILE = "<script>window.hacked = 1</script><img src=x onerror=\"window.hacked = 1\"> & 'é\u2028Δ' <b>"
STATE = "return rankaae.explorer.current()"
CURVES = """
    const traces = {};
    for (const { name, y } of document.getElementById("explorer-plot").data) traces[name] = Array.from(y);
    return traces"""


class Explorer:
    """What a reader does on the page."""

    def __init__(self, browser):
        self.browser = browser

    def open(self, address):
        # By way of an empty page: the same address with another fragment would not be loaded anew.
        self.browser.get("about:blank")
        self.browser.get(address)
        self.browser.execute_script("document.documentElement.style.scrollBehavior = 'auto'")
        if "#" not in address:
            self.browser.execute_script("document.getElementById('explorer').scrollIntoView()")
        self.browser.execute_async_script("rankaae.explorer.ready.then(() => arguments[0]())")
        return self

    def wait(self, what, seconds=10):
        from selenium.webdriver.support.ui import WebDriverWait

        return WebDriverWait(self.browser, seconds, poll_frequency=0.05).until(lambda _: what())

    def at(self, name):
        return self.browser.find_element("id", f"explorer-{name}")

    def text(self, name):
        return self.browser.execute_script(
            "return document.getElementById(arguments[0]).textContent", f"explorer-{name}"
        )

    def state(self):
        return self.browser.execute_script(STATE)

    def curves(self):
        """The curves as drawn, once the drawing has caught up with the sliders."""
        self.browser.execute_async_script(
            "requestAnimationFrame(() => requestAnimationFrame(() => setTimeout(arguments[0], 60)))"
        )
        return {name: np.array(y) for name, y in self.browser.execute_script(CURVES).items()}

    def press(self, name, *keys):
        self.at(name).send_keys(*keys)

    def drop(self, name, text):
        self.browser.execute_script(
            """const transfer = new DataTransfer();
            transfer.items.add(new File([arguments[1]], arguments[0], { type: "text/plain" }));
            const drop = new DragEvent("drop", { dataTransfer: transfer, bubbles: true, cancelable: true });
            document.getElementById("explorer-plot").dispatchEvent(drop)""",
            name,
            text,
        )


@pytest.fixture
def explorer(browser):
    return Explorer(browser)


def written(energy, mu, separator=" ", head="# energy mu\n"):
    return head + "".join(f"{e:.6f}{separator}{m:.9f}\n" for e, m in zip(energy, mu, strict=True))


def foreign(model, family, row=0):
    """A test spectrum on a grid of its own, which begins after the model's."""
    energy = np.arange(model.energy_E[0] + 3.1, model.energy_E[-1] + 4, 0.37)
    mu = family.spectra_NE[family.split_N == TEST][row].astype(float)
    return energy, np.interp(energy, model.energy_E, mu)


@pytest.mark.parametrize("network", ["mlp", "swish", "cnn"])
def test_the_page_computes_what_python_computes(explorer, page_of, trained, network):
    model, family = trained(network)
    t = model.selected_trial
    styles = np.random.default_rng(0).normal(size=(100, len(model.style_names)))
    spectra = family.spectra_NE[family.split_N == TEST][:100]
    explorer.open(page_of(network))
    each = "return arguments[0].map((row) => Array.from(rankaae.explorer.{}(row)))"
    decoded = explorer.browser.execute_script(each.format("decode"), styles.tolist())
    encoded = explorer.browser.execute_script(each.format("encode"), spectra.tolist())
    # In double precision: a hardly trained encoder varies little, and its norm magnifies float32's last bits.
    exact = copy.deepcopy(model.autoencoder).double()
    with torch.no_grad():
        for name, weights in exact.named_parameters():
            if name.endswith("weight"):  # the page has these in 16 bits
                low, step, levels = quantised(weights[t].numpy())
                weights[t] = torch.from_numpy(low + step * levels.astype(float))
        of_styles = exact.decode(torch.tensor(styles).expand(2, -1, -1))[t]
        of_spectra = exact.encode(torch.tensor(spectra, dtype=torch.float64)[None])[t]
    np.testing.assert_allclose(decoded, of_styles, rtol=0, atol=1e-7)
    np.testing.assert_allclose(encoded, of_spectra, rtol=0, atol=1e-7)
    # What 16 bits leave of the model itself; the norm of a hardly trained encoder magnifies here too.
    np.testing.assert_allclose(decoded, model.decode(np.stack([styles] * 2))[t], rtol=0, atol=2e-4)
    apart = (encoded - model.encode(spectra)[t]) / model.style_std_TS[t]
    np.testing.assert_allclose(apart, 0, rtol=0, atol=0.01)


def test_every_slider_moves_the_spectrum_and_is_reset(explorer, page_of, trained):
    from selenium.webdriver.common.keys import Keys

    model, family = trained("mlp")
    explorer.open(page_of())
    start = explorer.curves()
    np.testing.assert_allclose(start["difference"], 0, atol=1e-12)
    t = model.selected_trial
    np.testing.assert_allclose(explorer.state()["z"], model.style_mean_TS[t], atol=1e-6)
    train = model.encode(family.spectra_NE[family.split_N == 0])[t]
    for s, name in enumerate(model.style_names):
        explorer.press(f"style-{s}", Keys.END)
        moved = explorer.curves()
        z = explorer.state()["z"]
        assert z[s] == pytest.approx(np.quantile(train[:, s], 0.99), abs=1e-5)
        others = np.delete(np.arange(len(z)), s)
        np.testing.assert_allclose(np.array(z)[others], model.style_mean_TS[t][others], atol=1e-6)
        np.testing.assert_allclose(moved["difference"], moved["now"] - start["now"], atol=1e-9)
        assert np.abs(moved["difference"]).max() > 1e-3, name
        slider = explorer.at(f"style-{s}").find_element("xpath", "ancestor::*[@class='explorer-slider']")
        said = slider.find_element("tag name", "output").text
        if name in model.descriptor_names:
            known = model.calibration["trials"][t]["descriptors"][name]
            value, half_width = said.split()[0], said.split()[2]
            assert "±" in said
            assert float(value.replace("−", "-")) == pytest.approx(
                apply_calibration(known, np.array([z[s]]))[0], rel=0.02
            )
            assert float(half_width) == pytest.approx(known["half_width"], rel=0.06)
        else:
            assert said.endswith("σ")
        slider.find_element("css selector", "button").click()
        np.testing.assert_allclose(explorer.curves()["difference"], 0, atol=1e-12)


def test_a_real_spectrum_is_found_by_keyboard_and_reconstructed(explorer, page_of, trained):
    from selenium.webdriver.common.keys import Keys

    model, family = trained("mlp")
    t, of_test = model.selected_trial, np.flatnonzero(family.split_N == TEST)
    row = of_test[7]
    explorer.open(page_of())
    words = f"site {family.site_N[row]} {family.material_N[row][-5:]}"
    explorer.press("query", words, Keys.ARROW_DOWN, Keys.ENTER)
    curves = explorer.curves()
    spectrum = family.spectra_NE[row]
    np.testing.assert_allclose(curves["start"], spectrum, atol=1e-4)
    np.testing.assert_allclose(curves["as drawn"], model.reconstruct(spectrum[None])[t, 0], atol=4e-3)
    np.testing.assert_allclose(curves["now"], curves["as drawn"], atol=1e-9)
    error = np.abs(curves["as drawn"] - curves["start"]).mean()
    limits = model.calibration["trials"][t]["novelty"]
    word = (
        "in range" if error <= limits["unusual"] else "unusual" if error <= limits["outside"] else "outside"
    )
    assert explorer.text("verdict").startswith(f"Reconstruction error {error:#.2g}")
    assert f": {word}" in explorer.text("verdict")
    cells = [
        [cell.text for cell in line.find_elements("css selector", "th, td")]
        for line in explorer.at("read").find_elements("tag name", "tr")
    ]
    assert [line[0] for line in cells] == list(model.descriptor_names)
    for k, line in enumerate(cells):
        assert "±" in line[1]
        assert float(line[2].split()[0]) == pytest.approx(family.descriptors_NK[row, k], rel=5e-3)


def test_the_nearest_spectra_and_the_remark_far_from_them(explorer, page_of, trained):
    from selenium.webdriver.common.keys import Keys

    model, family = trained("mlp")
    t, of_test = model.selected_trial, np.flatnonzero(family.split_N == TEST)
    scaled = model.encode(family.spectra_NE[of_test])[t] / model.style_std_TS[t]
    explorer.open(page_of())
    centre = model.style_mean_TS[t] / model.style_std_TS[t]
    distances = np.linalg.norm(scaled - centre, axis=1)
    nearest = of_test[np.argsort(distances)[:5]]
    listed = explorer.at("near").find_elements("tag name", "li")
    assert [float(i.find_element("class name", "distance").text.split()[0]) for i in listed] == pytest.approx(
        np.sort(distances)[:5], abs=0.0051
    )
    for row, item in zip(nearest, listed, strict=True):
        assert f"{family.material_N[row]}, site {family.site_N[row]} " in item.text

    between = np.linalg.norm(scaled[:, None] - scaled[None], axis=2)
    np.fill_diagonal(between, np.inf)
    usual = np.quantile(between.min(axis=0), 0.995)
    assert explorer.state()["usual"] == pytest.approx(usual, abs=1e-3)
    assert explorer.at("far").is_displayed() == (distances.min() > usual)
    for s in range(len(model.style_names)):
        explorer.press(f"style-{s}", Keys.END)
    z = np.array(explorer.state()["z"])
    assert np.linalg.norm(scaled - z / model.style_std_TS[t], axis=1).min() > usual
    assert "extrapolates" in explorer.at("far").text
    explorer.at("reset").click()
    assert not explorer.text("far") or distances.min() > usual

    draw, start = explorer.at("near").find_elements("css selector", "li:first-child button")
    draw.click()
    np.testing.assert_allclose(explorer.curves()["neighbour"], family.spectra_NE[nearest[0]], atol=1e-4)
    focused = explorer.browser.switch_to.active_element
    assert focused.get_attribute("aria-pressed") == "true"
    start = explorer.at("near").find_elements("css selector", "li:first-child button")[1]
    start.click()
    curves = explorer.curves()
    assert not len(curves["neighbour"])
    np.testing.assert_allclose(curves["start"], family.spectra_NE[nearest[0]], atol=1e-4)


@pytest.mark.parametrize(("separator", "more"), [(" ", ""), (",", ",0.5,1"), (";", ""), ("\t", "\t7")])
def test_a_dropped_file_is_brought_to_the_grid_as_ingest_does(explorer, page_of, trained, separator, more):
    model, family = trained("mlp")
    energy, mu = foreign(model, family)
    head = f"# a comment\nenergy{separator}norm\n"
    text = written(energy, mu, separator, head).replace("\n", f"{more}\r\n")
    explorer.open(page_of())
    explorer.drop("mine.txt", text)
    explorer.wait(lambda: explorer.text("hint"))
    assert "mine.txt" in explorer.text("hint") and not explorer.text("message")
    assert ("the first two are taken" in explorer.text("hint")) == bool(more)
    expected = regrid(np.round(energy, 6), np.round(mu, 9), model.energy_E, 8.0)
    start = explorer.curves()["start"]
    np.testing.assert_allclose(start, expected, atol=1e-4)
    exact = explorer.browser.execute_script(
        "return Array.from(rankaae.explorer.regrid(...arguments))", list(energy), list(mu)
    )
    np.testing.assert_allclose(exact, regrid(energy, mu, model.energy_E, 8.0), rtol=0, atol=1e-10)
    assert "mine.txt" in explorer.text("title") and explorer.text("verdict")


def test_a_file_may_be_chosen_and_a_text_pasted(explorer, page_of, trained, tmp_path):
    model, family = trained("mlp")
    path = tmp_path / "chosen.dat"
    path.write_text(written(*foreign(model, family)))
    explorer.open(page_of())
    explorer.at("file").send_keys(str(path))
    explorer.wait(lambda: "chosen.dat" in explorer.text("title"))
    first = explorer.curves()["start"]
    explorer.at("pasted").find_element("xpath", "..").find_element("tag name", "summary").click()
    text = written(*foreign(model, family, 1))
    explorer.browser.execute_script("arguments[0].value = arguments[1]", explorer.at("pasted"), text)
    explorer.at("paste").click()
    explorer.wait(lambda: "pasted" in explorer.text("title"))
    assert np.abs(explorer.curves()["start"] - first).max() > 1e-3


BAD = {
    "no number": (lambda e, m: "hello\nworld\n", "no line of it holds two numbers"),
    "torn line": (lambda e, m: written(e, m) + "7180 oops\n", "does not hold two numbers"),
    "decimal commas": (lambda e, m: written(e, m).replace(".", ","), "decimal commas"),
    "too short": (lambda e, m: written(e[:3], m[:3]), "3 points"),
    "NaN": (lambda e, m: written(e, np.where(np.arange(len(m)) == 5, np.nan, m)), "absorption of point 6"),
    "descending": (lambda e, m: written(e[::-1], m[::-1]), "do not ascend"),
    "keV": (lambda e, m: written(e / 1000, m), "looks like keV"),
    "from the edge": (lambda e, m: written(e - 7112, m), "ends at"),
    "ends early": (lambda e, m: written(e[:-20], m[:-20]), "before the model's end"),
    "starts late": (lambda e, m: written(e[30:], m[30:]), "more than the 8"),
    "not normalised": (lambda e, m: written(e, 50 * m), "not normalised to the edge step"),
    "no tail": (lambda e, m: written(e, m - 0.2), "no tail below"),
}


def test_bad_texts_are_refused_in_words_and_change_nothing(explorer, page_of, trained):
    explorer.open(page_of())
    before = explorer.state()
    for name, (text, message) in BAD.items():
        explorer.drop(f"{name}.txt", text(*foreign(*trained("mlp"))))
        explorer.wait(lambda name=name: f"{name}.txt" in explorer.text("message"))
        said = explorer.text("message")
        assert message in said and "Expected:" in said and "7111" in said, said
        assert explorer.state() == before


def starts(explorer, model, family):
    from selenium.webdriver.common.keys import Keys

    explorer.at("mean").click()
    yield "mean"
    explorer.press("query", "site 0", Keys.ENTER)
    yield "row"
    explorer.drop("mine & <yours>.txt", written(*foreign(model, family)))
    explorer.wait(lambda: explorer.state()["start"]["kind"] == "file")
    yield "file"


def test_a_link_restores_the_state(explorer, page_of, trained):
    from selenium.webdriver.common.keys import Keys

    explorer.open(page_of())
    links = {}
    entries = explorer.browser.execute_script("return history.length")
    for kind in starts(explorer, *trained("mlp")):
        explorer.press("style-1", Keys.ARROW_RIGHT * 7)
        state, drawn = explorer.state(), explorer.curves()
        explorer.wait(lambda state=state: explorer.browser.current_url.endswith(state["link"]))
        links[kind] = (explorer.browser.current_url, state, drawn)
    assert explorer.browser.execute_script("return history.length") == entries
    assert list(links) == ["mean", "row", "file"]
    for url, state, drawn in links.values():
        explorer.open(url)
        assert explorer.state()["start"] == state["start"]
        np.testing.assert_allclose(explorer.state()["z"], state["z"], rtol=1e-8)
        again = explorer.curves()
        for name in drawn:
            np.testing.assert_allclose(again[name], drawn[name], atol=1e-7)
        top = explorer.browser.execute_script(
            "return document.getElementById('explorer').getBoundingClientRect().top"
        )
        assert abs(top) < 60 and not explorer.text("hint")

    # Another link in the same tab, and an anchor of the page, which leaves the state alone.
    explorer.browser.execute_script("location.hash = arguments[0]", links["row"][1]["link"])
    explorer.wait(lambda: explorer.state()["start"]["kind"] == "row")
    explorer.browser.execute_script("location.hash = '#summary'")
    assert explorer.state()["start"]["kind"] == "row" and not explorer.text("hint")
    assert explorer.browser.current_url.endswith("#summary")


def test_the_link_can_be_copied(explorer, page_of):
    explorer.open(page_of())
    explorer.at("copy").click()
    explorer.wait(lambda: explorer.text("copied"))
    assert explorer.browser.current_url.endswith(explorer.state()["link"])


def test_bad_fragments_are_ignored_with_a_note(explorer, page_of):
    address = page_of()
    state = explorer.open(address).state()
    good = state["link"]
    model = good.split("model=")[1].split("&")[0]
    z = good.split("z=")[1].split("&")[0]
    bad = {
        "#explorer?": "another model",
        "#explorer?model=abc&z=1&from=mean": "another model",
        f"#explorer?model={model}&z=1_2&from=mean": "style values",
        f"#explorer?model={model}&z={z.replace(z.split('_')[0], 'NaN', 1)}&from=mean": "style values",
        f"#explorer?model={model}&z={z.replace(z.split('_')[0], '1e9', 1)}&from=mean": "style values",
        f"#explorer?model={model}&z={z}": "where to start",
        f"#explorer?model={model}&z={z}&from=row&material=nowhere&site=0": "not in this page",
        f"#explorer?model={model}&z={z}&from=file&mu=1~%25~AA": "not whole",
        f"#explorer?model={model}&z={z}&from=file&mu={quote('0~1~AAA*')}": "not whole",
    }
    for fragment, note in bad.items():
        explorer.browser.execute_script("location.hash = arguments[0]", fragment)
        explorer.wait(lambda note=note: note in explorer.text("hint"))
        assert explorer.state() == state
    explorer.open(address + next(iter(bad)))
    assert "another model" in explorer.text("hint") and explorer.state() == state


def test_without_javascript_it_says_so(browser, page_of):
    browser.execute_cdp_cmd("Emulation.setScriptExecutionDisabled", {"value": True})
    try:
        browser.get(page_of())
        section = browser.find_element("id", "explorer")
        assert "needs JavaScript" in section.text
        assert not browser.find_element("id", "explorer-app").is_displayed()
    finally:
        browser.execute_cdp_cmd("Emulation.setScriptExecutionDisabled", {"value": False})


def test_nothing_sticks_out_on_a_narrow_screen(explorer, page_of, trained):
    size = {"width": 400, "height": 800, "deviceScaleFactor": 1, "mobile": False}
    explorer.browser.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", size)
    explorer.open(page_of())
    explorer.drop("a_rather_long_name_of_a_file_" * 4 + ".txt", written(*foreign(*trained("mlp"))))
    explorer.wait(lambda: explorer.state()["start"]["kind"] == "file")
    explorer.curves()
    wide = explorer.browser.execute_script(
        """const inside = (e) => e.closest(".scroll, #explorer-plot");
        return [...document.querySelectorAll("#explorer *")].filter((e) => !inside(e))
            .filter((e) => e.getBoundingClientRect().right > innerWidth + 0.5)
            .map((e) => e.outerHTML.slice(0, 80))"""
    )
    assert wide == []
    assert explorer.browser.execute_script("return document.documentElement.scrollWidth") <= 400


def hostile(explorer):
    first, *others = explorer["styles"]
    first |= {"title": HOSTILE, "meaning": f"{HOSTILE} meaning", "unit": HOSTILE}
    real = explorer["real"]
    real |= {"materials": [f"{HOSTILE} {material}" for material in real["materials"]]}
    return explorer | {"styles": [first, *others], "real": real}


def test_hostile_names_stay_text(explorer, page_of):
    from selenium.webdriver.common.keys import Keys

    explorer.open(page_of(change=hostile))
    explorer.press("query", "alert")  # none of them
    assert "none" in explorer.at("found").text
    explorer.press("query", Keys.CONTROL, "a")
    explorer.press("query", "site 0", Keys.ARROW_DOWN)
    assert HOSTILE in explorer.text("found")
    explorer.press("query", Keys.ENTER)
    explorer.browser.find_element("css selector", "#explorer-near button").click()
    explorer.curves()
    for place in ("title", "facts-title", "near", "sliders", "read"):
        assert HOSTILE in explorer.text(place), place
    explorer.press("style-0", Keys.END)
    link = explorer.state()["link"]
    explorer.wait(lambda: explorer.browser.current_url.endswith(link))
    z = explorer.state()["z"]
    explorer.open(explorer.browser.current_url)
    np.testing.assert_allclose(explorer.state()["z"], z, rtol=1e-8)
    explorer.drop(f"{HOSTILE}.txt", "nothing")
    explorer.wait(lambda: HOSTILE in explorer.text("message"))
    assert explorer.browser.execute_script("return window.hacked === undefined")
    assert explorer.browser.execute_script(
        "return !document.querySelector('#explorer img, #explorer script')"
    )


def uncalibrated(explorer):
    first, second, third, *others = explorer["styles"]
    flat = {**second["calibration"], "y": [5.0] * len(second["calibration"]["y"])}
    styles = [
        first | {"calibration": None},
        second | {"calibration": flat},
        third | {"low": 0.0, "high": 0.0},
    ]
    return explorer | {"styles": [*styles, *others], "novelty": None}


def test_what_is_not_calibrated_is_said(explorer, page_of):
    from selenium.webdriver.common.keys import Keys

    explorer.open(page_of(change=uncalibrated))
    first, second, third = explorer.at("sliders").find_elements("class name", "explorer-slider")[:3]
    assert "σ" in first.find_element("tag name", "output").text and "no calibration" in first.text
    assert "5" in second.find_element("tag name", "output").text and "flat" in second.text
    assert "does not vary" in third.text and not third.find_element("tag name", "input").is_enabled()
    explorer.press("query", "site 0", Keys.ENTER)
    assert "no validation errors" in explorer.text("verdict")
    assert "not calibrated" in explorer.at("read").text


def test_python_refuses_what_the_page_refuses(trained):
    energy, mu = foreign(*trained("mlp"))
    grid = trained("mlp")[0].energy_E
    for e, m in [
        (energy[::-1], mu[::-1]),
        (energy[:-20], mu[:-20]),
        (energy[30:], mu[30:]),
        (energy, mu - 0.2),
    ]:
        with pytest.raises(SpectrumError):
            regrid(e, m, grid, 8.0)
    assert check_spectra(grid, regrid(energy, 50 * mu, grid, 8.0)[None], True).reasons
