"""Keys of the commands that work on a finished run: evaluate, traverse and report."""

from dataclasses import dataclass
from enum import Enum
from importlib.resources import files
from typing import Any

from omegaconf import MISSING, OmegaConf

from rankaae_cli.models.rankaae.settings import AdversarialAutoencoderSettings
from rankaae_cli.models.supervised.settings import (
    SupervisedNetworkSettings,
    TreeSettings,
    VariationalAutoencoderSettings,
)


class Split(Enum):
    """Sides of the split."""

    train = "train"
    validation = "validation"
    test = "test"


@dataclass
class BaselineSettings:
    """Settings of all baselines that have any.

    Attributes
    ----------
    extra_trees
        extremely randomised trees
    random_forest
        a random forest
    supervised_network
        networks from the spectrum to all descriptors, averaged
    aae
        the model without its rank constraint
    vae
        a variational autoencoder
    """

    extra_trees: TreeSettings
    random_forest: TreeSettings
    supervised_network: SupervisedNetworkSettings
    aae: AdversarialAutoencoderSettings
    vae: VariationalAutoencoderSettings


@dataclass
class EvaluateConfig:
    """Keys of `rankaae evaluate`.

    Attributes
    ----------
    run
        a run directory; latest: the newest finished one below runs/
    split
        side of the split to score
    resamples
        of the materials, for the 95 % intervals; of more than 6000 rows fewer, at least 100
    seed
        of resamples, permutations and draws
    baselines
        fit these beside the model: none, all, or a list of mean_spectrum, pca_linear, extra_trees, random_forest,
        supervised_network, aae and vae
    threads
        of the processor, for the baselines
    baseline_settings
        sizes of the baselines
    """

    run: str = MISSING
    split: Split = Split.test
    resamples: int = MISSING
    seed: int = 0
    baselines: Any = "none"
    threads: int = 1
    baseline_settings: BaselineSettings = MISSING


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
    """Keys of `rankaae traverse`.

    Attributes
    ----------
    run
        a run directory; latest: the newest finished one below runs/
    levels
        steps of each walk, between the style's 5th and 95th percentile
    draws
        how often the styles that are not walked are drawn, to be averaged over
    seed
        of the draws
    others
        where they come from; data: styles of training rows, as they occur together; independent: standard
        normal
    check_rows
        spectra that the responses are held against; held_out: validation and test
    """

    run: str = MISSING
    levels: int = 11
    draws: int = 500
    seed: int = 0
    others: Others = Others.data
    check_rows: CheckRows = CheckRows.held_out


@dataclass
class ReportConfig:
    """Keys of `rankaae report`.

    Attributes
    ----------
    run
        a run directory; latest: the newest finished one below runs/; a directory that holds runs, a pattern
        of directories, or a list of these: one page of all
    output
        of several runs: the folder to write; null: report/ in their directory, reports/DATE/TIME/ of a list
    pages
        of several runs: make the page of each where it is missing or outdated
    """

    run: Any = MISSING
    output: str | None = None
    pages: bool = True
