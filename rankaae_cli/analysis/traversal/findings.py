"""What a traversal says, in sentences: trends, agreement with the data, and where and why there is none."""

import math
from collections.abc import Mapping
from typing import Any

from rankaae_cli.core.labels import WARNING, listed, unit_text
from rankaae_cli.core.xas.trends import EDGE, KNOWN_TRENDS, PEAK_HEIGHT

GOOD_CORRELATION = 0.8
_LEAST_SIZE, _MOST_SIZE = 0.6, 1.6  # of the data's size; outside, a supported shape has another size
FEWEST_MATERIALS = 10  # in a matched bin, below which no correlation counts as support
INTERACTION = (
    "share of the variance over a panel that is not a sum of a function of the one style and a function of the "
    "other (two-way analysis of variance)"
)
_PER = {"CN": "neighbour", "OCN": "neighbour"}
_IMBALANCE = 0.25  # standard deviations; beyond this, regression no longer mends it (Rubin, 2001)
_FEW_MATERIALS = 30
_CONTRARY, _UNCERTAIN = ", NO", ", sign not certain"
_SUBJECT = {EDGE: "edge position", PEAK_HEIGHT: "main peak's height"}


def sensitivity_unit(name: str, unit: str) -> str:
    """Return what a change of the spectrum is counted by, such as ``per e``, ``per neighbour``, ``per Å``."""
    return f"per {unit_text(unit) or _PER.get(name, f'unit of {name}')}"


def sensitivity_criterion(n_trials: int) -> str:
    """Return when an energy counts as significant; see `core.styles.traversal.sensitivity`."""
    if n_trials > 1:
        return (
            f"two-sided t test of the slopes of {n_trials} trials against zero at each energy, false discovery "
            "rate over the energies at most 5 % (Benjamini and Hochberg); it says what another training would "
            "repeat, not what other data would show"
        )
    return (
        "about 95 % of the draws of the other styles give one sign (their 5th percentile is above zero or their "
        "95th below it); one trial, so this is no test"
    )


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
    reasons = _reasons(name, check)
    why = f"Why: {'; '.join(reasons)}." if reasons else "The numbers of the check show no reason."
    return f"{begin}, below {GOOD_CORRELATION}; shapes differ most at {where}. {why}"


def findings(traversal: Mapping[str, Any]) -> list[str]:
    """Return the checks against the data and the known trends, one sentence each, and at the end a summary.

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
    return lines + support_summary(traversal)


def support_summary(traversal: Mapping[str, Any]) -> list[str]:
    """Return one or two lines on whether matched data, and the truth where it is known, support the traversals.

    A line that begins with `WARNING` names those that are not supported, each with the reason.

    Parameters
    ----------
    traversal
        Contents of traversal.json.
    """
    checks = {name: style["check"] for name, style in traversal["styles"].items() if style.get("check")}
    lines = []
    if checks:
        poor = {
            name: reason for name, check in checks.items() if (reason := unsupported_because(name, check))
        }
        rows = next(iter(checks.values()))["rows_text"]
        if poor:
            named = "; ".join(f"{name} ({reason})" for name, reason in poor.items())
            line = f"{WARNING}traversals not supported by matched spectra ({rows}): {named}."
        else:
            least = min(checks, key=lambda name: checks[name]["pearson"])
            line = (
                f"Matched spectra ({rows}) support the shape of the traversal of every descriptor; lowest r: "
                f"{_signed(checks[least]['pearson'], plus=False)} ({least})."
            )
        lines.append(line + _other_sizes({n: check for n, check in checks.items() if n not in poor}))
    return lines + _truth_line(traversal)


def _other_sizes(checks: Mapping[str, Mapping[str, Any]]) -> str:
    """Return a sentence that names the traversals whose shape is supported, but not their size."""
    size = {name: _number(check.get("amplitude_ratio")) for name, check in checks.items()}
    other = [
        f"{name} ({ratio:.2f} times)"
        for name, ratio in size.items()
        if ratio < _LEAST_SIZE or ratio > _MOST_SIZE
    ]
    return f" The size is not that of the data, over the same change: {listed(other)}." if other else ""


def unsupported_because(name: str, check: Mapping[str, Any]) -> str | None:
    """Return why matched data do not support the traversal of a descriptor; None where they do.

    They do where r is at least `GOOD_CORRELATION` and both bins have matched spectra of at least
    `FEWEST_MATERIALS` materials.
    """
    if check["not_comparable_because"]:
        return str(check["not_comparable_because"])
    r = _number(check["pearson"])
    if math.isnan(r):
        return "the spectrum does not respond"
    fewest = _fewest_materials(check)
    if fewest < FEWEST_MATERIALS:
        return f"too few matched pairs: one bin has spectra of {fewest} materials"
    if r >= GOOD_CORRELATION:
        return None
    reasons = _reasons(name, check)
    return f"r = {_signed(r, plus=False)}, below {GOOD_CORRELATION}: {reasons[0] if reasons else 'no reason seen'}"


def _truth_line(traversal: Mapping[str, Any]) -> list[str]:
    """Return how the weakest traversal agrees with the true response, which synthetic data alone have."""
    known = {name: _number(s.get("pearson_true_response")) for name, s in traversal["styles"].items()}
    known = {name: r for name, r in known.items() if not math.isnan(r)}
    if not traversal["synthetic"] or not known:
        return []
    least = min(known, key=lambda name: known[name])
    line = (
        f"the data are synthetic, so the true responses are known: weakest agreement {least}, "
        f"Pearson r = {_signed(known[least], 3, plus=False)}"
    )
    low = [name for name, r in known.items() if r < GOOD_CORRELATION]
    if low:
        return [f"{WARNING}{line}; below {GOOD_CORRELATION}: {listed(low)}."]
    return [f"{line[0].upper()}{line[1:]}."]


def _trend_line(name: str, measure: str, sign: int, style: Mapping[str, Any]) -> str:
    model = style["trends"][measure]
    data = ((style.get("check") or {}).get("trends") or {}).get(measure)
    expected = f"expected to {'rise' if sign > 0 else 'fall'} with {name}"
    verdicts = {"network": _verdict(model, sign, measure, style["n_trials"] > 1)}
    if data:
        verdicts["data"] = _verdict(data, sign, measure, True)
    line = f"{_SUBJECT[measure]}, {expected}: {', '.join(f'{who} {said}' for who, said in verdicts.items())}"
    if not any(said.endswith(_CONTRARY) for said in verdicts.values()):
        return line
    faults = [
        f"the {who}'s sign is {fault}"
        for who, said in verdicts.items()
        for end, fault in ((_CONTRARY, "opposite to the expectation"), (_UNCERTAIN, "not certain"))
        if said.endswith(end)
    ]
    return f"{line}: {' and '.join(faults)}"


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
            return shown + _UNCERTAIN
    return shown + (", yes" if value * sign > 0 else _CONTRARY)


def _reasons(name: str, check: Mapping[str, Any]) -> list[str]:
    """Return what may be behind a low correlation, from the numbers of the check."""
    reasons = []
    fewest = _fewest_materials(check)
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
    return reasons


def _fewest_materials(check: Mapping[str, Any]) -> int:
    """Return how many materials the matched spectra of a bin are of, in the bin that has fewer."""
    return min(int(check["bins"][side]["matched_materials"]) for side in ("low", "high"))


def _number(value: Any) -> float:
    return math.nan if value is None else float(value)


def _signed(value: float, digits: int = 2, plus: bool = True) -> str:
    return f"{value:{'+' if plus else ''}.{digits}f}".replace("-", "−")
