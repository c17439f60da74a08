"""What an evaluation says, in sentences: why a trial was chosen, how styles leak, what to be wary of."""

import math
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from rankaae_cli.core.labels import WARNING, listed, print_number, style_title
from rankaae_cli.core.styles.leakage import strongest_leak
from rankaae_cli.models.rankaae.validation import COUPLING_WEIGHT, RECONSTRUCTION_WEIGHT

_BY = (
    f"validation score: mean Spearman − {RECONSTRUCTION_WEIGHT:g} × reconstruction error relative to that of the "
    f"mean spectrum − {COUPLING_WEIGHT:g} × excess coupling"
)
_BY_READING = "validation score: mean Spearman"  # of models without styles
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
EXCESS_AT_MOST = 0.15  # beyond chance; above it a named style says much of another's descriptor
_LEAK_WORTH_NAMING = 0.1  # of the walked style's own movement


def chosen_by(trials: Sequence[Mapping[str, Any]]) -> str:
    """Return in words what the score of `trials`, ``choice.trials`` of metrics.json, is made of."""
    for trial in trials:
        if "excess" not in trial:
            return _BY_READING
        if trial["rank"] is not None:
            parts = RECONSTRUCTION_WEIGHT * trial["relative_error"] + COUPLING_WEIGHT * max(
                trial["excess"], 0.0
            )
            if abs(trial["mean_spearman"] - parts - trial["score"]) > _ROUNDING:
                return _RECORDED_BY
    return _BY


def choice_reason(
    trials: Sequence[Mapping[str, Any]], selected: int, lead: Mapping[str, Any] | None = None
) -> str:
    """Return in a sentence why a trial was chosen, and whether its lead is more than chance.

    Parameters
    ----------
    trials
        ``choice.trials`` of metrics.json.
    selected
        Index of the chosen one.
    lead
        ``choice.lead`` of metrics.json; None where there is none.
    """
    chosen = trials[selected]
    if chosen["rank"] is None:
        return f"trial {selected}: no trial has a score, this one lasted longest"
    measures = {"mean_spearman": "mean Spearman", "relative_error": "relative reconstruction error"}
    measures |= {"excess": "excess coupling"}
    parts = ", ".join(
        f"{what} {print_number(chosen[key])}" for key, what in measures.items() if key in chosen
    )
    scored = sorted((t for t in trials if t["rank"] is not None), key=lambda t: t["rank"])
    begin = f"trial {selected}: validation score {print_number(chosen['score'])} ({parts})"
    if len(scored) == 1:
        return f"{begin}, the only trial"
    best, second = scored[0], scored[1]
    if best["trial"] != selected:  # a resumed or edited checkpoint
        return f"{begin}, as training recorded; trial {best['trial']} has {print_number(best['score'])}"
    after = f"next is trial {second['trial']} with {print_number(second['score'])}"
    sure = f"; {lead_remark(lead)}" if lead else ""
    return f"{begin}, the highest of {len(scored)}; {after}{sure}"


def lead_remark(lead: Mapping[str, Any]) -> str:
    """Return in words whether the chosen trial's lead over the next is more than chance.

    Parameters
    ----------
    lead
        ``choice.lead`` of metrics.json.
    """
    ahead = f"its lead of {print_number(lead['difference'])}"
    if lead["beyond_chance"] is None:
        return f"whether {ahead} is chance is not known, there are too few validation materials"
    low, high = (print_number(end) for end in lead["interval"])
    interval = f"95 % interval over the validation materials {low} to {high}"
    if lead["beyond_chance"]:
        return f"{ahead} is more than chance ({interval})"
    return f"{ahead} is within chance ({interval}), so the two are as good as one another"


def choice_remark(choice: Mapping[str, Any]) -> str:
    """Return `choice_reason` in few words, with `published_remark`."""
    score = print_number(choice["trials"][choice["trial"]]["score"])
    chosen = f"trial {choice['trial']} of {len(choice['trials'])}, validation score {score}"
    lead = choice.get("lead")
    if lead and lead["beyond_chance"] is False:
        chosen += f" (its lead over trial {lead['over']} is within chance)"
    return f"chosen: {'; '.join(filter(None, (chosen, published_remark(choice))))}"


def published_remark(choice: Mapping[str, Any]) -> str:
    """Return in a sentence which trial the published score would choose; nothing where it is not defined."""
    if "published_choice" not in choice:
        return ""
    other = choice["published_choice"]
    if other is None:
        first = [trial["trial"] for trial in choice["trials"] if trial["published_rank"] == 1]
        if not first:
            return "the published score is not known of any trial"
        which = (
            "the trials" if len(first) == len(choice["trials"]) else f"trials {listed(list(map(str, first)))}"
        )
        return f"the published score does not tell {which} apart"
    if other == choice["trial"]:
        return "the published score chooses the same trial"
    return f"the published score would choose trial {other}"


def leakage_findings(leakage: Mapping[str, Any]) -> list[str]:
    """Return in sentences which style, when walked, moves which other most.

    Parameters
    ----------
    leakage
        ``leakage`` of metrics.json.

    Returns
    -------
    list of str
        One of the named styles, in the mean over trials; one of all styles of the selected trial, where it has
        free ones or the mean is of several trials.
    """
    styles = list(leakage["styles"])
    named_KK, all_SS = (np.array(leakage[key], dtype=float) for key in ("named_mean", "matrix"))
    n, t = leakage["n_trials"], leakage["trial"]
    of_named = f"named styles, mean of {n} trials" if n > 1 else f"named styles, trial {t}"
    lines = [_leak(of_named, named_KK, styles)]
    if n > 1 or len(all_SS) > len(named_KK):
        lines.append(_leak(f"all styles, trial {t}", all_SS, styles))
    return lines


def _leak(what: str, matrix_SS: np.ndarray, styles: Sequence[str]) -> str:
    place = strongest_leak(matrix_SS)
    if place is None:
        return f"{what}: there are no two styles to compare"
    walked, moved = (style_title(styles[i]) for i in place)
    most = matrix_SS[place]
    if most < _LEAK_WORTH_NAMING:
        above = math.ceil(100 * most) / 100  # so that the sentence holds
        return f"{what}: no style moves another by more than {above:.2f} of its own movement"
    return (
        f"{what}: walking {walked} moves {moved} most, by {most:.2f} of its own movement "
        "(both in standard deviations over the training rows)"
    )


def sentence(warning: str) -> str:
    """Return a warning without the word for it, where its place says that it is one."""
    words = warning.removeprefix(WARNING)
    return words[:1].upper() + words[1:]


def coupling_warning(ensemble: Mapping[str, Any]) -> str | None:
    """Return a warning where the named styles are coupled far beyond their descriptors and chance; else None.

    Parameters
    ----------
    ensemble
        ``ensemble`` of metrics.json.
    """
    if "inter_style" not in ensemble:
        return None
    coupling = ensemble["inter_style"]  # an ensemble has named styles only
    excess, chance = coupling["excess"], coupling["excess_permuted"]
    if excess is None or chance is None or not excess - chance > EXCESS_AT_MOST:
        return None
    return (
        f"{WARNING}named styles are coupled beyond their descriptors by {print_number(excess)} "
        f"(by chance {print_number(chance)}): the response to one may be in part that to another"
    )


def baseline_remarks(rows: Sequence[Mapping[str, Any]]) -> list[str]:
    """Return in sentences how the model's ensemble reads beside the best baseline, and averaged with the blend.

    Parameters
    ----------
    rows
        ``rows`` of baselines.json; those that were not compared with the ensemble are passed over.
    """
    compared = [row for row in rows if (row.get("ensemble_ahead") or {}).get("difference") is not None]
    best = max(
        (row for row in compared if row["kind"] == "baseline"),
        key=lambda row: row["mean_spearman"],
        default=None,
    )
    remarks = []
    if best is not None:
        rho, ahead = print_number(best["mean_spearman"]), best["ensemble_ahead"]
        remarks.append(f"best of the baselines: {best['label']}, mean ρ {rho}; the model is {_apart(ahead)}")
    for row in compared:
        if row["kind"] == "average":
            rho, apart = print_number(row["mean_spearman"]), _apart(row["ensemble_ahead"])
            remarks.append(f"{row['label']}: mean ρ {rho}; the model alone is {apart}")
    return remarks


def _apart(ahead: Mapping[str, Any]) -> str:
    difference, (low, high) = ahead["difference"], ahead["interval"]
    text = f"{print_number(abs(difference))} {'above' if difference >= 0 else 'below'} it"
    if low is None or not math.isfinite(low):
        return f"{text}, and whether by chance is not known: too few materials"
    sure = "more than chance" if low > 0 or high < 0 else "within chance"
    return f"{text}, {sure} (95 % interval over materials {print_number(low)} to {print_number(high)})"


def reconstruction_warning(ensemble: Mapping[str, Any], baselines: Sequence[Mapping[str, Any]]) -> str | None:
    """Return a warning where the model rebuilds spectra worse than as many principal components; else None.

    Parameters
    ----------
    ensemble
        ``ensemble`` of metrics.json.
    baselines
        ``rows`` of baselines.json; None is returned where PCA is not among them.
    """
    pca = next((row for row in baselines if row["name"] == "pca_linear"), None)
    if pca is None:
        return None
    ours, theirs = ensemble["reconstruction"]["mae"], pca["reconstruction"]["mae"]
    if ours is None or theirs is None or not ours > theirs:
        return None
    return (
        f"{WARNING}the model rebuilds spectra worse (MAE {print_number(ours)}) than as many principal components "
        f"({print_number(theirs)}): train longer, or raise objective.reconstruction.weight"
    )


def near_duplicates_sentence(metrics: Mapping[str, Any]) -> str:
    """Return what metrics.json says of near-duplicates in words; nothing of an evaluation that did not look."""
    about = metrics.get("near_duplicates")
    if about is None:
        return ""
    side = "training" if about["of"] == "train" else about["of"]
    spectra = f"{about['spectra']:,} of {metrics['n']:,} {metrics['split']} spectra"
    text = (
        f"{spectra} are nearly the same as a {side} spectrum "
        f"(they differ by less than {100 * about['threshold']:.0f} % of what spectra differ from their mean)"
    )
    if about["materials"] is None:
        return f"{text}; formulas are not known."
    share = f"{about['materials']:,} of {metrics['n_materials']:,} materials"
    return f"{text}, and {share} have the formula of a {side} material."
