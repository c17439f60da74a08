"""Features of the universal potential CHGNet (Deng et al., Nature Machine Intelligence 5, 1031 (2023))."""

import contextlib
import hashlib
import importlib.util
import io
import warnings
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import torch

from rankaae_cli.core.xas.spectra import SpectrumError
from rankaae_cli.data.features.featurisers import Featuriser

_VERSION = "0.3.0"
_WEIGHTS = "pretrained/0.3.0/chgnet_0.3.0_e29f68s314m37.pth.tar"  # in the package
_WIDTH = 64
_MOST_PROTONS = 94


@cache
def featuriser() -> Featuriser:
    """Return the featuriser: an atom's 64 numbers before the last convolution, of which its moment is read."""
    path = _package() / _WEIGHTS
    return Featuriser(
        model="chgnet",
        version=_VERSION,
        weights=hashlib.sha256(path.read_bytes()).hexdigest(),
        names=tuple(f"chgnet_{i}" for i in range(_WIDTH)),
        most_protons=_MOST_PROTONS,
        compute=_features,
    )


def _package() -> Path:
    spec = importlib.util.find_spec("chgnet")
    assert spec is not None and spec.origin is not None, "featurisers_of looks for the package"
    return Path(spec.origin).parent


@cache
def _potential() -> Any:
    # An extra, which takes seconds to load and warns of what its own packages deprecate.
    with warnings.catch_warnings(), contextlib.redirect_stdout(io.StringIO()):
        warnings.simplefilter("ignore")
        from chgnet.model.model import CHGNet

        # Not by CHGNet.load, which would run whatever code a file of weights holds.
        content = torch.load(_package() / _WEIGHTS, map_location="cpu", weights_only=True)
        return CHGNet.from_dict(content["model"], version=_VERSION, mlp_out_bias=False).eval()


def _features(structure: Any) -> np.ndarray:
    potential = _potential()
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            graph = potential.graph_converter(structure)
    except ValueError as error:  # an atom that is alone
        radius = potential.graph_converter.atom_graph_cutoff
        raise SpectrumError(f"chgnet needs a neighbour of each atom within {radius:g} angstrom") from error
    with torch.no_grad():
        atoms: torch.Tensor = potential.forward([graph], task="e", return_atom_feas=True)["atom_fea"][0]
    return atoms.numpy()
