"""The package as Python imports it: every module once, configuration and samples with it."""

import importlib
import os
import re
import subprocess
import sys
import tomllib

import pytest
import yaml

from rankaae_cli import __version__
from tests.conftest import ROOT


@pytest.fixture
def uninstalled(tmp_path):
    """Run Python with the clone on its path and nothing of rankaae installed: -S reads no .pth file."""
    libraries = [path for path in sys.path if "site-packages" in path]

    def call(*arguments):
        path = os.pathsep.join([str(ROOT), *libraries])
        return subprocess.run(
            [sys.executable, "-S", *arguments],
            cwd=tmp_path,
            env={**os.environ, "PYTHONPATH": path},
            capture_output=True,
            text=True,
            timeout=60,
        )

    return call


@pytest.mark.parametrize("second", ["rankaae_cli.rankaae_cli.core.errors", "rankaae_cli.tests"])
def test_no_module_has_a_second_name(second, uninstalled):
    with pytest.raises(ModuleNotFoundError):
        importlib.import_module(second)
    first = second.partition(".core")[0]
    assert f"No module named {first!r}" in uninstalled("-c", f"import {second}").stderr


def test_a_clone_that_is_not_installed_has_its_configuration_and_samples(uninstalled):
    code = (
        "from importlib.resources import files\n"
        "print(files('rankaae_cli.conf'), files('rankaae_cli.data_samples'), sep='\\n')"
    )
    assert uninstalled("-c", code).stdout.split() == [str(ROOT / "conf"), str(ROOT / "data_samples")]
    done = uninstalled("-m", "rankaae_cli", "train", "+family=Fe_oxides", "--cfg", "job")
    assert done.returncode == 0 and "name: Fe_oxides" in done.stdout
    assert "Fe_oxides" in uninstalled("-m", "rankaae_cli", "--help").stdout


PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())
PACKAGING = ROOT / "packaging"
# What conda-forge calls otherwise than PyPI.
CONDA_NAMES = {"matplotlib": "matplotlib-base", "torch": "pytorch"}


def test_one_version_is_told_everywhere():
    recipe = yaml.safe_load((PACKAGING / "recipe.yaml").read_text())
    citation = yaml.safe_load((ROOT / "CITATION.cff").read_text())
    told = [PROJECT["project"]["version"], recipe["context"]["version"], citation["version"]]
    latest = re.search(r"^## (\S+)", (ROOT / "CHANGELOG.md").read_text(), re.MULTILINE)
    assert {*told, latest[1]} == {__version__} and re.fullmatch(r"\d+\.\d+\.\d+", __version__)


def test_the_conda_recipe_needs_what_the_wheel_needs():
    run = yaml.safe_load((PACKAGING / "recipe.yaml").read_text())["requirements"]["run"]
    needed = [re.split("(?=[<>=])", line, maxsplit=1) for line in PROJECT["project"]["dependencies"]]
    assert run[1:] == [f"{CONDA_NAMES.get(name, name)} {bound}" for name, bound in needed]


@pytest.mark.parametrize("name", ["Dockerfile", "rankaae.def", "../.dockerignore"])
def test_images_are_built_of_all_that_the_wheel_is_built_of(name):
    text = (PACKAGING / name).read_text()
    packages = PROJECT["tool"]["setuptools"]["packages"]
    folders = {package.partition(".")[0] for package in packages}
    folders |= set(PROJECT["tool"]["setuptools"]["package-dir"].values())
    for source in (*folders, "pyproject.toml", "constraints.txt", "README.md", "LICENSE"):
        assert re.search(rf"(^|[\s!]){re.escape(source)}/?(\s|$)", text, re.MULTILINE), source
    assert name.startswith("..") or re.search(r"pip install .*-c \S*constraints.txt .*\[structures\]", text)
