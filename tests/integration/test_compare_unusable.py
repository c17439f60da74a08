"""`rankaae compare` of what can hardly be compared: it is refused in a sentence, or said what is wrong with it."""

import numpy as np
import pytest

ENERGY = np.linspace(7100, 7150, 201)
MU = 0.5 + np.arctan(ENERGY - 7115) / np.pi + 0.4 * np.exp(-0.5 * ((ENERGY - 7121) / 2) ** 2)


@pytest.fixture
def files(tmp_path):
    """Write an edge as tables, over a zero of its own, moved by 3 keV, flat, and as OCEAN writes it."""
    for name, energy, mu in (
        ("edge", ENERGY, MU),
        ("other", ENERGY + 1, MU),
        ("own_zero", ENERGY - 7115, MU),
        ("far", ENERGY + 3000, MU),
        ("flat", ENERGY, 1 + 0 * MU),
        ("dead", ENERGY, 0 * MU),
    ):
        np.savetxt(tmp_path / f"{name}.txt", np.column_stack([energy, mu]))
    np.savetxt(tmp_path / "absspct_Fe.0001_1s_01", np.column_stack([ENERGY - 7115, MU, MU]))
    return tmp_path


@pytest.mark.parametrize(
    ("call", "said"),
    [
        (
            ("edge.txt", "far.txt", "search=10"),
            "no pair of edge and far, of 1, fits at any shift within 10 eV: edge from 7100 to 7150, far from 10100",
        ),
        (("edge.txt", "flat.txt"), "are spectra constant, or too short?"),
        (("edge.txt", "dead.txt"), "are spectra constant, or too short?"),
        (("edge.txt",), "edge alone is nothing to compare"),
    ],
)
def test_what_fits_nowhere_is_refused(files, refused, call, said):
    assert said in refused("compare", *call, "output=there")
    assert not (files / "there").exists()


def test_doubtful_energies_and_components_are_named(files, rankaae):
    names = ("edge.txt", "own_zero.txt", "far.txt", "absspct_Fe.0001_1s_01", "flat.txt")
    done = rankaae("compare", *names, "output=there", "drawn=0")
    assert done.returncode == 0, done.stderr
    for line in (
        "the energies of own_zero are from a zero of its own: its shifts say nothing",
        "edge and far are 3000 eV apart: are both of one absorber",
        "absspct_Fe is one polarisation: give the folder of all for their average",
        "edge and flat: 1 of 1 pairs fit at no shift",
    ):
        assert line in done.stdout, done.stdout
    assert "edge and own_zero are" not in done.stdout


def test_an_interruption_leaves_nothing_half_written(files, rankaae, monkeypatch):
    def interrupted(*arguments):
        raise KeyboardInterrupt

    monkeypatch.setattr("rankaae_cli.commands.compare.add_agreement", interrupted)
    before = sorted(files.rglob("*"))
    assert rankaae("compare", "edge.txt", "other.txt", "output=there").returncode == 130
    assert sorted(files.rglob("*")) == before
