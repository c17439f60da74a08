"""Small trainings that tests of several rooms share: fixtures, imported by their conftest.py."""

import pytest

from rankaae_cli.data.family.family_file import read_family
from rankaae_cli.data.family.samples import sample_path
from rankaae_cli.models.rankaae.task import RankAAETask
from tests.configuration import train_settings

SMALL = ("model.free_styles=1", "model.hidden=16", "model.encoder_layers=2", "model.decoder_layers=2")


@pytest.fixture(scope="module")
def family():
    return read_family(sample_path("Fe_oxides"))


@pytest.fixture
def request_of(family, tmp_path_factory):
    def make(*overrides, **changes):
        config = train_settings(*SMALL, *overrides)
        settings = {
            "family": family,
            "descriptor_classes": {},
            "model": config.model,
            "objective": config.objective,
            "optimiser": config.optimiser,
            "trials": 2,
            "max_epochs": 2,
            "batch_size": 256,
            "seed": 5,
            "device": "cpu",
            "folder": tmp_path_factory.mktemp("run"),
        }
        return RankAAETask(**(settings | changes))

    return make
