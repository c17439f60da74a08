"""Configuration that a stranger wrote runs nothing: folders of configuration, runs, and records of sweeps."""

import json
from itertools import pairwise
from textwrap import indent

import pytest
import yaml
from omegaconf import OmegaConf

from rankaae_cli.core.errors import UserError
from rankaae_cli.runs.directory import read_run_config
from rankaae_cli.runs.logger import logger_of
from rankaae_cli.schema.foreign import harmful
from tests.configuration import composed

FAMILY = """
name: Zn_any
element: Zn
edge: K
energy: {start: 9655.0, step: 0.25, points: 256, unit: eV}
descriptors: {CN: {}}
neighbours: {method: crystal_nn}
data: zn.h5
"""
HANDLERS = {"x": {"class": "subprocess.Popen", "args": ["touch", "pwned"]}}
TOUCH = {"_target_": "os.system", "command": "touch pwned"}


def bomb(factor):
    """YAML of a few hundred bytes that stands for factor ** 8 values."""
    lists = [f"{b}: &{b} [{','.join(['*' + a] * factor)}]" for a, b in pairwise("abcdefgh")]
    return "\n".join([f"a: &a [{','.join('1' * factor)}]", *lists])


# A configuration, as values or as text.
HOSTILE = {
    "callbacks": {"hydra": {"callbacks": {"x": TOUCH}}},
    "no class at all": {"hydra": {"callbacks": {"x": "${mode}"}}},
    "logging": {"hydra": {"job_logging": {"version": 1, "handlers": HANDLERS}}},
    "environment": {"hydra": {"job": {"env_set": {"PATH": "."}}}},
    "more folders": {"hydra": {"searchpath": ["file:///tmp"]}},
    "all of it by name": {"hydra": "${seed}"},
    "shell of a launcher": {"hydra": {"mode": "MULTIRUN", "launcher": {"setup": ["touch pwned"]}}},
    "python of a launcher": {"hydra": {"launcher": {"python": "pwn"}}},
    "swept": {"hydra": {"sweeper": {"params": {"+hydra.job_logging.handlers": "{x:1}"}}}},
    "logger": {"logger": TOUCH},
    "within the logger": {"logger": {"_target_": "pytorch_lightning.loggers.CSVLogger", "name": TOUCH}},
    "secrets": {"data": "${oc.env:HOME}/x"},
    "secrets in a name": {"data": "a ${ oc.env:HOME,x}"},
    "defaults": {"defaults": ["train", {"override hydra/job_logging": "x"}, "_self_"]},
    "defaults that go elsewhere": {"defaults": ["train", {"family@hydra.callbacks": "x"}]},
    "defaults that go up": {"defaults": ["train", "hydra/launcher/../callbacks/x"]},
    "object of Python": "data: !!python/object/apply:os.system ['touch pwned']",
    "path of Python": "data: !!python/object/apply:pathlib.Path ['x']",
    "bomb": bomb(9),
    "deep": "a: " + "[" * 5000 + "]" * 5000,
    "large": "a: " + "x" * 2**20,
    "no mapping": "[1, 2]",
    "no package": "# @package a b\nseed: 1",
    "no YAML": "a: [",
}
# A file of a group, and the call that takes it.
HOSTILE_GROUPS = {
    "callbacks": ("family/x.yaml", f"# @package hydra.callbacks\n{FAMILY}", "+family=x"),
    "all": ("family/x.yaml", f"# @package _global_\nhydra: {{callbacks: {{x: 1}}}}\n{FAMILY}", "+family=x"),
    "below all": ("family/x.yaml", f"# @package _global_.hydra.callbacks\n{FAMILY}", "+family=x"),
    "logging": ("hydra/job_logging/x.yaml", "version: 1", "hydra/job_logging=x"),
    "launcher": ("hydra/launcher/x.yaml", "_target_: os.system", "hydra/launcher=x"),
}


def refuse(refused, tmp_path, file, text, *call):
    path = tmp_path / "evil" / file
    path.parent.mkdir(parents=True)
    path.write_text(text)
    message = refused("train", "--config-dir", "evil", *call)
    assert f"evil/{file}" in message
    assert {path.name for path in tmp_path.iterdir()} == {"evil"}


@pytest.mark.parametrize("name", HOSTILE)
def test_a_configuration_runs_nothing(refused, tmp_path, name):
    content = HOSTILE[name]
    if not isinstance(content, str):
        content = yaml.safe_dump({"defaults": ["train", "_self_"], **content})
    refuse(refused, tmp_path, "mine.yaml", content, "--config-name", "mine", "+family=Fe_oxides")


@pytest.mark.parametrize("name", HOSTILE_GROUPS)
def test_an_option_of_a_group_runs_nothing(refused, tmp_path, name):
    file, text, choice = HOSTILE_GROUPS[name]
    sweep = ["-m", "+family=Fe_oxides"] if "launcher" in choice else []
    refuse(refused, tmp_path, file, text, choice, *sweep)


@pytest.mark.parametrize("value", ["true", "1", "${regrid}", "yes"])
def test_a_family_replaces_no_file(refused, tmp_path, value):
    (tmp_path / "evil" / "family").mkdir(parents=True)
    path, thesis = tmp_path / "evil" / "family" / "x.yaml", tmp_path / "thesis.h5"
    thesis.write_text("years of work")
    path.write_text(
        f"# @package _global_\noutput: {thesis}\noverwrite: {value}\nfamily:\n{indent(FAMILY, '  ')}"
    )
    call = ("ingest", "--config-dir", "evil", "+family=x", "source=synthetic")
    assert "x.yaml sets overwrite, which a file that may be another's does not decide" in refused(*call)
    path.write_text(path.read_text().replace(f"overwrite: {value}", "overwrite: false"))
    assert "thesis.h5 exists already" in refused(*call)
    assert thesis.read_text() == "years of work"


def test_what_users_write_is_taken(rankaae, tmp_path):
    (tmp_path / "mine" / "experiment").mkdir(parents=True)
    (tmp_path / "mine" / "experiment" / "ours.yaml").write_text(
        "# @package _global_\ndefaults:\n  - override /hydra/launcher: workstation\nseed: 3\n"
        "logger: {_target_: pytorch_lightning.loggers.CSVLogger}\nsplit_seed: ${seed}\n"
        "hydra:\n  launcher: {n_jobs: 1}\n  sweep: {dir: 'ours/${now:%Y}'}\n  sweeper: {params: {seed: '1,2'}}\n"
    )
    (tmp_path / "mine" / "family").mkdir()
    (tmp_path / "mine" / "family" / "Zn_any.yaml").write_text(FAMILY)
    done = rankaae("train", "--config-dir", "mine", "+experiment=ours", "+family=Zn_any", "--cfg", "job")
    assert done.returncode == 0, done.stderr
    assert yaml.safe_load(done.stdout)["seed"] == 3


def test_a_run_of_a_stranger_looks_nothing_up(tmp_path):
    config = OmegaConf.to_yaml(composed("train", "+family=Fe_oxides"))
    for text, said in (
        (config.replace("split_by: null", "split_by: ${oc.env:HOME}"), r"holds '\$\{oc.env:HOME\}'"),
        (f"{config}{bomb(9)}\n", "more than 100000 values"),
        (f"{config}x: !!python/name:os.system\n", "an object of Python, '/name:os.system'"),
    ):
        (tmp_path / "config.yaml").write_text(text)
        with pytest.raises(UserError, match=said):
            read_run_config(tmp_path)


@pytest.mark.parametrize(
    "target", ["os.system", "pytorch_lightning.loggers.csv_logs.os.system", "builtins.print", ""]
)
def test_no_logger_but_those_of_lightning_is_made(tmp_path, target):
    config = OmegaConf.create({"logger": {"_target_": target, "command": f"touch {tmp_path / 'pwned'}"}})
    with pytest.raises(UserError, match=f"logger._target_={target} is no logger of Lightning"):
        logger_of(config, tmp_path)
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize(
    "override",
    [
        "+hydra.callbacks.x._target_=os.system",
        "+hydra.callbacks={x:{_target_:os.system}}",
        "hydra={job_logging:{}}",
        "hydra.launcher.setup=[touch pwned]",
        "hydra.launcher.address=ray.example:6379",
        "hydra/job_logging=x",
        "+family@hydra.callbacks=x",
        "hydra.sweeper.params={+hydra.callbacks.x:1}",
        "logger={_target_:os.system}",
        "data=${oc.env:HOME}",
    ],
)
def test_a_record_of_a_sweep_is_no_way_in(refused, tmp_path, override):
    assert harmful([override]) == [override]
    plan = {"command": "train", "folder": str(tmp_path), "call": ["-m", "seed=1"], "arguments": ["seed=1"]}
    jobs = [{"number": 0, "directory": "0", "overrides": ["seed=1"]}]
    (tmp_path / "sweep").mkdir()
    for content in (
        plan | {"call": ["-m", override], "jobs": jobs},
        plan | {"jobs": [jobs[0] | {"overrides": [override]}]},
        plan | {"jobs": [jobs[0] | {"directory": "../0"}]},
        plan | {"jobs": jobs, "call": 3},
    ):
        (tmp_path / "sweep" / "sweep.json").write_text(json.dumps(content))
        assert "sweep.json" in refused("train", "resume=sweep")


def test_settings_of_sweeps_are_harmless():
    assert not harmful(
        [
            *(
                "-m",
                "+family=Ti_oxides,Fe_oxides",
                "seed=0,1",
                "model.hidden=choice(64,128)",
                "data=[a.h5,b.h5]",
            ),
            *("hydra/launcher=slurm_cpu", "hydra.launcher.partition=short", "hydra.launcher.timeout_min=20"),
            *("hydra/sweeper=optuna", "hydra.sweeper.n_trials=4", "optimiser.rate=interval(1e-4,1e-2)"),
            *(
                "hydra.sweep.dir=multirun/x",
                "hydra.sweep.subdir=${hydra.job.num}",
                "logger=csv",
                "--config-dir=mine",
            ),
        ]
    )
