"""Synthetic families and the samples that ship."""

import hashlib
from importlib import resources

import numpy as np
import pytest
import yaml
from scipy.stats import spearmanr

from rankaae_cli.core.errors import UserError
from rankaae_cli.core.structure import synthetic as rules
from rankaae_cli.core.structure.synthetic_elements import ELEMENTS, element_at
from rankaae_cli.data.family import samples
from rankaae_cli.data.family.family_file import read_family, write_family
from rankaae_cli.data.family.splits import split_of
from rankaae_cli.data.family.synthetic import synthetic_causes, synthetic_family

NAMES = [f"{element}_oxides" for element in ("Ti", "V", "Cr", "Mn", "Fe", "Co", "Ni", "Cu")]
DESCRIPTORS = ("OS", "CN", "OCN", "NNRS", "MOOD")
ENERGY = 7111.0 + 0.25 * np.arange(256)
SAMPLES = [*NAMES[:-1], "Cu_L23", NAMES[-1]]
every_family = pytest.mark.parametrize("name", NAMES)


def iron(**changes):
    arguments = {"name": "Fe_oxides", "element": "Fe", "edge": "K", "energy_E": ENERGY}
    return synthetic_family(**{**arguments, "descriptor_names": DESCRIPTORS, "spectra": 60, **changes})


def sha256(path):
    return hashlib.sha256(path.read_bytes()).hexdigest()


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    folder = tmp_path_factory.mktemp("samples")
    assert samples.main([str(folder)]) == 0
    return folder


@pytest.mark.parametrize("name", SAMPLES)
def test_samples_are_made_again_byte_for_byte(made, name):
    assert sha256(made / f"{name}.h5") == sha256(samples.sample_path(name)), "run `make samples`"


def test_samples_are_all_there_and_small(made):
    assert sorted(p.name for p in made.iterdir()) == sorted(f"{n}.h5" for n in SAMPLES)
    assert samples.sample_families() == SAMPLES
    assert sum(samples.sample_path(n).stat().st_size for n in SAMPLES) < 6.5e6
    assert samples.sample_path("amorphous_carbon") is None
    assert samples.sample_path("no_such_family") is None


@every_family
def test_samples_are_physical(name):
    family = read_family(samples.sample_path(name))
    assert (family.name, family.source, family.normalisation) == (name, "synthetic", "edge_step")
    assert family.created == "2000-01-01T00:00:00+00:00"
    assert family.spectra_NE.shape == (800, 256)
    assert family.descriptor_names == DESCRIPTORS
    assert family.descriptor_units == ("e", "1", "1", "angstrom", "angstrom")
    assert np.isfinite(family.descriptors_NK).all()
    assert (family.spectra_NE > 0).all() and (family.spectra_NE < 2).all()
    assert (family.spectra_NE[:, 0] < 0.15).all() and (np.abs(family.spectra_NE[:, -40:] - 1) < 0.35).all()
    coordination, spread = family.descriptors_NK[:, 1], family.descriptors_NK[:, 3]
    assert 0.5 < spearmanr(coordination, spread)[0] < 0.7
    configuration = resources.files("rankaae_cli.conf") / "family" / f"{name}.yaml"
    classes = yaml.safe_load(configuration.read_text())["descriptors"]
    for k, descriptor in enumerate(("OS", "CN")):
        assert set(family.descriptors_NK[:, k]) == set(classes[descriptor]["classes"])


def test_l_edges_are_the_weighted_sum_of_two_and_show_the_holes_of_the_3d_shell():
    family = read_family(samples.sample_path("Cu_L23"))
    causes, _, _ = synthetic_causes("Cu_L23", "Cu", 800, samples.SAMPLE_SEED)
    (w3, l3), (w2, l2) = element_at("Cu", "L23").parts
    assert (l2.edge - l3.edge, w3 / w2) == (pytest.approx(952.3 - 932.7), pytest.approx(2))
    expected = w3 * rules.spectra(l3, causes, family.energy_E) + w2 * rules.spectra(
        l2, causes, family.energy_E
    )
    np.testing.assert_allclose(expected, family.spectra_NE, rtol=0, atol=1e-4)
    assert (family.spectra_NE > 0).all() and (np.abs(family.spectra_NE[:, -40:] - 1) < 0.35).all()
    near = np.abs(family.energy_E - 932.7) < 2
    line_N = family.spectra_NE[:, near].max(axis=1)
    assert line_N[causes.OS == 1].max() < line_N[causes.OS == 2].min()


@every_family
def test_true_response_is_that_of_the_rows(name):
    family = read_family(samples.sample_path(name))
    element = ELEMENTS[family.element]
    causes, _, _ = synthetic_causes(name, family.element, 800, samples.SAMPLE_SEED)
    np.testing.assert_allclose(
        rules.spectra(element, causes, family.energy_E), family.spectra_NE, rtol=0, atol=1e-4
    )
    for k in (0, 4):
        low, high = np.percentile(family.descriptors_NK[:, k], [5, 95])
        at_low, at_high = (
            rules.spectra(element, rules.intervene(causes, DESCRIPTORS[k], x), family.energy_E)
            for x in (low, high)
        )
        np.testing.assert_allclose(
            family.true_response_KE[k], at_high.mean(0) - at_low.mean(0), rtol=0, atol=1e-4
        )
    assert (np.abs(family.true_response_KE).max(axis=1) > 0.06).all()
    size = np.linalg.norm(family.true_response_KE, axis=1)
    assert size.min() > 0.15 * size.max()


@every_family
def test_sites_of_a_material_stay_together(name):
    family = read_family(samples.sample_path(name))
    assert set(family.split_N) == {0, 1, 2}
    assert all(split_of(m) == s for m, s in zip(family.material_N, family.split_N, strict=True))
    materials, sizes = np.unique(family.material_N.astype(str), return_counts=True)
    assert set(sizes) == {1, 2, 3, 4}
    assert all(m.startswith("synthetic-") for m in materials)
    for material in materials:
        sites = family.site_N[family.material_N == material]
        np.testing.assert_array_equal(sites, np.arange(len(sites)))
    # Sites of one material are more alike than those of different ones.
    oxidation = family.descriptors_NK[:, 0]
    same = family.material_N[1:] == family.material_N[:-1]
    differs = oxidation[1:] != oxidation[:-1]
    assert differs[same].mean() < 0.5 * differs[~same].mean()


def test_seed_and_name_set_the_spectra():
    family = iron()
    np.testing.assert_array_equal(iron().spectra_NE, family.spectra_NE)
    assert not np.array_equal(iron(seed=1).spectra_NE, family.spectra_NE)
    assert not np.array_equal(iron(name="mine").spectra_NE, family.spectra_NE)


def test_hidden_causes_are_quantities_where_asked_for():
    assert iron().quantity_names == ()
    family = iron(hidden=True)
    causes, _, _ = synthetic_causes("Fe_oxides", "Fe", 60, 0)
    assert family.quantities_NQ.shape == (60, 7)
    for name, unit, cause in (("MBL", "angstrom", causes.R), ("covalency", "1", causes.covalency)):
        q = family.quantity_names.index(name)
        np.testing.assert_allclose(family.quantities_NQ[:, q], cause, atol=1e-6)
        assert family.quantity_units[q] == unit
    np.testing.assert_array_equal(family.spectra_NE, iron().spectra_NE)


def test_another_code_makes_other_spectra_of_the_same_sites(tmp_path):
    a, b = iron(hidden=True), iron(hidden=True, code="B")
    for field in ("descriptors_NK", "quantities_NQ", "material_N", "site_N", "split_N", "energy_E"):
        np.testing.assert_array_equal(getattr(a, field), getattr(b, field))
    assert b.is_synthetic and (a.fidelity, b.fidelity) == ("synthetic", "synthetic B")
    assert read_family(write_family(tmp_path / "b.h5", b)).fidelity == "synthetic B"
    assert (b.spectra_NE.max(axis=1) > a.spectra_NE.max(axis=1) + 0.1).all()
    # What a descriptor changes is alike once the 2 eV between them are taken off, and not before.
    for response_E, other_E in zip(a.true_response_KE, b.true_response_KE, strict=True):
        assert np.corrcoef(response_E[:-8], other_E[8:])[0, 1] > 0.95
        assert 0.8 < np.linalg.norm(other_E) / np.linalg.norm(response_E) < 1.3
        assert np.corrcoef(response_E, other_E)[0, 1] < 0.9


def test_the_shift_of_a_code_is_that_of_all_energies():
    causes, _, _ = synthetic_causes("Fe_oxides", "Fe", 20, 0)
    shifted_NE = rules.spectra(ELEMENTS["Fe"], causes, ENERGY + 2, rules.Code(shift=2))
    np.testing.assert_allclose(shifted_NE, rules.spectra(ELEMENTS["Fe"], causes, ENERGY), rtol=0, atol=1e-9)


def test_a_larger_family_begins_with_the_smaller_one():
    small, large = iron(spectra=30), iron(spectra=100)
    for field in ("spectra_NE", "descriptors_NK", "material_N", "site_N", "split_N"):
        np.testing.assert_array_equal(getattr(large, field)[:30], getattr(small, field))


def test_descriptors_come_in_the_order_asked_for():
    chosen, full = iron(descriptor_names=("MOOD", "OS")), iron()
    np.testing.assert_array_equal(chosen.descriptors_NK, full.descriptors_NK[:, [4, 0]])
    np.testing.assert_array_equal(chosen.true_response_KE, full.true_response_KE[[4, 0]])
    assert chosen.descriptor_units == ("angstrom", "e")


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"element": "Zn"}, "Ti, V, Cr, Mn, Fe, Co, Ni, Cu"),
        ({"edge": "L3"}, "L3 edge"),
        ({"descriptor_names": ("OS", "MOD")}, "MOOD"),
        ({"energy_E": np.arange(100.0)}, "0 to 99 eV"),
        ({"spectra": 0}, "at least 1"),
    ],
)
def test_what_the_rules_do_not_cover_is_said(changes, said):
    with pytest.raises(UserError, match=said) as caught:
        iron(**changes)
    assert len(str(caught.value).splitlines()) <= 2


def test_samples_command_refuses_two_folders(capsys):
    assert samples.main(["a", "b"]) == 2
    assert "usage" in capsys.readouterr().err
