"""The methods of a run as paragraphs for a paper, with citations, from what the run recorded."""

import math
from collections import Counter
from collections.abc import Mapping
from typing import Any

from rankaae_cli.core.labels import descriptor_meaning, listed, number_word, quantity, unit_text, with_unit
from rankaae_cli.core.statistics.matching import CALIPER
from rankaae_cli.reports.paper.facts import RunFacts
from rankaae_cli.reports.paper.methods_training import training_paragraph
from rankaae_cli.reports.paper.prose import Text, as_latex, as_markdown, joined, listed_texts, text
from rankaae_cli.reports.tables import Ranged, print_number

_FEW_MATERIALS = 20  # below, the bootstrap over materials is known to be too narrow
_FROM_STRUCTURES = ("feff", "atoms")
_BEGIN = {
    True: "The descriptors of the absorber's surroundings are",
    False: "The descriptor of the absorber's surroundings is",
}
_STATES = " and oxidation states by bond-valence analysis{@okeeffe1991bondvalence}"
_BASELINES = {
    "mean_spectrum": "the mean training spectrum",
    "pca_linear": "principal components with a linear regression",
    "extra_trees": "extremely randomised trees{@geurts2006extratrees}",
    "random_forest": "a random forest{@breiman2001forests}",
    "supervised_network": "an ensemble of supervised networks",
    "aae": "an adversarial autoencoder without rank constraint{@makhzani2015aae}",
    "vae": "a variational autoencoder{@kingma2013vae}",
}


def methods_paragraphs(facts: RunFacts) -> list[Text]:
    """Return the paragraphs: data, model and training, evaluation, software."""
    return [
        data_paragraph(facts),
        training_paragraph(facts),
        _evaluation_paragraph(facts),
        _software_paragraph(facts),
    ]


def methods_latex(facts: RunFacts) -> str:
    r"""Return the paragraphs as LaTeX to be ``\input``, with what only the authors know as comments."""
    comments = [f"% {line}" for line in to_complete(facts)]
    head = [
        "% \\input this file; \\bibliography{references} has what it cites. Not known to the program:",
        *comments,
    ]
    return "\n".join([*head, "", "\n\n".join(map(as_latex, methods_paragraphs(facts))), ""])


def methods_markdown(facts: RunFacts) -> str:
    """Return the paragraphs as Markdown with pandoc's citations (``--citeproc``)."""
    paragraphs = "\n\n".join(map(as_markdown, methods_paragraphs(facts)))
    missing = "\n".join(f"- {line}" for line in to_complete(facts))
    return f"{paragraphs}\n\n<!-- Not known to the program, to be completed:\n{missing}\n-->\n"


def to_complete(facts: RunFacts) -> list[str]:
    """Return what a paper has to say of the run that the program does not know."""
    if facts.subject.synthetic:
        return ["why synthetic data were used; they are no substitute for computed or measured spectra"]
    missing = {
        "feff": "the settings and version of FEFF (cited is FEFF 9), and where the structures come from",
        "atoms": "how the structures and their spectra were computed, and by whom; cite the data set",
    }
    lines = [
        missing.get(facts.source, "where the spectra and their descriptors come from; cite the data set")
    ]
    if facts.subject.family == "amorphous_carbon":
        lines.append("if the spectra are those published with arXiv:2312.05472, cite that work")
    return [*lines, "the model of the processor or accelerator"]


def data_paragraph(facts: RunFacts) -> Text:
    """Return the paragraph on spectra, descriptors, and the split."""
    c, s = facts.config, facts.subject
    points, first, last = facts.energy_grid
    about = {"n": f"{facts.spectra:,}", "m": f"{facts.materials:,}", "element": s.element, "edge": s.edge}
    if s.synthetic:
        begin = text(
            "All data are synthetic: {n} {element} {edge}-edge spectra of {m} imaginary materials (family "
            "{family}), made by a generator in which the descriptors cause the spectrum by known rules; "
            "they are neither measured nor computed from structures.",
            family=s.family, **about,
        )  # fmt: skip
    else:
        begin = text(
            "The data (family {family}) are {n} {element} {edge}-edge X-ray absorption near-edge spectra "
            "of {m} materials{project}{source}.",
            family=s.family, project=text(" with identifiers of the Materials Project{@jain2013materialsproject}")
            if facts.materials_project else "",
            source=text(", computed with FEFF{@rehr2010feff9}") if facts.source == "feff" else "", **about,
        )  # fmt: skip
    normalised = ", normalised to the edge step" if s.normalisation == "edge_step" else ""
    if s.energy_unit == "index":
        grid = text("Each has {points} values{normalised}; they have no energy axis.", points=points,
                    normalised=normalised)  # fmt: skip
    else:
        splined = "were brought by a cubic spline to" if facts.source == "feff" else "have"
        grid = text(
            "They {have} {points} points from {first} to {last} {unit}{normalised}.",
            have=splined, points=points,
            first=f"{first:g}", last=f"{last:g}", unit=s.energy_unit, normalised=normalised,
        )  # fmt: skip
    return joined([begin, grid, _descriptors(facts), _rejected(facts), _split(facts, c), _unlabelled(facts)])


def _descriptors(facts: RunFacts) -> Text:
    how: Text = ()
    if not facts.subject.synthetic and facts.source in _FROM_STRUCTURES:
        neighbours = facts.config["family"]["neighbours"]
        if neighbours["method"] == "crystal_nn":
            shell = text("by CrystalNN{@pan2021crystalnn}")
        else:
            shell = text("as all atoms within {radius} Å", radius=f"{neighbours['radius']:g}")
        how = text(
            " They were computed from the structures with pymatgen{@ong2013pymatgen}, neighbours being found "
            "{shell}{states}.",
            shell=shell, states=text(_STATES) if "OS" in facts.units else "",
        )  # fmt: skip
    names = [_named(name, unit) for name, unit in facts.units.items()]
    begin = text("{begin} {names}.", begin=_BEGIN[len(names) > 1], names=listed(names))
    return (*begin, *how, *_gaps(facts))


def _gaps(facts: RunFacts) -> Text:
    gaps = [name for name in facts.units if facts.known[name] < facts.spectra]
    if not gaps:
        return ()
    return text(
        " Not every descriptor is known of every spectrum ({counts}); what is not known was left out of the rank "
        "constraint.",
        counts=listed([f"{facts.known[name]:,} for {name}" for name in gaps]),
    )


def _named(name: str, unit: str) -> str:
    """Return a descriptor's meaning with its name and unit in brackets; its name where the meaning is not known."""
    meaning, printed = descriptor_meaning(name), unit_text(unit)
    if meaning == name:
        return with_unit(name, unit)
    return f"the {meaning} ({name}, {printed})" if printed else f"the {meaning} ({name})"


def _rejected(facts: RunFacts) -> Text:
    if facts.rejected is None or facts.subject.synthetic:
        return ()
    total = sum(facts.rejected.values())
    if not total:
        return text("No site of the source was left out.")
    kept = facts.config["family"]["keep"] or {}
    numbers, ligands = kept.get("coordination") or [], kept.get("ligands") or []
    one_of = listed([f"{number:g}" for number in numbers]).replace(" and ", " or ")
    kinds = Counter[str]()
    for reason, n in facts.rejected.items():
        if reason.startswith("coordination number "):
            kinds[f"with a coordination number other than {one_of}"] += n
        elif reason.startswith("first shell is "):
            kinds[f"with a first shell that is not all {' or '.join(ligands)}"] += n
        elif reason.startswith("its spectra are on another scale"):
            kinds["with spectra on another scale than the others"] += n
        else:
            kinds["for other reasons, listed with the data"] += n
    if len(kinds) == 1:
        return text(
            "Of the source, {total} sites {why} were left out.", total=f"{total:,}", why=next(iter(kinds))
        )
    reasons = listed([f"{n:,} {kind}" for kind, n in kinds.most_common()])
    return text("Of the source, {total} sites were left out: {reasons}.", total=f"{total:,}", reasons=reasons)


def _split(facts: RunFacts, config: Mapping[str, Any]) -> Text:
    sides = [
        f"{n:,} spectra of {m:,} materials ({100 * n / facts.spectra:.0f} %) for {what}"
        for what, (n, m) in zip(
            ("training", "validation", "testing"), facts.split_counts.values(), strict=True
        )
    ]
    by = (
        f"by a hash of its name (expected shares 70, 15 and 15 %; split seed {config['split_seed']})"
        if facts.hashed_split
        else "as laid down in the data file"
    )
    return text(
        "Each material, with all its spectra, was put on one side of the split {by}: {sides}. Test "
        "spectra took no part in training or in any choice.",
        by=by, sides=listed(sides),
    )  # fmt: skip


def _unlabelled(facts: RunFacts) -> Text:
    if facts.unlabelled == 0:
        return ()
    n = "Further" if facts.unlabelled is None else f"{facts.unlabelled:,} further"
    return text(
        "{n} spectra, taken without descriptors, of materials that are not on the validation or test side, "
        "trained the autoencoder alone.",
        n=n,
    )


def _evaluation_paragraph(facts: RunFacts) -> Text:
    return joined(
        [_calibration(facts), _measures(facts), _results(facts), _baselines(facts), *_traversal(facts)]
    )


def _calibration(facts: RunFacts) -> Text:
    whose = "the ensemble" if facts.averaged > 1 else "the model"
    disagreement = " and the disagreement of the trials" if facts.averaged > 1 else ""
    return text(
        "A descriptor is read from a spectrum by an isotonic regression of the descriptor on {whose}'s "
        "style, fitted on the validation spectra. Its 90 % interval is locally weighted split-conformal"
        "{@lei2018conformal}: residuals of validation materials that the regression had not seen "
        "(cross-validation with up to five folds by material), each over an estimate of how hard the spectrum is "
        "to read, by extremely randomised trees{@geurts2006extratrees} on styles, reconstruction error"
        "{disagreement}. Of spectra more novel than 95 % of the validation spectra the interval is wider by the "
        "square of the novelty.",
        whose=whose,
        disagreement=disagreement,
    )


def _measures(facts: RunFacts) -> Text:
    e = facts.metrics["ensemble"]
    return text(
        "Styles are judged by Spearman's ρ with their descriptor, calibrated readings by the mean "
        "absolute error (MAE); 95 % intervals are percentiles of {resamples} bootstrap resamples of the "
        "test materials, all spectra of a material going along{@davison1997bootstrap}. Disentanglement is "
        "measured by the mutual information gap{@chen2018mig}, SAP{@kumar2018sap}, DCI{@eastwood2018dci}, "
        "and the excess coupling: the largest amount by which the |ρ| of two styles exceeds that of their "
        "descriptors{excess}.",
        resamples=f"{facts.metrics['resamples']:,}",
        excess="" if e["inter_style"]["excess"] is None else
        f" ({print_number(e['inter_style']['excess'], 2)} for the named styles; "
        f"{print_number(e['inter_style']['excess_permuted'], 2)} is to be expected by chance)",
    )  # fmt: skip


def _results(facts: RunFacts) -> Text:
    e, m = facts.metrics["ensemble"], facts.metrics
    interval = e.get("interval") or {}
    each = listed(
        [
            f"{name} {reading_with_interval(score, 'spearman')} ({_error(score['mae'], facts.units[name])})"
            for name, score in e["descriptors"].items()
        ]
    )
    whose = f"the ensemble of {number_word(facts.averaged)}" if facts.averaged > 1 else "the model"
    mean = _with_interval(e["mean_spearman"], interval.get("mean_spearman"))
    error = _with_interval(e["reconstruction"]["mae"], interval.get("reconstruction_mae"), 4)
    return text(
        "On {n} test spectra of {k} materials {whose} reaches, with 95 % intervals in brackets, a mean ρ "
        "of {mean} and, by descriptor, ρ (MAE) of {each}; it reconstructs spectra to a mean absolute "
        "error of {error} in units of the absorption.{few}",
        n=f"{m['n']:,}", k=f"{m['n_materials']:,}", whose=whose, mean=mean, each=each, error=error,
        few=f" {few_materials(m['n_materials'])}".rstrip(),
    )  # fmt: skip


def few_materials(n: int) -> str:
    """Return a warning where the intervals come from resampling few materials, else nothing."""
    return (
        ""
        if n >= _FEW_MATERIALS
        else f"Intervals from resampling only {number_word(n)} materials are too narrow."
    )


def _error(mae: float | None, unit: str) -> str:
    return quantity(print_number(mae, 3), unit).replace(" ", "\u00a0")


def reading_with_interval(score: Mapping[str, Any], key: str) -> str:
    """Return one of a descriptor's scores with its interval, as printed."""
    return _with_interval(score[key], (score.get("interval") or {}).get(key))


def _with_interval(value: float | None, ends: Any, digits: int = 3) -> str:
    low, high = ends or (None, None)
    return print_number(Ranged(value, low, high), digits)


def _baselines(facts: RunFacts) -> Text:
    if facts.baselines is None:
        return ()
    names = [row["name"] for row in facts.baselines["rows"] if row["name"] in _BASELINES]
    if not names:
        return ()
    return text(
        "For comparison, {baselines} {were} fitted on the same training spectra and judged on the same "
        "test spectra.",
        baselines=listed_texts([text(_BASELINES[name]) for name in names]),
        were="was" if len(names) == 1 else "were",
    )  # fmt: skip


def _traversal(facts: RunFacts) -> list[Text]:
    t = facts.traversal
    others = (
        "the other styles being those of {draws} training spectra, kept together as they occur"
        if t.get("others", "data") == "data"
        else "the other styles being drawn {draws} times from independent standard normal distributions"
    )
    walk = text(
        "The spectrum's response to a descriptor is the mean of the decoded spectra as its style walks, "
        f"in {{levels}} steps, from the 5th to the 95th percentile over the training spectra, {others}.",
        levels=int(t["levels"]) - 1, draws=f"{t['draws']:,}",
    )  # fmt: skip
    checks = {name: style["check"] for name, style in t["styles"].items() if style.get("check")}
    compared = [name for name, check in checks.items() if not check.get("not_comparable_because")]
    if not compared:
        return [walk]
    missing = [name for name in checks if name not in compared]
    return [walk, _held_against_data(str(checks[compared[0]]["rows_text"]), missing)]


def _held_against_data(rows: str, missing: list[str]) -> Text:
    return text(
        "It was held against the data themselves: the mean difference between spectra ({rows}) with a "
        "high and a low value of the descriptor, matched in the other descriptors to within {caliper} "
        "standard deviation{s} of each, with a regression correction for what difference "
        "remained{@abadie2011matching}{missing}.",
        rows=rows, caliper=f"{CALIPER:g}", s="" if math.isclose(CALIPER, 1) else "s",
        missing=f"; for {listed(missing)} too few spectra could be compared" if missing else "",
    )  # fmt: skip


def _software_paragraph(facts: RunFacts) -> Text:
    p = facts.provenance
    versions = dict(p.get("packages") or {})

    def named(words: str, package: str) -> Text:
        return text(words, version=f" {versions[package]}" if package in versions else "")

    commit = (p.get("git") or {}).get("commit")
    dirty = ", with uncommitted changes" if (p.get("git") or {}).get("dirty") else ""
    program = f"rankaae {p.get('rankaae_version', '')}".strip()
    program += f" (commit {commit[:10]}{dirty})" if commit else ""
    libraries = listed_texts([
        named("PyTorch{version}{@paszke2019pytorch}", "torch"),
        named("PyTorch Lightning{version}{@falcon2019lightning}", "pytorch-lightning"),
        named("Hydra{version}{@yadan2019hydra}", "hydra-core"),
        named("NumPy{version}{@harris2020numpy}", "numpy"),
        named("SciPy{version}{@virtanen2020scipy}", "scipy"),
        named("scikit-learn{version}{@pedregosa2011sklearn}", "scikit-learn"),
        named("pandas{version}{@mckinney2010pandas}", "pandas"),
        text("matplotlib{@hunter2007matplotlib}"),
    ])  # fmt: skip
    python = f" under Python {p['python']}" if p.get("python") else ""
    return text(
        "Calculations were done with {program}{python}, using {libraries}. {time}",
        program=program, python=python, libraries=libraries, time=_time(facts),
    )  # fmt: skip


def _time(facts: RunFacts) -> str:
    p, threads = facts.provenance, int(facts.config.get("threads", 1))
    seconds = float(p.get("wall_s") or 0)
    if not seconds:
        return ""
    spent = (
        f"{seconds:.0f} s"
        if seconds < 120
        else f"{seconds / 60:.0f} min"
        if seconds < 7200
        else f"{seconds / 3600:.1f} h"
    )
    devices = int(facts.config.get("devices", 1))
    many = number_word(devices)
    of_one = f"{number_word(threads)} thread{'' if threads == 1 else 's'}"
    where = {
        "cuda": f"on {many} CUDA device{'' if devices == 1 else 's'}",
        "cpu": f"on {of_one} of a processor" if devices == 1 else f"in {many} processes of {of_one} each",
    }.get(str(p.get("device")), f"on the device {p.get('device')}")
    n = int(facts.config["trials"])
    trials = {1: "the model", 2: "both trials"}.get(n, f"all {number_word(n)} trials")
    return f"Training {trials} took {spent} {where}."
