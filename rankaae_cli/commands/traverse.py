"""``rankaae traverse``: how the spectrum responds to each style of a run, and whether the data agree.

``traversal/`` holds, beside each figure (png, pdf), a csv of its stem with the numbers drawn, so that it can be
drawn again without the network:

- ``<style>.csv``, a row an energy: ``energy``; ``p05`` to ``p95``, the mean decoded spectrum at each level of the
  walk; ``difference``, last minus first; its bands ``trials_low``, ``trials_high`` (range over trials) and
  ``draws_low``, ``draws_high`` (5 % to 95 % of draws); ``true_response_synthetic`` where the truth is known;
  ``difference_trial_<t>``. The calibrated descriptor at each level is ``styles.<style>.descriptor`` of
  traversal.json, beside ``percentile``.
- ``overview.csv``, ``overview_free.csv``: the same of several styles, below one another, told apart by ``style``.
- ``stability.csv``: each trial's difference, ``<descriptor>_sensitivity.csv`` and ``<descriptor>_check.csv``:
  a row an energy; ``map_main_peak.csv`` and ``map_edge.csv``: a row a point of a pair's plane.
- ``columns.csv``: file, column, unit and meaning of every column of these.
- ``traversal.json``: all other numbers; written last.
"""

from pathlib import Path
from typing import TYPE_CHECKING, Any

from rankaae_cli import __version__
from rankaae_cli.analysis.traversal.maps import map_figures, write_maps
from rankaae_cli.core.errors import UserError
from rankaae_cli.data.files import strict_json, write_text
from rankaae_cli.runs.directory import checkpoint_sha256

if TYPE_CHECKING:
    from omegaconf import DictConfig

    from rankaae_cli.analysis.traversal.walks import StyleWalk
    from rankaae_cli.data.family.family_file import Family
    from rankaae_cli.models.rankaae.trained import TrainedModel

OVERVIEW, FREE_OVERVIEW, STABILITY = "overview", "overview_free", "stability"
TRAVERSAL = "traversal.json"
# Of what a traversal leaves: counted up with every change of it, so that a report makes anew what is older.
FORMAT_VERSION = 1
OTHERS_TEXT = {"data": "others as in the data", "independent": "others independent"}


def run(cfg: "DictConfig") -> dict[str, Any]:
    """Traverse every style of a run; return the contents of traversal.json."""
    from rankaae_cli.reports.console import print_traversal
    from rankaae_cli.runs.load import load_run

    run_directory, model, family = load_run(cfg.run)
    traversal = traverse(
        run_directory,
        model,
        family,
        levels=cfg.levels,
        draws=cfg.draws,
        seed=cfg.seed,
        others=cfg.others.value,
        check_rows=cfg.check_rows.value,
    )
    print_traversal(traversal)
    print(run_directory / "traversal")
    return traversal


def traverse(
    run_directory: Path,
    model: "TrainedModel",
    family: "Family",
    levels: int = 11,
    draws: int = 500,
    seed: int = 0,
    others: str = "data",
    check_rows: str = "held_out",
) -> dict[str, Any]:
    """Write ``traversal/`` of a run: csv, png and pdf of each style and question, and traversal.json.

    Parameters
    ----------
    run_directory, model, family
        As `load_run` gives them.
    levels, draws, seed
        Of the walk; see `core.traversal`.
    others
        Where the styles that are not walked come from: ``data`` or ``independent``.
    check_rows
        The rows that the responses are held against: a split, ``held_out`` or ``all``.

    Raises
    ------
    UserError
        If `levels` is below 2 or `draws` below 1.
    """
    from rankaae_cli.analysis.traversal.findings import INTERACTION
    from rankaae_cli.analysis.traversal.tables import write_columns
    from rankaae_cli.analysis.traversal.walks import draw_walk, walk_style, write_walk
    from rankaae_cli.core.styles.traversal import draw_styles
    from rankaae_cli.data.family.splits import TRAIN

    if levels < 2 or draws < 1:
        raise UserError(f"levels={levels} draws={draws}: a traversal needs at least 2 levels and 1 draw")
    directory, subject = run_directory / "traversal", model.subject
    styles_TNS = model.encode(family.spectra_NE[family.split_N == TRAIN])
    drawn_TDS = draw_styles(styles_TNS, draws, seed, others)
    walks = [
        walk_style(model, family, styles_TNS, drawn_TDS, index, levels, OTHERS_TEXT[others])
        for index in range(len(model.style_names))
    ]
    described = _describe(directory, model, family, walks, check_rows, draws, seed)
    for style in walks:
        write_walk(directory, model, style)
        draw_walk(directory, subject, model, style, described[style.name])
    _draw_together(directory, model, walks, described)
    pairs = write_maps(directory, subject, model, styles_TNS, drawn_TDS, walks)
    write_columns(directory, model)
    content = {
        **_about(run_directory, model),
        "levels": levels,
        "draws": draws,
        "seed": seed,
        "others": others,
        "check_rows": check_rows,
        "styles": described,
        "pairs": pairs,
        "interaction_definition": INTERACTION,
    }
    write_text(directory / TRAVERSAL, strict_json(content))
    return content


def overviews(model: "TrainedModel") -> dict[str, tuple[str, ...]]:
    """Return the names of the overview figures of a model and the styles in each."""
    free = tuple(name for name in model.style_names if name not in model.descriptor_names)
    return {OVERVIEW: model.descriptor_names} | ({FREE_OVERVIEW: free} if free else {})


def traversal_files(run_directory: Path, model: "TrainedModel") -> list[Path]:
    """Return all files that `traverse` writes; the last is traversal.json."""
    from rankaae_cli.analysis.traversal.tables import COLUMNS
    from rankaae_cli.reports.figures.drawing import FORMATS

    directory = run_directory / "traversal"
    both = [f"{name}_{what}" for name in model.descriptor_names for what in ("sensitivity", "check")]
    figures = [*overviews(model), STABILITY, *map_figures(model), *model.style_names, *both]
    tables = [*figures, COLUMNS]
    return [
        *(directory / f"{name}.{suffix}" for name in figures for suffix in FORMATS),
        *(directory / f"{name}.csv" for name in tables),
        directory / TRAVERSAL,
    ]


def _about(run_directory: Path, model: "TrainedModel") -> dict[str, Any]:
    """Return what traversal.json says of the run."""
    return {
        "format_version": FORMAT_VERSION,
        "run": run_directory.name,
        "family": model.family,
        "source": model.source,
        "synthetic": model.is_synthetic,
        "rankaae_version": __version__,
        "checkpoint_sha256": checkpoint_sha256(run_directory),
        "selected_trial": int(model.selected_trial),
        "n_trials": int(model.alive_T.sum()),
        "energy_unit": model.energy_unit,
    }


def _describe(
    directory: Path,
    model: "TrainedModel",
    family: "Family",
    walks: list["StyleWalk"],
    check_rows: str,
    draws: int,
    seed: int,
) -> dict[str, Any]:
    """Return the numbers of every style, and write the checks of the named ones."""
    from rankaae_cli.analysis.traversal.check import ALL, compare, describe_check, read_sample, write_check
    from rankaae_cli.analysis.traversal.walks import describe_walk

    subject = model.subject
    sample = read_sample(model, family, check_rows)
    everything = sample if check_rows == ALL else read_sample(model, family, ALL)
    styles: dict[str, Any] = {}
    for style in walks:
        styles[style.name] = content = describe_walk(model, style)
        if style.named:
            outcome = compare(model, style, sample, draws, seed)
            reference = outcome if sample is everything else compare(model, style, everything, draws, seed)
            content["check"] = describe_check(model, style, sample, outcome, reference)
            write_check(directory, subject, model, style, outcome, content["check"])
    return styles


def _draw_together(
    directory: Path, model: "TrainedModel", walks: list["StyleWalk"], described: dict[str, Any]
) -> None:
    """Draw the figures that show several styles, and write their csv files."""
    from rankaae_cli.analysis.traversal.tables import write_overview, write_stability
    from rankaae_cli.analysis.traversal.walks import style_response
    from rankaae_cli.reports.figures import traversal as traversal_figures
    from rankaae_cli.reports.figures.drawing import save_figure

    subject, others = model.subject, walks[0].others_text
    for name, members in overviews(model).items():
        shown = [walk for walk in walks if walk.name in members]
        what = "free styles" if name == FREE_OVERVIEW else "response to each descriptor"
        responses = [style_response(model, walk, described[walk.name]) for walk in shown]
        figure = traversal_figures.overview(subject, model.energy_E, responses, f"{what}, {others}")
        save_figure(figure, directory / name)
        write_overview(directory / f"{name}.csv", model, shown)
    named = [walk for walk in walks if walk.named]
    panels = [
        traversal_figures.TrialResponses(
            walk.name, walk.walk.difference_TE[walk.members_T], described[walk.name]["stability"]
        )
        for walk in named
    ]
    figure = traversal_figures.stability(subject, model.energy_E, panels, others)
    save_figure(figure, directory / STABILITY)
    write_stability(directory / f"{STABILITY}.csv", model, named, described)
