"""The methods of a run as paragraphs for a paper, with citations, from what the run recorded."""

from collections import Counter
from collections.abc import Mapping
from typing import Any

from rankaae_cli.core.labels import descriptor_meaning, listed, number_word, quantity, unit_text, with_unit
from rankaae_cli.core.statistics.matching import CALIPER
from rankaae_cli.models.rankaae.settings import LOSSES
from rankaae_cli.reports.paper.facts import RunFacts
from rankaae_cli.reports.paper.prose import Text, paragraph, rendered
from rankaae_cli.reports.tables import Ranged, print_number
from rankaae_cli.training.schedules import learning_rate_factor

_FEW_MATERIALS = 20  # below, the bootstrap over materials is known to be too narrow


def methods_paragraphs(facts: RunFacts) -> list[Text]:
    """Return the paragraphs: data, model and training, evaluation, software."""
    return [
        data_paragraph(facts),
        _training_paragraph(facts),
        _evaluation_paragraph(facts),
        paragraph("software", run=facts, spent=_duration(float(facts.provenance.get("wall_s") or 0))),
    ]


def methods_latex(facts: RunFacts) -> str:
    r"""Return the paragraphs as LaTeX to be ``\input``, with what only the authors know as comments."""
    return _methods("methods.tex.j2", facts)


def methods_markdown(facts: RunFacts) -> str:
    """Return the paragraphs as Markdown with pandoc's citations (``--citeproc``)."""
    return _methods("methods.md.j2", facts)


def to_complete(facts: RunFacts) -> list[str]:
    """Return what a paper has to say of the run that the program does not know."""
    return rendered("to_complete.j2", run=facts).splitlines()


def data_paragraph(facts: RunFacts) -> Text:
    """Return the paragraph on spectra, descriptors, and the split."""
    return paragraph(
        "data",
        run=facts,
        descriptors=[_named(name, unit) for name, unit in facts.units.items()],
        gaps=[f"{n:,} for {name}" for name in facts.units if (n := facts.known[name]) < facts.spectra],
        rejected=_rejected_by_kind(facts),
    )


def few_materials(n: int) -> str:
    """Return a warning where the intervals come from resampling few materials, else nothing."""
    return (
        ""
        if n >= _FEW_MATERIALS
        else f"Intervals from resampling only {number_word(n)} materials are too narrow."
    )


def with_interval(score: Mapping[str, Any], key: str) -> str:
    """Return one of a descriptor's scores with its interval, as printed."""
    return _printed(score[key], (score.get("interval") or {}).get(key))


def mean_spearman(facts: RunFacts) -> str:
    """Return the ensemble's mean correlation with its interval, as printed."""
    return with_interval(facts.metrics["ensemble"], "mean_spearman")


def _methods(template: str, facts: RunFacts) -> str:
    return rendered(template, paragraphs=methods_paragraphs(facts), to_complete=to_complete(facts))


def _named(name: str, unit: str) -> str:
    """Return a descriptor's meaning with its name and unit in brackets; its name where the meaning is not known."""
    meaning, printed = descriptor_meaning(name), unit_text(unit)
    if meaning == name:
        return with_unit(name, unit)
    return f"the {meaning} ({name}, {printed})" if printed else f"the {meaning} ({name})"


def _rejected_by_kind(facts: RunFacts) -> list[tuple[str, int]]:
    """Return why sites were left out, in words, and how many, the most first."""
    kept = facts.config["family"]["keep"] or {}
    numbers, ligands = kept.get("coordination") or [], kept.get("ligands") or []
    one_of = listed([f"{number:g}" for number in numbers]).replace(" and ", " or ")
    kinds = {
        "coordination number ": f"with a coordination number other than {one_of}",
        "first shell is ": f"with a first shell that is not all {' or '.join(ligands)}",
        "its spectra are on another scale": "with spectra on another scale than the others",
        "": "for other reasons, listed with the data",
    }
    counts = Counter[str]()
    for reason, n in (facts.rejected or {}).items():
        counts[next(kind for begin, kind in kinds.items() if reason.startswith(begin))] += n
    return counts.most_common()


def _training_paragraph(facts: RunFacts) -> Text:
    score, _, made_of = str(facts.metrics["choice"]["by"]).partition(": ")
    objective = facts.config["objective"]
    return paragraph(
        "training",
        run=facts,
        losses=[
            name
            for name in LOSSES
            if objective[name]["weight"] > 0 and (facts.free_styles or name != "independence")
        ],
        least=f"{100 * learning_rate_factor(1.0, 'one_cycle'):g} %",
        chosen_by=f"{score} ({made_of})" if made_of else score,
    )


def _evaluation_paragraph(facts: RunFacts) -> Text:
    ensemble = facts.metrics["ensemble"]
    checks = {name: s["check"] for name, s in facts.traversal["styles"].items() if s.get("check")}
    matched = [name for name, check in checks.items() if not check.get("not_comparable_because")]
    reconstruction = (ensemble.get("interval") or {}).get("reconstruction_mae")
    return paragraph(
        "evaluation",
        run=facts,
        mean=mean_spearman(facts),
        scores=[
            f"{name} {with_interval(score, 'spearman')} ({_error(score['mae'], facts.units[name])})"
            for name, score in ensemble["descriptors"].items()
        ],
        error=_printed(ensemble["reconstruction"]["mae"], reconstruction, 4),
        few_materials=few_materials(facts.metrics["n_materials"]),
        matched=matched,
        matched_rows=checks[matched[0]]["rows_text"] if matched else "",
        unmatched=[name for name in checks if name not in matched],
        caliper=CALIPER,
    )


def _error(mae: float | None, unit: str) -> str:
    return quantity(print_number(mae, 3), unit).replace(" ", "\u00a0")


def _printed(value: float | None, ends: Any, digits: int = 3) -> str:
    low, high = ends or (None, None)
    return print_number(Ranged(value, low, high), digits)


def _duration(seconds: float) -> str:
    """Return a time as it is printed; empty for none."""
    if seconds < 120:
        return f"{seconds:.0f} s" if seconds else ""
    return f"{seconds / 60:.0f} min" if seconds < 7200 else f"{seconds / 3600:.1f} h"
