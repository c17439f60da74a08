"""What several trials say together.

The rank constraint gives a named style the same meaning and sign in every trial, so named styles can be
averaged. Free styles have no common meaning and are not.
"""

from collections.abc import Sequence

import numpy as np


def trials_to_average(failed_T: Sequence[str | None], selected_trial: int) -> np.ndarray:
    """Return which trials make the ensemble, shape (T,), bool: those that did not diverge.

    Where all diverged at last, the selected one, whose best epoch is usable, stands alone.
    """
    alive_T = np.array([reason is None for reason in failed_T])
    if not alive_T.any():
        alive_T[selected_trial] = True
    return alive_T


def ensemble_styles(
    styles_TNS: np.ndarray,
    style_mean_TS: np.ndarray,
    style_std_TS: np.ndarray,
    alive_T: np.ndarray,
    n_descriptors: int,
) -> np.ndarray:
    """Average the named styles over trials, each standardised on the training rows first.

    Parameters
    ----------
    styles_TNS
        Styles of every trial, shape (T, N, S).
    style_mean_TS, style_std_TS
        Mean and standard deviation of each style over the training rows, shape (T, S).
    alive_T
        Shape (T,), bool: the trials that did not diverge; the others are left out.
    n_descriptors
        How many of the styles are named; they come first.

    Returns
    -------
    np.ndarray
        Shape (N, K), float64.
    """
    alive_T = np.asarray(alive_T, dtype=bool)
    assert alive_T.any(), "an ensemble needs a trial that did not diverge"
    named = slice(0, n_descriptors)
    mean = np.asarray(style_mean_TS, dtype=np.float64)[alive_T, None, named]
    std = np.asarray(style_std_TS, dtype=np.float64)[alive_T, None, named]
    # A style that is constant on the training rows says nothing; it stays as it is.
    std = np.where(std > 0, std, 1.0)
    styles = np.asarray(styles_TNS, dtype=np.float64)[alive_T, :, named]
    return ((styles - mean) / std).mean(axis=0)


def ensemble_spectra(reconstructions_TNE: np.ndarray, alive_T: np.ndarray) -> np.ndarray:
    """Average the decoded spectra over the trials that did not diverge.

    Parameters
    ----------
    reconstructions_TNE
        Decoded spectra of every trial, shape (T, N, E).
    alive_T
        Shape (T,), bool.

    Returns
    -------
    np.ndarray
        Shape (N, E), float64.
    """
    alive_T = np.asarray(alive_T, dtype=bool)
    assert alive_T.any(), "an ensemble needs a trial that did not diverge"
    return np.asarray(reconstructions_TNE)[alive_T].mean(axis=0, dtype=np.float64)
