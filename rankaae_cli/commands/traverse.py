"""``rankaae traverse``: how the spectrum responds to each style of a run, and whether the data agree."""

from pathlib import Path
from typing import TYPE_CHECKING, Any

from rankaae_cli import __version__
from rankaae_cli.commands.evaluate import checkpoint_sha256, strict_json, subject_of
from rankaae_cli.commands.traverse_maps import MAPS, map_figures, write_maps
from rankaae_cli.core.errors import UserError
from rankaae_cli.data.files import write_text

if TYPE_CHECKING:
    from omegaconf import DictConfig

    from rankaae_cli.commands.traverse_walks import StyleWalk
    from rankaae_cli.data.family_file import Family
    from rankaae_cli.training.trained import TrainedModel

OVERVIEW, FREE_OVERVIEW, STABILITY = "overview", "overview_free", "stability"
TRAVERSAL = "traversal.json"
OTHERS_TEXT = {"data": "training rows", "independent": "others independent"}


def run(cfg: "DictConfig") -> dict[str, Any]:
    """Traverse every style of a run; return the contents of traversal.json."""
    from rankaae_cli.commands.run_directory import load_run
    from rankaae_cli.reports.console import print_traversal

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
    from rankaae_cli.commands.traverse_walks import draw_walk, walk_style, write_walk
    from rankaae_cli.core.traversal import draw_styles
    from rankaae_cli.data.splits import TRAIN

    if levels < 2 or draws < 1:
        raise UserError(f"levels={levels} draws={draws}: a traversal needs at least 2 levels and 1 draw")
    directory, subject = run_directory / "traversal", subject_of(model)
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
    pairs = write_maps(directory, subject, model, styles_TNS, drawn_TDS, OTHERS_TEXT[others])
    content = {
        **_about(run_directory, model),
        "levels": levels,
        "draws": draws,
        "seed": seed,
        "others": others,
        "check_rows": check_rows,
        "styles": described,
        "pairs": pairs,
    }
    write_text(directory / TRAVERSAL, strict_json(content))
    return content


def overviews(model: "TrainedModel") -> dict[str, tuple[str, ...]]:
    """Return the names of the overview figures of a model and the styles in each."""
    free = tuple(name for name in model.style_names if name not in model.descriptor_names)
    return {OVERVIEW: model.descriptor_names} | ({FREE_OVERVIEW: free} if free else {})


def traversal_files(run_directory: Path, model: "TrainedModel") -> list[Path]:
    """Return all files that `traverse` writes; the last is traversal.json."""
    from rankaae_cli.reports.drawing import FORMATS

    directory = run_directory / "traversal"
    both = [f"{name}_{what}" for name in model.descriptor_names for what in ("sensitivity", "check")]
    maps = map_figures(model)
    figures = [*overviews(model), STABILITY, *maps, *model.style_names, *both]
    tables = [*model.style_names, *both, *([MAPS] if maps else [])]
    return [
        *(directory / f"{name}.{suffix}" for name in figures for suffix in FORMATS),
        *(directory / f"{name}.csv" for name in tables),
        directory / TRAVERSAL,
    ]


def _about(run_directory: Path, model: "TrainedModel") -> dict[str, Any]:
    """Return what traversal.json says of the run."""
    return {
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
    from rankaae_cli.commands.traverse_check import ALL, compare, describe_check, read_sample, write_check
    from rankaae_cli.commands.traverse_walks import describe_walk

    subject = subject_of(model)
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
    """Draw the figures that show several styles."""
    from rankaae_cli.commands.traverse_walks import style_response
    from rankaae_cli.reports import traversal_figures
    from rankaae_cli.reports.drawing import save_figure

    subject = subject_of(model)
    for name, members in overviews(model).items():
        shown = [style_response(model, w, described[w.name]) for w in walks if w.name in members]
        what = "free styles" if name == FREE_OVERVIEW else "response to each descriptor"
        what += f", {walks[0].others_text}"
        save_figure(traversal_figures.overview(subject, model.energy_E, shown, what), directory / name)
    panels = [
        traversal_figures.TrialResponses(
            style.name, style.walk.difference_TE[style.members_T], described[style.name]["stability"]
        )
        for style in walks
        if style.named
    ]
    save_figure(
        traversal_figures.stability(subject, model.energy_E, panels, walks[0].others_text),
        directory / STABILITY,
    )
