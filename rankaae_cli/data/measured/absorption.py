"""The absorption made of a scan's columns: which of transmission and fluorescence, and of what."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, NamedTuple

import numpy as np

from rankaae_cli.core.xas.edge_position import find_edge, point_noise
from rankaae_cli.core.xas.glitches import full_range
from rankaae_cli.core.xas.spectra import SpectrumError
from rankaae_cli.data.measured.columns import SIGNALS, ColumnChoice, choosing
from rankaae_cli.data.measured.spectrum import LONGEST, working_points

# What a column is a signal of; a line's fluorescence, which files call as they like, is not among them. A finished
# absorption is the last resort.
_TRANSMISSION, _FLUORESCENCE, _UNNAMED, _FINISHED = "transmission", "fluorescence", "mu", "normalised"
_KINDS = {
    "mutrans": _TRANSMISSION,
    "itrans": _TRANSMISSION,
    "mufluor": _FLUORESCENCE,
    "ifluor": _FLUORESCENCE,
    "mu": _UNNAMED,
    "flat": _FINISHED,
    "normtrans": _FINISHED,
    "normfluor": _FINISHED,
}
# A signal is taken before one that stands earlier if its noise, in edge steps, is lower by this factor and that of
# the other is not good enough; but not before the transmission of a sample that absorbs so much that its
# fluorescence is absorbed too, unless that transmission is of no use.
_LESS_NOISE, _GOOD_NOISE, _THICK_STEP, _NO_USE = 3.0, 0.01, 0.3, 0.1
_DOUBTFUL_NOISE = 0.03
_HIGHEST_MU = 100.0  # no absorption is above this, nor its ratio to i0 where gains are alike
_LEVEL = (3.0, 25.0)  # eV from the edge, between which its step is taken
_WRONG_SHARE = 0.02  # of the points: a fluorescence below zero
_ELSEWHERE = 50.0  # eV from the tabulated edge: another edge


class Line(NamedTuple):
    """Fluorescence of the absorber's line: the label of its column, and as what it is chosen."""

    label: str
    choice: str | int | Sequence[str | int]


@dataclass(frozen=True)
class Absorption:
    """The absorption made of a scan's columns; shape (M,) each, `kept` is the rows of the scan that remain.

    `fault` says why each of several signals failed where none shows an edge; the first is given then.
    """

    mu_M: np.ndarray
    reference_M: np.ndarray | None
    kept: np.ndarray
    is_normalised: bool
    columns_used: str
    notes: tuple[str, ...]
    doubts: tuple[str, ...] = ()
    fault: str = ""


@dataclass(frozen=True)
class _Signal:
    """The absorption made of a column, and its noise in edge steps, infinite at another edge; or its fault."""

    column: str
    choice: str
    mu_M: np.ndarray | None = None
    kept: np.ndarray | None = None
    notes: tuple[str, ...] = ()
    noise: float = np.inf
    step: float = 0.0
    fault: str = ""

    @property
    def kind(self) -> str:
        return _KINDS.get(self.column, _FLUORESCENCE)

    @property
    def name(self) -> str:
        return _shown_name(self.column)

    @property
    def is_thick(self) -> bool:
        return self.kind == _TRANSMISSION and self.step >= _THICK_STEP

    def is_clearer_than(self, other: "_Signal") -> bool:
        if other.fault or self.fault:
            return bool(other.fault) and not self.fault
        if self.kind == _FINISHED or (other.is_thick and other.noise <= _NO_USE):
            return False
        return other.noise > max(_GOOD_NOISE, _LESS_NOISE * self.noise)


def absorption(
    columns: Mapping[str, np.ndarray],
    choice: ColumnChoice,
    energy_M: np.ndarray,
    expected: float | None,
    mu_label: str,
    line: Line | None = None,
) -> Absorption:
    """Make the absorption, and the reference's, of the columns there are.

    What the choice names; else the first of these that there is: mu of transmission; log(i0/itrans); mu of
    fluorescence; ifluor/i0; fluorescence of the absorber's line over i0; mu of an unnamed kind; the flattened or
    normalised absorption. All are tried. A later one is taken if those before it cannot be used or show no edge, or
    if their noise is above 1 % of the edge step and three times its own. Transmission whose edge step is above 0.3
    is left only if its noise is above 10 %, for a concentrated sample absorbs its own fluorescence. Noise is the
    scatter of points about their neighbours. Notes name the others.

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
    line
        The column named after the absorber's line, if there is one.

    Raises
    ------
    SpectrumError
        If there is nothing to make it of, or nothing that can be read.
    """
    signals = signals_of(columns, choice, energy_M, expected, line)
    best = signals[0]
    for signal in signals[1:]:
        best = signal if signal.is_clearer_than(best) else best
    fault = _failure(signals)
    if best.fault:
        best = next((signal for signal in signals if signal.mu_M is not None), best)
    if best.mu_M is None or best.kept is None:
        raise SpectrumError(fault or best.fault)
    is_normalised = best.kind == _FINISHED if choice.normalised is None else choice.normalised
    doubts = _doubts(columns, best, energy_M) + _doubts_of_choice(signals, best)
    # What a file calls mu and keeps beside i0 is divided already, whatever its size.
    by_size = best.column == "mu" and (choice.mu is not None or bool(mu_label) or "i0" not in columns)
    if not _detectors(best.column) and _are_counts(best.mu_M, by_size and not is_normalised):
        label = mu_label or (best.column if choice.mu is None else choice.mu)
        doubts.append(f"column {label} was taken for mu; it looks like counts that were not divided by i0")
    reference_M, reference_note = _reference(columns, best.kept)
    return Absorption(
        best.mu_M,
        reference_M,
        best.kept,
        is_normalised,
        best.name,
        tuple(n for n in (*best.notes, reference_note, *_notes_of_choice(signals, best), *doubts) if n),
        tuple(doubts),
        fault,
    )


def signals_of(
    columns: Mapping[str, np.ndarray],
    choice: ColumnChoice,
    energy_M: np.ndarray,
    expected: float | None,
    line: Line | None = None,
) -> list["_Signal"]:
    """Return every signal that `absorption` tries, of the same arguments, the first choice first."""
    return [_signal(columns, *one, energy_M, expected) for one in _usable(columns, choice, line)]


def _usable(
    columns: Mapping[str, np.ndarray], choice: ColumnChoice, line: Line | None
) -> list[tuple[str, str]]:
    """Return the columns of which an absorption can be made, the first choice first, and how to choose each."""
    if choice.mu is not None:
        return [("mu", "")]
    chosen = [name for name in ("itrans", "ifluor") if getattr(choice, name) is not None]
    labels: dict[str, Any] = {name: name for name in chosen or SIGNALS}
    if line and not chosen:
        after = SIGNALS.index("ifluor") + 1
        labels = {name: name for name in SIGNALS[:after]} | {line.label: line.choice} | labels
    usable = [
        (n, choosing(i0="i0", **{"itrans" if n == "itrans" else "ifluor": wanted}))
        if _detectors(n)
        else (n, choosing(mu=wanted))
        for n, wanted in labels.items()
        if n in columns and ("i0" in columns or not _detectors(n))
    ]
    if usable:
        return usable[:1] if chosen else usable
    lacking = [name for name in labels if name in columns]
    if lacking:
        raise SpectrumError(
            f"column {lacking[0]} needs i0, which is not among {_shown(columns)}: name it by "
            f"{choosing(i0='NAME', **{lacking[0]: lacking[0]})}, or say {choosing(mu=lacking[0])} if that is mu"
        )
    raise SpectrumError(
        f"no absorption among the columns {_shown(columns)}: choose, such as by {_choices(columns)}"
    )


def _choices(columns: Mapping[str, np.ndarray]) -> str:
    """Return how an absorption may be chosen: by names where there are, as the arrays of HDF5 have no numbers."""
    mu: dict[str, str | int] = {"energy": 1, "mu": 2}
    i0: dict[str, str | int] = {"energy": 1, "i0": 2}
    signal: str | int = 3
    names = [name for name in columns if name not in ("energy", "i0") and name.isidentifier()]
    if len(names) > 1 or (names and "i0" in columns):
        signal = names[-1]
        mu, i0 = {"mu": signal}, {} if "i0" in columns else {"i0": names[0]}
    return f"{choosing(**mu)}, {choosing(**i0, itrans=signal)} or {choosing(**i0, ifluor=signal)}"


def _detectors(column: str) -> tuple[str, ...]:
    """Return the detectors above and below the bar of what is made of counts; none for what is finished."""
    if column == "itrans":
        return "i0", "itrans"
    return () if column in _KINDS and column != "ifluor" else (column, "i0")


def _shown_name(column: str) -> str:
    detectors = _detectors(column)
    ratio = "/".join(detectors)
    return f"log({ratio})" if column == "itrans" else ratio or column


def _signal(
    columns: Mapping[str, np.ndarray],
    column: str,
    choice: str,
    energy_M: np.ndarray,
    expected: float | None,
) -> _Signal:
    signal = _Signal(column, choice)
    try:
        mu_M, kept, notes = _mu_of(columns, column)
        signal = _Signal(column, choice, mu_M, kept, notes)
        noise, step = _noise_and_step(mu_M, energy_M[kept], expected)
    except SpectrumError as error:
        return replace(signal, fault=str(error))
    return replace(signal, noise=noise, step=step)


def _mu_of(columns: Mapping[str, np.ndarray], column: str) -> tuple[np.ndarray, np.ndarray, tuple[str, ...]]:
    """Return the absorption made of a column, the rows that remain, and notes on the others and on signs."""
    values_M, detectors = columns[column], _detectors(column)
    if not detectors:
        mu_M, kept, notes = values_M, np.ones(len(values_M), dtype=bool), [""]
    else:
        if np.ptp(values_M) == 0:
            what = "zero" if values_M[0] == 0 else f"constant ({values_M[0]:.6g})"
            raise SpectrumError(f"detector column {column} is {what} at all {len(values_M)} points")
        sign = _sign(columns, detectors)
        # A fluorescence of nothing is dark, but no failure; a logarithm of it is.
        kept, note = working_points(columns, detectors if column == "itrans" else ["i0"], sign)
        top, bottom = (columns[n][kept] for n in detectors)
        mu_M = np.log(top / bottom) if column == "itrans" else top / bottom
        said = f"{' and '.join(detectors)} are both negative: their ratio was taken" if sign < 0 else ""
        notes = [said, note]
    if np.ptp(mu_M) == 0:
        raise SpectrumError(f"column {_shown_name(column)} is constant ({mu_M[0]:.6g})")
    return mu_M, kept, tuple(notes)


def _sign(columns: Mapping[str, np.ndarray], detectors: Sequence[str]) -> float:
    """Return -1 where all of some detectors are negative, as currents that flow the other way; else 1."""
    return -1.0 if all((columns[name] < 0).mean() > 0.5 for name in detectors) else 1.0


def _noise_and_step(mu_M: np.ndarray, energy_M: np.ndarray, expected: float | None) -> tuple[float, float]:
    """Return the scatter of points about their neighbours in edge steps, and the step.

    They are inf and 0 where the edge is not the expected one. Raises SpectrumError if there is no edge.
    """
    good = np.isfinite(mu_M) & np.isfinite(energy_M)
    energy, order = np.unique(energy_M[good], return_index=True)
    if len(energy) < 4 or np.ptp(energy) > LONGEST:
        return np.inf, 0.0
    mu = mu_M[good][order]
    e0 = find_edge(energy, mu, expected)
    if expected is not None and abs(e0 - expected) > _ELSEWHERE:
        return np.inf, 0.0
    below, above = (mu[(s * (energy - e0) > _LEVEL[0]) & (s * (energy - e0) < _LEVEL[1])] for s in (-1, 1))
    step = float(np.median(above) - np.median(below)) if below.size and above.size else 0.0
    return (point_noise(mu) / step, step) if step > 0 else (np.inf, 0.0)


def _failure(signals: Sequence[_Signal]) -> str:
    """Return why each of several signals failed; empty where one did not, or there is only one."""
    if len(signals) < 2 or not all(signal.fault for signal in signals):
        return ""
    tried = "; ".join(f"{signal.name}: {signal.fault}" for signal in signals)
    return f"none of the {len(signals)} signals is an absorption: {tried}"


def _notes_of_choice(signals: Sequence[_Signal], best: _Signal) -> list[str]:
    """Return which signal was taken and why, where it is not the first, and how to take the others."""
    before = signals.index(best)
    notes = []
    for i, signal in enumerate(signals):
        first = next(other for other in signals if other.kind == signal.kind)
        what = (
            signal.kind if signal is first and signal.kind in (_TRANSMISSION, _FLUORESCENCE) else signal.name
        )
        if signal is best or (i > before and signal.kind not in (_TRANSMISSION, _FLUORESCENCE)):
            continue
        if signal.fault:
            notes.append(f"{what} cannot be taken: {signal.fault}")
        elif i < before:
            why = (
                "has no edge there" if np.isinf(signal.noise) else f"has a noise of {signal.noise:.2%} of it"
            )
            notes.append(f"{what} {why}: {signal.choice} takes it")
        elif signal.kind != best.kind:
            notes.append(f"{what} is there too: {signal.choice}")
    if before:
        notes.insert(0, f"{best.name} was taken, with a noise of {best.noise:.2%} of the edge step")
    return notes


def _doubts_of_choice(signals: Sequence[_Signal], best: _Signal) -> list[str]:
    doubts = []
    if _DOUBTFUL_NOISE < best.noise < np.inf:
        doubts.append(f"{best.name} has a noise of {best.noise:.1%} of its edge step")
    thick = next((signal for signal in signals if signal.is_thick), None)
    if thick and best.kind == _FLUORESCENCE:
        doubts.append(
            f"the edge step of {thick.name} is {thick.step:.2g}: a concentrated sample absorbs its own "
            "fluorescence, which lowers what is above the edge"
        )
    return doubts


def _doubts(columns: Mapping[str, np.ndarray], best: _Signal, energy_M: np.ndarray) -> list[str]:
    """Return what to say of detectors that are full, by the energies where they are, or below zero."""
    doubts = []
    detectors = _detectors(best.column)
    sign = _sign(columns, detectors) if detectors else 1.0
    for detector in detectors:
        values_M, energy = sign * columns[detector][best.kept], energy_M[best.kept]
        full = full_range(values_M)
        if full:
            ends = energy[[full.start, full.stop - 1]]
            doubts.append(
                f"detector {detector} is flat at its top from {ends.min():.1f} to {ends.max():.1f} eV: saturated?"
            )
        wrong = int((values_M < 0).sum())
        if wrong > _WRONG_SHARE * len(values_M):
            doubts.append(
                f"detector {detector} is {'negative' if sign > 0 else 'positive'} at {wrong} of {len(values_M)} "
                "points: was an offset, such as a dark current, not subtracted?"
            )
    return doubts


def _are_counts(mu_M: np.ndarray, by_size: bool) -> bool:
    """Tell counts from an absorption: they are whole numbers or, where size is a sign of it, larger than 100."""
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
    if not (((top > 0) & (behind > 0)).all() or ((top < 0) & (behind < 0)).all()):
        return None, f"the reference is not used: {before} or irefer is not positive everywhere"
    return np.log(top / behind), ""


def _shown(columns: Mapping[str, np.ndarray]) -> str:
    return ", ".join(columns) or "none (no column has a name)"
