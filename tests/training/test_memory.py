"""How many trials the memory holds."""

import dataclasses
import subprocess
import sys
from pathlib import Path

import pytest
import torch

from rankaae_cli.models.rankaae.module import RankAAE
from rankaae_cli.models.rankaae.networks import Architecture, Discriminator
from rankaae_cli.models.rankaae.task import bytes_a_trial
from rankaae_cli.networks.layers import trial_generators
from rankaae_cli.training.memory import available_bytes, trials_that_fit
from tests.configuration import train_settings
from tests.conftest import ROOT

MLP = Architecture(points=100, styles=6)
CPU = torch.device("cpu")


def estimate(architecture=MLP, *overrides, batch=64, training=500, validation=100):
    objective = train_settings(*overrides).objective
    return bytes_a_trial(architecture, objective, batch, training, validation)


@pytest.mark.parametrize("network", ["mlp", "cnn"])
@pytest.mark.parametrize("change", ["points", "styles", "hidden", "batch", "training", "validation"])
def test_more_of_anything_takes_more(network, change):
    architecture = dataclasses.replace(MLP, network=network)
    if change in ("batch", "training", "validation"):
        more = estimate(architecture, **{change: 1000})
    else:
        more = estimate(dataclasses.replace(architecture, **{change: 2 * getattr(architecture, change)}))
    assert more > estimate(architecture)


@pytest.mark.parametrize("network", ["mlp", "cnn"])
def test_weights_are_counted_as_often_as_they_are_held(network):
    """Of a large network and few rows, the weights are nearly all."""
    architecture = Architecture(points=64, styles=6, hidden=1500, network=network)
    settings = train_settings()
    module = RankAAE(architecture, settings.objective, settings.optimiser, 5, range(1), 0)
    weights = 4 * sum(p.numel() for p in module.autoencoder.parameters())
    assert estimate(architecture, batch=1, training=1, validation=1) / weights == pytest.approx(7, rel=0.05)


def test_the_objective_counts():
    plain = estimate()
    discriminator = sum(p.numel() for p in Discriminator(6, trial_generators(0, range(1))).parameters())
    assert estimate(MLP, "objective.prior.kind=adversarial") > plain + 7 * 4 * discriminator
    assert estimate(MLP, "objective.prior.kind=mmd", batch=1000) > estimate(batch=1000) + 4 * 1000**2
    assert estimate(MLP, "objective.order=in_turn") > plain


def test_the_random_numbers_of_training_are_left_alone():
    state = torch.get_rng_state()
    assert estimate() == estimate()
    assert torch.equal(torch.get_rng_state(), state)


_MEASURE = """
import re, tempfile
from contextlib import suppress
from pathlib import Path
from rankaae_cli.data.family.family_file import read_family
from rankaae_cli.data.family.samples import sample_path
from rankaae_cli.models.rankaae import fit
from tests.configuration import train_settings

class Trained(Exception):
    pass

def stop(*arguments):
    # Calibrating takes long and is not measured.
    raise Trained

fit._trained = stop
settings = train_settings()
family = read_family(sample_path("Fe_oxides"))

def peak_after(trials):
    task = fit.Task(
        model=settings.model, objective=settings.objective, optimiser=settings.optimiser,
        family=family, descriptor_classes={}, trials=trials, max_epochs=1, batch_size=1024, seed=0,
        device="cpu", folder=Path(tempfile.mkdtemp()),
    )
    with suppress(Trained):
        fit.fit(task, lambda *a: None)
    return int(re.search(r"VmHWM:\\s+(\\d+)", Path("/proc/self/status").read_text())[1]) * 1024

one = peak_after(1)
print((peak_after(9) - one) / 8)
"""


@pytest.mark.skipif(not Path("/proc/self/status").exists(), reason="the peak is read from /proc")
def test_the_estimate_is_that_of_a_training():
    done = subprocess.run(
        [sys.executable, "-c", _MEASURE], cwd=ROOT, capture_output=True, text=True, timeout=300
    )
    measured = float(done.stdout)
    settings = train_settings()
    m = settings.model
    sizes = {"hidden": m.hidden, "encoder_layers": m.encoder_layers, "decoder_layers": m.decoder_layers}
    architecture = Architecture(points=256, styles=5 + m.free_styles, **sizes)
    # Of the shipped sample.
    rows = {"batch": 1024, "training": 590, "validation": 107}
    assert 0.7 < estimate(architecture, **rows) / measured < 4


def test_some_of_the_memory_is_left_and_one_trial_always_runs():
    assert trials_that_fit(100, 1000) == 6
    assert trials_that_fit(100, 10) == 1
    assert trials_that_fit(100, None) is None


class TestAvailable:
    @pytest.fixture
    def write(self, tmp_path):
        def write(path, text):
            (tmp_path / path).parent.mkdir(parents=True, exist_ok=True)
            (tmp_path / path).write_text(text)

        write("proc/meminfo", "MemTotal:  2000 kB\nMemFree:  100 kB\nMemAvailable:  1000 kB\n")
        return write

    def test_what_the_machine_has(self, write, tmp_path):
        assert available_bytes(CPU, tmp_path) == 1000 * 1024

    def test_here(self):
        assert available_bytes(CPU) > 0

    def test_a_system_without_proc(self, tmp_path):
        assert available_bytes(CPU, tmp_path / "none") > 0

    def test_a_limit_of_version_2_holds_for_the_groups_below(self, write, tmp_path):
        write("proc/self/cgroup", "0::/slurm/job/step\n")
        write("sys/fs/cgroup/slurm/memory.max", "5000000\n")
        write("sys/fs/cgroup/slurm/memory.current", "1000000\n")
        write("sys/fs/cgroup/slurm/job/memory.max", "500000\n")
        write("sys/fs/cgroup/slurm/job/memory.current", "300000\n")
        write("sys/fs/cgroup/slurm/job/memory.stat", "file 90000\ninactive_file 50000\n")
        write("sys/fs/cgroup/slurm/job/step/memory.max", "max\n")
        write("sys/fs/cgroup/slurm/job/step/memory.current", "300000\n")
        assert available_bytes(CPU, tmp_path) == 250_000

    def test_a_limit_of_version_1_in_a_container(self, write, tmp_path):
        write("proc/self/cgroup", "9:cpu:/\n4:memory,hugetlb:/docker/abc\n0::/\n")
        write("sys/fs/cgroup/memory/memory.limit_in_bytes", "400000\n")
        write("sys/fs/cgroup/memory/memory.usage_in_bytes", "100000\n")
        assert available_bytes(CPU, tmp_path) == 300_000

    def test_no_limit_of_version_1(self, write, tmp_path):
        write("proc/self/cgroup", "4:memory:/\n")
        write("sys/fs/cgroup/memory/memory.limit_in_bytes", "9223372036854771712\n")
        write("sys/fs/cgroup/memory/memory.usage_in_bytes", "100000\n")
        assert available_bytes(CPU, tmp_path) == 1000 * 1024

    def test_cuda(self, monkeypatch):
        monkeypatch.setattr(torch.cuda, "mem_get_info", lambda device: (700, 1000))
        monkeypatch.setattr(torch.cuda, "memory_reserved", lambda device: 200)
        monkeypatch.setattr(torch.cuda, "memory_allocated", lambda device: 150)
        assert available_bytes(torch.device("cuda")) == 750
