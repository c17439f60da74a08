"""How two styles act together: what is read off the spectrum over the plane of every pair of named styles."""

from collections.abc import Sequence
from itertools import combinations
from typing import Any

import numpy as np
import pandas as pd

from rankaae_cli.analysis.traversal.axis import StyleAxis
from rankaae_cli.core.styles.traversal import interaction_share, percentile_levels, traverse_pair
from rankaae_cli.core.xas.trends import edge_energy, main_peak
from rankaae_cli.models.rankaae.trained import TrainedModel

MAIN_PEAK_MAP, EDGE_MAP = "map_main_peak", "map_edge"
MAPPED = {MAIN_PEAK_MAP: "main_peak_height", EDGE_MAP: "edge_energy"}  # the column that its figure shows
_LEVELS = 7
_DRAWS = 100


def map_figures(model: TrainedModel) -> tuple[str, ...]:
    """Return the names of the maps of a model: of one style there is none; edges need energies."""
    if len(model.descriptor_names) < 2:
        return ()
    return (MAIN_PEAK_MAP, EDGE_MAP) if model.energy_unit == "eV" else (MAIN_PEAK_MAP,)


def pair_maps(
    model: TrainedModel, styles_TNS: np.ndarray, others_TDS: np.ndarray, axes: Sequence[StyleAxis]
) -> tuple[list[dict[str, Any]], dict[str, pd.DataFrame]]:
    """Walk every pair of named styles together.

    Parameters
    ----------
    model
        The network.
    styles_TNS, others_TDS
        Styles of the training rows and samples of those that are not walked.
    axes
        Of every style, the named ones first.

    Returns
    -------
    described, tables
        The numbers of each pair, for traversal.json; the csv of each map, by name.
    """
    figures = map_figures(model)
    if not figures:
        return [], {}
    # Trials that diverged are decoded and left out: their spectra may be of any size.
    others_TDS = others_TDS[:, :: max(1, others_TDS.shape[1] // _DRAWS)][:, :_DRAWS]
    described: list[dict[str, Any]] = []
    tables: dict[str, list[pd.DataFrame]] = {name: [] for name in figures}
    for a, b in combinations(range(len(model.descriptor_names)), 2):
        percentiles, a_TL = percentile_levels(styles_TNS, a, _LEVELS)
        b_TL = percentile_levels(styles_TNS, b, _LEVELS)[1]
        plane = traverse_pair(
            lambda styles_TDS: model.decode(styles_TDS)[model.alive_T], others_TDS, (a, a_TL), (b, b_TL)
        )
        numbers: dict[str, Any] = {}
        for name in figures:
            quantities = _quantities(name, plane, model.energy_E)
            grid = quantities[MAPPED[name]]
            share = interaction_share(grid)
            numbers[MAPPED[name]] = {"interaction_share": share, "standard_deviation": float(grid.std())}
            columns = _axis_columns("first", axes[a], np.repeat(percentiles, _LEVELS))
            columns |= _axis_columns("second", axes[b], np.tile(percentiles, _LEVELS))
            columns |= {quantity: values.ravel() for quantity, values in quantities.items()}
            tables[name].append(pd.DataFrame({**columns, "interaction_share": share}))
        described.append(
            {
                "first": axes[a].name,
                "second": axes[b].name,
                "interaction_share": interaction_share(plane),
                "maps": numbers,
            }
        )
    return described, {name: pd.concat(parts, ignore_index=True) for name, parts in tables.items()}


def _quantities(name: str, plane: np.ndarray, energy_E: np.ndarray) -> dict[str, np.ndarray]:
    """Return by column what a map holds over the plane, shape (L, L) each."""
    shape, flat = plane.shape[:2], plane.reshape(-1, plane.shape[-1])
    if name == EDGE_MAP:
        edges = np.array([edge_energy(spectrum_E, energy_E) for spectrum_E in flat])
        return {"edge_energy": edges.reshape(shape)}
    energy, height = np.array([main_peak(spectrum_E, energy_E) for spectrum_E in flat]).T
    return {"main_peak_height": height.reshape(shape), "main_peak_energy": energy.reshape(shape)}


def _axis_columns(side: str, axis: StyleAxis, percentiles: np.ndarray) -> dict[str, Any]:
    """Return where each point of a plane lies along one style, in percentiles and calibrated descriptors."""
    assert axis.value_P is not None, "maps are of named styles"
    return {
        side: axis.name,
        f"{side}_percentile": percentiles,
        f"{side}_value": np.interp(percentiles, axis.percentiles, axis.value_P),
        f"{side}_unit": axis.unit,
    }
