"""The spectrum's response to one style, without what goes with it in the data.

Style k walks from its 5th to its 95th percentile over the training rows, in steps between neighbouring levels
v_0 < ... < v_L. Where the other styles come from decides what the walk means:

- fixed rows, whatever their own style k, are moved far from where they lie: most combinations then occur nowhere
  in the data, and the decoder answers there what it likes;
- the mean of Dec over the rows near each level stays where data are, but changes with the other styles that go
  with style k: that is the marginal trend, not the response;
- so each step takes the rows whose style k lies in it and moves that style alone, no further than to the two
  levels beside it, and the mean differences are added up (accumulated local effects: Apley & Zhu, J. R. Stat.
  Soc. B 82, 1059 (2020)):

      A(v_l) = sum over steps m <= l of  mean over rows i with v_(m-1) <= z_ik <= v_m of
               [ Dec(z_i with z_ik = v_m) - Dec(z_i with z_ik = v_(m-1)) ].

  Dec(z) = g(z_k) + h(others) gives A = g up to a constant, however the styles are correlated.

Rows that lie further from all others than is usual are moved by no step (`core.styles.support`).

Alternatively the others are independent and standard normal, the same in every step, so that all combinations are
averaged; A is then the difference of the mean spectra. This is the prior of training only where that is not
correlated (`core.statistics.ranks.prior_correlation`).
"""

from dataclasses import dataclass

import numpy as np

from rankaae_cli.core.styles.traversal import (
    DATA,
    FIRST_PERCENTILE,
    INDEPENDENT,
    LAST_PERCENTILE,
    Decode,
    percentile_levels,
    with_styles,
)

_FEWEST_ROWS = 20  # in a step
_MOST_PARTS = 5  # that the step between two shown levels is taken in


@dataclass(frozen=True)
class WalkPoints:
    """Styles at which a walk is decoded; L levels and M = L - 1 steps between them, D draws in each.

    Attributes
    ----------
    style
        Index of the style that walks.
    shown
        Every so many levels one is shown: a step is short, so that no row is moved far.
    percentiles
        Percentiles of the style, shape (L,).
    level_TL
        The style's values there in each trial, shape (T, L).
    others_MTDS
        Styles of the rows of each step, shape (M, T, D, S), float32.
    rows_MTD
        Which training rows they are, shape (M, T, D); None where they are of none.
    """

    style: int
    shown: int
    percentiles: np.ndarray
    level_TL: np.ndarray
    others_MTDS: np.ndarray
    rows_MTD: np.ndarray | None

    def ends(self, step: int) -> tuple[np.ndarray, np.ndarray]:
        """Return the styles of a step with the walked one at its lower and at its upper level, (T, D, S) each."""
        low_TDS, high_TDS = (
            with_styles(self.others_MTDS[step], {self.style: self.level_TL[:, level]})
            for level in (step, step + 1)
        )
        return low_TDS, high_TDS


@dataclass(frozen=True)
class Walk:
    """Walk along one style in every trial; L shown levels.

    Attributes
    ----------
    percentiles
        Percentiles of the style, shape (L,).
    level_TL
        The style's values there in each trial, shape (T, L).
    spectra_TLE
        The accumulated differences, shape (T, L, E), on the mean of all that is decoded; of others that are the
        same in every step the mean decoded spectrum at each level.
    difference_TE
        Last minus first of them, shape (T, E).
    draws_low_TE, draws_high_TE
        5th and 95th percentile over the draws of each step's differences, added up over the steps, shape
        (T, E): the response where the others make it weak and where they make it strong.
    """

    percentiles: np.ndarray
    level_TL: np.ndarray
    spectra_TLE: np.ndarray
    difference_TE: np.ndarray
    draws_low_TE: np.ndarray
    draws_high_TE: np.ndarray


@dataclass(frozen=True)
class MeanResponse:
    """A walk averaged over trials.

    Attributes
    ----------
    n_trials
        How many trials are averaged.
    spectra_LE
        Mean spectrum at each level, shape (L, E).
    difference_E
        Last minus first, shape (E,).
    trials_low_E, trials_high_E
        Smallest and largest difference of a trial, shape (E,); NaN for a single trial.
    draws_low_E, draws_high_E
        Mean over the trials of `Walk.draws_low_TE` and of `Walk.draws_high_TE`.
    """

    n_trials: int
    spectra_LE: np.ndarray  # noqa: N815
    difference_E: np.ndarray
    trials_low_E: np.ndarray
    trials_high_E: np.ndarray
    draws_low_E: np.ndarray
    draws_high_E: np.ndarray


def walk_points(
    styles_TNS: np.ndarray,
    style: int,
    levels: int,
    draws: int,
    seed: int,
    others: str = DATA,
    usual_TN: np.ndarray | None = None,
) -> WalkPoints:
    """Return where to decode in order to walk one style.

    Parameters
    ----------
    styles_TNS
        Styles of the training rows, shape (T, N, S).
    style
        Index of the style to walk.
    levels
        How many values of the style are shown, at least 2.
    draws, seed
        Most rows between two shown levels; of fewer all are taken, of more some that are even in the walked
        style. The seed is that of independent numbers alone.
    others
        ``data``: in each step the rows whose style lies in it, the nearest where these are fewer than twenty;
        ``independent``: standard normal, independent of one another, the same in every trial and step.
    usual_TN
        The rows that may be moved, shape (T, N), bool; None: all. Levels are percentiles of all rows.
    """
    trials, n, s = styles_TNS.shape
    between = (LAST_PERCENTILE - FIRST_PERCENTILE) / 100 * n / (levels - 1)
    parts = 1 if others == INDEPENDENT else int(np.clip(between // _FEWEST_ROWS, 1, _MOST_PARTS))
    percentiles, level_TL = percentile_levels(styles_TNS, style, (levels - 1) * parts + 1)
    if others == INDEPENDENT:
        normal = np.random.default_rng(seed).standard_normal((draws, s)).astype(np.float32)
        shape = (levels - 1, trials, draws, s)
        return WalkPoints(style, parts, percentiles, level_TL, np.broadcast_to(normal, shape), None)
    assert others == DATA, others
    usual_TN = np.ones((trials, n), dtype=bool) if usual_TN is None else usual_TN
    rows_MTD = np.stack(
        [
            _rows_of_steps(percentiles, style_N, usual_N, -(-draws // parts))
            for style_N, usual_N in zip(styles_TNS[:, :, style], usual_TN, strict=True)
        ],
        axis=1,
    )
    others_MTDS = styles_TNS[np.arange(trials)[None, :, None], rows_MTD].astype(np.float32)
    return WalkPoints(style, parts, percentiles, level_TL, others_MTDS, rows_MTD)


def traverse_style(decode: Decode, points: WalkPoints) -> Walk:
    """Walk one style and decode; see the head of this module.

    Parameters
    ----------
    decode
        Takes styles, shape (T, D, S), and gives spectra, shape (T, D, E).
    points
        Where to.
    """
    means, low_TE, high_TE = [], 0.0, 0.0
    for step in range(len(points.others_MTDS)):  # one step at a time keeps the memory at T x D x E
        first_TDE, last_TDE = (np.asarray(decode(styles_TDS)) for styles_TDS in points.ends(step))
        means.append([spectra.mean(axis=1, dtype=np.float64) for spectra in (first_TDE, last_TDE)])
        spread = np.percentile(last_TDE - first_TDE, [FIRST_PERCENTILE, LAST_PERCENTILE], axis=1)
        low_TE, high_TE = low_TE + spread[0], high_TE + spread[1]
    first_MTE, last_MTE = np.stack(means, axis=1)
    rise = np.concatenate([np.zeros_like(first_MTE[:1]), (last_MTE - first_MTE).cumsum(axis=0)])
    # An inner level ends one step and begins another.
    at = np.concatenate([first_MTE[:1], (last_MTE[:-1] + first_MTE[1:]) / 2, last_MTE[-1:]])
    spectra_TLE = (rise + (at - rise).mean(axis=0)).swapaxes(0, 1)[:, :: points.shown]
    return Walk(
        percentiles=points.percentiles[:: points.shown],
        level_TL=points.level_TL[:, :: points.shown],
        spectra_TLE=spectra_TLE,
        difference_TE=spectra_TLE[:, -1] - spectra_TLE[:, 0],
        draws_low_TE=np.asarray(low_TE),
        draws_high_TE=np.asarray(high_TE),
    )


def mean_response(walk: Walk, members_T: np.ndarray) -> MeanResponse:
    """Average a walk over trials.

    Each trial walks its own style between its own percentiles, so the average makes sense where the style
    has one meaning in all trials: for named styles.

    Parameters
    ----------
    walk
        Of every trial.
    members_T
        Shape (T,), bool: the trials to average.
    """
    difference_TE = walk.difference_TE[members_T]
    n_trials, unknown_E = len(difference_TE), np.full(difference_TE.shape[1], np.nan)
    return MeanResponse(
        n_trials=n_trials,
        spectra_LE=walk.spectra_TLE[members_T].mean(axis=0),
        difference_E=difference_TE.mean(axis=0),
        trials_low_E=difference_TE.min(axis=0) if n_trials > 1 else unknown_E,
        trials_high_E=difference_TE.max(axis=0) if n_trials > 1 else unknown_E,
        draws_low_E=walk.draws_low_TE[members_T].mean(axis=0),
        draws_high_E=walk.draws_high_TE[members_T].mean(axis=0),
    )


def even_choice(n: int, most: int) -> np.ndarray:
    """Return the indices of n things, or of at most so many, and one at least, that are even among them."""
    return np.unique(np.linspace(0, n - 1, min(n, max(most, 1))).round().astype(np.int64))


def _rows_of_steps(
    percentiles: np.ndarray, style_N: np.ndarray, usual_N: np.ndarray, draws: int
) -> np.ndarray:
    """Return the rows of each step among those that are usual, shape (M, D), as many in each."""
    n, order_N = len(style_N), np.argsort(style_N, kind="stable")
    rank_of_usual = np.flatnonzero(usual_N[order_N])
    first_M, last_M = (np.asarray(edge) * (n - 1) / 100 for edge in (percentiles[:-1], percentiles[1:]))
    size = min(max(int((last_M - first_M).min()), _FEWEST_ROWS), len(rank_of_usual))
    start_M = np.searchsorted(rank_of_usual, np.rint((first_M + last_M - size + 1) / 2))
    start_M = np.clip(start_M, 0, len(rank_of_usual) - size)
    return np.asarray(order_N[rank_of_usual[start_M[:, None] + even_choice(size, draws)]])
