"""Every shipped configuration composes and fits the schema."""

from pathlib import Path

import pytest
from hydra import compose, initialize_config_module
from omegaconf import OmegaConf

from rankaae_cli import schema
from rankaae_cli.cli import COMMANDS

CONF = Path(__file__).parent.parent / "conf"
GROUPS = sorted(p for p in CONF.glob("*/*.yaml") if p.parent.name != "family")
FAMILIES = sorted(p.stem for p in CONF.glob("family/*.yaml"))


def composed(command, *overrides):
    schema.register()
    with initialize_config_module("rankaae_cli.conf", version_base="1.3"):
        cfg = compose(command, list(overrides))
    return OmegaConf.merge(OmegaConf.structured(schema.SCHEMAS[command]), OmegaConf.to_container(cfg))


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
    cfg = composed("train", "+family=Fe_oxides", f"{plus}{group}={name}")
    assert not {k for k in OmegaConf.missing_keys(cfg) if k.startswith(group)}


def test_oxide_grids():
    starts = {"Ti": 4964.5, "V": 5464.0, "Cr": 5989.0, "Mn": 6538.0, "Fe": 7111.0, "Co": 7709.0, "Ni": 8332.0}
    starts["Cu"] = 8983.5
    for element, start in starts.items():
        grid = composed("train", f"+family={element}_oxides").family.energy
        assert (grid.start, grid.step, grid.points, grid.unit) == (start, 0.25, 256, "eV")


def test_settings_have_one_default_each():
    """What conf/ says of the model, objective and optimiser leaves nothing to the classes' own defaults."""
    cfg = composed("train", "+family=Fe_oxides")

    def keys(node, prefix=""):
        return {
            k
            for name, value in node.items()
            for k in ([f"{prefix}{name}"] if not isinstance(value, dict) else keys(value, f"{prefix}{name}."))
        }

    import yaml

    for group in ("model", "objective", "optimiser"):
        default = next(
            entry[group]
            for entry in yaml.safe_load((CONF / "train.yaml").read_text())["defaults"]
            if group in entry
        )
        written = yaml.safe_load((CONF / group / f"{default}.yaml").read_text())
        assert keys(written) == keys(OmegaConf.to_container(cfg[group]))
