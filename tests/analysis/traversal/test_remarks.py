"""Sentences of the walks: whether they stay where data are, and what an independent reader sees change."""

from rankaae_cli.analysis.traversal.remarks import walk_remarks
from rankaae_cli.core.labels import WARNING


def content(shares, changes=()):
    styles = {name: {"support": {"share": share}} for name, share in shares.items()}
    return {"styles": styles, "independent_reader": {"changes": list(changes)}}


def change(walked, read, walk, pairs=0.1):
    return {"walked": walked, "read": read, "walk": walk, "pairs": pairs}


def test_the_walk_that_leaves_the_data_is_warned_of():
    (line,) = walk_remarks(content({"OS": 0.93, "CN": 0.958}))
    assert line.startswith("At least 93 % of every walk") and "least: OS" in line
    (line,) = walk_remarks(content({"OS": 0.4, "free_1": 0.61, "CN": 0.95}))
    assert line.startswith(WARNING) and "OS (40 %) and free style 1 (61 %)" in line


def test_the_strongest_change_of_each_walk_is_named_beside_that_of_real_pairs():
    changes = [
        change("OS", "CN", -0.31, None),
        change("OS", "NNRS", 0.3, 0.12),
        change("CN", "OS", 0.2),
        change("CN", "NNRS", float("nan")),
    ]
    line = walk_remarks(content({"OS": 1.0}, changes))[-1]
    assert (
        "along OS, CN by −0.31 (matched: not known)" in line and "NNRS" not in line and "CN, OS" not in line
    )
    assert "no other by 0.3 or more" in walk_remarks(content({"OS": 1.0}, changes[2:]))[-1]


def test_an_older_traversal_says_nothing_of_either():
    assert walk_remarks({"styles": {"OS": {}}}) == []
