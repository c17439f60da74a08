"""The card that goes with a model: what it is, what it was trained on, how well it does, when not to use it."""

from rankaae_cli.analysis.evaluation.findings import (
    near_duplicates_sentence,
    reconstruction_warning,
    sentence,
)
from rankaae_cli.core.labels import descriptor_meaning, is_known, unit_text
from rankaae_cli.reports.paper.facts import RunFacts, ShippedFacts
from rankaae_cli.reports.paper.methods import data_paragraph, few_materials, mean_spearman, with_interval
from rankaae_cli.reports.paper.prose import as_plain, rendered
from rankaae_cli.reports.tables import print_number

_WELL, _POORLY = 0.75, 0.5  # Spearman's correlation, as a share of the most that ties leave attainable


def model_card(facts: RunFacts, shipped: ShippedFacts | None = None) -> str:
    """Return the card as Markdown, with what is to be said beyond of a model that ships."""
    ensemble = facts.metrics["ensemble"]
    scores = ensemble["descriptors"]
    known = {name: score for name, score in scores.items() if is_known(score["spearman"])}
    # An older evaluation has not measured what is attainable.
    best = {name: score.get("spearman_attainable") or 1.0 for name, score in known.items()}
    share = {name: score["spearman"] / best[name] for name, score in known.items()}
    shown = {
        name: f"{name} (ρ {print_number(score['spearman'], 2)} of at most {print_number(best[name], 2)})"
        for name, score in known.items()
    }
    warning = reconstruction_warning(ensemble, (facts.baselines or {}).get("rows", ()))
    return rendered(
        "model_card.md.j2",
        run=facts,
        shipped=shipped,
        data=as_plain(data_paragraph(facts)),
        few_materials=few_materials(facts.metrics["n_materials"]),
        mean=mean_spearman(facts),
        near_duplicates=near_duplicates_sentence(facts.metrics),
        scores=_scores(facts),
        poor=[shown[name] for name in known if share[name] < _POORLY],
        fair=[shown[name] for name in known if _POORLY <= share[name] < _WELL],
        worst=shown[min(known, key=lambda name: share[name])] if known else None,
        unknown=[name for name in scores if name not in known],
        badly_rebuilt=None if warning is None else sentence(warning),
    )


def _scores(facts: RunFacts) -> list[list[str]]:
    """Return the rows of the table of scores, as printed."""
    rows = []
    for name, score in facts.metrics["ensemble"]["descriptors"].items():
        coverage = score.get("interval_coverage")
        inside = f"{100 * coverage:.0f} %" if is_known(coverage) else "–"
        half_width = print_number(score.get("interval_half_width"), 3)
        rows.append([
            name, descriptor_meaning(name), unit_text(facts.units[name]), with_interval(score, "spearman"),
            with_interval(score, "mae"), half_width, inside, str(score["n"]),
        ])  # fmt: skip
    return rows
