import numpy as np
import pytest

from rankaae_cli.core.errors import UserError
from rankaae_cli.models.supervised.inputs import DERIVATIVES, input_columns, require_inputs


def test_derivatives_of_a_cubic_are_exact():
    x_E = np.linspace(-2, 2, 41)
    cubic_E, step = x_E**3 - 2 * x_E, 0.1
    first_E, second_E = (3 * x_E**2 - 2) * step, 6 * x_E * step**2
    np.testing.assert_allclose(
        input_columns(cubic_E[None], DERIVATIVES)[0], np.concatenate([cubic_E, first_E, second_E]), atol=1e-12
    )


@pytest.mark.parametrize("points", [2, 5, 9])
def test_derivatives_of_few_points(points):
    line_NE = np.arange(points, dtype=float)[None]
    expected = [*line_NE[0], *np.ones(points), *np.zeros(points)]
    np.testing.assert_allclose(input_columns(line_NE, DERIVATIVES)[0], expected, atol=1e-9)


def test_inputs_stand_side_by_side_in_the_order_of_the_call():
    spectra_NE = np.random.default_rng(0).random((2, 12))
    columns_NF = input_columns(spectra_NE, ("cumulative_sum", "spectrum"))
    np.testing.assert_allclose(
        columns_NF[:, :12], [[sum(row[: e + 1]) for e in range(12)] for row in spectra_NE]
    )
    np.testing.assert_array_equal(columns_NF[:, 12:], spectra_NE)


@pytest.mark.parametrize(
    ("inputs", "message"),
    [
        (["spectrums"], "no input 'spectrums' of a reader\ndid you mean spectrum"),
        ([], "expected auto, or a list of spectrum, first_derivative"),
        (["spectrum", "spectrum"], "each once"),
        (3, "expected auto"),
    ],
)
def test_other_inputs_are_refused(inputs, message):
    assert require_inputs("spectrum") == ("spectrum",)
    with pytest.raises(UserError, match=message):
        require_inputs(inputs)
