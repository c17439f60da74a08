"""Keys of the commands that work on a finished run: evaluate, traverse and report."""

from dataclasses import dataclass
from enum import Enum
from importlib.resources import files
from typing import Annotated, Any

from omegaconf import MISSING, OmegaConf

from rankaae_cli.models.rankaae.settings import AdversarialAutoencoderSettings
from rankaae_cli.models.supervised.settings import (
    KernelRidgeSettings,
    SupervisedNetworkSettings,
    TreeSettings,
    VariationalAutoencoderSettings,
)

RunDirectory = Annotated[str, "a run directory; latest: the newest finished one below runs/"]
# Of generating structures, by a run of kind=diffusion.
SampleCount = Annotated[int, "of a run of kind=diffusion: structures to generate"]
NoiseSteps = Annotated[int, "of a run of kind=diffusion: levels of noise that are gone through"]
Guidance = Annotated[
    float,
    "of a run of kind=diffusion: weight of the target, 0 for none, 1 as trained, more to stress it",
]
Temperature = Annotated[
    float,
    "of a run of kind=diffusion: of the noise put back in a step, 1 as trained, less for likelier structures",
]
ForwardRun = Annotated[
    str | None,
    "of a run of kind=diffusion: a run of kind=forward that simulates the spectra of generated structures",
]


class Split(Enum):
    """Sides of the split."""

    train = "train"
    validation = "validation"
    test = "test"


@dataclass
class BaselineSettings:
    """Settings of all baselines that have any."""

    extra_trees: Annotated[TreeSettings, "extremely randomised trees"]
    random_forest: Annotated[TreeSettings, "a random forest"]
    derivative_trees: Annotated[
        TreeSettings, "extremely randomised trees that see derivatives too; of blend as well"
    ]
    kernel_ridge: Annotated[KernelRidgeSettings, "kernel ridge regression; of blend as well"]
    supervised_network: Annotated[
        SupervisedNetworkSettings, "networks from the spectrum to all descriptors, averaged"
    ]
    aae: Annotated[AdversarialAutoencoderSettings, "the model without its rank constraint"]
    vae: Annotated[VariationalAutoencoderSettings, "a variational autoencoder"]


class Check(Enum):
    """What `rankaae evaluate` can check in the place of scoring."""

    leakage = "leakage"


@dataclass
class EvaluateConfig:
    """Keys of `rankaae evaluate`."""

    run: RunDirectory = MISSING
    split: Annotated[Split, "side of the split to score"] = Split.test
    check: Annotated[
        Check | None,
        "leakage: list, in the place of scores, what is on two sides of the split under two names, nearly the same "
        "spectra and the same structures",
    ] = None
    resamples: Annotated[
        int, "of the materials, for the 95 % intervals; of more than 6000 rows fewer, at least 100"
    ] = MISSING
    seed: Annotated[int, "of resamples, permutations and draws"] = 0
    baselines: Annotated[
        Any,
        "fit these beside the model: none, all, or a list of mean_spectrum, pca_linear, extra_trees, "
        "random_forest, derivative_trees, kernel_ridge, blend (of the two), supervised_network, aae and vae",
    ] = "none"
    scratch: Annotated[
        bool,
        "of a run with start=: train its networks once on its own spectra alone, as the run that it began from "
        "was, to show what the transfer brought",
    ] = True
    learning_curve: Annotated[
        bool,
        "train the model anew on an eighth, a quarter and half of its training materials, to show what more would "
        "bring; it is done each time, and takes about as long as the training did",
    ] = False
    threads: Annotated[int, "of the processor, for the baselines"] = 1
    samples: SampleCount = MISSING
    steps: NoiseSteps = MISSING
    guidance: Guidance = MISSING
    temperature: Temperature = MISSING
    forward: ForwardRun = None
    baseline_settings: Annotated[BaselineSettings, "sizes of the baselines"] = MISSING


def shipped_resamples() -> int:
    """Return how many resamples `rankaae evaluate` takes by default."""
    shipped = files("rankaae_cli.conf").joinpath("evaluate.yaml").read_text(encoding="utf-8")
    return int(OmegaConf.select(OmegaConf.create(shipped), "resamples"))


class Others(Enum):
    """Where the styles that are not walked come from."""

    data = "data"
    independent = "independent"


class CheckRows(Enum):
    """Rows that a traversal is held against; held_out: validation and test."""

    held_out = "held_out"
    train = "train"
    validation = "validation"
    test = "test"
    all = "all"


@dataclass
class TraverseConfig:
    """Keys of `rankaae traverse`."""

    run: RunDirectory = MISSING
    levels: Annotated[int, "steps of each walk, between the style's 5th and 95th percentile"] = 11
    draws: Annotated[
        int,
        "most training rows between two steps that give the styles which are not walked, to be averaged over",
    ] = 500
    seed: Annotated[int, "of the draws"] = 0
    others: Annotated[
        Others,
        "where the styles that are not walked come from; data: in each step training rows that have such a value "
        "of the walked one; independent: standard normal, or of a run that simulates any training rows",
    ] = Others.data
    against: Annotated[
        str | None,
        "of a run that simulates: the run of a RankAAE whose walks are held against its own; null: the newest one "
        "on the same data, where there is one",
    ] = None
    check_rows: Annotated[
        CheckRows, "spectra that the responses are held against; held_out: validation and test"
    ] = CheckRows.held_out
    samples: SampleCount = MISSING
    steps: NoiseSteps = MISSING
    guidance: Guidance = MISSING
    temperature: Temperature = MISSING


@dataclass
class ReportConfig:
    """Keys of `rankaae report`."""

    run: Annotated[
        Any,
        "a run directory; latest: the newest finished one below runs/; a directory that holds runs, a "
        "pattern of directories, or a list of these: one page of all",
    ] = MISSING
    output: Annotated[
        str | None,
        "of several runs: the folder to write; null: report/ in their directory, reports/DATE/TIME/ of a "
        "list",
    ] = None
    pages: Annotated[bool, "of several runs: make the page of each where it is missing or outdated"] = True
