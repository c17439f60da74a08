"""`rankaae evaluate check=leakage`: materials that are on two sides of the split under two names."""

import json
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from rankaae_cli.data.family.family_file import write_family
from rankaae_cli.data.family.synthetic import synthetic_family
from rankaae_cli.data.structures.structure_set import Structure, structures_path, write_structures
from tests.data.feff_folder import GRID

PLANTED = 10
TRAIN = ("train", "+family=Cu_oxides", "data=cu.h5", "trials=1", "hydra.run.dir=run")
TREES = ("kind=supervised", "model.extra_trees.trees=4", "model.inputs=[spectrum]")


@pytest.fixture(scope="module")
def leaky():
    """A family of 120 spectra; ten materials of the training side are on the test side too, with some noise."""
    family = synthetic_family("Cu_oxides", "Cu", "K", GRID, ["OS", "CN"], 120)
    training = np.unique(family.material_N[family.split_N == 0])[:PLANTED]
    rows = np.flatnonzero(np.isin(family.material_N, training))
    again = family.with_rows(rows)
    noise = np.random.default_rng(0).normal(0, 1e-3, again.spectra_NE.shape).astype(np.float32)
    names = np.array([f"other-{name}" for name in again.material_N], dtype=object)
    parts = [family, replace(again, spectra_NE=again.spectra_NE + noise, material_N=names)]
    arrays = ("spectra_NE", "descriptors_NK", "quantities_NQ", "material_N", "site_N")
    joined = {name: np.concatenate([getattr(part, name) for part in parts]) for name in arrays}
    split_N = np.concatenate([family.split_N, np.full(len(rows), 2, dtype=family.split_N.dtype)])
    return replace(family, **joined, split_N=split_N, groups={}), set(training)


def test_copies_of_training_materials_are_listed(rankaae, leaky, tmp_path):
    family, planted = leaky
    write_family(tmp_path / "cu.h5", family)
    done = rankaae(*TRAIN, "max_steps=4", "model.hidden=8")
    assert done.returncode == 0, done.stderr
    done = rankaae("evaluate", "run=run", "check=leakage")
    assert done.returncode == 0, done.stderr
    table = pd.read_csv(tmp_path / "run" / "evaluation" / "copied_spectra.csv")
    found = {
        (row.material, row.other_material)
        for row in table.itertuples()
        if (row.split, row.other_split) == ("train", "test")
    }
    assert {(name, f"other-{name}") for name in planted} <= found
    assert (table["split"] != table["other_split"]).all()
    about = json.loads((tmp_path / "run" / "evaluation" / "leakage_audit.json").read_text())
    assert about["spectra"] + about["moved"] == len(table) and about["structures"] is None
    assert "structures are not known" in done.stdout and "pairs of spectra" in done.stdout
    assert not (tmp_path / "run" / "evaluation" / "metrics.json").exists()


def test_structures_that_were_copied_are_listed_and_another_file_is_refused(
    rankaae, refused, leaky, tmp_path
):
    family, planted = leaky
    rng = np.random.default_rng(1)
    # Spectra that do not tell: those of the copies are of other sites.
    spectra = np.asarray(family.spectra_NE).copy()
    spectra[120:] = spectra[rng.permutation(len(spectra))[: len(spectra) - 120]]
    family = replace(family, spectra_NE=spectra)
    cells = {}
    for name in sorted(set(family.material_N), reverse=True):  # synthetic-... before other-...
        atoms = 2 + family.site_N[family.material_N == name].max()
        known = cells.get(name.removeprefix("other-"))
        positions = known.positions + 0.5 if known else rng.random((atoms, 3)) * 8
        cells[name] = Structure(np.eye(3) * 8, positions, ("Cu",) * atoms)
    write_family(tmp_path / "cu.h5", family)
    write_structures(structures_path(tmp_path / "cu.h5"), cells, family.rows)
    assert rankaae(*TRAIN, *TREES).returncode == 0
    done = rankaae("evaluate", "run=run", "check=leakage")
    assert done.returncode == 0, done.stderr
    table = pd.read_csv(tmp_path / "run" / "evaluation" / "copied_structures.csv")
    pairs = set(zip(table["material"], table["other_material"], strict=True))
    assert {(name, f"other-{name}") for name in planted} == {
        tuple(sorted(pair, reverse=True)) for pair in pairs
    }

    assert "check= scores nothing" in refused("evaluate", "run=run", "check=leakage", "baselines=all")
    write_family(tmp_path / "more.h5", family.with_rows(np.arange(110)))
    config = tmp_path / "run" / "config.yaml"
    config.write_text(config.read_text().replace("cu.h5", "more.h5"))
    for call in (["evaluate"], ["report"], ["predict", "input=cu.h5"]):
        assert "is not the file that it was trained on" in refused(*call, "run=run")
