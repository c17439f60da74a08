"""A search by Optuna: killed and continued, shared by two workers, pruned."""

import json
import signal

import pytest
import torch

from rankaae_cli.cli import main
from rankaae_cli.runs.sweep_record import INTERRUPTED, jobs_of
from tests.conftest import in_process
from tests.integration.test_sweep import start, wait_for

optuna = pytest.importorskip("optuna")

SPACE = ("objective.rank.weight=tag(log,interval(3,50))", "model.free_styles=range(1,4)", "model.hidden=8,16")
FIXED = ("+family=Ti_oxides", "trials=1", "batch_size=256", "device=cpu")
SEARCH = ("-m", "hydra/sweeper=optuna", "hydra/sweeper/params=none", "hydra.sweeper.seed=3")


def call(sweep, jobs, epochs, *more):
    where = (f"hydra.sweep.dir={sweep}", f"hydra.sweeper.n_trials={jobs}", f"max_epochs={epochs}")
    return (*SEARCH, *where, *FIXED, *SPACE, *more)


def study_of(sweep):
    return optuna.load_study(study_name="search", storage=f"sqlite:///{sweep / 'search.db'}")


def assert_every_job_ran_once(sweep, jobs, epochs):
    trials, records = study_of(sweep).trials, jobs_of(sweep)
    assert [t.number for t in trials] == [job.number for job in records] == list(range(jobs))
    for trial, job in zip(trials, records, strict=True):
        assert trial.state.name == "COMPLETE" and job.state == "done"
        best = torch.load(sweep / job.directory / "checkpoints" / "best.ckpt", weights_only=True)
        assert trial.value == job.score == float(best["scores_T"][0])
        assert [f"{key}={value}" for key, value in trial.params.items()] == job.overrides[-len(SPACE) :]
        rows = (sweep / job.directory / "metrics.csv").read_text().splitlines()[1:]
        assert [int(row.split(",")[0]) for row in rows] == list(range(epochs))


@pytest.mark.slow
def test_a_search_killed_in_the_middle_goes_on_as_if_it_had_not_been(tmp_path):
    jobs, epochs = 3, 15
    done = in_process(tmp_path, "train", *call(tmp_path / "whole", jobs, epochs, "save_every=3"))
    assert done.returncode == 0, done.stderr
    sweep = tmp_path / "killed"
    process = start(tmp_path, *call(sweep, jobs, epochs, "save_every=3"))
    metrics = sweep / "1" / "metrics.csv"
    wait_for(lambda: metrics.exists() and metrics.read_text().count("\n") > 5, process)
    process.send_signal(signal.SIGKILL)
    process.wait()
    assert [job.state for job in jobs_of(sweep)] == ["done", INTERRUPTED]
    again = in_process(tmp_path, "train", f"resume={sweep}")
    assert again.returncode == 0, again.stderr
    assert_every_job_ran_once(sweep, jobs, epochs)
    assert [t.params for t in study_of(sweep).trials] == [
        t.params for t in study_of(tmp_path / "whole").trials
    ]
    assert [t.value for t in study_of(sweep).trials] == [t.value for t in study_of(tmp_path / "whole").trials]
    assert len(json.loads((sweep / "1" / "provenance.json").read_text())["resumed"]) == 1
    assert (sweep / "search.png").stat().st_size > 10_000 and (sweep / "search.pdf").is_file()


@pytest.mark.slow
def test_two_workers_share_a_search(tmp_path):
    jobs, epochs, sweep = 6, 30, tmp_path / "shared"
    first = start(tmp_path, *call(sweep, jobs, epochs, "hydra.sweeper.pruner=none"))
    wait_for(lambda: (sweep / "0" / "metrics.csv").exists(), first)
    second = start(tmp_path, f"resume={sweep}")
    outputs = [worker.communicate(timeout=300)[1] for worker in (first, second)]
    assert [first.returncode, second.returncode] == [0, 0], outputs
    assert_every_job_ran_once(sweep, jobs, epochs)
    hosts = [json.loads((sweep / str(job) / "provenance.json").read_text())["command"] for job in range(jobs)]
    assert len(set(hosts)) == 2  # each worker ran some


def test_a_job_that_does_worse_than_others_did_is_pruned(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    sweep = tmp_path / "pruned"
    sweep.mkdir()
    others = optuna.create_study(
        study_name="search", storage=f"sqlite:///{sweep / 'search.db'}", direction="maximize"
    )
    for _ in range(5):
        others.add_trial(
            optuna.create_trial(value=1e6, intermediate_values={step: 1e6 for step in range(1, 51)})
        )
    assert main(["train", *call(sweep, 6, 100)]) == 0
    (job,) = jobs_of(sweep)
    assert job.number == 5 and job.state == "pruned" and "after epoch 20 of 100" in job.reason
    trial = study_of(sweep).trials[5]
    assert trial.state.name == "PRUNED" and trial.value == job.score
    assert max(trial.intermediate_values) == 10
    assert "finished" not in json.loads((sweep / "5" / "provenance.json").read_text())
    # What was pruned is left as it is.
    assert main(["train", f"resume={sweep}"]) == 0
    assert [job.state for job in jobs_of(sweep)] == ["pruned"]


def test_failed_jobs_are_told_and_repeated_on_resume(tmp_path, monkeypatch, capsys):
    from tests.integration.test_sweep import FAILING, give_data

    monkeypatch.chdir(tmp_path)
    sweep = tmp_path / "failing"
    arguments = [a.replace("Ti_oxides", FAILING) for a in call(sweep, 2, 2)]
    assert main(["train", *arguments]) == 1
    assert [t.state.name for t in study_of(sweep).trials] == ["FAIL", "FAIL"]
    params = [t.params for t in study_of(sweep).trials]
    give_data(tmp_path)
    assert main(["train", f"resume={sweep}"]) == 0
    trials = study_of(sweep).trials
    assert [t.state.name for t in trials] == ["FAIL", "FAIL", "COMPLETE", "COMPLETE"]
    assert [t.params for t in trials[2:]] == params


def test_a_trial_whose_settings_were_half_drawn_when_it_was_killed_is_not_lost(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    sweep = tmp_path / "half"
    assert main(["train", *call(sweep, 1, 2)]) == 0
    trial = study_of(sweep).ask()
    weight = trial.suggest_float("objective.rank.weight", 3, 50, log=True)
    plan = json.loads((sweep / "sweep.json").read_text())
    plan["call"] = [a.replace("n_trials=1", "n_trials=2") for a in plan["call"]]
    (sweep / "sweep.json").write_text(json.dumps(plan))
    assert main(["train", f"resume={sweep}"]) == 0
    trials = study_of(sweep).trials
    assert [t.state.name for t in trials] == ["COMPLETE", "FAIL", "COMPLETE"]
    assert trials[2].params["objective.rank.weight"] == weight
    assert [job.number for job in jobs_of(sweep)] == [0, 2]


def test_refusals(tmp_path, refused):
    assert "is none of median" in refused("train", *call(tmp_path / "a", 1, 1), "hydra.sweeper.pruner=mean")
    nothing = ("train", *SEARCH, *FIXED, f"hydra.sweep.dir={tmp_path / 'b'}")
    assert "nothing is searched" in refused(*nothing)
    storage = "hydra.sweeper.storage=nosuch://x"
    assert "storage nosuch://x cannot be used" in refused("train", *call(tmp_path / "c", 1, 1), storage)


def test_the_shipped_space_is_searched_where_the_call_names_none(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    quick = (*FIXED, "max_epochs=1", "hydra.sweeper.n_trials=2", f"hydra.sweep.dir={tmp_path / 'd'}")
    quick = tuple(a for a in quick if not a.startswith("batch_size"))
    assert main(["train", "-m", "hydra/sweeper=optuna", "model.hidden=16", *quick]) == 0
    names = set(study_of(tmp_path / "d").trials[0].params)
    assert {"objective.rank.weight", "model.free_styles", "optimiser.rate", "batch_size"} <= names
    assert "model.hidden" not in names
