"""`rankaae evaluate baselines=...` on a tiny run, and that nothing fitted sees the test split."""

import json
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from omegaconf import OmegaConf
from scipy import stats

from rankaae_cli.analysis.encoded import encode_run
from rankaae_cli.analysis.evaluation.baselines import chosen_baselines, fit_and_score, fitting_rows
from rankaae_cli.analysis.evaluation.scores import fit_on_validation
from rankaae_cli.cli import main
from rankaae_cli.commands import evaluate, report
from rankaae_cli.core.errors import UserError
from rankaae_cli.core.styles.disentanglement import dci
from rankaae_cli.data.family.family_file import read_family, write_family
from rankaae_cli.data.family.splits import TEST, VALIDATION
from rankaae_cli.data.family.synthetic import synthetic_family
from rankaae_cli.models.baselines import BASELINES
from rankaae_cli.models.rankaae.validation import COUPLING_WEIGHT, RECONSTRUCTION_WEIGHT
from rankaae_cli.models.registry import load_model
from rankaae_cli.models.supervised.baselines import fit_reading
from rankaae_cli.models.supervised.inputs import DERIVATIVES
from rankaae_cli.runs.load import load_run
from tests.configuration import composed
from tests.conftest import save_blank_figures

NAMES = ["OS", "CN", "NNRS"]
TINY = [
    *(
        f"baseline_settings.{forest}.trees=10"
        for forest in ("extra_trees", "random_forest", "derivative_trees")
    ),
    *(
        f"baseline_settings.{network}.{key}"
        for network in ("supervised_network", "aae", "vae")
        for key in ("max_epochs=2", "hidden=8", "layers=1", "batch_size=50")
    ),
    *("baseline_settings.supervised_network.members=2", "baseline_settings.aae.trials=2"),
]
ONLY_READ = (
    *("extra_trees", "random_forest", "derivative_trees", "kernel_ridge", "blend", "supervised_network"),
    "average",
)


def read_by(rows, inputs, **parts):
    """What reads descriptors by a reader of these parts."""
    return fit_reading(rows, parts, inputs, 1, 0, 1, lambda *_: None).read


@pytest.fixture(scope="module")
def runs(tmp_path_factory):
    """Two runs on files that differ in the test rows alone, which are noise in the second."""
    folder = tmp_path_factory.mktemp("work")
    family = synthetic_family("Fe_oxides", "Fe", "K", np.linspace(7111, 7175, 40), NAMES, 200)
    descriptors_NK = family.descriptors_NK.copy()
    descriptors_NK[::2, 2] = np.nan
    family = replace(family, descriptors_NK=descriptors_NK)
    rng = np.random.default_rng(0)
    test_N = family.split_N == TEST
    noise_NE, noise_NK = family.spectra_NE.copy(), descriptors_NK.copy()
    noise_NE[test_N] = rng.uniform(0, 2, (test_N.sum(), 40))
    noise_NK[test_N] = rng.uniform(2, 7, (test_N.sum(), 3))
    noise = replace(family, spectra_NE=noise_NE, descriptors_NK=noise_NK)
    directories = []
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(folder)
        for name, content in (("fe", family), ("noise", noise)):
            write_family(folder / f"{name}.h5", content)
            run = f"hydra.run.dir={folder / name}"
            small = ("trials=2", "max_epochs=2", "model.hidden=8", "batch_size=50", "device=cpu")
            assert main(["train", "+family=Fe_oxides", f"data={name}.h5", run, *small]) == 0
            directories.append(folder / name)
    return directories


def call(run, *overrides):
    return evaluate.run(composed("evaluate", f"run={run}", "resamples=50", *TINY, *overrides))


def strict(path):
    return json.loads(path.read_text(), parse_constant=lambda name: pytest.fail(f"{path} holds {name}"))


@pytest.fixture(scope="module")
def content(runs):
    with pytest.MonkeyPatch.context() as patch:
        save_blank_figures(patch)
        metrics = call(runs[0], "baselines=all")
    content = strict(runs[0] / "evaluation" / "baselines.json")
    assert content["checkpoint_sha256"] == metrics["checkpoint_sha256"]
    return content


def test_every_row_is_finite_where_the_method_can(runs, content):
    assert [row["name"] for row in content["rows"]] == ["trial", "ensemble", "average", *BASELINES]
    for row in content["rows"]:
        assert list(row["descriptors"]) == NAMES
        for score in row["descriptors"].values():
            assert all(np.isfinite(score[key]) for key in ("r2", "mae")), row["name"]
            assert (score["spearman"] is not None) == row["reads"]
        assert (row["mean_spearman"] is not None) == row["reads"] == (row["name"] != "mean_spectrum")
        generates = row["name"] not in ONLY_READ
        assert row["generates"] == (row["reconstruction"] is not None) == generates
        assert row["has_styles"] == (row["styles"] is not None)
        assert row["parameters"] > 0 and row["seconds"] >= 0
        if row["has_styles"]:
            assert np.isfinite([row["styles"]["mean_spearman"], row["styles"]["inter_style"]["excess"]]).all()
    table = pd.read_csv(runs[0] / "evaluation" / "baselines.csv").set_index("name")
    written = content["rows"][-1]["descriptors"]["OS"]["spearman"]
    assert table.loc["vae", "OS_spearman"] == pytest.approx(written, abs=1e-5)
    assert table.loc["extra_trees", "generates"] == "no"
    assert np.isnan(table.loc["extra_trees", "reconstruction_mae"])


def test_the_ensemble_is_compared_with_each_over_the_same_materials(runs, content):
    """By hand: Spearman's correlations of gathered rows, material by material."""
    _, model, family = load_run(str(runs[0]))
    rows = np.flatnonzero(family.split_N == TEST)
    spectra_NE, descriptors_NK = family.spectra_NE[rows], family.descriptors_NK[rows]
    of_model_NK = encode_run(model, family, "test").split.ensemble_indicators_NK
    settings = OmegaConf.to_object(composed("evaluate", *TINY).baseline_settings)
    ridge_NK = read_by(fitting_rows(family), DERIVATIVES, kernel_ridge=settings.kernel_ridge)(spectra_NE)

    def mean_rho(read_NK, taken_N):
        pairs = [(read_NK[taken_N, k], descriptors_NK[taken_N, k]) for k in range(3)]
        return np.mean([stats.spearmanr(r, d, nan_policy="omit").statistic for r, d in pairs])

    materials, of_row_N = np.unique(family.material_N[rows].astype(str), return_inverse=True)
    counts_RM = np.random.default_rng(0).multinomial(
        len(materials), np.full(len(materials), 1 / len(materials)), size=50
    )
    differences = [
        mean_rho(of_model_NK, taken_N) - mean_rho(ridge_NK, taken_N)
        for taken_N in (np.repeat(np.arange(len(rows)), counts_M[of_row_N]) for counts_M in counts_RM)
    ]
    ahead = {row["name"]: row["ensemble_ahead"] for row in content["rows"]}
    every = np.arange(len(rows))
    assert ahead["kernel_ridge"]["difference"] == pytest.approx(
        mean_rho(of_model_NK, every) - mean_rho(ridge_NK, every), abs=1e-4
    )
    interval = np.quantile(differences, [0.025, 0.975])
    np.testing.assert_allclose(ahead["kernel_ridge"]["interval"], interval, atol=2e-3)
    assert ahead["kernel_ridge"]["resamples"] == 50
    assert [name for name, of in ahead.items() if of is None] == ["trial", "ensemble", "mean_spectrum"]
    table = pd.read_csv(runs[0] / "evaluation" / "baselines.csv").set_index("name")
    low, high = ahead["blend"]["interval"]
    assert table.loc["blend", ["ensemble_ahead_low", "ensemble_ahead_high"]].tolist() == pytest.approx(
        [low, high], abs=1e-5
    )


def test_average_is_that_of_what_ensemble_and_blend_read(runs, content):
    _, model, family = load_run(str(runs[0]))
    rows, split = family.split_N == TEST, encode_run(model, family, "test").split
    settings = OmegaConf.to_object(composed("evaluate", *TINY).baseline_settings)
    parts = {"extra_trees": settings.derivative_trees, "kernel_ridge": settings.kernel_ridge}
    blend = read_by(fitting_rows(family), DERIVATIVES, **parts)
    read_NK = (split.ensemble_values_NK + blend(family.spectra_NE[rows])) / 2
    average = next(row for row in content["rows"] if row["name"] == "average")
    for k, name in enumerate(NAMES):
        error = np.nanmean(np.abs(read_NK[:, k] - family.descriptors_NK[rows, k]))
        assert average["descriptors"][name]["mae"] == pytest.approx(error, rel=1e-5)
        rho = stats.spearmanr(read_NK[:, k], family.descriptors_NK[rows, k], nan_policy="omit").statistic
        assert average["descriptors"][name]["spearman"] == pytest.approx(rho, abs=1e-4)


def test_rows_of_the_model_are_those_of_its_evaluation(runs, content):
    metrics = strict(runs[0] / "evaluation" / "metrics.json")
    trial, ensemble = content["rows"][:2]
    assert trial["mean_spearman"] == metrics["trials"][metrics["selected_trial"]]["mean_spearman"]
    assert ensemble["reconstruction"] == metrics["ensemble"]["reconstruction"]
    assert ensemble["styles"]["inter_style"] == metrics["ensemble"]["inter_style"]
    of_trial = metrics["trials"][metrics["selected_trial"]]
    assert trial["styles"]["inter_style"] == of_trial["inter_style_named"] != of_trial["inter_style"]
    assert ensemble["parameters"] == 2 * trial["parameters"]


def test_nothing_that_is_fitted_sees_the_test_split(runs):
    first, second = (load_model(run / "checkpoints" / "best.ckpt").to_dict() for run in runs)
    for name, value in first["weights"].items():
        assert value.equal(second["weights"][name]), name
    for name in ("selected_trial", "failed_T", "calibration"):
        assert first[name] == second[name], name
    for name in ("scores_T", "best_epoch_T", "style_mean_TS", "style_std_TS"):
        assert first[name].equal(second[name]), name

    settings = OmegaConf.to_object(composed("evaluate", *TINY).baseline_settings)
    family, noise = (read_family(run.with_suffix(".h5")) for run in runs)
    assert not np.array_equal(family.spectra_NE, noise.spectra_NE)
    test_N = family.split_N == TEST
    fitted = [
        fit_and_score(
            fitting_rows(seen),
            family.spectra_NE[test_N],
            family.descriptors_NK[test_N],
            NAMES,
            list(BASELINES),
            settings,
            styles=5,
            seed=0,
            threads=1,
        )
        for seen in (family, noise)
    ]
    for one, other in zip(*fitted, strict=True):
        del one["seconds"], other["seconds"]
        assert repr(one) == repr(other)


def fitted_on_validation(run, family=None):
    """What evaluating fits and chooses: thresholds, trees of DCI, and both scores of every trial."""
    _, model, own = load_run(str(run))
    family = family or own
    run = encode_run(model, family, "test")
    fitted, validation = fit_on_validation(run), run.validation
    assert all(cuts["CN"] is not None for cuts in (fitted.ensemble_cuts, *fitted.trial_cuts))
    styles_NS = validation.styles_TNS[model.selected_trial]
    trees = dci(styles_NS, validation.descriptors_NK, styles_NS, validation.descriptors_NK, [None] * 3)
    return repr(fitted) + repr(trees.importance_SK.tolist())


def test_thresholds_and_choice_do_not_see_the_test_split(runs, blank_figures):
    one, other = (fitted_on_validation(run) for run in runs)
    assert one == other
    metrics = [call(run) for run in runs]
    assert metrics[0]["ensemble"]["mean_spearman"] != metrics[1]["ensemble"]["mean_spearman"]
    for key in ("choice", "leakage"):
        assert repr(metrics[0][key]) == repr(metrics[1][key]), key
    for name in ("OS", "CN"):
        cuts = [m["ensemble"]["descriptors"][name]["cuts"] for m in metrics]
        assert cuts[0] == cuts[1]


def test_thresholds_and_choice_do_see_the_validation_split(runs):
    """The test above can fail."""
    family = read_family(runs[0].with_suffix(".h5"))
    spectra_NE = family.spectra_NE.copy()
    on_validation = family.split_N == VALIDATION
    spectra_NE[on_validation] = spectra_NE[on_validation][::-1]
    assert fitted_on_validation(runs[0]) != fitted_on_validation(
        runs[0], replace(family, spectra_NE=spectra_NE)
    )


def test_the_score_that_chose_is_that_of_the_parts_shown(runs, blank_figures):
    _, model, _ = load_run(str(runs[0]))
    choice = call(runs[0])["choice"]
    assert f"{RECONSTRUCTION_WEIGHT:g} × reconstruction error" in choice["by"]
    for trial in choice["trials"]:
        parts = trial["mean_spearman"] - RECONSTRUCTION_WEIGHT * trial["relative_error"]
        parts -= COUPLING_WEIGHT * max(trial["excess"], 0)
        assert trial["score"] == model.scores_T[trial["trial"]] == pytest.approx(parts, abs=1e-4)


def test_other_validation_rows_would_be_seen(runs):
    """The test above can fail: rows that choose an epoch do change the numbers."""
    settings = OmegaConf.to_object(composed("evaluate", *TINY).baseline_settings)
    rows = fitting_rows(read_family(runs[0].with_suffix(".h5")))
    other_rows = replace(rows, validation_NE=rows.validation_NE[:, ::-1].copy())
    arguments = (rows.train_NE, rows.train_NK, NAMES, ["vae"], settings)
    one, other = (
        fit_and_score(seen, *arguments, styles=5, seed=0, threads=1)[0]["validation"]
        for seen in (rows, other_rows)
    )
    assert one != other


def test_splits_have_files_of_their_own_and_report_shows_the_table(runs, content, blank_figures, capsys):
    call(runs[0], "split=validation", "baselines=[pca_linear,mean_spectrum]")
    out = capsys.readouterr().out
    assert "PCA + linear" in out and "no" in out and out.splitlines()[-1].endswith("evaluation/validation")
    rows = strict(runs[0] / "evaluation" / "validation" / "baselines.json")["rows"]
    assert [row["name"] for row in rows][2:] == ["mean_spectrum", "pca_linear"]
    on_split, chosen = rows[3]["reconstruction"]["mae"], rows[3]["validation"]["reconstruction_mae"]
    assert on_split == pytest.approx(chosen)

    page = report.run(composed("report", f"run={runs[0]}"))["page"]
    html = page.read_text(encoding="utf-8")
    assert '<section id="baselines">' in html and "Extra-trees" in html
    for file in ("tables/baselines.csv", "tables/baselines.tex", "figures/baselines.pdf"):
        assert (page.parent / file).is_file()


def test_baselines_that_were_fitted_before_are_kept(runs, blank_figures, capsys):
    path = runs[1] / "evaluation" / "baselines.json"

    def names_after(*overrides):
        call(runs[1], *overrides)
        return [row["name"] for row in strict(path)["rows"]][2:], capsys.readouterr().out

    names, out = names_after("baselines=random_forest")
    assert names == ["random_forest"] and "kept" not in out
    forest = strict(path)["rows"][2]
    names, out = names_after("baselines=[pca_linear,extra_trees]")
    assert names == ["pca_linear", "extra_trees", "random_forest"]  # in the order of the table
    assert "kept from before, same model, split and settings: Random forest" in out
    assert strict(path)["rows"][4] == forest
    assert {"pca_linear", "random_forest"} <= set(pd.read_csv(path.with_suffix(".csv"))["name"])
    path.write_text(path.read_text().replace(f'"parameters": {forest["parameters"]}', '"parameters": 1'))
    names, out = names_after("baselines=random_forest")
    assert names == ["pca_linear", "extra_trees", "random_forest"]
    assert "settings: PCA + linear, Extra-trees" in out
    assert strict(path)["rows"][4]["parameters"] == forest["parameters"]  # fitted anew
    names, out = names_after("baselines=mean_spectrum", "baseline_settings.random_forest.trees=9")
    assert names == ["mean_spectrum", "pca_linear", "extra_trees"]
    assert "left out, fitted with other settings: Random forest" in out
    names, _ = names_after("baselines=none")
    assert names == ["mean_spectrum", "pca_linear", "extra_trees"]
    path.write_text(json.dumps({**strict(path), "checkpoint_sha256": "of another model"}))
    assert names_after("baselines=mean_spectrum")[0] == ["mean_spectrum"]


def test_a_model_that_loses_to_principal_components_is_warned_of(runs, content, blank_figures, capsys):
    metrics = call(runs[0])  # a model of two epochs
    out = capsys.readouterr().out
    pca = next(row for row in content["rows"] if row["name"] == "pca_linear")
    assert metrics["ensemble"]["reconstruction"]["mae"] > pca["reconstruction"]["mae"]
    assert "Warning: the model rebuilds spectra worse" in out
    assert out.splitlines()[-1].endswith("evaluation")


def test_the_lead_of_the_choice_is_told(runs, blank_figures):
    choice = call(runs[0])["choice"]
    lead = choice["lead"]
    first, second = (next(t for t in choice["trials"] if t["rank"] == rank) for rank in (1, 2))
    assert lead["over"] == second["trial"]
    assert lead["difference"] == pytest.approx(first["score"] - second["score"], abs=1e-3)
    low, high = lead["interval"]
    assert low < high and lead["beyond_chance"] == (low > 0)
    assert ("more than chance" in choice["reason"]) == lead["beyond_chance"]


def test_associations_are_searched_on_validation_whatever_is_evaluated(runs, blank_figures):
    of_test, of_validation, of_noise = (
        call(run, f"split={split}")["associations"]
        for run, split in ((runs[0], "test"), (runs[0], "validation"), (runs[1], "test"))
    )
    assert (of_test["found_on"], of_test["repeated_on"]) == ("validation", "test")
    assert (of_validation["found_on"], of_validation["repeated_on"]) == ("validation", "train")

    def searched(associations):
        keys = ("quantity", "descriptor", *(f"found_{k}" for k in ("rows", "spearman", "partial", "p_value")))
        return repr([[pair[key] for key in keys] for pair in associations["strongest"]])

    assert searched(of_test) == searched(of_validation) == searched(of_noise)
    again = [[pair["partial"] for pair in a["strongest"]] for a in (of_test, of_validation, of_noise)]
    assert again[0] != again[1] != again[2] != again[0]


def test_report_leaves_out_baselines_of_another_model(runs, content, blank_figures, capsys):
    path = runs[0] / "evaluation" / "baselines.json"
    kept = path.read_text()
    path.write_text(json.dumps({**json.loads(kept), "checkpoint_sha256": "of another model"}))
    try:
        page = report.run(composed("report", f"run={runs[0]}"))["page"]
    finally:
        path.write_text(kept)
    assert "outdated baselines" in capsys.readouterr().err
    assert 'id="baselines"' not in page.read_text(encoding="utf-8")


def test_trees_read_better_than_the_mean(runs):
    rows = fitting_rows(read_family(runs[0].with_suffix(".h5")))
    settings = OmegaConf.to_object(composed("evaluate", *TINY).baseline_settings)
    read_NK = read_by(rows, ("spectrum",), extra_trees=settings.extra_trees)(rows.validation_NE)
    error = np.nanmean(np.abs(read_NK - rows.validation_NK), axis=0)
    assert (error < np.nanmean(np.abs(np.nanmean(rows.train_NK, axis=0) - rows.validation_NK), axis=0)).all()


@pytest.mark.parametrize(
    ("asked", "expected"),
    [
        ("none", []),
        (None, []),
        ([], []),
        ("all", list(BASELINES)),
        ("vae", ["vae"]),
        (["vae", "pca_linear", "vae"], ["pca_linear", "vae"]),
    ],
)
def test_baselines_are_chosen_by_name(asked, expected):
    assert chosen_baselines(asked) == expected


@pytest.mark.parametrize("asked", ["random_forests", ["all", "forest"], ["all", "vae"], 5])
def test_an_unknown_baseline_is_refused(asked):
    with pytest.raises(UserError, match=r"there is no baseline '.*'") as error:
        chosen_baselines(asked)
    assert str(error.value).splitlines()[1] == f"there are: all, none, {', '.join(BASELINES)}"
