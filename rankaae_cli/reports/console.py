"""Compact tables on the terminal."""

from collections.abc import Mapping, Sequence
from typing import Any

from rich.console import Console
from rich.table import Table as RichTable
from rich.text import Text

from rankaae_cli.reports.labels import averaged, described_range, style_title, unit_text
from rankaae_cli.reports.tables import print_number


def print_evaluation(metrics: Mapping[str, Any], units: Mapping[str, str]) -> None:
    """Print the main numbers of one split.

    Parameters
    ----------
    metrics
        Contents of metrics.json.
    units
        Unit of each descriptor.
    """
    ensemble = metrics["ensemble"]
    with_f1 = any("f1" in score for score in ensemble["descriptors"].values())
    headings = ["descriptor", "Spearman", "R²", "MAE", "90 % ±", *(["F1"] if with_f1 else [])]
    rows = []
    for name, score in ensemble["descriptors"].items():
        unit = unit_text(units.get(name, ""))
        numbers = [score["spearman"], score["r2"], score["mae"], score["interval_half_width"]]
        cells = [f"{name} ({unit})" if unit else name, *(print_number(value) for value in numbers)]
        rows.append([*cells, *([print_number(score["f1"]) if "f1" in score else ""] if with_f1 else [])])
    title = f"{metrics['family']}, {metrics['split']} split, {metrics['n']} spectra, {averaged(metrics)}"
    print_rows(f"{title}{', SYNTHETIC DATA' if metrics['synthetic'] else ''}", headings, rows)
    excess, chance = (print_number(ensemble["inter_style"][key]) for key in ("excess", "excess_permuted"))
    Console(highlight=False).print(
        f"mean Spearman {print_number(ensemble['mean_spearman'])}, "
        f"reconstruction MAE {print_number(ensemble['reconstruction']['mae'])}, "
        f"excess coupling {excess} (by chance {chance})",
        soft_wrap=True,
    )


def print_traversal(traversal: Mapping[str, Any]) -> None:
    """Print how the spectrum responds to each style; `traversal` is the contents of traversal.json."""
    rows = []
    for name, style in traversal["styles"].items():
        row = [style_title(name), described_range(style), print_number(style["largest_change"])]
        row.append(print_number(style["energy_of_largest_change"], 1))
        rows.append(
            [*row, *([print_number(style["pearson_true_response"], 2)] if traversal["synthetic"] else [])]
        )
    headings = ["style", "from, to", "largest change", f"at ({traversal['energy_unit']})"]
    title = f"{traversal['family']}, response from the 5th to the 95th percentile"
    if traversal["synthetic"]:
        print_rows(f"{title}, SYNTHETIC DATA", [*headings, "Pearson r with truth"], rows)
    else:
        print_rows(title, headings, rows)


def print_rows(title: str, headings: Sequence[str], rows: Sequence[Sequence[str]]) -> None:
    """Print one table; the first column is text, the others are numbers. Nothing in it is read as markup."""
    console = Console(highlight=False)
    console.print(Text(title, style="bold"), soft_wrap=True)
    table = RichTable(box=None, pad_edge=False)
    for index, heading in enumerate(headings):
        table.add_column(heading, justify="left" if index == 0 else "right", no_wrap=True)
    for row in rows:
        table.add_row(*(Text(cell) for cell in row))
    console.print(table)
