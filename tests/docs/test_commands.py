"""The commands of README and docs/: their settings are known, and those without a title on their block run."""

import importlib.util
import re
import shlex
import shutil
import tomllib
from functools import partial

import pytest

from rankaae_cli.cli import COMMANDS
from rankaae_cli.core.mixtures import unmixing
from rankaae_cli.core.styles import disentanglement
from tests.conftest import ROOT, in_process, save_blank_figures
from tests.docs.blocks import PAGES, TITLES, block_commands, inline_commands, name_of
from tests.docs.columns import undocumented
from tests.docs.user_files import write_user_files

BLOCKS = {name_of(path): block_commands(path) for path in PAGES}
PLAIN = {page: [c.words for c in commands if not c.title] for page, commands in BLOCKS.items()}
TARGETS = set(re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text(), re.MULTILINE))
EXTRAS = set(tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["optional-dependencies"])
OTHER_PROGRAMS = {
    "tensorboard",
    "mlflow",
    "git",
    "docker",
    "apptainer",
    "conda",
    "mamba",
    "eval",
    "source",
    "rattler-build",
}
SMALL = {
    "rankaae": ("trials=2", "max_steps=30", "batch_size=64", "model.hidden=16", "model.free_styles=2"),
    "transfer": ("max_steps=30", "batch_size=64"),
    "supervised": ("trials=1",),
    "forward": ("model.lengths=[1,4]", "model.noises=[0.001]"),
    "evaluate": ("resamples=10",),
    "traverse": ("draws=20",),
}


def every_command():
    return [c for path in PAGES for c in (*BLOCKS[name_of(path)], *inline_commands(path))]


def test_a_title_of_a_block_is_one_that_the_pages_explain():
    titles = {c.title for commands in BLOCKS.values() for c in commands} - {""}
    assert titles <= TITLES
    assert sum(len(commands) for commands in PLAIN.values()) > 50


def sweeps_to_one(words):
    """Return the settings of the first job of a sweep: the first of several values, no sweeper, no launcher."""
    if "-m" not in words:
        return words
    one = [re.sub(r"^([^=\[{(]*=[^,\[{(]*),.*", r"\1", word) for word in words if word != "-m"]
    return [word for word in one if not word.startswith(("hydra/", "hydra."))]


@pytest.mark.parametrize("page", BLOCKS)
def test_settings_are_known(page, tmp_path):
    """Those of commands that are not run: the program composes each call, and does nothing."""
    path = ROOT / page
    for command in [*(c for c in BLOCKS[page] if c.title), *inline_commands(path)]:
        check(command.words, tmp_path)


def check(words, folder):
    if words[0] == "make":
        assert words[1] in TARGETS, words
    elif words[:2] == ("pip", "install"):
        for extras in re.findall(r"\[(.*?)\]", " ".join(words)):
            assert set(extras.split(",")) <= EXTRAS, words
    elif words[:2] == ("python", "-m"):
        assert importlib.util.find_spec(words[2]), words
    elif words[0] == "sbatch":
        check(tuple(shlex.split(words[words.index("--wrap") + 1])), folder)
    elif words[0] != "rankaae":
        assert words[0] in OTHER_PROGRAMS, words
    elif len(words) > 1 and not words[1].startswith("-"):
        assert words[1] in COMMANDS, words
        is_resumed = any(word.startswith("resume=") for word in words)
        if not is_resumed and "--config-dir" not in words:
            done = in_process(folder, *sweeps_to_one(words[1:]), "--cfg", "job")
            assert done.returncode == 0, (words, done.stderr)


@pytest.fixture(scope="module")
def user_files(tmp_path_factory):
    """The files that the pages take for the reader's: none that they do not name."""
    return write_user_files(tmp_path_factory.mktemp("user"))


@pytest.mark.slow
@pytest.mark.parametrize("page", [page for page, commands in PLAIN.items() if commands])
def test_commands_of_a_page_run(page, user_files, tmp_path, monkeypatch):
    """In order, by networks of the smallest size; the columns of the tables that they write are explained."""
    folder = tmp_path / "work"
    shutil.copytree(user_files, folder)
    monkeypatch.setenv("XDG_CACHE_HOME", str(user_files.parent / "cache"))
    monkeypatch.setenv("RANKAAE_DEBUG", "1")
    save_blank_figures(monkeypatch)
    monkeypatch.setattr(unmixing, "_DRAWS", 20)
    for name in ("GradientBoostingClassifier", "GradientBoostingRegressor"):
        monkeypatch.setattr(disentanglement, name, partial(getattr(disentanglement, name), n_estimators=10))
    for words in PLAIN[page]:
        if words[0] != "rankaae":
            check(words, folder)
            continue
        call = [newest(word, folder) for word in with_few_jobs(words[1:])]
        done = in_process(folder, *call, *small(call))
        expected = 1 if "amorphous_carbon" in " ".join(call) and "-m" in call else 0
        assert done.returncode == expected, (words, done.stdout[-2000:], done.stderr[-2000:])
    assert undocumented(folder, own=("feff_Fe.csv",)) == []


def with_few_jobs(words):
    """Leave of the families of a sweep the first and the last, here and one after another."""
    if "-m" not in words:
        return words
    few = [re.sub(r"^(\+family=\w+),.*,", r"\1,", word) for word in words]
    return [word for word in few if not word.startswith("hydra/launcher=")]


def newest(word, folder):
    """Put the newest directory in the place of DATE/TIME."""
    match = re.search(r"(\S*?)([\w+/]+)/DATE/TIME", word)
    if match is None:
        return word
    *_, last = sorted((folder / match[2]).glob("*/*"))
    return word.replace(f"{match[2]}/DATE/TIME", str(last.relative_to(folder)))


def small(call):
    """Return settings that make a call as short as can be."""
    if "--cfg" in call or "--config-dir" in call or any(word.startswith("resume=") for word in call):
        return ()
    if call[0] != "train":
        return SMALL.get(call[0], ())
    given = dict(word.partition("=")[::2] for word in call)
    kind = given.get("kind", "rankaae")
    if kind == "supervised":
        forest = given.get("model", "extra_trees")
        return (*SMALL[kind], *([] if forest == "kernel_ridge" else [f"model.{forest}.trees=30"]))
    return SMALL["transfer" if "start" in given else kind]
