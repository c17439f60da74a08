from dataclasses import replace

import numpy as np
import pytest

from rankaae_cli.core.errors import UserError
from rankaae_cli.data.family.family_file import read_family
from rankaae_cli.data.family.samples import sample_path
from rankaae_cli.data.mixtures import Recipe, mixtures_of, with_mixtures

FAMILY = read_family(sample_path("Fe_oxides"))
K = FAMILY.descriptor_names.index("OS")


def test_mixtures_are_made_of_one_side_alone():
    mixtures = mixtures_of(FAMILY, Recipe("OS", 0.5, 3, seed=0), 2, 50)
    test = np.asarray(FAMILY.spectra_NE[:])[FAMILY.split_N == 2]
    # Of spectra of the test side, so they lie between its least and its largest at every energy.
    assert (mixtures.spectra_NE >= test.min(axis=0) - 1e-6).all()
    assert (mixtures.spectra_NE <= test.max(axis=0) + 1e-6).all()
    assert set(mixtures.split_N.tolist()) == {2}
    assert np.isfinite(mixtures.descriptors_NK[:, K]).all()
    assert np.isnan(np.delete(mixtures.descriptors_NK, K, axis=1)).all()


def test_rows_are_added_to_training_and_validation_only():
    mixed = with_mixtures(FAMILY, Recipe("OS", 0.5, 2, seed=0))
    count, before = (np.bincount(one.split_N) for one in (mixed, FAMILY))
    known = np.bincount(FAMILY.split_N[np.isfinite(FAMILY.descriptors_NK[:, K])])
    assert count.tolist() == [before[0] + known[0], before[1] + known[1], before[2]]
    assert mixed.spectra_NE[: len(FAMILY)] == pytest.approx(np.asarray(FAMILY.spectra_NE[:]))
    sides: dict[str, set[int]] = {}
    for material, side in zip(mixed.material_N, mixed.split_N, strict=True):
        sides.setdefault(material, set()).add(int(side))
    assert all(len(one) == 1 for one in sides.values())


def test_several_files_may_hold_the_same_site():
    both = replace(
        FAMILY,
        **{
            name: np.concatenate([getattr(FAMILY, name)[:]] * 2)
            for name in ("spectra_NE", "descriptors_NK", "material_N", "site_N", "split_N", "quantities_NQ")
        },
        file_N=np.repeat([0, 1], len(FAMILY)),
        groups={},
    )
    assert len(with_mixtures(both, Recipe("OS", 0.2, 2, seed=0))) > len(both)


def test_without_a_recipe_the_family_stays_as_it_is():
    assert with_mixtures(FAMILY, None) is FAMILY


@pytest.mark.parametrize(("name", "said"), [("SO", "did you mean OS"), ("NNRS", "it has [0-9]+ values")])
def test_what_does_not_mix_is_refused(name, said):
    with pytest.raises(UserError, match=said):
        with_mixtures(FAMILY, Recipe(name, 0.5, 2, seed=0))
