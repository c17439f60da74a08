"""`rankaae compare`: families, folders of code output, one family alone."""

import json
import os
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from rankaae_cli.data.family.family_file import read_family, write_family

ROOT = Path(__file__).parents[2]
SHARED = Path(os.environ.get("RANKAAE_SHARED") or Path(__file__).parents[3] / "shared") / "data"
needs_shared = pytest.mark.skipif(not SHARED.is_dir(), reason="the shared real data are not here")


@pytest.fixture(scope="module")
def some():
    family = read_family(ROOT / "data_samples" / "Fe_oxides.h5")
    return family.with_rows(np.arange(0, 300, 5))


def test_a_shift_between_two_files_is_found(some, rankaae, tmp_path):
    moved = replace(some.with_rows(np.arange(10, 50)), energy_E=some.energy_E - 1.5)
    write_family(tmp_path / "a.h5", moved)
    write_family(tmp_path / "b.h5", some)
    done = rankaae("compare", "a.h5", "b.h5", "output=there", "resamples=50", "drawn=2")
    assert done.returncode == 0, done.stderr
    results = json.loads((tmp_path / "there" / "comparison.json").read_text())
    assert results["command"] == "rankaae compare a.h5 b.h5 output=there resamples=50 drawn=2"
    (pair,) = results["agreement"]
    assert (pair["pairs"], pair["paired_by"]) == (40, "material and site")
    assert pair["shift"] == pytest.approx(1.5, abs=0.01)
    low, high = pair["spearman"]["interval"]
    assert 0.999 < low <= pair["spearman"]["mean"] <= high
    table = pd.read_csv(tmp_path / "there" / "pairs-1.csv")
    assert len(table) == 40
    assert np.allclose(table["shift"], 1.5, atol=0.05)
    page = (tmp_path / "there" / "page.html").read_text()
    assert "Synthetic data" in page
    assert "+1.50 ±" in page
    assert {one.name for one in (tmp_path / "there" / "figures").glob("*.pdf")} == {
        "shifts.pdf",
        "pairs-1.pdf",
    }


def test_copies_under_other_names_are_found_across_the_split(some, rankaae, tmp_path):
    """Ten copies with some noise, five of them moved by an eV and scaled as well."""
    copied = np.arange(0, 60, 6)
    rows = np.concatenate([np.arange(60), copied])
    rng = np.random.default_rng(0)
    spectra = np.asarray(some.spectra_NE[:])[rows]
    spectra[65:] = 0.9 * np.roll(spectra[65:], 4, axis=1)
    spectra[65:, :4] = spectra[65:, 4:5]
    spectra[60:] += rng.normal(0, 1e-3, spectra[60:].shape).astype(np.float32)
    material = np.concatenate([some.material_N, [f"copy-{n}" for n in range(10)]])
    by_row = {name: getattr(some, name)[rows] for name in ("descriptors_NK", "site_N", "quantities_NQ")}
    split = np.repeat([0, 2], [60, 10]).astype(some.split_N.dtype)
    write_family(
        tmp_path / "a.h5",
        replace(some, spectra_NE=spectra, material_N=material, split_N=split, groups={}, **by_row),
    )
    done = rankaae("compare", "a.h5", "fingerprints=false", "output=there")
    assert done.returncode == 0, done.stderr
    for name, copies in (("near_duplicates", range(5)), ("moved_duplicates", range(5, 10))):
        table = pd.read_csv(tmp_path / "there" / f"{name}.csv")
        found = table[table["across_split"] & table["other_material"].str.startswith("copy-")]
        assert set(found["other_material"]) >= {f"copy-{n}" for n in copies}
        originals = found.set_index("other_material")["material"]
        assert all(some.material_N[6 * n] in set(originals.loc[[f"copy-{n}"]]) for n in copies)
    moved = found[found["material"] == some.material_N[36]]
    assert moved["shift"].iloc[0] == pytest.approx(1.0, abs=0.1) and moved["scale"].iloc[0] == pytest.approx(
        0.9, abs=0.02
    )


def test_clusters_are_sought_without_labels(rankaae, tmp_path):
    family = read_family(ROOT / "data_samples" / "Fe_oxides.h5").with_rows(np.arange(120))
    write_family(tmp_path / "a.h5", family)
    done = rankaae("compare", "a.h5", "output=there")
    assert done.returncode == 0, done.stderr
    found = json.loads((tmp_path / "there" / "comparison.json").read_text())["fingerprints"]
    assert set(found["labels"]) == {"OS", "CN"}
    assert "reliable clusters" in done.stdout
    page = (tmp_path / "there" / "page.html").read_text()
    assert "Fingerprints" in page
    assert len(pd.read_csv(tmp_path / "there" / "fingerprints.csv")) == 120
    assert "by Ward's method in principal components" in (tmp_path / "there" / "methods.md").read_text()


def test_styles_of_a_run_stand_for_spectra_and_changes_along_a_series_are_found(rankaae, refused, tmp_path):
    """Forty scans of one kind, then forty that are moved by 4 eV, in the order of their capacity."""
    family = read_family(ROOT / "data_samples" / "Fe_oxides.h5").with_rows(np.arange(80))
    spectra = np.repeat(np.asarray(family.spectra_NE[:1]), 80, axis=0)
    spectra[40:] = np.roll(spectra[40:], 16, axis=1)
    spectra += np.random.default_rng(0).normal(0, 0.01, spectra.shape).astype(np.float32)
    charge = {
        "quantity_names": ("charge",),
        "quantity_units": ("mAh",),
        "quantities_NQ": np.arange(80.0)[:, None],
    }
    names = np.array([f"scan-{n}" for n in range(80)], dtype=object)
    write_family(
        tmp_path / "a.h5", replace(family, spectra_NE=spectra, material_N=names, groups={}, **charge)
    )
    small = ("trials=1", "max_steps=10", "hydra.run.dir=run")
    assert rankaae("train", "+family=Fe_oxides", *small).returncode == 0
    done = rankaae("compare", "a.h5", "run=run", "series=charge", "output=there")
    assert done.returncode == 0, done.stderr
    found = json.loads((tmp_path / "there" / "comparison.json").read_text())["fingerprints"]
    assert (found["representation"], found["reliable"], found["changes"]) == (
        "styles of the run run",
        True,
        [39.5],
    )
    assert "along charge (mAh): the shares of the clusters change at 39.5" in done.stdout
    assert (tmp_path / "there" / "figures" / "fingerprint_series.pdf").is_file()
    assert "along charge (mAh) change where" in (tmp_path / "there" / "methods.tex").read_text()
    message = refused("compare", "a.h5", "run=run", "representation=factors")
    assert "both say what stands for a spectrum" in message


def test_a_calculation_converges(rankaae, tmp_path):
    energy = np.linspace(0, 40, 161)
    for k, off in (("4", 1.0), ("6", 0.02), ("8", 0.001), ("10", 0.0)):
        mu = (
            0.5 + np.arctan((energy - 10) / 1.2) / np.pi + 0.4 * np.exp(-0.5 * ((energy - 15 - off) / 2) ** 2)
        )
        folder = tmp_path / "runs" / f"k{k}"
        folder.mkdir(parents=True)
        np.savetxt(folder / "xanes.dat", np.column_stack([energy, mu + off * np.sin(energy)]))
    done = rankaae("compare", "runs", "convergence=true", "output=there")
    assert done.returncode == 0, done.stderr
    assert "converged from k8 on" in done.stdout or "converged from k6 on" in done.stdout
    table = pd.read_csv(tmp_path / "there" / "convergence.csv")
    assert list(table["setting"]) == ["k4", "k6", "k8", "k10"]
    assert table["verdict"].iloc[0] == "not converged"
    assert table["verdict"].iloc[-1] == "reference"


def test_what_cannot_be_compared_is_refused(some, rankaae, tmp_path):
    write_family(tmp_path / "a.h5", some)
    others = np.array([f"x-{name}" for name in some.material_N], dtype=object)
    write_family(tmp_path / "others.h5", replace(some, material_N=others).with_rows(np.arange(20)))
    write_family(tmp_path / "nickel.h5", replace(some, element="Ni"))
    index = np.arange(len(some.energy_E), dtype=float)
    write_family(tmp_path / "index.h5", replace(some, energy_E=index, energy_unit="index"))
    (tmp_path / "curve.txt").write_text("".join(f"{e} {e**2}\n" for e in range(20)))
    (tmp_path / "sparse.txt").write_text("".join(f"{90 * e} 1\n" for e in range(20)))
    (tmp_path / "damaged").mkdir()
    (tmp_path / "damaged" / "b.txt").write_text("1 2\n2 3\n")
    for call, message in (
        ([], "needs input="),
        (["input=[]"], "needs input="),
        (["input="], "needs input="),
        (["a.h5", "x" * 300], "cannot be read: File name too long"),
        (["sparse.txt", "curve.txt"], "too few energies count of a file: 1 over 0 eV"),
        (["curve.txt", "damaged"], "alone is nothing to compare, as damaged/b.txt: truncated: 2 rows"),
        (["a.h5", "nothing.h5"], "there is no family file nothing.h5"),
        (["a.h5", "nothing"], "there is no file or folder nothing"),
        (["a.h5", "others.h5"], "have no material in common, and 60 and 20 spectra"),
        (["a.h5", "nickel.h5"], "of element Fe, nickel of Ni"),
        (["a.h5", "index.h5"], "over eV, index over index"),
        (["curve.txt"], "alone is nothing to compare"),
        (["a.h5", "input=others.h5"], "both name what is to be compared"),
        (["a.h5", "convergence=true"], "takes one folder"),
    ):
        done = rankaae("compare", *call, "output=there")
        assert done.returncode == 2, (call, done.stdout)
        assert message in done.stderr, done.stderr
        assert not (tmp_path / "there").exists()
    (tmp_path / "there").mkdir()
    (tmp_path / "there" / "mine.txt").write_text("kept")
    done = rankaae("compare", "a.h5", "a.h5", "output=there")
    assert (done.returncode, "there is there already" in done.stderr) == (2, True)
    assert [one.name for one in (tmp_path / "there").iterdir()] == ["mine.txt"]


def test_files_of_any_name_are_compared_each_by_itself(rankaae, tmp_path):
    energy = np.linspace(0, 40, 161)
    names = ("vasp/it's $x_{, a.txt", "feff/it's $x_{, a.txt", "flat\\k=1 ${ü}.txt")
    for k, name in enumerate(names):
        mu = (
            0.5
            + np.arctan((energy - 10 - k) / 1.2) / np.pi
            + 0.4 * np.exp(-0.5 * ((energy - 15 - k) / 2) ** 2)
        )
        (tmp_path / "in" / name).parent.mkdir(parents=True, exist_ok=True)
        np.savetxt(tmp_path / "in" / name, np.column_stack([energy, mu if k < 2 else 1 + 0 * mu]))
    done = rankaae("compare", *(f"in/{name}" for name in names), "output=there", "published=true")
    assert done.returncode == 0, done.stderr
    assert "a (2) and flat\\k=1 ${ü}: 1 of 1 pairs fit at no shift" in done.stdout
    (pair, *flat) = json.loads((tmp_path / "there" / "comparison.json").read_text())["agreement"]
    assert pair["shift"] == pytest.approx(1.0, abs=0.02)
    assert pair["second"] == "it's $x_{, a (2)"
    assert [one["spearman"]["mean"] for one in flat] == [None, None]
    done = rankaae("compare", "in", "output=of_folder")
    assert done.returncode == 0, done.stderr
    table = json.loads((tmp_path / "of_folder" / "comparison.json").read_text())["agreement"]
    assert len(table) == 3


@needs_shared
@pytest.mark.parametrize(
    ("folder", "first", "second", "expected"),
    [
        ("anatase", "anatase_exciting", "anatase_ocean", 0.914),
        ("anatase", "anatase_exciting", "anatase_xspectra", 0.793),
        ("codes/TiO_mp-1203", "OCEAN", "exciting", 0.978),
        ("codes/TiO_mp-1203", "XSpectra", "exciting", 0.991),
    ],
)
def test_codes_agree_as_they_do_by_the_published_rule(folder, first, second, expected, compared):
    table = compared(folder)
    pair = next(one for one in table if (one["first"], one["second"]) == (first, second))
    assert pair["published_spearman"]["mean"] == pytest.approx(expected, abs=1e-3)
    # All of them are of one crystal, so that they nearly agree once aligned.
    assert pair["spearman"]["mean"] > 0.85


@pytest.fixture(scope="module")
def compared(tmp_path_factory):
    from tests.conftest import in_process

    results = {}

    def call(folder):
        if folder not in results:
            there = tmp_path_factory.mktemp("compared")
            done = in_process(there, "compare", SHARED / folder, "published=true", "output=x", "drawn=0")
            assert done.returncode == 0, done.stderr
            results[folder] = json.loads((there / "x" / "comparison.json").read_text())["agreement"]
        return results[folder]

    return call
