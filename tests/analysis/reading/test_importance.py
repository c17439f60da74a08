from types import SimpleNamespace

import numpy as np
import pytest

from rankaae_cli.analysis.reading.importance import find_importance, importance_summary

ENERGY = np.linspace(8980.0, 9010.0, 61)
AT = 30  # 8995 eV


@pytest.fixture(scope="module")
def found():
    """What is found of two trials that read one energy, three times it as the descriptor."""
    rng = np.random.default_rng(0)
    spectra = 1 + 0.1 * rng.standard_normal((90, 61))

    def indicators(spectra):
        return np.stack([spectra[:, AT], spectra[:, AT] + 1e-3 * spectra[:, 0]])[..., None]

    model = SimpleNamespace(
        indicators=indicators,
        indicator_mean_TK=np.zeros((2, 1)),
        indicator_std_TK=np.ones((2, 1)),
        alive_T=np.array([True, True]),
        descriptor_names=("OS",),
        energy_E=ENERGY,
        energy_unit="eV",
    )
    read = indicators(spectra).mean(axis=0)
    split = SimpleNamespace(
        rows=np.arange(90),
        spectra_NE=spectra,
        descriptors_NK=3 * spectra[:, [AT]],
        material_N=np.arange(90) // 2,
        ensemble_indicators_NK=read,
        ensemble_values_NK=3 * read,
    )
    return find_importance(SimpleNamespace(model=model, split=split), seed=0)


def test_the_energy_that_is_read_is_the_most_important(found):
    metrics, table = found
    assert metrics["descriptors"]["OS"]["energy"] == pytest.approx(ENERGY[AT], abs=metrics["window"])
    assert table["importance"].max() == pytest.approx(metrics["descriptors"]["OS"]["importance"])
    away = table[np.abs(table["energy"] - ENERGY[AT]) > 2 * metrics["window"]]
    assert np.abs(away["importance"]).max() < 0.01


def test_responses_are_in_the_unit_of_the_descriptor(found):
    _, table = found
    # A per cent more over all energies is a per cent more of a reading of about three.
    widths = np.full(len(table), 30 / (len(table) - 1))
    widths[[0, -1]] /= 2
    assert (table["response"] * widths).sum() == pytest.approx(0.03, rel=0.02)
    assert (table["response_low"] <= table["response_high"]).all()


def test_a_sentence_says_where_descriptors_are_read(found):
    metrics, _ = found
    assert importance_summary(metrics) == f"read mostly off (windows of {metrics['window']:.1f} eV): OS " + (
        f"{metrics['descriptors']['OS']['energy']:.1f} eV"
    )
    assert importance_summary(metrics | {"descriptors": {"OS": None}}) is None
