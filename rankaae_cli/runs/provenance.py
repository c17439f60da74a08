"""Where a run comes from and when it finished: its command, code, packages, data and machine (provenance.json)."""

import hashlib
import json
import platform
import shlex
import subprocess
import sys
from importlib import metadata
from pathlib import Path
from typing import TYPE_CHECKING, Any

import rankaae_cli
from rankaae_cli.core.errors import UserError
from rankaae_cli.data.files import now, read_mapping, write_text

if TYPE_CHECKING:  # a sweep is planned without numpy and h5py
    from rankaae_cli.data.family.family import Family

PROVENANCE = "provenance.json"
_PACKAGES = (
    *("torch", "pytorch-lightning", "hydra-core", "omegaconf"),
    *("numpy", "pandas", "h5py", "scipy", "scikit-learn"),
)


def write_provenance(run: Path, provenance: dict[str, Any]) -> None:
    """Write provenance.json."""
    write_text(run / PROVENANCE, json.dumps(provenance, indent=2) + "\n")


def provenance_at_start(data: list[Path], family: "Family", device: str) -> dict[str, Any]:
    """Return what is known when a training starts: command, code, packages, data, host and time.

    `data` are the family's files, in order, and then others.
    """
    rows = [len(family)]
    if (file_N := family.file_N) is not None:
        rows = [int((file_N == number).sum()) for number in range(file_N.max() + 1)]
    return {
        "command": shlex.join(["rankaae", "train", *sys.argv[1:]]),
        "rankaae_version": rankaae_cli.__version__,
        "git": _git_state(),
        "python": platform.python_version(),
        "packages": {name: metadata.version(name) for name in _PACKAGES},
        "data": [
            {"path": str(path), "sha256": sha256(path)}
            | (
                {"rows": rows[i], "source": family.source, "fidelity": family.fidelity}
                if i < len(rows)
                else {"unlabelled": True}
            )
            for i, path in enumerate(data)
        ],
        "split_by": family.split_by,
        "host": platform.node(),
        "platform": platform.platform(),
        "device": device,
        "started": now(),
    }


def provenance_when_resumed(run: Path, data: list[Path], device: str) -> dict[str, Any]:
    """Return the run's provenance with the time of resuming added.

    Raises
    ------
    UserError
        If the data files or the kind of device are not those that the run was begun with.
    """
    provenance = read_provenance(run)
    if device != provenance.get("device", device):
        # Their random generators differ: the run would not be the one that was begun.
        raise UserError(
            f"the run was begun on {provenance['device']} and would go on on {device}\n"
            f"give device={provenance['device']}, or begin a new run"
        )
    begun_with = [entry.get("sha256") for entry in provenance.get("data", [])]
    for i, path in enumerate(data):
        digest, expected = sha256(path), begun_with[i] if i < len(begun_with) else "none"
        if digest != expected:
            raise UserError(
                f"{path} is not the file that the run was begun with "
                f"(its SHA-256 begins {digest[:12]}, not {expected[:12]})\n"
                "give the same file, or begin a new run"
            )
    return {**provenance, "resumed": [*provenance.get("resumed", []), now()]}


def read_provenance(run: Path) -> dict[str, Any]:
    """Read provenance.json of a run."""
    return read_mapping(run / PROVENANCE)


def sha256(path: Path) -> str:
    """Return the hexadecimal SHA-256 of a file."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _git_state() -> dict[str, Any]:
    """Return commit and dirty flag of the checkout the program runs from; None where it is not one."""
    package = Path(rankaae_cli.__file__).parent

    def git(*arguments: str) -> str | None:
        try:
            done = subprocess.run(
                ["git", "-C", str(package), *arguments], capture_output=True, text=True, timeout=10
            )
        except (OSError, subprocess.TimeoutExpired):
            return None
        return done.stdout.strip() if done.returncode == 0 else None

    # An installed package may lie inside some other project's checkout: its own file must be tracked there.
    if git("ls-files", "--error-unmatch", "__init__.py") is None:
        return {"commit": None, "dirty": None}
    return {
        "commit": git("rev-parse", "HEAD"),
        "dirty": bool(git("status", "--porcelain", "--untracked-files=no")),
    }
