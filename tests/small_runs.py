"""The smallest run of each kind of model: its data, the call that trains it, and whether two are the same."""

from dataclasses import replace

import numpy as np
import torch

from rankaae_cli.data.family.family_file import write_family
from rankaae_cli.data.family.synthetic import synthetic_family
from rankaae_cli.data.features.feature_set import FeatureSet
from rankaae_cli.data.structures.structure_set import structures_path, write_structures
from tests.models.diffusion import carbon

_COPPER = ("+family=Cu_oxides", "data=data.h5")
_NETWORKS = ("trials=1", "batch_size=32", "save_every=1", "device=cpu")
_DIFFUSION = (
    *("model.cutoff=2.4", "model.layers=1", "model.width=8", "model.pair_width=6", "model.channels=2"),
    *("model.radial=5", "model.components=2", "family.energy.points=10"),
)
# What each kind is trained by; those of networks take `max_epochs` more.
CALLS = {
    "rankaae": (*_COPPER, *_NETWORKS, "model.hidden=8"),
    "supervised": ("kind=supervised", *_COPPER, "trials=2", "model.extra_trees.trees=4", "model.inputs=[spectrum]"),
    "forward": ("kind=forward", *_COPPER, "model.lengths=[1,4]", "model.noises=[0.001]"),
    "diffusion": ("kind=diffusion", "+family=amorphous_carbon", "data=data.h5", *_NETWORKS, *_DIFFUSION),
}  # fmt: skip
IN_EPOCHS = ("rankaae", "diffusion")


def write_data(kind, folder):
    """Write the family file, data.h5, that a kind is trained on, and what lies beside it."""
    if kind == "diffusion":
        family = carbon.family()
        write_structures(structures_path(folder / "data.h5"), family.structures, family.rows)
    else:
        family = synthetic_family("Cu_oxides", "Cu", "K", np.linspace(8983.5, 9047.25, 40), ["OS", "CN"], 120)
        causes = FeatureSet(family.descriptors_NK.astype(np.float32), ("OS", "CN"), "causes", "1")
        family = replace(family, features=causes)
    return write_family(folder / "data.h5", family)


def state_of(run):
    """Return all that a run has learned, by name: of best.ckpt, last.ckpt and metrics.csv."""
    state = {}
    for name in ("best", "last"):
        path = run / "checkpoints" / f"{name}.ckpt"
        if path.is_file():
            content = torch.load(path, weights_only=True)
            state |= _leaves({name: content if name == "best" else content["state_dict"]}, "")
    metrics = run / "metrics.csv"
    return state | ({"metrics.csv": metrics.read_text()} if metrics.is_file() else {})


def differences(run, reference):
    """Return the names of what of a finished run is not as in the reference."""
    ours, theirs = state_of(run), state_of(reference)
    return [
        name
        for name in ours | theirs
        if not (name in ours and name in theirs and _are_same(ours[name], theirs[name]))
    ]


def _are_same(one, other):
    if isinstance(one, torch.Tensor):
        return isinstance(other, torch.Tensor) and one.dtype == other.dtype and _are_equal(one, other)
    return one == other or (one != one and other != other)


def _are_equal(one, other):
    return one.shape == other.shape and bool(torch.all((one == other) | ((one != one) & (other != other))))


def _leaves(content, place):
    items = content.items() if isinstance(content, dict) else enumerate(content)
    leaves = {}
    for key, value in items:
        name = f"{place}.{key}" if place else str(key)
        leaves |= _leaves(value, name) if isinstance(value, dict | list | tuple) else {name: value}
    return leaves
