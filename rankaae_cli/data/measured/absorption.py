"""The absorption made of a scan's columns: which of transmission and fluorescence, and of what."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from rankaae_cli.core.xas.edge_position import find_edge
from rankaae_cli.core.xas.glitches import full_range
from rankaae_cli.core.xas.spectra import SpectrumError
from rankaae_cli.data.measured.columns import SIGNALS, ColumnChoice, choosing
from rankaae_cli.data.measured.spectrum import LONGEST, working_points

_TRANSMISSION, _FLUORESCENCE = ("mutrans", "itrans"), ("mufluor", "ifluor")
# What is made of counts: its name, and the detectors above and below the bar.
_QUOTIENTS = {"itrans": ("log(i0/itrans)", "i0", "itrans"), "ifluor": ("ifluor/i0", "ifluor", "i0")}
# Fluorescence is taken before transmission if its noise, in edge steps, is lower by this factor, that of
# transmission is not good enough, and the sample does not absorb so much that its fluorescence is absorbed too.
_LESS_NOISE, _GOOD_NOISE, _THICK_STEP = 3.0, 0.01, 0.3
_HIGHEST_MU = 100.0  # no absorption is above this, nor its ratio to i0 where gains are alike
_LEVEL = (3.0, 25.0)  # eV from the edge, between which its step is taken


@dataclass(frozen=True)
class Absorption:
    """The absorption made of a scan's columns; shape (M,) each, `kept` is the rows of the scan that remain."""

    mu_M: np.ndarray
    reference_M: np.ndarray | None
    kept: np.ndarray
    is_normalised: bool
    columns_used: str
    notes: tuple[str, ...]
    doubts: tuple[str, ...] = ()


def absorption(
    columns: Mapping[str, np.ndarray],
    choice: ColumnChoice,
    energy_M: np.ndarray,
    expected: float | None,
    mu_label: str,
) -> Absorption:
    """Make the absorption, and the reference's, of the columns there are.

    In this order, the first that there is: what the choice names; mu of transmission; log(i0/itrans); mu of
    fluorescence; ifluor/i0; mu of an unnamed kind; the flattened or normalised absorption. Where a scan has
    transmission and fluorescence, fluorescence goes first if transmission shows no edge but fluorescence does,
    or if the noise of transmission is above 1 % of its edge step and three times that of fluorescence, and its
    edge step is below 0.3: more is a concentrated sample, which absorbs its own fluorescence. Noise is the
    scatter of points about their neighbours. A note names the other one.

    A reference stands behind the sample, so it is log(itrans/irefer) where there is a transmission,
    log(i0/irefer) otherwise.

    Parameters
    ----------
    columns
        Shape (M,) each, by XDI's labels; see `labelled`.
    choice
        What was asked for.
    energy_M
        Shape (M,), eV, in any order.
    expected
        Where (eV) the edge is tabulated, if that is known.
    mu_label
        What the file calls the column ``mu``, if otherwise.

    Raises
    ------
    SpectrumError
        If there is nothing to make it of, or a detector is zero or constant.
    """
    usable = _usable(columns, choice)
    name, notes = usable[0], [""]
    transmission = next((n for n in usable if n in _TRANSMISSION), None)
    fluorescence = next((n for n in usable if n in _FLUORESCENCE), None)
    if transmission and fluorescence:
        name, note = _clearer(columns, transmission, fluorescence, energy_M, expected)
        notes.append(note)
    mu_M, kept, note = _mu_of(columns, name)
    is_normalised = name in ("normtrans", "normfluor", "flat")
    if choice.normalised is not None:
        is_normalised = choice.normalised
    doubts = _doubts(columns, name, kept, energy_M)
    if name not in _QUOTIENTS and _are_counts(mu_M, name == "mu" and not is_normalised):
        label = mu_label or (name if choice.mu is None else choice.mu)
        doubts.append(f"column {label} was taken for mu; it looks like counts that were not divided by i0")
    reference_M, reference_note = _reference(columns, kept)
    return Absorption(
        mu_M,
        reference_M,
        kept,
        is_normalised,
        _shown_name(name),
        tuple(n for n in (note, reference_note, *notes, *doubts) if n),
        tuple(doubts),
    )


def _usable(columns: Mapping[str, np.ndarray], choice: ColumnChoice) -> Sequence[str]:
    """Return the columns of which an absorption can be made, the first choice first."""
    if choice.mu is not None:
        return ["mu"]
    chosen = [name for name in _QUOTIENTS if getattr(choice, name) is not None]
    usable = [n for n in chosen or SIGNALS if n in columns and (n not in _QUOTIENTS or "i0" in columns)]
    if usable:
        return usable[:1] if chosen else usable
    lacking = [name for name in _QUOTIENTS if name in columns]
    if lacking:
        raise SpectrumError(
            f"column {lacking[0]} needs i0, which is not among {_shown(columns)}: name it by "
            f"{choosing(i0='NAME', **{lacking[0]: lacking[0]})}, or say {choosing(mu=lacking[0])} if that is mu"
        )
    raise SpectrumError(
        f"no absorption among the columns {_shown(columns)}: choose, such as by {choosing(energy=1, mu=2)}, "
        f"{choosing(energy=1, i0=2, itrans=3)} or {choosing(energy=1, i0=2, ifluor=3)}"
    )


def _mu_of(columns: Mapping[str, np.ndarray], name: str) -> tuple[np.ndarray, np.ndarray, str]:
    """Return the absorption made of a column, the rows that remain, and a note on the others."""
    if name in _QUOTIENTS:
        _require_counts(columns, name)
        # A fluorescence of nothing is dark, but no failure; a logarithm of it is.
        kept, note = working_points(columns, ["i0", "itrans"] if name == "itrans" else ["i0"])
        top, bottom = (columns[n][kept] for n in _QUOTIENTS[name][1:])
        mu_M = np.log(top / bottom) if name == "itrans" else top / bottom
    else:
        mu_M, note = columns[name], ""
        kept = np.ones(len(mu_M), dtype=bool)
    if np.ptp(mu_M) == 0:
        raise SpectrumError(f"column {_shown_name(name)} is constant ({mu_M[0]:.6g})")
    return mu_M, kept, note


def _clearer(
    columns: Mapping[str, np.ndarray],
    transmission: str,
    fluorescence: str,
    energy_M: np.ndarray,
    expected: float | None,
) -> tuple[str, str]:
    """Return which of transmission and fluorescence to take, and a note on the other."""
    noise, step = _noise_and_step(columns, transmission, energy_M, expected)
    other_noise, _ = _noise_and_step(columns, fluorescence, energy_M, expected)
    is_poor = noise > max(_GOOD_NOISE, _LESS_NOISE * other_noise) and not step >= _THICK_STEP
    if not (is_poor and np.isfinite(other_noise)):
        return transmission, f"fluorescence is there too: {_choice_of(fluorescence)}"
    why = "has no edge" if np.isinf(noise) else f"has a noise of {noise:.2%} of the edge step"
    return fluorescence, (
        f"fluorescence was taken, with a noise of {other_noise:.2%} of the edge step; transmission {why}: "
        f"{_choice_of(transmission)} takes it"
    )


def _noise_and_step(
    columns: Mapping[str, np.ndarray], name: str, energy_M: np.ndarray, expected: float | None
) -> tuple[float, float]:
    """Return the scatter of points about their neighbours in edge steps, and the step; without one inf and 0."""
    try:
        mu_M, kept, _ = _mu_of(columns, name)
        good = np.isfinite(mu_M) & np.isfinite(energy_M[kept])
        energy, order = np.unique(energy_M[kept][good], return_index=True)
        if len(energy) < 4 or np.ptp(energy) > LONGEST:
            return np.inf, 0.0
        mu = mu_M[good][order]
        distance = energy - find_edge(energy, mu, expected)
    except SpectrumError:
        return np.inf, 0.0
    below, above = (mu[(s * distance > _LEVEL[0]) & (s * distance < _LEVEL[1])] for s in (-1, 1))
    step = float(np.median(above) - np.median(below)) if below.size and above.size else 0.0
    if not step > 0:
        return np.inf, 0.0
    # As in edge_position: the median of second differences of white noise is 0.6745 sqrt(6) of its deviation.
    return float(1.4826 * np.median(np.abs(np.diff(mu, 2))) / np.sqrt(6)) / step, step


def _choice_of(name: str) -> str:
    return choosing(i0="i0", **{name: name}) if name in _QUOTIENTS else choosing(mu=name)


def _shown_name(name: str) -> str:
    return _QUOTIENTS[name][0] if name in _QUOTIENTS else name


def _require_counts(columns: Mapping[str, np.ndarray], name: str) -> None:
    values = columns[name]
    if np.ptp(values) == 0:
        what = "zero" if values[0] == 0 else f"constant ({values[0]:.6g})"
        raise SpectrumError(f"detector column {name} is {what} at all {len(values)} points")


def _doubts(
    columns: Mapping[str, np.ndarray], name: str, kept: np.ndarray, energy_M: np.ndarray
) -> list[str]:
    """Return what to say of detectors that are full, by the energies where they are."""
    doubts = []
    for detector in _QUOTIENTS[name][1:] if name in _QUOTIENTS else ():
        full = full_range(columns[detector][kept])
        if full:
            ends = energy_M[kept][[full.start, full.stop - 1]]
            doubts.append(
                f"detector {detector} is flat at its top from {ends.min():.1f} to {ends.max():.1f} eV: saturated?"
            )
    return doubts


def _are_counts(mu_M: np.ndarray, by_size: bool) -> bool:
    """Tell counts from an absorption: whole numbers, or, where their size tells too, such above 100."""
    finite = mu_M[np.isfinite(mu_M)]
    if not finite.size:
        return False
    whole = bool((finite == np.round(finite)).all()) and np.ptp(finite) > 10
    return whole or (by_size and float(np.abs(finite).max()) > _HIGHEST_MU)


def _reference(columns: Mapping[str, np.ndarray], kept: np.ndarray) -> tuple[np.ndarray | None, str]:
    for name in ("murefer", "normrefer"):
        if name in columns:
            return columns[name][kept], ""
    before = "itrans" if "itrans" in columns else "i0"
    if "irefer" not in columns or before not in columns:
        return None, ""
    top, behind = columns[before][kept], columns["irefer"][kept]
    if not ((top > 0).all() and (behind > 0).all()):
        return None, f"the reference is not used: {before} or irefer is not positive everywhere"
    return np.log(top / behind), ""


def _shown(columns: Mapping[str, np.ndarray]) -> str:
    return ", ".join(columns) or "none (no column has a name)"
