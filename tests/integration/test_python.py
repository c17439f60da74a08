"""What Python is offered: ``import rankaae_cli as rankaae``."""

import inspect
import json
import math
import re
import subprocess
import sys

import numpy as np
import pandas as pd
import pytest

import rankaae_cli as rankaae
from rankaae_cli.cli import main
from rankaae_cli.data.family.family_file import read_family
from tests.conftest import ROOT
from tests.shipped_scan import NAME, shipped_scan

ENERGY = [8900.0, 9000.0, 9100.0, 9200.0]
# Other people's notebooks rest on these: what is here may be added to, and nothing may be taken away or renamed.
SIGNATURES = {
    "load": "run='latest', *, offset=None, offset_uncertainty=None, coverage=0.9",
    "read": "path, *, element=None, edge=None, columns=None",
    "normalise": "energy, mu, *, element=None, edge='K', e0=None, pre1=None, pre2=None, norm1=None, norm2=None, "
    "pre_order=None, norm_order=None, flatten=True",
    "Family": "path",
    "Family.to_pandas": "self",
    "Model.predict": "self, energy, mu=None, *, is_normalised=False, is_computed=False",
    "Model.spectrum": "self, **values",
    "Model.traverse": "self, style, *, levels=11, draws=500, seed=0, others='data'",
    "Model.simulate": "self, structures, *, coverage=None, jobs=1",
}


@pytest.fixture(scope="module")
def scan_text():
    return shipped_scan()[0]


@pytest.fixture(scope="module")
def model():
    return rankaae.load(NAME)


@pytest.fixture
def scan(scan_text, tmp_path):
    (tmp_path / "CuO.xdi").write_text(scan_text)
    (spectrum,) = rankaae.read(tmp_path / "CuO.xdi")
    return spectrum


def numbers(table):
    return table.select_dtypes("number").drop(columns="nearest", errors="ignore")


@pytest.mark.parametrize("name", SIGNATURES)
def test_the_signatures_are_those_that_notebooks_rest_on(name):
    function = rankaae
    for part in name.split("."):
        function = getattr(function, part)
    signature = inspect.signature(function)
    bare = [one.replace(annotation=inspect.Parameter.empty) for one in signature.parameters.values()]
    assert str(inspect.Signature(bare)) == f"({SIGNATURES[name]})"
    assert all(
        one.annotation is not inspect.Parameter.empty
        for n, one in signature.parameters.items()
        if n != "self"
    )
    assert inspect.getdoc(function)


def test_importing_it_loads_nothing_before_it_is_asked_for():
    code = "import sys, rankaae_cli as r; assert {'load', 'Family'} <= set(dir(r)); print('numpy' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], capture_output=True, text=True).stdout == "False\n"
    with pytest.raises(AttributeError, match="no attribute 'nothing'"):
        _ = rankaae.nothing


def test_arrays_are_read_as_the_file_is_by_the_command(model, scan, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert main(["predict", f"model={NAME}", "input=CuO.xdi", "output=out", "figures=0"]) == 0
    written = pd.read_csv("out/predictions.csv")
    for own in (model.predict(scan.energy_M, scan.mu_M), model.predict(scan), model.predict([scan])):
        assert own.columns.tolist() == written.columns.tolist()
        np.testing.assert_allclose(numbers(own), numbers(written)[numbers(own).columns], rtol=1e-8)
        assert own.verdict.tolist() == written.verdict.tolist()
    # What detectors are doubted for is known of the file alone.
    assert model.predict(scan).warnings.tolist() == written.warnings.tolist()
    own = model.predict(scan.energy_M, scan.mu_M)
    assert written.warnings[0].endswith(own.warnings[0])
    backwards = model.predict(scan.energy_M[::-1], [scan.mu_M[::-1], 3 * scan.mu_M[::-1] + 1])
    np.testing.assert_allclose(numbers(backwards), np.repeat(numbers(own), 2, axis=0), rtol=1e-5, atol=1e-6)
    wider = rankaae.load(NAME, offset=5.3, offset_uncertainty=1.0, coverage=0.99).predict(scan)
    assert (wider.CN_high - wider.CN_low > own.CN_high - own.CN_low).all()


def test_spectra_of_values_are_read_as_these(model):
    spectra = [model.spectrum(CN=value) for value in (4.3, 5, 5.7)]
    energy = spectra[0].energy
    read = model.predict(energy, [one.absorption for one in spectra], is_computed=True)
    assert read.CN.is_monotonic_increasing and abs(read.CN[1] - 5) < 0.5
    assert (
        (spectra[0].low <= spectra[0].absorption) & (spectra[0].absorption <= spectra[0].high)
    ).mean() > 0.95
    both = model.predict(energy, model.spectrum(CN=4.3, OCN=3.8).absorption, is_computed=True)
    assert both.OCN[0] > read.OCN[0] and abs(both.CN[0] - read.CN[0]) < 0.5


@pytest.mark.parametrize(
    ("call", "said"),
    [
        (lambda model: model.spectrum(CN=9), "CN=9 is outside the range of training, 4 to 6"),
        (lambda model: model.spectrum(XX=9), "the model knows no XX"),
        (lambda model: model.spectrum(), "no value of a descriptor"),
        (lambda model: model.traverse("CN"), "Cu_oxides ships without its training spectra"),
        (lambda model: model.traverse("XX"), "no style XX"),
        (lambda model: model.traverse("CN", others="some"), "others='some' is not known"),
        (lambda model: model.simulate("CuO.cif"), "does not simulate spectra"),
        (lambda model: model.predict([1, 2, 3], [1, 2]), "make no spectrum"),
        (lambda model: model.predict([8000, 8001, 8002, 8003], [1, 2, 3, 4]), "spectrum: "),
        (lambda model: model.predict("CuO.xdi"), "no absorption is given"),
        (lambda model: model.traverse(None), "no style None"),
        (lambda model: model.traverse("CN", levels=1), "levels=1, draws=500, seed=0 cannot be"),
        (lambda model: model.spectrum(CN="four"), "CN='four' is no number"),
        (lambda model: model.simulate("CuO.cif"), "Model.simulate needs a model that simulates"),
        (lambda model: model.predict(None), "no absorption is given"),
        (
            lambda model: model.predict(rankaae.Spectrum("x", None, "Cu", "K", [], []), is_normalised=True),
            "is_normalised and is_computed are of arrays",
        ),
        (lambda model: model.predict([8.98, 8.99, 9.0, 9.01], [1, 2, 3, 4]), "multiply them by 1000"),
        (lambda model: model.predict([8980, 8981], "mu"), "mu is no array of real numbers"),
        (lambda model: model.predict([8980, 8981], [[1, 2], [1]]), "mu is no array of real numbers"),
        (lambda model: model.predict([8980, 8981], [1j, 2]), "mu is no array of real numbers"),
        (lambda model: model.predict([8980, 8981], 3), "make no spectrum"),
        (lambda model: rankaae.load(NAME, coverage="high"), "is no share"),
        (lambda model: rankaae.load(NAME, offset=math.nan), "offset=nan is no energy"),
        (lambda model: rankaae.load(NAME, offset_uncertainty=-1), "is no standard deviation"),
        (
            lambda model: rankaae.normalise(ENERGY, ENERGY, element="Fe"),
            "the Fe K edge, 7112 eV, is not in the scan",
        ),
        (lambda model: rankaae.normalise(ENERGY, ENERGY, element="Xx"), "no edges are tabulated of 'Xx'"),
        (lambda model: rankaae.load("nowhere"), "is not a run directory"),
        (lambda model: rankaae.load(NAME, coverage=90), "is no share"),
        (lambda model: rankaae.read("nowhere.xdi"), "there is no file or folder"),
        (lambda model: rankaae.normalise([1, 2, 3], [1, 2, 3]), "points"),
    ],
)
def test_what_cannot_be_done_is_said(model, call, said):
    with pytest.raises(ValueError, match=re.escape(said)):
        call(model)


def test_a_run_is_traversed(work):
    walk = rankaae.load("latest").traverse("CN", levels=3, draws=50)
    assert walk.columns[:4].tolist() == ["energy", "p05", "p50", "p95"]
    np.testing.assert_allclose(walk.p95 - walk.p05, walk.difference, atol=1e-6)
    assert len(walk.attrs["descriptor"]) == 3 and walk.attrs["descriptor"] == sorted(walk.attrs["descriptor"])


def test_a_family_is_a_table(work):
    own, family = rankaae.Family("cu.h5"), read_family(work / "cu.h5")
    table = own.to_pandas()
    assert len(own) == len(table) == len(family) and table.index.names == ["material", "site"]
    np.testing.assert_array_equal(table[own.energy], family.spectra_NE)
    np.testing.assert_array_equal(table[list(own.descriptors)], family.descriptors_NK)
    assert (table.split == "test").sum() == (family.split_N == 2).sum()
    assert repr(own).startswith(f"<Family Cu_oxides: {len(own)} synthetic spectra")


def test_the_page_runs(work, scan_text, tmp_path, monkeypatch, capsys):
    """What is on docs/how-to/python.md, in order, but for what a title says more is needed for."""
    (tmp_path / "CuO.xdi").write_text(scan_text)
    (tmp_path / "cu.h5").symlink_to(work / "cu.h5")
    monkeypatch.chdir(tmp_path)
    page = (ROOT / "docs/how-to/python.md").read_text()
    names = {}
    for block in re.findall(r"^```python\n(.*?)^```", page, re.MULTILINE | re.DOTALL):
        exec(block, names)
    assert names["difference"].abs().max() > 0.05 and len(names["series"]) == 2
    assert "edge at 89" in capsys.readouterr().out


def test_the_notebook_runs(monkeypatch):
    """Its cells, in order, in its folder; the last one's figure has a curve a coordination number."""
    path = ROOT / "docs/how-to/files/spectrum.ipynb"
    monkeypatch.chdir(path.parent)
    names = {}
    for cell in json.loads(path.read_text(encoding="utf-8"))["cells"]:
        if cell["cell_type"] == "code":
            exec("".join(cell["source"]), names)
    assert names["table"]["verdict"].tolist() == ["in range"]
    assert len(names["ax"].lines) == 3
    names["plt"].close("all")
