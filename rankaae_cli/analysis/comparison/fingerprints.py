"""Fingerprints: clusters and components of spectra that nobody labelled, and what they have to do with labels."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np
import pandas as pd

from rankaae_cli.core.comparison.fingerprints.clusterings import WARD, assigned, partitions
from rankaae_cli.core.comparison.fingerprints.embedding import embed
from rankaae_cli.core.comparison.fingerprints.labels import mutual_information, supervised_ceiling
from rankaae_cli.core.comparison.fingerprints.representations import (
    COMPONENTS,
    CUMULATIVE,
    fit_representation,
)
from rankaae_cli.core.comparison.fingerprints.series import change_points, shares
from rankaae_cli.core.comparison.fingerprints.stability import Stability, resampled_stability
from rankaae_cli.core.errors import UserError

FINGERPRINTS, SPECTRA, NUMBERS, COMPONENT_SPECTRA, SERIES = (
    "fingerprints.csv",
    "fingerprint_spectra.csv",
    "fingerprint_numbers.csv",
    "fingerprint_components.csv",
    "fingerprint_series.csv",
)
FEWEST, FEWEST_MATERIALS = 20, 8  # spectra of which clusters are sought, and of how many materials
_TYPICAL = 3
_BAND = (0.05, 0.95)
_COMPONENTS = 3
_TRIED = (CUMULATIVE, COMPONENTS)


class Representation(Protocol):
    """From spectra to coordinates in which those of one kind lie together."""

    @property
    def kind(self) -> str:
        """What the coordinates are."""

    def coordinates(self, spectra_NE: np.ndarray) -> np.ndarray:
        """Return the coordinates of spectra, shape (N, C)."""


@dataclass(frozen=True)
class FingerprintOptions:
    """How clusters are sought.

    Attributes
    ----------
    representation
        One of `representations.REPRESENTATIONS`. None for the first of the cumulative one and the spectrum as it
        is (principal components) by which clusters are reliable.
    clustering
        One of `clusterings.CLUSTERINGS`.
    most
        The largest number of clusters tried.
    resamples
        Halvings of the materials, for the stability.
    rows
        Spectra that are resampled, clustered and drawn on the map at most, chosen at random; the others are given
        to the clusters of these.
    seed
        Of all of it.
    """

    representation: str | None = None
    clustering: str = WARD
    most: int = 10
    resamples: int = 8
    rows: int = 1200
    seed: int = 0


@dataclass(frozen=True)
class Fingerprints:
    """Clusters that were found, to give further spectra to.

    Attributes
    ----------
    metrics
        ``reliable``; ``clusters``, their number, 0 where none is reliable; ``stability``, ``without`` and
        ``recovery`` of that number, or of ``most_stable``, which is furthest above spectra without clusters;
        ``groups``, a list of what each cluster is; ``labels``, for each set of labels ``shared`` (adjusted mutual
        information with the clusters, or the most stable partition), ``ceiling`` (that of trees told the labels)
        and ``n``; ``components``, the share of the variance of each; ``changes`` of the series.
    tables
        By file name. `FINGERPRINTS`: ``row``, ``material``, ``cluster`` (from 1 on, the largest first; 0 for all
        where none is reliable), ``x`` and ``y`` on the map, where the spectrum is on it. `SPECTRA`: mean spectrum
        of each cluster with ``low`` and ``high`` (5 % and 95 % of its spectra), ``difference`` from the mean of
        the others, and ``effect``, that over the deviation within. `NUMBERS`: stability against the number of
        clusters. `COMPONENT_SPECTRA`: principal components of the spectra. `SERIES`, where there is one: shares.
    representation, coordinates_NC, cluster_N
        What new spectra are brought to, where the spectra are there, and their clusters.
    """

    metrics: dict[str, Any]
    tables: dict[str, pd.DataFrame]
    representation: Representation
    coordinates_NC: np.ndarray
    cluster_N: np.ndarray

    def assign(self, spectra_NE: np.ndarray) -> np.ndarray:
        """Return the clusters of further spectra on the same energies, shape (N,)."""
        return assigned(self.coordinates_NC, self.cluster_N, self.representation.coordinates(spectra_NE))


def find_fingerprints(
    spectra_NE: np.ndarray,
    energy_E: np.ndarray,
    material_N: np.ndarray,
    options: FingerprintOptions,
    labels: Mapping[str, np.ndarray] | None = None,
    series_N: np.ndarray | None = None,
    styles: Representation | None = None,
) -> Fingerprints:
    """Seek clusters of spectra, say whether they are reliable, and describe them.

    Clusters are reliable where halves of the materials give the same ones: the rule and its numbers stand in
    `core.comparison.fingerprints.stability`.

    Parameters
    ----------
    spectra_NE, energy_E
        Shapes (N, E) and (E,), finite.
    material_N
        Spectra of one material stay together when they are resampled, shape (N,).
    options
        How clusters are sought.
    labels
        By name, shape (N,): what is known of the spectra, numbers or texts of few values; NaN and empty texts for
        unknown. They are compared with the clusters and do not choose them.
    series_N
        Where in a series each spectrum is (a time, an order), NaN where not known.
    styles
        A representation that is there already, such as the styles of a run, instead of those of `options`.

    Raises
    ------
    UserError
        If there are too few spectra, or they do not differ.
    """
    spectra_NE = np.asarray(spectra_NE, dtype=np.float64)
    _require_enough(spectra_NE, material_N)
    rng = np.random.default_rng(options.seed)
    sample = np.sort(rng.permutation(len(spectra_NE))[: options.rows])
    representation, stability = _represented(spectra_NE[sample], material_N[sample], options, rng, styles)
    coordinates_NC = representation.coordinates(spectra_NE)
    sampled_MC = coordinates_NC[sample]
    number = stability.number
    sought = number or stability.most_stable
    (partition_M,) = partitions(sampled_MC, options.clustering, [sought], options.seed)
    partition_N = _largest_first(assigned(sampled_MC, partition_M, coordinates_NC))
    cluster_N = partition_N if number else np.zeros(len(spectra_NE), dtype=np.int64)
    place_N2 = np.full((len(spectra_NE), 2), np.nan)
    place_N2[sample] = embed(sampled_MC, options.seed)
    components = _components(spectra_NE, energy_E)
    metrics: dict[str, Any] = {
        "spectra": len(spectra_NE),
        "sampled": len(sample),
        "representation": representation.kind,
        "clustering": options.clustering,
        **_chosen(stability, len(np.unique(cluster_N))),
        "groups": _groups(coordinates_NC, cluster_N, spectra_NE, energy_E, material_N),
        "labels": {
            name: _shared(partition_N, coordinates_NC, material_N, label_N, sample)
            for name, label_N in (labels or {}).items()
        },
        "components": components.attrs["variance_share"],
    }
    rows = {"row": np.arange(len(spectra_NE)), "material": material_N, "cluster": cluster_N}
    tables = {
        FINGERPRINTS: pd.DataFrame(rows | {"x": place_N2[:, 0], "y": place_N2[:, 1]}),
        SPECTRA: _spectra(spectra_NE, energy_E, cluster_N),
        NUMBERS: _numbers(stability),
        COMPONENT_SPECTRA: components,
    }
    if series_N is not None:
        series_N = np.asarray(series_N, dtype=np.float64)
        metrics["changes"] = [float(value) for value in change_points(series_N, cluster_N)]
        tables[SERIES] = _series(series_N, cluster_N)
    return Fingerprints(metrics, tables, representation, coordinates_NC, cluster_N)


def _represented(
    spectra_NE: np.ndarray,
    material_N: np.ndarray,
    options: FingerprintOptions,
    rng: np.random.Generator,
    given: Representation | None,
) -> tuple[Representation, Stability]:
    """Return the first representation by which clusters are reliable, or the first of all."""
    results = []
    kinds = _TRIED if options.representation is None else (options.representation,)
    for representation in (
        (fit_representation(spectra_NE, kind) for kind in kinds) if given is None else (given,)
    ):
        stability = resampled_stability(
            representation.coordinates(spectra_NE),
            material_N,
            options.clustering,
            range(2, options.most + 1),
            options.resamples,
            rng,
        )
        results.append((representation, stability))
        if stability.number is not None:
            return results[-1]
    return results[0]


def _require_enough(spectra_NE: np.ndarray, material_N: np.ndarray) -> None:
    """Refuse what cannot have clusters."""
    if len(spectra_NE) < FEWEST:
        raise UserError(
            f"{len(spectra_NE)} spectra are too few for clusters\ngive at least {FEWEST}, or leave fingerprints out"
        )
    materials = len(np.unique(material_N))
    if materials < FEWEST_MATERIALS:
        raise UserError(
            f"the spectra are of {materials} materials, of which no halves can be compared\n"
            f"give spectra of at least {FEWEST_MATERIALS}"
        )
    if not (spectra_NE.std(axis=0) > 0).any():
        raise UserError("all spectra are the same: there are no clusters\ncheck the file")


def _largest_first(cluster_N: np.ndarray) -> np.ndarray:
    """Return the same clusters with numbers from 1 on, the largest first."""
    names, code_N, size = np.unique(cluster_N, return_inverse=True, return_counts=True)
    rank = np.empty(len(names), dtype=np.int64)
    rank[np.argsort(-size, kind="stable")] = np.arange(1, len(names) + 1)
    return rank[code_N]


def _chosen(stability: Stability, clusters: int) -> dict[str, Any]:
    """Return the verdict; a clustering by density may find fewer `clusters` than were sought."""
    at = int(np.flatnonzero(stability.numbers == (stability.number or stability.most_stable))[0])
    return {
        "reliable": stability.number is not None,
        "clusters": clusters if stability.number else 0,
        "most_stable": stability.most_stable,
        "stability": float(stability.stability_JR[at].mean()),
        "without": float(stability.without_JR[at].mean()),
        "recovery": float(stability.recovery_JR[at].mean()),
    }


def _groups(
    coordinates_NC: np.ndarray,
    cluster_N: np.ndarray,
    spectra_NE: np.ndarray,
    energy_E: np.ndarray,
    material_N: np.ndarray,
) -> list[dict[str, Any]]:
    """Describe each cluster: its size, its most typical spectra, and the energy where it differs most."""
    groups = []
    for cluster in np.unique(cluster_N):
        own = np.flatnonzero(cluster_N == cluster)
        distance = np.linalg.norm(coordinates_NC[own] - coordinates_NC[own].mean(axis=0), axis=1)
        typical = own[np.argsort(distance, kind="stable")[:_TYPICAL]]
        group: dict[str, Any] = {
            "cluster": int(cluster),
            "size": len(own),
            "share": len(own) / len(cluster_N),
            "materials": len(np.unique(material_N[own])),
            "typical_rows": [int(row) for row in typical],
            "typical": [str(material_N[row]) for row in typical],
        }
        difference_E, effect_E = _difference(spectra_NE, cluster_N == cluster)
        if np.isfinite(effect_E).any():
            most = int(np.nanargmax(np.abs(effect_E)))
            group |= {
                "differs_at": float(energy_E[most]),
                "differs_by": float(difference_E[most]),
                "effect": float(effect_E[most]),
            }
        groups.append(group)
    return groups


def _difference(spectra_NE: np.ndarray, of_it_N: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return the mean of some spectra less that of the others, and that over the deviation within both."""
    if of_it_N.all():
        nothing_E = np.full(spectra_NE.shape[1], np.nan)
        return nothing_E, nothing_E
    own_NE, other_NE = spectra_NE[of_it_N], spectra_NE[~of_it_N]
    difference_E = own_NE.mean(axis=0) - other_NE.mean(axis=0)
    square_E = (len(own_NE) * own_NE.var(axis=0) + len(other_NE) * other_NE.var(axis=0)) / len(spectra_NE)
    # Where spectra do not vary, as before the edge, a difference over their deviation says nothing.
    least = 1e-2 * float(np.sqrt(square_E.max()))
    return difference_E, difference_E / np.maximum(np.sqrt(square_E), max(least, 1e-300))


def _shared(
    partition_N: np.ndarray,
    coordinates_NC: np.ndarray,
    material_N: np.ndarray,
    label_N: np.ndarray,
    sample: np.ndarray,
) -> dict[str, Any]:
    """Compare a partition with labels where these are known; the ceiling is that of the sample."""
    label_N = np.asarray(label_N)
    known_N = np.isfinite(label_N) if label_N.dtype.kind == "f" else label_N.astype(str) != ""
    text_N = label_N.astype(str)
    if len(np.unique(text_N[known_N])) < 2:
        return {"shared": float("nan"), "ceiling": float("nan"), "n": int(known_N.sum())}
    rows = sample[known_N[sample]]
    return {
        "shared": mutual_information(partition_N[known_N], text_N[known_N]),
        "ceiling": supervised_ceiling(coordinates_NC[rows], text_N[rows], material_N[rows]),
        "n": int(known_N.sum()),
    }


def _spectra(spectra_NE: np.ndarray, energy_E: np.ndarray, cluster_N: np.ndarray) -> pd.DataFrame:
    parts = []
    for cluster in np.unique(cluster_N):
        own_NE = spectra_NE[cluster_N == cluster]
        difference_E, effect_E = _difference(spectra_NE, cluster_N == cluster)
        low_E, high_E = np.quantile(own_NE, _BAND, axis=0)
        columns = {
            "cluster": cluster,
            "size": len(own_NE),
            "energy": energy_E,
            "mean": own_NE.mean(axis=0),
            "low": low_E,
            "high": high_E,
            "difference": difference_E,
            "effect": effect_E,
        }
        parts.append(pd.DataFrame(columns))
    return pd.concat(parts, ignore_index=True)


def _numbers(stability: Stability) -> pd.DataFrame:
    def ends(values_JR: np.ndarray, name: str) -> dict[str, np.ndarray]:
        low_J, high_J = values_JR.min(axis=1), values_JR.max(axis=1)
        return {name: values_JR.mean(axis=1), f"{name}_low": low_J, f"{name}_high": high_J}

    return pd.DataFrame(
        {
            "clusters": stability.numbers,
            **ends(stability.stability_JR, "stability"),
            **ends(stability.without_JR, "without"),
            "recovery": stability.recovery_JR.mean(axis=1),
            "reliable": stability.reliable_J,
            "chosen": stability.numbers == (stability.number or 0),
        }
    )


def _components(spectra_NE: np.ndarray, energy_E: np.ndarray) -> pd.DataFrame:
    """Return the first principal components of the spectra, each the change by one deviation of its scores."""
    centred_NE = spectra_NE - spectra_NE.mean(axis=0)
    value_E, vector_EE = np.linalg.eigh(centred_NE.T @ centred_NE / len(centred_NE))
    value_C, vector_EC = value_E[::-1][:_COMPONENTS], vector_EE[:, ::-1][:, :_COMPONENTS]
    # The sign of a component is arbitrary: its largest value is positive.
    sign_C = np.sign(np.take_along_axis(vector_EC, np.abs(vector_EC).argmax(axis=0)[None], axis=0)[0])
    change_EC = vector_EC * sign_C * np.sqrt(np.maximum(value_C, 0))
    table = pd.DataFrame({"energy": energy_E, "mean": spectra_NE.mean(axis=0)})
    for number, change_E in enumerate(change_EC.T, start=1):
        table[f"component_{number}"] = change_E
    table.attrs["variance_share"] = [float(share) for share in value_C / value_E.sum()]
    return table


def _series(series_N: np.ndarray, cluster_N: np.ndarray) -> pd.DataFrame:
    clusters = np.unique(cluster_N)
    value_M, share_MC = shares(series_N, cluster_N, clusters)
    return pd.DataFrame(
        {
            "value": np.repeat(value_M, len(clusters)),
            "cluster": np.tile(clusters, len(value_M)),
            "share": share_MC.ravel(),
        }
    )
