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


def trending(low, high, measure="edge_shift_eV", **check):
    return {
        "check": check_content(remark="fine", **check),
        "sensitivity": {"unit": "per e", "trends": {measure: {"value": 1.0, "low": low, "high": high}}},
    }


def lines(**styles):
    content = {"synthetic": False, "styles": {**styles, "free_1": {"check": None, "sensitivity": None}}}
    return findings.findings(json.loads(json.dumps(content)))


def test_an_edge_shift_is_said_as_its_interval_and_only_where_that_has_a_sign():
    remark, line, last = lines(OS=trending(0.504, 1.2))
    assert remark == "fine" and "support" in last
    assert line == (
        "edge shifts by +0.50 to +1.20 eV per e of OS (95 %, bootstrap over materials), as expected"
    )
    assert lines(OS=trending(-1.2, -0.5))[1].endswith("−1.20 to −0.50 eV per e of OS (95 %, bootstrap over "
                                                      "materials), against the expectation")  # fmt: skip
    for low, high in ((-0.1, 0.9), (None, None), (0.0, 0.4)):
        assert lines(OS=trending(low, high))[1] == "edge, expected to rise with OS: sign not certain"
        assert len(lines(MOOD=trending(low, high))) == 2  # nothing is expected of MOOD: nothing is said
    assert lines(MOOD=trending(0.1, 0.9))[1].endswith("of MOOD (95 %, bootstrap over materials)")
    peak = lines(CN=trending(0.02, 0.04, "main_peak_change"), OS=trending(0.02, 0.04, "main_peak_change"))
    assert [line.split(" by ")[0] for line in peak[2:-1]] == ["main peak changes in height"]


def reading(rho, chance=0.14):
    return {
        "spearman": rho,
        "chance": chance,
        "p_value": 0.5,
        "materials": 90,
        "is_read": rho is not None and rho > chance,
    }


def test_nothing_is_said_of_the_response_to_what_is_not_read():
    unread = check_content(reading=reading(0.05))
    assert findings.check_remark("OS", unread, "eV").startswith(
        "OS: not read, so nothing is said of its response: ρ = 0.05"
    )
    assert "90" in findings.not_read_because(check_content(reading=reading(None)))
    assert findings.not_read_because(check_content(reading=reading(0.4))) is None
    everything = lines(OS=trending(0.5, 1.2, reading=reading(0.05)))
    assert len(everything) == 2 and "shifts" not in " ".join(everything)
    assert everything[1].startswith(WARNING) and "OS (not read: ρ = 0.05" in everything[1]


def fit(verdict, rival_pearson=0.7, p_value=0.001):
    return {"verdict": verdict, "pearson": 0.9, "rival": "OCN", "rival_pearson": rival_pearson, "better_share": 0.8,
            "p_value": p_value}  # fmt: skip


def test_a_walk_that_fits_another_difference_as_well_is_not_supported():
    *_, which, last = lines(
        OS=trending(0.5, 1.2, fit=fit("loses", -0.95)),
        CN=trending(0.5, 1.2, fit=fit("wins")),
        NNRS=trending(0.5, 1.2, fit=fit("uncertain")),
        MOOD=trending(0.5, 1.2, fit=fit("uncertain", p_value=0.3)),
    )
    assert which == (
        "Which matched difference each walk fits best: its own: CN; its own, but not for certain: NNRS and MOOD; "
        "another's: OS."
    )
    for part in (
        "OS (the walk fits the difference of OCN no worse (r = −0.95))",
        "better than that of OCN (r = 0.70; better in 80 % of resamples)",
        "MOOD (chance gives r = 0.90 in 30 % of permutations)",
    ):
        assert part in last
    assert "CN (" not in last.replace("OCN (", "")


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
