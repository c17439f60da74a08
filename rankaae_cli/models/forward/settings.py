"""The settings of a forward model: a plain dataclass. Its values live in ``conf/model/gaussian_process.yaml``."""

from dataclasses import dataclass
from typing import Annotated


@dataclass
class ForwardSettings:
    """A Gaussian process from features to spectra."""

    lengths: Annotated[
        list[float],
        "of the kernel exp(-distance / length), in median distances of training rows; to choose from",
    ]
    noises: Annotated[list[float], "variance of the noise over that of the process; to choose from"]
    shares: Annotated[
        list[float],
        "covariance of two families, where there are several or one beside an earlier run's; to choose from",
    ]
    with_validation: Annotated[
        bool, "fit validation rows too, once length and noise are chosen and scored without them"
    ]


# What its numbers must be, in the words of `schema.numbers`.
NUMBERS: dict[str, tuple[str, ...]] = {
    "positive": ("model.lengths", "model.noises"),
    "from 0 to 1": ("model.shares",),
}
