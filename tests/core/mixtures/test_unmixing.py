import numpy as np
import pytest

from rankaae_cli.core.mixtures.unmixing import Unmixer
from rankaae_cli.core.xas.discrepancy import smooth_differences

ENERGY = np.linspace(0, 60, 100)


def spectra(n, seed):
    """Spectra of three classes, whose edges and white lines differ between classes more than within one."""
    rng = np.random.default_rng(seed)
    label = rng.integers(1, 4, n).astype(float)
    at = 10 + 3 * label + 0.4 * rng.standard_normal(n)
    line = 0.2 + 0.25 * label + 0.05 * rng.standard_normal(n)
    step = 0.5 + np.arctan(ENERGY - at[:, None]) / np.pi
    return step + line[:, None] * np.exp(-(((ENERGY - at[:, None] - 3) / 2) ** 2)), label


@pytest.fixture(scope="module")
def unmixer():
    references, label = spectra(900, 0)
    return Unmixer(references, label, np.arange(900), 0.9)


def test_shares_of_new_mixtures_lie_within_their_intervals_as_often_as_stated(unmixer):
    parts, label = spectra(400, 1)
    rng = np.random.default_rng(2)
    held, off, widths = [], [], []
    for _ in range(120):
        a, b = rng.choice(400, 2, replace=False)
        share = rng.random()
        true = np.array([share * (label[a] == c) + (1 - share) * (label[b] == c) for c in unmixer.classes])
        found = unmixer.read(share * parts[a] + (1 - share) * parts[b])
        assert found.share.sum() == pytest.approx(1) and found.error < 0.02
        held.append(((true >= found.low - 1e-9) & (true <= found.high + 1e-9)).all())
        off.append(np.abs(found.share - true))
        widths.append(found.high - found.low)
    assert np.mean(held) > 0.84
    assert np.mean(off) < 0.12
    assert np.mean(widths) < 0.6  # and they say something


def test_a_pure_spectrum_is_mostly_its_class(unmixer):
    parts, label = spectra(60, 3)
    found = [unmixer.classes[int(unmixer.read(p).share.argmax())] for p in parts]
    assert np.mean(found == label) > 0.9


def test_what_one_is_read_as_does_not_depend_on_the_others(unmixer):
    parts, _ = spectra(4, 5)
    first = unmixer.read(parts[0])
    unmixer.read(parts[1])
    assert unmixer.read(parts[0]).share.tolist() == first.share.tolist()


def test_an_uncertain_offset_widens_the_intervals(unmixer):
    parts, _ = spectra(4, 6)
    moved = np.stack([np.interp(ENERGY - shift, ENERGY, parts[0]) for shift in (-2.0, 0.0, 2.0)])
    certain, uncertain = unmixer.read(parts[0]), unmixer.read(parts[0], moved, np.array([0.25, 0.5, 0.25]))
    assert uncertain.share.tolist() == certain.share.tolist()
    assert (uncertain.high - uncertain.low).sum() > (certain.high - certain.low).sum() + 0.2


def test_what_combinations_leave_of_a_measured_spectrum_widens_the_intervals(unmixer):
    parts, label = spectra(30, 7)
    mixture = (parts[label == 1][0] + parts[label == 3][0]) / 2
    differences = smooth_differences(ENERGY, 8)
    unlike = mixture + 0.15 * np.sin(ENERGY / 3)

    def width(spectrum, *more):
        found = unmixer.read(spectrum, None, None, *more)
        return found.share.tolist(), (found.high - found.low).sum()

    # What is rebuilt as well as usual differs from none.
    usual, as_measured = width(mixture), width(mixture, differences)
    assert as_measured[0] == usual[0] and as_measured[1] < 1.2 * usual[1]
    computed, measured = width(unlike), width(unlike, differences)
    assert measured[0] == computed[0] and measured[1] > computed[1] + 0.1


def test_one_class_is_no_mixture():
    references, _ = spectra(100, 4)
    with pytest.raises(ValueError, match="at least 2"):
        Unmixer(references, np.ones(100), np.arange(100), 0.9)
