"""The numbers of an evaluation of simulated spectra, as a table and as sentences."""

from collections.abc import Mapping
from typing import Any

from rankaae_cli.core.labels import Cell, Ranged, print_number
from rankaae_cli.reports.captions import table_caption
from rankaae_cli.reports.tables import Table

_METHODS = {"extra_trees": "extra-trees", "mean_spectrum": "mean spectrum"}


def simulation_table(metrics: Mapping[str, Any]) -> Table:
    """Return the errors of the model, by family where these are several, of the mean spectrum, and of trees."""
    scores = metrics["simulation"]
    rows: list[list[Cell]] = [["model", *_ranged(scores), scores["mse"], scores["median_squared_error"]]]
    for one in metrics["members"]:
        errors: list[Cell] = [one["mse"], one["median_squared_error"]]
        rows.append([f"{one['family']}, {one['n']} spectra", *_ranged(one), *errors])
    for key, name in _METHODS.items():
        if key in scores:
            one = scores[key]
            of_mean: list[Cell] = [one["mae"], 1.0, 1.0]
            rows.append(
                [
                    name,
                    *(_ranged(one) if "eta" in one else of_mean),
                    one["mse"],
                    one["median_squared_error"],
                ]
            )
    return Table(
        "simulation",
        ("method", "mae", "eta", "eta_of_means", "mse", "median_squared_error"),
        ("Method", "MAE", "Eta", "Eta of means", "Mean squared error", "its median"),
        rows,
        table_caption("simulation", f"{metrics['family']}, ", metrics["synthetic"], split=metrics["split"]),
        digits=4,
    )


def simulation_lines(metrics: Mapping[str, Any]) -> list[str]:
    """Return what an evaluation found, a sentence each."""
    bands, novelty = metrics["bands"], metrics["novelty"]
    share = f"{bands['coverage']:.0%}"
    parts = [
        f"{print_number(one['mae'])} of {one['n']} {verdict}"
        for verdict, one in novelty["verdicts"].items()
        if one["n"]
    ]
    lines = [
        f"{share} bands hold {bands['points']:.1%} of points, those of whole curves {bands['curves']:.1%} of "
        "curves",
        f"error goes with the stated deviation (Spearman {print_number(metrics['deviation_spearman'])}) and with "
        f"the novelty of the site ({print_number(novelty['spearman'])}); MAE {', '.join(parts)}",
    ]
    if metrics["split"] != "test":
        lines.append(
            "the model was fitted to these rows, or chosen by them: report the errors of the test split"
        )
    return lines


def _ranged(scores: Mapping[str, Any]) -> list[Cell]:
    return [Ranged(scores[key], *scores["interval"][key]) for key in ("mae", "eta", "eta_of_means")]
