from dataclasses import replace

import numpy as np
import pytest

from rankaae_cli.core.errors import UserError
from rankaae_cli.data.family.family import Family
from rankaae_cli.data.family.regrid import on_grid, require_same_absorber
from rankaae_cli.data.family.sites import FamilySpec
from tests.data.feff_folder import GRID

SPEC = FamilySpec("Cu_oxides", "Cu", "K", GRID)


@pytest.fixture
def family():
    energy = 8983 + 0.5 * np.arange(140)
    return Family(
        name="Cu_oxides",
        element="Cu",
        edge="K",
        energy_E=energy,
        spectra_NE=np.stack([np.linspace(0, 1, 140), np.linspace(1, 2, 140)]).astype(np.float32),
        descriptors_NK=np.array([[4.0], [6.0]]),
        descriptor_names=("CN",),
        descriptor_units=("1",),
        material_N=np.array(["a", "b"], dtype=object),
        site_N=np.array([0, 3]),
        split_N=np.zeros(2, np.uint8),
        true_response_KE=np.linspace(-1, 1, 140)[None],
        quantities_NQ=np.array([[1.9, np.nan], [2.1, 0.5]]),
        quantity_names=("BVS", "q4"),
        quantity_units=("v.u.", "1"),
    )


def test_a_family_is_brought_to_the_grid(family):
    new, rejected = on_grid(family, SPEC.energy_E, 8.0)
    assert rejected == ()
    assert np.array_equal(new.energy_E, GRID)
    assert np.allclose(new.spectra_NE[1], np.interp(GRID, family.energy_E, family.spectra_NE[1]), atol=1e-5)
    assert np.allclose(new.true_response_KE[0], np.interp(GRID, family.energy_E, family.true_response_KE[0]))
    assert np.array_equal(new.descriptors_NK, family.descriptors_NK)
    assert np.array_equal(new.quantities_NQ, family.quantities_NQ, equal_nan=True)


def test_rows_that_cannot_be_brought_there_have_their_reason(family):
    late = replace(family, energy_E=family.energy_E + 4)
    late.spectra_NE[0] = late.spectra_NE[0][::-1] * 0.1  # falls, so no tail fits
    new, rejected = on_grid(late, SPEC.energy_E, 8.0)
    assert new.material_N.tolist() == ["b"]
    assert new.quantities_NQ.tolist() == [[2.1, 0.5]]
    assert new.true_response_KE is None
    assert [(r.material, r.site) for r in rejected] == [("a", "0")]
    assert "no tail below can be matched" in rejected[0].reason


@pytest.mark.parametrize("change", [{"element": "Fe"}, {"edge": "L3"}, {"energy_unit": "index"}])
def test_another_absorber_is_refused(family, change):
    (what, found), *_ = change.items()
    with pytest.raises(UserError, match=f"{what} is {found}, that of the family Cu_oxides is"):
        require_same_absorber(replace(family, **change), SPEC, "x.h5")
