"""How fast `rankaae predict input=` simulates structures, what of it is featurising, and how its memory grows.

python -m tests.benchmarks.simulation_speed [--structures 500 1000] [--jobs 1 2] [--run RUN]

Structures are supercells of tenorite of 32 atoms, each strained in its own way, as POSCAR files; without --run a
model is trained on CHGNet's features of 60 of them and made-up spectra, which changes no time. Shares are of one
process: reading a file, telling which absorbers differ, featurising, simulating. A call is timed with its start,
tables and page: by the clock, and in seconds of the processor, which other programs on the machine change less;
memory is the largest resident set of its processes. In the row of the larger number of structures those a second
and the memory are of what was added, without what a call takes in any case.
"""

import argparse
import contextlib
import resource
import subprocess
import sys
import tempfile
import time
from dataclasses import replace
from pathlib import Path

import numpy as np

from rankaae_cli.cli import main as rankaae
from rankaae_cli.core.labels import listed
from rankaae_cli.data.family.family import Family
from rankaae_cli.data.family.family_file import write_family
from rankaae_cli.data.family.splits import split_by_material
from rankaae_cli.data.family.synthetic import synthetic_family
from rankaae_cli.data.features.featurisers import Featuriser, featurisers_of
from rankaae_cli.data.structures.pymatgen_structure import structure_of
from rankaae_cli.data.structures.structure_files import distinct_absorbers, structures_in
from rankaae_cli.models.base import Simulates
from rankaae_cli.models.registry import load_model
from tests.data.feff_folder import tenorite

ENERGY = 8983.5 + 0.25 * np.arange(256)
TRAINED_ON, TIMED = 60, 40


def strained(seed: int) -> str:
    """Return the POSCAR of 2 x 1 x 2 cells of CuO, 32 atoms, strained by up to 4 %."""
    structure = structure_of(tenorite().encode()) * (2, 1, 2)
    structure.apply_strain(np.random.default_rng(seed).uniform(-0.04, 0.04, 3))
    return str(structure.to(fmt="poscar"))


def trained_run(folder: Path, featuriser: Featuriser) -> Path:
    """Train a model on features of some structures and spectra that have nothing to do with them."""
    structures = [structure_of(strained(seed).encode()) for seed in range(TRAINED_ON)]
    values_NF = np.array([featuriser.features(one, "")[0] for one in structures])
    family: Family = synthetic_family("Cu_oxides", "Cu", "K", ENERGY, ("CN",), TRAINED_ON)
    material_N = np.array([f"m{n}" for n in range(TRAINED_ON)], dtype=object)
    features = replace(featuriser.empty(), values_NF=values_NF)
    family = replace(family, features=features, material_N=material_N, split_N=split_by_material(material_N))
    write_family(folder / "cu.h5", family)
    with contextlib.chdir(folder):
        few = ("model.lengths=[4]", "model.noises=[0.01]")
        assert rankaae(["train", "kind=forward", "+family=Cu_oxides", "data=cu.h5", *few]) == 0
    return next(folder.glob("runs/*/*/*"))


def shares(run: Path, files: list[Path], featuriser: Featuriser) -> dict[str, float]:
    """Return the seconds a structure of each part of the work, in one process."""
    model: Simulates = load_model(run / "checkpoints" / "best.ckpt")
    spent = dict.fromkeys(("reading", "absorbers", "featurising", "simulating"), 0.0)
    featuriser.features(structure_of(strained(0).encode()), "")  # its model is loaded once
    structures, before = structures_in(files), time.process_time()

    def end(what: str) -> None:
        nonlocal before
        now = time.process_time()
        spent[what] += now - before
        before = now

    for one in structures:
        end("reading")
        absorbers = distinct_absorbers(one.structure, "Cu")
        end("absorbers")
        values = featuriser.features(one.structure, one.name)[[a.site for a in absorbers]]
        end("featurising")
        model.simulate(replace(model.features, values_NF=values))
        end("simulating")
    return {what: seconds / len(files) for what, seconds in spent.items()}


def call(run: Path, inputs: Path, output: Path, jobs: int) -> tuple[float, float, float]:
    """Run the command; return its seconds by the clock and of the processor, and its MB at most."""
    command = [sys.executable, "-m", "rankaae_cli", "predict", f"run={run}", f"input={inputs}"]
    begun, used, most = time.perf_counter(), _processor(), 0.0
    with subprocess.Popen(
        [*command, f"output={output}", f"jobs={jobs}"], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    ) as process:
        while process.poll() is None:
            most = max(most, sum(map(_resident, _with_children(process.pid))))
            time.sleep(0.2)
    assert process.returncode == 0
    return time.perf_counter() - begun, _processor() - used, most


def _processor() -> float:
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


def _with_children(pid: int) -> list[int]:
    """Return a process and all below it."""
    try:
        tasks = Path(f"/proc/{pid}/task").iterdir()
        children = [int(child) for task in tasks for child in (task / "children").read_text().split()]
    except OSError:
        return []
    return [pid, *(one for child in children for one in _with_children(child))]


def _resident(pid: int) -> float:
    try:
        lines = Path(f"/proc/{pid}/status").read_text().splitlines()
    except OSError:
        return 0.0
    return next((float(line.split()[1]) / 1024 for line in lines if line.startswith("VmRSS")), 0.0)


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--structures", type=int, nargs="+", default=[500, 1000], help="two numbers of them")
    parser.add_argument("--jobs", type=int, nargs="+", default=[1, 2], help="structures at once")
    parser.add_argument("--run", type=Path, help="of a forward model of CHGNet's features")
    arguments = parser.parse_args()
    (featuriser,) = featurisers_of(["chgnet"])
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        run = (arguments.run or trained_run(folder, featuriser)).resolve()
        for seed in range(max(arguments.structures)):
            for n in arguments.structures:
                if seed < n:
                    path = folder / str(n) / f"s{seed}" / "POSCAR"
                    path.parent.mkdir(parents=True)
                    path.write_text(strained(seed))
        some = sorted((folder / str(arguments.structures[0])).rglob("POSCAR"))[:TIMED]
        parts = shares(run, some, featuriser)
        whole = sum(parts.values())
        each = listed([f"{what} {seconds / whole:.0%}" for what, seconds in parts.items()])
        print(f"one process: {1 / whole:.1f} structures a second of the processor; {each}")
        heads = (
            "jobs",
            "structures",
            "clock s",
            "a second",
            "processor s",
            "a second",
            "MB",
            "MB a thousand",
        )
        print(" ".join(f"{head:>13}" for head in heads))
        for jobs in arguments.jobs:
            before = (0, 0.0, 0.0, 0.0)
            for n in sorted(arguments.structures):
                now = n, *call(run, folder / str(n), folder / f"out-{jobs}-{n}", jobs)
                more, clock, processor, memory = (b - a for a, b in zip(before, now, strict=True))
                grown = f"{1000 * memory / more:.0f}" if before[0] else ""
                cells = (jobs, n, f"{now[1]:.1f}", f"{more / clock:.1f}", f"{now[2]:.1f}")
                cells_of_more = (f"{more / processor:.1f}", f"{now[3]:.0f}", grown)
                print(" ".join(f"{cell:>13}" for cell in (*cells, *cells_of_more)), flush=True)
                before = now


if __name__ == "__main__":
    main()
