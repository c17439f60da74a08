"""The model and its baselines as a table, from the contents of baselines.json."""

from collections.abc import Mapping, Sequence
from typing import Any

from rankaae_cli.analysis.evaluation.findings import baseline_remarks
from rankaae_cli.reports.captions import table_caption
from rankaae_cli.reports.tables import Cell, Table, csv_text, print_number, print_table

CANNOT = "no"
_OVER = {"model": "named", "baseline": "all"}  # styles of baselines have no names


def baselines_table(content: Mapping[str, Any]) -> Table:
    """Return what the model and each baseline can do, how well, and at which cost.

    Parameters
    ----------
    content
        Of baselines.json.
    """
    names = list(content["rows"][0]["descriptors"])
    rows: list[list[Cell]] = []
    for row in content["rows"]:
        styles = row["styles"]
        rows.append([
            row["label"],
            row["mean_spearman"] if row["reads"] else CANNOT,
            _ahead(row),
            *(row["descriptors"][name]["spearman"] for name in names),
            row["mean_r2"],
            row["reconstruction"]["mae"] if row["generates"] else CANNOT,
            styles["mean_spearman"] if row["has_styles"] else CANNOT,
            *_coupling(row),
            _seconds(row["seconds"]),
            f"{row['parameters']:,}",
        ])  # fmt: skip
    keys = ["method", "mean_spearman", "ensemble_ahead", *(f"spearman_{name}" for name in names), "mean_r2"]
    keys += ["reconstruction_mae", "one_style_spearman", "excess_coupling", "excess_by_chance"]
    keys += ["excess_over", "seconds", "parameters"]
    headings = [
        "Method",
        "Reads: mean ρ",
        "Model is ahead by",
        *(f"ρ of {name}" for name in names),
        "Mean R²",
        "Generates: MAE",
    ]
    headings += ["Disentangles: one style's ρ", "Excess coupling", "the same by chance", "over which styles"]
    headings += ["Time to fit (s)", "Parameters"]
    return Table(
        name="baselines",
        keys=keys,
        headings=headings,
        rows=rows,
        caption=table_caption(
            "baselines", f"{content['family']}, ", content["synthetic"], split=content["split"]
        ),
    )


def print_baselines(content: Mapping[str, Any]) -> None:
    """Print the table on the terminal."""
    title = f"{content['family']}, {content['split']} split, the model and baselines fitted on the same rows"
    print_table(title, baselines_table(content), content["synthetic"])
    for remark in baseline_remarks(content["rows"]):
        print(remark)


def print_kept(kept: Sequence[Mapping[str, Any]], outdated: Sequence[Mapping[str, Any]]) -> None:
    """Say which baselines of an earlier call are shown again, and which were fitted with other settings."""
    if kept:
        labels = ", ".join(row["label"] for row in kept)
        print(f"kept from before, same model, split and settings: {labels}")
    if outdated:
        labels = ", ".join(row["label"] for row in outdated)
        print(f"left out, fitted with other settings: {labels}")


def baselines_csv(content: Mapping[str, Any]) -> str:
    """Return every number of baselines.json as CSV, one row a method; empty where not known or not possible."""
    records = [_flat(row) for row in content["rows"]]
    keys = list(dict.fromkeys(key for record in records for key in record))
    rows = [[record.get(key) for key in keys] for record in records]
    return csv_text(Table("baselines", keys, keys, rows, ""))


def _flat(row: Mapping[str, Any]) -> dict[str, Cell]:
    record: dict[str, Cell] = {key: row[key] for key in ("name", "label", "kind")}
    record |= {key: "yes" if row[key] else CANNOT for key in ("reads", "generates", "has_styles")}
    record |= {key: row[key] for key in ("mean_spearman", "mean_r2")}
    for name, score in row["descriptors"].items():
        record |= {f"{name}_{key}": value for key, value in score.items()}
    if row["reconstruction"]:
        record |= {f"reconstruction_{key}": value for key, value in row["reconstruction"].items()}
    if row["styles"]:
        record["one_style_mean_spearman"] = row["styles"]["mean_spearman"]
        record |= {f"{name}_one_style_spearman": rho for name, rho in row["styles"]["spearman"].items()}
        record |= {f"inter_style_{key}": value for key, value in row["styles"]["inter_style"].items()}
        record["inter_style_over"] = _OVER[row["kind"]]
    if row["validation"]:
        record |= {f"validation_{key}": value for key, value in row["validation"].items()}
    if ahead := row.get("ensemble_ahead"):
        low, high = ahead["interval"]
        record |= {"ensemble_ahead": ahead["difference"]}
        record |= {"ensemble_ahead_low": low, "ensemble_ahead_high": high}
    return record | {"seconds": row["seconds"], "parameters": row["parameters"]}


def _ahead(row: Mapping[str, Any]) -> str | None:
    """Return by how much the model's ensemble reads better, with its interval; None where it was not compared."""
    ahead = row.get("ensemble_ahead")
    if not ahead:
        return None
    difference, low, high = (print_number(value, 3) for value in (ahead["difference"], *ahead["interval"]))
    return f"{difference} [{low}, {high}]"


def _coupling(row: Mapping[str, Any]) -> list[Cell]:
    """Return the excess coupling, what chance gives, and over which styles both are."""
    if not row["has_styles"]:
        return [CANNOT] * 3
    coupling = row["styles"]["inter_style"]
    return [coupling["excess"], coupling["excess_permuted"], _OVER[row["kind"]]]


def _seconds(seconds: float | None) -> str | None:
    if seconds is None:
        return None
    return f"{seconds:.0f}" if seconds >= 10 else f"{seconds:.1f}"
