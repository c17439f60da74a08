"""Keys of `rankaae compare`."""

from dataclasses import dataclass
from enum import Enum
from typing import Annotated, Any

from omegaconf import MISSING


class Representation(Enum):
    """What stands for a spectrum where clusters are sought."""

    cumulative = "cumulative"
    components = "components"
    standardised = "standardised"
    factors = "factors"


class Clustering(Enum):
    """How clusters are sought."""

    ward = "ward"
    kmeans = "kmeans"
    mixture = "mixture"
    density = "density"


@dataclass
class CompareConfig:
    """Keys of `rankaae compare`."""

    input: Annotated[
        Any,
        "family files, folders with the output of codes, files of these; several as [A,B], or without input=",
    ] = None
    output: Annotated[str | None, "the folder to write; null: compare/DATE/TIME/"] = None
    search: Annotated[
        float | None, "largest shift tried, eV; null: 20 where energies overlap as they are, else any"
    ] = None
    reach: Annotated[float, "eV behind the foot of the edge that count, of what codes write"] = MISSING
    published: Annotated[bool, "also compare as published with ten Ti-O compounds (arXiv:2303.17089)"] = False
    convergence: Annotated[
        bool, "take a folder for one calculation at growing settings, and compare each with the last"
    ] = False
    fingerprints: Annotated[
        bool, "of one family, also seek clusters of spectra without looking at labels"
    ] = True
    representation: Annotated[
        Representation | None,
        "of clusters: cumulative, components, standardised or factors; null: the first of the former two by which "
        "they are reliable",
    ] = None
    clustering: Annotated[Clustering, "ward, kmeans, mixture or density (HDBSCAN)"] = Clustering.ward
    run: Annotated[
        str | None,
        "of clusters: take the styles of this run for the representation; latest: the newest one's",
    ] = None
    series: Annotated[
        str | None,
        "show the clusters' shares along a series: order (of the rows), or a quantity, descriptor or group of the "
        "family, such as what ingest headers= kept",
    ] = None
    drawn: Annotated[int, "how many pairs of two codes to draw, those that agree least"] = MISSING
    resamples: Annotated[int, "resamples of the materials, for 95 % intervals"] = MISSING
    seed: Annotated[int, "of the resamples"] = MISSING
