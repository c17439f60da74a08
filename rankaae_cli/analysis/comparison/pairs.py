"""Spectra of the same sites by two codes, aligned and scored."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import combinations, groupby
from typing import Any

import numpy as np
import pandas as pd
from scipy.interpolate import CubicSpline

from rankaae_cli.analysis.comparison.collection import Collection, Spectra
from rankaae_cli.core.comparison.agreement import SCORES, agreement
from rankaae_cli.core.comparison.alignment import Alignments, align, broadened
from rankaae_cli.core.comparison.joint_shift import PairOffset, combine_pairs
from rankaae_cli.core.comparison.published import compare_as_published
from rankaae_cli.core.errors import UserError
from rankaae_cli.core.statistics.bootstrap import (
    affordable_resamples,
    material_weights,
    percentile_interval,
)

BROADENED = tuple(f"{name}_broadened" for name in SCORES)
PUBLISHED = ("shift", "pearson", "spearman", "cosine")
SITES, MATERIALS, ORDER = "material and site", "material, sites averaged", "order"
_STEPS = (0.1, 0.25)  # eV, between which spectra are compared
_SEARCH = 20.0  # eV, where both are on absolute energies
_LEAST_OVERLAP = 0.5
_FEWEST_POINTS = 5
_FOOT, _BEFORE = 0.02, 10.0  # of the maximum; eV


@dataclass(frozen=True)
class ComparisonOptions:
    """How spectra are compared.

    Attributes
    ----------
    search
        Largest shift, eV; None: 20 eV where both overlap as they are, else any.
    reach
        eV behind the foot of the edge that count of what codes write.
    published
        Whether to compare by the published rule too.
    drawn
        How many pairs of two collections to keep for drawing, those of the least Spearman correlation.
    """

    search: float | None = None
    reach: float = 40.0
    published: bool = False
    drawn: int = 6


@dataclass(frozen=True)
class CurvePair:
    """Two aligned spectra on common energies.

    Attributes
    ----------
    material, site
        Whose.
    energy_E
        eV, of the second.
    first_E, second_E
        The first moved there, scaled and offset onto the second, both as they are but for that.
    first_broadened_E, second_broadened_E
        The same, the sharper of the two broadened.
    """

    material: str
    site: int
    energy_E: np.ndarray
    first_E: np.ndarray
    second_E: np.ndarray
    first_broadened_E: np.ndarray
    second_broadened_E: np.ndarray


@dataclass(frozen=True)
class Comparison:
    """Two collections, and a row for each pair of their spectra.

    Attributes
    ----------
    first, second
        Their names.
    paired_by
        `SITES`, `MATERIALS` or `ORDER`.
    table
        Columns material, site, those of `Alignments`, the scores, the same `BROADENED`, and where asked for
        ``published_...``. NaN where a pair has no shift.
    curves
        Of the pairs that are drawn, the worst first.
    """

    first: str
    second: str
    paired_by: str
    table: pd.DataFrame
    curves: Sequence[CurvePair]

    @cached_property
    def joint(self) -> PairOffset | None:
        """What the shifts of the pairs amount to; None where no pair has one."""
        shift_N = self.table["shift"].to_numpy()
        if not np.isfinite(shift_N).any():
            return None
        return combine_pairs(list(self.table["material"]), shift_N, self.table["scale"].to_numpy())

    def summary(self, resamples: int, seed: int) -> dict[str, Any]:
        """Return the joint shift and the mean scores with their 95 % intervals over materials."""
        known = self.table["shift"].notna().to_numpy()
        table = self.table[known]
        joint = self.joint
        summary: dict[str, Any] = {
            "first": self.first,
            "second": self.second,
            "paired_by": self.paired_by,
            "pairs": len(self.table),
            "without_shift": int((~known).sum()),
            "materials": len(set(table["material"])),
            "shift": None if joint is None else joint.offset,
            "shift_spread": None if joint is None or joint.materials < 2 else joint.spread,
            "shift_error": _shift_error(table, joint),
            "width": float(table["width"].median()) if len(table) else None,
        }
        weights_NR = material_weights(
            list(table["material"]), affordable_resamples(len(table), resamples), np.random.default_rng(seed)
        )
        for name in self.scores:
            values = table[name].to_numpy(dtype=float)
            # A pair may have a shift and no score, such as one that is nowhere positive by the published rule.
            finite_N = np.isfinite(values)
            values, own_NR = values[finite_N], weights_NR[finite_N]
            own_NR = own_NR[:, own_NR.sum(axis=0) > 0]
            interval = None
            if own_NR.shape[1]:
                interval = percentile_interval(own_NR.T @ values / own_NR.sum(axis=0))
            summary[name] = {"mean": float(values.mean()) if len(values) else None, "interval": interval}
        return summary

    @property
    def scores(self) -> list[str]:
        """The columns that are scores."""
        return [*SCORES, *BROADENED, *(one for one in map(str, self.table) if one.startswith("published_"))]


def compare_all(collections: Sequence[Collection], options: ComparisonOptions) -> list[Comparison]:
    """Compare each collection with each other one; see `compare`."""
    return [compare(*two, options) for two in combinations(collections, 2)]


def compare(first: Collection, second: Collection, options: ComparisonOptions) -> Comparison:
    """Align and score the spectra of the same sites; the energies of the first are moved.

    Raises
    ------
    UserError
        If one is over an index and the other over eV, they are of other absorbers, or have no site in common.
    """
    if first.energy_unit != second.energy_unit:
        raise UserError(
            f"{first.name} is over {first.energy_unit}, {second.name} over {second.energy_unit}\n"
            "give spectra over eV, or all over the same index"
        )
    for what in ("element", "edge"):
        own, other = getattr(first, what), getattr(second, what)
        if own and other and own != other:
            raise UserError(f"{first.name} is of {what} {own}, {second.name} of {other}\ngive one absorber")
    first, second, places, paired_by = _paired(first, second)
    rows: list[pd.DataFrame] = []
    for (p, q), group in groupby(places, key=lambda place: (place[1][0], place[2][0])):
        own, other = first.parts[p], second.parts[q]
        own_rows, other_rows = zip(*((one[1][1], one[2][1]) for one in group), strict=True)
        names = [(own.material_N[n], own.site_N[n]) for n in own_rows]
        rows.append(
            _compared(own, other, list(own_rows), list(other_rows), options).assign(
                material=[material or second.parts[q].material_N[0] for material, _ in names],
                site=[site for _, site in names],
                place=pd.Series([(p, n, q, m) for n, m in zip(own_rows, other_rows, strict=True)]),
            )
        )
    table = pd.concat(rows, ignore_index=True)
    worst = table[table["shift"].notna()].sort_values("spearman", kind="stable").head(options.drawn)
    curves = [_curves(first, second, row, options.reach) for row in worst.to_dict("records")]
    columns = ["material", "site", *(name for name in table if name not in ("material", "site", "place"))]
    return Comparison(first.name, second.name, paired_by, table[columns], curves)


def _paired(
    first: Collection, second: Collection
) -> tuple[Collection, Collection, list[tuple[Any, tuple[int, int], tuple[int, int]]], str]:
    """Return the two as they are compared, their pairs of places, grouped by axes, and what pairs them."""
    common = sorted(first.places.keys() & second.places.keys())
    materials = {one for one, _ in first.places} & {one for one, _ in second.places}
    whole = {key for key in first.places if key[0] in materials} == {
        key for key in second.places if key[0] in materials
    }
    # Code output counts sites in its own way: where these are not the same, materials are compared.
    if common and (whole or (first.family is not None and second.family is not None)):
        paired_by = SITES
    elif materials:
        first, second, paired_by = first.averages(), second.averages(), MATERIALS
        common = sorted(first.places.keys() & second.places.keys())
    elif len(first) == len(second):
        pairs = zip(first.places.items(), second.places.items(), strict=True)
        return first, second, sorted(((k, a, b) for (k, a), (_, b) in pairs), key=_axes), ORDER
    else:
        raise UserError(
            f"{first.name} and {second.name} have no material in common, and {len(first)} and {len(second)} "
            "spectra\n"
            "give files of the same materials, or as many spectra in the same order"
        )
    return (
        first,
        second,
        sorted(((k, first.places[k], second.places[k]) for k in common), key=_axes),
        paired_by,
    )


def _axes(place: tuple[Any, tuple[int, int], tuple[int, int]]) -> tuple[int, int]:
    return place[1][0], place[2][0]


def _compared(
    own: Spectra,
    other: Spectra,
    own_rows: list[int],
    other_rows: list[int],
    options: "ComparisonOptions",
) -> pd.DataFrame:
    """Return a row for each pair of two axes."""
    step = _step(own.energy_E, other.energy_E)
    first = _Gridded.of(own, own_rows, step, options.reach)
    second = _Gridded.of(other, other_rows, step, options.reach)
    overlap = min(first.energy_E[-1], second.energy_E[-1]) - max(first.energy_E[0], second.energy_E[0])
    shorter = min(np.ptp(first.energy_E), np.ptp(second.energy_E))
    search = options.search
    if search is None and overlap >= _LEAST_OVERLAP * shorter:
        search = _SEARCH
    aligned = align(first.energy_E[0], first.rows_NE, second.energy_E[0], second.rows_NE, step, search)
    # Of copies, what is left of a distance is rounding.
    scores = pd.DataFrame([_scores(first, second, n, aligned, step) for n in range(len(own_rows))]).round(9)
    table = pd.concat([pd.DataFrame(_columns(aligned)), scores], axis=1)
    if options.published:
        table = pd.concat([table, _published(own, other, own_rows, other_rows)], axis=1)
    return table


@dataclass(frozen=True)
class _Gridded:
    """Rows of spectra on energies of one step."""

    energy_E: np.ndarray
    rows_NE: np.ndarray

    @classmethod
    def of(cls, spectra: Spectra, rows: list[int], step: float, reach: float) -> "_Gridded":
        energy_E = spectra.energy_E
        absorption_NE = spectra.absorption_NE[rows]
        if not spectra.is_whole:
            # Codes write long stretches of nothing, and states run out at the far end.
            size_E = np.abs(absorption_NE).max(axis=0)
            foot = energy_E[int(np.argmax(size_E > _FOOT * size_E.max()))]
            near = (energy_E >= foot - _BEFORE) & (energy_E <= foot + reach)
            energy_E, absorption_NE = energy_E[near], absorption_NE[:, near]
        if len(energy_E) < _FEWEST_POINTS or np.ptp(energy_E) < (_FEWEST_POINTS - 1) * step:
            raise UserError(
                f"too few energies count of {spectra.material_N[rows[0]] or 'a file'}: {len(energy_E)} over "
                f"{np.ptp(energy_E):g} eV\n"
                f"give a larger reach= (it is {reach:g} eV), or spectra of closer energies"
            )
        if np.allclose(np.diff(energy_E), step, rtol=0, atol=1e-6):
            return cls(energy_E, absorption_NE)
        grid = np.arange(energy_E[0], energy_E[-1] + step * 1e-6, step)
        return cls(grid, CubicSpline(energy_E, absorption_NE, axis=1)(grid))


def _step(energy_E: np.ndarray, energy_M: np.ndarray) -> float:
    spacing = max(float(np.median(np.diff(each))) for each in (energy_E, energy_M))
    return round(float(np.clip(spacing, *_STEPS)), 6)


def _columns(aligned: Alignments) -> dict[str, np.ndarray]:
    return {
        "shift": aligned.shift_N.round(6) + 0.0,
        "shift_error": aligned.error_N,
        "scale": aligned.scale_N,
        "offset": aligned.offset_N,
        "width": aligned.width_N,
        "misfit": aligned.misfit_N,
    }


def _scores(first: _Gridded, second: _Gridded, n: int, aligned: Alignments, step: float) -> dict[str, float]:
    """Return the scores of a pair at its own shift, as both are and with the sharper one broadened."""
    shift, width = float(aligned.shift_N[n]), float(aligned.width_N[n])
    if not np.isfinite(shift):
        return dict.fromkeys((*SCORES, *BROADENED), float("nan"))
    energy_E, plain, smooth = _moved(first, second, n, shift, width, step)
    alike = agreement(energy_E, *smooth)
    return agreement(energy_E, *plain) | {f"{name}_broadened": alike[name] for name in SCORES}


def _moved(
    first: _Gridded, second: _Gridded, n: int, shift: float, width: float, step: float
) -> tuple[np.ndarray, tuple[np.ndarray, np.ndarray], tuple[np.ndarray, np.ndarray]]:
    """Return the second's energies that both have, and both there: as they are, and the sharper one broadened."""
    own_E, other_E = first.rows_NE[n], second.rows_NE[n]
    moved_E = first.energy_E + shift
    common = (second.energy_E >= moved_E[0]) & (second.energy_E <= moved_E[-1])
    energy_E = second.energy_E[common]
    pairs = []
    for own_width, other_width in ((0.0, 0.0), (max(width, 0.0), max(-width, 0.0))):
        own = broadened(own_E[None], own_width, step)[0]
        other = broadened(other_E[None], other_width, step)[0]
        pairs.append((np.interp(energy_E, moved_E, own), other[common]))
    return energy_E, pairs[0], pairs[1]


def _published(own: Spectra, other: Spectra, own_rows: list[int], other_rows: list[int]) -> pd.DataFrame:
    rows = []
    for n, m in zip(own_rows, other_rows, strict=True):
        try:
            found = compare_as_published(
                own.energy_E, own.absorption_NE[n], other.energy_E, other.absorption_NE[m]
            )
        except ValueError:
            rows.append(dict.fromkeys((f"published_{name}" for name in PUBLISHED), float("nan")))
            continue
        values = {f"published_{name}": getattr(found, name) for name in PUBLISHED}
        # It is the first that is moved here.
        rows.append(values | {"published_shift": -found.shift})
    return pd.DataFrame(rows)


def _curves(first: Collection, second: Collection, row: Mapping[Any, Any], reach: float) -> CurvePair:
    p, n, q, m = row["place"]
    own, other = first.parts[p], second.parts[q]
    step = _step(own.energy_E, other.energy_E)
    grids = _Gridded.of(own, [n], step, reach), _Gridded.of(other, [m], step, reach)
    energy_E, plain, smooth = _moved(*grids, 0, row["shift"], row["width"], step)
    firsts = [row["scale"] * one[0] + row["offset"] for one in (plain, smooth)]
    return CurvePair(row["material"], row["site"], energy_E, firsts[0], plain[1], firsts[1], smooth[1])


def _shift_error(table: pd.DataFrame, joint: PairOffset | None) -> float | None:
    """Return the standard error of the joint shift; that of the jackknife where one material cannot show any."""
    if joint is None:
        return None
    if joint.materials > 1:
        return joint.standard_error
    return float(np.sqrt((table["shift_error"] ** 2).mean() / len(table)))
