"""The installed wheel works from any folder."""

import json
import os
import shutil
import subprocess
import sys

import pytest

from tests.conftest import ROOT
from tests.shipped_scan import NAME, shipped_scan


@pytest.fixture(scope="module")
def installed(tmp_path_factory):
    """Build sdist, and the wheel of that, and install it, without its dependencies, into a folder of its own."""
    folder = tmp_path_factory.mktemp("wheel")
    source = folder / "source"
    for name in ("rankaae_cli", "hydra_plugins", "conf", "data_samples"):
        shutil.copytree(ROOT / name, source / name, ignore=shutil.ignore_patterns("__pycache__"))
    for name in ("pyproject.toml", "README.md", "LICENSE"):
        shutil.copy(ROOT / name, source)
    build = [
        sys.executable,
        "-m",
        "build",
        "--no-isolation",
        "--outdir",
        str(folder / "dist"),
        str(source),
    ]
    done = subprocess.run(build, capture_output=True, text=True, cwd=folder)
    assert done.returncode == 0, done.stdout + done.stderr
    (wheel,) = (folder / "dist").glob("rankaae-*.whl")
    install = [
        sys.executable,
        "-m",
        "pip",
        "install",
        "--quiet",
        "--no-deps",
        "--target",
        str(folder / "site"),
    ]
    subprocess.run([*install, str(wheel)], check=True, capture_output=True)
    return folder / "site"


def test_train_from_the_wheel(installed, tmp_path):
    # -P keeps the current folder off the path, and PYTHONPATH puts the wheel before an editable install.
    done = subprocess.run(
        [sys.executable, "-P", "-m", "rankaae_cli", "train", "+family=Fe_oxides", "max_epochs=1", "trials=1"],
        env={**os.environ, "PYTHONPATH": str(installed)},
        cwd=tmp_path,
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stderr
    config = next(tmp_path.glob("runs/Fe_oxides/*/*/config.yaml")).read_text()
    assert str(installed) in config
    groups = installed / "rankaae_cli" / "conf" / "hydra"
    assert (groups / "launcher" / "slurm_gpu.yaml").is_file()
    assert (groups / "sweeper" / "params" / "default.yaml").is_file()


def test_predict_from_the_wheel_with_a_model_that_ships(installed, tmp_path):
    (tmp_path / "scan.xdi").write_text(shipped_scan()[0])
    done = subprocess.run(
        [
            sys.executable,
            "-P",
            "-m",
            "rankaae_cli",
            "predict",
            f"model={NAME}",
            "input=scan.xdi",
            "output=out",
        ],
        env={**os.environ, "PYTHONPATH": str(installed), "MPLCONFIGDIR": str(tmp_path / "fonts")},
        cwd=tmp_path,
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stderr
    assert "INFO" not in done.stdout + done.stderr  # of the list of fonts, which a first drawing makes
    content = json.loads((tmp_path / "out" / "predictions.json").read_text())
    assert content["model"] == str(installed / "rankaae_cli" / "pretrained" / NAME)


def test_every_file_of_the_package_is_in_the_wheel(installed):
    source = ROOT / "rankaae_cli"
    files = {path.relative_to(source) for path in source.rglob("*") if path.is_file()}
    files = {path for path in files if "__pycache__" not in path.parts and not path.name.startswith(".")}
    assert "references.bib" in {path.name for path in files}
    assert [path for path in sorted(files) if not (installed / "rankaae_cli" / path).is_file()] == []
