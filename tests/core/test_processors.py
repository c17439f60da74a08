"""How many processors are there for more work."""

import os

import joblib
import pytest

from rankaae_cli.core import processors


@pytest.fixture
def machine(monkeypatch, tmp_path):
    """Give a machine of four processors, on which other programs use that many while one looks."""

    def make(used, allowed=4, asked=None):
        stat = tmp_path / "proc" / "stat"
        stat.parent.mkdir(exist_ok=True)
        stat.write_text("cpu  100 0 50 1000 20 0 0 0 7 0\n")
        busy = round(200 * used / 4)

        def later(seconds):
            stat.write_text(f"cpu  {100 + busy} 0 50 {1150 - busy} 70 0 0 0 7 0\n")

        monkeypatch.setattr(processors.time, "sleep", later)
        monkeypatch.setattr(os, "cpu_count", lambda: 4)
        monkeypatch.setattr(joblib, "cpu_count", lambda: allowed)
        monkeypatch.delenv("OMP_NUM_THREADS", raising=False)
        if asked is not None:
            monkeypatch.setenv("OMP_NUM_THREADS", asked)
        return tmp_path

    return make


@pytest.mark.parametrize(
    ("used", "allowed", "asked", "idle"),
    [
        (0, 4, None, 4),
        (1, 4, None, 3),
        (0.3, 4, None, 4),
        (4, 4, None, 1),
        (1, 2, None, 2),  # a container's share of a machine that has room
        (3, 2, None, 1),
        (0, 4, "2", 2),
        (0, 4, "", 4),
        (0, 1, "8", 1),
    ],
)
def test_processors_that_nobody_uses(machine, used, allowed, asked, idle):
    assert processors.idle_processors(machine(used, allowed, asked)) == idle


def test_a_system_that_does_not_tell(machine):
    (machine(3) / "proc" / "stat").unlink()
    assert processors.idle_processors(machine(3) / "nowhere") == 4
