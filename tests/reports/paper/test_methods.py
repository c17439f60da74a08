import functools
import re
from copy import deepcopy
from dataclasses import replace

import pytest
from omegaconf import OmegaConf

from rankaae_cli.core.comparison.fingerprints.clusterings import CLUSTERINGS
from rankaae_cli.core.comparison.fingerprints.representations import COMPONENTS
from rankaae_cli.core.labels import Subject
from rankaae_cli.reports.comparison.methods import (
    ALIGNMENT,
    CONVERGENCE,
    PUBLISHED,
    SOUNDNESS,
    changes_text,
    clusters_text,
    write_methods,
)
from rankaae_cli.reports.paper.citations import address, bibtex, entries, fields, printed_references
from rankaae_cli.reports.paper.facts import RunFacts
from rankaae_cli.reports.paper.methods import methods_latex, methods_markdown, methods_paragraphs, to_complete
from rankaae_cli.reports.paper.model_card import model_card
from rankaae_cli.reports.paper.prose import as_pieces, as_plain, cited
from rankaae_cli.training.schedules import learning_rate_factor
from tests.configuration import composed
from tests.reports.test_latex import HOSTILE, braces_balance

SCORE = {
    "spearman": 0.912,
    "mae": 0.31,
    "n": 520,
    "interval_half_width": 0.4,
    "interval_coverage": 0.91,
    "interval": {"spearman": [0.9, 0.92], "mae": [0.3, 0.33]},
}
CHOSEN_BY = "validation score: mean Spearman − 0.5 × reconstruction error"


@functools.cache
def configuration(*overrides):
    config = OmegaConf.to_container(composed("train", *overrides), enum_to_str=True)
    return config | {"devices": 1} if config.get("devices") == "auto" else config  # as a run's says


def facts(*overrides, descriptors=("OS", "CN"), averaged=8, family="Cu_oxides", **changes):
    """Facts of a run of a configuration; `changes` replace some."""
    config = deepcopy(configuration(f"+family={family}", *overrides))
    metrics = {
        "run": "12-00-00-000000",
        "n": 520,
        "n_materials": 280,
        "resamples": 1000,
        "selected_trial": 0,
        "checkpoint_sha256": "ab" * 32,
        "choice": {"by": CHOSEN_BY},
        "verdicts": {"in range": 500, "unusual": 17, "outside": 3},
        "leakage": {"findings": ["named styles, mean of 8 trials: walking OS moves CN most, by 0.35"]},
        "trials": [{"inter_style": {"excess": 0.31}}],
        "ensemble": {
            "n_trials": averaged,
            "mean_spearman": 0.912,
            "descriptors": dict.fromkeys(descriptors, SCORE),
            "inter_style": {"max_abs_spearman": 0.5, "excess": 0.12, "excess_permuted": 0.03},
            "reconstruction": {"mae": 0.0171, "mse": 0.001},
            "interval": {"mean_spearman": [0.9, 0.92], "reconstruction_mae": [0.0165, 0.0178]},
        },
    }
    check = {"rows_text": "validation and test rows", "not_comparable_because": None}
    traversal = {
        "levels": 11,
        "draws": 500,
        "others": "data",
        "styles": {name: {"check": check} for name in descriptors},
    }
    plain = RunFacts(
        subject=Subject(family, "Cu", "K"),
        config=config,
        provenance={
            "rankaae_version": "0.1.0",
            "git": {"commit": "0123456789abcdef", "dirty": False},
            "python": "3.11.7",
            "packages": {"torch": "2.9.0"},
            "device": "cpu",
            "wall_s": 540.0,
            "finished": "2026-01-02T03:04:05+00:00",
        },
        metrics=metrics,
        traversal=traversal,
        source="feff",
        energy_grid=(256, 8983.5, 9047.25),
        units=dict.fromkeys(descriptors, "e"),
        known=dict.fromkeys(descriptors, 3799),
        split_counts={"train": (2659, 1319), "validation": (620, 286), "test": (520, 280)},
        hashed_split=True,
        epochs=572,
        batches=21,
        parameters=134666,
        diverged=0,
        selected_epoch=500,
    )
    return replace(plain, **changes)


SYNTHETIC = {"subject": Subject("Fe_oxides", "Fe", "K", synthetic=True), "source": "synthetic"}
RUNS = {
    "default": lambda: facts(materials_project=True),
    "published": lambda: facts("+experiment=published"),
    "cnn": lambda: facts("model=cnn"),
    "cnn batch norm": lambda: facts("model=cnn", "model.norm=batch"),
    "mmd": lambda: facts("objective.prior.kind=mmd", "model.norm=none"),
    "two step": lambda: facts("objective.prior.kind=two_step", "optimiser.schedule=plateau"),
    "one trial": lambda: facts("trials=1", averaged=1),
    "epochs": lambda: facts("max_epochs=572"),
    "augmented": lambda: facts(
        "augmentation=measured",
        "objective.augmentation.core_hole=1.25",
        "objective.augmentation.stretch=0.01",
        "objective.augmentation.damping=0.1",
        "optimiser.schedule=cosine",
        "optimiser.clip=1",
    ),
    "semi-supervised": lambda: facts(unlabelled=1234, known={"OS": 3000, "CN": 3799}),
    "taught": lambda: replace(
        RUNS["semi-supervised"](),
        provenance=facts().provenance
        | {"teacher": {"kind": "supervised", "family": "Cu_oxides", "fidelity": "feff", "run": "x"}},
    ),
    "unlabelled gone": lambda: facts(unlabelled=None, batches=None),
    "no free style": lambda: facts("model.free_styles=0"),
    "one descriptor": lambda: facts("model.free_styles=1", descriptors=("CN",)),
    "csv": lambda: facts(source="csv", hashed_split=False),
    "carbon": lambda: facts(
        family="amorphous_carbon", source="atoms", subject=Subject("amorphous_carbon", "C", "K", "index")
    ),
    "synthetic": lambda: facts(**SYNTHETIC),
    "balanced": lambda: facts(balanced=True),
    "diverged": lambda: facts(averaged=7, diverged=1),
    "rejected": lambda: facts(
        rejected={
            "coordination number 3, the family keeps 4, 5, 6": 20,
            "first shell is F4 O2, not all O": 5,
            "truncated: line 7 of xmu.dat has 3 columns": 1,
        }
    ),
    "baselines": lambda: facts(
        baselines={
            "rows": [
                {"name": name}
                for name in (
                    *("ensemble", "mean_spectrum", "pca_linear", "extra_trees", "random_forest"),
                    *("supervised_network", "aae", "vae"),
                )
            ]
        }
    ),
    "hostile": lambda: facts(
        descriptors=(HOSTILE, "CN"), subject=Subject(HOSTILE, "Cu", "K"), rejected={HOSTILE: 1}
    ),
}


def written(run):
    return " ".join(as_plain(paragraph) for paragraph in methods_paragraphs(run))


@pytest.mark.parametrize("run", RUNS.values(), ids=RUNS.keys())
def test_every_citation_has_an_entry_and_every_entry_is_cited(run):
    latex, markdown = methods_latex(run()), methods_markdown(run())
    keys = cited(methods_paragraphs(run()))
    in_latex = {key for keys in re.findall(r"\\cite\{([^}]*)\}", latex) for key in keys.split(",")}
    in_markdown = set(re.findall(r"(?<!\\)@([a-z]+\d{4}\w+)", markdown))
    in_bib = re.findall(r"^@\w+\{(.*),$", bibtex(keys), re.MULTILINE)
    assert in_latex == in_markdown == set(in_bib) == set(keys) and len(in_bib) == len(keys)
    assert "liang2023rankaae" in keys
    assert braces_balance(re.sub(r"(?m)^%.*", "", latex)) and latex.isascii()


def test_no_work_is_kept_that_nothing_cites(tmp_path):
    clusters = [clusters_text(one, COMPONENTS) for one in CLUSTERINGS]
    texts = [ALIGNMENT, PUBLISHED, CONVERGENCE, SOUNDNESS, *clusters, changes_text("charge_$x (mAh/g)")]
    write_methods(tmp_path, texts)
    of_runs = {key for run in RUNS.values() for key in cited(methods_paragraphs(run()))}
    assert of_runs | set(cited(texts)) == set(entries())
    latex, markdown = ((tmp_path / f"methods.{end}").read_text() for end in ("tex", "md"))
    assert r"along charge\_\$x (mAh/g) change" in latex and r"charge\_\$x (mAh/g)" in markdown
    assert r"~\cite{zhang2007mbic}" in latex and "[@zhang2007mbic]" in markdown
    assert latex.isascii() and "{zhang2007mbic," in (tmp_path / "references.bib").read_text()


@pytest.mark.parametrize("run", RUNS.values(), ids=RUNS.keys())
def test_sentences_are_whole(run):
    text = written(run()).replace(HOSTILE, "X")
    assert "  " not in text and " ," not in text and " ." not in text and ".." not in text
    assert "None" not in text and "nan" not in text
    for paragraph in methods_paragraphs(run()):
        words = as_plain(paragraph).replace(HOSTILE, "X")
        assert words.endswith(".") and words[0].isupper()
        assert not re.search(r"\. [a-z]", words.replace("et al. ", ""))


def test_the_default_says_what_was_done():
    text = written(RUNS["default"]())
    for words in (
        "3,799 Cu K-edge X-ray absorption near-edge spectra of 1,885 materials with identifiers of the Materials "
        "Project",
        "computed with FEFF",
        "brought by a cubic spline to 256 points from 8983.5 to 9047.25 eV",
        "2,659 spectra of 1,319 materials (70 %) for training",
        "split seed 0",
        "two named styles, each tied to one descriptor by a rank constraint, and five free styles",
        "Encoder (256–256–256–256–7 units)",
        "134,666 weights",
        "Six losses were summed and minimised jointly",
        "(weight 500)",
        "sliced Wasserstein distance of the styles to their prior, along every axis and 32 random directions",
        "learning rate 0.003, weight decay 0.01",
        "572 epochs (128 spectra a batch at most, 12,012 batches; seed 0)",
        "Eight models (trials)",
        "validation score (mean Spearman − 0.5 × reconstruction error) were kept",
        "averaged over eight trials",
        "1,000 bootstrap resamples",
        "a mean ρ of 0.91 [0.90, 0.92]",
        "commit 0123456789)",
        "PyTorch 2.9.0",
        "took 9 min on one thread",
    ):
        assert words in text


@pytest.mark.parametrize(
    ("run", "said", "not_said"),
    [
        ("published", ["adversarial autoencoder", "minimised in turn", "discriminator", "0.01 for rank", "0.7172",
                       "multiplied by 0.1 whenever its validation score had not risen for 100 epochs",
                       "Swish activations, whose slope each unit learns, in the hidden layers",
                       "each but the encoder's last followed by batch normalisation", "256–64–64–64–64–64–3"],
         ["sliced", "free styles have", "tenth of training", "SiLU"]),
        ("cnn", ["three convolutions along the energy", "8, 16 and 32 channels"], ["fully connected"]),
        ("mmd", ["maximum mean discrepancy"], ["sliced", "discriminator", "layer normalisation"]),
        ("two step", ["deceives a discriminator", "had not risen for 50 epochs"], ["reversed"]),
        ("one trial", ["One model was trained", "the model's style"], ["trials", "ensemble of"]),
        ("augmented", ["convolved, every other one, with a Lorentzian", "is 1.25 eV"], []),
        ("augmented", ["shifted in energy", "0 and 0.5 eV", "(standard deviation 1 %)", "d 0.1)"], []),
        ("augmented", ["clipped at a norm of 1", "half a cosine"], []),
        ("semi-supervised", ["1,234 further spectra, taken without descriptors", "3,000 for OS"], []),
        ("taught", ["a model of kind supervised, trained on spectra of Cu_oxides (feff), read off it stood in"],
         ["autoencoder alone"]),
        ("unlabelled gone", ["Further spectra, taken without descriptors"], ["batches; seed"]),
        ("no free style", ["Five losses"], ["free"]),
        ("csv", ["as laid down in the data file"], ["FEFF", "CrystalNN", "hash"]),
        ("balanced", ["all oxygen came out as oxide", "by balance of charge where this is unique"], []),
        ("rejected", ["oxidation states by bond-valence analysis"], ["oxide, but"]),
        ("carbon", ["within 1.85 Å", "no energy axis"], ["CrystalNN", "FEFF", " eV"]),
        ("diverged", ["One trial diverged and was left out", "averaged over seven trials"], []),
        ("rejected", ["26 sites were left out: 20 with a coordination number other than 4, 5 or 6, 5 with a first "
                      "shell that is not all O and 1 for other reasons"], []),
        ("baselines", ["extremely randomised trees", "a variational autoencoder"], []),
    ],
)  # fmt: skip
def test_a_run_says_what_it_did_and_nothing_else(run, said, not_said):
    text = written(RUNS[run]())
    assert [words for words in said if words not in text] == []
    assert [words for words in not_said if words in text] == []


def test_synthetic_data_are_the_first_thing_said():
    run = RUNS["synthetic"]()
    assert written(run).startswith("All data are synthetic: ") and "pymatgen" not in written(run)
    assert "not for use on real spectra" in model_card(run).split("## ")[0]
    assert "synthetic" in to_complete(run)[0]


def test_the_course_of_the_rate_is_as_written():
    assert learning_rate_factor(0.1, "one_cycle") == pytest.approx(1.0)
    assert learning_rate_factor(0.0, "one_cycle") == pytest.approx(learning_rate_factor(1.0, "cosine"))


def test_values_are_never_read_as_templates_or_citations():
    run = facts(descriptors=("{@liang2023rankaae}", "[@x] {y}"))
    assert "{@liang2023rankaae}" in written(run) and "[@x] {y}" in written(run)
    assert r"\[\@x\] \{y\}" in methods_markdown(run)


def test_numbers_of_references_are_those_of_the_list():
    paragraphs = methods_paragraphs(RUNS["default"]())
    keys = cited(paragraphs)
    numbers = {key: i for i, key in enumerate(keys, 1)}
    pieces = [piece for paragraph in paragraphs for piece in as_pieces(paragraph, numbers)]
    assert sorted({n for _, cites in pieces for n in cites}) == list(range(1, len(keys) + 1))
    assert next(n for _, cites in pieces for n in cites) == 1
    assert len(printed_references(keys)) == len(keys)


@pytest.mark.parametrize("key", entries())
def test_an_entry_is_whole(key):
    work, entry = fields(key), bibtex([key])
    assert re.fullmatch(r"[a-z]+(19|20)\d\d\w+", key) and work["year"] in key and work["author"]
    assert {"journal", "booktitle", "publisher"} & set(work) or entry.startswith("@misc{")
    assert re.fullmatch(r"|10\.\d{4,5}/\S+", work.get("doi", ""))
    assert re.fullmatch(r"|\d{4}\.\d{4,5}", work.get("eprint", ""))
    assert ("eprint" in work) == ("archiveprefix" in work)
    assert entry.isascii() and braces_balance(entry)
    assert re.match(r"@(article|inproceedings|book|misc)\{" + key + ",\n", entry) and entry.endswith("\n}\n")
    # Every line but the first and the last is a field that the list of references reads.
    assert len(work) == len(entry.splitlines()) - 2
    assert "doi.org" in address(work) if "doi" in work else True


def test_accents_and_bodies_in_bibtex():
    entry = bibtex(["virtanen2020scipy", "falcon2019lightning"])
    assert r"van der Walt, St{\'{e}}fan J." in entry and r"Polat, {\.{I}}lhan" in entry
    assert "and {SciPy 1.0 Contributors}}" in entry and "and {The PyTorch Lightning team}}" in entry


def test_the_card_says_where_the_model_fails():
    run = facts()
    poor = {"OS": {**SCORE, "spearman": 0.4}, "CN": {**SCORE, "spearman": 0.6}}
    run.metrics["ensemble"]["descriptors"] = poor
    pca = {"name": "pca_linear", "reconstruction": {"mae": 0.0101}}
    card = model_card(replace(run, baselines={"rows": [pca]}))
    assert "\n- The model rebuilds spectra worse" in card and "rebuilds spectra worse" not in model_card(run)
    assert "How one style moves another: named styles, mean of 8 trials: walking OS moves CN most" in card
    assert "Excess coupling of all styles, the free ones too (trial 0): 0.31" in card.replace("\\", "")
    assert "Read poorly, hardly of use: OS" in card and "as a trend rather than a value: CN" in card
    assert "at least one style carries some of another's information" in card
    assert "measured ones differ" in card and "Valid for the Cu K edge and Cu\\_oxides only" in card
    assert "3 were" in card and "ab" * 32 in card and 'load_model("checkpoints/best.ckpt")' in card


def test_the_card_grades_by_what_is_attainable():
    run = facts()
    run.metrics["ensemble"]["descriptors"] = {
        "OS": {**SCORE, "spearman": 0.57, "spearman_attainable": 0.72},
        "CN": {**SCORE, "spearman": 0.6, "spearman_attainable": 0.95},
    }
    card = model_card(run)
    assert "a trend rather than a value: CN (ρ 0.60 of at most 0.95)" in card and "hardly of use" not in card


def test_the_card_warns_of_few_materials_and_escapes_names():
    run = RUNS["hostile"]()
    run.metrics["n_materials"] = 3
    card = model_card(run)
    assert "only three materials are too narrow" in card
    assert "<script>" not in card and r"\<script\>" in card
    rows = [line for line in card.splitlines() if line.startswith("|")]
    assert {len(re.findall(r"(?<!\\)\|", row)) for row in rows} == {9}


@pytest.mark.parametrize(("n", "trained"), [(1, "the model"), (2, "both trials"), (3, "all three trials")])
def test_training_time_is_told_of_all_trials(n, trained):
    assert f"Training {trained} took 9 min" in written(facts(f"trials={n}", averaged=n))
