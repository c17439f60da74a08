"""What a traversal says of its walks in sentences: whether they stay where data are, and what they take along."""

import math
from collections.abc import Mapping, Sequence
from typing import Any

from rankaae_cli.core.labels import WARNING, listed, style_title

ENOUGH = 0.9  # of a walk's points where training spectra are; of held-out spectra 95 % lie there
LEVEL_ENOUGH = 0.8  # of the points at one level
WORTH_NAMING = 0.3  # spreads of another descriptor per spread of the walked one


def walk_remarks(traversal: Mapping[str, Any]) -> list[str]:
    """Return how much of each walk lies where training spectra do, and what an independent reader sees change.

    Parameters
    ----------
    traversal
        Contents of traversal.json.
    """
    reading = traversal.get("independent_reader") or {}
    return _support(traversal["styles"]) + _reading(reading.get("changes") or [])


def strongest_changes(changes: Sequence[Mapping[str, Any]]) -> list[Mapping[str, Any]]:
    """Return of each walk the descriptor that changes most beside the walked one, where any is known."""
    known = [row for row in changes if not math.isnan(_number(row["walk"]))]
    by_walk: dict[str, list[Mapping[str, Any]]] = {}
    for row in known:
        by_walk.setdefault(row["walked"], []).append(row)
    return [max(rows, key=lambda row: abs(row["walk"])) for rows in by_walk.values()]


def _support(styles: Mapping[str, Any]) -> list[str]:
    share = {name: style["support"]["share"] for name, style in styles.items() if style.get("support")}
    if not share:
        return []
    least = min(share, key=lambda name: share[name])
    poor = [f"{style_title(name)} ({100 * value:.0f} %)" for name, value in share.items() if value < ENOUGH]
    near = "as near to training spectra, in their styles, as 95 % of held-out spectra are"
    if poor:
        return [f"{WARNING}less than {100 * ENOUGH:.0f} % of the walk is {near}: {listed(poor)}."]
    return [
        f"At least {math.floor(100 * share[least])} % of every walk is {near} (least: {style_title(least)})."
    ]


def _reading(changes: Sequence[Mapping[str, Any]]) -> list[str]:
    strongest = [row for row in strongest_changes(changes) if abs(row["walk"]) >= WORTH_NAMING]
    begin = "What an independent reader of spectra sees change along a walk besides the walked descriptor"
    if not changes:
        return []
    if not strongest:
        return [
            f"{begin}: no other by {WORTH_NAMING} or more standard deviations for each of the walked one."
        ]
    return [
        f"{begin}, in standard deviations for each of the walked one, with what matched real spectra give: "
        f"{'; '.join(_change(row) for row in strongest)}."
    ]


def _change(row: Mapping[str, Any]) -> str:
    pairs = _number(row["pairs"])
    real = "not known" if math.isnan(pairs) else _signed(pairs)
    return f"along {row['walked']}, {row['read']} by {_signed(row['walk'])} (matched: {real})"


def _number(value: Any) -> float:
    return math.nan if value is None else float(value)


def _signed(value: float) -> str:
    return f"{value:+.2f}".replace("-", "−")
