"""Jobs of a sweep that wait in Slurm's queue: they have not begun, so no record of theirs tells."""

import shutil
import subprocess
import time
from pathlib import Path

SUBMITTED = ".submitit"  # as the presets of conf/hydra/launcher name the folder
_SECONDS = 60  # within which Slurm answers
_BETWEEN_LOOKS = 5.0  # seconds


def wait_for_queue(sweep: Path) -> None:
    """Wait until Slurm holds no more jobs that were submitted for a sweep, lest they be submitted twice."""
    from rankaae_cli.commands.terminal import console

    queued = queued_jobs(sweep)
    if queued:
        console.print(
            f"{len(queued)} jobs are with Slurm still ({', '.join(queued[:4])}): waiting for them; "
            f"scancel {' '.join(sorted({job.partition('_')[0] for job in queued}))} takes them from it"
        )
    while queued:
        time.sleep(_BETWEEN_LOOKS)
        queued = queued_jobs(sweep)


def queued_jobs(sweep: Path) -> list[str]:
    """Return the numbers of a sweep's jobs that wait or run in Slurm; none where there is no Slurm."""
    program = shutil.which("squeue")
    scripts = sweep.glob(f"{SUBMITTED}/*/*_submission.sh")
    arrays = sorted({script.name.partition("_")[0] for script in scripts})
    if program is None or not arrays:
        return []
    # An array that Slurm has forgotten is an error to it, which says as much: nothing is queued.
    found = subprocess.run(
        [program, "--noheader", "--format=%i", f"--jobs={','.join(arrays)}"],
        capture_output=True,
        text=True,
        timeout=_SECONDS,
        check=False,
    )
    return found.stdout.split()
