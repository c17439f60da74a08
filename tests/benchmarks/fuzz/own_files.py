"""Reading mutated files that the program itself has written: what others may send is no way to harm it."""

import contextlib
import io
import tempfile
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cache, partial
from pathlib import Path
from random import Random
from typing import Any

import numpy as np
import torch
import yaml
from hydra.errors import HydraException
from omegaconf.errors import OmegaConfBaseException

from rankaae_cli.analysis.prediction.offset import read_offset
from rankaae_cli.cli import main
from rankaae_cli.commands.usage.call_errors import call_error_message
from rankaae_cli.core.errors import UserError
from rankaae_cli.core.xas.spectra import SpectrumError
from rankaae_cli.data.family.family_file import read_family
from rankaae_cli.data.family.groups import read_groups
from rankaae_cli.data.structures.structure_files import structures_in
from rankaae_cli.data.structures.structure_set import read_structures, structures_path
from rankaae_cli.models.base import Classifies, HasStyles, Predicts, Reconstructs, Samples, Simulates
from rankaae_cli.models.readings import ensemble_values
from rankaae_cli.models.registry import load_model
from rankaae_cli.runs.directory import plain_config, typed_config
from rankaae_cli.runs.find import find_run, find_runs
from rankaae_cli.runs.provenance import read_provenance
from rankaae_cli.runs.sweep_record import jobs_of
from rankaae_cli.schema.foreign import FileConfigSource
from tests.benchmarks.fuzz.calls import CallReader, take_call
from tests.benchmarks.fuzz.compared import read_compared
from tests.benchmarks.fuzz.compared import seeds as compared_seeds
from tests.benchmarks.fuzz.own_mutations import mutated_file, mutated_folder
from tests.benchmarks.fuzz.readings import Reader, require_sentence
from tests.benchmarks.fuzz.seeds import Seed
from tests.data.feff_folder import rock_salt
from tests.small_runs import CALLS, IN_EPOCHS, write_data

_OFFSET = """from_fidelity: measured
to_fidelity: FEFF
beamline: x
element: Cu
edge: K
offset: -3.4
uncertainty: 0.3
"""
_FAMILY = """# @package _group_
name: Zn_any
element: Zn
edge: K
energy: {start: 9655.0, step: 0.25, points: 256, unit: eV}
descriptors: {CN: {classes: [3, 4]}}
neighbours: {method: crystal_nn}
data: zn.h5
"""
_SWEEP = """{"format": "rankaae-sweep", "command": "train", "folder": "/x", "call": ["-m", "seed=0,1"],
"arguments": ["seed=0,1"], "jobs": [{"number": 0, "directory": "0", "overrides": ["seed=0"]},
{"number": 1, "directory": "1", "overrides": ["seed=1"]}]}"""
_JOB = (
    '{"number": 0, "directory": "0", "overrides": ["seed=0"], "state": "failed", "reason": "x", "score": 0.5}'
)
_CIF = """data_x
_cell_length_a 4.2
_cell_length_b 4.2
_cell_length_c 4.2
_cell_angle_alpha 90
_cell_angle_beta 90
_cell_angle_gamma 90
_symmetry_space_group_name_H-M 'P 1'
loop_
_atom_site_label
_atom_site_type_symbol
_atom_site_fract_x
_atom_site_fract_y
_atom_site_fract_z
_atom_site_occupancy
Ni1 Ni 0 0 0 1
O1 O 0.5 0.5 0.5 1
"""
_XYZ = """2
Lattice="4.2 0 0 0 4.2 0 0 0 4.2" Properties=species:S:1:pos:R:3 pbc="T T T"
Ni 0.0 0.0 0.0
O 2.1 2.1 2.1
"""


@dataclass(frozen=True)
class OwnReader(Reader):
    """What reads files that the program writes; `name` tells what a file is made of."""

    name: str = ""

    def mutated(self, number: str) -> Seed:
        """Return the mutated file of a number, which is always the same."""
        random = Random(number)
        seed = random.choice(_of(self.seeds))
        if isinstance(seed, dict):
            return mutated_folder(random, seed)
        return mutated_file(random, self.name, seed)


@cache
def _of(seeds: Callable[[], list[Seed]]) -> list[Seed]:
    return list(seeds())


@cache
def run_files(kind: str) -> dict[str, bytes]:
    """Return the files of a small run of a kind, and of its data."""
    with tempfile.TemporaryDirectory() as folder, contextlib.chdir(folder):
        write_data(kind, Path(folder))
        epochs = ("max_epochs=1",) if kind in IN_EPOCHS else ()
        with contextlib.redirect_stdout(io.StringIO()), contextlib.redirect_stderr(io.StringIO()):
            assert main(["train", *CALLS[kind], *epochs, "hydra.run.dir=run"]) == 0
        kept = ("config.yaml", "provenance.json", "metrics.csv", "checkpoints/best.ckpt")
        files = {name: Path("run", name) for name in kept}
        files |= {path.name: path for path in Path(folder).glob("data.h5*")}
        return {name: path.read_bytes() for name, path in files.items() if path.is_file()}


def _refused(read: Callable[[Path], Any]) -> Callable[[Path], bool]:
    """Return a reading that tells whether a file is read; what it is refused with has to be a sentence."""

    def call(path: Path) -> bool:
        said = io.StringIO()
        try:
            with contextlib.redirect_stderr(said):
                read(path)
        except (UserError, SpectrumError) as error:
            require_sentence(str(error))
            return False
        except (yaml.MarkedYAMLError, HydraException, OmegaConfBaseException) as error:
            message = call_error_message(error, "train", [], lambda group: [])
            require_sentence(str(message))
            return False
        for line in said.getvalue().splitlines():
            require_sentence(line)
        return True

    return call


def _use_checkpoint(path: Path) -> None:
    """Load a model, and let it do once what it can."""
    model = load_model(path)
    spectra_NE = np.ones((2, len(model.energy_E)), dtype=np.float32)
    assert model.subject and model.alive_T.shape == (model.n_trials,) and model.parameters_a_trial > 0
    if isinstance(model, Classifies | Predicts | Reconstructs | HasStyles):
        made = [model.indicators(spectra_NE), model.coordinates(spectra_NE), model.reconstruct(spectra_NE)]
        assert all(np.isfinite(one).all() for one in made), "numbers that are not finite"
        ensemble_values(model, spectra_NE)
    if isinstance(model, Simulates):
        values_NF = np.ones((2, len(model.features.names)), dtype=np.float32)
        features = type(model.features)(values_NF, model.features.names, model.features.model, *_made(model))
        simulated_NE, deviation_N = model.simulate(features)
        assert np.isfinite(simulated_NE).all() and np.isfinite(deviation_N).all()
        assert np.isfinite(model.half_widths(deviation_N, 0.9, True)).all()
        model.judge(features)
    if isinstance(model, Samples):
        assert np.isfinite(model.conditions(spectra_NE)).all()
        lattice = np.eye(3) * 2.1 * model.cutoff
        with torch.no_grad():
            model.generate(
                lattice,
                model.condition_MC[:4].astype(np.float64),
                np.random.default_rng(0),
                steps=2,
                guidance=1.0,
                temperature=1.0,
                report=lambda step: None,
            )


def _made(model: Simulates) -> tuple[str, str]:
    return model.features.version, model.features.weights


def _use_run(path: Path) -> None:
    run = find_run(str(path))
    find_runs([str(path)])
    plain_config(run)
    typed_config(run)
    read_provenance(run)
    _use_checkpoint(run / "checkpoints" / "best.ckpt")


def _use_configuration(path: Path) -> None:
    place = path.with_name("family.yaml")
    path.replace(place)
    with contextlib.closing(io.StringIO()):
        FileConfigSource("x", f"file://{place.parent}").load_config("family")


def _use_structures(path: Path) -> None:
    family = read_family(path / "data.h5")
    read_structures(path / "data.h5", family.rows)


def _use_structure_file(suffix: str, path: Path) -> None:
    place = path.with_name(f"x.{suffix}")
    path.replace(place)
    for one in structures_in([place]):
        if one.fault:
            require_sentence(one.fault)


def _structures() -> list[Seed]:
    files = run_files("diffusion")
    return [{name: files[name] for name in ("data.h5", structures_path("data.h5").name)}]


def own_readers(kinds: tuple[str, ...] = tuple(CALLS)) -> Mapping[str, Reader]:
    """Return the readers of what the program writes, and of calls, comparisons and structures, by name."""
    texts = {
        "offset": (_OFFSET, read_offset),
        "configuration": (_FAMILY, _use_configuration),
        "groups": ("material,formula,density\na,CuO,1\nb,Cu2O,2\n", lambda path: read_groups(str(path))),
        "POSCAR": (rock_salt(), partial(_use_structure_file, "vasp")),
        "CIF": (_CIF, partial(_use_structure_file, "cif")),
        "extended XYZ": (_XYZ, partial(_use_structure_file, "extxyz")),
    }
    readers: dict[str, Reader] = {
        name: OwnReader(partial(lambda text: [text.encode()], text), _refused(read))
        for name, (text, read) in texts.items()
    }
    readers["settings of a call"] = CallReader(list, take_call)
    readers["what is compared"] = Reader(compared_seeds, read_compared)
    sweep = {"sweep.json": _SWEEP.encode(), "0/job.json": _JOB.encode()}
    readers["record of a sweep"] = OwnReader(partial(lambda one: [one], sweep), _refused(jobs_of))
    for kind in kinds:
        readers[f"checkpoint of {kind}"] = OwnReader(
            partial(lambda kind: [run_files(kind)["checkpoints/best.ckpt"]], kind),
            _refused(_use_checkpoint),
            "best.ckpt",
        )
    readers["run directory"] = OwnReader(
        partial(lambda kind: [run_files(kind)], kinds[0]), _refused(_use_run)
    )
    if "diffusion" in kinds:
        readers["structures of a family"] = OwnReader(_structures, _refused(_use_structures))
    return readers
