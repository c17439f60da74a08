import numpy as np
import pytest
from scipy.integrate import trapezoid
from scipy.stats import spearmanr

from rankaae_cli.core.statistics.bootstrap import permuted_rows
from rankaae_cli.core.statistics.importance import Windows, permutation_importance, window_responses

ENERGY = np.linspace(8980, 9020, 81)
WINDOWS = Windows.over(ENERGY)
RNG = np.random.default_rng(0)
SPECTRA = 1 + 0.2 * RNG.standard_normal((120, 81))
MATERIAL = np.repeat(np.arange(60), 2)
AT = 40  # the energy that the reader below looks at


def one_energy(spectra):
    """Two members and two descriptors; the second descriptor is read off nothing."""
    member = np.stack([spectra[:, AT], np.arange(len(spectra)) % 7], axis=1)
    return np.stack(
        [member, member + [0.05, 0] * np.random.default_rng(1).standard_normal((len(spectra), 1))]
    )


def test_windows_are_one_together_and_span_the_energies():
    assert WINDOWS.weight_ME.sum(axis=0) == pytest.approx(np.ones(81))
    assert WINDOWS.width_M.sum() == pytest.approx(40)
    assert (WINDOWS.centre_M[0], WINDOWS.centre_M[-1]) == (8980, 9020)
    assert len(Windows.over(np.arange(10.0)).centre_M) == 4


def test_only_the_window_that_is_read_is_important():
    known = np.column_stack([SPECTRA[:, AT], SPECTRA[:, AT]])
    found = permutation_importance(one_energy, SPECTRA, known, MATERIAL, WINDOWS, 8, np.random.default_rng(2))
    share = WINDOWS.weight_ME[:, AT]
    assert found.drop_MK[:, 0].argmax() == share.argmax()
    assert found.drop_MK[share == 0, 0] == pytest.approx(0, abs=1e-12)
    assert found.drop_MK[:, 1] == pytest.approx(0, abs=1e-12)
    assert found.of_repeats_MK[share.argmax(), 0] > 0 and found.of_members_MK[share.argmax(), 0] > 0


def test_the_drop_is_that_of_the_correlation_with_the_window_of_other_materials():
    known = np.column_stack([SPECTRA[:, AT], SPECTRA[:, AT - 1]])
    found = permutation_importance(one_energy, SPECTRA, known, MATERIAL, WINDOWS, 3, np.random.default_rng(3))
    w = int(WINDOWS.weight_ME[:, AT].argmax())
    drops = []
    for order in permuted_rows(MATERIAL, 3, np.random.default_rng(3)):
        weight = WINDOWS.weight_ME[w]
        mixed = (1 - weight) * SPECTRA + weight * SPECTRA[order]
        usual, fallen = (
            spearmanr(one_energy(x).mean(axis=0)[:, 0], known[:, 0])[0] for x in (SPECTRA, mixed)
        )
        drops.append(usual - fallen)
    assert found.drop_MK[w, 0] == pytest.approx(np.mean(drops))
    assert found.of_repeats_MK[w, 0] == pytest.approx(np.std(drops))


def test_the_response_of_a_sum_is_its_weights():
    weight = np.linspace(-1, 1, 81)
    found = window_responses(lambda x: (x @ weight)[:, None], SPECTRA, WINDOWS)
    w = 5
    exact = (SPECTRA * weight * WINDOWS.weight_ME[w]).sum(axis=1) / 100
    assert found[w, :, 0] == pytest.approx(exact / trapezoid(WINDOWS.weight_ME[w], ENERGY))
    assert np.sign(found.mean(axis=1)[2, 0]) == -1 and np.sign(found.mean(axis=1)[-3, 0]) == 1
