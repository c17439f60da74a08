import pytest

from rankaae_cli.commands.usage.overrides import flags_and_settings
from rankaae_cli.core.errors import UserError


@pytest.mark.parametrize(
    ("arguments", "flags", "settings"),
    [
        (["seed=1", "trials=2"], [], ["seed=1", "trials=2"]),
        (["seed=1", "--cfg", "job", "trials=2", "-m"], ["--cfg", "job", "-m"], ["seed=1", "trials=2"]),
        (["--info", "seed=1"], ["--info=all"], ["seed=1"]),
        (["-i", "defaults", "seed=1", "--info=plugins"], ["-i", "defaults", "--info=plugins"], ["seed=1"]),
        (["--config-dir=mine", "--version"], ["--config-dir=mine", "--version"], []),
    ],
)
def test_flags_stand_before_settings_with_their_values(arguments, flags, settings):
    assert flags_and_settings(arguments) == (flags, settings)


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["--max-epochs", "5"], "unknown flag --max-epochs"),
        (["-x"], "unrecognized arguments: -x"),
        (["--cfg"], "--cfg/-c: expected one argument"),
        (["--info=everything"], "invalid choice: 'everything'"),
    ],
)
def test_flags_that_there_are_not_are_refused(arguments, said):
    with pytest.raises(UserError, match=said):
        flags_and_settings(arguments)
