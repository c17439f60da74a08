"""What tests share."""

import contextlib
import gc
import io
import os
import subprocess
import sys
from pathlib import Path

import hypothesis
import pytest

from rankaae_cli.cli import main

pytest_plugins = ["tests.chromium"]
ROOT = Path(__file__).parent.parent

# One thread a test: several run at once.
os.environ.setdefault("OMP_NUM_THREADS", "1")
# Libraries hold millions of objects: to look through them for garbage as often as Python does takes a tenth of all.
gc.set_threshold(20_000, 20, 20)
# How long an example takes is the machine's affair.
hypothesis.settings.register_profile("untimed", deadline=None)
hypothesis.settings.load_profile("untimed")


def in_process(folder, *arguments):
    """Run a command in this process, in `folder`; return what a process of its own would have left."""
    out, err = io.StringIO(), io.StringIO()
    with contextlib.chdir(folder), contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
        status = main([str(argument) for argument in arguments])
    return subprocess.CompletedProcess(arguments, status, out.getvalue(), err.getvalue())


@pytest.fixture
def rankaae(tmp_path, monkeypatch):
    """Run a command in an empty folder, in this process: a start of Python takes longer than most commands."""

    def call(*arguments, cwd=tmp_path, **environment):
        with monkeypatch.context() as patch:
            for name, value in environment.items():
                patch.setenv(name, value)
            return in_process(cwd, *arguments)

    return call


@pytest.fixture
def blank_figures(monkeypatch):
    """Save blank pictures in the place of an evaluation's and a traversal's figures, whose drawing is slow."""
    save_blank_figures(monkeypatch)


def save_blank_figures(patch, drawn=()):
    """Do what `blank_figures` does, for fixtures of a wider scope; files of some formats may be drawn."""
    from matplotlib.figure import Figure

    from rankaae_cli.reports.figures import drawing, learning
    from rankaae_cli.reports.run import evaluation_figures, traversal_figures

    blank = {}
    for suffix in set(drawing.FORMATS) - {"png"}:
        buffer = io.BytesIO()
        Figure((1, 1)).savefig(buffer, format=suffix)
        blank[suffix] = buffer.getvalue()
    blank["png"] = drawing.png_bytes(Figure((1, 1)))  # with a palette, as the page expects
    save_figure = drawing.save_figure

    def save(figure, stem, formats=drawing.FORMATS):
        paths = [stem.with_name(f"{stem.name}.{suffix}") for suffix in formats]
        for path in paths:
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(blank[path.suffix[1:]])
        save_figure(figure, stem, [suffix for suffix in formats if suffix in drawn])
        return paths

    for module in (drawing, traversal_figures):
        patch.setattr(module, "save_figure", save)
    if drawn:
        return
    figures = {
        name: figure._replace(still=lambda *_: Figure((1, 1)))
        for name, figure in evaluation_figures._FIGURES.items()
    }
    patch.setattr(evaluation_figures, "_FIGURES", figures)
    for module, names in (
        (learning, ("curves", "descriptor_learning")),
        (traversal_figures.traversal, ("walk", "overview")),
        (traversal_figures.response, ("check", "sensitivity", "stability")),
        (traversal_figures.maps, ("pair_maps",)),
    ):
        for name in names:
            patch.setattr(module, name, lambda *_: Figure((1, 1)))


@pytest.fixture
def program(tmp_path):
    """Run the program as a user does, in an empty folder and a process of its own, which is returned."""

    def call(*arguments, cwd=tmp_path, **environment):
        return subprocess.run(
            [sys.executable, "-m", "rankaae_cli", *map(str, arguments)],
            cwd=cwd,
            env={**os.environ, "PYTHONPATH": str(ROOT), **environment},
            capture_output=True,
            text=True,
            timeout=300,
        )

    return call


@pytest.fixture
def refused(tmp_path, monkeypatch, capsys):
    """Run a command in this process, expect status 2 and a message of one or two lines; return the message."""

    def call(*arguments):
        monkeypatch.chdir(tmp_path)
        capsys.readouterr()
        status = main([str(a) for a in arguments])
        error = capsys.readouterr().err
        assert status == 2, error
        lines = error.strip().splitlines()
        assert 1 <= len(lines) <= 2 and "Traceback" not in error, error
        return error

    return call
