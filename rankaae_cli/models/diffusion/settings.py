"""The settings of a diffusion model: a plain dataclass. Its values live in ``conf/model/score_network.yaml``."""

from dataclasses import dataclass
from enum import Enum
from typing import Annotated


class Condition(Enum):
    """What conditions each atom of a structure that is generated."""

    spectra = "spectra"
    descriptors = "descriptors"


LOSSES = ("denoising", "reading")


@dataclass
class DiffusionSettings:
    """Sizes of the score network, the noise that it is to take away, and how it is stepped."""

    cutoff: Annotated[float, "of the neighbour graph, angstrom; a cell has to be at least twice as wide"]
    layers: Annotated[int, "of messages between neighbours"]
    width: Annotated[int, "numbers an atom"]
    pair_width: Annotated[int, "numbers a pair of neighbours"]
    channels: Annotated[
        int, "densities of neighbours a layer, each in spherical harmonics up to the third degree"
    ]
    radial: Annotated[int, "functions of the distance of two neighbours"]
    condition: Annotated[Condition, "what conditions each atom: its spectrum (spectra) or its descriptors"]
    components: Annotated[int, "principal components that are kept of the spectra"]
    condition_noise: Annotated[
        float, "standard deviation of the noise on conditions, in standard deviations of training"
    ]
    dropout: Annotated[float, "share of steps in which no atom has a condition; guidance needs some"]
    least_noise: Annotated[float, "smallest noise on the positions, angstrom: below the thermal motion"]
    most_noise: Annotated[
        float, "largest noise, angstrom: beyond it nothing can be known of where an atom was"
    ]
    with_validation: Annotated[
        bool, "train on the structures of the validation side too; the score then is no test of new ones"
    ]
    rate: Annotated[float, "largest learning rate of AdamW; it rises, then falls along half a cosine"]
    weight_decay: Annotated[float, "of AdamW"]
    clip: Annotated[float, "largest norm of the gradient"]
    averaged: Annotated[float, "share of the running mean of the weights that a step leaves"]


# What its numbers must be, in the words of `schema.numbers`.
NUMBERS: dict[str, tuple[str, ...]] = {
    "positive": (*(f"model.{key}" for key in ("cutoff", "least_noise", "most_noise", "rate", "clip")),),
    "at least 1": tuple(
        f"model.{key}" for key in ("layers", "width", "pair_width", "channels", "radial", "components")
    ),
    "at least 0": ("model.condition_noise", "model.weight_decay"),
    "from 0 on, below 1": ("model.dropout", "model.averaged"),
}
