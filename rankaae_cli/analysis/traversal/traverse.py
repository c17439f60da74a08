"""The traversal of a run: how the spectrum responds to each style, and whether the data agree.

``traversal/`` of a run holds, beside each figure (png, pdf), a csv of its stem with the numbers drawn, so that it
can be drawn again without the network:

- ``<style>.csv``, a row an energy: ``energy``; ``p05`` to ``p95``, the mean decoded spectrum at each level of the
  walk; ``difference``, last minus first; its bands ``trials_low``, ``trials_high`` (range over trials) and
  ``draws_low``, ``draws_high`` (5 % to 95 % of draws); ``true_response_synthetic`` where the truth is known;
  ``difference_trial_<t>``. The calibrated descriptor at each level is ``styles.<style>.descriptor`` of
  traversal.json, beside ``percentile``.
- ``overview.csv``, ``overview_free.csv``: the same of several styles, below one another, told apart by ``style``.
- ``stability.csv``: each trial's difference, ``<descriptor>_sensitivity.csv`` and ``<descriptor>_check.csv``:
  a row an energy; ``map_main_peak.csv`` and ``map_edge.csv``: a row a point of a pair's plane.
- ``support.csv``: a row a style and level, how much of the walk lies where training spectra do;
  ``independent_reader.csv``: a row a pair of descriptors, how the second changes along the walk of the first as a
  reader sees it that knows spectra alone.
- ``columns.csv``: file, column, unit and meaning of every column of these.
- ``traversal.json``: all other numbers; written last.

Floats of the csv files have eight significant digits; what is not known is empty.
"""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from importlib.resources import files
from pathlib import Path
from typing import Any

import pandas as pd

from rankaae_cli.analysis.origin import origin_of
from rankaae_cli.analysis.traversal.axis import StyleAxis
from rankaae_cli.analysis.traversal.check import ALL, check_table, compare, describe_check, read_sample
from rankaae_cli.analysis.traversal.findings import INTERACTION
from rankaae_cli.analysis.traversal.fits import describe_fits, fit_table
from rankaae_cli.analysis.traversal.maps import map_figures, pair_maps
from rankaae_cli.analysis.traversal.reading import independent_reading
from rankaae_cli.analysis.traversal.slopes import (
    describe_sensitivity,
    readings,
    sensitivity,
    sensitivity_table,
)
from rankaae_cli.analysis.traversal.walks import (
    StyleWalk,
    describe_walk,
    differences_of_trials,
    overview_table,
    stability_table,
    support_table,
    walk_styles,
    walk_table,
)
from rankaae_cli.core.styles.ensemble import ensemble_spectra
from rankaae_cli.core.styles.traversal import draw_styles
from rankaae_cli.data.family.family import Family
from rankaae_cli.data.family.splits import TRAIN
from rankaae_cli.data.files import replacing, strict_json, write_text
from rankaae_cli.models.base import HasStyles, Trained, require
from rankaae_cli.models.rankaae.trained import TrainedModel

OVERVIEW, FREE_OVERVIEW, STABILITY = "overview", "overview_free", "stability"
TRAVERSAL, COLUMNS = "traversal.json", "columns"
ANSWERS = "answers"  # of a model that simulates beside those of a RankAAE
SUPPORT, READING = TABLES = ("support", "independent_reader")  # without a figure
# Of what a traversal leaves: counted up with every change of it, so that a report replaces what is older.
FORMAT_VERSION = 3
OTHERS_TEXT = {"data": "others from spectra of that value", "independent": "others independent"}


@dataclass(frozen=True)
class Traversal:
    """What `traverse` finds out.

    Attributes
    ----------
    content
        Of traversal.json, numbers that are not known NaN or None.
    tables
        Contents of the csv files, by stem.
    axes
        What stands along the axes that walk a style, by style.
    """

    content: dict[str, Any]
    tables: dict[str, pd.DataFrame]
    axes: dict[str, StyleAxis]


def traverse(
    run_directory: Path,
    model: TrainedModel,
    family: Family,
    levels: int = 11,
    draws: int = 500,
    seed: int = 0,
    others: str = "data",
    check_rows: str = "held_out",
) -> Traversal:
    """Walk every style of a run, compare the named ones with the data, and write the csv files of ``traversal/``.

    Parameters
    ----------
    run_directory, model, family
        As `load_run` gives them.
    levels, draws, seed
        Of the walk; see `core.styles.traversal`.
    others
        Where the styles that are not walked come from: ``data`` or ``independent``.
    check_rows
        The rows that the responses are compared with: a split, ``held_out`` or ``all``.

    Raises
    ------
    UserError
        If the model has no styles.
    """
    require(model, "rankaae traverse", HasStyles)
    styles_TNS = model.encode(family.spectra_NE[family.split_N == TRAIN])
    others_TDS = draw_styles(styles_TNS, draws, seed, others)
    walks = walk_styles(model, family, styles_TNS, model.style_names, (levels, draws, seed, others))
    styles = {walk.name: describe_walk(model, walk) for walk in walks}
    named = [walk for walk in walks if walk.named]
    fits, reading, tables = _checks(model, family, named, styles, check_rows, draws, seed)
    tables |= _tables(model, walks, styles)
    pairs, maps = pair_maps(model, styles_TNS, others_TDS, [walk.axis for walk in walks])
    tables |= {**maps, SUPPORT: support_table(walks), COLUMNS: columns_table(model)}
    content = {
        **about_traversal(run_directory, model),
        "levels": levels,
        "draws": draws,
        "seed": seed,
        "others": others,
        "check_rows": check_rows,
        "styles": styles,
        "fits": fits,
        "independent_reader": reading,
        "pairs": pairs,
        "interaction_definition": INTERACTION,
    }
    write_tables(run_directory, tables)
    return Traversal(content, tables, {walk.name: walk.axis for walk in walks})


def write_tables(run_directory: Path, tables: Mapping[str, pd.DataFrame]) -> None:
    """Write the csv files of a traversal, by stem."""
    for name, table in tables.items():
        with replacing(run_directory / "traversal" / f"{name}.csv") as temporary:
            table.to_csv(temporary, index=False, float_format="%.8g")


def write_content(run_directory: Path, traversal: Traversal) -> None:
    """Write traversal.json, which says that everything else of a traversal is there."""
    write_text(run_directory / "traversal" / TRAVERSAL, strict_json(traversal.content))


def columns_table(model: Trained, files_listed: Collection[str] | None = None) -> pd.DataFrame:
    """Return file, column, unit and meaning of every column of the other tables, of those files alone.

    By default of all but `ANSWERS`. A column that ends with _N stands for one a trial or percentile.
    """
    with (files("rankaae_cli.analysis.traversal") / "columns.csv").open(encoding="utf-8") as file:
        table = pd.read_csv(file, keep_default_na=False)
    listed = table["file"] != f"{ANSWERS}.csv" if files_listed is None else table["file"].isin(files_listed)
    table = table[listed].reset_index(drop=True)
    absorption = "edge step" if model.normalisation == "edge_step" else "arbitrary"
    table["unit"] = [u.format(energy=model.energy_unit, absorption=absorption) for u in table["unit"]]
    return table


def about_traversal(run_directory: Path, model: Trained) -> dict[str, Any]:
    """Return what traversal.json says of the run."""
    return {
        "format_version": FORMAT_VERSION,
        **origin_of(run_directory, model),
        "selected_trial": int(model.selected_trial),
        "n_trials": int(model.alive_T.sum()),
        "energy_unit": model.energy_unit,
    }


def overviews(model: TrainedModel) -> dict[str, tuple[str, ...]]:
    """Return the names of the overview figures of a model and the styles in each."""
    free = tuple(name for name in model.style_names if name not in model.descriptor_names)
    return {OVERVIEW: model.descriptor_names} | ({FREE_OVERVIEW: free} if free else {})


def figure_names(model: TrainedModel) -> list[str]:
    """Return the stems of all figures of a traversal, each of which has a csv."""
    both = [f"{name}_{what}" for name in model.descriptor_names for what in ("sensitivity", "check")]
    return [*overviews(model), STABILITY, *map_figures(model), *model.style_names, *both]


def _tables(
    model: TrainedModel, walks: Sequence[StyleWalk], styles: dict[str, Any]
) -> dict[str, pd.DataFrame]:
    """Return the tables of the walks, one by one and together."""
    named = [walk for walk in walks if walk.named]
    tables = {walk.name: walk_table(model, walk).assign(**differences_of_trials(walk)) for walk in walks}
    for name, members in overviews(model).items():
        tables[name] = overview_table(model, [walk for walk in walks if walk.name in members])
    return {**tables, STABILITY: stability_table(model, named, styles)}


def _checks(
    model: TrainedModel,
    family: Family,
    walks: Sequence[StyleWalk],
    styles: dict[str, Any],
    check_rows: str,
    draws: int,
    seed: int,
) -> tuple[dict[str, Any], dict[str, Any], dict[str, pd.DataFrame]]:
    """Add to each named style what the data say of it.

    Returns
    -------
    fits, reading, tables
        How each walk correlates with each descriptor's matched difference; what an independent reader
        sees along the walks; the csv of checks, sensitivities and that.
    """
    sample = read_sample(model, family, check_rows)
    everything = sample if check_rows == ALL else read_sample(model, family, ALL)
    outcomes = {walk.name: compare(model, walk, sample, draws, seed) for walk in walks}
    won, read = describe_fits(model, walks, outcomes, sample, seed), readings(model, family, seed)
    decoded_NE = ensemble_spectra(model.decode(sample.styles_TNS), model.alive_T)
    tables = {}
    for walk in walks:
        name, outcome = walk.name, outcomes[walk.name]
        reference = outcome if sample is everything else compare(model, walk, everything, draws, seed)
        judged = {"reading": read[name], "fit": won[name]}
        slopes = sensitivity(model, walk.index, sample, decoded_NE, seed)
        styles[name] |= {
            "check": describe_check(model, walk, sample, outcome, reference, judged),
            "sensitivity": {
                **describe_sensitivity(model, walk.index, sample, slopes),
                "reading": read[name],
            },
        }
        tables[f"{name}_check"] = check_table(model, walk, outcome)
        tables[f"{name}_sensitivity"] = sensitivity_table(model, decoded_NE, slopes)
    reading, tables[READING] = independent_reading(model, family, walks, sample, outcomes, seed)
    fits = {"descriptors": list(outcomes), "pearson": fit_table(walks, outcomes).tolist()}
    return fits, reading, tables
