"""The page of spectra simulated from structures: one HTML file that holds its pictures and needs no network."""

from collections import Counter
from pathlib import Path

from rankaae_cli.analysis.simulation.ranking import Ranking
from rankaae_cli.analysis.simulation.structures import SimulatedStructures
from rankaae_cli.core.labels import Cell, Ranged, listed
from rankaae_cli.core.statistics.calibration import IN_RANGE, OUTSIDE, UNUSUAL
from rankaae_cli.data.files import write_text
from rankaae_cli.models.base import Simulates
from rankaae_cli.reports.captions import captions, table_caption
from rankaae_cli.reports.run.figure_files import save_picture
from rankaae_cli.reports.run.page import render
from rankaae_cli.reports.simulation import figures
from rankaae_cli.reports.simulation.write import AVERAGES, RANKING, REJECTED, SITES, SPECTRA
from rankaae_cli.reports.tables import Table

PAGE = "page.html"
_PANELS = 12  # of a figure
_MOST_ROWS = 500  # of tables on the page


def write_page(
    output: Path,
    model: Simulates,
    result: SimulatedStructures,
    ranking: Ranking | None,
    shown: int,
    about: dict[str, str],
) -> Path:
    """Draw the spectra and the ranking below the folder `output`, and write the page; return its path.

    Parameters
    ----------
    output
        A folder with the tables of `write.write_simulations`.
    model, result, ranking
        What simulated, what it simulated, and how that fits a measured spectrum, if there is one.
    shown
        How many structures to draw, the likeliest where they are ranked; below 0: all.
    about
        Of the run and the call: `run` and `command`.
    """
    average, texts = result.averages(), captions()["structures"]
    names = list(average.names if ranking is None else ranking.names)
    drawn = names if shown < 0 else names[:shown]
    pictures = []
    for first in range(0, len(drawn), _PANELS):
        part = drawn[first : first + _PANELS]
        what = f"{first + 1} to {first + len(part)} of {len(names)} structures" if len(names) > 1 else part[0]
        figure = figures.structures(model.subject, result, part, what)
        stem = "simulations" if first == 0 else f"simulations_{first // _PANELS + 1}"
        pictures.append(save_picture(figure, output, stem, **texts["simulations"]))
    ranked = None
    if ranking is not None:
        figure = figures.ranking(model.subject, ranking)
        ranked = save_picture(figure, output, "ranking", **texts["ranking"])
    html = render(
        "simulations.html.j2",
        subject=model.subject,
        fidelity=model.fidelity,
        features=model.features.title,
        about=about,
        lines=summary_lines(model, result, ranking),
        structures=_structures(result, names),
        ranking=None if ranking is None else _ranking(ranking),
        ranked=ranked,
        pictures=pictures,
        n=len(names),
        faults=result.faults[:_MOST_ROWS],
        files={
            "sites": SITES,
            "averages": AVERAGES,
            "spectra": SPECTRA,
            "ranking": RANKING,
            "rejected": REJECTED,
        },
    )
    return write_text(output / PAGE, html)


def summary_lines(model: Simulates, result: SimulatedStructures, ranking: Ranking | None) -> list[str]:
    """Return what was simulated, how far to trust it, what was left out, and the ranking, a sentence each."""
    verdicts = Counter(result.averages().verdicts)
    structures = sum(verdicts.values())
    of = "1 structure" if structures == 1 else f"{structures} structures"
    lines = [f"{len(result.family)} spectra of {of}, from {model.features.title}"]
    if verdicts[UNUSUAL] or verdicts[OUTSIDE]:
        unlike = listed([f"{verdicts[one]} {one}" for one in (UNUSUAL, OUTSIDE) if verdicts[one]])
        lines.append(
            f"structures by their distance from those of training: {verdicts[IN_RANGE]} in range, {unlike}; bands "
            "of those that are not in range hold less than they say"
        )
    else:
        lines.append("all structures are as near to those of training as these are to each other")
    if result.faults:
        count = len(result.faults)
        lines.append(f"{count} structure{'s' if count > 1 else ''} could not be simulated: see {REJECTED}")
    return lines + ([] if ranking is None else ranking.sentences())


def _structures(result: SimulatedStructures, names: list[str]) -> Table:
    """Return the first structures: sites, novelty, and how wide their bands are."""
    average = result.averages()
    rows: list[list[Cell]] = []
    for name in names[:_MOST_ROWS]:
        m = average.names.index(name)
        width = float(average.curves_ME[m].mean())
        rows.append([name, int(average.sites_M[m]), width, float(average.novelty_M[m]), average.verdicts[m]])
    return Table(
        "structures",
        ("structure", "sites", "half_width", "novelty", "verdict"),
        ("Structure", "Sites", "Half width of the band", "Novelty", "Against training"),
        rows,
        table_caption("structures", "", False),
    )


def _ranking(ranking: Ranking) -> Table:
    rows: list[list[Cell]] = [
        [n + 1, name, float(p), fit.misfit, fit.p, Ranged(fit.offset, fit.low, fit.high), fit.broadening]
        for n, (name, p, fit) in enumerate(
            zip(ranking.names, ranking.probability_N, ranking.fits, strict=True)
        )
    ]
    return Table(
        "ranking",
        ("rank", "structure", "probability", "misfit", "p", "offset", "broadening"),
        ("Rank", "Structure", "Probability", "Misfit", "Fits as badly", "Offset (eV)", "Broadening (eV)"),
        rows[:_MOST_ROWS],
        table_caption("ranking", "", False, scan=ranking.scan.title),
    )
