"""Every shipped configuration composes and fits the schema."""

import dataclasses
import importlib.util
import re
from pathlib import Path

import pytest
from hydra import compose, initialize_config_module
from hydra.core.plugins import Plugins
from omegaconf import OmegaConf

from rankaae_cli.cli import COMMANDS, register
from tests.configuration import composed, train_settings

CONF = Path(__file__).parent.parent / "conf"
GROUPS = sorted(p for p in CONF.glob("*/*.yaml") if p.parent.name != "family")
PLUGINS = {
    "joblib": "hydra_plugins.hydra_joblib_launcher",
    "submitit_local": "hydra_plugins.hydra_submitit_launcher",
    "submitit_slurm": "hydra_plugins.hydra_submitit_launcher",
}
FAMILIES = sorted(p.stem for p in CONF.glob("family/*.yaml"))


@pytest.mark.parametrize("command", COMMANDS)
def test_command(command):
    composed(command)


@pytest.mark.parametrize("family", FAMILIES)
@pytest.mark.parametrize("command", ["ingest", "train"])
def test_family(family, command):
    cfg = composed(command, f"+family={family}")
    assert cfg.family.name == family
    assert cfg.family.energy.points > 1
    assert OmegaConf.missing_keys(cfg.family) == set()


@pytest.mark.parametrize("path", GROUPS, ids=lambda p: f"{p.parent.name}/{p.stem}")
def test_group(path):
    group, name = path.parent.name, path.stem
    plus = "+" if group == "experiment" else ""
    kind = re.search(r"kind=(\w+)", path.read_text())
    kinds = [] if kind is None or group == "kind" else [kind[0]]
    cfg = composed("train", "+family=Fe_oxides", *kinds, f"{plus}{group}={name}")
    assert not {k for k in OmegaConf.missing_keys(cfg) if k.startswith(group)}


@pytest.mark.parametrize(
    "path", sorted(CONF.glob("hydra/*/*.yaml")), ids=lambda p: f"{p.parent.name}/{p.stem}"
)
def test_launchers_and_sweepers(path):
    """Each composes, and names a plugin that Hydra knows; what is not installed is passed over."""
    plugin = next(
        (name for parent, name in PLUGINS.items() if f"- {parent}" in path.read_text()),
        "hydra_plugins.rankaae",
    )
    if importlib.util.find_spec(plugin) is None:
        pytest.skip(f"{plugin} is not installed")
    register()
    group = f"hydra/{path.parent.name}"
    with initialize_config_module("rankaae_cli.conf", version_base="1.3"):
        cfg = compose("train", ["+family=Fe_oxides", f"{group}={path.stem}"], return_hydra_config=True)
    assert cfg.hydra.runtime.choices[group] == path.stem
    assert cfg.hydra[path.parent.name]._target_ in Plugins.instance().class_name_to_class


def test_oxide_grids():
    starts = {"Ti": 4964.5, "V": 5464.0, "Cr": 5989.0, "Mn": 6538.0, "Fe": 7111.0, "Co": 7709.0, "Ni": 8332.0}
    starts["Cu"] = 8983.5
    for element, start in starts.items():
        grid = composed("train", f"+family={element}_oxides").family.energy
        assert (grid.start, grid.step, grid.points, grid.unit) == (start, 0.25, 256, "eV")


def test_settings_have_their_defaults_in_conf_alone():
    """Those of model, objective and optimiser; a key that older runs lack has for them what conf/ has."""
    config = train_settings()
    for settings in (config.model, config.objective, config.optimiser):
        own = {
            f.name: f.default
            for f in dataclasses.fields(settings)
            if (f.default, f.default_factory) != (dataclasses.MISSING, dataclasses.MISSING)
        }
        assert own.keys() <= {"activation", "norm_before_styles"}
        assert own == {name: getattr(settings, name) for name in own}
