"""What the numbers of a configuration must be, beyond their types: nonsense is refused before any work begins."""

import math
from collections.abc import Callable, Iterator, Mapping
from fnmatch import fnmatchcase
from typing import Any

from omegaconf import DictConfig, OmegaConf

from rankaae_cli.core.errors import UserError
from rankaae_cli.schema.train import TRAIN_NUMBERS

FINITE = "a number that is finite"
_HOLDS: dict[str, Callable[[Any], bool]] = {
    FINITE: math.isfinite,
    "at least 0": lambda value: value >= 0,
    "at least 1": lambda value: value >= 1,
    "at least 2": lambda value: value >= 2,
    "positive": lambda value: value > 0,
    "positive, at most 1": lambda value: 0 < value <= 1,
    "positive, at most 100": lambda value: 0 < value <= 100,
    "from 0 to 1": lambda value: 0 <= value <= 1,
    "from 0 on, below 1": lambda value: 0 <= value < 1,
    "between 0 and 1": lambda value: 0 < value < 1,
    "odd, at least 1": lambda value: value >= 1 and value % 2 == 1,
    "from 0 to 2^63 - 1": lambda value: 0 <= value < 2**63,
    "-1 or more": lambda value: value >= -1,
    "-1, or at least 1": lambda value: value == -1 or value >= 1,
}
_BASELINES = "baseline_settings"
_PAIRS = ("objective.prior.betas", f"{_BASELINES}.aae.objective.prior.betas")
_COUNTS = ("trees", "min_samples_leaf", "members", "trials", "hidden", "layers", "max_epochs", "components")
_FAMILY = {
    FINITE: ("family.energy.start", "family.descriptors.*.classes"),
    "at least 0": ("family.keep.coordination",),
    "at least 2": ("family.energy.points",),
    "positive": ("family.energy.step", "family.neighbours.radius"),
}
# Of the ranges of the normalisation `NormalisationRanges.require_possible` has the rest.
_MEASURED = {FINITE: ("measured.normalisation.*",), "at least 0": ("measured.skip_lines",)}
_TRAIN = {
    "at least 1": (
        *("trials", "trials_at_once", "max_epochs", "max_steps", "threads", "devices", "save_every"),
    ),
    "at least 2": ("batch_size",),
    "from 0 to 2^63 - 1": ("seed", "split_seed"),
    "from 0 on, below 1": ("replay", "labelled_share"),
}
_GENERATION = {
    "at least 1": ("samples",),
    "at least 2": ("steps",),
    "at least 0": ("guidance", "temperature"),
}
# By command and expectation, patterns of keys, of which the first that fits counts. A key that is null is not
# looked at; of a list every number is.
_EXPECTED: dict[str, tuple[Mapping[str, tuple[str, ...]], ...]] = {
    "ingest": (
        _FAMILY,
        _MEASURED,
        {
            FINITE: ("codes.shift",),
            "at least 0": ("max_tail",),
            "at least 1": ("synthetic.spectra", "synthetic.few"),
            "positive": ("time_limit", "npz.energy_start", "npz.energy_step"),
            "-1, or at least 1": ("parallel.jobs",),
            "from 0 to 2^63 - 1": ("synthetic.seed",),
        },
    ),
    "train": (_FAMILY, _TRAIN, *TRAIN_NUMBERS.values()),
    "evaluate": (
        {"at least 1": ("resamples", "threads"), "from 0 to 2^63 - 1": ("seed",)},
        _GENERATION,
        {
            expected: tuple(f"{_BASELINES}.aae.{key}" for key in keys)
            for expected, keys in TRAIN_NUMBERS["rankaae"].items()
        },
        {
            "at least 0": tuple(f"{_BASELINES}.*.{key}" for key in ("weight_decay", "input_noise")),
            "at least 2": (f"{_BASELINES}.*.batch_size",),
            "positive": tuple(f"{_BASELINES}.*.{key}" for key in ("rate", "deviation", "gamma", "alpha")),
            "positive, at most 1": (f"{_BASELINES}.*.max_features",),
            "at least 1": tuple(f"{_BASELINES}.*.{key}" for key in _COUNTS),
        },
    ),
    "traverse": (
        {"at least 1": ("draws",), "at least 2": ("levels",), "from 0 to 2^63 - 1": ("seed",)},
        _GENERATION,
    ),
    "report": (),
    "align": (_MEASURED, {"positive, at most 100": ("search",)}),
    "predict": (
        _MEASURED,
        _GENERATION,
        {
            FINITE: ("codes.shift",),
            "at least 0": ("offset_uncertainty", "nearest", "max_tail"),
            "between 0 and 1": ("coverage",),
            "-1 or more": ("figures",),
            "-1, or at least 1": ("jobs",),
            "at least 1": ("atoms",),
            "positive": ("density",),
            "from 0 to 2^63 - 1": ("seed",),
        },
    ),
    "compare": (
        {
            "positive": ("reach",),
            "positive, at most 100": ("search",),
            "at least 0": ("drawn",),
            "at least 1": ("resamples",),
            "from 0 to 2^63 - 1": ("seed",),
        },
    ),
    "models": (),
}
# The same of hydra.*, where no schema holds the types: whole numbers but for `_FRACTIONS`.
_SWEEPS = {
    "at least 1": (
        *("sweeper.n_trials", "sweeper.max_batch_size", "launcher.timeout_min", "launcher.array_parallelism"),
        *("launcher.nodes", "launcher.tasks_per_node", "launcher.cpus_per_task"),
    ),
    "-1, or at least 1": ("sweeper.n_jobs", "launcher.n_jobs"),
    "positive": ("launcher.cpus_a_job", "launcher.mem_gb"),
    "at least 0": (
        *("sweeper.startup", "launcher.gpus_per_node", "launcher.gpus_a_job", "launcher.max_num_timeout"),
        *("launcher.signal_delay_s",),
    ),
    "from 0 to 2^63 - 1": ("sweeper.seed",),
}
_FRACTIONS = ("launcher.cpus_a_job", "launcher.gpus_a_job", "launcher.mem_gb")


def expectation_of(command: str, key: str) -> str | None:
    """Return what a number of a command must be, in words; None where only its type is known."""
    patterns = (
        (expected, pattern)
        for table in _EXPECTED[command]
        for expected, keys in table.items()
        for pattern in keys
    )
    return next((expected for expected, pattern in patterns if fnmatchcase(key, pattern)), None)


def impossible_numbers(command: str, cfg: DictConfig) -> list[str]:
    """Return what is wrong with the numbers of a configuration, a phrase for each."""
    faults = []
    for key, value in _numbers(OmegaConf.to_container(cfg, resolve=True), ""):
        expected = expectation_of(command, key) or FINITE
        if not math.isfinite(value):
            expected = FINITE
        if not _HOLDS[expected](value):
            faults.append(f"{key}={value} (expected {expected})")
    pairs = ((key, OmegaConf.select(cfg, key)) for key in _PAIRS)
    return faults + [
        f"{key}={pair} (expected two numbers)" for key, pair in pairs if pair is not None and len(pair) != 2
    ]


def require_possible_numbers(command: str, cfg: DictConfig) -> None:
    """Refuse numbers that make no sense, all at once.

    Raises
    ------
    UserError
        With each of them and what was expected.
    """
    _refuse(impossible_numbers(command, cfg))


def require_possible_sweep(hydra: DictConfig) -> None:
    """Refuse numbers of a sweeper or a launcher that make no sense, all at once.

    Raises
    ------
    UserError
        With each of them and what was expected.
    """
    faults = []
    for expected, keys in _SWEEPS.items():
        for key in keys:
            value = OmegaConf.select(hydra, key)
            is_number = isinstance(value, int | float if key in _FRACTIONS else int) and value is not True
            if value is not None and not (is_number and _HOLDS[expected](value)):
                kind = "a number" if key in _FRACTIONS else "a whole number"
                faults.append(f"hydra.{key}={value} (expected {kind}, {expected})")
    _refuse(faults)


def _refuse(faults: list[str]) -> None:
    if faults:
        raise UserError(f"these settings cannot be used: {'; '.join(faults)}")


def _numbers(value: Any, key: str) -> Iterator[tuple[str, float]]:
    """Give the numbers below a key, each with the dotted key that it is, or is an element, of."""
    if isinstance(value, Mapping):
        for name, below in value.items():
            yield from _numbers(below, f"{key}.{name}" if key else str(name))
    elif isinstance(value, list | tuple):
        for below in value:
            yield from _numbers(below, key)
    elif isinstance(value, int | float) and not isinstance(value, bool):
        yield key, value
