"""The run directory: where a training run puts what it makes, and how it is found again."""

import hashlib
import json
import platform
import shlex
import subprocess
import sys
from collections.abc import Callable
from datetime import datetime
from importlib import metadata
from pathlib import Path
from typing import TYPE_CHECKING, Any

from hydra.core.hydra_config import HydraConfig
from hydra.types import RunMode
from omegaconf import DictConfig, ListConfig, OmegaConf
from omegaconf.errors import OmegaConfBaseException

import rankaae_cli
from rankaae_cli.core.errors import UserError
from rankaae_cli.data.files import now, write_text
from rankaae_cli.schema.train import TrainConfig

if TYPE_CHECKING:
    from rankaae_cli.data.family.family_file import Family
    from rankaae_cli.models.rankaae.trained import TrainedModel

RUNS = Path("runs")
CONFIG, PROVENANCE = "config.yaml", "provenance.json"
BEST = Path("checkpoints") / "best.ckpt"
METRICS = "metrics.json"  # of an evaluation
_HOW_IT_RUNS = {
    "threads",
    "devices",
    "save_every",
}  # settings that decide how a training runs, not what it trains
_PACKAGES = (
    "torch",
    "pytorch-lightning",
    "hydra-core",
    "omegaconf",
    "numpy",
    "pandas",
    "h5py",
    "scipy",
    "scikit-learn",
)


def new_run_directory(family: str) -> Path:
    """Make and return a directory that no other run has: ``runs/<family>/<date>/<time>``.

    In a sweep, or where the user set ``hydra.run.dir``, it is the directory that Hydra names.
    """
    if HydraConfig.initialized():
        hydra = HydraConfig.get()
        if hydra.mode == RunMode.MULTIRUN or hydra.run.dir != ".":
            path = Path(hydra.runtime.output_dir)
            if (path / CONFIG).exists():
                raise UserError(f"{path} holds a run already\nchoose another directory")
            path.mkdir(parents=True, exist_ok=True)
            return path
    time = datetime.now()
    path = (RUNS / family / f"{time:%Y-%m-%d}" / f"{time:%H-%M-%S-%f}").resolve()
    try:
        path.mkdir(parents=True)
    except OSError as error:
        raise UserError(f"no run directory can be made at {path}: {error.strerror}") from error
    return path


def write_config(run: Path, command: str, cfg: DictConfig) -> None:
    """Write the resolved configuration so that Hydra takes it back.

    ``rankaae <command> --config-dir <run> --config-name config`` repeats the run.
    """
    head = f"# rankaae {command} --config-dir {shlex.quote(str(run))} --config-name config\n"
    head += f"defaults:\n  - {command}\n  - _self_\n"
    write_text(run / CONFIG, head + OmegaConf.to_yaml(cfg, resolve=True))


def write_provenance(run: Path, provenance: dict[str, Any]) -> None:
    """Write provenance.json."""
    write_text(run / PROVENANCE, json.dumps(provenance, indent=2) + "\n")


def provenance_at_start(command: str, data: list[Path], family: "Family", device: str) -> dict[str, Any]:
    """Return what is known when a run starts: command, code, packages, data, host and time.

    `data` are the family's files, in order, and then others.
    """
    import numpy as np

    rows = [len(family)] if family.file_N is None else np.bincount(family.file_N).tolist()
    return {
        "command": shlex.join(["rankaae", command, *sys.argv[1:]]),
        "rankaae_version": rankaae_cli.__version__,
        "git": _git_state(),
        "python": platform.python_version(),
        "packages": {name: metadata.version(name) for name in _PACKAGES},
        "data": [
            {"path": str(path), "sha256": sha256(path)}
            | ({"rows": rows[i], "source": family.source} if i < len(rows) else {"unlabelled": True})
            for i, path in enumerate(data)
        ],
        "host": platform.node(),
        "platform": platform.platform(),
        "device": device,
        "started": now(),
    }


def sha256(path: Path) -> str:
    """Return the hexadecimal SHA-256 of a file."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def checkpoint_sha256(run: Path) -> str:
    """Return the digest of the run's best checkpoint, by which outputs are known to belong to it."""
    return sha256(run / BEST)


def evaluation_directory(run: Path, split: str) -> Path:
    """Return where the evaluation of a split lies: of the test split directly in ``evaluation/``."""
    directory = run / "evaluation"
    return directory if split == "test" else directory / split


def find_run(run: str, root: Path = RUNS) -> Path:
    """Return the directory of a finished run.

    Parameters
    ----------
    run
        A path, or ``latest`` for the newest finished run below `root`.

    Raises
    ------
    UserError
        If there is no such run, it has not finished, or it has no checkpoint.
    """
    if run == "latest":
        path = _newest_finished(root)
    else:
        path = Path(run)
        if not (path / PROVENANCE).is_file():
            raise UserError(
                f"{path} is not a run directory (no {PROVENANCE} in it)\ngive one as run=, or run=latest"
            )
        if "finished" not in read_provenance(path):
            raise UserError(
                f"the run {path} has not finished\nwait for it, or go on with it: rankaae train resume={path}"
            )
    if not (path / BEST).is_file():
        raise UserError(f"the run {path} has no {BEST}\nit cannot be used: train again")
    return path.resolve()


def _newest_finished(root: Path) -> Path:
    """Return the newest finished run below `root`; say so where a run that has not finished is newer."""
    runs = readable_runs(root)
    finished = [(content["finished"], path) for path, content in runs if "finished" in content]
    begun = [
        (content["started"], path)
        for path, content in runs
        if "started" in content and "finished" not in content
    ]
    since, unfinished = max(begun, default=("", None))
    if finished:
        until, path = max(finished)
        if unfinished is not None and since > until:
            print(
                f"taking {path}: the newer {unfinished} has not finished (to go on with it: "
                f"rankaae train resume={unfinished})",
                file=sys.stderr,
            )
        return path
    where = f"there is no finished run below {root.resolve()}"
    if unfinished is None:
        raise UserError(f"{where}\ntrain one: rankaae train +family=...")
    others = f" (nor have {len(begun) - 1} older ones)" if len(begun) > 1 else ""
    raise UserError(
        f"{where}; {unfinished} has not finished{others}\n"
        f"wait for it, or go on with it: rankaae train resume={unfinished}"
    )


def readable_runs(root: Path) -> list[tuple[Path, dict[str, Any]]]:
    """Return the runs below `root` with their provenance, passing over what cannot be read with a word."""
    runs = []
    for path in root.rglob(PROVENANCE):
        try:
            runs.append((path.parent, read_provenance(path.parent)))
        except UserError as error:
            print(f"passed over: {str(error).splitlines()[0]}", file=sys.stderr)
    return runs


def read_provenance(run: Path) -> dict[str, Any]:
    """Read provenance.json of a run."""
    try:
        content = json.loads((run / PROVENANCE).read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise UserError(f"{run / PROVENANCE} cannot be read: {error}") from error
    if not isinstance(content, dict):
        raise UserError(f"{run / PROVENANCE} cannot be read: it holds no mapping")
    return content


def read_run_config(run: Path) -> DictConfig:
    """Read config.yaml of a run."""
    try:
        config = OmegaConf.load(run / CONFIG)
    except Exception as error:
        raise UserError(f"{run / CONFIG} cannot be read: {str(error).splitlines()[0]}") from error
    assert isinstance(config, DictConfig)
    config.pop("defaults", None)
    return config


def plain_config(run: Path) -> dict[str, Any]:
    """Read config.yaml of a run as plain values."""
    values = OmegaConf.to_container(read_run_config(run))
    assert isinstance(values, dict)
    return {str(key): value for key, value in values.items()}


def lacks_settings(run: Path) -> bool:
    """Return whether a run lacks settings that decide what is trained, as one of an older program does."""
    try:
        merged = OmegaConf.merge(OmegaConf.structured(TrainConfig), plain_config(run))
    except OmegaConfBaseException:  # a setting that has gone or has another type now
        return True
    return bool(OmegaConf.missing_keys(merged) - _HOW_IT_RUNS)


def load_run(run: str) -> "tuple[Path, TrainedModel, Family]":
    """Find a run and load its model, and its data with the run's split and descriptors.

    Raises
    ------
    UserError
        If the run or its data cannot be used, or the data file is not the one the run was trained on.
    """
    import torch

    from rankaae_cli.models.registry import load_model

    # The passes of these commands are too small to be shared among threads.
    torch.set_num_threads(1)
    path = find_run(run)
    config = read_run_config(path)
    model = load_model(path / BEST)
    for entry in read_provenance(path).get("data", []):
        data = Path(entry["path"])
        if data.is_file() and sha256(data) != entry["sha256"]:
            raise UserError(
                f"{data} has changed since the run {path} was trained on it\ntrain again on the new file"
            )
    family = family_of_run(config)
    return path, model, family.with_descriptors(model.descriptor_names)


def data_paths(config: DictConfig) -> list[Path]:
    """Return the family files that a configuration names, be it one or a list."""
    data = config.data
    return [Path(str(path)) for path in data] if isinstance(data, ListConfig) else [Path(str(data))]


def family_of_run(config: DictConfig) -> "Family":
    """Read the data of a run with its split; spectra that it did not hold in memory stay in their files."""
    regrid, stored = bool(config.get("regrid")), config.get("memory") is not None
    return load_family(data_paths(config), int(config.split_seed), regrid, stored)


def load_family(
    paths: list[Path],
    split_seed: int,
    regrid: bool = False,
    stored: bool = False,
    announce: Callable[[str], None] = lambda text: None,
) -> "Family":
    """Read family files as one with the split of `split_seed`; 0 keeps the one in the files.

    Parameters
    ----------
    paths, regrid, stored
        See `data.families.read_families`.
    split_seed
        Of the split.
    announce
        Is told how several files went together.

    Raises
    ------
    UserError
        If a material is on two sides of the split, a side is empty, or the files do not go together.
    """
    from dataclasses import replace

    import numpy as np

    from rankaae_cli.data.family.families import read_families
    from rankaae_cli.data.family.family_file import material_numbers
    from rankaae_cli.data.family.splits import SPLITS, split_by_material

    family, notes = read_families(paths, regrid, stored)
    named = ", ".join(str(path) for path in paths)
    if split_seed != 0:
        family = replace(family, split_N=split_by_material(family.material_N, split_seed))
    number_N = material_numbers(family.material_N)
    first_M = np.unique(number_N, return_index=True)[1]
    beside_N = family.split_N != family.split_N[first_M][number_N]
    if beside_N.any():
        raise UserError(
            f"{named}: the sites of {family.material_N[beside_N.argmax()]} are on two sides of the split\n"
            "split by material" + ("" if len(paths) == 1 else ", as any split_seed= but 0 does")
        )
    empty = [name for side, name in enumerate(SPLITS) if not np.any(family.split_N == side)]
    if empty:
        raise UserError(
            f"{named}: no material of its {len(first_M)} is on the {' or '.join(empty)} side of the split\n"
            "add materials, or choose another split_seed="
        )
    for note in notes:
        announce(note)
    return family


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
