"""From spectra of any format to descriptors with intervals, through the command line."""

import hashlib
import json
import shutil
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import h5py
import numpy as np
import pandas as pd
import pytest

from rankaae_cli.analysis.encoded import encode_split
from rankaae_cli.analysis.prediction import predict
from rankaae_cli.analysis.prediction.calibration import CACHE, load_for_prediction
from rankaae_cli.cli import main
from rankaae_cli.data.family.family_file import read_family, write_family
from rankaae_cli.data.family.synthetic import synthetic_family
from rankaae_cli.runs.find import find_run
from rankaae_cli.runs.load import load_run
from tests.copper_run import GRID, NAMES, rows_of, scan
from tests.data.measured_scan import scan_energies, xdi_text

LIBRARY = Path(__file__).parents[3] / "shared" / "data" / "xdi"


def test_the_test_split_is_read_as_evaluate_reads_it(work):
    assert main(["predict", "input=cu.h5", "split=test", "output=split", "figures=1"]) == 0
    found = pd.read_csv("split/predictions.csv")
    run = next(work.glob("runs/*/*/*"))
    evaluated = pd.read_csv(run / "evaluation" / "predictions.csv")
    metrics = json.loads((run / "evaluation" / "metrics.json").read_text())
    expected = ["material", "site"]
    for name in NAMES:
        expected += [name, f"{name}_low", f"{name}_high"]
    assert list(found.columns[: len(expected) + 3]) == [*expected, "reconstruction_mae", "novelty", "verdict"]
    assert (found.material == evaluated.material).all() and (found.site == evaluated.site).all()
    for name in NAMES:
        # The style orders the rows; the value, an increasing function of it, has ties.
        np.testing.assert_allclose(found[name], evaluated[name], rtol=1e-4)
        rho = found[f"{name}_style"].corr(evaluated[f"{name}_true"], method="spearman")
        assert rho == pytest.approx(metrics["ensemble"]["descriptors"][name]["spearman"], abs=1e-9)
        assert (found[f"{name}_low"] <= found[name]).all() and (found[name] <= found[f"{name}_high"]).all()
        true = evaluated[f"{name}_true"]
        held = (found[f"{name}_low"] <= true) & (true <= found[f"{name}_high"])
        assert held.mean() > 0.75, name
    np.testing.assert_allclose(found.reconstruction_mae, evaluated.reconstruction_mae, rtol=1e-4)
    assert (found.verdict == "in range").mean() > 0.8
    classed = found[[c for c in found if c.startswith("CN_p_")]]
    np.testing.assert_allclose(classed.sum(axis=1), 1, atol=1e-6)
    assert found.offset.isna().all() and "nothing" not in found.warnings


def test_all_that_is_known_is_in_the_json_and_on_the_page(work):
    assert main(["predict", "input=cu.h5", "split=validation", "output=known", "figures=2", "nearest=3"]) == 0
    content = json.loads((work / "known" / "predictions.json").read_text())
    family = read_family("cu.h5")
    assert content["energy"] == pytest.approx(GRID.tolist()) and content["coverage"] == 0.9
    assert content["offset"] is None and content["synthetic"] is True
    run = next(work.glob("runs/*/*/*"))
    assert content["run"] == str(run) and content["command"].startswith("rankaae predict input=cu.h5")
    digest = hashlib.sha256((run / "checkpoints" / "best.ckpt").read_bytes()).hexdigest()
    assert content["checkpoint_sha256"] == digest
    assert len(content["spectra"]) == (family.split_N == 1).sum()
    first = content["spectra"][0]
    assert sum(first["descriptors"]["OS"]["probabilities"].values()) == pytest.approx(1)
    names = {f"{m} {s}" for m, s in zip(family.material_N, family.site_N, strict=True)}
    training = family.split_N == 0
    difference = np.abs(family.spectra_NE[training] - np.array(first["spectrum"])).mean(axis=1)
    nearest = np.flatnonzero(training)[difference.argmin()]
    assert first["nearest"][0]["spectrum"] == f"{family.material_N[nearest]} {family.site_N[nearest]}"
    assert len(first["nearest"]) == 3 and {n["spectrum"] for n in first["nearest"]} <= names
    error = np.abs(np.array(first["spectrum"]) - first["reconstruction"]).mean()
    assert first["reconstruction_mae"] == pytest.approx(error, abs=1e-4)
    page = (work / "known" / "page.html").read_text()
    assert page.count("<figure") == 2 and "Trained on synthetic data" in page
    assert len(list((work / "known" / "figures").glob("*.png"))) == 2
    assert all(p.read_bytes().startswith(b"%PDF") for p in (work / "known" / "figures").glob("*.pdf"))


def test_readings_wait_for_nothing_that_fits_or_draws(work):
    (work / "quick.xdi").write_text(scan(read_family("cu.h5"), 3))
    heavy = {
        "crepes",
        "jinja2",
        "matplotlib",
        "pandas",
        "plotly",
        "pytorch_lightning",
        "scipy.stats",
        "sklearn",
    }
    code = (
        "import sys; from rankaae_cli.cli import main\n"
        "assert main(['predict', 'input=quick.xdi', 'output=quick', 'figures=0']) == 0\n"
        f"print({heavy} & set(sys.modules) or 'none of them')"
    )
    done = subprocess.run([sys.executable, "-c", code], cwd=work, capture_output=True, text=True, timeout=300)
    assert done.stdout.splitlines()[-1:] == ["none of them"], done.stdout + done.stderr


def test_a_style_beyond_those_of_training_is_said(work, monkeypatch):
    """As if the model had been trained on the half of its spectra with the lower style of NNRS."""
    k = NAMES.index("NNRS")
    model, calibration = load_for_prediction(find_run("latest"))
    training_MS = calibration.training_TMS.mean(axis=0)
    lower = np.flatnonzero(training_MS[:, k] < np.median(training_MS[:, k]))
    narrow = replace(calibration, training_TMS=calibration.training_TMS[:, lower])
    monkeypatch.setattr(predict, "load_for_prediction", lambda directory: (model, narrow))
    assert main(["predict", "input=cu.h5", "output=beyond", "figures=0"]) == 0
    rows = rows_of(work / "beyond" / "predictions.csv")
    said = ["the style of NNRS is above that of any training spectrum" in row["warnings"] for row in rows]
    styles_TNS = model.standardised(model.encode(read_family("cu.h5").spectra_NE))
    style_N, most = styles_TNS.mean(axis=0)[:, k], training_MS[lower, k].max()
    assert said == list(style_N > most + 0.1)
    assert 0.2 < np.mean(said) < 0.6


@pytest.mark.parametrize("source", ["cu.h5", "shifted.csv"])
def test_intervals_and_probabilities_of_classes_do_not_contradict_each_other(work, source):
    family = read_family("cu.h5").with_rows(range(40))
    head = ",".join(
        ["material,site", *(f"ENE_{energy + 3:g}" for energy in family.energy_E)]
    )  # unlike any known
    rows = zip(family.material_N, family.site_N, family.spectra_NE, strict=True)
    lines = [f"{material},{site},{','.join(map(str, x.tolist()))}" for material, site, x in rows]
    (work / "shifted.csv").write_text("\n".join([head, *lines]) + "\n")
    assert main(["predict", f"input={source}", f"output=held_{source}", "figures=0"]) == 0
    spectra = json.loads((work / f"held_{source}" / "predictions.json").read_text())["spectra"]
    for one in spectra:
        for name in ("OS", "CN"):
            read = one["descriptors"][name]
            probability = {float(c): p for c, p in read["probabilities"].items()}
            likeliest = max(probability, key=probability.get)
            assert read["low"] <= likeliest <= read["high"] and read["low"] <= read["value"] <= read["high"]
            assert {read["low"], read["high"]} & {*probability}  # from class to class


def test_one_bad_file_of_a_folder_does_not_stop_the_others(work, capsys):
    family = read_family("cu.h5")
    beamtime = work / "beamtime"
    beamtime.mkdir()
    for row in range(3):
        (beamtime / f"scan_{row}.xdi").write_text(scan(family, row, noise=1e-4))
    (beamtime / "zeros.xdi").write_text(
        xdi_text({"energy eV": scan_energies(8985.0), "i0": np.full(len(scan_energies(8985.0)), 1e5),
                  "itrans": np.zeros(len(scan_energies(8985.0)))},
                 ["# Element.symbol: Cu", "# Element.edge: K"])
    )  # fmt: skip
    energy = scan_energies(7118.0)
    iron = 0.5 + np.arctan(energy - 7118.0) / np.pi
    (beamtime / "iron.dat").write_text("".join(f"{e} {m}\n" for e, m in zip(energy, iron, strict=True)))
    short = scan_energies(8985.0, above=45.0)
    (beamtime / "short.dat").write_text(
        "".join(f"{e} {0.5 + np.arctan(e - 8985.0) / np.pi}\n" for e in short)
    )
    assert main(["predict", "input=beamtime", "offset=0", "offset_uncertainty=0.2", "output=folder"]) == 0
    said = capsys.readouterr()
    rows = rows_of(work / "folder" / "predictions.csv")
    assert [row["file"] for row in rows] == ["scan_0.xdi", "scan_1.xdi", "scan_2.xdi"]
    reasons = {row["file"]: row["reason"] for row in rows_of(work / "folder" / "rejected.csv")}
    assert set(reasons) == {"zeros.xdi", "iron.dat", "short.dat"}
    assert "itrans is zero" in reasons["zeros.xdi"]
    assert "looks like Fe K" in reasons["iron.dat"] and "expected Cu K" in reasons["iron.dat"]
    assert "at the high end" in reasons["short.dat"] and "nothing is made up" in reasons["short.dat"]
    for file, reason in reasons.items():
        assert f"not read: {file}: {reason}" in said.err
    assert "offset between code and beamline: +0 ± 0.2 eV (given)" in said.out
    page = (work / "folder" / "page.html").read_text()
    assert "Not read" in page and "zeros.xdi" in page


def test_a_measured_row_is_read_as_its_computed_original(work):
    """What reading, calibration by the foil and normalisation leave of a row is read alike."""
    family = read_family("cu.h5")
    (work / "moved.xdi").write_text(scan(family, 7, shift=-2.0))
    assert main(["predict", "input=moved.xdi", "offset=0", "offset_uncertainty=0", "output=moved"]) == 0
    row = rows_of(work / "moved" / "predictions.csv")[0]
    assert main(["predict", "input=cu.h5", "output=all", "figures=0"]) == 0
    computed = rows_of(work / "all" / "predictions.csv")[7]
    spread = np.ptp(family.descriptors_NK, axis=0)
    for k, name in enumerate(NAMES):
        assert float(row[name]) == pytest.approx(float(computed[name]), abs=0.3 * spread[k])
    assert row["nearest"] == computed["nearest"] or float(row["reconstruction_mae"]) < 0.1
    assert "calibrated by +2.0" in row["warnings"]
    assert not (work / "all" / "page.html").exists()


def test_the_uncertainty_of_the_offset_widens_intervals_of_measured_spectra_alone(work):
    (work / "one.xdi").write_text(scan(read_family("cu.h5"), 3))
    widths = {}
    for uncertainty in (0, 0.5, 3):
        output = f"wide_{uncertainty}"
        call = ["predict", "input=[one.xdi,cu.h5]", f"offset_uncertainty={uncertainty}", "figures=0"]
        assert main([*call, f"output={output}"]) == 0
        found = pd.read_csv(f"{output}/predictions.csv")
        widths[uncertainty] = (found.NNRS_high - found.NNRS_low).to_numpy()
        assert found.file[0] == "one.xdi" and found.offset_uncertainty[0] == uncertainty
        assert found.offset_uncertainty[1:].isna().all()
    assert max(widths[0][0], widths[0.5][0]) < widths[3][0]
    np.testing.assert_allclose(widths[0][1:], widths[3][1:], rtol=1e-8)


def test_an_offset_that_nobody_gave_is_said_to_be_assumed(work, capsys):
    (work / "plain.xdi").write_text(scan(read_family("cu.h5"), 5))
    assert main(["predict", "input=plain.xdi", "output=plain", "figures=0"]) == 0
    said = capsys.readouterr().err
    assert "not given: assumed +0 ± 1 eV" in said and "rankaae align" in said
    assert "assumed 0 ± 1 eV" in rows_of(work / "plain" / "predictions.csv")[0]["warnings"]


def test_align_finds_the_offset_and_predict_takes_it(work, capsys):
    family = read_family("cu.h5")
    order = np.argsort(family.descriptors_NK[:, 0])
    low, high = int(order[5]), int(order[-5])
    valences = [round(float(family.descriptors_NK[row, 0])) for row in (low, high)]
    for name, row in (("low", low), ("high", high)):
        # Measured energies 4 eV below the code's: the foil has its edge where it is tabulated.
        moved = scan(family, row, Beamline_name="6-BM")
        lines = [line for line in moved.splitlines(keepends=True)]
        data = [i for i, line in enumerate(lines) if not line.startswith("#")]
        for i in data:
            energy, *rest = lines[i].split()
            lines[i] = f"{float(energy) - 4.0} {' '.join(rest)}\n"
        (work / f"{name}.xdi").write_text("".join(lines))
    references = f"references={{low.xdi:{valences[0]},high.xdi:{valences[1]}}}"
    assert main(["align", references, "measured.calibrate=false", "output=o.yaml"]) == 0
    text = (work / "o.yaml").read_text()
    assert (
        "beamline: 6-BM" in text
        and "element: Cu" in text
        and "to_fidelity: synthetic" in text
        and "from_fidelity: measured" in text
    )
    offset = float(next(line for line in text.splitlines() if line.startswith("offset:")).split()[1])
    assert offset == pytest.approx(4.0, abs=1.0)
    assert (work / "o.png").read_bytes().startswith(b"\x89PNG")
    assert (work / "o.pdf").read_bytes().startswith(b"%PDF")
    said = capsys.readouterr().out
    assert "warning: low.xdi is not calibrated by a foil" in said and "one reference" not in said
    for output, why in (("o.yaml", "exists already"), ("o.png", "is to be a YAML file")):
        assert main(["align", references, f"output={output}"]) == 2
        assert why in capsys.readouterr().err
    call = ["predict", "input=low.xdi", "offset=o.yaml", "measured.calibrate=false"]
    assert main([*call, "output=aligned", "figures=0"]) == 0
    row = rows_of(work / "aligned" / "predictions.csv")[0]
    assert float(row["offset"]) == pytest.approx(offset) and float(row["offset_uncertainty"]) > 0
    assert "(o.yaml)" in capsys.readouterr().out


def test_how_the_measured_ones_that_are_drawn_were_normalised_is_drawn_too(work, capsys):
    for row in range(2):
        (work / f"drawn{row}.xdi").write_text(scan(read_family("cu.h5"), row))
    call = ["predict", "input=drawn*.xdi", "offset=0", "figures=1"]
    assert main([*call, "output=drawn"]) == 0
    assert (work / "drawn" / "normalisation-1.pdf").read_bytes().startswith(b"%PDF")
    assert "drawn/normalisation-1.pdf: look whether they were normalised well" in capsys.readouterr().out
    assert '<a href="normalisation-1.pdf">' in (work / "drawn" / "page.html").read_text()
    assert main([*call, "output=undrawn", "measured.figures=false"]) == 0
    assert main(["predict", "input=cu.h5", "output=not_measured", "figures=1"]) == 0
    for output in ("undrawn", "not_measured"):
        assert not list((work / output).glob("normalisation*"))
        assert "normalisation-" not in (work / output / "page.html").read_text()


def test_mixtures_are_read_where_asked_for(work):
    call = ["predict", "input=cu.h5", "split=test", "mixture=CN", "output=mixed", "figures=1"]
    assert main(call) == 0
    found = pd.read_csv("mixed/predictions.csv")
    shares = found[[c for c in found if c.startswith("CN_share_") and c.count("_") == 2]]
    np.testing.assert_allclose(shares.sum(axis=1), 1, atol=1e-6)
    for name in shares:
        assert (found[f"{name}_low"] <= found[name] + 1e-9).all()
        assert (found[name] <= found[f"{name}_high"] + 1e-9).all()


def test_works_without_the_data_once_it_has_been_used(work, tmp_path, monkeypatch, refused):
    run = tmp_path / "run"
    shutil.copytree(next(work.glob("runs/*/*/*")), run)
    shutil.rmtree(run / CACHE.parent, ignore_errors=True)
    shutil.copy(work / "cu.h5", tmp_path / "new.h5")
    call = ["predict", f"run={run}", f"input={tmp_path}/new.h5", "figures=0"]
    monkeypatch.chdir(work)
    _, model, family = load_run(str(run))
    rows = encode_split(model, family, "validation")
    validation = {
        "styles_NK": rows.ensemble_indicators_NK,
        "spread_NK": rows.spread_NK,
        "descriptors_NK": rows.descriptors_NK,
    }
    away = work / "cu.h5.away"
    (work / "cu.h5").rename(away)
    try:
        assert "is not there; intervals are calibrated on it" in refused(*call)
        away.rename(work / "cu.h5")
        monkeypatch.chdir(work)
        assert main([*call, f"output={tmp_path}/a"]) == 0
        (work / "cu.h5").rename(away)
        assert main([*call, f"output={tmp_path}/b"]) == 0
        with np.load(run / CACHE) as file:
            kept = dict(file)
        fits = [key for key in kept if key[-2:] in ("_0", "_1", "_2")]
        assert len(fits) == 3 * 7 + 2 * (3 + 2)
        # As older versions kept it: the same share asked of all true values.
        older = {key: value for key, value in kept.items() if not key.startswith("shares_")}
        np.savez_compressed(run / CACHE, **older | {"version": 4})
        assert main([*call, f"output={tmp_path}/f"]) == 0
        # Residuals for belts, and the rows, with what is fitted to them and without.
        of_belts = ("score_N", "knot_M", "rank_M", "shares", "mean_error", "likelihood_N", "counts")
        older = {key: value for key, value in kept.items() if not key.startswith(of_belts)}
        residual = np.random.default_rng(0).normal(0, 0.3, rows.descriptors_NK.shape)
        older |= {"residual_NK": residual, "difficulty_NK": np.full(residual.shape, 0.2), "version": 3}
        np.savez_compressed(run / CACHE, **older)
        assert main([*call, f"output={tmp_path}/c"]) == 0
        of_training = ("known_range_K2", "extremes_K2", "resolution_K", "usual")
        older = {key: value for key, value in older.items() if key not in of_training} | validation
        np.savez_compressed(run / CACHE, **older | {"version": 2})
        assert main([*call, f"output={tmp_path}/d"]) == 0
        np.savez_compressed(run / CACHE, **{k: v for k, v in older.items() if k not in fits} | {"version": 1})
        assert main([*call, f"output={tmp_path}/e"]) == 0
    finally:
        if away.exists():
            away.rename(work / "cu.h5")
    first, again, *earlier = ((tmp_path / output / "predictions.csv").read_bytes() for output in "abcde")
    assert first == again != earlier[0] == earlier[1]
    now, *before = (pd.read_csv(tmp_path / output / "predictions.csv") for output in "aef")
    for name in model.descriptor_names:
        for one in before:
            assert (now[name] == one[name]).all() and np.isfinite(one[f"{name}_high"]).all()


@pytest.mark.parametrize(
    ("overrides", "said"),
    [
        (["input=nowhere.xdi"], "there is no file or folder nowhere.xdi"),
        (["input=cu.h5", "coverage=90"], "coverage=90.0 (expected between 0 and 1)"),
        (["input=cu.h5", "mixture=NNRS"], "no descriptor of this run with classes"),
        (["input=cu.h5", "offset=missing.yaml"], "missing.yaml cannot be read"),
        (["input=fe.h5"], "holds Fe K spectra over eV, the model was trained on Cu K"),
        (["input=bad.txt"], "none of 1 spectra can be read"),
        (["input=empty"], "there are no files in empty"),
        (["input=bad.txt", "split=test"], "split=test is for family files"),
        (["input=cu.h5", "output=."], "is there already"),
        ([], "needs input="),
    ],
)
def test_what_is_wrong_is_said_in_a_line_or_two(work, tmp_path, refused, overrides, said):
    (tmp_path / "bad.txt").write_text("dear diary\n")
    (tmp_path / "empty").mkdir()
    shutil.copy(work / "cu.h5", tmp_path)
    write_family(tmp_path / "fe.h5", synthetic_family("Fe_oxides", "Fe", "K", GRID - 1872.0, NAMES, 60))
    run = next(work.glob("runs/*/*/*"))
    assert said in refused("predict", f"run={run}", *overrides)


def test_an_offset_of_another_element_or_none_is_refused(work, tmp_path, refused):
    run = next(work.glob("runs/*/*/*"))
    text = "element: Fe\nedge: K\ncode: synthetic\nbeamline: ''\noffset: 1\nuncertainty: 1\n"
    (tmp_path / "fe.yaml").write_text(text)
    (tmp_path / "none.yaml").write_text("a: 1\n")
    shutil.copy(work / "cu.h5", tmp_path)
    call = ("predict", f"run={run}", "input=cu.h5")
    assert "holds for element Fe, the model was trained on Cu" in refused(*call, "offset=fe.yaml")
    (tmp_path / "feff.yaml").write_text(text.replace("Fe", "Cu").replace("synthetic", "feff"))
    assert "holds for spectra of FEFF, the model was trained on synthetic" in refused(
        *call, "offset=feff.yaml"
    )
    codes = text.replace("Fe", "Cu").replace("code:", "from_fidelity: VASP\nto_fidelity:")
    (tmp_path / "codes.yaml").write_text(codes)
    assert "leads from energies of VASP, not from measured ones" in refused(*call, "offset=codes.yaml")
    assert "none.yaml is no offset file" in refused(*call, "offset=none.yaml")
    call = ("align", f"run={run}")
    assert "references= names no reference" in refused(*call, "references={}")
    (tmp_path / "one.xdi").write_text(scan(read_family(work / "cu.h5"), 3))
    assert "holds no spectrum with OS 9" in refused(*call, "references={one.xdi:9}")
    assert "has no XX" in refused(*call, "references={one.xdi:{XX:1}}")
    assert "OS:2+ is no value" in refused(*call, "references={one.xdi:{OS:2+}}")
    assert "search=-5.0 (expected positive, at most 100)" in refused(
        *call, "references={one.xdi:2}", "search=-5"
    )


def test_a_measured_family_file_is_shifted_and_a_computed_one_never(work):
    with h5py.File(shutil.copy("cu.h5", "measured.h5"), "a") as file:
        file.attrs["source"] = "measured"
    values = {}
    for name, label in (("cu", "material"), ("measured", "file")):
        for offset in (0, 3):
            call = ["predict", f"input={name}.h5", "split=test", f"offset={offset}", "offset_uncertainty=0"]
            assert main([*call, f"output=shift_{name}_{offset}", "figures=0"]) == 0
            values[name, offset] = pd.read_csv(f"shift_{name}_{offset}/predictions.csv").set_index(label).OS
    assert (values["cu", 0] == values["cu", 3]).all()
    both = values["measured", 0].to_frame("before").join(values["measured", 3].rename("after"), how="inner")
    assert len(both) > 20 and np.abs(both.before - both.after).mean() > 0.05


def test_computed_spectra_of_another_fidelity_are_named_once(work, capsys):
    with h5py.File(shutil.copy("cu.h5", "vasp.h5"), "a") as file:
        file.attrs["fidelity"] = "VASP"
    for name in ("vasp", "cu"):
        call = ["predict", f"input={name}.h5", "split=test", "offset=3", f"output=other_{name}", "figures=1"]
        assert main(call) == 0
        page, err = (work / f"other_{name}" / "page.html").read_text(), capsys.readouterr().err
        line = "vasp.h5 holds VASP spectra, the model reads those of synthetic"
        times = 1 if name == "vasp" else 0
        assert err.count(line) == times and (line in page) == bool(times)
        assert err.count("offset= is not applied to computed spectra") == times


def test_an_offset_too_large_to_be_true_is_said_before_anything_else(work, capsys):
    (work / "far.xdi").write_text(scan(read_family("cu.h5"), 5))
    doubt = "an offset of +100.0 eV is larger than codes are off: is the monochromator calibrated?"
    assert main(["predict", "input=far.xdi", "offset=100", "output=far", "figures=0"]) == 2
    assert capsys.readouterr().err.splitlines()[0] == doubt
    assert main(["predict", "input=far.xdi", "offset=-3", "output=near", "figures=0"]) == 0
    assert "larger than codes are off" not in capsys.readouterr().err


def test_what_cannot_be_reconstructed_of_a_measured_spectrum_widens_its_intervals(work):
    family = read_family("cu.h5")
    wave = 0.12 * np.sin((GRID - GRID[0]) / 4.0)
    changed = replace(family, spectra_NE=family.spectra_NE + wave.astype(np.float32))
    for name, of in (("plain", family), ("changed", changed)):
        Path(f"{name}.xdi").write_text(scan(of, 0))
    write_family(work / "computed.h5", changed.with_rows(np.arange(1)))
    call = ("input=[plain.xdi,changed.xdi,computed.h5]", "offset=0", "offset_uncertainty=0", "figures=0")
    assert main(["predict", *call, "output=discrepancy"]) == 0
    content = json.loads((work / "discrepancy" / "predictions.json").read_text())
    parts = [[s["descriptors"][k]["deviation_by_discrepancy"] for k in NAMES] for s in content["spectra"]]
    plain, changed_parts, computed = np.array(parts)
    assert (changed_parts > 2 * plain).all() and (computed == 0).all()


def test_scans_in_a_family_file_are_read_like_the_scans_themselves(work, capsys):
    family, top = read_family("cu.h5"), work / "stored"
    top.mkdir()
    for row in range(3):
        (top / f"scan{row}.xdi").write_text(scan(family, row, shift=2.0))
    stored = ("ingest", "+family=Cu_oxides", "source=xdi", "path=stored", "output=stored.h5")
    assert main([*stored, "measured.figures=false"]) == 0
    found = {}
    for name in ("stored", "stored.h5"):
        assert main(["predict", f"input={name}", "offset=-4", f"output=as_{name}", "figures=0"]) == 0
        found[name] = pd.read_csv(f"as_{name}/predictions.csv")
    for column in (*NAMES, *(f"{name}_high" for name in NAMES)):
        np.testing.assert_allclose(found["stored.h5"][column], found["stored"][column], rtol=0.03, atol=0.01)
    assert found["stored.h5"].warnings.str.contains("calibrated by -2.").all()
    assert not found["stored.h5"].warnings.str.contains("does not cover|not calibrated").any()


def test_a_scan_that_begins_late_is_continued_by_its_pre_edge_and_says_so(work):
    lines = scan(read_family("cu.h5"), 0).splitlines()
    late = [line for line in lines if line.startswith("#") or float(line.split()[0]) >= 8975]
    Path("late.xdi").write_text("\n".join(late) + "\n")
    call = ["predict", "input=late.xdi", "output=late", "figures=0", "measured.calibrate=false"]
    assert main([*call, "offset=10", "offset_uncertainty=0"]) == 0
    (row,) = rows_of(work / "late" / "predictions.csv")
    assert "the first 1.5 eV of the grid were continued by the level of its pre-edge" in row["warnings"]


def test_a_scan_that_ends_with_the_grid_says_which_offsets_it_leaves_out(work):
    family = read_family("cu.h5")
    lines = scan(family, 0).splitlines()
    short = [line for line in lines if line.startswith("#") or float(line.split()[0]) < GRID[-1] + 1]
    Path("short.xdi").write_text("\n".join(short) + "\n")
    assert main(["predict", "input=short.xdi", "offset=0", "output=short", "figures=0"]) == 0
    (row,) = rows_of(work / "short" / "predictions.csv")
    assert "does not cover the grid at some of the offsets" in row["warnings"]
    assert float(row["OS_high"]) > float(row["OS_low"])


def test_a_reference_that_is_no_foil_is_said_once(work):
    Path("powder.xdi").write_text(scan(read_family("cu.h5"), 0, Sample_reference="powder"))
    assert main(["predict", "input=powder.xdi", "offset=0", "output=powder", "figures=0"]) == 0
    (row,) = rows_of(work / "powder" / "predictions.csv")
    assert "the reference, 'powder', is not said to be a metal foil" in row["warnings"]
    assert "has no foil" not in row["warnings"]


def test_files_of_one_name_are_told_apart_by_their_folders(work):
    family = read_family("cu.h5")
    for sample in ("a", "b"):
        (work / "samples" / sample).mkdir(parents=True)
        (work / "samples" / sample / "scan.xdi").write_text(scan(family, 0))
    for pattern, output in (("samples/*/scan.xdi", "p"), ("[samples/a/scan.xdi,samples/b/scan.xdi]", "l")):
        assert main(["predict", f"input={pattern}", f"output=named_{output}", "figures=0", "offset=0"]) == 0
        rows = rows_of(work / f"named_{output}" / "predictions.csv")
        assert [row["file"] for row in rows] == ["a/scan.xdi", "b/scan.xdi"]


def test_references_are_read_like_others_and_compared_with_what_is_known(work, capsys):
    family, top = read_family("cu.h5"), work / "references"
    top.mkdir()
    for row in (3, 8):
        (top / f"r{row}.xdi").write_text(scan(family, row))
    true = dict(zip(NAMES, family.descriptors_NK[3], strict=True))
    known = {"OS": round(true["OS"]), "CN": 99}
    references = f"references={{references/r3.xdi:{{OS:{known['OS']},CN:99}},references/r8.xdi:-7}}"
    call = ["predict", references, "offset=0", "figures=1"]
    assert main([*call, "input=references", "output=checked"]) == 0
    said = capsys.readouterr().out
    assert "references: 1 of 3 known values lies in the interval; expected are 90 %" in said
    rows = {row["file"]: row for row in rows_of(work / "checked" / "predictions.csv")}
    assert list(rows) == ["references/r3.xdi", "references/r8.xdi"]  # each once, though in the folder too
    table = rows_of(work / "checked" / "references.csv")
    assert [(row["descriptor"], row["known"], row["inside"]) for row in table] == [
        ("OS", f"{known['OS']}", "yes"), ("CN", "99", "no"), ("OS", "-7", "no")
    ]  # fmt: skip
    for row in table:
        name, of_file = row["descriptor"], rows[row["reference"]]
        for end in ("", "_low", "_high"):
            assert float(row[f"reading{end}"]) == pytest.approx(float(of_file[f"{name}{end}"]), rel=1e-5)
        assert row["likeliest"].split()[0] == f"{float(of_file[f'{name}_class']):g}"
        assert row["verdict"] == of_file["verdict"]
    page = (work / "checked" / "page.html").read_text()
    assert "References: 1 of 3 known values" in page and 'id="table-references"' in page
    content = json.loads((work / "checked" / "predictions.json").read_text())
    assert [one["inside"] for one in content["references"]] == [True, False, False]
    # Nothing is fitted to them, and they need no other spectra.
    assert main([*call[:1], "input=references", *call[2:], "output=unchecked"]) == 0
    assert not (work / "unchecked" / "references.csv").exists()
    assert main([*call, "output=alone"]) == 0
    values = [[row["CN"] for row in rows_of(work / o / "predictions.csv")] for o in ("checked", "unchecked")]
    assert values[0] == values[1]
    assert (work / "alone" / "references.csv").read_text() == (
        work / "checked" / "references.csv"
    ).read_text()


def test_references_that_the_offset_was_determined_from_are_no_independent_check(work, capsys):
    Path("own.xdi").write_text(scan(read_family("cu.h5"), 3))
    text = "element: Cu\nedge: K\ncode: synthetic\nbeamline: ''\noffset: 0\nuncertainty: 0.5\n"
    Path("own.yaml").write_text(f"{text}references: [{{file: elsewhere/own.xdi}}]\n")
    for offset, is_shared in (("own.yaml", True), ("0", False)):
        call = ("references={own.xdi:2}", f"offset={offset}", "figures=0", f"output=own_{is_shared}")
        assert main(["predict", *call]) == 0
        assert ("determined from own.xdi too" in capsys.readouterr().out) == is_shared


@pytest.mark.parametrize(
    ("references", "said"),
    [
        ("{}", "references= names no reference"),
        ("{nowhere.xdi:2}", "there is no file nowhere.xdi"),
        ("{one.xdi:{OX:2}}", "OX is no descriptor of the model, with which to compare: did you mean OS?"),
        (
            "{one.xdi:mp-1}",
            "its material is no descriptor of the model, with which to compare\n"
            "give what is known of OS, CN, NNRS, such as 'references={one.xdi:{OS:2}}'",
        ),
        ("{one.xdi:[1,2]}", "says nothing of a compound"),
        ("{bad.txt:2}", "reference bad.txt: "),
        ("{cu.h5:2}", "the file holds 500 spectra, a reference is one"),
    ],
)
def test_what_is_no_reference_is_said_in_a_line_or_two(work, tmp_path, refused, references, said):
    (tmp_path / "bad.txt").write_text("dear diary\n")
    (tmp_path / "one.xdi").write_text(scan(read_family("cu.h5"), 3))
    shutil.copy(work / "cu.h5", tmp_path)
    run = next(work.glob("runs/*/*/*"))
    assert said in refused("predict", f"run={run}", "input=one.xdi", f"references={references}", "output=o")
    assert not (tmp_path / "o").exists()
    assert "leave one of them out" in refused(
        "predict", f"run={run}", "input=.", "watch=true", f"references={references}"
    )


@pytest.mark.skipif(
    not LIBRARY.is_dir(), reason=f"the measured spectra of the XAS Data Library are not at {LIBRARY}"
)
class TestMeasuredLibrary:
    def test_real_scans_of_the_element_are_read_and_found_unlike_synthetic_ones(self, work):
        assert main(["predict", f"input={LIBRARY}/Cu", "offset=5", "output=library", "figures=0"]) == 0
        rows = rows_of(work / "library" / "predictions.csv")
        assert {row["file"] for row in rows} == {path.name for path in (LIBRARY / "Cu").glob("*.xdi")}
        assert {row["verdict"] for row in rows} == {"outside"}
        content = json.loads((work / "library" / "predictions.json").read_text())
        assert all(one["normalisation"]["edge_step"] > 0 for one in content["spectra"])

    def test_real_scans_of_another_element_are_named(self, tmp_path, work, refused):
        run = next(work.glob("runs/*/*/*"))
        said = refused("predict", f"run={run}", f"input={LIBRARY}/Fe/*.xdi")
        assert "the file says Fe, expected Cu" in said and "more)" in said
