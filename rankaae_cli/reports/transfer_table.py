"""What a transfer brought as a table, from the contents of transfer.json."""

from collections.abc import Mapping
from typing import Any

from rankaae_cli.core.labels import Cell, Ranged
from rankaae_cli.reports.captions import table_caption
from rankaae_cli.reports.console import print_lines
from rankaae_cli.reports.tables import Table, print_table


def transfer_table(content: Mapping[str, Any]) -> Table:
    """Return how the run does beside the one that it began from, and beside one from scratch.

    Parameters
    ----------
    content
        Of transfer.json.
    """
    if "eta" in content["rows"][0]:
        return _of_simulations(content)
    names = list(content["rows"][0]["descriptors"])
    rows: list[list[Cell]] = [
        [
            row["label"],
            Ranged(row["mean_spearman"], *row["interval"]),
            *(row["descriptors"][name]["spearman"] for name in names),
            *(row["descriptors"][name]["mae"] for name in names),
            row["reconstruction_mae"],
            None if row["gain"] is None else Ranged(row["gain"], *row["gain_interval"]),
        ]
        for row in content["rows"]
    ]
    keys = ["model", "mean_spearman", *(f"spearman_{name}" for name in names)]
    keys += [*(f"mae_{name}" for name in names), "reconstruction_mae", "gain"]
    headings = ["Model", "Mean ρ", *(f"ρ of {name}" for name in names), *(f"MAE of {name}" for name in names)]
    headings += ["Reconstruction MAE", "Gain of this run"]
    return _table(content, "transfer", keys, headings, rows)


def _of_simulations(content: Mapping[str, Any]) -> Table:
    numbers = {"eta_of_means": "η of means", "mae": "MAE", "median_squared_error": "Median squared error"}
    rows: list[list[Cell]] = [
        [
            row["label"],
            Ranged(row["eta"], *row["interval"]),
            *(row[key] for key in numbers),
            None if row["gain"] is None else Ranged(row["gain"], *row["gain_interval"]),
        ]
        for row in content["rows"]
    ]
    keys, headings = ["model", "eta", *numbers, "gain"], ["Model", "η", *numbers.values(), "Gain of this run"]
    return _table(content, "transfer_simulations", keys, headings, rows)


def _table(
    content: Mapping[str, Any], caption: str, keys: list[str], headings: list[str], rows: list[list[Cell]]
) -> Table:
    about = f"{content['family']}, {content['element']} {content['edge']} edge, "
    return Table(
        name="transfer",
        keys=keys,
        headings=headings,
        rows=rows,
        caption=table_caption(caption, about, content["synthetic"], split=content["split"]),
    )


def print_transfer(content: Mapping[str, Any]) -> None:
    """Print the table on the terminal, and a sentence on the gain."""
    title = f"{content['family']}, {content['split']} split, what the transfer brought"
    print_table(title, transfer_table(content), content["synthetic"])
    print_lines(content["findings"])
