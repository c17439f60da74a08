"""Configurations as a call composes them."""

from hydra import compose, initialize_config_module
from omegaconf import DictConfig, OmegaConf

from rankaae_cli import schema
from rankaae_cli.cli import register
from rankaae_cli.schema.train import RankAAEConfig


def composed(command: str, *overrides: str) -> DictConfig:
    """Return the configuration of a call, held against the schema."""
    register()
    with initialize_config_module("rankaae_cli.conf", version_base="1.3"):
        cfg = compose(command, list(overrides))
    node = schema.schema_of(command, cfg.get("kind"))
    merged = OmegaConf.merge(OmegaConf.structured(node), OmegaConf.to_container(cfg))
    assert isinstance(merged, DictConfig)
    return merged


def train_settings(*overrides: str) -> RankAAEConfig:
    """Return the settings of `rankaae train +family=Fe_oxides` with overrides."""
    settings = OmegaConf.to_object(composed("train", "+family=Fe_oxides", *overrides))
    assert isinstance(settings, RankAAEConfig)
    return settings
