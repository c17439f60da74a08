"""The documentation as it is built: every link leads somewhere, and nothing is taken from a network."""

import os
import re
import subprocess
import sys
from html.parser import HTMLParser
from urllib.parse import unquote, urlsplit

import pytest

from rankaae_cli.cli import COMMANDS
from rankaae_cli.commands.usage.help import keys_of
from rankaae_cli.schema.train import TRAIN_SCHEMAS
from tests.chromium import hindrances
from tests.conftest import ROOT

pytest.importorskip("mkdocs", reason="mkdocs is not installed")


class Page(HTMLParser):
    """The links of a page, what it loads, and the places in it that a link may lead to."""

    def __init__(self, path):
        super().__init__()
        self.links, self.loaded, self.anchors = [], [], {"", "__top"}
        self.feed(path.read_text(encoding="utf-8"))

    def handle_starttag(self, tag, attrs):
        values = dict(attrs)
        self.anchors |= {values[name] for name in ("id", "name") if values.get(name)}
        if values.get("src"):
            self.loaded.append(values["src"])
        if values.get("href"):
            loads = tag == "link" and values.get("rel") in ("stylesheet", "icon", "preload", "preconnect")
            (self.loaded if loads else self.links).append(values["href"])


@pytest.fixture(scope="module")
def site(tmp_path_factory):
    """The folder of the site, built as `make docs` builds it."""
    folder = tmp_path_factory.mktemp("site")
    done = subprocess.run(
        [sys.executable, "-m", "mkdocs", "build", "--strict", "--site-dir", str(folder)],
        cwd=ROOT,
        env={**os.environ, "NO_MKDOCS_2_WARNING": "true"},
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return folder


@pytest.fixture(scope="module")
def pages(site):
    return {path.resolve(): Page(path) for path in site.rglob("*.html")}


def target(page, address):
    """Return the file and the anchor that an address in a page leads to."""
    parts = urlsplit(address)
    path = (page.parent / unquote(parts.path)).resolve() if parts.path else page
    return path, unquote(parts.fragment)


def test_every_link_leads_somewhere(site, pages):
    assert len(pages) > 30
    dead = []
    for path, page in pages.items():
        for address in [*page.links, *page.loaded]:
            parts = urlsplit(address)
            if parts.scheme in ("http", "https"):
                if not re.fullmatch(r"[\w-]+(\.[\w-]+)+", parts.netloc):
                    dead.append((path.name, address))
                continue
            assert parts.scheme in ("", "mailto"), (path, address)
            # The page for what is not found is served anywhere, and links from the root.
            if path.name == "404.html":
                continue
            file, anchor = target(path, address)
            is_page = file in pages
            if not file.is_file() or (is_page and anchor not in pages[file].anchors):
                dead.append((path.relative_to(site).as_posix(), address))
    assert dead == []


def test_nothing_is_loaded_from_a_network(pages, site):
    foreign = [
        (path.name, address) for path, page in pages.items() for address in page.loaded if "//" in address
    ]
    assert foreign == []
    sheets = [path for path in site.rglob("*.css") if re.search(r"url\(['\"]?(https?:)?//", path.read_text())]
    assert sheets == []


def test_formulae_are_drawn_without_a_script(pages):
    texts = [path.read_text(encoding="utf-8") for path in pages]
    assert not any('class="arithmatex"' in text for text in texts)


@pytest.mark.parametrize("command", COMMANDS)
def test_every_key_of_a_command_is_in_the_reference(site, command):
    text = (site / "reference" / f"{command}.html").read_text(encoding="utf-8")
    kinds = TRAIN_SCHEMAS if command == "train" else (None,)
    for kind in kinds:
        for key in keys_of(command, kind):
            assert key.holds_keys or f"<code>{key.name}</code>" in text, key.name


@pytest.mark.parametrize(("scheme", "width"), [("light", 1300), ("dark", 400)])
def test_nothing_hinders_a_reader(browser, emulate, site, scheme, width):
    """Two of the theme's own landmarks in a page have one name."""
    emulate(scheme, width=width)
    browser.get((site / "index.html").as_uri())
    browser.execute_script("localStorage.clear()")  # where the theme keeps the scheme that it began with
    for name in ("index", "how-to/python", "reference/predict", "explanation/method", "gallery"):
        browser.get((site / f"{name}.html").as_uri())
        assert hindrances(browser, but="landmark-unique") == [], name
