"""Trainings of RankAAEs that tests share: what `fit` is given, and fixtures, imported by their conftest.py."""

from pathlib import Path
from typing import Any

import pytest

from rankaae_cli.data.family.family import Family
from rankaae_cli.data.family.family_file import read_family
from rankaae_cli.data.family.samples import sample_path
from rankaae_cli.models.rankaae.task import RankAAETask
from rankaae_cli.schema.train import RankAAEConfig
from tests.configuration import train_settings

SMALL = ("model.free_styles=1", "model.hidden=16", "model.encoder_layers=2", "model.decoder_layers=2")


def task_with(config: RankAAEConfig, family: Family, folder: Path, **changes: Any) -> RankAAETask:
    """Return a training on a family with the networks and losses of a configuration, on the processor."""
    settings = {
        "model": config.model,
        "objective": config.objective,
        "optimiser": config.optimiser,
        "batch_size": config.batch_size,
        "seed": 0,
        "device": "cpu",
    }
    return RankAAETask(family=family, descriptor_classes={}, folder=folder, **(settings | changes))


@pytest.fixture(scope="module")
def family():
    return read_family(sample_path("Fe_oxides"))


@pytest.fixture
def request_of(family, tmp_path_factory):
    def make(*overrides, **changes):
        settings = {"family": family, "folder": tmp_path_factory.mktemp("run")}
        settings |= {"trials": 2, "max_epochs": 2, "batch_size": 256, "seed": 5}
        return task_with(train_settings(*SMALL, *overrides), **(settings | changes))

    return make
