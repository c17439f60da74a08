"""Settings in messages: what is pasted into a shell is what Hydra reads."""

import shlex
import subprocess

import pytest
from hydra.core.override_parser.overrides_parser import OverridesParser
from hypothesis import example, given
from hypothesis import strategies as st

from rankaae_cli.core.calls import setting


def read_by_hydra(words):
    (word,) = words
    override = OverridesParser.create().parse_override(word)
    assert override.key_or_group == "path" and not override.is_sweep_override()
    return override.value()


@given(st.text(st.characters(exclude_categories=("Cs", "Cc")), max_size=12))
@example("foil-8,5mu.dat")
@example("O'Brien's scans/a b.dat")
@example("scan (1).dat")
@example("C:\\")
@example("\\'")
@example("1e3")
@example("null")
@example('~/é=[µ]{#}"`$HOME`!')
def test_any_path_is_read_as_it_is(path):
    # Hydra resolves what stands in ${}.
    if "${" not in path:
        assert read_by_hydra(shlex.split(setting("path", path))) == path


@pytest.mark.parametrize(
    ("value", "text"),
    [
        ("runs/Fe_oxides/2026-11-29", "path=runs/Fe_oxides/2026-11-29"),
        ("foil-8,5mu.dat", "\"path='foil-8,5mu.dat'\""),
        (["a.xdi", "b c.xdi"], "\"path=[a.xdi,'b c.xdi']\""),
        ({"energy": 1, "mu": None, "unit": "keV"}, "'path={energy:1,mu:null,unit:keV}'"),
        (True, "path=true"),
    ],
)
def test_a_setting_is_as_plain_as_it_can_be(value, text):
    assert setting("path", value) == text
    assert read_by_hydra(shlex.split(text)) == value


def test_a_shell_passes_it_on():
    for value in ("foil-8,5mu.dat", "O'Brien/a b.dat", "$HOME/`x`!", "back\\slash's", {"a,b c": 1}):
        done = subprocess.run(
            ["sh", "-c", f"printf %s {setting('path', value)}"], capture_output=True, text=True, check=True
        )
        assert read_by_hydra([done.stdout]) == value
