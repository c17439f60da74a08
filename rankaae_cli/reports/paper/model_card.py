"""The card that goes with a model: what it is, what it was trained on, how well it does, when not to use it."""

import math
from collections.abc import Mapping
from typing import Any

from rankaae_cli.analysis.evaluation.findings import reconstruction_warning, sentence
from rankaae_cli.core.labels import descriptor_meaning, listed, unit_text
from rankaae_cli.reports.paper.facts import RunFacts
from rankaae_cli.reports.paper.methods import data_paragraph, few_materials, reading_with_interval
from rankaae_cli.reports.paper.prose import as_plain, escape_markdown
from rankaae_cli.reports.tables import print_number

_WELL, _POORLY = 0.75, 0.5  # Spearman's correlation
_TABLE = ("Descriptor", "Meaning", "Unit", "Spearman ρ", "MAE", "90 % interval ±", "within it", "n")


def model_card(facts: RunFacts) -> str:
    """Return the card as Markdown."""
    synthetic = (
        "**Trained on synthetic data: not for use on real spectra.**\n\n" if facts.subject.synthetic else ""
    )
    s = facts.subject
    title = escape_markdown(f"{s.family}: structure descriptors from {s.element} {s.edge}-edge spectra")
    sections = {
        "What it is": _what(facts),
        "Intended use": _use(facts),
        "Training data": escape_markdown(as_plain(data_paragraph(facts))),
        "How well it does": _scores(facts),
        "Known failures and limits": _limits(facts),
        "How to load it": _loading(facts),
    }
    body = "\n\n".join(f"## {heading}\n\n{content}" for heading, content in sections.items())
    return f"# {title}\n\n{synthetic}{body}\n"


def _what(facts: RunFacts) -> str:
    p, m = facts.provenance, facts.metrics
    trials = (
        "one trained network" if facts.averaged == 1 else f"the average of {facts.averaged} trained networks"
    )
    free, each = facts.free_styles, "" if facts.averaged == 1 else " each"
    lines = [
        "A rank-constrained autoencoder (RankAAE, Liang et al., Phys. Rev. Materials 7, 053802 (2023)), "
        f"{trials} of {facts.parameters:,} weights{each}. Its encoder turns a spectrum into "
        f"{len(facts.units)} named styles, each calibrated to a descriptor, and {free} free "
        f"one{'' if free == 1 else 's'}; its decoder turns styles into a spectrum.",
        f"Made by rankaae {p.get('rankaae_version', '')} on "
        f"{str(p.get('finished') or p.get('started') or '')[:10]}, run {m['run']}.",
    ]
    return "\n\n".join(map(escape_markdown, lines))


def _use(facts: RunFacts) -> str:
    s, (points, first, last) = facts.subject, facts.energy_grid
    grid = (
        f"{points} values"
        if s.energy_unit == "index"
        else f"{points} points from {first:g} to {last:g} {s.energy_unit}"
    )
    return escape_markdown(
        f"To read {listed(list(facts.units))} off {s.element} {s.edge}-edge spectra on its grid ({grid}; "
        f"normalisation: {s.normalisation.replace('_', ' ')}), with intervals, and to see how the spectrum "
        "responds to each. It orders and estimates; it does not replace a fit of a structure model."
    )


def _scores(facts: RunFacts) -> str:
    m, e = facts.metrics, facts.metrics["ensemble"]
    rows = []
    for name, score in e["descriptors"].items():
        coverage = score.get("interval_coverage")
        rows.append([
            name, descriptor_meaning(name), unit_text(facts.units[name]), reading_with_interval(score, "spearman"),
            reading_with_interval(score, "mae"), print_number(score.get("interval_half_width"), 3),
            "–" if coverage is None or math.isnan(coverage) else f"{100 * coverage:.0f} %", str(score["n"]),
        ])  # fmt: skip
    table = [_row(_TABLE), _row(["---"] * len(_TABLE), escape=False), *map(_row, rows)]
    mean = reading_with_interval({"spearman": e["mean_spearman"], "interval": {
        "spearman": (e.get("interval") or {}).get("mean_spearman")}}, "spearman")  # fmt: skip
    text = (
        f"On {m['n']:,} test spectra of {m['n_materials']:,} materials that took no part in training or in "
        "any choice; in brackets 95 % bootstrap intervals over materials. They hold for materials like "
        f"these alone. {few_materials(m['n_materials'])}"
    ).rstrip()
    after = (
        f"Mean ρ {mean}; mean absolute error of reconstruction "
        f"{print_number(e['reconstruction']['mae'], 4)} in units of the absorption."
    )
    return "\n\n".join([escape_markdown(text), "\n".join(table), escape_markdown(after)])


def _row(cells: Any, escape: bool = True) -> str:
    return f"| {' | '.join(escape_markdown(cell) if escape else cell for cell in cells)} |"


def _limits(facts: RunFacts) -> str:
    s, e = facts.subject, facts.metrics["ensemble"]
    lines = [
        f"Valid for the {s.element} {s.edge} edge and {s.family} only: not for other elements, edges or "
        "classes of materials, nor for spectra normalised otherwise or on another energy scale (an offset "
        "in energy is read as structure).",
        *_poor(e["descriptors"]),
        *_coupling(e["inter_style"]),
        *_coupling_of_all_styles(facts),
        *_leaks(facts.metrics),
    ]
    badly_rebuilt = reconstruction_warning(e, (facts.baselines or {}).get("rows", ()))
    if badly_rebuilt is not None:
        lines.append(f"{sentence(badly_rebuilt)}.")
    if facts.source == "feff":
        lines.append(
            "Trained on computed spectra (FEFF): measured ones differ from them in energy, width and background. "
            f"{_augmented(facts)}"
        )
    v = facts.metrics["verdicts"]
    lines.append(
        "A spectrum that it rebuilds badly, about which its trials disagree or whose styles lie far from those of "
        "training is called unusual or outside (beyond the 95 % and 99.5 % quantiles of the validation spectra); "
        f"of the test spectra {v['unusual']:,} and {v['outside']:,} were. Readings of spectra outside are not to "
        "be used."
    )
    lines.append(
        "The 90 % intervals hold on average over materials like those of training, not for each kind of material."
    )
    if facts.averaged > 1 and facts.free_styles:
        lines.append("Free styles are those of one trial and have no meaning in another.")
    return "\n".join(f"- {escape_markdown(line)}" for line in lines)


def _augmented(facts: RunFacts) -> str:
    a = facts.config["objective"]["augmentation"]
    if any(a[key] > 0 for key in ("energy_shift", "broadening", "scale")):
        return "Training varied these at random, which helps but was not tested on measured spectra here."
    return "Training did not vary these."


def _poor(scores: Mapping[str, Any]) -> list[str]:
    known = {name: s["spearman"] for name, s in scores.items() if s["spearman"] is not None}
    known = {name: rho for name, rho in known.items() if not math.isnan(rho)}
    lines = []
    poor = [f"{name} (ρ {print_number(rho, 2)})" for name, rho in known.items() if rho < _POORLY]
    fair = [f"{name} (ρ {print_number(rho, 2)})" for name, rho in known.items() if _POORLY <= rho < _WELL]
    if poor:
        lines.append(f"Read poorly, hardly of use: {listed(poor)}.")
    if fair:
        lines.append(f"Read roughly, as a trend rather than a value: {listed(fair)}.")
    if known and not poor and not fair:
        worst = min(known, key=lambda name: known[name])
        lines.append(f"The descriptor it reads least well is {worst} (ρ {print_number(known[worst], 2)}).")
    unknown = [name for name in scores if name not in known]
    return [*lines, f"Not measured, too few values: {listed(unknown)}."] if unknown else lines


def _coupling(coupling: Mapping[str, Any]) -> list[str]:
    excess, chance = coupling["excess"], coupling["excess_permuted"]
    if excess is None or math.isnan(excess):
        return []
    what = f"Excess coupling of named styles {print_number(excess, 2)}, by chance {print_number(chance, 2)}: "
    if chance is not None and excess > chance:
        return [
            what
            + "at least one style carries some of another's information, beyond what the descriptors share."
        ]
    return [what + "no more than independent styles show on so many spectra."]


def _coupling_of_all_styles(facts: RunFacts) -> list[str]:
    """Return the coupling with the free styles, which the ensemble has none of."""
    t = facts.metrics["selected_trial"]
    excess = facts.metrics["trials"][t]["inter_style"]["excess"]
    if not facts.free_styles or excess is None or math.isnan(excess):
        return []
    return [f"Excess coupling of all styles, the free ones too (trial {t}): {print_number(excess, 2)}."]


def _leaks(metrics: Mapping[str, Any]) -> list[str]:
    found = metrics["leakage"].get("findings", ())
    return [f"How one style moves another: {'; '.join(found)}."] if found else []


def _loading(facts: RunFacts) -> str:
    sha = facts.metrics["checkpoint_sha256"]
    code = (
        "```python\nfrom rankaae_cli.models.registry import load_model\n\n"
        'model = load_model("checkpoints/best.ckpt")\n'
        "styles = model.encode(spectra)  # (N, E) spectra on model.energy_E -> (trials, N, styles)\n"
        "spectra = model.decode(styles)\n```"
    )
    return (
        "`checkpoints/best.ckpt` holds tensors and plain values alone (PyTorch's `weights_only` loading): no "
        "code in it is "
        f"run. SHA-256 `{sha}`.\n\n{code}"
    )
