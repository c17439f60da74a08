"""What tests share."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent

# One thread a test: several run at once.
os.environ.setdefault("OMP_NUM_THREADS", "1")


@pytest.fixture
def rankaae(tmp_path):
    """Run the program as a user does, in an empty folder; return the finished process."""

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
def refused(rankaae):
    """Run the program, expect status 2 and a message of one or two lines; return the message."""

    def call(*arguments, **options):
        done = rankaae(*arguments, **options)
        assert done.returncode == 2, done.stderr
        lines = done.stderr.strip().splitlines()
        assert 1 <= len(lines) <= 2 and "Traceback" not in done.stderr, done.stderr
        return done.stderr

    return call
