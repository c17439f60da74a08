"""Pages of every kind escape whatever names they hold: one environment makes them, and nothing goes around it."""

import re
from pathlib import Path

import pytest

import rankaae_cli
from rankaae_cli.reports.run.page import page_environment

REPORTS = Path(rankaae_cli.__file__).parent / "reports"
TEMPLATES = REPORTS / "templates"
HOSTILE = "</script><script>alert('x')</script>\"'&"
# Literals of the template itself, which cite papers.
MAY_BE_SAFE = {"paper/evaluation.html.j2"}


def test_the_environment_escapes():
    environment = page_environment()
    assert environment.autoescape is True
    shown = environment.from_string("<p>{{ x }}</p><script>{{ x | tojson }}</script>").render(x=HOSTILE)
    assert "<script>alert" not in shown and shown.count("</script>") == 1


@pytest.mark.parametrize("path", sorted(TEMPLATES.rglob("*.html.j2")), ids=lambda path: path.name)
def test_no_template_goes_around_it(path):
    text = path.read_text()
    if str(path.relative_to(TEMPLATES)) in MAY_BE_SAFE:
        text = re.sub(r'"[^"]*" \| safe', "", text)
    assert not re.search(r"\|\s*safe|autoescape|Markup", text)


@pytest.mark.parametrize("path", sorted(TEMPLATES.rglob("*.js")), ids=lambda path: path.name)
def test_no_script_makes_elements_or_code_of_text(path):
    assert not re.search(
        r"(inner|outer)HTML|insertAdjacentHTML|document\.write|\beval\(|new Function", path.read_text()
    )


def test_no_other_environment_makes_pages():
    made = {path.name for path in REPORTS.rglob("*.py") if re.search(r"\bEnvironment\(", path.read_text())}
    assert made == {"page.py", "prose.py"}
