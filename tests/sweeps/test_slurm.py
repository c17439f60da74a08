"""Jobs in Slurm's queue, with a squeue that a script plays."""

import pytest

from rankaae_cli.core.errors import UserError
from rankaae_cli.sweeps import slurm


@pytest.fixture
def sweep(tmp_path):
    for array in ("14", "16"):
        (tmp_path / "sweep" / ".submitit" / array).mkdir(parents=True)
        (tmp_path / "sweep" / ".submitit" / array / f"{array}_submission.sh").touch()
    return tmp_path / "sweep"


@pytest.fixture
def squeue(tmp_path, monkeypatch):
    """Put a squeue on the path that answers what its file holds, less a line with each call."""
    answers = tmp_path / "answers"
    program = tmp_path / "bin" / "squeue"
    program.parent.mkdir()
    program.write_text(
        f'#!/bin/sh\necho "$@" >> {tmp_path}/calls\ncat {answers}\nsed -i 1d {answers}\n', encoding="utf-8"
    )
    program.chmod(0o755)
    monkeypatch.setenv("PATH", f"{program.parent}:/usr/bin:/bin")
    return answers


def test_jobs_that_are_with_slurm_are_waited_for(sweep, squeue, tmp_path, monkeypatch, capsys):
    monkeypatch.setattr(slurm, "_BETWEEN_LOOKS", 0.01)
    squeue.write_text("14_0\n14_1\n")
    slurm.wait_for_queue(sweep)
    assert "2 jobs are with Slurm still (14_0, 14_1)" in capsys.readouterr().err
    calls = (tmp_path / "calls").read_text().splitlines()
    assert len(calls) == 3 and all("--jobs=14,16" in call for call in calls)


@pytest.mark.parametrize(
    ("said", "is_forgotten"),
    [
        ("slurm_load_jobs error: Invalid job id specified", True),
        ("Unable to contact slurm controller", False),
    ],
)
def test_no_answer_is_not_an_empty_queue(sweep, squeue, said, is_forgotten):
    program = squeue.parent / "bin" / "squeue"
    program.write_text(f'#!/bin/sh\necho "{said}" >&2\nexit 1\n', encoding="utf-8")
    if is_forgotten:
        assert slurm.queued_jobs(sweep) == []
        return
    with pytest.raises(UserError, match="still in Slurm's queue: Unable to contact"):
        slurm.wait_for_queue(sweep)


def test_a_sweep_that_slurm_never_had_is_not_asked_for(squeue, tmp_path):
    squeue.write_text("14_0\n")
    assert slurm.queued_jobs(tmp_path / "another") == []
    assert not (tmp_path / "calls").exists()


def test_without_slurm_nothing_is_queued(sweep, monkeypatch):
    monkeypatch.setenv("PATH", "/nowhere")
    assert slurm.queued_jobs(sweep) == []
