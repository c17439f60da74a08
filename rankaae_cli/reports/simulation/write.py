"""The files of spectra simulated from structures: tables, a family file, figures and a page."""

from pathlib import Path

import numpy as np
import pandas as pd

from rankaae_cli.analysis.evaluation.tables import write_tables
from rankaae_cli.analysis.simulation.ranking import Ranking
from rankaae_cli.analysis.simulation.structures import SimulatedStructures
from rankaae_cli.data.family.family_file import write_family

SITES, AVERAGES, BANDS, SPECTRA = "sites.csv", "averages.csv", "bands.csv", "spectra.h5"
REJECTED, RANKING = "rejected.csv", "ranking.csv"


def write_simulations(output: Path, result: SimulatedStructures, ranking: Ranking | None) -> None:
    """Write tables and the spectra below the folder `output`.

    ``sites.csv`` has a row a site: structure, site, multiplicity, deviation, novelty and a verdict on it, then the
    spectrum, a column an energy; ``averages.csv`` the average of each structure; ``bands.csv`` the half width at
    each energy over the deviation; ``ranking.csv`` what a measured spectrum says of the structures.
    """
    family, average = result.family, result.averages()
    energies = [f"ENE_{energy:.8g}" for energy in family.energy_E]
    of_sites = {
        "structure": family.material_N,
        "site": family.site_N,
        "multiplicity": result.multiplicity_N,
        "deviation": result.deviation_N,
        "novelty": result.novelty_N,
        "verdict": result.verdicts,
    }
    of_averages = {"structure": average.names, "deviation": average.deviation_M}
    widths = {"points": result.points_NE[0], "curves": result.curves_NE[0]}
    tables = {
        SITES: _beside(of_sites, family.spectra_NE[:], energies),
        AVERAGES: _beside(of_averages, average.spectra_ME, energies),
        BANDS: pd.DataFrame(
            {"energy": family.energy_E}
            | {key: width_E / result.deviation_N[0] for key, width_E in widths.items()}
        ),
    }
    if result.faults:
        tables[REJECTED] = pd.DataFrame(result.faults, columns=["structure", "reason"])
    if ranking is not None:
        tables[RANKING] = ranking_table(ranking)
    write_tables(output, tables)
    write_family(output / SPECTRA, family)


def ranking_table(ranking: Ranking) -> pd.DataFrame:
    """Return a row a structure: what a measured spectrum says of it, the likeliest first."""
    fits = ranking.fits
    return pd.DataFrame(
        {
            "rank": range(1, len(fits) + 1),
            "structure": ranking.names,
            "probability": ranking.probability_N,
            "misfit": [one.misfit for one in fits],
            "p": [one.p for one in fits],
            "offset": [one.offset for one in fits],
            "offset_low": [one.low for one in fits],
            "offset_high": [one.high for one in fits],
            "broadening": [one.broadening for one in fits],
            "verdict": ranking.verdicts,
            "log_evidence": [one.log_evidence - fits[0].log_evidence for one in fits],
        }
    )


def _beside(about: dict[str, object], spectra_NE: np.ndarray, energies: list[str]) -> pd.DataFrame:
    return pd.concat([pd.DataFrame(about), pd.DataFrame(spectra_NE, columns=energies)], axis=1)
