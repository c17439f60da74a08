"""A run of any kind is repeated from its own directory, with the same numbers."""

import pytest

from rankaae_cli.models.registry import KINDS
from tests.small_runs import CALLS, IN_EPOCHS, differences, state_of, write_data


@pytest.mark.parametrize("kind", KINDS)
def test_the_configuration_in_a_run_repeats_it(rankaae, tmp_path, kind):
    write_data(kind, tmp_path)
    epochs = ("max_epochs=2",) if kind in IN_EPOCHS else ()
    done = rankaae("train", *CALLS[kind], *epochs, "hydra.run.dir=first")
    assert done.returncode == 0, done.stderr
    done = rankaae("train", "--config-dir", "first", "--config-name", "config", "hydra.run.dir=again")
    assert done.returncode == 0, done.stderr
    assert len(state_of(tmp_path / "first")) > 10
    assert not differences(tmp_path / "again", tmp_path / "first")
