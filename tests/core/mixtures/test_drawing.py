import numpy as np
import pytest

from rankaae_cli.core.mixtures.drawing import draw_mixtures

RNG = np.random.default_rng(0)
VALUE = np.repeat([1.0, 2.0, 2.0, 2.0, 3.0, np.nan], 20)
MATERIAL = np.array([f"m{i // 2}" for i in range(len(VALUE))])
SPECTRA = RNG.random((len(VALUE), 7))
MIXTURES = draw_mixtures(VALUE, MATERIAL, 300, 3, np.random.default_rng(1))


def parts(m):
    return MIXTURES.row_MC[m][MIXTURES.share_MC[m] > 0]


def test_parts_differ_in_value_and_in_material():
    for m in range(300):
        assert len(set(VALUE[parts(m)])) == len(set(MATERIAL[parts(m)])) == len(parts(m)) >= 2
    assert {len(parts(m)) for m in range(300)} == {2, 3}
    assert MIXTURES.share_MC.sum(axis=1) == pytest.approx(np.ones(300))


def test_spectra_and_values_add_up_in_their_shares():
    spectra, mean = MIXTURES.of(SPECTRA), MIXTURES.of(VALUE)
    for m in range(300):
        share = MIXTURES.share_MC[m][MIXTURES.share_MC[m] > 0]
        assert spectra[m] == pytest.approx(share @ SPECTRA[parts(m)])
        assert mean[m] == pytest.approx(share @ VALUE[parts(m)])
    assert np.isfinite(mean).all()


def test_no_material_is_in_two_sets():
    where: dict[str, set[int]] = {}
    for m, block in enumerate(MIXTURES.block_M):
        for material in MATERIAL[parts(m)]:
            where.setdefault(material, set()).add(int(block))
    assert all(len(blocks) == 1 for blocks in where.values())
    assert MIXTURES.block_M.max() + 1 == 10  # as many as the rarest value has materials


def test_shares_of_two_are_spread_evenly():
    two = draw_mixtures(VALUE, MATERIAL, 2000, 2, np.random.default_rng(2))
    assert np.histogram(two.share_MC, 4, (0, 1))[0] == pytest.approx([1000] * 4, rel=0.15)


def test_the_same_seed_draws_the_same():
    again = draw_mixtures(VALUE, MATERIAL, 300, 3, np.random.default_rng(1))
    assert again.row_MC.tolist() == MIXTURES.row_MC.tolist()
    assert again.share_MC.tolist() == MIXTURES.share_MC.tolist()


@pytest.mark.parametrize(
    ("value", "material"), [([2.0, 2.0], ["a", "b"]), ([1.0, 2.0], ["a", "a"]), ([np.nan, 1.0], ["a", "b"])]
)
def test_what_cannot_be_mixed_is_refused(value, material):
    with pytest.raises(ValueError, match="no two materials"):
        draw_mixtures(np.array(value), material, 3, 2, np.random.default_rng(0))
