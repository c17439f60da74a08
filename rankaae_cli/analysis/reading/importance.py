"""What a model looks at in a spectrum, by region of the energies, on one split."""

from collections.abc import Mapping
from typing import Any

import numpy as np
import pandas as pd

from rankaae_cli.analysis.encoded import EncodedRun, evenly_spaced
from rankaae_cli.core.labels import print_number
from rankaae_cli.core.statistics.importance import (
    Importance,
    Windows,
    permutation_importance,
    window_responses,
)
from rankaae_cli.models.base import HasNetworks
from rankaae_cli.models.readings import member_indicators

# Rows at most, and permutations: of networks, which read them in seconds, and of what is slower.
_OF_NETWORKS, _OF_OTHERS = (300, 3), (150, 2)
_SPREAD = (16, 84)  # percentiles of the spectra's responses


def find_importance(run: EncodedRun, seed: int) -> tuple[dict[str, Any], pd.DataFrame]:
    """Measure importance of and response to windows of the energies.

    Parameters
    ----------
    run
        Whose split is read; of many rows some that are evenly spaced among them.
    seed
        Of the permutations.

    Returns
    -------
    metrics
        ``n``, ``repeats``, ``members``, ``unit`` of the energies, ``window``, its width at half height in that
        unit, and ``descriptors``, by name ``energy`` of the most important window and its ``importance``, None
        where no correlation is known.
    table
        A row a descriptor and window: ``descriptor``, ``energy`` (its centre), ``mean_spectrum`` there,
        ``importance`` with its standard deviations, ``importance_repeats`` and ``importance_members``, and of the
        responses of the spectra ``response``, the mean, ``response_low`` and ``response_high``, between which two
        thirds lie; see `rankaae_cli.core.statistics.importance`.
    """
    model, split = run.model, run.split
    most, repeats = _OF_NETWORKS if isinstance(model, HasNetworks) else _OF_OTHERS
    rows = evenly_spaced(len(split.rows), most)
    spectra_NE = np.asarray(split.spectra_NE[rows], dtype=np.float64)
    windows = Windows.over(model.energy_E)
    importance = permutation_importance(
        lambda permuted_NE: member_indicators(model, permuted_NE),
        spectra_NE,
        split.descriptors_NK[rows],
        split.material_N[rows],
        windows,
        repeats,
        np.random.default_rng(seed),
    )
    # Calibrations have steps, over which a small change jumps or which it does not reach: slopes stand for them.
    slope_K = _slopes(split.ensemble_indicators_NK, split.ensemble_values_NK)
    response_MNK = window_responses(
        lambda changed_NE: slope_K * member_indicators(model, changed_NE).mean(axis=0), spectra_NE, windows
    )
    return {
        "n": len(rows),
        "unit": model.energy_unit,
        "repeats": repeats,
        "members": int(model.alive_T.sum()),
        "window": float(windows.centre_M[1] - windows.centre_M[0]),
        "descriptors": {
            name: _most_important(windows.centre_M, importance.drop_MK[:, k])
            for k, name in enumerate(model.descriptor_names)
        },
    }, _table(run, windows, spectra_NE.mean(axis=0), importance, response_MNK)


def _table(
    run: EncodedRun, windows: Windows, mean_E: np.ndarray, importance: Importance, response_MNK: np.ndarray
) -> pd.DataFrame:
    low_MK, high_MK = np.percentile(response_MNK, _SPREAD, axis=1)
    mean_M = np.interp(windows.centre_M, run.model.energy_E, mean_E)
    return pd.concat(
        pd.DataFrame(
            {
                "descriptor": name,
                "energy": windows.centre_M,
                "mean_spectrum": mean_M,
                "importance": importance.drop_MK[:, k],
                "importance_repeats": importance.of_repeats_MK[:, k],
                "importance_members": importance.of_members_MK[:, k],
                "response": response_MNK[..., k].mean(axis=1),
                "response_low": low_MK[:, k],
                "response_high": high_MK[:, k],
            }
        )
        for k, name in enumerate(run.model.descriptor_names)
    )


def _slopes(indicators_NK: np.ndarray, values_NK: np.ndarray) -> np.ndarray:
    """Return by how much each descriptor as read grows with its indicator, by least squares, shape (K,)."""
    centred_NK = indicators_NK - indicators_NK.mean(axis=0)
    return np.asarray((centred_NK * values_NK).sum(axis=0) / np.maximum((centred_NK**2).sum(axis=0), 1e-12))


def _most_important(centre_M: np.ndarray, drop_M: np.ndarray) -> dict[str, float] | None:
    if not np.isfinite(drop_M).all():
        return None
    best = int(drop_M.argmax())
    return {"energy": float(centre_M[best]), "importance": float(drop_M[best])}


def importance_summary(content: Mapping[str, Any]) -> str | None:
    """Return in a sentence where each descriptor is mostly read; None where no correlation is known.

    `content` is ``importance`` of metrics.json.
    """
    unit = content["unit"]
    where = [f"{name} {best['energy']:.1f} {unit}" for name, best in content["descriptors"].items() if best]
    window = f"windows of {print_number(content['window'], 1)} {unit}"
    return f"read mostly off ({window}): {', '.join(where)}" if where else None
