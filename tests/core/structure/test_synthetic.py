"""The rules of the synthetic spectra: signs of the causes, and the true response."""

from dataclasses import replace

import numpy as np
import pytest
from scipy.stats import spearmanr

from rankaae_cli.core.structure.synthetic import (
    MATERIAL_DRAWS,
    SITE_DRAWS,
    draw_causes,
    edge_energy,
    intervene,
    inversion_loss,
    planarity,
    resonance_energy,
    smallest_angle,
    spectra,
    true_response,
)
from rankaae_cli.core.structure.synthetic_elements import ELEMENTS

DESCRIPTORS = ("OS", "CN", "OCN", "NNRS", "MOOD")
HIDDEN = ("R", "covalency", "second_shell", "scattering")
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
    site = {"OS": 3, "CN": 5, "OCN": 3, "NNRS": 0.02, "MOOD": 2.7, "R": 2.0}
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
    angle = smallest_angle(c.MOOD, c.R)
    assert ((angle > 65) & (angle < np.where(c.CN == 4, 109.5, 90.1))).all()  # no polyhedron allows more


@every_element
def test_hidden_causes_are_independent_of_descriptors(symbol):
    c = drawn(symbol, rows=4000)
    for hidden in HIDDEN:
        for name in DESCRIPTORS:
            limit = 0.2 if (hidden, name) == ("R", "MOOD") else 0.06
            assert abs(spearmanr(getattr(c, hidden), getattr(c, name))[0]) < limit, (hidden, name)
    assert 0.005 < c.R.std() / c.R.mean() < 0.01


@every_element
def test_descriptors_are_little_entangled(symbol):
    c = drawn(symbol, rows=4000)
    rho = spearmanr(np.stack([getattr(c, name) for name in DESCRIPTORS], axis=1))[0]
    assert 0.5 < rho[1, 3] < 0.7  # CN and NNRS
    rho[1, 3] = rho[3, 1] = 0
    assert np.abs(rho - np.eye(5)).max() < 0.5


@pytest.mark.parametrize("symbol", ["Mn", "Cu"])
def test_true_responses_can_be_told_from_descriptors_and_spectra(symbol):
    # Least squares of the spectra on a quadratic of the descriptors: no better than a model can do.
    element, causes, energy = ELEMENTS[symbol], drawn(symbol, rows=3000), grid(symbol)
    descriptors = np.stack([getattr(causes, name) for name in DESCRIPTORS], axis=1)
    centre, scale = descriptors.mean(axis=0), descriptors.std(axis=0)

    def quadratic(at):
        z = np.column_stack([np.ones(len(at)), (at - centre) / scale])
        first, second = np.triu_indices(6)
        return z[:, first] * z[:, second]

    fit = np.linalg.lstsq(quadratic(descriptors), spectra(element, causes, energy), rcond=None)[0]
    for k, name in enumerate(DESCRIPTORS):
        low, high = descriptors.copy(), descriptors.copy()
        low[:, k], high[:, k] = np.percentile(descriptors[:, k], (5, 95))
        found = ((quadratic(high) - quadratic(low)) @ fit).mean(axis=0)
        truth = true_response(element, causes, energy, [name])[0]
        assert np.corrcoef(found, truth)[0, 1] > 0.985, name


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


def mood_of(angle, length=2.0):
    return 2 * length * np.sin(np.radians(angle / 2))


def pre_edge_height(symbol, os, cn, angle):
    element = ELEMENTS[symbol]
    energy = np.arange(element.edge - 16, element.edge - 2, 0.05)
    causes = ideal(symbol, OS=os, CN=cn, MOOD=mood_of(angle))
    without_holes = replace(element, valence_electrons=10 + os)
    return (spectra(element, causes, energy) - spectra(without_holes, causes, energy)).max()


def test_pre_edge_is_strong_without_inversion_and_with_many_holes():
    d_holes = [10 - (e.valence_electrons - 3) for e in ELEMENTS.values()]
    heights = [pre_edge_height(symbol, 3, 4, 106) for symbol in ELEMENTS]
    np.testing.assert_allclose(heights, heights[0] * np.array(d_holes) / d_holes[0], rtol=0.02)
    charges = [pre_edge_height("V", os, 4, 106) for os in (2, 3, 4, 5)]
    assert (np.diff(charges) > 0).all() and charges[0] > 0
    for cn, factor in ((4, 2.5), (5, 3), (6, 4)):  # square-planar, five, octahedral
        assert pre_edge_height("V", 5, 4, 106) > factor * pre_edge_height("V", 5, cn, 85)


def test_tetrahedra_alone_lose_their_inversion():
    angle = np.array([106.0, 85.0, 85.0, 85.0])
    tetrahedral, square, five, octahedral = inversion_loss(np.array([4.0, 4.0, 5.0, 6.0]), angle)
    assert tetrahedral > 0.8 and square < 0.25
    assert octahedral < five < tetrahedral
    assert planarity(4.0, 85.0) > 0.9 > 0.3 > planarity(4.0, 104.0)
    # Titanium is tetrahedral where it has four neighbours, copper rather square-planar.
    titanium, copper = drawn("Ti", rows=2000), drawn("Cu", rows=2000)
    share = [(smallest_angle(c.MOOD, c.R)[c.CN == 4] > 92).mean() for c in (titanium, copper)]
    assert share[0] > share[1] + 0.1


@pytest.mark.parametrize(("cause", "low", "high"), [("R", 1.8, 2.2), ("MOOD", 2.4, 3.1)])
def test_resonances_follow_natoli(cause, low, high):
    values = np.linspace(low, high, 6)
    np.testing.assert_allclose((resonance_energy(7122.0, 40.0, values) - 7119.0) * values**2, 40.0)

    # What moves with the cause is the derivative of a peak: its zero crossing falls as 1 / value^2.
    energy = np.arange(7122.5 + 2, 7122.5 + 30, 0.02)  # above pre-edge and shoulder
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
        assert np.abs(true_response(ELEMENTS[symbol], causes, energy, [name])).max() > 0.06, name
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
