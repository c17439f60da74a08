"""What a comparison writes: tables, figures and a page."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pandas as pd
from matplotlib.figure import Figure

from rankaae_cli.analysis.comparison.convergence import THRESHOLD
from rankaae_cli.analysis.comparison.pairs import Comparison
from rankaae_cli.analysis.comparison.soundness import LABELS, MOVED, NEAR_DUPLICATES, OUTLIERS, UNSOUND
from rankaae_cli.analysis.evaluation.tables import write_tables
from rankaae_cli.core.labels import Subject
from rankaae_cli.data.files import strict_json, write_text
from rankaae_cli.reports.comparison.figures import (
    agreement_matrix,
    convergence_figure,
    pairs_figure,
    shift_figure,
)
from rankaae_cli.reports.comparison.methods import (
    ALIGNMENT,
    CONVERGENCE,
    PUBLISHED,
    SOUNDNESS,
    plain,
    write_methods,
)
from rankaae_cli.reports.comparison.tables import (
    agreement_table,
    convergence_table,
    frame_table,
    soundness_table,
)
from rankaae_cli.reports.latex import write_table
from rankaae_cli.reports.paper.prose import Text
from rankaae_cli.reports.run.figure_files import save_picture
from rankaae_cli.reports.run.page import Picture, render
from rankaae_cli.reports.tables import Table

PAGE, RESULTS = "page.html", "comparison.json"


@dataclass
class Section:
    """A part of the page: its name in links, its heading, and what it shows."""

    name: str
    heading: str
    text: str = ""
    tables: list[Table] = field(default_factory=list)
    pictures: list[Picture] = field(default_factory=list)


@dataclass
class ComparisonPage:
    """The page of a comparison, and the files beside it.

    Attributes
    ----------
    output
        A folder.
    subject
        What the figures are about.
    title, names
        Of the page; of what was compared.
    lines
        What was found, a sentence each.
    methods
        How, a paragraph each.
    results
        Contents of comparison.json.
    """

    output: Path
    subject: Subject
    title: str
    names: Sequence[str]
    command: str
    faults: Sequence[tuple[str, str]] = ()
    lines: list[str] = field(default_factory=list)
    methods: list[Text] = field(default_factory=list)
    results: dict[str, Any] = field(default_factory=dict)
    sections: list[Section] = field(default_factory=list)

    def add(
        self, section: Section, frames: Mapping[str, pd.DataFrame], figures: Mapping[str, Picture]
    ) -> None:
        """Add a section, and write its tables as CSV and LaTeX."""
        write_tables(self.output, frames)
        for table in section.tables:
            write_table(table, self.output / "tables")
        section.pictures += figures.values()
        self.sections.append(section)

    def picture(self, figure: Figure, name: str, caption: str, csv: str = "") -> Picture:
        """Write a figure and return it as the page shows it."""
        return save_picture(figure, self.output, f"figures/{name}", caption, csv=csv)

    def write(self) -> Path:
        """Write the page, the methods and comparison.json; return the page's path."""
        if self.faults:
            write_tables(self.output, {"rejected.csv": pd.DataFrame(self.faults, columns=["file", "reason"])})
        write_methods(self.output, self.methods)
        write_text(self.output / RESULTS, strict_json({"command": self.command, **self.results}))
        page = render(
            "compare.html.j2",
            title=self.title,
            names=self.names,
            synthetic=self.subject.synthetic,
            lines=self.lines,
            sections=self.sections,
            faults=self.faults,
            methods=plain(self.methods),
            command=self.command,
        )
        return write_text(self.output / PAGE, page)


def add_agreement(
    page: ComparisonPage, comparisons: Sequence[Comparison], resamples: int, seed: int
) -> list[dict[str, Any]]:
    """Add how well codes agree: a row each two of them, a matrix, their shifts, the pairs that agree least."""
    summaries = [one.summary(resamples, seed) for one in comparisons]
    frames = {
        f"pairs-{k + 1}.csv": one.table.assign(first=one.first, second=one.second)
        for k, one in enumerate(comparisons)
    }
    shown: dict[str, Picture] = {}
    if len(summaries) > 1 and any(one["spearman"]["mean"] is not None for one in summaries):
        shown["agreement"] = page.picture(
            agreement_matrix(page.subject, summaries),
            "agreement",
            "Mean Spearman correlation of the pairs of each two, and the shift to be added to the energies of the "
            "one at the left.",
        )
    if any(len(one.table) > 2 and one.joint is not None for one in comparisons):
        shown["shifts"] = page.picture(
            shift_figure(page.subject, comparisons),
            "shifts",
            "Shifts of the pairs about their median over materials, a dot each; the bar is the median's error.",
        )
    for k, one in enumerate(comparisons):
        if one.curves:
            shown[f"pairs-{k + 1}"] = page.picture(
                pairs_figure(page.subject, one),
                f"pairs-{k + 1}",
                f"{one.first}, moved, scaled and offset onto {one.second}: the pairs of the least Spearman "
                "correlation ρ, and in blue with the sharper one broadened.",
                f"pairs-{k + 1}.csv",
            )
    by = {one.paired_by for one in comparisons}
    section = Section(
        "agreement",
        "Agreement",
        f"Spectra are paired by {' or '.join(sorted(by))}.",
        [agreement_table(summaries, page.subject.energy_unit)],
    )
    page.add(section, frames, shown)
    page.methods.append(ALIGNMENT)
    if any("published_spearman" in one for one in summaries):
        page.methods.append(PUBLISHED)
    page.results["agreement"] = summaries
    return summaries


def add_convergence(page: ComparisonPage, table: pd.DataFrame) -> None:
    """Add how far each setting of a calculation is from the last."""
    picture = page.picture(
        convergence_figure(page.subject, table, THRESHOLD),
        "convergence",
        f"Distance of each setting to the last of its code; dotted, {THRESHOLD:g}.",
        "convergence.csv",
    )
    rows = [{str(key): value for key, value in row.items()} for row in table.to_dict("records")]
    section = Section("convergence", "Convergence", "", [convergence_table(rows, THRESHOLD)])
    page.add(section, {"convergence.csv": table}, {"convergence": picture})
    page.methods += [ALIGNMENT, CONVERGENCE]
    page.results["convergence"] = rows


def add_soundness(page: ComparisonPage, about: Mapping[str, Any], frames: Mapping[str, pd.DataFrame]) -> None:
    """Add what was found in a family."""
    captions = {
        LABELS: "How far each descriptor is known: minimum, 5th percentile, median, 95th percentile and maximum.",
        NEAR_DUPLICATES: "Spectra of different materials that are nearly the same.",
        MOVED: "Further ones that are so once the first is moved (eV) and scaled.",
        OUTLIERS: "Spectra that are far from all others.",
        UNSOUND: "Spectra that are not sound, and doubts.",
    }
    tables = [soundness_table(about)]
    tables += [
        frame_table(name.removesuffix(".csv"), frames[name], caption)
        for name, caption in captions.items()
        if len(frames[name])
    ]
    page.add(Section("soundness", "Soundness", "", tables), frames, {})
    page.methods.append(SOUNDNESS)
    page.results["soundness"] = dict(about)
