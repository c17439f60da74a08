"""What an evaluation says, in sentences: why a trial was chosen, what free styles go with."""

import math
from collections.abc import Mapping, Sequence
from typing import Any

from rankaae_cli.core.associations import FLOOR, Association, Associations
from rankaae_cli.core.quantities import QUANTITIES
from rankaae_cli.core.selection import COUPLING_WEIGHT, RECONSTRUCTION_WEIGHT
from rankaae_cli.reports.labels import listed, style_title
from rankaae_cli.reports.tables import print_number

_BY = (
    f"validation score: mean Spearman − {RECONSTRUCTION_WEIGHT:g} × reconstruction error relative to that of the "
    f"mean spectrum − {COUPLING_WEIGHT:g} × excess coupling"
)
_RECORDED_BY = (
    "validation score as training recorded it: mean Spearman, less parts of reconstruction error and excess "
    "coupling, weighed otherwise than this version of the program does"
)
_ROUNDING = 1e-3  # of scores in single precision, on another device
PUBLISHED_BY = (
    "published score: sum over descriptors of the z-score over trials of Spearman ρ (of a CN of three "
    "classes: weighted F1), minus that of the largest |ρ| between styles, on validation "
    "(github.com/AI-multimodal/RankAAE, sc/report)"
)
FITTED_TO = (
    "calibration and thresholds between classes were fitted to these same rows: R², MAE and F1 of the test split "
    "are those to report"
)
NO_QUANTITIES = (
    "The family file holds no further quantities of the sites, so free styles are held against the descriptors "
    "only; rankaae ingest writes quantities where it reads structures."
)


def chosen_by(trials: Sequence[Mapping[str, Any]]) -> str:
    """Return in words what the score of `trials`, ``choice.trials`` of metrics.json, is made of."""
    for trial in trials:
        if trial["rank"] is not None:
            parts = RECONSTRUCTION_WEIGHT * trial["relative_error"] + COUPLING_WEIGHT * max(
                trial["excess"], 0.0
            )
            if abs(trial["mean_spearman"] - parts - trial["score"]) > _ROUNDING:
                return _RECORDED_BY
    return _BY


def choice_reason(trials: Sequence[Mapping[str, Any]], selected: int) -> str:
    """Return in a sentence why a trial was chosen.

    Parameters
    ----------
    trials
        ``choice.trials`` of metrics.json.
    selected
        Index of the chosen one.
    """
    chosen = trials[selected]
    if chosen["rank"] is None:
        return f"trial {selected}: no trial has a score, this one lasted longest"
    parts = (
        f"mean Spearman {print_number(chosen['mean_spearman'])}, relative reconstruction error "
        f"{print_number(chosen['relative_error'])}, excess coupling {print_number(chosen['excess'])}"
    )
    scored = sorted((t for t in trials if t["rank"] is not None), key=lambda t: t["rank"])
    begin = f"trial {selected}: validation score {print_number(chosen['score'])} ({parts})"
    if len(scored) == 1:
        return f"{begin}, the only trial"
    best, second = scored[0], scored[1]
    if best["trial"] != selected:  # a resumed or edited checkpoint
        return f"{begin}, as training recorded; trial {best['trial']} has {print_number(best['score'])}"
    after = f"next is trial {second['trial']} with {print_number(second['score'])}"
    return f"{begin}, the highest of {len(scored)}; {after}"


def choice_remark(choice: Mapping[str, Any]) -> str:
    """Return `choice_reason` in few words, with `published_remark`."""
    score = print_number(choice["trials"][choice["trial"]]["score"])
    chosen = f"trial {choice['trial']} of {len(choice['trials'])}, validation score {score}"
    return f"chosen: {chosen}; {published_remark(choice)}"


def published_remark(choice: Mapping[str, Any]) -> str:
    """Return in a sentence which trial the published score would choose."""
    other = choice["published_choice"]
    if other is None:
        return "the published score is not known of any trial"
    if other == choice["trial"]:
        return "the published score chooses the same trial"
    return f"the published score would choose trial {other}"


def association_findings(found: Associations, styles: Sequence[str], n_quantities: int) -> list[str]:
    """Return a sentence for each free style: what stands out, or plainly that nothing does.

    Parameters
    ----------
    found
        Of `core.associations.associations`.
    styles
        Names of the free styles.
    n_quantities
        How many quantities, beside the descriptors, the family file holds.
    """
    lines = [_of_style(style, found) for style in styles]
    return lines if n_quantities else [*lines, NO_QUANTITIES]


def association_summary(associations: Mapping[str, Any]) -> list[str]:
    """Return `association_findings` in fewer lines: of free styles where nothing stands out one for all.

    Parameters
    ----------
    associations
        ``associations`` of metrics.json.
    """
    if associations["standing_out"]:
        stand_out = {style_title(pair["style"]) for pair in associations["standing_out"]}
        return [line for line in associations["findings"] if line.split(":")[0] in stand_out]
    known = [pair for pair in associations["strongest"] if _is_known(pair["partial"])]
    if not known:
        return ["free styles: what they go with is not known, too few spectra"]
    top = max(known, key=lambda pair: abs(pair["partial"]))
    threshold = associations["threshold"]
    limit = max(threshold, associations["floor"]) if _is_known(threshold) else associations["floor"]
    most = f"{style_title(top['style'])} with {_named(top['quantity'])}, partial ρ {_signed(top['partial'])}"
    return [f"free styles: nothing stands out (largest: {most}; needed: above {limit:.3f})"]


def _of_style(style: str, found: Associations) -> str:
    known = [pair for pair in found.of_style(style) if not math.isnan(pair.partial)]
    name = style_title(style)
    if not known:
        return f"{name}: not known, too few spectra"
    out = [pair for pair in known if pair.stands_out]
    if out:
        return (
            f"{name}: {listed([_partial(pair) for pair in out[:3]])} stand{'s' if len(out) == 1 else ''} out"
        )
    limit = max(found.threshold, FLOOR)
    return f"{name}: nothing stands out (largest: {_partial(known[0])}; needed: above {limit:.3f})"


def _partial(pair: Association) -> str:
    return f"{_named(pair.quantity)}, partial ρ {_signed(pair.partial)}"


def _named(quantity: str) -> str:
    label = QUANTITIES[quantity].label if quantity in QUANTITIES else quantity
    return label if quantity in label else f"{label} ({quantity})"


def _signed(value: float) -> str:
    return f"{value:.3f}".replace("-", "−")


def _is_known(value: float | None) -> bool:
    return value is not None and not math.isnan(value)
