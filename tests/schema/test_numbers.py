"""Numbers that make no sense are refused, whichever key they are given for."""

import math

import pytest
from omegaconf import OmegaConf

from rankaae_cli.core.errors import UserError
from rankaae_cli.schema import SCHEMAS
from rankaae_cli.schema.expectations import takes_number, type_of_key
from rankaae_cli.schema.numbers import (
    expectation_of,
    impossible_numbers,
    require_possible_numbers,
    require_possible_sweep,
)
from tests.configuration import composed

FAMILY = {"ingest": ["+family=Fe_oxides"], "train": ["+family=Fe_oxides"]}
NEEDED = {"ingest": ["source=csv"], "predict": ["input=a.xdi"], "align": ["references={a.xdi:1}"]}


def leaves(node, key=""):
    if isinstance(node, dict):
        for name, below in node.items():
            yield from leaves(below, f"{key}.{name}" if key else name)
    else:
        yield key


def numeric_keys():
    """Give every key of every command that takes a number."""
    for command, schema in SCHEMAS.items():
        cfg = composed(command, *FAMILY.get(command, []), *NEEDED.get(command, []))
        for key in leaves(OmegaConf.to_container(cfg, enum_to_str=True)):
            if takes_number(type_of_key(schema, key)):
                yield command, key


KEYS = sorted(numeric_keys())


@pytest.mark.parametrize("command", sorted({command for command, _ in KEYS}))
def test_what_a_number_must_be_is_known_of_every_key(command):
    assert [key for c, key in KEYS if c == command and expectation_of(command, key) is None] == []


@pytest.mark.parametrize("command", sorted({command for command, _ in KEYS}))
def test_what_ships_can_be_used(command):
    assert impossible_numbers(command, composed(command, *FAMILY.get(command, []))) == []


@pytest.mark.parametrize(("command", "key"), KEYS)
def test_nonsense_is_refused(command, key):
    def faults_of(value):
        return impossible_numbers(command, nested(key, value))

    is_whole = int in (hint := type_of_key(SCHEMAS[command], key), *getattr(hint, "__args__", ()))
    for value in [] if is_whole else [math.nan, math.inf, -math.inf]:
        assert faults_of(value) == [f"{key}={value} (expected a number that is finite)"]
    may_be_negative = ("family.energy.start", "measured.normalisation.", "codes.shift")
    if not key.startswith(may_be_negative):
        assert f"{key}=-7 (expected " in faults_of(-7)[0]


def nested(key, value):
    for name in reversed(key.split(".")):
        value = {name: value}
    return OmegaConf.create(value)


@pytest.mark.parametrize(
    ("command", "key", "value"),
    [
        ("predict", "coverage", 1.0),
        ("predict", "figures", -2),
        ("align", "search", 1e6),
        ("traverse", "levels", 1),
        ("ingest", "time_limit", 0.0),
        ("ingest", "parallel.jobs", 0),
        ("ingest", "family.keep.coordination", [4, -1]),
        ("evaluate", "baseline_settings.vae.batch_size", 1),
        ("evaluate", "baseline_settings.random_forest.max_features", 1.5),
        ("evaluate", "baseline_settings.aae.objective.rank.weight", -1.0),
        ("train", "batch_size", 1),
        ("train", "seed", 2**63),
        ("train", "objective.rank.ramp", 2.0),
        ("train", "optimiser.reduction", 1.5),
        ("train", "objective.prior.betas", [0.9]),
        ("train", "objective.prior.betas", [0.9, 1.0]),
    ],
)
def test_what_is_out_of_range_is_refused(command, key, value):
    with pytest.raises(UserError, match=r"cannot be used: .*\(expected "):
        require_possible_numbers(command, nested(key, value))


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("sweeper.n_trials", 0),
        ("sweeper.n_trials", 2.5),
        ("sweeper.n_trials", "many"),
        ("sweeper.n_trials", True),
        ("sweeper.n_jobs", 0),
        ("sweeper.max_batch_size", -1),
        ("launcher.n_jobs", 0),
        ("launcher.timeout_min", 0),
        ("launcher.cpus_a_job", math.nan),
        ("sweeper.seed", -1),
    ],
)
def test_sweeps_of_nothing_are_refused(key, value):
    with pytest.raises(UserError, match=rf"hydra\.{key}={value} \(expected a"):
        require_possible_sweep(nested(key, value))


def test_sweeps_of_something_are_not():
    require_possible_sweep(nested("launcher", {"n_jobs": -1, "mem_gb": 0.5, "cpus_a_job": 0.25}))
    require_possible_sweep(nested("sweeper", {"n_trials": 1, "n_jobs": None, "seed": 0, "startup": 0}))
