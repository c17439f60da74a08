"""The figures of ``rankaae evaluate``, one a question."""

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from rankaae_cli.analysis.encoded import EncodedSplit
    from rankaae_cli.analysis.evaluation.evaluate import Evaluation
    from rankaae_cli.core.styles.replication import Repeats
    from rankaae_cli.models.rankaae.trained import TrainedModel

_WORST = 6


def figure_names(model: "TrainedModel") -> tuple[str, ...]:
    """Return the names of the figures that `draw_evaluation` leaves of a model."""
    names = ["style_vs_descriptor", "prediction_vs_truth"]
    if any(model.descriptor_classes.get(name) for name in model.descriptor_names):
        names.append("confusion")
    names += ["reconstruction_examples", "reconstruction_error", "worst_spectra"]
    names += ["coupling", "normality", "leakage", "trials"]
    if len(model.style_names) > len(model.descriptor_names):
        names.append("associations")
    return tuple(names)


def draw_evaluation(directory: Path, evaluation: "Evaluation") -> None:
    """Draw and save all figures of one split."""
    model, reading, metrics = evaluation.run.model, evaluation.run.split, evaluation.metrics
    from rankaae_cli.reports.figures.drawing import save_figure

    makers = {
        **_of_descriptors(model, reading, metrics),
        **_of_spectra(model, reading, metrics),
        **_of_styles(model, reading, metrics, evaluation.repeats),
    }
    for name in figure_names(model):
        save_figure(makers[name](), directory / name)


def _of_descriptors(
    model: "TrainedModel", reading: "EncodedSplit", metrics: dict[str, Any]
) -> dict[str, Callable[[], Any]]:
    from rankaae_cli.core.labels import averaged
    from rankaae_cli.reports.figures import evaluation as figures
    from rankaae_cli.reports.figures.classes import confusion

    subject, ensemble = model.subject, metrics["ensemble"]
    panels = [
        figures.DescriptorReading(
            name=name,
            unit=unit,
            style_N=reading.ensemble_styles_NK[:, k],
            true_N=reading.descriptors_NK[:, k],
            predicted_N=reading.ensemble_values_NK[:, k],
            calibration=model.calibration["ensemble"]["descriptors"][name],
            classes=model.descriptor_classes.get(name),
            **{key: ensemble["descriptors"][name][key] for key in ("spearman", "r2", "mae")},
        )
        for k, (name, unit) in enumerate(zip(model.descriptor_names, model.descriptor_units, strict=True))
    ]
    units = dict(zip(model.descriptor_names, model.descriptor_units, strict=True))
    of_classes = {name: score for name, score in ensemble["descriptors"].items() if "confusion" in score}
    what = f"{reading.split} split, {averaged(metrics)}"
    return {
        "style_vs_descriptor": lambda: figures.style_vs_descriptor(subject, panels, reading.split),
        "prediction_vs_truth": lambda: figures.prediction_vs_truth(subject, panels, reading.split),
        "confusion": lambda: confusion(subject, of_classes, units, what),
    }


def _of_spectra(
    model: "TrainedModel", reading: "EncodedSplit", metrics: dict[str, Any]
) -> dict[str, Callable[[], Any]]:
    import numpy as np

    from rankaae_cli.core.labels import averaged
    from rankaae_cli.reports.figures import evaluation as figures

    subject = model.subject
    order = np.argsort(reading.error_N, kind="stable")

    def example(row: int, title: str) -> figures.ReconstructionExample:
        return figures.ReconstructionExample(
            title=f"{title}{reading.material_N[row]}, site {reading.site_N[row]}",
            spectrum_E=reading.spectra_NE[row],
            reconstruction_E=reading.ensemble_spectra_NE[row],
            mae=float(reading.error_N[row]),
        )

    typical = [("Best: ", order[0]), ("Median: ", order[len(order) // 2]), ("Worst: ", order[-1])]
    # Sites of one material are much alike: of each only its worst.
    _, first = np.unique(reading.material_N[order[::-1]].astype(str), return_index=True)
    worst = [example(row, "") for row in order[::-1][np.sort(first)[:_WORST]]]
    return {
        "reconstruction_examples": lambda: figures.reconstruction_examples(
            subject, model.energy_E, [example(row, which) for which, row in typical], reading.split
        ),
        "reconstruction_error": lambda: figures.reconstruction_error(
            subject, model.energy_E, reading.spectra_NE, reading.ensemble_spectra_NE, reading.split
        ),
        "worst_spectra": lambda: figures.worst_spectra(
            subject, model.energy_E, worst, f"{reading.split} split, {averaged(metrics)}"
        ),
    }


def _of_styles(
    model: "TrainedModel", reading: "EncodedSplit", metrics: dict[str, Any], of_free: "Repeats | None"
) -> dict[str, Callable[[], Any]]:
    import numpy as np

    from rankaae_cli.reports.figures import styles as style_figures
    from rankaae_cli.reports.figures import trials as choice_figure
    from rankaae_cli.reports.figures.associations import associations

    subject, t = model.subject, int(model.selected_trial)
    what = f"{reading.split} split, trial {t}"
    leakage, coupling = metrics["leakage"], metrics["coupling"]
    w_S = dict(zip(model.style_names, metrics["trials"][t]["shapiro"], strict=True))
    makers: dict[str, Callable[[], Any]] = {
        "normality": lambda: style_figures.normality(subject, reading.styles_TNS[t], w_S, what),
        "coupling": lambda: style_figures.coupling(
            subject,
            model.style_names,
            np.array(coupling["between_styles"], dtype=float),
            np.array(coupling["between_descriptors"], dtype=float),
            what,
        ),
        "leakage": lambda: style_figures.leakage(
            subject, model.style_names, np.array(leakage["matrix"], dtype=float), f"training rows, trial {t}"
        ),
        "trials": lambda: choice_figure.trial_choice(subject, metrics["choice"]),
    }
    if of_free is not None:
        rows = metrics["associations"]["repeated_on"]
        makers["associations"] = lambda: associations(subject, of_free, model.style_names, rows, f"trial {t}")
    return makers
