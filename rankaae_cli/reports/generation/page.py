"""The page of generated structures: one HTML file that holds its pictures and needs no network."""

from pathlib import Path

from rankaae_cli.analysis.generation.result import Generation
from rankaae_cli.core.labels import Cell
from rankaae_cli.data.files import write_text
from rankaae_cli.models.base import Samples
from rankaae_cli.reports.captions import captions, table_caption
from rankaae_cli.reports.generation import figures
from rankaae_cli.reports.generation.write import SHARES, STRUCTURES, TABLE
from rankaae_cli.reports.run.figure_files import save_picture
from rankaae_cli.reports.run.page import render
from rankaae_cli.reports.tables import Table

PAGE = "page.html"
_IN_FIGURE = 4  # structures
_HEADINGS = {
    "structure": "Structure",
    "mean_coordination": "Bonds an atom",
    "coordination_distance": "Coordination",
    "angles_distance": "Angles",
    "rings_distance": "Rings",
    "spectrum_mae": "Spectrum, MAE",
    "spectrum_mae_in_own": "in own errors",
}


def write_page(output: Path, model: Samples, result: Generation, shown: int, about: dict[str, str]) -> Path:
    """Draw structures, order and spectra below the folder `output`, and write the page; return its path.

    Parameters
    ----------
    output
        A folder with the tables of `write.write_generation`.
    model, result
        What generated, and what came of it.
    shown
        How many structures to draw; below 0: all.
    about
        Of the run and the call: `run` and `command`.
    """
    what, texts = result.title, captions()["generated"]
    drawn = figures.order(model.subject, result.orders, what)
    pictures = [save_picture(drawn, output, "order", **texts["order"])]
    if result.forward is not None:
        drawn = figures.spectra(model.subject, model.energy_E, result.targets.mean_E, result.simulated, what)
        pictures.append(save_picture(drawn, output, "spectra", **texts["spectra"]))
    chosen, views = result.structures if shown < 0 else result.structures[:shown], []
    for first in range(0, len(chosen), _IN_FIGURE):
        part = chosen[first : first + _IN_FIGURE]
        stem = "views" if first == 0 else f"views_{first // _IN_FIGURE + 1}"
        figure = figures.views(model.subject, part, first, result.bond, what)
        views.append(save_picture(figure, output, stem, **texts["views"]))
    html = render(
        "generated.html.j2",
        subject=model.subject,
        about=about,
        lines=result.sentences(),
        structures=_structures(result),
        pictures=pictures,
        views=views,
        title=what,
        files={"structures": STRUCTURES, "table": TABLE, "order": SHARES},
    )
    return write_text(output / PAGE, html)


def _structures(result: Generation) -> Table:
    rows = result.rows()
    keys = tuple(rows[0])
    cells: list[list[Cell]] = [
        [str(row[key]) if key == "structure" else row[key] for key in keys] for row in rows
    ]
    caption = table_caption("generated", "", False, beside=result.beside)
    return Table("structures", keys, tuple(_HEADINGS[key] for key in keys), cells, caption)
