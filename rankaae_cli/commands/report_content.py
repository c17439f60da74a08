"""What the page of a run shows, gathered from the run directory; figures for papers are written on the way."""

import shutil
from pathlib import Path
from typing import TYPE_CHECKING, Any

from rankaae_cli.commands.evaluate import evaluation_directory, subject_of
from rankaae_cli.commands.evaluate_baselines import FIGURE
from rankaae_cli.commands.evaluate_draw import figure_names
from rankaae_cli.commands.report_explorer import explorer_of
from rankaae_cli.commands.report_inputs import baselines
from rankaae_cli.commands.report_papers import split_counts, write_papers
from rankaae_cli.commands.traverse import FREE_OVERVIEW, OVERVIEW, STABILITY, overviews
from rankaae_cli.commands.traverse_maps import EDGE_MAP, MAIN_PEAK_MAP, map_figures
from rankaae_cli.data.files import replacing

if TYPE_CHECKING:
    from omegaconf import DictConfig

    from rankaae_cli.data.family_file import Family
    from rankaae_cli.reports.page import PageContent, Picture
    from rankaae_cli.training.trained import TrainedModel

_STYLE_FIGURES = {
    "style_vs_descriptor": "Each descriptor against its style. Points: test spectra, spread a little "
    "where values coincide. Line and band: calibration on validation and its 90 % interval.",
    "prediction_vs_truth": "Each descriptor as read from the spectrum against its true value.",
}
_CLASS_FIGURES = {
    "confusion": "Test spectra of each true class (rows) by the class read (columns), and their share of the "
    "true class. Classes are read by thresholds on the style, fitted on validation.",
}
_COUPLING_FIGURES = {
    "coupling": "Spearman correlations between styles (below the diagonal) and between the descriptors they are "
    "named after (above it): what differs is not in the data.",
    "normality": "Quantiles of each style against those of a standard normal distribution, which training wants.",
    "leakage": "One style is walked in the decoder, the spectra are encoded again, and each style's movement is "
    "counted in the walked one's. A faithful model has 1 on the diagonal and 0 elsewhere.",
}
_RECONSTRUCTION_FIGURES = {
    "reconstruction_examples": "The best, the median and the worst reconstruction of the test split.",
    "reconstruction_error": "Error of the reconstruction at each energy; above it the mean spectrum.",
    "worst_spectra": "The worst reconstructions, of each material its worst.",
}
_CHOICE_FIGURES = {
    "trials": "Every trial's measures on validation, the best score first. Darker is better, by the spread over "
    "trials; the numbers are the measures themselves.",
}
_ASSOCIATION_FIGURES = {
    "associations": "The strongest partial correlations of each free style. Beyond the dashed lines one stands "
    "out: by chance, in 95 of 100 cases none of all pairs would; and it explains about a tenth of the variance.",
}
_OVERVIEWS = {
    OVERVIEW: "The response to each descriptor; all differences on one scale.",
    FREE_OVERVIEW: "The same for the free styles, which hold what the descriptors do not explain.",
}
_MAPS = {
    MAIN_PEAK_MAP: "Height of the main peak as two styles are walked together.",
    EDGE_MAP: "Edge position as two styles are walked together.",
}
_WIDE = (*_OVERVIEWS, *_MAPS)
_BASELINE_FIGURES = {FIGURE: "The model (diamonds) and the baselines on the test split."}
_LEARNING_CAPTIONS = {
    "training_losses": "Losses on the training rows, one line a trial.",
    "validation_curves": "Measures on the validation rows, which chose epoch and trial.",
    "descriptor_learning": "Spearman correlation of each style with its descriptor on validation.",
}


def gather(
    run_directory: Path,
    model: "TrainedModel",
    family: "Family",
    metrics: dict[str, Any],
    traversal: dict[str, Any],
) -> "PageContent":
    """Collect what the page shows, writing the figures for papers on the way."""
    from omegaconf import OmegaConf

    from rankaae_cli.commands.run_directory import read_provenance, read_run_config
    from rankaae_cli.reports import run_tables
    from rankaae_cli.reports.baseline_table import baselines_table
    from rankaae_cli.reports.page import PageContent

    subject, provenance = subject_of(model), read_provenance(run_directory)
    config = read_run_config(run_directory)
    units = dict(zip(model.descriptor_names, model.descriptor_units, strict=True))
    evaluation = evaluation_directory(run_directory, "test")
    compared = baselines(run_directory)

    def evaluated(captions: dict[str, str]) -> list[Any]:
        drawn = figure_names(model)
        return _pictures(run_directory, evaluation, {n: c for n, c in captions.items() if n in drawn})

    return PageContent(
        subject=subject,
        metrics=metrics,
        traversal=traversal,
        split_counts=split_counts(family),
        descriptors=run_tables.descriptors_table(metrics, units),
        trials=run_tables.trials_table(metrics),
        traversals=run_tables.traversals_table(traversal),
        facts=_facts(model, provenance, config),
        learning=_learning_pictures(run_directory, model),
        styles=run_tables.disentanglement_table(metrics),
        associations=run_tables.associations_table(metrics["associations"], metrics)
        if metrics["associations"]
        else None,
        style_pictures=evaluated(_STYLE_FIGURES | _CLASS_FIGURES),
        coupling_pictures=evaluated(_COUPLING_FIGURES),
        traversal_pictures=_pictures(
            run_directory, run_directory / "traversal", _traversal_captions(model), prefix="traversal_"
        ),
        reconstruction=evaluated(_RECONSTRUCTION_FIGURES),
        choice_pictures=evaluated(_CHOICE_FIGURES),
        association_pictures=evaluated(_ASSOCIATION_FIGURES),
        command=_text(provenance.get("command")),
        config=OmegaConf.to_yaml(config),
        run_name=f"run {run_directory.name}, trained {_text(provenance.get('started'))[:10]}",
        versions={str(name): str(version) for name, version in (provenance.get("packages") or {}).items()},
        units=units,
        baselines=None if compared is None else baselines_table(compared),
        baseline_pictures=[] if compared is None else _pictures(run_directory, evaluation, _BASELINE_FIGURES),
        papers=write_papers(run_directory, model, family, metrics, traversal, compared),
        explorer=explorer_of(model, family),
    )


def _traversal_captions(model: "TrainedModel") -> dict[str, str]:
    """Return what each picture of ``traversal/`` shows, by name, in the order of the page."""
    from rankaae_cli.reports.labels import style_title

    captions = {name: _OVERVIEWS[name] for name in overviews(model)}
    for name in model.style_names:
        captions[name] = f"The spectrum along {style_title(name)}."
        if name in model.descriptor_names:
            captions[f"{name}_check"] = (
                f"The same response in the data: mean spectra of two bins of {name}, matched in the other "
                "descriptors, and their difference beside the network's."
            )
            captions[f"{name}_sensitivity"] = f"How much the spectrum changes with {name} at each energy."
    captions[STABILITY] = "Each trial's response to each descriptor."
    return captions | {name: _MAPS[name] for name in map_figures(model)}


def _facts(model: "TrainedModel", provenance: dict[str, Any], config: "DictConfig") -> list[tuple[str, str]]:
    unit = "" if model.energy_unit == "index" else f" {model.energy_unit}"
    start, end = model.energy_E[0], model.energy_E[-1]
    git = provenance.get("git") or {}
    commit = (
        f"{git['commit']}{', with uncommitted changes' if git.get('dirty') else ''}"
        if git.get("commit")
        else ""
    )
    facts = [
        (
            "Source",
            "synthetic, from a generator with known rules" if model.is_synthetic else model.source,
        )
    ]
    for entry in provenance.get("data") or []:
        facts += [("Data file", _text(entry.get("path"))), ("SHA-256", _text(entry.get("sha256")))]
    facts += [
        ("Energy grid", f"{len(model.energy_E)} points, {start:g} to {end:g}{unit}"),
        ("Normalisation", model.normalisation.replace("_", " ")),
        ("Split seed, training seed", f"{config.get('split_seed', '–')}, {config.get('seed', '–')}"),
        ("Started, finished", f"{_time(provenance, 'started')}, {_time(provenance, 'finished')}"),
        ("Training time", f"{float(provenance.get('wall_s') or 0):,.0f} s"),
        ("Device, host", f"{_text(provenance.get('device'))}, {_text(provenance.get('host'))}"),
        ("rankaae", f"{_text(provenance.get('rankaae_version'))}{f', commit {commit}' if commit else ''}"),
    ]
    return facts


def _time(provenance: dict[str, Any], key: str) -> str:
    """Return a time of ISO 8601 to the second."""
    written = _text(provenance.get(key))
    return written[:19].replace("T", " ") + (" UTC" if written.endswith("+00:00") else "")


def _text(value: Any) -> str:
    if isinstance(value, list | tuple):
        return " ".join(map(str, value))
    return "" if value is None else str(value)


def _pictures(
    run_directory: Path, folder: Path, captions: dict[str, str], prefix: str = ""
) -> list["Picture"]:
    """Return figures made earlier as pictures, and copy their files for papers to the report."""
    from rankaae_cli.reports.drawing import data_uri
    from rankaae_cli.reports.page import Picture

    pictures = []
    for name, caption in captions.items():
        paper = run_directory / "report" / "figures" / f"{prefix}{name}.pdf"
        with replacing(paper) as temporary:
            shutil.copyfile(folder / f"{name}.pdf", temporary)
        source = data_uri((folder / f"{name}.png").read_bytes())
        pictures.append(Picture(source, caption, f"figures/{paper.name}", wide=name in _WIDE))
    return pictures


def _learning_pictures(run_directory: Path, model: "TrainedModel") -> list["Picture"]:
    import pandas as pd

    from rankaae_cli.reports import figures
    from rankaae_cli.reports.drawing import data_uri, png_bytes, save_figure
    from rankaae_cli.reports.page import Picture

    path = run_directory / "metrics.csv"
    if not path.is_file():
        return []
    table, subject, t = pd.read_csv(path), subject_of(model), model.selected_trial
    epoch = int(model.best_epoch_T[t])
    drawn = {
        "training_losses": figures.training_losses(subject, table, t, epoch),
        "validation_curves": figures.validation_curves(subject, table, t, epoch),
        "descriptor_learning": figures.descriptor_learning(subject, table, model.descriptor_names, t, epoch),
    }
    pictures = []
    for name, figure in drawn.items():
        if figure is not None:
            save_figure(figure, run_directory / "report" / "figures" / name, formats=["pdf"])
            source = data_uri(png_bytes(figure))
            pictures.append(Picture(source, _LEARNING_CAPTIONS[name], f"figures/{name}.pdf"))
    return pictures
