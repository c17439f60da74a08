import numpy as np
import pytest

from rankaae_cli.core.errors import UserError
from rankaae_cli.core.xas.spectra import SpectrumError
from rankaae_cli.data.family.sites import family_spec, material_names, site_index

CONFIGURATION = {
    "name": "Cu_oxides",
    "element": "Cu",
    "edge": "K",
    "energy": {"start": 8983.5, "step": 0.25, "points": 256, "unit": "eV"},
    "descriptors": {"OS": {}, "CN": {}},
    "neighbours": {"method": "crystal_nn"},
    "keep": {"ligands": ["O"]},
}


@pytest.mark.parametrize(
    ("folders", "names"),
    [
        (["a/m1", "b/m2"], ["m1", "m2"]),
        (["a/m1", "b/m1", "b/m2"], ["a/m1", "b/m1", "m2"]),
        (["x/a/m1", "x/b/m1"], ["a/m1", "b/m1"]),
        (["x/a/m1", "y/a/m1", "m1"], ["x/a/m1", "y/a/m1", "m1"]),
        (["", "top"], ["./top", "top"]),
        ([""], ["top"]),
    ],
)
def test_a_material_has_the_shortest_path_that_is_its_alone(folders, names):
    keys = [tuple(folder.split("/")) if folder else () for folder in folders]
    assert list(material_names(keys, "somewhere/top.tar.xz").values()) == names
    assert material_names(reversed(keys), "somewhere/top.tar.xz") == material_names(keys, "top.zip")


def test_a_family_of_its_configuration():
    spec = family_spec(CONFIGURATION)
    assert np.array_equal(spec.energy_E, 8983.5 + 0.25 * np.arange(256))
    assert (spec.descriptor_names, spec.ligands, spec.coordination) == (("OS", "CN"), ("O",), None)
    assert spec.needs_oxidation_states


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"neighbours": {"method": "cutoff", "radius": None}}, "needs neighbours.radius="),
        ({"energy": CONFIGURATION["energy"] | {"points": 1}}, "at least 2"),
        ({"energy": CONFIGURATION["energy"] | {"step": 0}}, "energy.step positive"),
    ],
)
def test_an_impossible_configuration_is_refused(change, said):
    with pytest.raises(UserError, match=said):
        family_spec(CONFIGURATION | change)


def test_site_indices_fit_into_64_bits():
    assert site_index("0" * 5000 + "12") == 12
    assert site_index("9" * 18) < 2**63
    with pytest.raises(SpectrumError, match="more than 18 digits"):
        site_index("9" * 5000)
