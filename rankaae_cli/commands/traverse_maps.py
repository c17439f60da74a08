"""How two styles act together: maps over the plane of every pair of named styles."""

from itertools import combinations
from pathlib import Path
from typing import TYPE_CHECKING, Any

from rankaae_cli.commands.traverse_walks import write_csv

if TYPE_CHECKING:
    import numpy as np

    from rankaae_cli.reports.labels import Subject
    from rankaae_cli.training.trained import TrainedModel

MAPS = "maps"
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
    others_text: str,
) -> list[dict[str, Any]]:
    """Write ``maps.csv`` and the figures of the maps; return the numbers of each pair, for traversal.json."""
    import numpy as np

    from rankaae_cli.core.traversal import interaction_share, percentile_levels, traverse_pair
    from rankaae_cli.core.trends import edge_energy, main_peak
    from rankaae_cli.reports.drawing import save_figure
    from rankaae_cli.reports.map_figures import PairMap, pair_maps

    alive_T, names = model.alive_T, model.descriptor_names
    figures = map_figures(model)
    if not figures:
        return []
    # Trials that diverged are decoded and left out: their spectra may be of any size.
    drawn_TDS = drawn_TDS[:, :: max(1, drawn_TDS.shape[1] // _DRAWS)][:, :_DRAWS]
    described, tables = [], []
    maps: dict[str, list[PairMap]] = {name: [] for name in figures}
    for a, b in combinations(range(len(names)), 2):
        percentiles, a_TL = percentile_levels(styles_TNS, a, _LEVELS)
        b_TL = percentile_levels(styles_TNS, b, _LEVELS)[1]
        plane = traverse_pair(
            lambda styles_TDS: model.decode(styles_TDS)[alive_T], drawn_TDS, (a, a_TL), (b, b_TL)
        )
        flat = plane.reshape(-1, plane.shape[-1])
        peaks = np.array([main_peak(spectrum_E, model.energy_E) for spectrum_E in flat])
        edges = np.array([edge_energy(spectrum_E, model.energy_E) for spectrum_E in flat])
        share = interaction_share(plane)
        described.append({"first": names[a], "second": names[b], "interaction_share": share})
        values = {MAIN_PEAK_MAP: peaks[:, 1], EDGE_MAP: edges}
        for name in figures:
            grid = values[name].reshape(_LEVELS, _LEVELS)
            maps[name].append(PairMap(a, b, percentiles, grid, share))
        tables.append(
            {
                "first": np.full(len(flat), names[a]),
                "first_percentile": np.repeat(percentiles, _LEVELS),
                "second": np.full(len(flat), names[b]),
                "second_percentile": np.tile(percentiles, _LEVELS),
                "main_peak_height": peaks[:, 1],
                "main_peak_energy": peaks[:, 0],
                "edge_energy": edges if model.energy_unit == "eV" else np.full(len(flat), np.nan),
            }
        )
    write_csv(directory / f"{MAPS}.csv", {k: np.concatenate([t[k] for t in tables]) for k in tables[0]})
    labels = {
        MAIN_PEAK_MAP: ("height of the main peak", f"{subject.absorption_label}, at the main peak"),
        EDGE_MAP: ("edge position", "Edge position (eV)"),
    }
    for name in figures:
        what, label = labels[name]
        save_figure(pair_maps(subject, names, maps[name], f"{what}, {others_text}", label), directory / name)
    return described
