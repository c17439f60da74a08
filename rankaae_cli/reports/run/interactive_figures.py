"""The interactive figures of a report, and the table behind each, from the files of a run."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from rankaae_cli.analysis.evaluation.baselines import FIGURE
from rankaae_cli.analysis.evaluation.tables import table_of
from rankaae_cli.reports.run import traversal_figures as interactive_traversal
from rankaae_cli.runs.directory import evaluation_directory

if TYPE_CHECKING:
    import pandas as pd

    from rankaae_cli.models.rankaae.trained import TrainedModel

_SPLIT = "test"


@dataclass(frozen=True)
class Drawn:
    """An interactive figure.

    Attributes
    ----------
    figure
        Of plotly; None where the still picture says all.
    table
        What it shows, for a csv file beside its pdf; None where there is nothing.
    """

    figure: Any | None
    table: "pd.DataFrame | None"


Maker = Callable[[], Drawn]


def figure_makers(
    run_directory: Path,
    model: "TrainedModel",
    metrics: Mapping[str, Any],
    traversal: Mapping[str, Any],
) -> dict[str, Maker]:
    """Return what makes each interactive figure of a report, by the name of its still picture's file."""
    evaluation = evaluation_directory(run_directory, _SPLIT)
    walks = interactive_traversal.interactive_figures(run_directory, model, traversal)
    return {
        **_of_readings(evaluation, model, metrics),
        **_of_styles(evaluation, model, metrics),
        **{name: lambda make=make: Drawn(make(), None) for name, make in walks.items()},  # type: ignore[misc]
        **_of_learning(run_directory, model),
    }


def baselines_maker(model: "TrainedModel", content: Mapping[str, Any]) -> dict[str, Maker]:
    """Return what makes the comparison with baselines."""

    def make() -> Drawn:
        from rankaae_cli.reports.figures import comparisons as interactive_comparisons

        return Drawn(interactive_comparisons.baselines(model.subject, content), None)

    return {FIGURE: make}


def learning_columns(metrics: "pd.DataFrame") -> dict[str, list[str]]:
    """Return the columns of metrics.csv that each figure of learning shows."""
    recorded = [str(c) for c in metrics.columns if metrics[c].notna().any()]
    per_descriptor = [c for c in recorded if c.startswith("val_spearman_")]
    return {
        "training_losses": [c for c in recorded if c.startswith("train_")],
        "validation_curves": [
            c for c in recorded if c == "score" or (c.startswith("val_") and c not in per_descriptor)
        ],
        "descriptor_learning": per_descriptor,
    }


def _of_readings(evaluation: Path, model: "TrainedModel", metrics: Mapping[str, Any]) -> dict[str, Maker]:
    from rankaae_cli.core.labels import averaged, with_unit
    from rankaae_cli.reports.figures import descriptors as interactive_readings
    from rankaae_cli.reports.figures import spectra as interactive_spectra
    from rankaae_cli.reports.figures import styles_interactive as interactive_styles

    subject, ensemble = model.subject, metrics["ensemble"]
    units = dict(zip(model.descriptor_names, model.descriptor_units, strict=True))

    def shown(figure: str) -> "pd.DataFrame":
        return _csv(evaluation / table_of(figure))

    readings = [
        interactive_readings.Reading(
            name,
            unit,
            model.descriptor_classes.get(name),
            model.calibration["ensemble"]["descriptors"][name],
            ensemble["descriptors"][name],
        )
        for name, unit in units.items()
    ]

    def of_style() -> Drawn:
        table = shown("style_vs_descriptor")
        return Drawn(interactive_readings.style_vs_descriptor(subject, table, readings, _SPLIT), table)

    def of_truth() -> Drawn:
        table = shown("prediction_vs_truth")
        return Drawn(interactive_readings.prediction_vs_truth(subject, table, readings, _SPLIT), table)

    def of_classes() -> Drawn:
        scores = {name: s for name, s in ensemble["descriptors"].items() if "confusion" in s}
        titles = {name: with_unit(name, units[name]) for name in scores}
        what = f"{_SPLIT} split, {averaged(metrics)}"
        return Drawn(interactive_styles.confusion(subject, scores, titles, what), shown("confusion"))

    def examples() -> Drawn:
        table = shown("reconstruction_examples")
        return Drawn(interactive_spectra.reconstructions(subject, table, f"{_SPLIT} split"), table)

    def worst() -> Drawn:
        table, what = (
            shown("worst_spectra"),
            f"{_SPLIT} split, {averaged(metrics)}",
        )
        return Drawn(interactive_spectra.reconstructions(subject, table, what, columns=2), table)

    def errors() -> Drawn:
        table, what = shown("reconstruction_error"), f"{_SPLIT} split, {metrics['n']:,} spectra"
        return Drawn(interactive_spectra.reconstruction_error(subject, table, what), table)

    def normality() -> Drawn:
        t = int(model.selected_trial)
        w_by_style = dict(zip(model.style_names, metrics["trials"][t]["shapiro"], strict=True))
        table = shown("normality")
        what = f"{_SPLIT} split, trial {t}"
        return Drawn(interactive_styles.normality(subject, table, w_by_style, what), table)

    return {
        "style_vs_descriptor": of_style,
        "prediction_vs_truth": of_truth,
        "confusion": of_classes,
        "reconstruction_examples": examples,
        "worst_spectra": worst,
        "reconstruction_error": errors,
        "normality": normality,
    }


def _of_styles(evaluation: Path, model: "TrainedModel", metrics: Mapping[str, Any]) -> dict[str, Maker]:
    from rankaae_cli.reports.figures import comparisons as interactive_comparisons
    from rankaae_cli.reports.figures import styles_interactive as interactive_styles

    subject = model.subject
    what = f"{_SPLIT} split, trial {model.selected_trial}"

    def coupling() -> Drawn:
        table = _csv(evaluation / table_of("coupling"))
        return Drawn(interactive_styles.coupling(subject, table, what), table)

    def leakage() -> Drawn:
        table = _csv(evaluation / table_of("leakage"))
        rows = f"training rows, trial {metrics['leakage']['trial']}"
        return Drawn(interactive_styles.leakage(subject, table, rows), table)

    def trials() -> Drawn:
        return Drawn(interactive_styles.trials(subject, metrics["choice"]), None)

    def associations() -> Drawn:
        table = _csv(evaluation / table_of("associations"))
        found = metrics["associations"]
        limit = max(found["floor"], found["threshold"] or 0.0)
        trial = f"trial {found['trial']}"
        figure = interactive_comparisons.associations(subject, table, limit, found["repeated_on"], trial)
        return Drawn(figure, table)

    return {"coupling": coupling, "leakage": leakage, "trials": trials, "associations": associations}


def _of_learning(run_directory: Path, model: "TrainedModel") -> dict[str, Maker]:
    path = run_directory / "metrics.csv"
    if not path.is_file():
        return {}
    from rankaae_cli.reports.figures import learning as interactive_curves

    table, subject, t = _csv(path), model.subject, int(model.selected_trial)
    epoch, columns = int(model.best_epoch_T[t]), learning_columns(table)

    def curves(name: str, what: str) -> Drawn:
        shown = columns[name]
        figure = interactive_curves.curves(subject, table, shown, t, epoch, what) if shown else None
        return Drawn(figure, table[["epoch", "trial", *shown]])

    def learning() -> Drawn:
        names = [n for n in model.descriptor_names if f"val_spearman_{n}" in columns["descriptor_learning"]]
        figure = interactive_curves.descriptor_learning(subject, table, names, t, epoch) if names else None
        return Drawn(figure, table[["epoch", "trial", *(f"val_spearman_{n}" for n in names)]])

    return {
        "training_losses": lambda: curves("training_losses", "training rows"),
        "validation_curves": lambda: curves("validation_curves", "validation rows"),
        "descriptor_learning": learning,
    }


def _csv(path: Path) -> "pd.DataFrame":
    import pandas as pd

    return pd.read_csv(path, dtype={"material": str})
