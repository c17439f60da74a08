import io
import pickle
import zipfile
from functools import reduce

import numpy as np
import pytest
import torch

from rankaae_cli.core.errors import UserError
from rankaae_cli.models.base import FORMAT, HasStyles, Predicts, Reconstructs, StyledModel, require
from rankaae_cli.models.rankaae.trained import TrainedModel
from rankaae_cli.models.readings import ensemble_values
from rankaae_cli.models.registry import KINDS, kind_of, load_model, part_of_kind
from tests.benchmarks.fuzz.own_files import run_files


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ({"weights": {}}, "not a checkpoint of rankaae"),
        ({"format": FORMAT, "format_version": 99}, "version 99"),
        ({"format": FORMAT, "format_version": 1}, "not a whole checkpoint"),
        ({"format": FORMAT, "format_version": "a"}, "not a whole checkpoint"),
        (
            {"format": FORMAT, "format_version": 1, "kind": "rankae"},
            "no kind of model 'rankae'\ndid you mean rankaae",
        ),
    ],
)
def test_what_is_not_a_whole_checkpoint_is_refused(tmp_path, content, message):
    torch.save(content, tmp_path / "x.ckpt")
    with pytest.raises(UserError, match=message):
        load_model(tmp_path / "x.ckpt")


def test_a_pickled_object_is_never_loaded(tmp_path):
    class Trap:
        def __reduce__(self):
            return (pytest.fail, ("code of a checkpoint was run",))

    torch.save({"format": FORMAT, "trap": Trap()}, tmp_path / "x.ckpt")
    with pytest.raises(
        UserError, match="cannot be read as a checkpoint: it holds Python objects, which are never"
    ):
        load_model(tmp_path / "x.ckpt")
    (tmp_path / "x.ckpt").write_bytes(pickle.dumps({"format": FORMAT, "trap": Trap()}))
    with pytest.raises(UserError, match="cannot be read as a checkpoint: it is damaged, cut short"):
        load_model(tmp_path / "x.ckpt")


def test_a_changed_byte_is_noticed(tmp_path):
    path = tmp_path / "x.ckpt"
    torch.save({"format": FORMAT, "format_version": 1, "weights": torch.zeros(1000)}, path)
    content = bytearray(path.read_bytes())
    content[content.index(bytes(2000)) + 1000] = 1
    path.write_bytes(content)
    with pytest.raises(UserError, match="its checksum is not that of what it holds\ncopy it anew"):
        load_model(path)


def test_a_small_file_that_unpacks_to_a_large_one_is_refused(tmp_path):
    torch.save({"format": FORMAT, "format_version": 1, "weights": torch.zeros(10**6)}, tmp_path / "x.ckpt")
    with (
        zipfile.ZipFile(tmp_path / "x.ckpt") as whole,
        zipfile.ZipFile(tmp_path / "y.ckpt", "w", 8) as packed,
    ):
        for name in whole.namelist():
            packed.writestr(name, whole.read(name))
    with pytest.raises(UserError, match="it is compressed, which no checkpoint is"):
        load_model(tmp_path / "y.ckpt")


def with_changes(content, changes):
    for place, value in changes.items():
        *outer, last = place.split(".")
        reduce(dict.__getitem__, outer, content)[last] = value
    return content


@pytest.mark.parametrize(
    ("kind", "changes", "message"),
    [
        ("rankaae", {"trials": 10**18}, "networks that are larger than their weights"),
        ("rankaae", {"architecture.encoder_layers": 10**8}, "networks that are larger than their weights"),
        ("rankaae", {"calibration": []}, "calibrations that are none"),
        ("supervised", {"calibration": None}, "calibrations that are none"),
        ("supervised", {"calibration": ""}, "calibrations that are none"),
        (
            "forward",
            {"process.mean_JF": torch.full((1, 2), 1e300, dtype=torch.float64)},
            "a number that is not finite, or too large",
        ),
        (
            "forward",
            {"novelty.mean_3": torch.tensor([1e300], dtype=torch.float64)},
            "a number that is not finite, or too large",
        ),
        ("forward", {"novelty.deviation_3": torch.zeros(1)}, "distances that do not vary"),
        ("forward", {"process.noise": 0}, "scales, length or noise are not positive"),
        ("forward", {"process.length": -1.0}, "scales, length or noise are not positive"),
        ("forward", {"process.scale_JF": torch.zeros(1, 2)}, "scales, length or noise are not positive"),
        ("diffusion", {"shape.cutoff": "x"}, "sizes of a score network that are no positive numbers"),
        ("diffusion", {"shape.layers": 10**8}, "networks that are larger than their weights"),
    ],
)
def test_contents_that_would_not_end_or_be_of_use_are_refused(tmp_path, kind, changes, message):
    content = torch.load(io.BytesIO(run_files(kind)["checkpoints/best.ckpt"]), weights_only=True)
    torch.save(with_changes(content, changes), tmp_path / "x.ckpt")
    with pytest.raises(UserError, match=f"is not a whole checkpoint: .*{message}"):
        load_model(tmp_path / "x.ckpt")


def test_a_model_without_calibrations_reads_nothing_and_one_of_large_whole_numbers_does(tmp_path):
    content = torch.load(io.BytesIO(run_files("supervised")["checkpoints/best.ckpt"]), weights_only=True)
    curve = content["calibration"]["ensemble"]["descriptors"]["CN"]
    curve["y"] = [10**30 for _ in curve["y"]]
    torch.save(content, tmp_path / "x.ckpt")
    spectra = np.ones((2, 40), dtype=np.float32)
    assert (ensemble_values(load_model(tmp_path / "x.ckpt"), spectra)[:, 1] == 1e30).all()
    torch.save(with_changes(content, {"calibration": {}}), tmp_path / "x.ckpt")
    with pytest.raises(UserError, match="the model reads no descriptors: it has no calibration"):
        ensemble_values(load_model(tmp_path / "x.ckpt"), spectra)


def test_a_missing_or_torn_file(tmp_path):
    with pytest.raises(UserError, match="no checkpoint"):
        load_model(tmp_path / "absent.ckpt")
    (tmp_path / "torn.ckpt").write_bytes(b"PK\x03\x04 torn")
    with pytest.raises(UserError, match="cannot be read as a checkpoint"):
        load_model(tmp_path / "torn.ckpt")


def test_a_checkpoint_without_a_kind_is_a_rankaae():
    assert kind_of({"format": FORMAT}) == "rankaae"
    assert kind_of({"format": FORMAT, "kind": "forward"}) == "forward"


@pytest.mark.parametrize("kind", KINDS)
def test_every_kind_has_its_parts(kind):
    fit = part_of_kind(kind, "fit")
    assert callable(fit.fit) and (fit.Task.learns_from != "descriptors" or callable(fit.calibrate))
    assert callable(part_of_kind(kind, "trained").from_checkpoint)
    assert part_of_kind(kind, "settings")


def trained(kind, *missing):
    """A model with everything that TrainedModel has but for some members."""
    members = {
        name: name for name in (*TrainedModel.__dataclass_fields__, *dir(TrainedModel)) if name[0] != "_"
    }
    return type(
        "Model", (), {name: value for name, value in members.items() if name not in missing} | {"kind": kind}
    )()


def test_a_command_that_a_model_cannot_serve_says_so():
    whole = trained("rankaae")
    assert require(whole, "rankaae evaluate", Predicts, Reconstructs, HasStyles) is whole and isinstance(
        whole, StyledModel
    )
    blind = trained("forward", "encode")
    with pytest.raises(UserError) as error:
        require(blind, "rankaae traverse", HasStyles)
    assert str(error.value) == (
        "this run's model (kind forward) has no styles: rankaae traverse needs a model that encodes and decodes"
    )
    require(blind, "rankaae report", Predicts, Reconstructs)
    with pytest.raises(UserError, match=r"kind forward\) does not predict descriptors: rankaae predict"):
        require(trained("forward", "calibration"), "rankaae predict", Predicts)
