"""Completion in bash, as ``eval "$(rankaae --completion)"`` sets it up."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

_ASK = """eval "$(rankaae --completion)"
for COMP_LINE in "$@"; do COMP_POINT=${#COMP_LINE}; COMPREPLY=(); _rankaae; echo "${COMPREPLY[*]}"; done"""


@pytest.mark.skipif(shutil.which("bash") is None, reason="there is no bash")
def test_commands_settings_and_options_are_completed():
    lines = {
        "rankaae tr": "train traverse",
        "rankaae eval": "evaluate ",
        "rankaae train +family=Cu": "Cu_L23 Cu_oxides",  # bash keeps what is in front of the last "="
        "rankaae train kind=supervised model=kernel": "kernel_ridge",
        "rankaae predict model=Cu_oxides max_": "max_tail=",
        "rankaae train data=x": "",  # bash completes files
    }
    path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
    call = ["bash", "-c", _ASK, "bash", *lines]
    done = subprocess.run(call, env={**os.environ, "PATH": path}, capture_output=True, text=True)
    assert dict(zip(lines, done.stdout.split("\n"), strict=False)) == lines, done.stderr
