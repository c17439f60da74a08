"""`rankaae train kind=forward` and what follows: from features of structures to spectra."""

import importlib.util
import json
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from sklearn.ensemble import ExtraTreesRegressor

from rankaae_cli.analysis.simulation import structures
from rankaae_cli.api.model import load
from rankaae_cli.core.errors import UserError
from rankaae_cli.data.family.family_file import read_family, write_family
from rankaae_cli.data.features.feature_set import FeatureSet
from rankaae_cli.data.features.featurisers import FEATURISERS, Featuriser
from rankaae_cli.data.structures.pymatgen_structure import structure_of
from rankaae_cli.models.registry import load_model
from tests.data.feff_folder import rock_salt, tenorite, write
from tests.data.measured_scan import xdi_text

_CHOICES = ("model.lengths=[1,4]", "model.noises=[0.001]")


@pytest.fixture(scope="module")
def spectra_of_features():
    """240 sites of 120 materials; features are position, height and width of a peak, and one of no effect."""
    rng = np.random.default_rng(0)
    causes = np.repeat(rng.uniform((8994, 0.2, 2), (9000, 0.8, 4), (120, 3)), 2, axis=0)
    causes += 0.05 * rng.normal(size=causes.shape)
    energy = 8983 + 0.5 * np.arange(100)
    step = 1 / (1 + np.exp(-(energy - 8992) / 2))
    peaks = causes[:, 1:2] * np.exp(-(((energy - causes[:, :1]) / causes[:, 2:]) ** 2))
    ids = np.array([f"m{i // 2}_{i % 2}" for i in range(240)])
    features = np.column_stack([causes, rng.normal(size=240)]).astype(np.float32)
    return {"spectra": step * (1 + peaks), "ids": ids, "features": features, "energy": energy}


@pytest.fixture
def trained(rankaae, tmp_path, spectra_of_features):
    """The folder of a run."""
    np.savez(tmp_path / "x.npz", **spectra_of_features)
    calls = (
        ("ingest", "+family=Cu_oxides", "source=npz", "path=x.npz", "npz.features=causes 1", "output=x.h5"),
        ("train", "kind=forward", "+family=Cu_oxides", "data=x.h5", *_CHOICES),
    )
    for call in calls:
        done = rankaae(*call)
        assert done.returncode == 0, done.stderr
    return next(tmp_path.glob("runs/*/*/*"))


def test_spectra_are_simulated_from_features(rankaae, trained, tmp_path):
    done = rankaae("evaluate")
    assert done.returncode == 0, done.stderr
    metrics = json.loads((trained / "evaluation" / "metrics.json").read_text())
    assert "fitted to these rows" in rankaae("evaluate", "split=validation").stdout
    assert metrics["simulation"]["eta"] > 5 and metrics["simulation"]["interval"]["eta"][0] > 3
    assert 0.8 < metrics["bands"]["points"] <= 1 and 0.7 < metrics["bands"]["curves"] <= 1
    rows = pd.read_csv(trained / "evaluation" / "simulations.csv")
    family = read_family(tmp_path / "x.h5")
    test = family.with_rows(family.split_N == 2)
    assert rows.material.tolist() == test.material_N.tolist()
    model = load_model(trained / "checkpoints" / "best.ckpt")
    simulated, deviation = model.simulate(test.features)
    np.testing.assert_allclose(np.abs(simulated - test.spectra_NE).mean(axis=1), rows.mae, rtol=1e-3)
    np.testing.assert_allclose(deviation, rows.deviation, rtol=1e-3)
    examples = pd.read_csv(trained / "evaluation" / "simulation_examples.csv")
    assert examples.which.unique().tolist() == ["best", "median", "worst"]


def test_a_report_shows_errors_beside_those_of_trees(rankaae, refused, trained, tmp_path):
    done = rankaae("evaluate", "baselines=extra_trees", "baseline_settings.extra_trees.trees=20")
    assert done.returncode == 0, done.stderr
    assert "extra-trees" in done.stdout and "novelty of the site" in done.stdout
    scores = json.loads((trained / "evaluation" / "metrics.json").read_text())["simulation"]
    family = read_family(tmp_path / "x.h5")
    train, test = (family.with_rows(family.split_N == side) for side in (0, 2))
    trees = ExtraTreesRegressor(20, min_samples_leaf=2, max_features=0.3, random_state=0)
    trees.fit(train.features.values_NF, train.spectra_NE[:])
    expected = np.abs(trees.predict(test.features.values_NF) - test.spectra_NE).mean()
    assert scores["extra_trees"]["mae"] == pytest.approx(expected, rel=0.2)
    assert scores["mae"] < scores["extra_trees"]["mae"] < scores["mean_spectrum"]["mae"]
    done = rankaae("report")
    assert done.returncode == 0, done.stderr
    assert "making it" not in done.stderr  # the evaluation is there, with the trees
    page = (trained / "report" / "report.html").read_text()
    assert page.count("data:image/") == 3 and "extra-trees" in page and "http" not in page.split("<main>")[1]
    message = refused("evaluate", "baselines=[vae]")
    assert "baselines=vae: this run simulates spectra" in message


def test_a_training_ends_with_its_page_when_asked_to(rankaae, trained, tmp_path, blank_figures):
    done = rankaae("train", "kind=forward", "+family=Cu_oxides", "data=x.h5", *_CHOICES, "then=report")
    assert done.returncode == 0, done.stderr
    page = tmp_path / done.stdout.splitlines()[-1]
    assert page.is_file() and page.name == "report.html"


def test_novelty_is_the_distance_to_the_nearest_of_training(trained, tmp_path):
    model = load_model(trained / "checkpoints" / "best.ckpt")
    family = read_family(tmp_path / "x.h5")
    fitted = family.with_rows(family.split_N < 2)
    values = fitted.features.values_NF.astype(float)
    scaled = (values - values.mean(axis=0)) / values.std(axis=0)
    apart = np.linalg.norm(scaled[:, None] - scaled, axis=2)
    apart[fitted.material_N[:, None] == fitted.material_N] = np.inf
    usual = np.sort(apart, axis=1)[:, :5].mean(axis=1)
    far = values[:1] + 3 * values.std(axis=0)
    distance = np.sort(np.linalg.norm((far - values) / values.std(axis=0), axis=1))[:5].mean()
    ends = np.quantile(np.log(usual), [0.5, 0.95])
    novelty, verdicts = model.judge(replace(model.features, values_NF=far.astype(np.float32)))
    assert novelty[0] == pytest.approx((np.log(distance) - ends[0]) / (ends[1] - ends[0]), rel=1e-3)
    assert verdicts == ["outside"]


def test_a_run_repeats_exactly(rankaae, trained, tmp_path):
    done = rankaae("train", "kind=forward", "+family=Cu_oxides", "data=x.h5", *_CHOICES)
    assert done.returncode == 0, done.stderr
    again = [path for path in tmp_path.glob("runs/*/*/*") if path != trained]
    models = [load_model(run / "checkpoints" / "best.ckpt") for run in (trained, again[0])]
    np.testing.assert_array_equal(*(model.process.weights_ME for model in models))


def test_other_features_than_the_runs_are_refused(trained, tmp_path):
    model = load_model(trained / "checkpoints" / "best.ckpt")
    own = read_family(tmp_path / "x.h5").features
    for other, words in (
        (replace(own, version="2"), "the features are of causes 2, not of causes 1"),
        (replace(own, names=("a", "b", "c", "d")), "the features are without feature_0"),
    ):
        with pytest.raises(UserError, match=words):
            model.simulate(other)


def test_data_without_features_are_refused(refused):
    assert "the data hold no features of the sites" in refused("train", "kind=forward", "+family=Cu_oxides")


def test_two_files_with_other_features_are_refused(rankaae, trained, tmp_path):
    family = read_family(tmp_path / "x.h5")
    renamed = FeatureSet(family.features.values_NF, ("a", "b", "c", "d"), "causes", "1")
    write_family(tmp_path / "y.h5", replace(family, features=renamed))
    done = rankaae("train", "kind=forward", "+family=Cu_oxides", "data=[x.h5,y.h5]")
    assert done.returncode == 2
    assert "y.h5 are without feature_0" in done.stderr and "hold no features" in done.stderr


def test_what_reads_spectra_says_that_this_does_not(refused, trained):
    assert "none of which is a descriptor" in refused("traverse", f"run={trained}")
    assert "trained on features of causes 1" in refused("predict", f"run={trained}", "input=x.h5")


@pytest.fixture
def protons(monkeypatch):
    """A featuriser in the place of all others, of the features that runs here are trained on."""

    def compute(structure):
        # The peak lies at 8997 eV for 9.4 cubic angstrom an atom, and the higher the less there are.
        return np.tile([9006.4 - structure.volume / len(structure), 0.5, 3.0, 0.0], (len(structure), 1))

    names = tuple(f"feature_{i}" for i in range(4))
    featuriser = Featuriser("causes", "1", "", names, 50, compute)
    monkeypatch.setitem(FEATURISERS, "causes", ("none", "numpy", "none"))
    monkeypatch.setattr(structures, "featurisers_of", lambda names: (featuriser,))


def test_spectra_of_structures_are_simulated(rankaae, trained, protons, tmp_path):
    pytest.importorskip("pymatgen")
    files = {"s/CuO/POSCAR": tenorite(), "s/CoO/POSCAR": rock_salt("Co"), "s/bad.vasp": "bad"}
    files |= {"s/one.vasp": rock_salt(), "s/heavy.vasp": rock_salt().replace("O", "Pb")}
    twice = rock_salt().splitlines()
    files["s/twice.vasp"] = "\n".join([*twice[:-1], twice[-2]])
    write(tmp_path, files)
    shared = structure_of(rock_salt().encode())
    shared[4] = {"O": 0.5, "S": 0.5}
    with pytest.warns(UserWarning, match="labels"):
        shared.to(filename=str(tmp_path / "s" / "shared.cif"))
    done = rankaae("predict", f"run={trained}", "input=s", "output=out")
    assert done.returncode == 0, done.stderr
    for words in (
        "CoO: the structure holds no Cu; it is of Co, O",
        "heavy: causes does not know the element Pb",
        "twice: two atoms at one place",
        "shared: ",
    ):
        assert words in done.stderr
    sites = pd.read_csv(tmp_path / "out" / "sites.csv")
    assert sites.structure.tolist() == ["CuO", "one"] and sites.multiplicity.tolist() == [4, 4]
    family = read_family(tmp_path / "out" / "spectra.h5")
    np.testing.assert_allclose(sites.filter(like="ENE_"), family.spectra_NE, atol=1e-5)
    averages = pd.read_csv(tmp_path / "out" / "averages.csv")
    np.testing.assert_allclose(averages.filter(like="ENE_"), family.spectra_NE, atol=1e-5)
    assert len(pd.read_csv(tmp_path / "out" / "rejected.csv")) == 5
    page = (tmp_path / "out" / "page.html").read_text()
    assert page.count("data:image/png") == 1 and "5 structures could not be simulated" in page
    assert "causes does not know the element Pb" in page and 'id="ranking"' not in page
    bands = pd.read_csv(tmp_path / "out" / "bands.csv")
    assert (bands.curves >= bands.points).mean() > 0.5
    # From Python, as pymatgen and ase have them.
    given = [structure_of(tenorite().encode()), structure_of(rock_salt().encode()), tmp_path / "s" / "CoO"]
    if importlib.util.find_spec("ase"):
        given[1] = given[1].to_ase_atoms()
    table = load(trained).simulate(given)
    np.testing.assert_allclose(table.absorption, family.spectra_NE[:].ravel(), atol=1e-5)
    assert table.structure.unique().tolist() == ["CuO#0", "CuO#1"]
    assert ((table.low < table.absorption) & (table.absorption < table.high)).all()
    assert [name for name, _ in table.attrs["faults"]] == ["CoO"]
    with pytest.raises(UserError, match="int is no structure"):
        load(trained).simulate(7)
    with pytest.raises(UserError, match="simulates spectra of structures"):
        load(trained).predict(model_energies := np.arange(8900, 9300), np.ones(len(model_energies)))
    # The peak that the features tell of.
    model = load_model(trained / "checkpoints" / "best.ckpt")
    assert abs(model.energy_E[family.spectra_NE[0].argmax()] - 8996.3) < 2


def measured(model, peak, shift, last=9600.0):
    """XDI of a spectrum of the model, its energies `shift` eV too low and its white line lower by a tenth."""
    own = replace(model.features, values_NF=np.array([[peak, 0.5, 3.0, 0.0]], dtype=np.float32))
    energy = np.concatenate([np.arange(8830, 8983, 2.0), model.energy_E[2:-2], np.arange(9048, last, 3.0)])
    spectrum = np.interp(energy, model.energy_E, model.simulate(own)[0][0], left=0.0, right=1.0)
    spectrum /= 1 + 0.1 * (spectrum - 1)
    energy = (energy - shift)[energy <= last]
    counts = {"i0": np.full(len(energy), 1e5), "itrans": 1e5 * np.exp(-0.2 - 0.9 * spectrum[: len(energy)])}
    return xdi_text({"energy eV": energy, **counts}, ("# Element.symbol: Cu", "# Element.edge: K"))


def test_structures_are_ranked_by_a_measured_spectrum(rankaae, trained, protons, tmp_path):
    pytest.importorskip("pymatgen")
    edges = {f"peak_{volume}": (8 * volume) ** (1 / 3) for volume in (8, 9, 10, 11)}
    write(tmp_path, {f"s/{name}.vasp": rock_salt(a=a) for name, a in edges.items()})
    model = load_model(trained / "checkpoints" / "best.ckpt")
    (tmp_path / "CuO.xdi").write_text(measured(model, 9006.4 - 10, 3.0))
    done = rankaae("predict", f"run={trained}", "input=s", "measured=CuO.xdi", "offset=2.5", "output=out")
    assert done.returncode == 0, done.stderr
    ranking = pd.read_csv(tmp_path / "out" / "ranking.csv")
    best = ranking.iloc[0]
    assert best.structure == "peak_10" and best.probability > 0.5
    assert ranking.probability.sum() == pytest.approx(1, abs=1e-4) and ranking["rank"].tolist() == [
        1,
        2,
        3,
        4,
    ]
    assert best.offset_low < 3.0 < best.offset_high and best.misfit < 0.02 < ranking.misfit.iloc[-1]
    page = (tmp_path / "out" / "page.html").read_text()
    assert "Best fit to CuO.xdi: peak_10, with" in page and "It fits as the right one would" in page
    assert page.count("data:image/png") == 2
    done = rankaae("predict", f"run={trained}", "input=s/peak_8.vasp", "measured=CuO.xdi", "figures=0")
    assert "beside no other it has no probability" in done.stdout and "no offset= was given" in done.stdout


def test_what_structures_cannot_be_ranked_by_is_refused(refused, trained, protons, tmp_path):
    pytest.importorskip("pymatgen")
    model = load_model(trained / "checkpoints" / "best.ckpt")
    scan = measured(model, 8997.0, 0.0)
    write(tmp_path, {
        "one.vasp": rock_salt(),
        "iron.xdi": scan.replace("symbol: Cu", "symbol: Fe"),
        "l3.xdi": scan.replace("edge: K", "edge: L3"),
        "early.xdi": measured(model, 8997.0, 0.0, last=9050.0),
    })  # fmt: skip
    for file, offset, words in (
        ("iron.xdi", 0, "Fe"),
        ("l3.xdi", 0, "L3"),
        ("early.xdi", -45, "half are needed"),
        ("x.h5", 0, "the file holds 240 spectra, one is expected"),
        ("nowhere.xdi", 0, "there is no file nowhere.xdi"),
    ):
        call = (f"run={trained}", "input=one.vasp", f"measured={file}", f"offset={offset}", "output=out")
        message = refused("predict", *call)
        assert words in message and not (tmp_path / "out").exists(), message
    assert "offset= is for descriptors" in refused("predict", f"run={trained}", "input=one.vasp", "offset=1")


def test_features_of_another_version_than_the_runs_are_refused(
    refused, trained, protons, monkeypatch, tmp_path
):
    write(tmp_path, {"one.vasp": rock_salt()})
    newer = replace(structures.featurisers_of(["causes"])[0], version="2")
    monkeypatch.setattr(structures, "featurisers_of", lambda names: (newer,))
    message = refused("predict", f"run={trained}", "input=one.vasp")
    assert "can be computed here are of causes 2, not of causes 1" in message


def test_features_that_no_structure_has_are_refused(refused, trained, tmp_path):
    write(tmp_path, {"one.vasp": rock_salt()})
    message = refused("predict", f"run={trained}", "input=one.vasp")
    assert "trained on features of causes 1, which cannot be computed here" in message
