"""What evaluations and traversals say on the terminal."""

from collections.abc import Mapping, Sequence
from typing import Any

from rich.console import Console
from rich.text import Text

from rankaae_cli.analysis.evaluation.associations import association_summary
from rankaae_cli.analysis.evaluation.findings import (
    FITTED_TO,
    WARNING,
    choice_remark,
    coupling_warning,
    reconstruction_warning,
)
from rankaae_cli.analysis.reading.importance import importance_summary
from rankaae_cli.analysis.reading.mixtures import mixture_findings
from rankaae_cli.analysis.traversal.findings import findings
from rankaae_cli.core.labels import averaged
from rankaae_cli.reports.run.tables import (
    coverage_remark,
    descriptors_note,
    descriptors_table,
    traversals_table,
)
from rankaae_cli.reports.simulation.scores import simulation_lines, simulation_table
from rankaae_cli.reports.tables import print_number, print_table


def print_evaluation(metrics: Mapping[str, Any], units: Mapping[str, str]) -> None:
    """Print the main numbers of one split.

    Parameters
    ----------
    metrics
        Contents of metrics.json.
    units
        Unit of each descriptor.
    """
    ensemble, single = metrics["ensemble"], metrics["trials"][metrics["selected_trial"]]
    print_table(
        f"{metrics['family']}, {metrics['split']} split, {metrics['n']} spectra, {averaged(metrics)}",
        descriptors_table(metrics, units, brief=True),
        metrics["synthetic"],
    )
    _say(descriptors_note(metrics, brief=True), "dim")
    rho = f"mean Spearman {print_number(ensemble['mean_spearman'])}"
    if ensemble["n_trials"] > 1:
        rho = f"mean Spearman: single trial {print_number(single['mean_spearman'])}, "
        rho += f"{averaged(metrics)} {print_number(ensemble['mean_spearman'])}"
    choice, free = metrics["choice"], metrics.get("associations")
    lines = [choice_remark(choice)] if metrics["n_trials"] > 1 else []
    lines += association_summary(free) if free else []
    if metrics["split"] == "validation":
        lines.append(FITTED_TO)
    parts = [f"reconstruction MAE {print_number(ensemble['reconstruction']['mae'])}"]
    if "inter_style" in ensemble:
        excess, chance = (print_number(ensemble["inter_style"][key]) for key in ("excess", "excess_permuted"))
        parts.append(f"excess coupling of named styles {excess} (by chance {chance})")
    _say(f"{rho}\n{', '.join(parts)}")
    if metrics.get("mixtures") is not None:
        lines += mixture_findings(metrics["mixtures"], metrics["split"])
    for line in (*lines, importance_summary(metrics["importance"])):
        _say(line)
    for warning in (coverage_remark(metrics), coupling_warning(ensemble)):
        _say(warning, "bold yellow")


def print_simulations(metrics: Mapping[str, Any]) -> None:
    """Print the main numbers of one split of a model that simulates spectra."""
    title = (
        f"{metrics['family']}, {metrics['split']} split, {metrics['n']} spectra from {metrics['features']}"
    )
    print_table(title, simulation_table(metrics), metrics["synthetic"])
    for line in simulation_lines(metrics):
        _say(line)


def print_reconstruction_warning(metrics: Mapping[str, Any], baselines: Sequence[Mapping[str, Any]]) -> None:
    """Print a line where spectra are rebuilt worse than by PCA; `baselines` are rows of baselines.json."""
    _say(reconstruction_warning(metrics["ensemble"], baselines), "bold yellow")


def _say(line: str | None, style: str = "") -> None:
    """Print a line as it stands, where there is one; nothing in it is read as markup."""
    if line is not None:
        Console(highlight=False).print(Text(line, style=style), soft_wrap=True)


def print_traversal(traversal: Mapping[str, Any]) -> None:
    """Print how the spectrum responds to each style; `traversal` is the contents of traversal.json."""
    title = f"{traversal['family']}, response from the 5th to the 95th percentile"
    print_table(title, traversals_table(traversal), traversal["synthetic"])
    for line in findings(traversal):
        _say(line, "bold yellow" if line.startswith(WARNING) else "")


def print_lines(lines: Sequence[str]) -> None:
    """Print sentences, one a line; nothing in them is read as markup."""
    for line in lines:
        _say(line)
