"""The rules of the synthetic spectra: signs of the causes, and the true response."""

import numpy as np
import pytest

from rankaae_cli.core.synthetic import (
    ELEMENTS,
    MATERIAL_DRAWS,
    SITE_DRAWS,
    draw_causes,
    edge_energy,
    intervene,
    resonance_energy,
    spectra,
    true_response,
)

DESCRIPTORS = ("OS", "CN", "OCN", "NNRS", "MOOD")
HIDDEN = ("R", "inversion_loss", "planarity", "covalency", "second_shell", "scattering")
every_element = pytest.mark.parametrize("symbol", ELEMENTS)


def drawn(symbol, rows=150, seed=1):
    uniform = np.random.default_rng(seed).uniform(1e-6, 1 - 1e-6, (rows, MATERIAL_DRAWS + SITE_DRAWS))
    return draw_causes(ELEMENTS[symbol], uniform[:, :MATERIAL_DRAWS], uniform[:, MATERIAL_DRAWS:])


def grid(symbol):
    return ELEMENTS[symbol].edge - 12 + 0.25 * np.arange(256)


def set_all(causes, **values):
    for name, value in values.items():
        causes = intervene(causes, name, value)
    return causes


def ideal(symbol, **values):
    """Causes of one row without nuisance or distortion."""
    quiet = {"offset": 0, "scale": 1, "width": 0, "covalency": 0, "second_shell": 0, "scattering": 1}
    site = {
        "OS": 3,
        "CN": 5,
        "OCN": 3,
        "NNRS": 0.02,
        "MOOD": 2.7,
        "R": 2.0,
        "inversion_loss": 0,
        "planarity": 0,
    }
    causes = set_all(drawn(symbol, rows=1), **{**quiet, **site, **values})
    causes.wiggle[:] = 0
    return causes


def mu_of(symbol, energy=None, **values):
    return spectra(ELEMENTS[symbol], ideal(symbol, **values), grid(symbol) if energy is None else energy)[0]


@every_element
def test_spectra_look_like_k_edges(symbol):
    mu = spectra(ELEMENTS[symbol], drawn(symbol), grid(symbol))
    assert np.isfinite(mu).all()
    assert (mu > 0).all() and (mu[:, 0] < 0.15).all()
    assert (mu.max(axis=1) > 1.05).all() and (mu.max(axis=1) < 1.9).all()
    assert (np.abs(mu[:, 180:] - 1) < 0.35).all()
    assert np.abs(np.diff(mu, n=2, axis=1)).max() < 0.05  # smooth on the grid


@every_element
def test_drawn_causes_are_physical(symbol):
    c = drawn(symbol, rows=500)
    assert set(c.OS) == set(ELEMENTS[symbol].sites)
    assert set(c.CN) == {4, 5, 6}
    assert ((c.R > 1.4) & (c.R < 2.6)).all()
    assert ((c.OCN >= 2) & (c.OCN <= 6)).all()
    np.testing.assert_allclose(c.OCN * c.CN, np.round(c.OCN * c.CN), atol=1e-3)  # a mean of CN whole numbers
    assert ((c.NNRS > 0) & (c.NNRS < 0.5)).all()
    assert ((c.MOOD > 1.85) & (c.MOOD < 2 * c.R)).all()
    for share in (c.inversion_loss, c.planarity):
        assert ((share >= 0) & (share <= 1)).all()


def test_bonds_shorten_with_charge_and_lengthen_with_coordination():
    c = drawn("Mn", rows=2000)
    octahedral = c.CN == 6
    assert c.R[octahedral & (c.OS == 2)].mean() > c.R[octahedral & (c.OS == 4)].mean() + 0.15
    assert c.R[(c.OS == 4) & octahedral].mean() > c.R[(c.OS == 4) & (c.CN == 4)].mean() + 0.1


@every_element
def test_edge_rises_with_oxidation_state(symbol):
    energy, causes = grid(symbol), drawn(symbol)
    mu = np.stack(
        [spectra(ELEMENTS[symbol], intervene(causes, "OS", s), energy) for s in ELEMENTS[symbol].sites]
    )
    half = energy[np.argmax(mu > 0.6, axis=-1)]
    assert (np.diff(half, axis=0) > 0.5).all()


@every_element
def test_white_line_rises_with_coordination_and_falls_with_distortion(symbol):
    energy, causes = grid(symbol), drawn(symbol)

    def tops(name, value):
        return spectra(ELEMENTS[symbol], intervene(causes, name, value), energy).max(axis=1)

    assert (np.diff([tops("CN", n) for n in (4, 5, 6)], axis=0) > 0).all()
    assert (np.diff([tops("NNRS", d) for d in (0.02, 0.15, 0.3)], axis=0).mean(axis=1) < -0.02).all()


def pre_edge_height(symbol, os, inversion_loss):
    energy = np.arange(ELEMENTS[symbol].edge - 16, ELEMENTS[symbol].edge - 2, 0.05)
    without = mu_of(symbol, energy, OS=os, inversion_loss=0)
    return (mu_of(symbol, energy, OS=os, inversion_loss=inversion_loss) - without).max()


def test_pre_edge_is_strong_without_inversion_and_with_many_holes():
    d_holes = [10 - (e.valence_electrons - 3) for e in ELEMENTS.values()]
    heights = [pre_edge_height(symbol, 3, 0.9) for symbol in ELEMENTS]
    np.testing.assert_allclose(heights, heights[0] * np.array(d_holes) / d_holes[0], rtol=0.02)
    assert pre_edge_height("V", 5, 0.9) > pre_edge_height("V", 4, 0.9) > pre_edge_height("V", 2, 0.9) > 0
    assert pre_edge_height("V", 5, 0.9) > 3 * pre_edge_height("V", 5, 0.1)


def test_tetrahedra_alone_lose_their_inversion():
    titanium, copper = drawn("Ti", rows=1000), drawn("Cu", rows=1000)
    tetrahedral = (titanium.CN == 4) & (titanium.OS == 4)
    assert titanium.inversion_loss[tetrahedral].mean() > 4 * titanium.inversion_loss[titanium.CN == 6].mean()
    planar = (copper.CN == 4) & (copper.planarity > 0.5)
    assert planar.sum() > (copper.CN == 4).sum() / 2  # of Cu, most sites of four are square-planar
    assert copper.inversion_loss[planar].mean() < 0.2
    # At the same bond length, the tetrahedron keeps its oxygens farther apart than the square.
    four = copper.CN == 4
    ratio = copper.MOOD / copper.R
    assert ratio[four & ~planar].mean() > ratio[planar].mean() + 0.1


@pytest.mark.parametrize(("cause", "low", "high"), [("R", 1.8, 2.2), ("MOOD", 2.4, 3.1)])
def test_resonances_follow_natoli(cause, low, high):
    values = np.linspace(low, high, 6)
    np.testing.assert_allclose((resonance_energy(7122.0, 40.0, values) - 7119.0) * values**2, 40.0)

    # What moves with the cause is the derivative of a peak: its zero crossing falls as 1 / value^2.
    energy = np.arange(7122.5 - 5, 7122.5 + 30, 0.02)
    places = []
    for value in values:
        step = mu_of("Fe", energy, **{cause: value + 0.01}) - mu_of("Fe", energy, **{cause: value - 0.01})
        top, bottom = np.argmax(step), np.argmin(step)
        assert top < bottom  # the resonance moves down as the distance grows
        places.append(energy[top : bottom + 1][np.argmin(np.abs(step[top : bottom + 1]))])
    assert (np.diff(places) < 0).all()
    slope, reference = np.polyfit(1 / values**2, places, 1)
    assert slope > 0
    assert abs(reference - edge_energy(ELEMENTS["Fe"], np.array([3.0]))[0]) < 6  # E_ref lies near the edge


def test_oscillations_grow_with_the_second_shell():
    def later(ocn):
        return np.ptp(mu_of("Fe", OCN=ocn)[170:] - mu_of("Fe", OCN=1)[170:])

    assert 0 < later(2) < later(3) < later(4) < later(5)


@every_element
def test_each_cause_is_felt(symbol):
    causes, energy = drawn(symbol), grid(symbol)
    for name in DESCRIPTORS:
        assert np.abs(true_response(ELEMENTS[symbol], causes, energy, [name])).max() > 0.05, name
    unchanged = spectra(ELEMENTS[symbol], causes, energy)
    for name in HIDDEN:
        low, high = np.percentile(getattr(causes, name), (5, 95))
        both = [spectra(ELEMENTS[symbol], intervene(causes, name, v), energy) for v in (low, high)]
        assert np.abs(both[1] - both[0]).max() > 0.03, name
    np.testing.assert_array_equal(spectra(ELEMENTS[symbol], causes, energy), unchanged)


def test_true_response_equals_its_definition():
    element, energy, causes = ELEMENTS["Cu"], grid("Cu"), drawn("Cu", rows=41)
    for name in DESCRIPTORS:
        ordered = np.sort(getattr(causes, name))
        low, high = (
            ordered[2],
            ordered[38],
        )  # 41 values: the 5th and 95th percentiles are the 3rd and the 39th
        total = np.zeros(len(energy))
        for row in range(41):
            one = causes[row : row + 1]
            total += spectra(element, intervene(one, name, high), energy)[0]
            total -= spectra(element, intervene(one, name, low), energy)[0]
        np.testing.assert_allclose(true_response(element, causes, energy, [name])[0], total / 41, atol=1e-12)


def test_intervening_changes_one_cause_alone():
    causes = drawn("Fe")
    changed = intervene(causes, "MOOD", 2.6)
    assert (changed.MOOD == 2.6).all() and not (causes.MOOD == 2.6).any()
    for name in (*DESCRIPTORS[:-1], *HIDDEN):
        np.testing.assert_array_equal(getattr(changed, name), getattr(causes, name))
