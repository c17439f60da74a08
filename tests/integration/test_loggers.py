"""Curves are where the loggers put them, read back by the loggers' own programs."""

import csv
import json

import pytest

from rankaae_cli.cli import main

SHORT = ("trials=2", "max_epochs=3", "model.hidden=8", "batch_size=256", "device=cpu")


def scores(run, trial):
    with (run / "metrics.csv").open() as file:
        return [float(row["score"]) for row in csv.DictReader(file) if row["trial"] == str(trial)]


def test_tensorboard(tmp_path, monkeypatch):
    accumulator = pytest.importorskip("tensorboard.backend.event_processing.event_accumulator")
    monkeypatch.chdir(tmp_path)
    assert main(["train", "-m", "+family=Ti_oxides", "seed=0,1", "logger=tensorboard", *SHORT]) == 0
    (sweep,) = tmp_path.glob("multirun/*/*")
    for job in "01":
        (events,) = (sweep / job).glob("lightning_logs/version_0/events.out.tfevents.*")
        curves = accumulator.EventAccumulator(str(events)).Reload()
        for trial in range(2):
            points = curves.Scalars(f"score/trial_{trial}")
            assert [point.step for point in points] == [0, 1, 2]
            assert [point.value for point in points] == pytest.approx(scores(sweep / job, trial), rel=1e-4)
        assert "train_rank/trial_1" in curves.Tags()["scalars"]


@pytest.mark.slow
def test_mlflow_has_a_run_for_each_job_of_a_sweep(program, tmp_path):
    tracking = pytest.importorskip("mlflow.tracking")
    pytest.importorskip("sqlalchemy")
    joblib = pytest.importorskip("hydra_plugins.hydra_joblib_launcher") and "hydra/launcher=workstation"
    done = program("train", "-m", "+family=Ti_oxides", "seed=0,1", "logger=mlflow", joblib, *SHORT)
    assert done.returncode == 0, done.stderr
    (sweep,) = tmp_path.glob("multirun/*/*")
    client = tracking.MlflowClient(f"sqlite:///{sweep / 'mlflow.db'}")
    (experiment,) = [e for e in client.search_experiments() if e.name == "rankaae"]
    runs = {run.info.run_name: run for run in client.search_runs([experiment.experiment_id])}
    assert runs.keys() == {"0", "1"}
    for job, run in runs.items():
        assert run.data.params["seed"] == job and run.info.status == "FINISHED"
        assert json.loads((sweep / job / "job.json").read_text())["state"] == "done"
        for trial in range(2):
            points = client.get_metric_history(run.info.run_id, f"score/trial_{trial}")
            assert [point.step for point in points] == [0, 1, 2]
            assert [point.value for point in points] == pytest.approx(scores(sweep / job, trial), rel=1e-4)
    assert not (tmp_path / "mlruns").exists()
