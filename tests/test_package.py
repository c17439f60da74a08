"""The package as Python imports it: every module once, configuration and samples with it."""

import importlib
import os
import subprocess
import sys

import pytest

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
