import numpy as np
import pytest

from rankaae_cli.core.xas.soundness import check_spectra, usual_of

ENERGY = 8983.5 + 0.5 * np.arange(120)


def spectra(n=60, seed=0):
    """Edges that end near 1, no two alike."""
    rng = np.random.default_rng(seed)
    place_N1, peak_N1 = rng.normal(8990, 0.7, (n, 1)), rng.uniform(0.2, 0.6, (n, 1))
    above_NE = (ENERGY - place_N1) / 1.5
    return 0.5 + np.arctan(above_NE) / np.pi + peak_N1 * np.exp(-((above_NE - 2) ** 2))


def with_row(change, n=60, row=7):
    rows = spectra(n)
    rows[row] = change(rows[row])
    return rows


def value_at(point, value):
    def change(spectrum_E):
        changed_E = spectrum_E.copy()
        changed_E[point] = value
        return changed_E

    return change


@pytest.mark.parametrize("n", [1, 4, 60])
@pytest.mark.parametrize(
    ("change", "reason"),
    [
        (lambda mu: 1000 * mu, "not normalised to the edge step: mu is 9"),
        (lambda mu: mu / 50, "not normalised to the edge step: mu is 0.01"),
        (lambda mu: 0 * mu, "no spectrum: mu is 0 at all energies"),
        (lambda mu: 0 * mu + 0.98, "no spectrum: mu is 0.98 at all energies"),
        (value_at(5, -999.0), "mu is -999 at 8986: does that mark a missing value?"),
        (value_at(-3, 9999.0), "mu is 9999 at 9042: does that mark a missing value?"),
        (value_at(5, -1.5), "mu is -1.5 at 8986: does"),
        (value_at(8, np.nan), "NaN or infinite values (1 in all)"),
        (lambda mu: 1 - mu, "not normalised to the edge step"),
    ],
)
def test_a_spectrum_that_claims_an_edge_step_is_judged_by_itself(change, reason, n):
    soundness = check_spectra(ENERGY, with_row(change, n, 0), True)
    assert list(soundness.reasons) == [0] and soundness.reasons[0].startswith(reason)
    assert 0 not in soundness.doubts


@pytest.mark.parametrize("scale", [1.0, 2e-7, 4e4])
@pytest.mark.parametrize(
    ("change", "reason"),
    [
        (lambda mu: 1000 * mu, "on another scale than most: on average "),
        (lambda mu: -0.05 * mu, "on another scale than most: on average 0.05 of their values"),
        (lambda mu: 0 * mu, "no spectrum: mu is 0 at all energies"),
        (lambda mu: value_at(5, -999.0 * mu.max())(mu), "mu is -"),
        (lambda mu: value_at(60, 999.0 * mu.max())(mu), "mu is "),
    ],
)
def test_one_of_unknown_normalisation_is_judged_by_the_others_whatever_their_scale(change, reason, scale):
    rows = scale * with_row(change)
    soundness = check_spectra(ENERGY, rows, False)
    assert list(soundness.reasons) == [7] and soundness.reasons[7].startswith(reason)
    # The same row is told by the spectra that a model knows.
    alone = check_spectra(ENERGY, rows[7:8], False, usual_of(scale * spectra(seed=1).astype(np.float32)))
    assert list(alone.reasons) == [0]


def test_an_edge_is_missed_where_the_others_have_one():
    flat = 1 + 0.01 * np.sin(ENERGY)
    soundness = check_spectra(ENERGY, with_row(lambda mu: flat), True)
    assert list(soundness.reasons) == [7]
    assert soundness.reasons[7] == (
        "no edge: mu is 0.99 at least and 1 on average at the end; does it rise below "
        f"{ENERGY[0]:.8g}, as where an energy offset is not allowed for?"
    )
    above = spectra()[:, 60:]  # a grid that begins behind the edge
    assert check_spectra(ENERGY[60:], above, True).reasons == {}
    assert list(check_spectra(ENERGY, flat[None], True, usual_of(spectra())).reasons) == [0]


def test_what_may_be_is_kept_and_doubted():
    negative = check_spectra(ENERGY, with_row(value_at(4, -0.3)), True)
    assert negative.reasons == {} and negative.doubts == {7: "negative absorption: mu is -0.3 at 8985.5"}
    for change in (lambda mu: 2 * mu, lambda mu: 0.4 * mu):
        unlike = check_spectra(ENERGY, with_row(change), True)
        assert unlike.reasons == {} and list(unlike.doubts) == [7]
        assert "robust deviations further than they from their median" in unlike.doubts[7]


@pytest.mark.parametrize(
    "rows",
    [spectra(), 30 * spectra(), spectra(3), np.tile(spectra(1), (30, 1)), np.empty((0, 120)),
     spectra() - spectra().mean(axis=0), np.tile(np.exp(-((ENERGY - 8995) ** 2)), (8, 1))],
)  # fmt: skip
def test_sets_of_any_scale_and_sign_are_sound(rows):
    soundness = check_spectra(ENERGY, rows, False)
    assert (soundness.reasons, soundness.doubts) == ({}, {})


def test_all_rows_of_a_large_set_are_checked():
    rows = np.tile(spectra(50), (200, 1))
    rows[[0, 5000, 9999]] *= 1000
    assert sorted(check_spectra(ENERGY, rows, False).reasons) == [0, 5000, 9999]
    claims_N = np.zeros(10000, dtype=bool)
    claims_N[5000] = True
    assert check_spectra(ENERGY, rows, claims_N).reasons[5000].startswith("not normalised to the edge step")
