"""The command line as a user meets it."""

import re

import pytest

from rankaae_cli import __version__
from rankaae_cli.cli import COMMANDS, families


def test_help_lists_every_command_with_an_example(rankaae):
    for arguments in ((), ("--help",)):
        done = rankaae(*arguments)
        assert done.returncode == 0
        for name, command in COMMANDS.items():
            assert f"  {name} " in done.stdout and command.example in done.stdout


def test_help_and_errors_load_nothing_heavy(program):
    def imported(*arguments):
        profile = program(*arguments, PYTHONPROFILEIMPORTTIME="1").stderr
        return set(re.findall(r"\|\s+(\S+)$", profile, re.MULTILINE))

    heavy = {"torch", "pytorch_lightning", "pandas", "numpy", "h5py", "matplotlib"}
    assert not heavy & imported("train", "+family=Fe_oxide")
    assert not heavy & imported("train", "--help")
    assert "torch" in imported("train", "+family=Fe_oxides", "data=nowhere.h5")


def test_version(program):
    assert program("--version").stdout == f"rankaae {__version__}\n"


@pytest.mark.parametrize("command", COMMANDS)
def test_command_help_teaches_by_example(rankaae, command):
    done = rankaae(command, "--help")
    assert done.returncode == 0 and f"rankaae {command} " in done.stdout and "Examples" in done.stdout


def test_unknown_command_names_the_nearest(refused):
    assert "did you mean train?" in refused("trian")


def test_unknown_family_names_the_nearest(refused):
    message = refused("train", "+family=Fe_oxide")
    assert "'Fe_oxide'" in message and "Fe_oxides" in message


@pytest.mark.parametrize("command", ["train", "ingest"])
def test_no_family_lists_them(refused, command):
    message = refused(command, *(["source=feff"] if command == "ingest" else []))
    assert all(name in message for name in families())


def test_family_and_experiment_work_without_the_plus(rankaae):
    done = rankaae("train", "family=Fe_oxides", "experiment=published", "--cfg", "job")
    assert done.returncode == 0 and "name: Fe_oxides" in done.stdout and "max_epochs: 1500" in done.stdout


@pytest.mark.parametrize(
    "arguments",
    [["+family=Fe_oxides", "family=Ti_oxides"], ["+family=Fe_oxides,Ti_oxides"]],
    ids=["two", "commas"],
)
def test_two_families_in_one_job_are_refused(refused, arguments):
    assert "more than one family" in refused("train", *arguments)


@pytest.mark.parametrize(
    ("override", "expected"),
    [
        ("max_epoch=3", "did you mean max_epochs"),
        ("+max_epoch=3", "did you mean max_epochs"),
        ("objective.rank.weigth=1", "did you mean objective.rank.weight"),
        ("trials=many", "trials=many: expected a whole number"),
        ("device=gpu", "auto, cpu, cuda"),
        ("trials=0", "trials=0 (expected at least 1)"),
        ("model=lstm", "there are: blend, cnn,"),
        ("trials=[1", "trials"),
        ("objective.smoothness.kernel_points=16", "kernel_points=16 (expected odd, at least 1)"),
        ("objective.rank.weight=-1", "objective.rank.weight=-1.0 (expected at least 0)"),
        ("objective.prior.tau=0", "objective.prior.tau=0.0 (expected positive)"),
        ("objective.prior.betas=[0.9,1.5]", "expected from 0 on, below 1"),
        ("+optimiser.factors.foo=3", "no key 'optimiser.factors.foo'"),
    ],
)
def test_wrong_settings_are_named(refused, override, expected):
    assert expected in refused("train", "+family=Fe_oxides", override)


@pytest.mark.parametrize(
    ("override", "expected"),
    [
        ("augmentations=measured", "did you mean augmentation=measured?"),
        ("+augmentations=measured", "did you mean augmentation=measured?"),
        ("augmentation=meassured", "did you mean measured?"),
        ("optimizer=one_cycle", "did you mean optimiser=one_cycle?"),
        ("modle=cn", "did you mean model=cnn?"),
        ("loger=x", "did you mean logger=, one of csv, mlflow, none, tensorboard, wandb?"),
        ("optimizer.rate=0.1", "did you mean optimiser.rate"),
        ("experiments=published", "did you mean +experiment=published?"),
        ("experiment=publishd", "did you mean published or published_structures?"),
        ("+optimiser=one_cycle", "write optimiser=... once, without the +"),
    ],
)
def test_misspelt_groups_are_named(refused, override, expected):
    assert expected in refused("train", "+family=Fe_oxides", override)


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        (["data=~nobody/x.h5"], "the shell has left the ~ in it"),
        (["data=" + "[" * 1000 + "]" * 1000], "is nested too deeply"),
        (["model=[[mlp]]"], "model=[[mlp]]: model= takes the name of an option"),
        (["+experiment=null"], "+experiment=null: experiment= takes the name of an option"),
        (["x" * 4000], "if it belongs to the value before it"),
        (["x" * 4000 + "=1"], "names no configuration: File name too long"),
        (["seed=" + "((" * 900], "( in a value has to be quoted"),
        (["data=a\v\udcff=b"], "= in a value has to be quoted"),
        (["model=${hydra:x}"], "model=${hydra:x}: model= takes the name of an option"),
        (["--resolve"], "--resolve flag can only be used in conjunction with --cfg"),
        (["-x"], "unrecognized arguments: -x"),
        (["--cfg", "jobs"], "invalid choice: 'jobs'"),
    ],
    ids=lambda words: str(words)[:20],
)
def test_calls_that_hydra_fails_on_are_explained(refused, words, expected):
    message = refused("train", "+family=Fe_oxides", *words)
    assert expected in message and len(message) < 600
    assert all(line.isprintable() for line in message.splitlines())


def test_flags_may_stand_anywhere(rankaae):
    done = rankaae("train", "+family=Fe_oxides", "--cfg", "job", "trials=3")
    assert done.returncode == 0 and "trials: 3" in done.stdout


def test_the_value_of_a_flag_is_no_file_to_compare(rankaae):
    done = rankaae("compare", "a.h5", "--cfg", "job", "published=true")
    assert done.returncode == 0 and "input:\n- a.h5\n" in done.stdout and "published: true" in done.stdout


def test_a_setting_written_as_a_flag_is_explained(refused):
    assert "settings are written key=value, such as max_epochs=" in refused("train", "--max-epochs", "5")


def test_missing_key_is_named(refused):
    assert "source=" in refused("ingest", "+family=Fe_oxides")


def test_debug_shows_where(rankaae):
    done = rankaae("train", "+family=Fe_oxides", "data=nowhere.h5", RANKAAE_DEBUG="1")
    assert done.returncode == 2 and "Traceback" in done.stderr


def test_nothing_is_left_by_a_refused_call(refused, tmp_path):
    refused("train", "+family=Fe_oxides", "data=nowhere.h5")
    assert list(tmp_path.iterdir()) == []
