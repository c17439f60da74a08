"""What a traversal says, in sentences: trends, agreement with the data, and where and why there is none."""

import math
from collections.abc import Mapping
from typing import Any

from rankaae_cli.core.trends import EDGE, KNOWN_TRENDS, PEAK_HEIGHT
from rankaae_cli.reports.labels import listed, unit_text

GOOD_CORRELATION = 0.8
_PER = {"CN": "neighbour", "OCN": "neighbour"}
_IMBALANCE = 0.25  # standard deviations; beyond this, regression no longer mends it (Rubin, 2001)
_FEW_MATERIALS = 30
_SUBJECT = {EDGE: "edge position", PEAK_HEIGHT: "main peak's height"}


def sensitivity_unit(name: str, unit: str) -> str:
    """Return what a change of the spectrum is counted by, such as ``per e``, ``per neighbour``, ``per Å``."""
    return f"per {unit_text(unit) or _PER.get(name, f'unit of {name}')}"


def sensitivity_criterion(n_trials: int) -> str:
    """Return when an energy counts as significant."""
    if n_trials > 1:
        return f"t test over {n_trials} trials, false discovery rate 5 % over the energies"
    return "at least 90 % of the draws have the same sign (one trial)"


def check_remark(name: str, check: Mapping[str, Any], energy_unit: str) -> str:
    """Return in a sentence whether the traversal agrees with the data; if not, where and why not.

    Parameters
    ----------
    name
        Of the descriptor.
    check
        Its check as in traversal.json; numbers may be NaN.
    energy_unit
        ``eV`` or ``index``.
    """
    if check["not_comparable_because"]:
        return f"{name}: not held against the {check['rows_text']}: {check['not_comparable_because']}"
    r = check["pearson"]
    if math.isnan(r):
        return f"{name}: the spectrum does not respond, so there is nothing to hold against the data"
    begin = f"{name}: r = {_signed(r, plus=False)} with matched spectra ({check['rows_text']})"
    ratio = check["amplitude_ratio"]
    if not math.isnan(ratio):
        begin += f", over the same change {ratio:.2f} times their size"
    if r >= GOOD_CORRELATION:
        return f"{begin}: the shape agrees"
    at = check["energy_of_largest_disagreement"]
    where = f"index {at:.0f}" if energy_unit == "index" else f"{at:.1f} {energy_unit}"
    return f"{begin}, below {GOOD_CORRELATION}; shapes differ most at {where}. {_reasons(name, check)}"


def findings(traversal: Mapping[str, Any]) -> list[str]:
    """Return the checks against the data and the known trends, one sentence each.

    Parameters
    ----------
    traversal
        Contents of traversal.json.
    """
    styles = traversal["styles"]
    lines = [style["check"]["remark"] for style in styles.values() if style.get("check")]
    for known in KNOWN_TRENDS:
        style = styles.get(known.descriptor)
        if style and style.get("trends"):
            lines.append(_trend_line(known.descriptor, known.measure, known.sign, style))
    return lines


def _trend_line(name: str, measure: str, sign: int, style: Mapping[str, Any]) -> str:
    model = style["trends"][measure]
    data = ((style.get("check") or {}).get("trends") or {}).get(measure)
    expected = f"expected to {'rise' if sign > 0 else 'fall'} with {name}"
    parts = [f"network {_verdict(model, sign, measure, style['n_trials'] > 1)}"]
    if data:
        parts.append(f"data {_verdict(data, sign, measure, True)}")
    return f"{_SUBJECT[measure]}, {expected}: {', '.join(parts)}"


def _verdict(trend: Mapping[str, float | None], sign: int, measure: str, ranged: bool) -> str:
    """Return a change, its range, and whether its sign is as expected."""
    value, low, high = (_number(trend[key]) for key in ("value", "low", "high"))
    if math.isnan(value):
        return "not known"
    unit, digits = (" eV", 2) if measure.endswith("eV") else ("", 3)
    shown = f"{_signed(value, digits)}{unit}"
    if ranged and not math.isnan(low):
        shown += f" ({_signed(low, digits)} to {_signed(high, digits)})"
        if low <= 0 <= high:
            return f"{shown}, sign not certain"
    return f"{shown}, {'yes' if value * sign > 0 else 'NO'}"


def _reasons(name: str, check: Mapping[str, Any]) -> str:
    """Return what may be behind a low correlation, from the numbers of the check."""
    reasons = []
    fewest = min(check["bins"][side]["matched_materials"] for side in ("low", "high"))
    if fewest < _FEW_MATERIALS:
        reasons.append(f"one bin has matched spectra of {fewest} materials only")
    ceiling = _number(check["pearson_ceiling"])
    if ceiling < GOOD_CORRELATION + 0.1:
        reasons.append(f"the noise of the data allows r up to about {ceiling:.2f}")
    left = [n for n, v in check["imbalance_after"].items() if abs(v) > _IMBALANCE]
    if left:
        reasons.append(f"the matched bins still differ in {listed(left)}")
    unmatched = _number(check["pearson_unmatched"])
    if unmatched >= max(GOOD_CORRELATION, check["pearson"] + 0.1):
        reasons.append(
            f"the network follows the difference of the unmatched bins (r = {unmatched:.2f}), so its style "
            f"{name} holds some of what goes with {name} in these data"
        )
    other = _number(check.get("pearson_all_rows"))
    if other >= GOOD_CORRELATION:
        reasons.append(f"on all rows r is {other:.2f}")
    return f"Why: {'; '.join(reasons)}." if reasons else "The numbers of the check show no reason."


def _number(value: Any) -> float:
    return math.nan if value is None else float(value)


def _signed(value: float, digits: int = 2, plus: bool = True) -> str:
    return f"{value:{'+' if plus else ''}.{digits}f}".replace("-", "−")
