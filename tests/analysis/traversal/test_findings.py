"""Sentences of a traversal: whether data and truth agree with it, and where and why they do not."""

import json

import pytest

from rankaae_cli.analysis.traversal import findings
from rankaae_cli.core.labels import WARNING
from rankaae_cli.reports.console import print_traversal


def check_content(**changed):
    side = {"range": "4", "rows": 60, "materials": 50, "matched_rows": 1041, "matched_materials": 50}
    return {
        "rows": "held_out",
        "rows_text": "validation and test rows",
        "not_comparable_because": None,
        "bins": {"low": side, "high": side},
        "matched_on": ["OS", "OCN", "NNRS", "MOOD"],
        "imbalance_after": {"OS": 0.0, "OCN": 0.1, "NNRS": -0.1, "MOOD": 0.2},
        "pearson": 0.9,
        "pearson_same_change": 0.95,
        "amplitude_ratio": 0.8,
        "pearson_unmatched": 0.7,
        "pearson_ceiling": 0.97,
        "pearson_all_rows": 0.92,
        "energy_of_largest_disagreement": 7120.0,
        **changed,
    }


def test_agreement_and_disagreement_are_said_with_where_and_why():
    assert findings.check_remark("CN", check_content(), "eV").endswith("the shape agrees")
    side = {"matched_materials": 12}
    poor = check_content(
        pearson=0.5,
        bins={"low": side, "high": side},
        pearson_ceiling=0.6,
        pearson_unmatched=0.85,
        imbalance_after={"MOOD": -0.4, "CN": 0.0},
    )
    remark = findings.check_remark("OS", poor, "eV")
    for part in ("7120.0 eV", "12 materials", "0.60", "differ in MOOD", "unmatched", "all rows r is 0.92"):
        assert part in remark
    plain = findings.check_remark("OS", check_content(pearson=0.5, pearson_all_rows=None), "index")
    assert "index 7120" in plain and "no reason" in plain
    not_comparable = check_content(not_comparable_because="of this", pearson=float("nan"))
    assert "of this" in findings.check_remark("OS", not_comparable, "eV")
    assert "does not respond" in findings.check_remark("OS", check_content(pearson=float("nan")), "eV")


def style(pearson=0.9, truth=None, n_trials=8, **changed):
    check = check_content(pearson=pearson, **changed)
    return {"check": {**check, "remark": "fine"}, "n_trials": n_trials, "pearson_true_response": truth}


def summary(synthetic=False, **styles):
    return findings.support_summary({"synthetic": synthetic, "styles": {**styles, "free_1": {}}})


def test_summary_warns_of_what_matched_data_do_not_support():
    few = {"matched_materials": 4}
    (line,) = summary(
        OS=style(amplitude_ratio=0.41), CN=style(amplitude_ratio=1.58), OCN=style(amplitude_ratio=2)
    )
    assert "support the shape" in line and line.endswith("OS (0.41 times) and OCN (2.00 times).")
    (line,) = summary(OS=style(), CN=style(0.85))
    assert line.endswith("support the shape of the traversal of every descriptor; lowest r: 0.85 (CN).")
    assert not line.startswith(WARNING)
    (line,) = summary(
        OS=style(),
        CN=style(0.62, pearson_ceiling=0.7),
        OCN=style(not_comparable_because="too few spectra", pearson=None),
        NNRS=style(0.95, bins={"low": few, "high": few}),
        MOOD=style(None),
    )
    assert line.startswith(WARNING) and "OS (" not in line
    assert "validation and test rows" in line
    for part in (
        "CN (r = 0.62, below 0.8: the noise of the data allows r up to about 0.70)",
        "OCN (too few spectra)",
        "NNRS (too few matched pairs: one bin has spectra of 4 materials)",
        "MOOD (the spectrum does not respond)",
    ):
        assert part in line


def test_summary_of_synthetic_families_names_the_weakest_agreement_with_the_truth():
    first, line = summary(True, OS=style(truth=0.99), CN=style(truth=0.956))
    assert "support" in first and line == (
        "The data are synthetic, so the true responses are known: weakest agreement CN, Pearson r = 0.956."
    )
    _, line = summary(True, OS=style(truth=0.7), CN=style(truth=-0.4), OCN=style(truth=0.9))
    assert line.startswith(WARNING)
    assert line.endswith("weakest agreement CN, Pearson r = −0.400; below 0.8: OS and CN.")


def test_traversals_end_with_the_summary_on_the_terminal(capsys):
    walk = {"descriptor": [2.0, 4.0], "unit": "e", "largest_change": 0.1, "energy_of_largest_change": 7120.0}
    print_traversal(
        {
            "family": "Fe_oxides",
            "synthetic": True,
            "energy_unit": "eV",
            "n_trials": 8,
            "selected_trial": 0,
            "styles": {"OS": {**style(0.5, truth=0.9), **walk}},
        }
    )
    *_, data, truth = capsys.readouterr().out.splitlines()
    assert data.startswith("Warning: traversals not supported") and "weakest agreement OS" in truth


def trend(value, low=None, high=None):
    return {"edge_shift_eV": {"value": value, "low": low, "high": high}}


def test_known_trends_are_said_with_their_sign():
    check = check_content(remark="OS: fine", trends=trend(1.2, 0.5, 1.9))
    style = {"n_trials": 8, "check": check}
    styles = {"OS": {**style, "trends": trend(-0.8, -0.9, -0.7)}, "free_1": {"check": None}}
    traversal = {"synthetic": False, "styles": styles}
    remark, line, last = findings.findings(json.loads(json.dumps(traversal)))
    assert [last] == findings.support_summary(traversal)
    assert remark == "OS: fine"
    assert line == (
        "edge position, expected to rise with OS: network −0.80 eV (−0.90 to −0.70), NO, "
        "data +1.20 eV (+0.50 to +1.90), yes: the network's sign is opposite to the expectation"
    )
    unsure = {"n_trials": 8, "check": check_content(remark="OS: fine", trends=trend(0.2, -0.5, 0.9))}
    traversal["styles"]["OS"] = {**unsure, "trends": trend(-0.8)}
    assert findings.findings(traversal)[1].endswith(
        "sign not certain: the network's sign is opposite to the expectation and the data's sign is not certain"
    )
    traversal["styles"]["OS"] = {**unsure, "trends": trend(0.8)}
    assert findings.findings(traversal)[1].endswith("sign not certain")
    style["check"]["trends"] = trend(0.2, -0.5, 0.9)
    traversal["styles"]["OS"] = {**style, "trends": trend(None)}
    line = findings.findings(traversal)[1]
    assert "network not known" in line and line.endswith("sign not certain")


@pytest.mark.parametrize(
    ("name", "unit", "expected"),
    [
        ("OS", "e", "per e"),
        ("NNRS", "angstrom", "per Å"),
        ("odd", "", "per unit of odd"),
        ("CN", "1", "per neighbour"),
    ],
)
def test_a_sensitivity_is_counted_by_the_descriptors_unit(name, unit, expected):
    assert findings.sensitivity_unit(name, unit) == expected
