"""The files and lines of a traversal of a model that simulates spectra."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pandas as pd
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from rankaae_cli.analysis.simulation.traverse import simulation_findings, traverse_simulations
from rankaae_cli.analysis.traversal.traverse import ANSWERS, OVERVIEW, write_content
from rankaae_cli.core.labels import Subject, described_range, is_known
from rankaae_cli.core.terminal import console
from rankaae_cli.data.family.family import Family
from rankaae_cli.models.base import Simulates
from rankaae_cli.reports.captions import Captions, captions, table_caption
from rankaae_cli.reports.console import print_lines
from rankaae_cli.reports.figures import drawing, traversal
from rankaae_cli.reports.figures.drawing import BLUE, GREY, VERMILION
from rankaae_cli.reports.run.results import usable_walks
from rankaae_cli.reports.tables import Table, print_table
from rankaae_cli.runs.load import load_styled

_OTHERS_TEXT = {"data": "others from sites of that value", "independent": "others of any site"}


def write_simulated_traversal(
    run_directory: Path, model: Simulates, family: Family, **settings: Any
) -> dict[str, Any]:
    """Write ``traversal/`` of a run, tables, figures and last traversal.json; return the contents of the latter.

    Parameters
    ----------
    run_directory, model, family
        As `load_run` gives them.
    settings
        Further arguments of `traverse_simulations`.
    """
    result = traverse_simulations(run_directory, model, family, **settings)
    content, tables, folder = result.content, result.tables, run_directory / "traversal"
    styles, trial, others = content["styles"], content["selected_trial"], _OTHERS_TEXT[content["others"]]
    figures = {
        name: traversal.walk(model.subject, tables[name], name, style, trial, others, result.axes[name])
        for name, style in styles.items()
    }
    what = f"response to each descriptor, {others}"
    figures[OVERVIEW] = traversal.overview(model.subject, tables[OVERVIEW], styles, trial, what)
    if content["against"]:
        figures[ANSWERS] = _answers(model.subject, tables[ANSWERS], content["against"]["pearson"], others)
    for name, figure in figures.items():
        drawing.save_figure(figure, folder / name)
    write_content(run_directory, result)
    return content


def completed_traversal(run_directory: Path, model: Simulates, family: Family) -> dict[str, Any] | None:
    """Return the contents of traversal.json, walking where it is missing or outdated; None of what has no walk."""
    if not set(model.descriptor_names) & set(model.features.names):
        return None
    content = usable_walks(run_directory)
    if content is None:
        console.print(f"traversal of {run_directory.name}: making it")
        against = load_styled(run_directory)
        content = write_simulated_traversal(run_directory, model, family, against=against)
    return content


def walk_texts(content: Mapping[str, Any]) -> Captions:
    """Return the texts of the figures of a traversal, by name, in the order of the page."""
    about = captions()["simulated_walks"]
    named = {OVERVIEW: about[OVERVIEW], **({ANSWERS: about[ANSWERS]} if content["against"] else {})}
    for name in content["styles"]:
        named[name] = {key: text.format(name=name) for key, text in about["walk"].items()}
    return named


def print_simulated_traversal(content: Mapping[str, Any]) -> None:
    """Print how simulated spectra respond to each descriptor; `content` is that of traversal.json."""
    title = f"{content['family']}, response of simulated spectra from the 5th to the 95th percentile"
    print_table(title, simulated_traversals_table(content), content["synthetic"])
    print_lines(simulation_findings(content))


def simulated_traversals_table(content: Mapping[str, Any]) -> Table:
    """Return each descriptor's range, largest change and support, and the correlation with a RankAAE's walk."""
    against = content["against"] or {"pearson": {}, "descriptor": {}}
    rows = []
    for name, style in content["styles"].items():
        other = {"descriptor": against["descriptor"].get(name), "unit": style["unit"]}
        rows.append(
            [
                name,
                described_range(style),
                style["largest_change"],
                f"{style['energy_of_largest_change']:.{0 if content['energy_unit'] == 'index' else 1}f}",
                f"{100 * style['support']['share']:.0f}",
                against["pearson"].get(name),
                described_range(other),
                *([style["pearson_true_response"]] if content["synthetic"] else []),
            ]
        )
    keys = [
        "descriptor",
        "range",
        "largest_change",
        "energy",
        "supported_percent",
        "pearson",
        "range_decoded",
    ]
    at = "At index" if content["energy_unit"] == "index" else f"At ({content['energy_unit']})"
    headings = ["Descriptor", "From and to", "Largest change", at, "Supported (%)", "r with the RankAAE"]
    headings += ["RankAAE, from and to"]
    if content["synthetic"]:
        keys, headings = [*keys, "pearson_truth"], [*headings, "Pearson r with the truth"]
    caption = table_caption("simulated_traversals", f"{content['family']}, ", content["synthetic"])
    return Table("traversals", keys, headings, rows, caption)


@drawing.styled
def _answers(
    subject: Subject, table: pd.DataFrame, pearson: Mapping[str, float | None], others: str
) -> Figure:
    """Draw how simulated and decoded spectra respond, one panel a descriptor, each on its own scale.

    Parameters
    ----------
    table, pearson
        ``answers.csv``, and the correlation of both responses by descriptor.
    """
    panels = list(traversal.of_styles(table))
    columns = min(2, len(panels))
    rows = -(-len(panels) // columns)
    figure = drawing.new_figure(0.75 + 1.25 * rows, subject, "responses, 5th to 95th percentile", others)
    axes = figure.subplots(rows, columns, sharex=True, squeeze=False).ravel()
    for ax, (name, panel) in zip(axes, panels, strict=False):
        r = pearson[name]
        ax.axhline(0, color=GREY, lw=0.5, zorder=0)
        ax.plot(panel["energy"], panel["simulated"], color=BLUE, label="simulated from features")
        ax.plot(panel["energy"], panel["decoded"], color=VERMILION, ls="--", label="decoded by the RankAAE")
        ax.set_title(f"{name}, r = {r:.2f}" if is_known(r) else f"{name}, simulated alone", parse_math=False)
        ax.xaxis.set_major_locator(MaxNLocator(4, steps=[1, 2, 5, 10]))
    for ax in axes[len(panels) :]:
        ax.set_axis_off()
    for ax in axes[max(len(panels) - columns, 0) : len(panels)]:
        ax.set_xlabel(subject.energy_label)
        ax.tick_params(labelbottom=True)
    for ax in axes[: len(panels) : columns]:
        ax.set_ylabel(traversal.DIFFERENCE)
    figure.align_ylabels()
    if len(axes) > len(panels):
        handles, labels = axes[0].get_legend_handles_labels()
        axes[-1].legend(handles, labels, loc="center left")
    else:
        drawing.legend_below(figure, axes[0], columns=2)
    return figure
