"""``rankaae traverse``: how the spectrum responds to each style of a run."""

from pathlib import Path
from typing import TYPE_CHECKING, Any

from rankaae_cli import __version__
from rankaae_cli.commands.evaluate import checkpoint_sha256, strict_json, subject_of
from rankaae_cli.core.errors import UserError
from rankaae_cli.data.files import replacing, write_text

if TYPE_CHECKING:
    import numpy as np
    from omegaconf import DictConfig

    from rankaae_cli.core.traversal import Traversal
    from rankaae_cli.data.family_file import Family
    from rankaae_cli.reports.traversal_figures import StyleResponse
    from rankaae_cli.training.trained import TrainedModel

OVERVIEW, FREE_OVERVIEW = "overview", "overview_free"
TRAVERSAL = "traversal.json"


def run(cfg: "DictConfig") -> dict[str, Any]:
    """Traverse every style of a run; return the contents of traversal.json."""
    from rankaae_cli.commands.run_directory import load_run
    from rankaae_cli.reports.console import print_traversal

    run_directory, model, family = load_run(cfg.run)
    traversal = traverse(run_directory, model, family, levels=cfg.levels, draws=cfg.draws, seed=cfg.seed)
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
) -> dict[str, Any]:
    """Write ``traversal/`` of a run: one csv, png and pdf a style, an overview and traversal.json.

    Raises
    ------
    UserError
        If `levels` is below 2 or `draws` below 1.
    """
    from rankaae_cli.core.traversal import draw_rows, traverse_style
    from rankaae_cli.data.splits import TRAIN
    from rankaae_cli.reports import traversal_figures
    from rankaae_cli.reports.drawing import save_figure

    if levels < 2 or draws < 1:
        raise UserError(f"levels={levels} draws={draws}: a traversal needs at least 2 levels and 1 draw")
    directory, subject = run_directory / "traversal", subject_of(model)
    styles_TNS = model.encode(family.spectra_NE[family.split_N == TRAIN])
    rows = draw_rows(styles_TNS.shape[1], draws, seed)
    styles: dict[str, Any] = {}
    responses = []
    for index, name in enumerate(model.style_names):
        walk = traverse_style(model.decode, styles_TNS, index, rows, levels)
        truth_E = _true_response(family, name)
        styles[name] = _describe(model, walk, name, truth_E)
        responses.append(_response(model, walk, name, truth_E, styles[name]))
        _write_csv(directory / f"{name}.csv", model, responses[-1])
        save_figure(traversal_figures.traversal(subject, model.energy_E, responses[-1]), directory / name)
    for name, members in overviews(model).items():
        shown = [response for response in responses if response.name in members]
        what = "free styles" if name == FREE_OVERVIEW else "response to each descriptor"
        save_figure(traversal_figures.overview(subject, model.energy_E, shown, what), directory / name)
    content = {
        "run": run_directory.name,
        "family": model.family,
        "source": model.source,
        "synthetic": model.is_synthetic,
        "rankaae_version": __version__,
        "checkpoint_sha256": checkpoint_sha256(run_directory),
        "selected_trial": int(model.selected_trial),
        "energy_unit": model.energy_unit,
        "levels": levels,
        "draws": draws,
        "seed": seed,
        "styles": styles,
    }
    write_text(directory / TRAVERSAL, strict_json(content))
    return content


def overviews(model: "TrainedModel") -> dict[str, tuple[str, ...]]:
    """Return the names of the overview figures of a model and the styles in each."""
    free = tuple(name for name in model.style_names if not _is_named(model, name))
    return {OVERVIEW: model.descriptor_names} | ({FREE_OVERVIEW: free} if free else {})


def traversal_files(run_directory: Path, model: "TrainedModel") -> list[Path]:
    """Return all files that `traverse` writes."""
    from rankaae_cli.reports.drawing import FORMATS

    directory = run_directory / "traversal"
    figures = [directory / f"{name}.{x}" for name in (*overviews(model), *model.style_names) for x in FORMATS]
    return [*figures, *(directory / f"{name}.csv" for name in model.style_names), directory / TRAVERSAL]


def _is_named(model: "TrainedModel", name: str) -> bool:
    return name in model.descriptor_names


def _true_response(family: "Family", name: str) -> "np.ndarray | None":
    if family.true_response_KE is None or name not in family.descriptor_names:
        return None
    return family.true_response_KE[family.descriptor_names.index(name)]


def _describe(
    model: "TrainedModel", walk: "Traversal", name: str, truth_E: "np.ndarray | None"
) -> dict[str, Any]:
    """Return the numbers of one walk, for traversal.json."""
    import numpy as np

    from rankaae_cli.core.calibration import apply_calibration
    from rankaae_cli.core.traversal import response_correlation

    t = model.selected_trial
    difference_E = walk.difference_TE[t]
    largest = int(np.abs(difference_E).argmax())
    content: dict[str, Any] = {
        "percentile": walk.percentiles.tolist(),
        "style": walk.level_TL[t].tolist(),
        "descriptor": None,
        "unit": None,
        "largest_change": float(difference_E[largest]),
        "energy_of_largest_change": float(model.energy_E[largest]),
        "pearson_true_response": float("nan"),
        "pearson_true_response_trials": None,
    }
    if _is_named(model, name):
        k = model.descriptor_names.index(name)
        calibration = model.calibration["trials"][t]["descriptors"][name]
        content["descriptor"] = apply_calibration(calibration, walk.level_TL[t]).tolist()
        content["unit"] = model.descriptor_units[k]
    if truth_E is not None:
        content["pearson_true_response"] = response_correlation(difference_E, truth_E)
        content["pearson_true_response_trials"] = [
            response_correlation(difference_E, truth_E) for difference_E in walk.difference_TE
        ]
    return content


def _response(
    model: "TrainedModel",
    walk: "Traversal",
    name: str,
    truth_E: "np.ndarray | None",
    described: dict[str, Any],
) -> "StyleResponse":
    from rankaae_cli.reports.labels import described_range
    from rankaae_cli.reports.traversal_figures import StyleResponse

    t, alive_T = model.selected_trial, model.alive_T
    if _is_named(model, name) and alive_T.sum() > 1:
        # Free styles have no common meaning across trials, so a spread over trials would say nothing of them.
        low_E, high_E = walk.difference_TE[alive_T].min(axis=0), walk.difference_TE[alive_T].max(axis=0)
        band = f"range over {alive_T.sum()} trials"
    else:
        low_E, high_E = walk.draws_low_TE[t], walk.draws_high_TE[t]
        band = "5 % to 95 % of draws"
    ends = described_range(described)
    return StyleResponse(
        name=name,
        percentiles=walk.percentiles,
        spectra_LE=walk.spectra_TLE[t],
        difference_E=walk.difference_TE[t],
        low_E=low_E,
        high_E=high_E,
        band=band,
        ends=ends if ends != "–" else "",
        true_response_E=truth_E,
        pearson=described["pearson_true_response"],
    )


def _write_csv(path: Path, model: "TrainedModel", response: "StyleResponse") -> None:
    import pandas as pd

    columns: dict[str, Any] = {"energy": model.energy_E}
    for percentile, spectrum_E in zip(response.percentiles, response.spectra_LE, strict=True):
        columns[f"p{percentile:02.0f}" if percentile == round(percentile) else f"p{percentile:.4g}"] = (
            spectrum_E
        )
    columns["difference"] = response.difference_E
    columns["difference_low"], columns["difference_high"] = response.low_E, response.high_E
    if response.true_response_E is not None:
        columns["true_response_synthetic"] = response.true_response_E
    with replacing(path) as temporary:
        pd.DataFrame(columns).to_csv(temporary, index=False, float_format="%.8g")
