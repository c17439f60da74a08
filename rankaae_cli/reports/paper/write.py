"""What ``rankaae report`` writes for papers: methods, references, a model card, style files."""

from collections import Counter
from importlib.resources import files as resources
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from rankaae_cli.core.errors import UserError
from rankaae_cli.core.terminal import console
from rankaae_cli.data.family.family import Family
from rankaae_cli.data.family.splits import SPLITS, hashed_sides
from rankaae_cli.data.files import write_text
from rankaae_cli.data.structures.label_list import reasons_listed
from rankaae_cli.reports.paper.citations import bibtex, printed_references
from rankaae_cli.reports.paper.facts import RunFacts
from rankaae_cli.reports.paper.methods import methods_latex, methods_markdown, methods_paragraphs, to_complete
from rankaae_cli.reports.paper.model_card import model_card
from rankaae_cli.reports.paper.prose import as_pieces, cited
from rankaae_cli.reports.run.origin import reasons_left_out, rejected_lists
from rankaae_cli.reports.run.results import RunResults
from rankaae_cli.runs import data as training_data
from rankaae_cli.runs.directory import lacks_settings, plain_config, read_run_config
from rankaae_cli.runs.load import data_paths
from rankaae_cli.runs.provenance import read_provenance
from rankaae_cli.training.schedules import epochs_of

_METHOD = "liang2023rankaae"
_STYLES = ("column.mplstyle", "page.mplstyle")


def write_papers(run: RunResults) -> dict[str, Any] | None:
    """Write what is for papers below ``report/`` and return what the page shows of it.

    Returns
    -------
    dict
        ``paragraphs``, each a sequence of pieces: text, and the numbers of the works cited after it;
        ``references``, the numbered list: each work as printed, and its address on the web (empty where none);
        ``method_number`` of the work on the method; ``bibtex``, the list as BibTeX; ``to_complete``, what the
        authors have to add. None where no true text can be written, so that there are style files alone: of a
        model without styles, or one whose configuration lacks settings, made by an older version of the program.
    """
    directory = run.directory / "report"
    for name in _STYLES:
        content = (resources("rankaae_cli.reports") / name).read_text(encoding="utf-8")
        write_text(directory / "style" / name, content)
    if run.traversal is None:
        return None
    if lacks_settings(run.directory):
        console.print(
            f"{run.directory.name} was trained by an older rankaae: no methods are written for papers"
        )
        return None
    facts = run_facts(run)
    paragraphs = methods_paragraphs(facts)
    keys = cited(paragraphs)
    numbers = {key: i for i, key in enumerate(keys, 1)}
    write_text(directory / "methods.tex", methods_latex(facts))
    write_text(directory / "methods.md", methods_markdown(facts))
    write_text(directory / "references.bib", bibtex(keys))
    write_text(directory / "model_card.md", model_card(facts))
    return {
        "paragraphs": [as_pieces(paragraph, numbers) for paragraph in paragraphs],
        "references": printed_references(keys),
        "method_number": numbers[_METHOD],
        "bibtex": bibtex(keys),
        "to_complete": to_complete(facts),
    }


def run_facts(run: RunResults) -> RunFacts:
    """Return what the texts about a run are written from."""
    model, family = run.model, run.family
    assert run.traversal is not None, "texts for papers are of models with styles"
    config, plain = read_run_config(run.directory), plain_config(run.directory)
    unlabelled: int | None = None
    rows: int | None = None
    try:
        unlabelled_NE = training_data.unlabelled_spectra(config, family)
        unlabelled = 0 if unlabelled_NE is None else len(unlabelled_NE)
        rows = training_data.rows_trained_on(family, unlabelled_NE, plain.get("replay", 0.0))
    except (UserError, OSError):
        pass  # the file of those without descriptors is gone
    reasons = reasons_left_out(rejected_lists(data_paths(config)))
    weights = sum(parameter.numel() for parameter in model.autoencoder.parameters())
    return RunFacts(
        subject=model.subject,
        config=plain,
        provenance=read_provenance(run.directory),
        metrics=run.metrics,
        traversal=run.traversal,
        source=model.source,
        energy_grid=(len(model.energy_E), float(model.energy_E[0]), float(model.energy_E[-1])),
        units=dict(zip(model.descriptor_names, model.descriptor_units, strict=True)),
        known={
            name: int(np.isfinite(d_N).sum())
            for name, d_N in zip(family.descriptor_names, family.descriptors_NK.T, strict=True)
        },
        split_counts=split_counts(family),
        hashed_split=bool(
            (family.split_N == hashed_sides(family, family.split_by, int(plain["split_seed"]))).all()
        ),
        epochs=_epochs(run.directory, plain, rows),
        batches=None if rows is None else -(-rows // int(plain["batch_size"])),
        parameters=weights // model.n_trials,
        diverged=sum(reason is not None for reason in model.failed_T),
        selected_epoch=int(model.best_epoch_T[model.selected_trial]),
        materials_project=all(_is_mp(material) for material in set(family.material_N)),
        unlabelled=unlabelled,
        rejected=None if reasons is None else dict(Counter(reasons).most_common()),
        baselines=run.baselines,
        balanced=all(reasons_listed(path) for path in data_paths(config)),
    )


def split_counts(family: Family) -> dict[str, tuple[int, int]]:
    """Return the numbers of spectra and materials on each side of the split."""
    return {
        name: (int((family.split_N == side).sum()), len(set(family.material_N[family.split_N == side])))
        for side, name in enumerate(SPLITS)
    }


def _is_mp(material: str) -> bool:
    kind, _, number = str(material).rpartition("/")[2].partition("-")
    return kind in ("mp", "mvc") and number.isdigit()


def _epochs(run_directory: Path, config: dict[str, Any], rows: int | None) -> int:
    """Return the passes over the training rows: those of metrics.csv, of the longest trial."""
    table = run_directory / "metrics.csv"
    if table.is_file():
        return int(pd.read_csv(table, usecols=["epoch"])["epoch"].max()) + 1
    if config["max_epochs"] is not None or rows is None:
        return int(config["max_epochs"] or 0)
    return epochs_of(int(config["max_steps"]), rows, int(config["batch_size"]))
