"""The files of spectra simulated from structures: tables, a family file, and a figure of the first ones."""

from pathlib import Path

import numpy as np
import pandas as pd
from matplotlib.figure import Figure

from rankaae_cli.analysis.simulation.structures import SimulatedStructures
from rankaae_cli.core.labels import Subject, shortened
from rankaae_cli.data.family.family_file import write_family
from rankaae_cli.data.files import replacing
from rankaae_cli.reports.figures import drawing
from rankaae_cli.reports.figures.drawing import BLACK, BLUE

SITES, AVERAGES, BANDS, SPECTRA = "sites.csv", "averages.csv", "bands.csv", "spectra.h5"
_REJECTED, _FIGURE = "rejected.csv", "simulations"
_MOST_PANELS = 12


def write_simulations(
    output: Path, result: SimulatedStructures, subject: Subject, figures: int
) -> list[Path]:
    """Write all files below the folder `output`; return the paths of the figure.

    ``sites.csv`` has a row a site: structure, site, multiplicity, deviation, then the spectrum, a column an energy;
    ``averages.csv`` the average of each structure; ``bands.csv`` the half width at each energy over the deviation.
    """
    family = result.family
    energies = [f"ENE_{energy:.8g}" for energy in family.energy_E]
    about = {
        "structure": family.material_N,
        "site": family.site_N,
        "multiplicity": result.multiplicity_N,
        "deviation": result.deviation_N,
    }
    names, average_ME = result.averages()
    widths = {"points": result.points_NE[0], "curves": result.curves_NE[0]}
    spectra, averages = (
        pd.DataFrame(values, columns=energies) for values in (family.spectra_NE[:], average_ME)
    )
    tables = {
        SITES: pd.concat([pd.DataFrame(about), spectra], axis=1),
        AVERAGES: pd.concat([pd.DataFrame({"structure": names}), averages], axis=1),
        BANDS: pd.DataFrame(
            {"energy": family.energy_E}
            | {key: width_E / result.deviation_N[0] for key, width_E in widths.items()}
        ),
    }
    if result.faults:
        tables[_REJECTED] = pd.DataFrame(result.faults, columns=["structure", "reason"])
    for name, table in tables.items():
        with replacing(output / name) as temporary:
            table.to_csv(temporary, index=False, float_format="%.6g")
    write_family(output / SPECTRA, family)
    shown = min(len(family), _MOST_PANELS if figures < 0 else figures, _MOST_PANELS)
    return drawing.save_figure(_figure(result, subject, shown), output / _FIGURE) if shown else []


@drawing.styled
def _figure(result: SimulatedStructures, subject: Subject, shown: int) -> Figure:
    """Draw the first spectra with the bands that are to hold whole curves."""
    family, rows = result.family, -(-shown // 2)
    figure = drawing.new_figure(0.7 + 1.05 * rows, subject, f"{shown} of {len(family)} simulated spectra")
    panels = figure.subplots(rows, min(2, shown), sharex=True, sharey=True, squeeze=False).ravel()
    spectra_NE: np.ndarray = family.spectra_NE[:shown]
    for n, ax in enumerate(panels[:shown]):
        low_E, high_E = spectra_NE[n] - result.curves_NE[n], spectra_NE[n] + result.curves_NE[n]
        ax.fill_between(
            family.energy_E, low_E, high_E, color=BLUE, alpha=0.25, lw=0, label="band of the curve"
        )
        ax.plot(family.energy_E, spectra_NE[n], color=BLACK, lw=1.0, label="simulated")
        name = shortened(str(family.material_N[n]), 22, 10, 9)
        ax.set_title(f"{name}, site {family.site_N[n]}", parse_math=False)
    for ax in panels[shown:]:
        ax.remove()
    for ax in panels[max(0, shown - 2) : shown]:
        ax.tick_params(labelbottom=True)
        ax.set_xlabel(subject.energy_label)
    panels[0].set_ylabel(subject.absorption_label)
    drawing.legend_below(figure, panels[0])
    return figure
