"""What readers see of a spectrum: the spectrum, its smoothed derivatives, its cumulative sum.

Letters beyond the legend: F inputs of a spectrum, side by side.
"""

from collections.abc import Callable, Mapping, Sequence

import numpy as np
from scipy.signal import savgol_filter

from rankaae_cli.core.errors import UserError, nearest

_WINDOW, _DEGREE = 9, 3  # of the smoothing: points, and the degree of the polynomial through them


def _derivative(spectra_NE: np.ndarray, order: int) -> np.ndarray:
    """Return a derivative a point, smoothed by a cubic through nine; of fewer points it is not smoothed.

    Savitzky & Golay, Anal. Chem. 36, 1627 (1964).
    """
    if spectra_NE.shape[1] >= _WINDOW:
        return np.asarray(savgol_filter(spectra_NE, _WINDOW, _DEGREE, deriv=order))
    for _ in range(order):
        spectra_NE = np.gradient(spectra_NE, axis=1)
    return spectra_NE


SPECTRUM, FIRST, SECOND, SUM = "spectrum", "first_derivative", "second_derivative", "cumulative_sum"
_INPUTS: Mapping[str, Callable[[np.ndarray], np.ndarray]] = {
    SPECTRUM: lambda spectra_NE: spectra_NE,
    FIRST: lambda spectra_NE: _derivative(spectra_NE, 1),
    SECOND: lambda spectra_NE: _derivative(spectra_NE, 2),
    SUM: lambda spectra_NE: np.cumsum(spectra_NE, axis=1),
}
DERIVATIVES = (SPECTRUM, FIRST, SECOND)
# What `inputs: auto` chooses among, fewer inputs first: of equally good ones the first is taken.
CANDIDATES = ((SPECTRUM,), (SPECTRUM, FIRST), DERIVATIVES, (FIRST, SECOND), (*DERIVATIVES, SUM))


def input_columns(spectra_NE: np.ndarray, inputs: Sequence[str]) -> np.ndarray:
    """Return inputs of spectra (N, E) side by side, shape (N, F) float64; each of them has E columns."""
    spectra_NE = np.asarray(spectra_NE, dtype=np.float64)
    return np.concatenate([_INPUTS[name](spectra_NE) for name in inputs], axis=1)


def require_inputs(inputs: object) -> tuple[str, ...]:
    """Return a list of inputs that a call gives.

    Raises
    ------
    UserError
        If it is none, is empty, or names one twice or one that there is not.
    """
    names = [inputs] if isinstance(inputs, str) else inputs
    if not isinstance(names, Sequence) or not names or len(set(names)) < len(names):
        raise UserError(f"model.inputs={inputs}: expected auto, or a list of {', '.join(_INPUTS)}, each once")
    for name in names:
        if name not in _INPUTS:
            raise UserError(
                f"there is no input {name!r} of a reader\n{nearest(str(name), ['auto', *_INPUTS])}"
            )
    return tuple(names)
