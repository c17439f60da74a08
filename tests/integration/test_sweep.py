"""Sweeps: every launcher, a failing job, the table, and running what is missing."""

import csv
import importlib.util
import json
import os
import shutil
import signal
import subprocess
import sys
import time

import pytest
import torch

from rankaae_cli.cli import main
from rankaae_cli.data.family.samples import sample_path
from rankaae_cli.runs.sweep_record import INTERRUPTED, NOT_STARTED, jobs_of
from tests.conftest import ROOT, in_process

QUICK = ("trials=1", "max_epochs=2", "model.hidden=8", "model.free_styles=0", "batch_size=256", "device=cpu")
# A family of which no sample ships, so that its job fails unless there is a file.
FAILING = "amorphous_carbon"
LAUNCHERS = {
    "basic": None,
    "workstation": "hydra_plugins.hydra_joblib_launcher",
    "local_processes": "hydra_plugins.hydra_submitit_launcher",
    "ray": "ray",
    "slurm_cpu": "hydra_plugins.hydra_submitit_launcher",
}


def start(cwd, *arguments):
    return subprocess.Popen(
        [sys.executable, "-m", "rankaae_cli", "train", *map(str, arguments)],
        cwd=cwd,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        stderr=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )


def slurm_answers():
    program = shutil.which("sinfo")
    return bool(program) and bool(subprocess.run([program, "-h"], capture_output=True, timeout=60).stdout)


def the_sweep(folder):
    (path,) = folder.glob("multirun/*/*")
    return path


def wait_for(condition, process, seconds=200):
    end = time.monotonic() + seconds
    while not condition():
        assert process.poll() is None, process.stderr.read()
        assert time.monotonic() < end
        time.sleep(0.02)


def weights(run):
    return torch.load(run / "checkpoints" / "best.ckpt", weights_only=True)["weights"]


@pytest.mark.slow
@pytest.mark.parametrize("launcher", LAUNCHERS)
def test_a_job_that_fails_and_one_that_does_not(launcher, program, tmp_path):
    module = LAUNCHERS[launcher]
    if module is not None and importlib.util.find_spec(module) is None:
        pytest.skip(f"{module} is not installed")
    call = [f"+family={FAILING},Ti_oxides"]
    if launcher.startswith("slurm"):
        if not slurm_answers():
            pytest.skip("no Slurm answers on this machine")
        call += [f"hydra.launcher.{key}=1" for key in ("cpus_per_task", "mem_gb", "timeout_min")]
    done = program("train", "-m", *call, *QUICK, f"hydra/launcher={launcher}")
    assert done.returncode == 1, done.stderr
    sweep = the_sweep(tmp_path)
    assert done.stdout.splitlines()[-1] == str(sweep.relative_to(tmp_path))
    assert "2 jobs: 1 done, 1 failed" in done.stderr and "Traceback" not in done.stderr

    jobs = jobs_of(sweep)
    assert [job.state for job in jobs] == ["failed", "done"]
    assert [job.directory for job in jobs] == ["0", "1"]
    assert jobs[1].overrides[0] == "+family=Ti_oxides"
    assert f"no sample of {FAILING} ships" in jobs[0].reason
    with (sweep / "sweep.csv").open(newline="") as file:
        rows = list(csv.DictReader(file))
    assert [row["family"] for row in rows] == [FAILING, "Ti_oxides"]
    best = torch.load(sweep / "1" / "checkpoints" / "best.ckpt", weights_only=True)
    assert float(rows[1]["score"]) == jobs[1].score == float(best["scores_T"][0])
    provenance = json.loads((sweep / "1" / "provenance.json").read_text())
    assert provenance["command"].startswith(f"rankaae train -m +family={FAILING},Ti_oxides")
    assert all((sweep / job / "job.log").is_file() == (launcher != "basic") for job in "01")
    assert f"rankaae train resume={sweep.relative_to(tmp_path)}" in done.stderr


@pytest.fixture(scope="module")
def sweep(tmp_path_factory):
    """A sweep whose second job failed, since there is no data of its family."""
    folder = tmp_path_factory.mktemp("sweep")
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(folder)
        assert main(["train", "-m", f"+family=Ti_oxides,{FAILING},V_oxides", *QUICK]) == 1
    return the_sweep(folder)


@pytest.fixture
def copied(sweep, tmp_path, monkeypatch):
    """A copy of it, in the folder in which it is resumed."""
    path = tmp_path / sweep.relative_to(sweep.parents[2])
    shutil.copytree(sweep, path)
    plan = json.loads((path / "sweep.json").read_text())
    (path / "sweep.json").write_text(json.dumps(plan | {"folder": str(tmp_path)}))
    monkeypatch.chdir(tmp_path)
    return path


def give_data(folder, element="Ti"):
    """Put a file of the failing family in place: what a user would correct."""
    import h5py

    (folder / "data").mkdir()
    path = folder / "data" / f"{FAILING}.h5"
    shutil.copy(sample_path(f"{element}_oxides"), path)
    with h5py.File(path, "a") as file:
        file.attrs["family"], file.attrs["element"], file.attrs["energy_unit"] = FAILING, "C", "index"


def test_resume_runs_what_failed_and_leaves_the_rest(copied, tmp_path, capsys):
    kept = {p: p.stat().st_mtime_ns for job in "02" for p in (copied / job).rglob("*") if p.is_file()}
    give_data(tmp_path)
    assert main(["train", f"resume={copied.relative_to(tmp_path)}"]) == 0
    assert "3 jobs: 3 done" in capsys.readouterr().err
    assert all(path.stat().st_mtime_ns == when for path, when in kept.items())
    assert json.loads((copied / "1" / "provenance.json").read_text())["finished"]
    assert [job["state"] for job in json.loads((copied / "sweep.json").read_text())["jobs"]] == ["done"] * 3


def test_resume_again_fails_again_and_a_finished_sweep_has_nothing_to_do(copied, tmp_path):
    assert main(["train", f"resume={copied}"]) == 1
    give_data(tmp_path)
    assert main(["train", f"resume={copied}"]) == 0
    before = (copied / "1" / "job.json").read_bytes()
    assert main(["train", f"resume={copied}"]) == 0
    assert (copied / "1" / "job.json").read_bytes() == before


def test_a_job_that_left_no_run_directory_or_half_of_one_is_begun_again(copied, tmp_path):
    shutil.rmtree(copied / "0")
    for name in ("provenance.json", "job.json"):
        (copied / "2" / name).unlink()
    states = [job.state for job in jobs_of(copied)]
    assert states == [NOT_STARTED, "failed", NOT_STARTED]
    give_data(tmp_path)
    assert main(["train", f"resume={copied}"]) == 0
    assert [job.state for job in jobs_of(copied)] == ["done"] * 3


def test_a_finished_run_whose_job_was_killed_before_it_said_so_is_not_trained_again(copied):
    job = json.loads((copied / "0" / "job.json").read_text())
    (copied / "0" / "job.json").write_text(json.dumps(job | {"state": "running", "score": None}))
    trained = (copied / "0" / "checkpoints" / "best.ckpt").stat().st_mtime_ns
    assert jobs_of(copied)[0].state == INTERRUPTED
    assert main(["train", f"resume={copied}"]) == 1
    assert (copied / "0" / "checkpoints" / "best.ckpt").stat().st_mtime_ns == trained
    assert jobs_of(copied)[0].score == job["score"]


@pytest.mark.slow
def test_a_sweep_killed_in_the_middle_goes_on_bit_for_bit(tmp_path):
    call = ("-m", "+family=Ti_oxides", "seed=0,1,2", *QUICK, "max_epochs=24", "save_every=3")
    whole = in_process(tmp_path, "train", *call, f"hydra.sweep.dir={tmp_path / 'whole'}")
    assert whole.returncode == 0, whole.stderr
    sweep = tmp_path / "killed"
    process = start(tmp_path, *call, f"hydra.sweep.dir={sweep}")
    metrics = sweep / "1" / "metrics.csv"
    wait_for(lambda: metrics.exists() and metrics.read_text().count("\n") > 6, process)
    process.send_signal(signal.SIGKILL)
    process.wait()
    assert [job.state for job in jobs_of(sweep)] == ["done", INTERRUPTED, NOT_STARTED]
    done = (sweep / "0" / "checkpoints" / "best.ckpt").stat().st_mtime_ns
    again = in_process(tmp_path, "train", f"resume={sweep}")
    assert again.returncode == 0, again.stderr
    assert (sweep / "0" / "checkpoints" / "best.ckpt").stat().st_mtime_ns == done
    for job in "012":
        ours, theirs = weights(sweep / job), weights(tmp_path / "whole" / job)
        assert all(torch.equal(ours[name], theirs[name]) for name in theirs)
        table = "metrics.csv"
        assert (sweep / job / table).read_bytes() == (tmp_path / "whole" / job / table).read_bytes()


@pytest.mark.slow
def test_jobs_side_by_side_stop_when_the_sweep_is_killed(tmp_path):
    pytest.importorskip("hydra_plugins.hydra_joblib_launcher")
    process = start(
        tmp_path,
        "-m",
        "+family=Ti_oxides",
        "seed=0,1",
        *QUICK,
        "max_epochs=100000",
        "hydra/launcher=workstation",
    )
    wait_for(lambda: len(list(tmp_path.glob("multirun/*/*/*/metrics.csv"))) == 2, process)
    process.send_signal(signal.SIGKILL)
    process.wait()
    sweep, end = the_sweep(tmp_path), time.monotonic() + 60
    while [job.state for job in jobs_of(sweep)] != [INTERRUPTED] * 2 and time.monotonic() < end:
        time.sleep(0.2)
    assert [job.state for job in jobs_of(sweep)] == [INTERRUPTED] * 2
    assert all((sweep / job / "checkpoints" / "last.ckpt").is_file() for job in "01")


def test_a_sweep_around_the_configuration_of_a_run_is_resumed_too(copied, tmp_path):
    base = ("--config-dir", str(copied / "0"), "--config-name", "config")
    where = f"hydra.sweep.dir={tmp_path / 'around'}"
    assert main(["train", "-m", *base, "seed=5,6", where]) == 0
    shutil.rmtree(tmp_path / "around" / "1")
    assert main(["train", f"resume={tmp_path / 'around'}"]) == 0
    assert [job.state for job in jobs_of(tmp_path / "around")] == ["done"] * 2


def test_refusals(copied, refused, tmp_path, monkeypatch):
    assert "not with trials=4" in refused("train", f"resume={copied}", "trials=4")
    where = f"hydra.sweep.dir={copied}"
    assert "holds another sweep" in refused("train", "-m", "+family=Ti_oxides", "seed=0,1", where, *QUICK)
    shared = ("-m", "+family=Ti_oxides", "seed=0,1", "hydra.sweep.subdir=one", *QUICK)
    assert "two jobs would share" in refused("train", *shared)


def test_a_sweep_is_resumed_in_its_folder(sweep, refused):
    assert "was begun in" in refused("train", f"resume={sweep}")


def test_a_misspelt_key_stops_a_sweep_before_it_begins(refused, tmp_path):
    assert "did you mean trials" in refused("train", "-m", "+family=Ti_oxides", "trails=1,2")
    assert not (tmp_path / "multirun").exists()


def test_other_commands_sweep_too(sweep, monkeypatch, capsys, blank_figures):
    monkeypatch.chdir(sweep.parents[2])
    run = sweep.relative_to(sweep.parents[2]) / "0"
    status = main(["evaluate", "-m", f"run={run}", "split=test,validation", "resamples=20"])
    assert status == 0 and "2 jobs: 2 done" in capsys.readouterr().err
    assert (sweep / "0" / "evaluation" / "validation" / "metrics.json").is_file()


def test_a_report_names_the_reasons_of_jobs_that_left_nothing(copied, monkeypatch, tmp_path):
    from rankaae_cli.runs.find import find_runs

    (left_out,) = find_runs(str(copied)).left_out
    assert left_out.path.name == "1" and "no sample of amorphous_carbon" in left_out.reason
    assert f"resume={copied}" in left_out.todo


@pytest.mark.slow
def test_families_are_ingested_trained_and_reported_by_one_command(
    tmp_path, monkeypatch, capsys, blank_figures
):
    """Ti has calculations of its own, Cu has not and trains on its sample."""
    pytest.importorskip("pymatgen")
    from tests.data.feff_folder import rock_salt, write, xmu_text

    files = {}
    for m in range(24):
        files[f"feff/Ti_oxides/m{m:02d}/POSCAR"] = rock_salt("Ti", a=4.0 + 0.01 * m)
        text = xmu_text(first=4964.5, last=5105.0, z=22, shift=4964.5 - 8984.5 + 0.05 * m)
        files[f"feff/Ti_oxides/m{m:02d}/FEFF-XANES/000_Ti/xmu.dat"] = text
    write(tmp_path, files)
    monkeypatch.chdir(tmp_path)
    call = ("-m", "+experiment=all_families", "+family=Cu_oxides,Ti_oxides", "ingest=feff")
    status = main(["train", *call, *QUICK, "batch_size=8"])
    said = capsys.readouterr()
    assert status == 0, said.err
    sweep = the_sweep(tmp_path)
    assert (tmp_path / "data" / "Ti_oxides.h5").is_file()
    sources = [json.loads((sweep / job / "provenance.json").read_text())["data"][0] for job in "01"]
    assert [source["source"] for source in sources] == ["synthetic", "feff"]
    assert all((sweep / job / "report" / "report.html").is_file() for job in "01")
    assert (sweep / "report" / "report.html").is_file() and "Ti_oxides" in said.out


def test_the_preset_of_all_families_names_all_oxides():
    from hydra import compose, initialize_config_module

    from rankaae_cli.cli import families, register

    register()
    with initialize_config_module("rankaae_cli.conf", version_base="1.3"):
        cfg = compose("train", ["+experiment=all_families"], return_hydra_config=True)
    assert cfg.hydra.mode.name == "MULTIRUN" and cfg.then.name == "report"
    assert cfg.hydra.sweeper.params == {"+family": "glob(*_oxides)"}
    assert len([name for name in families() if name.endswith("_oxides")]) == 8


def test_a_folder_of_calculations_that_is_not_there_is_refused(refused):
    assert "there is no folder nowhere" in refused("train", "+family=Ti_oxides", "ingest=nowhere", *QUICK)
