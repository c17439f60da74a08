"""The card that goes with a model: what it is, what it was trained on, how well it does, when not to use it."""

from rankaae_cli.analysis.evaluation.findings import reconstruction_warning, sentence
from rankaae_cli.core.labels import descriptor_meaning, is_known, unit_text
from rankaae_cli.reports.paper.facts import RunFacts, ShippedFacts
from rankaae_cli.reports.paper.methods import data_paragraph, few_materials, mean_spearman, with_interval
from rankaae_cli.reports.paper.prose import as_plain, rendered
from rankaae_cli.reports.tables import print_number

_WELL, _POORLY = 0.75, 0.5  # Spearman's correlation


def model_card(facts: RunFacts, shipped: ShippedFacts | None = None) -> str:
    """Return the card as Markdown, with what is to be said beyond of a model that ships."""
    ensemble = facts.metrics["ensemble"]
    spearman = {name: score["spearman"] for name, score in ensemble["descriptors"].items()}
    known = {name: rho for name, rho in spearman.items() if is_known(rho)}
    shown = {name: f"{name} (ρ {print_number(rho, 2)})" for name, rho in known.items()}
    warning = reconstruction_warning(ensemble, (facts.baselines or {}).get("rows", ()))
    return rendered(
        "model_card.md.j2",
        run=facts,
        shipped=shipped,
        data=as_plain(data_paragraph(facts)),
        few_materials=few_materials(facts.metrics["n_materials"]),
        mean=mean_spearman(facts),
        scores=_scores(facts),
        poor=[shown[name] for name, rho in known.items() if rho < _POORLY],
        fair=[shown[name] for name, rho in known.items() if _POORLY <= rho < _WELL],
        worst=shown[min(known, key=lambda name: known[name])] if known else None,
        unknown=[name for name in spearman if name not in known],
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
