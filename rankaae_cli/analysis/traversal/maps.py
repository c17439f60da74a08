"""How two styles act together: maps over the plane of every pair of named styles."""

from itertools import combinations
from pathlib import Path
from typing import TYPE_CHECKING, Any

from rankaae_cli.analysis.traversal.walks import write_csv

if TYPE_CHECKING:
    import numpy as np

    from rankaae_cli.analysis.traversal.walks import StyleWalk
    from rankaae_cli.core.labels import Subject
    from rankaae_cli.models.rankaae.trained import TrainedModel
    from rankaae_cli.reports.figures.maps import PairMap

MAIN_PEAK_MAP, EDGE_MAP = "map_main_peak", "map_edge"
_LEVELS = 7
_DRAWS = 100


def map_figures(model: "TrainedModel") -> tuple[str, ...]:
    """Return the names of the maps of a model: of one style there is none; edges need energies."""
    if len(model.descriptor_names) < 2:
        return ()
    return (MAIN_PEAK_MAP, EDGE_MAP) if model.energy_unit == "eV" else (MAIN_PEAK_MAP,)


def write_maps(
    directory: Path,
    subject: "Subject",
    model: "TrainedModel",
    styles_TNS: "np.ndarray",
    drawn_TDS: "np.ndarray",
    walks: list["StyleWalk"],
) -> list[dict[str, Any]]:
    """Write csv and figure of each map; return the numbers of each pair, for traversal.json.

    Parameters
    ----------
    directory, subject, model
        Where to, what the figures are about, and the network.
    styles_TNS, drawn_TDS
        Styles of the training rows and those drawn for what is not walked.
    walks
        Of every style, the named ones first.
    """
    from rankaae_cli.core.styles.traversal import interaction_share, percentile_levels, traverse_pair
    from rankaae_cli.reports.figures.maps import PairMap

    alive_T, figures = model.alive_T, map_figures(model)
    if not figures:
        return []
    # Trials that diverged are decoded and left out: their spectra may be of any size.
    drawn_TDS = drawn_TDS[:, :: max(1, drawn_TDS.shape[1] // _DRAWS)][:, :_DRAWS]
    described: list[dict[str, Any]] = []
    maps: dict[str, list[PairMap]] = {name: [] for name in figures}
    tables: dict[str, list[dict[str, Any]]] = {name: [] for name in figures}
    for a, b in combinations(range(len(model.descriptor_names)), 2):
        percentiles, a_TL = percentile_levels(styles_TNS, a, _LEVELS)
        b_TL = percentile_levels(styles_TNS, b, _LEVELS)[1]
        plane = traverse_pair(
            lambda styles_TDS: model.decode(styles_TDS)[alive_T], drawn_TDS, (a, a_TL), (b, b_TL)
        )
        numbers: dict[str, Any] = {}
        for name, quantities in _mapped(plane, model.energy_E, figures).items():
            mapped, grid = next(iter(quantities.items()))
            share = interaction_share(grid)
            numbers[mapped] = {"interaction_share": share, "standard_deviation": float(grid.std())}
            maps[name].append(PairMap(a, b, percentiles, grid, share))
            flat = {quantity: values.ravel() for quantity, values in quantities.items()}
            tables[name].append(
                {**_axis_columns(percentiles, walks[a], walks[b]), **flat, "interaction_share": share}
            )
        described.append(
            {
                "first": walks[a].name,
                "second": walks[b].name,
                "interaction_share": interaction_share(plane),
                "maps": numbers,
            }
        )
    _write(directory, subject, walks[: len(model.descriptor_names)], maps, tables)
    return described


def _mapped(
    plane: "np.ndarray", energy_E: "np.ndarray", figures: tuple[str, ...]
) -> dict[str, dict[str, "np.ndarray"]]:
    """Return by figure the quantities over the plane, shape (L, L) each; the first is the one drawn."""
    import numpy as np

    from rankaae_cli.core.xas.trends import edge_energy, main_peak

    shape, flat = plane.shape[:2], plane.reshape(-1, plane.shape[-1])
    place, height = np.array([main_peak(spectrum_E, energy_E) for spectrum_E in flat]).T
    quantities = {
        MAIN_PEAK_MAP: {"main_peak_height": height.reshape(shape), "main_peak_energy": place.reshape(shape)}
    }
    if EDGE_MAP in figures:
        edges = np.array([edge_energy(spectrum_E, energy_E) for spectrum_E in flat])
        quantities[EDGE_MAP] = {"edge_energy": edges.reshape(shape)}
    return quantities


def _axis_columns(percentiles: "np.ndarray", first: "StyleWalk", second: "StyleWalk") -> dict[str, Any]:
    """Return where each point of a plane lies, in percentiles and calibrated descriptors."""
    import numpy as np

    columns: dict[str, Any] = {}
    n = len(percentiles)
    for side, walk, spread in (
        ("first", first, lambda values: np.repeat(values, n)),
        ("second", second, lambda values: np.tile(values, n)),
    ):
        assert walk.axis.value_P is not None, "maps are of named styles"
        columns[side] = walk.name
        columns[f"{side}_percentile"] = spread(percentiles)
        columns[f"{side}_value"] = spread(np.interp(percentiles, walk.axis.percentiles, walk.axis.value_P))
        columns[f"{side}_unit"] = walk.axis.unit
    return columns


def _write(
    directory: Path,
    subject: "Subject",
    walks: list["StyleWalk"],
    maps: dict[str, list["PairMap"]],
    tables: dict[str, list[dict[str, Any]]],
) -> None:
    import pandas as pd

    from rankaae_cli.reports.figures.drawing import save_figure
    from rankaae_cli.reports.figures.maps import pair_maps

    labels = {
        MAIN_PEAK_MAP: ("height of the main peak", f"{subject.absorption_label}, at the main peak"),
        EDGE_MAP: ("edge position", "Edge position (eV), half the edge step"),
    }
    for name, pairs in maps.items():
        stacked = pd.concat([pd.DataFrame(table) for table in tables[name]], ignore_index=True)
        write_csv(directory / f"{name}.csv", {str(key): column for key, column in stacked.items()})
        what, label = labels[name]
        axes = [walk.axis for walk in walks]
        figure = pair_maps(subject, axes, pairs, f"{what}, {walks[0].others_text}", label)
        save_figure(figure, directory / name)
