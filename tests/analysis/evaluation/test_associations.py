import pytest

from rankaae_cli.analysis.evaluation.associations import (
    association_findings,
    association_summary,
    descriptor_findings,
)
from rankaae_cli.core.styles.replication import Repeat, Repeats

NAN = float("nan")


def pair(style, quantity, found, again=NAN, repeats=False, descriptor=None, plain=0.5):
    return Repeat(
        style=style,
        quantity=quantity,
        rows=100,
        spearman=plain,
        partial=again,
        p_value=0.01,
        found_rows=90,
        found_spearman=0.5,
        found_partial=found,
        found_p_value=0.01,
        repeats=repeats,
        descriptor=descriptor,
        stands_out=repeats and descriptor is None,
        sign_changes=plain * again < 0,
    )


def content(*pairs):
    found = Repeats(pairs, 0.3, 0.2)
    styles = list(dict.fromkeys(p.style for p in pairs))
    described = descriptor_findings(found)
    return {
        "found_on": "validation",
        "repeated_on": "test",
        "threshold": 0.25,
        "floor": 0.3,
        "standing_out": [vars(p) for p in found.standing_out],
        "strongest": [vars(p) for p in pairs],
        "findings": [*association_findings(found, styles, 3, "test"), *described],
        "descriptor_findings": described,
    }


def test_findings_name_what_stands_out_and_say_plainly_where_nothing_does():
    found = content(
        pair("free_1", "BVS", 0.6, 0.55, repeats=True),
        pair("free_1", "q6", -0.4, -0.45, repeats=True),
        pair("free_2", "q4", -0.21, -0.1),
        pair("free_1", "q4", 0.1, 0.1),
        pair("free_3", "q6", NAN),
        pair("free_4", "q4", 0.41, 0.05),
    )
    assert found["findings"] == [
        "free style 1: bond-valence sum (BVS), partial ρ 0.550 (validation 0.600) and Steinhardt order parameter "
        "q6, partial ρ −0.450 (validation −0.400; the plain ρ 0.500 is of the other sign, so it shows only with "
        "the named styles held fixed) stand out on validation and again on test",
        "free style 2: nothing stands out (largest: Steinhardt order parameter q4, partial ρ −0.210; "
        "needed: above 0.300)",
        "free style 3: not known, too few spectra",
        "free style 4: nothing stands out (Steinhardt order parameter q4, partial ρ 0.410 on validation, does not "
        "repeat on test: 0.050)",
    ]
    assert association_summary(found) == found["findings"][:1]


def test_without_quantities_the_last_line_says_what_makes_them():
    lines = association_findings(Repeats((pair("free_1", "OS", 0.1),), 0.3, 0.2), ["free_1"], 0, "test")
    assert "ingest writes quantities where it reads structures" in lines[-1]


def test_what_is_a_descriptor_is_told_apart():
    found = content(
        pair("free_1", "OS", 0.4, 0.35, repeats=True, descriptor="OS"),
        pair("free_1", "BVS", 0.4, 0.35, repeats=True, descriptor="OS"),
    )
    style, itself, nearly = found["findings"]
    assert "nothing stands out" in style and not found["standing_out"]
    assert itself == (
        "free style 1 goes with oxidation state (OS) itself, partial ρ 0.350 (validation 0.400): the style OS "
        "does not hold all of its descriptor"
    )
    assert "bond-valence sum (BVS), nearly the descriptor OS," in nearly
    summary = association_summary(found)
    assert "nothing stands out" in summary[0] and summary[1:] == [itself, nearly]


@pytest.mark.parametrize(
    ("pairs", "said"),
    [
        (
            [pair("free_1", "q4", 0.2, 0.3)],
            "largest: free style 1 with Steinhardt order parameter q4, partial ρ 0.200",
        ),
        ([pair("free_1", "q4", 0.4, -0.3)], "on validation, does not repeat on test: −0.300"),
        ([pair("free_1", "q4", 0.4)], "does not repeat on test: not known"),
        ([pair("free_1", "q4", NAN)], "not known, too few spectra"),
    ],
)
def test_summary_of_nothing_is_one_line(pairs, said):
    (line,) = association_summary(content(*pairs))
    assert line.startswith("free styles: ") and said in line


def test_summary_of_what_an_earlier_version_wrote():
    earlier = {"style": "free_1", "quantity": "q4", "partial": 0.2}
    written = {"standing_out": [], "strongest": [earlier], "threshold": None, "floor": 0.3, "findings": []}
    assert "partial ρ 0.200; needed: above 0.300" in association_summary(written)[0]
