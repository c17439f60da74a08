import pytest
import torch

from rankaae_cli.core.errors import UserError
from rankaae_cli.models.rankaae.trained import FORMAT, TrainedModel


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ({"weights": {}}, "not a checkpoint of rankaae"),
        ({"format": FORMAT, "format_version": 99}, "version 99"),
        ({"format": FORMAT, "format_version": 1}, "not a whole checkpoint"),
    ],
)
def test_what_is_not_a_whole_checkpoint_is_refused(tmp_path, content, message):
    torch.save(content, tmp_path / "x.ckpt")
    with pytest.raises(UserError, match=message):
        TrainedModel.load(tmp_path / "x.ckpt")


def test_a_pickled_object_is_never_loaded(tmp_path):
    class Trap:
        def __reduce__(self):
            return (pytest.fail, ("code of a checkpoint was run",))

    torch.save({"format": FORMAT, "trap": Trap()}, tmp_path / "x.ckpt")
    with pytest.raises(UserError, match="cannot be read as a checkpoint"):
        TrainedModel.load(tmp_path / "x.ckpt")


def test_a_missing_or_torn_file(tmp_path):
    with pytest.raises(UserError, match="no checkpoint"):
        TrainedModel.load(tmp_path / "absent.ckpt")
    (tmp_path / "torn.ckpt").write_bytes(b"PK\x03\x04 torn")
    with pytest.raises(UserError, match="cannot be read as a checkpoint"):
        TrainedModel.load(tmp_path / "torn.ckpt")
