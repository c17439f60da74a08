"""``rankaae traverse`` of a tiny run: every figure has its numbers beside it, and every number its meaning."""

import json
import re

import numpy as np
import pandas as pd
import pytest

from rankaae_cli.analysis.traversal.findings import findings
from rankaae_cli.core.labels import WARNING
from rankaae_cli.data.family.family_file import write_family
from rankaae_cli.data.family.synthetic import synthetic_family
from rankaae_cli.reports.run import traversal_figures
from rankaae_cli.runs.load import load_run
from tests.conftest import save_blank_figures
from tests.integration.test_evaluate_traverse_report import call

NAMES = ["OS", "CN", "NNRS"]


@pytest.fixture(scope="module")
def run_directory(tmp_path_factory):
    """A run of two trials and three epochs."""
    folder = tmp_path_factory.mktemp("work")
    write_family(
        folder / "fe.h5", synthetic_family("Fe_oxides", "Fe", "K", np.linspace(7111, 7175, 40), NAMES, 160)
    )
    small = ("trials=2", "max_epochs=3", "model.hidden=8", "device=cpu", "batch_size=64")
    done = call(folder, "train", "+family=Fe_oxides", "data=fe.h5", *small)
    return folder / done.stdout.splitlines()[-1]


@pytest.fixture(scope="module")
def printed(run_directory):
    """What the command prints, after it has written ``traversal/``."""
    with pytest.MonkeyPatch.context() as patch:
        save_blank_figures(patch, drawn=("pdf",))
        done = call(run_directory, "traverse", f"run={run_directory}", "levels=5", "draws=40")
    return done.stdout.splitlines()


def test_the_command_ends_with_the_summary_and_the_path(run_directory, printed):
    content = json.loads((run_directory / "traversal" / "traversal.json").read_text())
    *_, data, truth, path = printed
    assert [data, truth] == findings(content)[-2:] and path == str(run_directory / "traversal")
    checks = {name: content["styles"][name]["check"] for name in NAMES}
    poor = [name for name, check in checks.items() if not check["supported"]]
    assert data.startswith(WARNING) == bool(poor)
    for name in poor:
        assert f"{name} ({checks[name]['not_supported_because']})" in data
    weakest = min(NAMES, key=lambda name: content["styles"][name]["pearson_true_response"])
    assert f"weakest agreement {weakest}, " in truth


def test_every_figure_has_a_csv_of_its_stem(run_directory, printed):
    folder = run_directory / "traversal"
    _, model, _ = load_run(str(run_directory))
    files = traversal_figures.traversal_files(run_directory, model)
    assert set(files) == set(folder.iterdir()) and files[-1].name == "traversal.json"
    figures = {path.stem for path in files if path.suffix == ".png"}
    assert figures == {path.stem for path in files if path.suffix == ".pdf"}
    assert {path.stem for path in files if path.suffix == ".csv"} == {
        *(*figures, "columns", "support", "independent_reader")
    }
    assert {"overview", "overview_free", "stability", "map_edge", "map_main_peak", "CN_check"} <= figures


def as_described(path, columns):
    """The file and its columns as ``columns.csv`` calls them."""
    file = re.sub(
        r"^(OS|CN|NNRS)_", "<descriptor>_", re.sub(r"^(OS|CN|NNRS|free_\d)\.", "<style>.", path.name)
    )
    levels = [re.sub(r"^p[\d.]+$", "p_N", column) for column in columns]
    return file, {re.sub(r"^difference_trial_\d$", "difference_trial_N", column) for column in levels}


def test_every_column_is_described(run_directory, printed):
    folder = run_directory / "traversal"
    described = pd.read_csv(folder / "columns.csv")
    assert list(described.columns) == ["file", "column", "unit", "meaning"]
    assert described["meaning"].notna().all()
    seen = set()
    for path in folder.glob("*.csv"):
        if path.name != "columns.csv":
            file, columns = as_described(path, pd.read_csv(path).columns)
            promised = set(described.loc[described["file"] == file, "column"])
            # The truth is known of named styles alone.
            assert columns <= promised and promised - columns <= {"true_response_synthetic"}, path.name
            seen.add(file)
    assert seen == set(described["file"])
    units = described.set_index(["file", "column"])["unit"]
    assert units["<style>.csv", "energy"] == "eV" and units["<style>.csv", "p_N"] == "edge step"


def test_a_walk_can_be_drawn_again_from_its_files(run_directory, printed):
    folder = run_directory / "traversal"
    content = json.loads((folder / "traversal.json").read_text())
    _, model, family = load_run(str(run_directory))
    for index, name in enumerate(NAMES):
        table, style = pd.read_csv(folder / f"{name}.csv"), content["styles"][name]
        np.testing.assert_allclose(table["energy"], model.energy_E, rtol=1e-7)
        levels = [column for column in table if column[0] == "p"]
        assert len(levels) == len(style["percentile"]) == len(style["descriptor"]) == 5
        assert [float(column[1:]) for column in levels] == pytest.approx(style["percentile"])
        np.testing.assert_allclose(table[levels[-1]] - table[levels[0]], table["difference"], atol=1e-6)
        trials = table[["difference_trial_0", "difference_trial_1"]]
        np.testing.assert_allclose(trials.min(axis=1), table["trials_low"], atol=1e-6)
        np.testing.assert_allclose(trials.max(axis=1), table["trials_high"], atol=1e-6)
        np.testing.assert_allclose(
            table["true_response_synthetic"], family.true_response_KE[index], rtol=1e-6, atol=1e-7
        )


def test_figures_of_several_styles_have_the_numbers_of_each(run_directory, printed):
    folder = run_directory / "traversal"
    free = [path.stem for path in sorted(folder.glob("free_*.csv"))]
    for figure, members in (("overview", NAMES), ("overview_free", free)):
        table = pd.read_csv(folder / f"{figure}.csv")
        assert list(table["style"].unique()) == members
        for name in members:
            own, stacked = pd.read_csv(folder / f"{name}.csv"), table[table["style"] == name]
            for column in stacked.columns.drop("style"):
                np.testing.assert_array_equal(stacked[column].to_numpy(), own[column].to_numpy())
    trials = pd.read_csv(folder / "stability.csv")
    assert list(trials["style"].unique()) == NAMES
    each = trials[["difference_trial_0", "difference_trial_1"]]
    np.testing.assert_allclose(each.mean(axis=1), trials["difference"], atol=1e-6)
    for name, rows in trials.groupby("style"):
        each = rows[["difference_trial_0", "difference_trial_1"]]
        spread = np.sqrt((each.std(axis=1) ** 2).mean() / (rows["difference"] ** 2).mean())
        assert rows["relative_spread"].to_numpy() == pytest.approx(spread, rel=1e-4), name


def test_maps_have_descriptors_and_the_interaction_of_what_they_map(run_directory, printed):
    folder = run_directory / "traversal"
    content = json.loads((folder / "traversal.json").read_text())
    assert "two-way analysis of variance" in content["interaction_definition"]
    assert len(content["pairs"]) == 3
    compared = 0
    for figure, quantity in (("map_main_peak", "main_peak_height"), ("map_edge", "edge_energy")):
        table = pd.read_csv(folder / f"{figure}.csv")
        assert len(table) == 3 * 49 and set(table["first_unit"]) == {"e", "1"}
        for pair in content["pairs"]:
            rows = table[(table["first"] == pair["first"]) & (table["second"] == pair["second"])]
            for side in ("first", "second"):
                known = content["styles"][pair[side]]["descriptor"]
                ends = rows.groupby(f"{side}_percentile")[f"{side}_value"].agg(["min", "max"])
                assert (ends["min"] == ends["max"]).all() and ends["min"].is_monotonic_increasing
                assert ends["min"].iloc[[0, -1]].to_numpy() == pytest.approx([known[0], known[-1]], rel=1e-6)
            grid = rows.pivot(
                index="first_percentile", columns="second_percentile", values=quantity
            ).to_numpy()
            mapped = pair["maps"][quantity]
            # The csv has eight digits; what varies in the last of them only cannot be compared.
            if mapped["interaction_share"] is None or mapped["standard_deviation"] < 1e-5 * grid.mean():
                continue
            compared += 1
            fitted = grid.mean(axis=1)[:, None] + grid.mean(axis=0) - grid.mean()
            share = ((grid - fitted) ** 2).sum() / ((grid - grid.mean()) ** 2).sum()
            assert mapped["interaction_share"] == pytest.approx(share, rel=0.02, abs=1e-4)
            assert rows["interaction_share"].to_numpy() == pytest.approx(mapped["interaction_share"])
    assert compared >= 3


def test_a_single_trial_is_traversed(run_directory, tmp_path, monkeypatch):
    monkeypatch.setattr(traversal_figures, "save_figure", lambda *_, **__: None)  # the slow part
    (tmp_path / "checkpoints").symlink_to(run_directory / "checkpoints")
    _, model, family = load_run(str(run_directory))
    lost = 1 - model.selected_trial
    model.failed_T[lost] = "the loss is NaN"
    model.calibration["trials"][lost] = None
    content = traversal_figures.write_traversal(tmp_path, model, family, levels=3, draws=20)
    assert content["n_trials"] == 1
    stability = pd.read_csv(tmp_path / "traversal" / "stability.csv")
    assert stability["relative_spread"].isna().all()
    assert f"difference_trial_{lost}" not in stability
    for name in NAMES:
        sensitivity = content["styles"][name]["sensitivity"]
        assert sensitivity["unknown_because"] or sensitivity["n_trials"] == 1
