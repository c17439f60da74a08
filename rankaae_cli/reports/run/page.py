"""The page of a run: one HTML file that holds its pictures and needs no network."""

import functools
import math
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from jinja2 import Environment, PackageLoader, StrictUndefined

from rankaae_cli import __version__
from rankaae_cli.analysis.evaluation.findings import (
    WARNING,
    baseline_remarks,
    coupling_warning,
    near_duplicates_sentence,
    published_remark,
    reconstruction_warning,
    sentence,
)
from rankaae_cli.analysis.traversal.findings import findings
from rankaae_cli.core.labels import (
    Subject,
    descriptor_meaning,
    is_known,
    listed,
    number_word,
    quantity,
    traversed,
    with_unit,
)
from rankaae_cli.data.files import write_text
from rankaae_cli.models.base import HasNetworks, HasStyles, Predicts, Reconstructs, Trained
from rankaae_cli.reports.figures.plotly import plotly_packed
from rankaae_cli.reports.tables import Cell, Ranged, Table, print_number
from rankaae_cli.runs.directory import config_text

# Words for Spearman's correlation, from the best down; the glossary of the page lists them.
_QUALITIES = ((0.9, "very well"), (0.75, "well"), (0.5, "roughly"), (-1.0, "poorly"))

# The sections of the page in its order, their titles in its menu (none for parts of the section before), and what
# a model has to be able to do for each.
SECTIONS: Mapping[str, tuple[str, type]] = {
    "summary": ("Summary", Predicts),
    "evaluation": ("Evaluation", Predicts),
    "styles": ("", HasStyles),
    "reconstruction": ("", Reconstructs),
    "transfer": ("Transfer", Predicts),
    "traversals": ("Traversals", HasStyles),
    "explorer": ("Explorer", HasStyles),
    "new-descriptors": ("New descriptors", HasStyles),
    "baselines": ("Baselines", Predicts),
    "trials": ("Choosing among trials", Trained),
    "learning": ("Loss curves", HasNetworks),
    "data": ("Data", Trained),
    "papers": ("For papers", Predicts),
    "reproduce": ("Reproduce", Trained),
    "glossary": ("Glossary", Trained),
}


@dataclass(frozen=True)
class Picture:
    """A figure on the page.

    Attributes
    ----------
    source
        The picture as a data URI.
    caption
        What it shows.
    file
        The file for papers, seen from the page.
    wide
        Whether it takes the width of the page rather than of a column.
    name
        By which it can be linked, unique on the page; none by default.
    alt
        What it looks like, for who cannot see it; the caption by default.
    csv
        The table behind it, seen from the page; empty where there is none.
    size
        Width and height in px, by which the page keeps room for it.
    interactive
        A plotly figure of the same as packed JSON (`figures.plotly.pack`); empty where there is none.
    narrow_height
        In px, of the interactive figure on a narrow page.
    """

    source: str
    caption: str
    file: str
    wide: bool = False
    name: str = ""
    alt: str = ""
    csv: str = ""
    size: tuple[int, int] | None = None
    interactive: str = ""
    narrow_height: int = 400


@dataclass(frozen=True)
class PictureGroup:
    """Figures under one heading; `name` is that by which it can be linked."""

    name: str
    heading: str
    text: str
    pictures: Sequence[Picture]


@dataclass(frozen=True)
class PageContent:
    """All that the page shows; plain values, no markup.

    Attributes
    ----------
    subject
        Family, element, edge, and whether the data are synthetic.
    metrics, traversal
        Contents of metrics.json of the test split and of traversal.json; None of a model that is not traversed.
    split_counts
        Spectra and materials in each split.
    split_by
        What shares a side of it.
    descriptors, styles, trials, traversals
        Tables.
    facts
        Where data and numbers come from: pairs of a name and its value.
    pictures
        By section of ``captions.toml``, each of which is there.
    coverage
        Of `coverage_table`.
    fits
        How each walk fits each matched difference; None of one descriptor.
    reading
        What an independent reader sees along the walks; None of one descriptor.
    associations
        What free styles go with; None where the model has none.
    baselines
        The comparison with baselines; None where there is none.
    compared
        Its rows, as in baselines.json.
    transfer, transferred
        What a transfer brought, as a table and as the contents of transfer.json; None for other runs.
    command, config
        The command line of the training run, and its resolved configuration as YAML.
    later_commands
        Pairs of what is repeated and the command that does it.
    rejected
        Of `origin.rejected_sites`; None where the data are synthetic.
    traversal_groups
        Figures of each style, under its heading.
    versions
        Versions of packages.
    units
        Unit of each descriptor.
    papers
        Of `write_papers`; None where no methods were written.
    explorer
        Of `explorer_data`; None for a page without it.
    sections
        Names in `SECTIONS` of those that the model has.
    """

    subject: Subject
    metrics: Mapping[str, Any]
    traversal: Mapping[str, Any] | None
    split_counts: Mapping[str, tuple[int, int]]
    split_by: str
    descriptors: Table
    styles: Table | None
    trials: Table
    traversals: Table | None
    facts: Sequence[tuple[str, str]]
    pictures: Mapping[str, Sequence[Picture]]
    command: str
    config: str
    run_name: str
    versions: Mapping[str, str] = field(default_factory=dict)
    units: Mapping[str, str] = field(default_factory=dict)
    coverage: Table | None = None
    fits: Table | None = None
    reading: Table | None = None
    associations: Table | None = None
    baselines: Table | None = None
    compared: Sequence[Mapping[str, Any]] = ()
    transfer: Table | None = None
    transferred: Mapping[str, Any] | None = None
    later_commands: Sequence[tuple[str, str]] = ()
    rejected: Mapping[str, Any] | None = None
    traversal_groups: Sequence[PictureGroup] = ()
    papers: Mapping[str, Any] | None = None
    explorer: Mapping[str, Any] | None = None
    sections: Collection[str] = tuple(SECTIONS)


def sections_of(model: Trained) -> tuple[str, ...]:
    """Return the names of the sections that follow from what a model can do."""
    return tuple(name for name, (_, capability) in SECTIONS.items() if isinstance(model, capability))


def render_page(content: PageContent) -> str:
    """Return the page as HTML; every value is escaped."""
    optional = {name: getattr(content, name) for name in ("explorer", "transfer", "baselines")}
    return render(
        "report.html.j2",
        page=content,
        sections={
            name: title
            for name, (title, _) in SECTIONS.items()
            if name in content.sections and optional.get(name, content) is not None
        },
        qualities=_quality_words(),
        warnings=_warnings(content),
        leaks=content.metrics.get("leakage", {}).get("findings", ()),
        findings=() if content.traversal is None else findings(content.traversal),
        near_duplicates=near_duplicates_sentence(content.metrics),
        traversed="" if content.traversal is None else traversed(content.traversal),
        remarks=baseline_remarks(content.compared),
        published=published_remark(content.metrics["choice"]),
    )


def render(template: str, **content: Any) -> str:
    """Return a page as HTML, from a template of the package and what it names; every value is escaped."""
    return page_environment().get_template(template).render(content)


def write_report(run_directory: Path, template: str, **content: Any) -> Path:
    """Write the page of a run, ``report/report.html``, of a template that shows its name and configuration too."""
    own = {"run_name": f"run {run_directory.name}", "config": config_text(run_directory)}
    return write_text(run_directory / "report" / "report.html", render(template, **own, **content))


@functools.cache
def page_environment() -> Environment:
    """Return the environment of all pages: it escapes every value and knows the filters of the macros."""
    environment = Environment(
        loader=PackageLoader("rankaae_cli.reports"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        extensions=["jinja2.ext.do"],
    )
    environment.filters |= {
        "number": print_number,
        "in_words": number_word,
        "counted": "{:,}".format,
        "cells": _cells,
        "listed": listed,
        "meaning": descriptor_meaning,
        "quality": quality,
        "quantity": quantity,
        "with_unit": with_unit,
    }
    environment.tests["known"] = is_known
    environment.globals |= {"plotly_packed": plotly_packed, "version": __version__}
    return environment


def _cells(table: Table) -> list[list[tuple[str, str | None]]]:
    """Return each cell's text and the full value to sort it by: None for text, empty for an unknown number.

    Beside numbers a word, such as ``no``, is an unknown number. The first column names the rows: it is text
    unless all of it is numbers.
    """
    values = [[_value(cell) for cell in row] for row in table.rows]
    columns = range(len(table.keys))
    # A column of which nothing is known is one of numbers.
    numeric = [
        any(row[i] is not None for row in values) or not any(isinstance(row[i], str) for row in table.rows)
        for i in columns
    ]
    if any(isinstance(row[0], str) for row in table.rows):
        numeric[0] = False
    return [
        [
            (texts[i], ("" if numbers[i] is None else repr(numbers[i])) if numeric[i] else None)
            for i in columns
        ]
        for texts, numbers in zip(table.printed(), values, strict=True)
    ]


def _value(cell: Cell) -> float | None:
    """Return a cell's number, also of one that is written out; None where it is none."""
    plain = cell.value if isinstance(cell, Ranged) else cell
    try:
        value = float(plain.replace(",", "").replace("−", "-")) if isinstance(plain, str) else plain
    except ValueError:
        return None
    return None if value is None or not math.isfinite(value) else float(value)


def quality(spearman: float | None) -> str:
    """Return in a word or two how well a descriptor is read, from Spearman's correlation."""
    if not is_known(spearman):
        return "not known"
    return next((words for least, words in _QUALITIES if spearman >= least), _QUALITIES[-1][1])


def _quality_words() -> str:
    parts = [f"{words} from {least:g}" for least, words in _QUALITIES[:-1]]
    return listed([*parts, f"{_QUALITIES[-1][1]} below"])


def _warnings(content: PageContent) -> list[str]:
    """Return what a reader should know before trusting the page, one line each."""
    ensemble = content.metrics["ensemble"]
    lines = [coupling_warning(ensemble), reconstruction_warning(ensemble, content.compared)]
    walked = () if content.traversal is None else findings(content.traversal)
    supported = [line for line in walked if line.startswith(WARNING)]
    return [sentence(line) for line in (*lines, *supported) if line is not None]
