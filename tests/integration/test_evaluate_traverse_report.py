"""From a family file to the page: a tiny run, its evaluation, traversal and report."""

import hashlib
import json
import re
import shutil
import warnings
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from omegaconf import OmegaConf

from rankaae_cli.analysis.encoded import encode_run, encode_split
from rankaae_cli.analysis.evaluation import evaluate as evaluating
from rankaae_cli.analysis.evaluation.evaluate import evaluate as evaluate_split
from rankaae_cli.analysis.evaluation.near_duplicates import find_near_duplicates
from rankaae_cli.analysis.evaluation.tables import table_names, table_of
from rankaae_cli.commands import evaluate, report
from rankaae_cli.data.family.family_file import write_family
from rankaae_cli.data.family.splits import TEST, TRAIN, split_by_material
from rankaae_cli.data.family.synthetic import synthetic_family
from rankaae_cli.reports.figures import drawing
from rankaae_cli.reports.run import results, traversal_figures
from rankaae_cli.reports.run.evaluation_figures import figure_names
from rankaae_cli.reports.run.results import write_evaluation
from rankaae_cli.runs.load import load_run
from rankaae_cli.schema.finished_run import CheckRows, Others, ReportConfig
from tests.configuration import composed
from tests.conftest import in_process, save_blank_figures

HOSTILE = "<script>alert('x')</script>, \"q\" $\\frac{a_b&"
NAMES = ["OS", "CN", "NNRS"]


def call(cwd, *arguments):
    done = in_process(cwd, *arguments)
    assert done.returncode == 0, done.stderr
    return done


@pytest.fixture(scope="module")
def run_directory(tmp_path_factory):
    """A run of two trials and three epochs on materials with hostile names, one descriptor partly unknown."""
    folder = tmp_path_factory.mktemp("work")
    family = synthetic_family("Fe_oxides", "Fe", "K", np.linspace(7111, 7175, 40), NAMES, 160)
    descriptors = family.descriptors_NK.copy()
    descriptors[::2, 2] = np.nan
    materials = np.array([f"{HOSTILE} {m}" for m in family.material_N], dtype=object)
    family = replace(
        family, descriptors_NK=descriptors, material_N=materials, split_N=split_by_material(materials)
    )
    write_family(folder / "fe.h5", family)
    small = ("trials=2", "max_epochs=3", "model.hidden=8", "device=cpu", "batch_size=64")
    done = call(folder, "train", "+family=Fe_oxides", "data=fe.h5", *small)
    return folder / done.stdout.splitlines()[-1]


@pytest.fixture(scope="module")
def page(run_directory):
    """The page as the command line makes it, which evaluates and traverses on the way."""
    with pytest.MonkeyPatch.context() as patch:
        save_blank_figures(patch, drawn=("png",))  # fonts in a PDF take as long as all else
        done = call(run_directory, "report", f"run={run_directory}")
    assert "no evaluation of the test split" in done.stderr and "no traversal" in done.stderr
    assert len(done.stderr.splitlines()) == 2, done.stderr
    assert "SYNTHETIC DATA" in done.stdout
    path = done.stdout.splitlines()[-1]
    assert path == str(run_directory / "report" / "report.html")
    return (run_directory / "report" / "report.html").read_text(encoding="utf-8")


def keys(content):
    """All keys, at every depth."""
    return {k: keys(v) for k, v in content.items()} if isinstance(content, dict) else None


def strict(path):
    return json.loads(path.read_text(), parse_constant=lambda name: pytest.fail(f"{path} holds {name}"))


def test_report_leaves_everything_the_design_promises(run_directory, page):
    there = {str(p.relative_to(run_directory)) for p in run_directory.rglob("*") if p.is_file()}
    styles = [*NAMES, "free_1"]
    expected = {"evaluation/metrics.json", "evaluation/trials.csv", "evaluation/predictions.csv"}
    tables = ("reconstruction_error", "leakage", "associations", "near_duplicates", "importance")
    expected |= {f"evaluation/{t}.csv" for t in tables}
    drawn = ["confusion", "worst_spectra", "coupling", "normality", "leakage", "trials", "associations"]
    expected |= {f"evaluation/{f}.{x}" for f in drawn for x in ("png", "pdf")}
    expected |= {f"report/figures/{f}.pdf" for f in (*drawn, "traversal_OS_check", "traversal_stability")}
    expected |= {f"report/tables/{t}.{x}" for t in ("styles", "associations") for x in ("csv", "tex")}
    expected |= {f"traversal/{s}.{x}" for s in styles for x in ("csv", "png", "pdf")} | {
        "traversal/traversal.json"
    }
    together = ("overview", "overview_free", "stability", "map_main_peak", "map_edge")
    expected |= {f"traversal/{o}.{x}" for o in together for x in ("csv", "png", "pdf")}
    expected |= {
        f"traversal/{s}_{what}.{x}"
        for s in NAMES
        for what in ("sensitivity", "check")
        for x in ("csv", "png", "pdf")
    }
    expected |= {
        f"report/tables/{t}.{x}" for t in ("descriptors", "trials", "traversals") for x in ("csv", "tex")
    }
    expected |= {
        f"report/figures/{f}.pdf" for f in ("style_vs_descriptor", "traversal_OS", "training_losses")
    }
    assert expected <= there
    assert not [p for p in there if p.rsplit("/", 1)[-1].startswith(".")]


def test_metrics_hold_the_contract(run_directory, page):
    metrics = strict(run_directory / "evaluation" / "metrics.json")
    assert metrics["split"] == "test" and metrics["synthetic"] is True and len(metrics["trials"]) == 2
    assert metrics["trials"][metrics["selected_trial"]]["rank"] == 1
    assert metrics["n"] == len(pd.read_csv(run_directory / "evaluation" / "predictions.csv"))
    for part in (metrics["ensemble"], *metrics["trials"]):
        assert list(part["descriptors"]) == NAMES
        for name, scores in part["descriptors"].items():
            assert {"spearman", "kendall", "r2", "mae"} <= set(scores)
            of_classes = {"f1", "balanced_accuracy", "confusion", "classes", "cuts"}
            assert of_classes & set(scores) == (of_classes if name in ("OS", "CN") else set())
            for key, (low, high) in scores["interval"].items():
                assert low <= high and key in scores, (name, key)
            assert set(scores["interval"]) >= {"spearman", "kendall", "r2", "mae"}
        assert {"max_abs_spearman", "excess", "excess_permuted"} == set(part["inter_style"])
        assert {"mae", "mse"} == set(part["reconstruction"])
        assert part["shapiro_min"] == min(part["shapiro"]) and set(part["interval"]) == {
            "mean_spearman",
            "reconstruction_mae",
        }
    assert sum(metrics["verdicts"].values()) == metrics["n"]
    assert metrics["interval_level"] == 0.95 and metrics["resamples"] == 1000


def test_choice_is_recorded_with_its_reason_and_both_scores(run_directory, page):
    metrics = strict(run_directory / "evaluation" / "metrics.json")
    choice, table = metrics["choice"], pd.read_csv(run_directory / "evaluation" / "trials.csv")
    assert choice["trial"] == metrics["selected_trial"] and choice["published_choice"] in (0, 1, None)
    assert f"trial {choice['trial']}: validation score" in choice["reason"] and choice["reason"] in page
    for t, trial in enumerate(choice["trials"]):
        row = table.loc[t]
        assert row["validation_score"] == pytest.approx(trial["score"], rel=1e-4)
        assert row["published_score"] == pytest.approx(trial["published_score"], rel=1e-4)
        assert (row["rank"], row["published_rank"]) == (trial["rank"], trial["published_rank"])
    assert sorted(table["published_rank"]) == ([1, 1] if choice["published_choice"] is None else [1, 2])
    assert table["published_score"].sum() == pytest.approx(0, abs=1e-4)  # z-scores


def test_styles_are_described_and_free_ones_held_against_descriptors(run_directory, page):
    folder = run_directory / "evaluation"
    metrics, styles = strict(folder / "metrics.json"), list(load_run(str(run_directory))[1].style_names)
    assert set(metrics["disentanglement"]) == {"selected_trial", "ensemble"}
    for measured in metrics["disentanglement"].values():
        assert set(measured["dci"]) == {"disentanglement", "completeness", "informativeness"}
        assert {"mig", "sap"} <= set(measured) and measured["dci"]["informativeness"] is not None
    matrix = np.array(metrics["leakage"]["matrix"])
    table = pd.read_csv(folder / "leakage.csv", index_col="walked")
    assert list(table.columns) == list(table.index) == styles == metrics["leakage"]["styles"]
    np.testing.assert_allclose(table, matrix, rtol=1e-4)
    assert np.shape(metrics["leakage"]["named_mean"]) == (3, 3)
    assert metrics["leakage"]["largest"] == np.max(matrix[~np.eye(len(styles), dtype=bool)])
    rho = np.array(metrics["coupling"]["between_styles"])
    largest = np.abs(rho[~np.eye(len(styles), dtype=bool)]).max()
    selected = metrics["trials"][metrics["selected_trial"]]
    assert selected["inter_style"]["max_abs_spearman"] == pytest.approx(largest)
    pairs = pd.read_csv(folder / "associations.csv")
    assert set(pairs["style"]) == set(styles[3:]) and list(pairs.columns[:5]) == [
        *("style", "quantity", "rows", "spearman", "partial"),
    ]
    # Synthetic families hold no further quantities.
    assert set(pairs["quantity"]) == set(NAMES)
    assert any("ingest writes quantities" in line for line in metrics["associations"]["findings"])
    assert "ingest writes quantities" in page


def test_errors_at_each_energy_average_to_the_whole(run_directory, page):
    table = pd.read_csv(run_directory / "evaluation" / "reconstruction_error.csv")
    metrics = strict(run_directory / "evaluation" / "metrics.json")
    whole = metrics["ensemble"]["reconstruction"]["mae"]
    assert len(table) == 40 and table["mean_absolute_error"].mean() == pytest.approx(whole, rel=1e-4)
    assert (table["error_p05"] <= table["error_p95"]).all()


def test_confusion_and_f1_follow_from_the_thresholds(run_directory, page):
    _, model, family = load_run(str(run_directory))
    metrics, reading = (
        strict(run_directory / "evaluation" / "metrics.json"),
        encode_split(model, family, "test"),
    )
    for k, name in ((0, "OS"), (1, "CN")):
        score, true = metrics["ensemble"]["descriptors"][name], reading.descriptors_NK[:, k]
        assert np.sum(score["confusion"]) == np.isfinite(true).sum()
        assert score["cuts"] == sorted(score["cuts"])
        diagonal = np.trace(score["confusion"])
        validation = encode_split(model, family, "validation")
        seen = np.unique(np.round(validation.descriptors_NK[:, k]))
        read = seen[np.searchsorted(score["cuts"], reading.ensemble_indicators_NK[:, k], side="right")]
        assert (read == np.round(true)).sum() == diagonal


def test_quantities_of_the_family_are_held_against_free_styles(run_directory, tmp_path, monkeypatch):
    monkeypatch.setattr("rankaae_cli.reports.figures.drawing.save_figure", lambda *_: None)  # the slow part
    shutil.copytree(run_directory / "checkpoints", tmp_path / "checkpoints")
    _, model, family = load_run(str(run_directory))
    free_N = model.encode(family.spectra_NE)[model.selected_trial, :, 3]
    everywhere = replace(
        family,
        quantities_NQ=np.stack([-(free_N**3), np.ones(len(free_N))], axis=1),
        quantity_names=("BVS", "SSN"),
        quantity_units=("v.u.", "1"),
        split_N=np.arange(len(free_N)) % 3,
    )
    found = write_evaluation(tmp_path, model, everywhere, "test", resamples=20)["associations"]
    first = found["standing_out"][0]
    assert (first["style"], first["quantity"]) == ("free_1", "BVS") and first["partial"] < -0.9
    assert "bond-valence sum (BVS)" in found["findings"][0] and "ingest" not in found["findings"][-1]


def test_predictions_agree_with_the_metrics(run_directory, page):
    table = pd.read_csv(run_directory / "evaluation" / "predictions.csv")
    metrics = strict(run_directory / "evaluation" / "metrics.json")
    assert list(table.columns[:6]) == ["material", "site", "OS", "OS_low", "OS_high", "OS_true"]
    assert list(table.columns[-3:]) == ["reconstruction_mae", "novelty", "verdict"]
    assert len(table) == metrics["n"] and table["material"].str.startswith(HOSTILE).all()
    for name in NAMES:
        scores, known = metrics["ensemble"]["descriptors"][name], table[f"{name}_true"].notna()
        assert known.sum() == scores["n"] and table.loc[known, name].notna().all()
        error = (table[name] - table[f"{name}_true"]).abs()
        assert error.mean() == pytest.approx(scores["mae"], rel=1e-3)
        width = table[f"{name}_high"] - table[f"{name}_low"]
        assert width.mean() / 2 == pytest.approx(scores["interval_half_width"], rel=1e-3)
        within = table[f"{name}_true"].between(table[f"{name}_low"], table[f"{name}_high"])
        assert within[known].mean() == pytest.approx(scores["interval_coverage"], abs=0.02)
        groups = scores["coverage"]
        assert {group["group"] for group in groups} == {"class" if "f1" in scores else "decile"}
        assert sum(group["n"] for group in groups) == scores["n"]
        shares = sum(group["n"] * group["coverage"] for group in groups) / scores["n"]
        assert shares == pytest.approx(scores["interval_coverage"])
        assert all(low <= group["coverage"] <= high for group in groups for low, high in [group["interval"]])
    assert table["reconstruction_mae"].mean() == pytest.approx(
        metrics["ensemble"]["reconstruction"]["mae"], rel=1e-3
    )
    assert ((table["novelty"] <= 1) == (table["verdict"] == "in range")).all()


def test_traversal_tables_are_consistent(run_directory, page):
    content = strict(run_directory / "traversal" / "traversal.json")
    for name, style in content["styles"].items():
        table = pd.read_csv(run_directory / "traversal" / f"{name}.csv")
        assert list(table.columns[:12]) == ["energy", *(f"p{p:02d}" for p in range(5, 96, 9))]
        np.testing.assert_allclose(table["p95"] - table["p05"], table["difference"], atol=1e-6)
        assert (table["draws_low"] <= table["draws_high"]).all()
        averaged = [c for c in table if c.startswith("difference_trial_")]
        assert len(averaged) == style["n_trials"] == (2 if name in NAMES else 1)
        np.testing.assert_allclose(table[averaged].mean(axis=1), table["difference"], atol=1e-6)
        if name in NAMES:
            assert (table["trials_low"] <= table["difference"] + 1e-7).all()
            assert (table["difference"] <= table["trials_high"] + 1e-7).all()
        assert ("true_response_synthetic" in table) == (name in NAMES)
        if name in NAMES:
            r = np.corrcoef(table["difference"], table["true_response_synthetic"])[0, 1]
            assert style["pearson_true_response"] == pytest.approx(r, abs=1e-4)
            assert np.all(np.diff(style["descriptor"]) >= 0)
        else:
            assert style["descriptor"] is None and style["pearson_true_response"] is None


def test_checks_sensitivities_and_trends_are_consistent(run_directory, page):
    content = strict(run_directory / "traversal" / "traversal.json")
    assert (content["others"], content["check_rows"], content["n_trials"]) == ("data", "held_out", 2)
    assert len(content["pairs"]) == 3 and all(0 <= p["interaction_share"] <= 1 for p in content["pairs"])
    for name in NAMES:
        style, folder = content["styles"][name], run_directory / "traversal"
        slopes, check = (pd.read_csv(folder / f"{name}_{what}.csv") for what in ("sensitivity", "check"))
        described = style["sensitivity"]
        if described["unknown_because"] is None:
            assert slopes["significant"].mean() == pytest.approx(described["significant_share"])
        else:
            assert slopes["sensitivity"].isna().all() and name in described["unknown_because"]
        assert set(style["trends"]) == {"edge_shift_eV", "main_peak_change", "main_peak_shift_eV"}
        assert style["check"]["remark"].startswith(f"{name}: ")
        incomparable = style["check"]["not_comparable_because"] is not None
        assert check["data_difference"].isna().all() == incomparable


@pytest.mark.parametrize(
    "keys", [{"others": Others.independent}, {"check_rows": CheckRows.test}, {"check_rows": CheckRows.all}]
)
def test_traversal_follows_its_keys(run_directory, tmp_path, monkeypatch, keys):
    monkeypatch.setattr(traversal_figures, "save_figure", lambda *_: None)  # the slow part
    shutil.copytree(run_directory / "checkpoints", tmp_path / "checkpoints")
    _, model, family = load_run(str(run_directory))
    values = {key: value.value for key, value in keys.items()}
    content = traversal_figures.write_traversal(tmp_path, model, family, levels=3, draws=20, **values)
    assert {key: content[key] for key in values} == values
    if content["check_rows"] == "all":  # enough spectra for some bins
        checks = {n: content["styles"][n]["check"] for n in NAMES}
        checks = {n: check for n, check in checks.items() if check["not_comparable_because"] is None}
        assert checks
        for name, check in checks.items():
            table = pd.read_csv(tmp_path / "traversal" / f"{name}_check.csv")
            r = np.corrcoef(table["traversal"], table["data_difference"])[0, 1]
            assert check["pearson"] == check["pearson_all_rows"] == pytest.approx(r, abs=1e-4)
            assert all(10 <= side["matched_rows"] <= side["rows"] for side in check["bins"].values())
    assert all(
        p.is_file()
        for p in traversal_figures.traversal_files(tmp_path, model)
        if p.suffix in (".csv", ".json")
    )


def test_page_shows_hostile_names_as_text_and_says_synthetic(page):
    assert "alert('x')" not in page and "Synthetic data." in page
    assert "data:image/webp;base64," in page and 'src="http' not in page and "file://" not in page


def test_page_is_small_and_its_links_lead_to_files(run_directory, page):
    assert len(page.encode()) < 6e6
    links = re.findall(r'<a href="((?:figures|tables)/[^"]+)" download>', page)
    missing = [link for link in links if not (run_directory / "report" / link).stat().st_size]
    assert not missing and {"tables/trials.csv", "tables/descriptors.tex"} <= set(links)
    live = set(re.findall(r'<div class="plot" data-name="([^"]+)"', page))
    still = {"traversal_map_main_peak", "traversal_map_edge"}
    assert {"style_vs_descriptor", "traversal_OS", "traversal_free_1", "training_losses"} <= live
    # Heat maps whose cells print their numbers need no interactive figure.
    printed = {"confusion", "coupling", "leakage", "trials"}
    assert not printed & live
    for name in live | still | printed:
        assert {f"figures/{name}.pdf", f"figures/{name}.csv"} <= set(links), name
    assert len(pd.read_csv(run_directory / "report" / "figures" / "style_vs_descriptor.csv")) > 0


def test_page_gives_commands_with_the_settings_that_were_used(run_directory, page):
    for command in (
        "rankaae train +family=Fe_oxides data=fe.h5 trials=2",
        f"rankaae evaluate run=runs/{run_directory.relative_to(run_directory.parents[2])} split=test resamples=",
        "levels=11 draws=500 seed=0 others=data check_rows=held_out",
    ):
        assert command in page, command


def test_another_split_goes_beside(run_directory, page, capsys, blank_figures):
    before = (run_directory / "evaluation" / "metrics.json").read_bytes()
    metrics = evaluate.run(composed("evaluate", f"run={run_directory}", "split=validation", "resamples=20"))
    folder = run_directory / "evaluation" / "validation"
    assert capsys.readouterr().out.splitlines()[-1] == str(folder)
    assert strict(folder / "metrics.json")["n"] == metrics["n"] > 0 and metrics["split"] == "validation"
    for measured in strict(folder / "metrics.json")["disentanglement"].values():
        assert measured["dci"]["informativeness"] is None and measured["mig"] is not None
    assert (run_directory / "evaluation" / "metrics.json").read_bytes() == before


def missed(run_directory, path, content, capsys):
    """What a report says of results one file of which is wrong, where making them gives that file its content."""
    with pytest.MonkeyPatch.context() as patch:
        for part in ("evaluation", "traversal"):
            patch.setattr(results, f"write_{part}", lambda *_: path.write_bytes(content))
        results.completed_results(*load_run(str(run_directory)))
    err = capsys.readouterr().err
    assert len(err.splitlines()) == 1 and path.read_bytes() == content, err
    return err


def test_report_makes_again_only_what_is_outdated(run_directory, page, capsys, monkeypatch, blank_figures):
    monkeypatch.setattr(traversal_figures, "save_figure", lambda *_, **__: None)  # the slow part
    path = run_directory / "traversal" / "traversal.json"
    before = (run_directory / "evaluation" / "metrics.json").stat().st_mtime_ns
    content = path.read_bytes()
    path.write_text(json.dumps({**strict(path), "checkpoint_sha256": "of another model"}))
    assert "outdated traversal" in missed(run_directory, path, content, capsys)
    path.write_text(json.dumps({**strict(path), "format_version": 0}))
    report.run(OmegaConf.structured(ReportConfig(run=str(run_directory))))
    assert "outdated traversal" in capsys.readouterr().err and path.read_bytes() == content
    assert (run_directory / "evaluation" / "metrics.json").stat().st_mtime_ns == before


def test_a_report_of_what_is_current_encodes_nothing(run_directory, page, monkeypatch, blank_figures):
    model = load_run(str(run_directory))[1]
    monkeypatch.setattr(type(model), "encode", lambda *_: pytest.fail("spectra are encoded again"))
    report.run(OmegaConf.structured(ReportConfig(run=str(run_directory))))


LOST = {
    "evaluation/style_vs_descriptor.pdf": "incomplete evaluation of the test split",
    "evaluation/predictions.csv": "incomplete evaluation of the test split",
    "evaluation/confusion.png": "incomplete evaluation of the test split",
    "evaluation/associations.csv": "incomplete evaluation of the test split",
    "evaluation/normality.csv": "incomplete evaluation of the test split",
    "traversal/overview_free.png": "incomplete traversal",
}


@pytest.mark.parametrize(("lost", "said"), LOST.items())
def test_a_report_misses_each_file_that_was_deleted(run_directory, page, capsys, lost, said):
    path = run_directory / lost
    content = path.read_bytes()
    path.unlink()
    assert said in missed(run_directory, path, content, capsys)


def test_report_replaces_what_was_deleted(run_directory, page, capsys, monkeypatch):
    save = drawing.save_figure

    def save_what_is_missing(figure, stem, formats=drawing.FORMATS):
        """Drawing all the others again is the slow part."""
        missing = [f for f in formats if not stem.with_name(f"{stem.name}.{f}").is_file()]
        return save(figure, stem, missing)

    for module in (drawing, traversal_figures):
        monkeypatch.setattr(module, "save_figure", save_what_is_missing)
    for lost in LOST:
        (run_directory / lost).unlink()
    report.run(OmegaConf.structured(ReportConfig(run=str(run_directory))))
    err = capsys.readouterr().err
    assert all(said in err for said in LOST.values()) and len(err.splitlines()) == 2
    assert all((run_directory / lost).is_file() for lost in LOST)


def test_copies_on_the_test_side_and_shared_formulas_are_listed(run_directory):
    _, model, family = load_run(str(run_directory))
    train, test = (np.flatnonzero(family.split_N == side) for side in (TRAIN, TEST))
    spectra = family.spectra_NE[:].copy()
    spectra[test[1]] = spectra[train[2]]
    formula_N = np.array([f"F{i}" for i in range(len(family))], dtype=object)
    formula_N[test[0]] = formula_N[train[5]]
    changed = replace(family, spectra_NE=spectra, groups={"formula": formula_N})
    about, table = find_near_duplicates(encode_run(model, changed, "test"))
    first = table.iloc[0]
    assert (first["material"], first["site"]) == (family.material_N[test[1]], family.site_N[test[1]])
    assert first["train_material"] == family.material_N[train[2]] and first["nearly_the_same"]
    assert about["spectra"] == table["nearly_the_same"].sum() >= 1 and about["materials"] == 1
    assert table["same_formula"].sum() == 1
    assert find_near_duplicates(encode_run(model, family, "test"))[0]["materials"] is None


def test_a_split_of_one_spectrum_is_evaluated_without_a_warning(run_directory, tmp_path):
    shutil.copytree(run_directory / "checkpoints", tmp_path / "checkpoints")
    _, model, family = load_run(str(run_directory))
    split = np.where(family.split_N == 2, 0, family.split_N)
    split[0] = 2
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        write_evaluation(tmp_path, model, replace(family, split_N=split), "test", resamples=20)
    metrics = strict(tmp_path / "evaluation" / "metrics.json")
    assert metrics["n"] == 1 and metrics["ensemble"]["inter_style"]["excess"] is None
    assert metrics["ensemble"]["reconstruction"]["mae"] > 0


def test_a_diverged_trial_is_left_out_and_named(run_directory, tmp_path, blank_figures):
    shutil.copytree(run_directory / "checkpoints", tmp_path / "checkpoints")
    _, model, family = load_run(str(run_directory))
    lost = 1 - model.selected_trial
    model.failed_T[lost] = "the loss is NaN"
    model.calibration["trials"][lost] = None
    model.scores_T[lost] = 1 + model.scores_T[model.selected_trial]  # the best, before it diverged
    write_evaluation(tmp_path, model, family, "test", resamples=20)
    metrics = strict(tmp_path / "evaluation" / "metrics.json")
    kept, trial = metrics["trials"][model.selected_trial], metrics["trials"][lost]
    assert trial["failed"] == "the loss is NaN" and trial["descriptors"]["OS"]["spearman"] is None
    for part in (*trial["descriptors"].values(), *kept["descriptors"].values()):
        del part["interval"]  # unknown as a whole
    assert trial.pop("interval")["mean_spearman"] is None and kept.pop("interval")
    assert (
        keys(trial) == keys(kept)
        and trial["published_rank"] is trial["rank"] is None
        and kept["rank"] == 1
        and trial["descriptors"]["OS"]["n"] == kept["descriptors"]["OS"]["n"]
    )
    assert metrics["ensemble"]["n_trials"] == 1
    assert metrics["ensemble"]["mean_spearman"] == pytest.approx(kept["mean_spearman"])
    assert pd.read_csv(tmp_path / "evaluation" / "trials.csv").loc[lost, "failed"] == "the loss is NaN"


@pytest.mark.parametrize(("split", "sides"), [("test", [0, 1, 2]), ("validation", [0, 1])])
def test_each_split_is_encoded_once_an_evaluation(run_directory, tmp_path, monkeypatch, split, sides):
    shutil.copytree(run_directory / "checkpoints", tmp_path / "checkpoints")
    _, model, family = load_run(str(run_directory))
    encoded = []
    encode = type(model).encode

    def counted(self, spectra_NE):
        encoded.append(spectra_NE)
        return encode(self, spectra_NE)

    monkeypatch.setattr(type(model), "encode", counted)
    # Which reads changed spectra, and those that it compares them with.
    monkeypatch.setattr(evaluating, "find_importance", lambda *_: ({}, pd.DataFrame()))
    for _ in range(2):  # what predictions rest on is not kept yet, then it is
        encoded.clear()
        evaluate_split(tmp_path, model, family, split, resamples=5)
        assert (tmp_path / "prediction" / "calibration.npz").is_file()
        rows = [family.spectra_NE[family.split_N == side] for side in range(3)]
        seen = sorted(side for spectra in encoded for side in range(3) if np.array_equal(spectra, rows[side]))
        assert seen == sides and len(encoded) == len(sides)


def test_an_evaluation_has_a_table_behind_each_figure(run_directory, page):
    folder = run_directory / "evaluation"
    model = load_run(str(run_directory))[1]
    for name in figure_names(model):
        table = (folder / table_of(name)).read_bytes()
        assert table and (run_directory / "report" / "figures" / f"{name}.csv").read_bytes() == table
    assert {p.name for p in folder.glob("*.csv")} == set(table_names(model))


def test_what_papers_need_lies_beside_the_page(run_directory, page):
    report_folder = run_directory / "report"
    latex = (report_folder / "methods.tex").read_text()
    bibliography = (report_folder / "references.bib").read_text()
    cited = {key for keys in re.findall(r"\\cite\{([^}]*)\}", latex) for key in keys.split(",")}
    assert cited == set(re.findall(r"^@\w+\{(.*),$", bibliography, re.MULTILINE))
    assert "All data are synthetic: 160 Fe K-edge spectra" in latex
    assert "were trained for 3 epochs (64 spectra a batch at most, 6 batches; seed 0)" in latex
    assert "80 for NNRS" in latex
    checkpoint = hashlib.sha256((run_directory / "checkpoints" / "best.ckpt").read_bytes()).hexdigest()
    assert checkpoint in (report_folder / "model_card.md").read_text()
    assert {path.name for path in (report_folder / "style").iterdir()} == {"column.mplstyle", "page.mplstyle"}
    assert 'id="papers"' in page and "@article{liang2023rankaae," in page
