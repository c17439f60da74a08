"""The jobs of a sweep that wait in Slurm's queue: they have not begun, so they have no record yet."""

import shutil
import subprocess
import time
from contextlib import suppress
from pathlib import Path

from rankaae_cli.core.errors import UserError

SUBMITTED = ".submitit"  # as the presets of conf/hydra/launcher name the folder
_SECONDS = 60  # within which Slurm answers
_BETWEEN_LOOKS = 5.0  # seconds
_FORGOTTEN = "Invalid job id"  # what Slurm says of jobs that ended some time ago


def wait_for_queue(sweep: Path) -> None:
    """Wait until Slurm holds no more jobs that were submitted for a sweep, lest they be submitted twice.

    Raises
    ------
    UserError
        If Slurm does not answer the first time; later it is asked again.
    """
    from rankaae_cli.core.terminal import console

    queued = queued_jobs(sweep)
    if queued:
        console.print(
            f"{len(queued)} jobs are with Slurm still ({', '.join(queued[:4])}): waiting for them; "
            f"scancel {' '.join(sorted({job.partition('_')[0] for job in queued}))} takes them from it"
        )
    while queued:
        time.sleep(_BETWEEN_LOOKS)
        with suppress(UserError):
            queued = queued_jobs(sweep)


def queued_jobs(sweep: Path) -> list[str]:
    """Return the numbers of a sweep's jobs that wait or run in Slurm; none where there is no Slurm.

    Raises
    ------
    UserError
        If Slurm does not answer.
    """
    program = shutil.which("squeue")
    scripts = sweep.glob(f"{SUBMITTED}/*/*_submission.sh")
    arrays = sorted({script.name.partition("_")[0] for script in scripts})
    if program is None or not arrays:
        return []
    call = [program, "--noheader", "--format=%i", f"--jobs={','.join(arrays)}"]
    try:
        answer = subprocess.run(call, capture_output=True, text=True, timeout=_SECONDS, check=False)
    except subprocess.TimeoutExpired as error:
        raise _no_answer(f"squeue took longer than {_SECONDS} s") from error
    # Of an array that Slurm has forgotten nothing is queued.
    if answer.returncode and _FORGOTTEN not in answer.stderr:
        raise _no_answer(" ".join(answer.stderr.split())[:200])
    return answer.stdout.split()


def _no_answer(why: str) -> UserError:
    return UserError(
        f"it is not known whether jobs of the sweep are still in Slurm's queue: {why}\nresume when Slurm answers"
    )
