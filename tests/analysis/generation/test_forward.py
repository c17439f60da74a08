from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from unittest.mock import MagicMock

import numpy as np
import pytest

from rankaae_cli.analysis.generation.forward import Forward
from rankaae_cli.core.errors import UserError
from tests.models.diffusion.carbon import family

RUN = Path("runs/carbon/2026-01-01/10-00-00")


def simulator(**changed):
    data = family()
    known = {"family": data.name, "element": "C", "energy_E": data.energy_E, "members": (), "kind": "forward"}
    return MagicMock(**(known | changed))


GENERATOR = SimpleNamespace(family="amorphous_carbon", element="C", energy_E=np.arange(10.0))


@pytest.mark.parametrize(
    ("changed", "message"),
    [
        ({"family": "soot"}, r"simulates soot \(C\), and structures of amorphous_carbon \(C\) are generated"),
        ({"element": "Si"}, r"simulates amorphous_carbon \(Si\)"),
        ({"energy_E": np.arange(9.0)}, "simulates spectra on another grid"),
    ],
)
def test_runs_of_other_spectra_are_refused(changed, message):
    with pytest.raises(UserError, match=message):
        Forward.of(RUN, simulator(**changed), family(), GENERATOR)


def test_errors_are_of_the_test_split_and_against_other_atoms(monkeypatch):
    data = family()
    test = data.with_rows(data.split_N == 2)
    features = MagicMock(__len__=lambda self: len(data))
    features.with_rows.return_value = MagicMock(__len__=lambda self: len(test))
    model = simulator()
    model.simulate.return_value = (test.spectra_NE + np.linspace(-0.1, 0.3, 10), None)
    forward = Forward.of(RUN, model, replace(data, features=features), GENERATOR)
    assert forward.error_of_atoms == pytest.approx(np.abs(np.linspace(-0.1, 0.3, 10)).mean(), rel=1e-4)
    assert forward.error_of_means == pytest.approx(forward.error_of_atoms, rel=1e-4)

    conditions = np.array([[0.0] * 10, [1.0] * 10, [np.nan] * 10, [3.0] * 10])
    monkeypatch.setattr(Forward, "simulate", lambda self, structures: [np.nan_to_num(conditions) + 0.5])
    found = forward.compare([None], [conditions])
    assert found["atoms"] == pytest.approx(0.5) and found["means"] == pytest.approx(0.5)
    apart = [abs(a + 0.5 - b) for a in (0, 1, 3) for b in (0, 1, 3) if a != b]
    assert found["atoms_shuffled"] == pytest.approx(np.mean(apart))
