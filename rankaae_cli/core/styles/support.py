"""Where styles are like those of training spectra, and how much of a walk lies there."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import scipy  # whose parts are loaded where they are used

from rankaae_cli.core.styles.walk import WalkPoints, even_choice

NEIGHBOURS = 5
USUAL = 0.95  # of the held-out rows, whose distance is at most the limit
_MOST_POINTS = 4000  # of a walk, looked at
_LEAST_USUAL = 0.5  # share of the training rows; where fewer are, the limit says nothing of them
_SPARE_NEIGHBOURS = 8  # looked at beyond NEIGHBOURS at first, since some are of the same material


@dataclass(frozen=True)
class Support:
    """The training rows as places in the space of styles, of every trial, and how far from them is usual.

    The distance of a point is that to its fifth nearest training row of another material, each style in its
    standard deviations over the training rows. The material is left out since a held-out row has no row of its own
    material among the training rows either, while a walked point begins at one.

    Attributes
    ----------
    place_TNS
        Styles of the training rows, standardised, shape (T, N, S).
    scale_TS
        Standard deviations, shape (T, S); 1 where a style does not vary.
    material_N
        Number of each row's material, shape (N,).
    limit_T
        95 % of the held-out rows are at most so far, shape (T,); infinite where there are none.
    """

    place_TNS: np.ndarray
    scale_TS: np.ndarray
    material_N: np.ndarray
    limit_T: np.ndarray

    @classmethod
    def of(
        cls, styles_TNS: np.ndarray, materials_N: Sequence[Any] | np.ndarray, held_out_TNS: np.ndarray
    ) -> "Support":
        """Return the support of training rows, and their materials; `held_out_TNS` gives the limit."""
        scale_TS = styles_TNS.std(axis=1, dtype=np.float64)
        scale_TS = np.where(scale_TS > 0, scale_TS, 1.0)
        code_N = np.unique(np.asarray(materials_N).astype(str), return_inverse=True)[1]
        support = cls(styles_TNS / scale_TS[:, None], scale_TS, code_N, np.full(len(scale_TS), np.inf))
        if not held_out_TNS.shape[1]:
            return support
        limit_T = [
            np.quantile(support.distances(t, held_out_NS), USUAL)
            for t, held_out_NS in enumerate(held_out_TNS)
        ]
        return cls(support.place_TNS, scale_TS, code_N, np.array(limit_T))

    def distances(self, trial: int, styles_NS: np.ndarray, rows_N: np.ndarray | None = None) -> np.ndarray:
        """Return how far points are from the training rows in one trial, shape (N,).

        Parameters
        ----------
        trial
            Index of the trial.
        styles_NS
            The points' styles, shape (N, S).
        rows_N
            The training row of each point, whose material is left out; None where they are of none.
        """
        tree = scipy.spatial.cKDTree(self.place_TNS[trial])
        place_NS = styles_NS / self.scale_TS[trial]
        distance_N = np.full(len(place_NS), np.inf)
        left, asked, most = np.arange(len(place_NS)), NEIGHBOURS + _SPARE_NEIGHBOURS, tree.n
        while len(left):
            asked = min(asked, most)
            near, found = tree.query(place_NS[left], k=np.arange(1, asked + 1))
            other = np.ones(near.shape, dtype=bool)
            if rows_N is not None:
                other = self.material_N[found] != self.material_N[rows_N[left]][:, None]
            number = other.cumsum(axis=1)
            enough = number[:, -1] >= NEIGHBOURS
            at = (number >= NEIGHBOURS).argmax(axis=1)
            distance_N[left[enough]] = near[enough, at[enough]]
            left, asked = (left[~enough], 4 * asked) if asked < most else (left[:0], asked)
        return distance_N

    def usual(self) -> np.ndarray:
        """Return which training rows are as near to others as is usual, shape (T, N), bool; all where few are."""
        rows_N = np.arange(len(self.material_N))
        usual_TN = np.stack(
            [
                self.distances(t, place_NS * self.scale_TS[t], rows_N) <= self.limit_T[t]
                for t, place_NS in enumerate(self.place_TNS)
            ]
        )
        return usual_TN | (usual_TN.mean(axis=1, keepdims=True) < _LEAST_USUAL)

    def share(self, points: WalkPoints, members_T: np.ndarray) -> np.ndarray:
        """Return which share of a walk's points is within the limit, by the shown level nearest, shape (L,).

        Both ends of every step count; the mean over the trials that are members, of at most 4,000 points of each
        walk in all.
        """
        steps, _, draws, s = points.others_MTDS.shape
        trials = np.flatnonzero(members_T)
        chosen = even_choice(draws, _MOST_POINTS // (2 * steps * len(trials)))
        # An end of a step belongs to the nearest shown level, of two that are as near to that of its step.
        level_M2 = (np.arange(steps)[:, None] + np.array([0.25, 0.75])) / points.shown
        level_M2 = level_M2.round().astype(np.int64)
        shares = []
        for t in map(int, trials):
            ends_M2DS = np.array([[end[t, chosen] for end in points.ends(step)] for step in range(steps)])
            rows = None
            if points.rows_MTD is not None:
                rows = np.repeat(points.rows_MTD[:, None, t, chosen], 2, axis=1).ravel()
            within = self.distances(t, ends_M2DS.reshape(-1, s), rows) <= self.limit_T[t]
            within_M2 = within.reshape(steps, 2, -1).mean(axis=2)
            shares.append(np.bincount(level_M2.ravel(), within_M2.ravel()) / np.bincount(level_M2.ravel()))
        return np.asarray(np.mean(shares, axis=0))
