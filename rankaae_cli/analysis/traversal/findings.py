"""What a traversal says, in sentences: trends, agreement with the data, and where and why there is none."""

import math
from collections.abc import Mapping
from typing import Any

from rankaae_cli.analysis.traversal.remarks import walk_remarks
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
_CHANCE = 0.05
# By verdict of a walk in its row of the table of all walks and differences: what is said of it.
WINS, UNCERTAIN, LOSES = "wins", "uncertain", "loses"
FIT_VERDICTS = {WINS: "its own", UNCERTAIN: "its own, but not for certain", LOSES: "another's"}
NOT_READ = "not read"
_IMBALANCE = 0.25  # standard deviations; beyond this, regression no longer mends it (Rubin, 2001)
_FEW_MATERIALS = 30
_SUBJECT = {EDGE: "edge", PEAK_HEIGHT: "main peak"}
_DOES = {EDGE: "shifts", PEAK_HEIGHT: "changes in height"}


def sensitivity_unit(name: str, unit: str) -> str:
    """Return what a change of the spectrum is counted by, such as ``per e``, ``per neighbour``, ``per Å``."""
    return f"per {unit_text(unit) or _PER.get(name, f'unit of {name}')}"


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
    unread = not_read_because(check)
    if unread:
        return f"{name}: {NOT_READ}, so nothing is said of its response: {unread}"
    if check["not_comparable_because"]:
        return f"{name}: not held against the {check['rows_text']}: {check['not_comparable_because']}"
    r = check["pearson"]
    if math.isnan(r):
        return f"{name}: the spectrum does not respond, so there is nothing to hold against the data"
    begin = f"{name}: r = {_signed(r, plus=False)} with matched spectra ({check['rows_text']})"
    ratio = check["amplitude_ratio"]
    if not math.isnan(ratio):
        begin += f", over the same change {ratio:.2f} times their size"
    other = _other_fits(check) or ""
    if r >= GOOD_CORRELATION:
        return f"{begin}: the shape agrees{f', but {other}' if other else ''}"
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
    trends = KNOWN_TRENDS if traversal.get("edge", "K") == "K" else ()  # they are of K edges
    expected = {(known.descriptor, known.measure): known.sign for known in trends}
    for name, style in styles.items():
        for measure in _SUBJECT:
            sign = expected.get((name, measure))
            line = _trend_line(name, measure, sign, style) if sign or measure == EDGE else None
            lines += [line] if line else []
    return lines + _fit_line(styles) + walk_remarks(traversal) + support_summary(traversal)


def not_read_because(check: Mapping[str, Any]) -> str | None:
    """Return why nothing is to be said of the response to a descriptor; None where its style reads it.

    Parameters
    ----------
    check
        Its check as in traversal.json; numbers may be NaN.
    """
    reading = check.get("reading")
    if reading is None or reading["is_read"]:
        return None
    rho = _number(reading["spearman"])
    if math.isnan(rho):
        return f"too few test materials know it ({reading['materials']}), or it does not vary among them"
    return (
        f"ρ = {_signed(rho, plus=False)} on the test rows, where chance alone reaches "
        f"{_signed(_number(reading['chance']), plus=False)} once in a hundred permutations of the materials"
    )


def _fit_line(styles: Mapping[str, Any]) -> list[str]:
    """Return which walks fit the matched difference of their own descriptor best."""
    verdicts: dict[str, list[str]] = {word: [] for word in FIT_VERDICTS}
    for name, style in styles.items():
        check = style.get("check") or {}
        if check.get("fit") and not not_read_because(check):
            verdicts[check["fit"]["verdict"]].append(name)
    parts = [f"{FIT_VERDICTS[word]}: {listed(names)}" for word, names in verdicts.items() if names]
    return [f"Which matched difference each walk fits best: {'; '.join(parts)}."] if parts else []


def _other_fits(check: Mapping[str, Any]) -> str | None:
    """Return that another descriptor's difference is fitted as well as the own one; None where it is not."""
    fit = check.get("fit")
    if fit is None or fit["verdict"] == WINS:
        return None
    own, rival = _number(fit["pearson"]), _number(fit["rival_pearson"])
    if fit["verdict"] == LOSES:
        return f"the walk fits the difference of {fit['rival']} no worse (r = {_signed(rival, plus=False)})"
    if fit["p_value"] is not None and fit["p_value"] > _CHANCE:
        return f"chance gives r = {_signed(own, plus=False)} in {100 * fit['p_value']:.0f} % of permutations"
    return (
        f"it is not certain that the walk fits this difference better than that of {fit['rival']} "
        f"(r = {_signed(rival, plus=False)}; better in {100 * _number(fit['better_share']):.0f} % of resamples)"
    )


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

    They do where the descriptor is read at all, r is at least `GOOD_CORRELATION`, both bins have matched spectra of
    at least `FEWEST_MATERIALS` materials, and the walk fits no other descriptor's difference as well.
    """
    unread = not_read_because(check)
    if unread:
        return f"{NOT_READ}: {unread}"
    if check["not_comparable_because"]:
        return str(check["not_comparable_because"])
    r = _number(check["pearson"])
    if math.isnan(r):
        return "the spectrum does not respond"
    fewest = _fewest_materials(check)
    if fewest < FEWEST_MATERIALS:
        return f"too few matched pairs: one bin has spectra of {fewest} materials"
    if r >= GOOD_CORRELATION:
        return _other_fits(check)
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


def _trend_line(name: str, measure: str, sign: int | None, style: Mapping[str, Any]) -> str | None:
    """Return by how much the edge or the main peak follows a descriptor, where the interval tells its sign.

    What is expected is also said where the sign is not certain; a descriptor that is not read has no trends.
    """
    check, slopes = style.get("check") or {}, style.get("sensitivity") or {}
    trend = (slopes.get("trends") or {}).get(measure)
    if trend is None or not_read_because(check):
        return None
    low, high = _number(trend["low"]), _number(trend["high"])
    if not low * high > 0:  # also where they are not known
        rises = f"expected to {'rise' if (sign or 0) > 0 else 'fall'} with {name}"
        return f"{_SUBJECT[measure]}, {rises}: sign not certain" if sign else None
    unit, digits = (" eV", 2) if measure.endswith("eV") else ("", 3)
    line = (
        f"{_SUBJECT[measure]} {_DOES[measure]} by {_signed(low, digits)} to {_signed(high, digits)}{unit} "
        f"{slopes['unit']} of {name} (95 %, bootstrap over materials)"
    )
    if sign is None:
        return line
    return f"{line}, as expected" if low * sign > 0 else f"{line}, against the expectation"


def _reasons(name: str, check: Mapping[str, Any]) -> list[str]:
    """Return what may be behind a low correlation, from the numbers of the check."""
    rival = _other_fits(check)
    reasons = [rival] if rival else []
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
