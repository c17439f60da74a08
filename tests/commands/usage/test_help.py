"""What `rankaae COMMAND --help` says of groups and keys."""

from pathlib import Path

import pytest

from rankaae_cli.cli import COMMANDS, main
from rankaae_cli.commands.usage.help import keys_of
from rankaae_cli.schema import GROUPS

CONF = Path(__file__).parents[3] / "conf"


@pytest.fixture
def help_of(capsys, monkeypatch, tmp_path):
    """Return the help of a call, unwrapped."""

    def call(*arguments):
        monkeypatch.chdir(tmp_path)
        assert main([*arguments, "--help"]) == 0
        assert list(tmp_path.iterdir()) == []
        return " ".join(capsys.readouterr().out.split())

    return call


@pytest.mark.parametrize("command", COMMANDS)
def test_every_key_has_a_meaning(command):
    keys = keys_of(command)
    assert keys
    assert [key.name for key in keys if len(key.meaning) < 4] == []


@pytest.mark.parametrize("command", COMMANDS)
def test_help_shows_the_meaning_of_every_key_of_its_own(help_of, command):
    said = help_of(command)
    for key in keys_of(command):
        if "." not in key.name:
            assert key.name in said and key.meaning in said, key.name


def test_values_choices_and_groups_are_those_of_the_call(help_of):
    said = help_of("train", "+family=Cu_oxides", "model=cnn", "trials=3")
    assert " trials 3 models that differ in their random numbers" in said
    assert " objective.prior.kind sliced_wasserstein " in said
    assert "[adversarial | two_step | mmd | sliced_wasserstein]" in said
    assert " * model=cnn Convolutional networks" in said and " model=mlp Fully connected" in said
    assert " +experiment=published The setting of the paper and its published code" in said
    assert " family.energy.start 8983.5 " in said
    assert "family.energy" not in help_of("train")
    of_reader = help_of("train", "kind=supervised")
    assert "model=extra_trees" in of_reader and "+experiment=" in of_reader
    assert "objective=default" not in of_reader and "optimiser=" not in of_reader


def test_a_needed_key_is_marked_and_keys_at_home_elsewhere_are_pointed_to(help_of):
    assert " source (needed) format of the input" in help_of("ingest")
    said = help_of("evaluate")
    assert "baseline_settings.aae.objective {...} its losses, as objective of rankaae train" in said
    assert "baseline_settings.aae.objective.rank" not in said


def test_align_has_no_key_for_figures_that_it_does_not_draw(help_of, refused):
    for command in ("ingest", "predict"):
        assert " measured.figures true draw how the spectra were normalised" in help_of(command)
    said = help_of("align")
    assert " measured.calibrate true shift the energies" in said and "measured.figures" not in said
    assert "figures" in refused("align", "measured.figures=false", "references={a.xdi:1}")


def test_a_group_of_ones_own_is_listed(help_of, tmp_path_factory):
    own = tmp_path_factory.mktemp("own")
    (own / "family").mkdir()
    (own / "family" / "Zn_oxides.yaml").write_text("name: Zn_oxides\n")
    assert "Zn_oxides" in help_of("train", "--config-dir", str(own))


def test_lines_fit_the_terminal(capsys, monkeypatch):
    monkeypatch.setenv("COLUMNS", "100")
    assert main(["train", "--help"]) == 0
    keys = capsys.readouterr().out.partition("Keys, set as")[2]
    assert max(map(len, keys.splitlines())) <= 110


def test_wrong_settings_are_refused_beside_help_too(refused):
    assert "did you mean max_epochs" in refused("train", "max_epoch=3", "--help")


def test_every_folder_of_conf_is_a_group_of_train():
    # course/ holds what kinds that are trained in epochs have in common; no call chooses in it.
    folders = {path.name for path in CONF.iterdir() if path.is_dir()} - {"__pycache__", "hydra", "course"}
    folders |= {f"hydra/{path.name}" for path in (CONF / "hydra").iterdir()}
    assert set(GROUPS["train"]) == folders
