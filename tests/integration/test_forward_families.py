"""Forward models of several families at once, and of one beside the rows of an earlier run."""

import json
import shutil
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from rankaae_cli.analysis.simulation.structures import model_of_element
from rankaae_cli.core.errors import UserError
from rankaae_cli.data.family.family import Family
from rankaae_cli.data.family.family_file import read_family, write_family
from rankaae_cli.data.family.splits import TEST, TRAIN, VALIDATION, split_by_material
from rankaae_cli.data.features.feature_set import FeatureSet
from rankaae_cli.models.registry import load_model
from tests.conftest import in_process, save_blank_figures

_FEW = ("model.lengths=[2,8]", "model.noises=[0.001]", "model.shares=[0,0.5,0.9]")
_NAMES = tuple(f"cause_{i}" for i in range(5))


def family_of(element, first_energy, materials, seed, fidelity="FEFF", height=1.0):
    """Two sites each of some materials; features that each element has elsewhere move, raise and widen a peak."""
    rng = np.random.default_rng(seed)
    causes = np.repeat(rng.normal(size=(materials, 5)), 2, axis=0) + 0.1 * rng.normal(size=(2 * materials, 5))
    relative = 0.5 * np.arange(50)
    step = 1 / (1 + np.exp(-(relative - 8) / 2))
    peak = 0.5 + 0.1 * causes[:, 1:2] * np.sin(causes[:, 3:4]) + 0.1 * causes[:, 4:]
    place, width = 12 + causes[:, :1], 3 + 0.4 * causes[:, 2:3]
    material_N = np.array([f"{element}{i // 2}" for i in range(2 * materials)], dtype=object)
    return Family(
        name=f"{element}_oxides",
        element=element,
        edge="K",
        energy_E=first_energy + relative,
        spectra_NE=(height * step * (1 + peak * np.exp(-(((relative - place) / width) ** 2)))).astype(
            np.float32
        ),
        descriptors_NK=np.empty((len(causes), 0)),
        descriptor_names=(),
        descriptor_units=(),
        material_N=material_N,
        site_N=np.arange(len(causes)) % 2,
        split_N=split_by_material(material_N),
        source="npz",
        fidelity=fidelity,
        features=FeatureSet((causes * 2 + seed).astype(np.float32), _NAMES, "causes", "1"),
    )


FAMILIES = {
    "ti.h5": family_of("Ti", 4964.5, 90, 1),
    "v.h5": family_of("V", 5464.0, 20, 2),
    "cu.h5": family_of("Cu", 8983.5, 20, 3),
    "ti_vasp.h5": family_of("Ti", 4964.5, 20, 1, "VASP", 1.5),
}
UNIVERSAL = "data=[ti.h5,v.h5]"


def done(folder, *arguments):
    call = in_process(folder, *arguments)
    assert call.returncode == 0, call.stderr
    return call.stdout + call.stderr


@pytest.fixture(scope="module")
def work(tmp_path_factory):
    """A folder with families, a run on two of them, one tuned to the smaller, and what evaluations said."""
    folder = tmp_path_factory.mktemp("work")
    for name, family in FAMILIES.items():
        write_family(folder / name, family)
    with pytest.MonkeyPatch.context() as patch:
        save_blank_figures(patch)
        done(folder, "train", "kind=forward", UNIVERSAL, "hydra.run.dir=all", *_FEW)
        said = done(folder, "evaluate", "run=all", "resamples=50") + done(folder, "report", "run=all")
        done(folder, "train", "kind=forward", "start=all", "data=v.h5", "hydra.run.dir=tuned", *_FEW)
        (folder / "said.txt").write_text(said + done(folder, "evaluate", "run=tuned", "resamples=50"))
    return folder


def model_in(folder):
    return load_model(folder / "checkpoints" / "best.ckpt")


def eta(simulated, family):
    """Return the median squared error of the mean training spectrum over that of simulated test spectra."""
    true, train = (family.spectra_NE[family.split_N == side] for side in (TEST, TRAIN))
    errors = [((one - true) ** 2).mean(axis=1) for one in (train.mean(axis=0), simulated)]
    return np.median(errors[0]) / np.median(errors[1])


def test_all_families_are_trained_on_at_once(work):
    metrics = json.loads((work / "all" / "evaluation" / "metrics.json").read_text())
    assert [one["family"] for one in metrics["members"]] == ["Ti_oxides (FEFF)", "V_oxides (FEFF)"]
    assert metrics["element"] == "Ti+V" and "V_oxides (FEFF), 8 spectra" in (work / "said.txt").read_text()
    for j, name in enumerate(("ti.h5", "v.h5")):
        family = FAMILIES[name]
        own = model_in(work / "all").of_member(j)
        assert (own.family, own.element, own.fidelity) == (family.name, family.element, "FEFF")
        np.testing.assert_allclose(own.energy_E, family.energy_E)
        simulated, _ = own.simulate(family.features.with_rows(family.split_N == TEST))
        assert metrics["members"][j]["eta"] == pytest.approx(eta(simulated, family), rel=1e-3)
    assert "V_oxides (FEFF), 8 spectra" in (work / "all" / "report" / "report.html").read_text()
    rows = pd.read_csv(work / "all" / "evaluation" / "simulations.csv")
    assert rows.groupby("family").size().tolist() == [one["n"] for one in metrics["members"]]


def test_a_tuned_run_is_shown_beside_the_run_and_the_family_alone(work):
    content = json.loads((work / "tuned" / "evaluation" / "transfer.json").read_text())
    rows = {row["name"]: row for row in content["rows"]}
    family = FAMILIES["v.h5"]
    features = family.features.with_rows(family.split_N == TEST)
    models = {
        "before": model_in(work / "all").of_member(1),
        "scratch": model_in(work / "tuned" / "scratch"),
        "after": model_in(work / "tuned"),
    }
    assert list(rows) == list(models)
    for name, model in models.items():
        assert rows[name]["eta"] == pytest.approx(eta(model.simulate(features)[0], family), rel=1e-3)
    low, high = rows["scratch"]["gain_interval"]
    gain = rows["scratch"]["gain"]
    assert gain == pytest.approx(rows["after"]["eta"] - rows["scratch"]["eta"]) and low < gain < high
    # What the larger family shows of the same causes helps.
    assert rows["after"]["eta"] > 1.2 * rows["scratch"]["eta"]
    said = (work / "said.txt").read_text()
    assert "Gain of this run" in said and f"eta of {len(features)} test spectra (FEFF): " in said
    done(work, "report", "run=tuned")
    page = (work / "tuned" / "report" / "report.html").read_text()
    assert "What the start brought" in page
    assert all(row["label"] in page for row in content["rows"])


def test_each_row_is_fitted_to_once_and_bands_are_of_the_family(work):
    tuned = model_in(work / "tuned")
    fitted = {name: (FAMILIES[name].split_N <= VALIDATION).sum() for name in ("ti.h5", "v.h5")}
    assert np.bincount(tuned.process.family_M).tolist() == [fitted["v.h5"], fitted["ti.h5"]]
    assert len(tuned.bands.curve_M) == fitted["v.h5"] and not tuned.members
    assert np.bincount(model_in(work / "all").process.family_M).tolist() == list(fitted.values())


def test_another_element_or_code_is_gone_on_to(work, tmp_path, blank_figures):
    shutil.copytree(work, tmp_path, dirs_exist_ok=True)
    done(tmp_path, "train", "kind=forward", f"start={work / 'all'}", "data=cu.h5", "hydra.run.dir=cu", *_FEW)
    assert "does not know Cu" in done(tmp_path, "evaluate", "run=cu", "resamples=50")
    content = json.loads((tmp_path / "cu" / "evaluation" / "transfer.json").read_text())
    assert [row["name"] for row in content["rows"]] == ["scratch", "after"]
    done(tmp_path, "train", "kind=forward", "data=ti.h5", "hydra.run.dir=ti", *_FEW)
    done(tmp_path, "train", "kind=forward", "start=ti", "data=ti_vasp.h5", "hydra.run.dir=vasp", *_FEW)
    said = done(tmp_path, "evaluate", "run=vasp", "resamples=50")
    assert "The run it began from" in said and "(VASP)" in said
    assert model_in(tmp_path / "vasp").process.mean_JE.shape[0] == 2


@pytest.mark.parametrize(
    ("change", "call", "words"),
    [
        ({"energy_E": FAMILIES["cu.h5"].energy_E * 1.01}, [], "is on another energy grid"),
        ({"features": replace(FAMILIES["cu.h5"].features, version="2")}, [], "of causes 2, not of causes 1"),
        ({"features": None}, [], "changed.h5 none"),
        ({"edge": "L3"}, [], "give files of one edge"),
        ({"energy_E": FAMILIES["cu.h5"].energy_E * 1.01}, ["start=all"], "another energy grid"),
        (
            {"features": replace(FAMILIES["cu.h5"].features, version="2")},
            ["start=all"],
            "of causes 2, not of",
        ),
        ({"features": None}, ["start=all"], "hold no features"),
        ({"edge": "L3"}, ["start=all"], "but the run of start= K-edge"),
        ({"material_N": FAMILIES["ti.h5"].material_N[:40]}, ["start=all"], "in the run of start="),
        ({}, ["start=tuned"], "the data hold Cu K-edge spectra over eV, but the run of start= V"),
    ],
)
def test_what_does_not_go_together_is_refused(refused, work, tmp_path, change, call, words):
    for run in ("all", "tuned"):
        (tmp_path / run).symlink_to(work / run)
    for name in ("ti.h5", "v.h5"):
        shutil.copy(work / name, tmp_path)
    changed = replace(FAMILIES["cu.h5"], **change)
    if "material_N" in change:
        changed = replace(changed, split_N=np.roll(changed.split_N, 20))
    write_family(tmp_path / "changed.h5", changed)
    data = "data=changed.h5" if call else "data=[ti.h5,changed.h5]"
    message = refused("train", "kind=forward", data, *call, *_FEW)
    assert words in message and len(message.strip().splitlines()) == 2


def test_other_kinds_refuse_several_families(refused, work):
    message = refused("train", "+family=Ti_oxides", f"data=[{work / 'ti.h5'},{work / 'v.h5'}]")
    assert "give files of one family" in message
    message = refused(
        "train", "kind=forward", "+family=Ti_oxides", f"data=[{work / 'ti.h5'},{work / 'v.h5'}]"
    )
    assert "leave +family= out" in message


def test_one_of_several_families_simulates_structures(refused, work):
    model = model_in(work / "all")
    assert model_of_element(model, "V").energy_E[0] == 5464.0
    with pytest.raises(UserError, match="simulates Ti as in Ti_oxides"):
        model_of_element(replace(model, members=(*model.members, model.members[0])), "Ti")
    with pytest.raises(UserError, match="of several families"):
        model.simulate(read_family(work / "v.h5").features)
    message = refused("predict", f"run={work / 'all'}", "input=x")
    assert "Ti and V" in message and "element=Ti" in message
