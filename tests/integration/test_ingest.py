"""`rankaae ingest` from the command line to the files."""

import csv
import errno
import os
import shlex
import signal
import sqlite3
import subprocess
import sys
import tarfile
import time
from contextlib import closing, suppress
from pathlib import Path

import h5py
import numpy as np
import pytest

from rankaae_cli.core.errors import UserError
from rankaae_cli.data.family.family_file import read_family
from rankaae_cli.data.family.splits import TEST, split_of
from rankaae_cli.data.readers.computed.archive import members
from rankaae_cli.data.structures.label_list import reasons_listed
from rankaae_cli.data.structures.structure_set import read_structures, structures_path
from tests.conftest import ROOT, in_process
from tests.data.feff_folder import cuprite, good_folder, perovskite, rock_salt, site, write, xmu_text

pytest.importorskip("pymatgen")
SHARED = Path(os.environ.get("RANKAAE_SHARED") or Path(__file__).parents[3] / "shared") / "data"
needs_shared = pytest.mark.skipif(not SHARED.is_dir(), reason="the shared real data are not here")


@pytest.fixture
def ingest(rankaae, tmp_path):
    def call(*arguments, family="Cu_oxides"):
        done = rankaae("ingest", f"+family={family}", *arguments, XDG_CACHE_HOME=str(tmp_path / "cache"))
        assert done.returncode == 0, done.stderr
        return done.stdout

    return call


@pytest.fixture
def rejects(refused, tmp_path, monkeypatch):
    """Run an ingest that must fail; return the message, having checked that no file is left."""

    def call(*arguments, family="Cu_oxides"):
        monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
        message = refused("ingest", f"+family={family}", *arguments)
        left = [p.name for p in tmp_path.rglob("*") if p.suffix == ".h5" or p.name.startswith(".")]
        assert [name for name in left if name != "input.h5"] == []
        return message

    return call


def rejected_of(path):
    with path.with_name(path.name + ".rejected.csv").open(newline="") as file:
        return list(csv.DictReader(file))


def test_a_folder_of_feff_spectra(ingest, tmp_path):
    files = good_folder() | {
        "e/POSCAR": cuprite(),
        **site("e", 0),
        "f/POSCAR": rock_salt(),
        **site("f", 0, xmu_text(last=9000)),
    }
    write(tmp_path / "runs", files)
    said = ingest("source=feff", "path=runs", "output=new/cu.h5")
    family = read_family(tmp_path / "new" / "cu.h5")
    assert (family.name, family.element, family.edge, family.source) == ("Cu_oxides", "Cu", "K", "feff")
    assert (family.energy_unit, family.normalisation) == ("eV", "edge_step")
    assert family.descriptor_names == ("OS", "CN", "OCN", "NNRS", "MOOD")
    assert family.descriptor_units == ("e", "1", "1", "angstrom", "angstrom")
    assert family.material_N.tolist() == ["m-big", "m-rock", "m-tenorite", "m-tenorite"]
    assert family.descriptors_NK[:, :3].tolist() == [[2, 6, 6], [2, 6, 6], [2, 4, 4], [2, 4, 4]]
    assert family.split_N.tolist() == [split_of(m) for m in family.material_N]
    assert family.groups["formula"].tolist()[-2:] == ["CuO", "CuO"] and family.split_by == "material"
    assert family.quantity_names[:3] == ("MBL", "MBA", "BVS")
    assert np.isfinite(family.quantities_NQ).all()
    tenorite = dict(zip(family.quantity_names, family.quantities_NQ[2], strict=True))
    assert (tenorite["SSN"], tenorite["VOL"], tenorite["BLmax"]) == (10, 0, pytest.approx(1.961, abs=1e-3))
    rejected = rejected_of(tmp_path / "new" / "cu.h5")
    assert [tuple(r.values()) for r in rejected] == [
        ("e", "0", "coordination number 2, the family keeps 4, 5, 6"),
        ("f", "0", "ends at 9000 before the grid's end 9047.25"),
    ]
    assert "4 spectra of 3 materials" in said
    assert "OS 4, CN 4" in said
    assert "further quantities  MBL, MBA, BVS, BLmin" in said
    assert "2 rejected sites" in said
    assert "OS known by  bond valence and charge balance 4" in said
    assert "OS and bond-valence sum  " in said
    with (tmp_path / "new" / "cu.h5.labels.csv").open(newline="") as file:
        labels = list(csv.DictReader(file))
    sites = zip(family.material_N, family.site_N, strict=True)
    assert [(r["material"], int(r["site"])) for r in labels] == list(sites)
    assert {(r["descriptor"], r["label"], r["reason"]) for r in labels} == {
        ("OS", "2", "bond valence and charge balance")
    }
    sums_N = family.quantities_NQ[:, family.quantity_names.index("BVS")]
    assert reasons_listed(tmp_path / "new" / "cu.h5") == [r["reason"] for r in labels]
    assert reasons_listed(tmp_path / "cu.h5") is None
    assert [float(r["bond_valence_sum"]) for r in labels] == pytest.approx(sums_N, abs=1e-4)
    assert said.rstrip().endswith("next: rankaae train +family=Cu_oxides data=new/cu.h5")


def test_a_site_without_an_oxidation_state_stays(ingest, tmp_path):
    files = good_folder() | {"odd/POSCAR": perovskite("Sr", "Cu", 3.9), **site("odd", 1)}
    write(tmp_path / "runs", files)
    said = ingest("source=feff", "path=runs", "output=cu.h5")
    assert "5 spectra of 4 materials" in said and "OS 4, CN 5" in said
    assert "OS not known for  no known valence balances 1" in said
    table = (tmp_path / "cu.h5.labels.csv").read_text().splitlines()
    assert len(table) == 6 and table[-1].startswith("odd,1,OS,,")
    assert table[-1].endswith(",no known valence balances")
    ingest("source=family", "path=cu.h5", "output=cu.h5", "overwrite=true")
    assert (tmp_path / "cu.h5.labels.csv").read_text().splitlines() == table
    ingest("source=synthetic", "synthetic.spectra=200", "output=cu.h5", "overwrite=true")
    assert not (tmp_path / "cu.h5.labels.csv").exists()


def test_the_next_step_names_the_folder_of_a_family_of_ones_own(rankaae, tmp_path):
    own = tmp_path / "my own" / "family" / "Cu_mine.yaml"
    own.parent.mkdir(parents=True)
    own.write_text((ROOT / "conf" / "family" / "Cu_oxides.yaml").read_text().replace("Cu_oxides", "Cu_mine"))
    write(tmp_path / "runs", good_folder())
    done = rankaae(
        "ingest", "--config-dir", "my own", "+family=Cu_mine", "source=feff", "path=runs", "cache=c"
    )
    assert done.returncode == 0, done.stderr
    asked = done.stdout.splitlines()[-1]
    assert asked == f"next: rankaae train --config-dir '{tmp_path / 'my own'}' +family=Cu_mine"
    done = rankaae(*shlex.split(asked.removeprefix("next: rankaae ")), "max_epochs=1")
    assert "no material" in done.stderr and "side of the split" in done.stderr  # of so few


def test_all_sites_and_the_default_output(ingest, tmp_path):
    write(tmp_path / "runs", {"e/POSCAR": cuprite(), **site("e", 0), "f/POSCAR": rock_salt(), **site("f", 0)})
    said = ingest("source=feff", "path=runs", "filter=none", "parallel.jobs=1")
    family = read_family(tmp_path / "data" / "Cu_oxides.h5")
    assert family.descriptors_NK[:, 1].tolist() == [2, 6]
    assert rejected_of(tmp_path / "data" / "Cu_oxides.h5") == []
    assert said.rstrip().endswith("next: rankaae train +family=Cu_oxides")
    assert "warning: no material is on the" in said


def sixty_materials():
    files = {}
    for i in range(60):
        files |= {f"m-{i}/POSCAR": rock_salt(a=4.2 + i / 1000), **site(f"m-{i}", 0)}
    return files


@pytest.fixture(scope="module")
def uninterrupted(tmp_path_factory):
    """The file of an ingest by one process that nothing stopped."""
    folder = tmp_path_factory.mktemp("whole")
    write(folder / "runs", sixty_materials())
    call = ("ingest", "+family=Cu_oxides", "source=feff", "path=runs", "parallel.jobs=1")
    done = in_process(folder, *call, "output=one.h5", "cache=new.sqlite")
    assert done.returncode == 0, done.stderr
    return folder / "one.h5"


@pytest.mark.slow
@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGTERM, signal.SIGINT])
def test_a_stopped_ingest_goes_on_from_where_it_was(uninterrupted, rankaae, tmp_path, number):
    write(tmp_path / "runs", sixty_materials())
    call = ("ingest", "+family=Cu_oxides", "source=feff", "path=runs", "parallel.jobs=2")
    # A file, not a pipe: the processes of one that is killed may hold that open for a while.
    with (tmp_path / "runs" / "log").open("w") as log:
        process = subprocess.Popen(
            [sys.executable, "-m", "rankaae_cli", *call, "output=cu.h5", "cache=c.sqlite"],
            cwd=tmp_path,
            env={**os.environ, "PYTHONPATH": str(Path(__file__).parents[2])},
            stderr=log,
            start_new_session=True,
        )
    _wait_for(lambda: _cached(tmp_path / "c.sqlite") > 0, process)
    process.send_signal(number)
    process.wait(timeout=60)
    with suppress(ProcessLookupError):  # workers outlive a parent that is killed by a few minutes
        os.killpg(process.pid, signal.SIGKILL)
    said = (tmp_path / "runs" / "log").read_text()
    kept = _cached(tmp_path / "c.sqlite")
    assert 0 < kept < 60
    if number == signal.SIGKILL:
        assert process.returncode == -number
    else:
        assert process.returncode == 128 + number
        assert "run the same command again to go on" in said and "Traceback" not in said
    assert sorted(p.name for p in tmp_path.iterdir() if "c.sqlite" not in p.name) == ["runs"]
    assert rankaae(*call, "output=cu.h5", "cache=c.sqlite").returncode == 0
    assert _cached(tmp_path / "c.sqlite") == 60
    ours, theirs = (
        path.with_name(f"{path.name}.rejected.csv") for path in (tmp_path / "cu.h5", uninterrupted)
    )
    assert ours.read_bytes() == theirs.read_bytes()
    whole, alone = (read_family(path) for path in (tmp_path / "cu.h5", uninterrupted))
    for name in ("spectra_NE", "descriptors_NK", "quantities_NQ", "site_N"):
        assert np.asarray(getattr(whole, name)[:]).tobytes() == np.asarray(getattr(alone, name)[:]).tobytes()
    assert whole.material_N.tolist() == alone.material_N.tolist()


def _cached(path):
    try:
        with closing(sqlite3.connect(f"file:{path}?mode=ro", uri=True)) as db:
            return db.execute("SELECT COUNT(*) FROM shells").fetchone()[0]
    except sqlite3.OperationalError:  # not made yet
        return 0


def _wait_for(is_so, process):
    end = time.monotonic() + 120
    while not is_so():
        assert process.poll() is None and time.monotonic() < end
        time.sleep(0.05)


def test_nothing_left_says_why_and_leaves_the_list(ingest, rankaae, tmp_path):
    write(tmp_path / "runs", {"e/POSCAR": cuprite(), **site("e", 0), **site("e", 1), **site("e", 9)})
    done = rankaae(
        "ingest",
        "+family=Cu_oxides",
        "source=feff",
        "path=runs",
        "output=cu.h5",
        f"cache={tmp_path}/c.sqlite",
    )
    assert done.returncode == 2
    assert "none of 3 sites can be used; 2 of them: coordination number 2" in done.stderr
    assert "every site's reason is in cu.h5.rejected.csv" in done.stderr
    assert len(rejected_of(tmp_path / "cu.h5")) == 3
    assert not (tmp_path / "cu.h5").exists()


def test_a_failed_ingest_leaves_what_an_earlier_one_made(rankaae, ingest, tmp_path):
    ingest("source=synthetic", "synthetic.spectra=30", "output=cu.h5")
    before = {name: (tmp_path / name).read_bytes() for name in ("cu.h5", "cu.h5.rejected.csv")}
    (tmp_path / "t.csv").write_text(",,ENE_8990,ENE_8991\nm,0,1,1,1\n,,1,1\nm,1,2,2,2\n,7,1,1\nn,x,1,1\n")
    call = ("ingest", "+family=Cu_oxides", "source=csv", "path=t.csv", "output=cu.h5", "overwrite=true")
    done = rankaae(*call)
    assert done.returncode == 2
    what, where = done.stderr.splitlines()
    assert what.endswith(
        "none of 5 sites can be used; 3 of them like: row 3: material '', site '': no name or no site index"
    )
    assert where == "every site's reason is in cu.h5.failed.rejected.csv"
    assert {name: (tmp_path / name).read_bytes() for name in before} == before
    assert len((tmp_path / "cu.h5.failed.rejected.csv").read_text().splitlines()) == 6


def test_an_output_is_replaced_only_when_asked(ingest, refused, tmp_path):
    ingest("source=synthetic", "synthetic.spectra=30", "output=cu.h5")
    first = (tmp_path / "cu.h5").read_bytes()
    call = ("source=synthetic", "synthetic.spectra=40", "output=cu.h5")
    what, todo = refused("ingest", "+family=Cu_oxides", *call).splitlines()
    assert what.endswith("cu.h5 exists already") and "overwrite=true" in todo
    assert (tmp_path / "cu.h5").read_bytes() == first
    ingest(*call, "overwrite=true")
    assert len(read_family(tmp_path / "cu.h5")) == 40


def test_an_output_below_a_file_is_refused_at_once(rejects, tmp_path):
    (tmp_path / "notes.txt").write_text("")
    for output in ("notes.txt/cu.h5", "notes.txt/new/cu.h5"):
        message = rejects("source=feff", "path=not_even_looked_for", f"output={output}")
        assert message.strip() == (
            f"rankaae: output={output} cannot be written: {tmp_path / 'notes.txt'} is a file, not a folder"
        )


def test_energies_in_kev_are_recognised(rejects, tmp_path):
    (tmp_path / "t.csv").write_text(",,ENE_8.99,ENE_8.991\nm,0,0.5,1\n")
    assert "look like keV" in (message := rejects("source=csv", "path=t.csv"))
    assert "multiply them by 1000" in message
    np.savez(tmp_path / "s.npz", spectra=np.ones((1, 3)), ids=np.array(["m_0"]))
    grid = ("npz.energy_start=8.99", "npz.energy_step=0.001")
    assert "look like keV" in rejects("source=npz", "path=s.npz", *grid)
    assert "keV" not in rejects("source=npz", "path=s.npz", "npz.energy_start=7112", "npz.energy_step=1")


def test_another_synthetic_code_is_another_fidelity_of_the_same_sites(ingest, rejects, tmp_path):
    for code in "AB":
        said = ingest(
            "source=synthetic", "synthetic.spectra=30", f"synthetic.code={code}", f"output={code}.h5"
        )
        assert f"fidelity    {'synthetic B' if code == 'B' else 'synthetic'}\n" in said
    a, b = (read_family(tmp_path / f"{code}.h5") for code in "AB")
    assert np.array_equal(a.descriptors_NK, b.descriptors_NK) and a.site_N.tolist() == b.site_N.tolist()
    assert np.abs(a.spectra_NE - b.spectra_NE).max() > 0.2
    with h5py.File(tmp_path / "A.h5") as file:
        assert "fidelity" not in file.attrs


def test_a_synthetic_family_has_few_spectra_but_on_the_test_side(ingest, tmp_path):
    whole, few = ("source=synthetic", "synthetic.spectra=200"), "synthetic.few=40"
    ingest(*whole, "output=whole.h5")
    ingest(*whole, few, "output=few.h5")
    all_of_them, kept = (read_family(tmp_path / f"{name}.h5") for name in ("whole", "few"))
    rows = [n for n in range(200) if n < 40 or all_of_them.split_N[n] == TEST]
    assert 50 < len(rows) < 90
    for name in ("spectra_NE", "descriptors_NK", "quantities_NQ", "material_N", "site_N", "split_N"):
        assert np.array_equal(getattr(kept, name), getattr(all_of_them, name)[rows]), name


def test_a_family_file_is_written_again(ingest, rejects, tmp_path):
    ingest("source=synthetic", "synthetic.spectra=30", "output=input.h5")
    ingest("source=family", "path=input.h5", "output=again.h5")
    first, second = read_family(tmp_path / "input.h5"), read_family(tmp_path / "again.h5")
    assert np.array_equal(first.spectra_NE, second.spectra_NE)
    assert np.array_equal(first.true_response_KE, second.true_response_KE)
    assert second.is_synthetic
    assert second.quantity_names == first.quantity_names
    assert np.array_equal(first.quantities_NQ, second.quantities_NQ)
    assert "covalency" in first.quantity_names
    (tmp_path / "again.h5").unlink()
    message = rejects("source=family", "path=input.h5", "output=x.h5", family="Fe_oxides")
    assert "element is Cu, that of the family Fe_oxides is Fe" in message
    with h5py.File(tmp_path / "input.h5", "a") as file:
        file.attrs["format_version"] = 99
    message = rejects("source=family", "path=input.h5", "output=x.h5")
    assert "family file of version 99; this program reads up to" in message
    assert "install a newer rankaae" in message


def test_bad_input_is_explained(rejects, tmp_path):
    (tmp_path / "empty").mkdir()
    (tmp_path / "cut.tar.gz").write_bytes(b"\x1f\x8b\x08\x00cut")
    (tmp_path / "t.csv").write_text(",,AUX_CN\nm,0,4\n")
    assert "empty holds no xmu.dat" in rejects("source=feff", "path=empty")
    assert "cannot be read as an archive" in rejects("source=feff", "path=cut.tar.gz")
    assert "there is no file or folder nowhere" in rejects("source=feff", "path=nowhere")
    assert "path= is missing" in rejects("source=feff")
    assert "version 0.1.0 had it" in rejects("source=feff", "path=empty", "parallel.backend=dask")
    assert "there is no file nowhere.csv" in rejects("source=csv", "path=nowhere.csv")
    write(tmp_path, {"lone/xmu.dat": xmu_text()})
    assert "1 of them: unknown layout: xmu.dat is not at" in rejects("source=feff", "path=lone")
    assert "has 0 ENE_ columns" in rejects("source=csv", "path=t.csv")
    assert "output=empty is a folder" in rejects("source=csv", "path=t.csv", "output=empty")


def test_a_damaged_cache_is_explained(rejects, tmp_path):
    (tmp_path / "c.sqlite").write_bytes(b"no database at all, but long enough to look like one" * 40)
    write(tmp_path / "runs", good_folder())
    message = rejects("source=feff", "path=runs", "cache=c.sqlite")
    assert "c.sqlite is damaged or no cache" in message
    assert "delete it" in message


def test_a_full_disk_leaves_no_half_file(tmp_path, monkeypatch):
    from hydra import compose, initialize_config_module

    from rankaae_cli.cli import register
    from rankaae_cli.commands.ingest import run

    register()
    table = ",,AUX_CN,ENE_8990,ENE_8991\nm,0,4,0.5,1\n"
    (tmp_path / "t.csv").write_text(table)
    with initialize_config_module("rankaae_cli.conf", version_base="1.3"):
        overrides = [
            "+family=Cu_oxides",
            "source=csv",
            f"path={tmp_path}/t.csv",
            f"output={tmp_path}/out/cu.h5",
        ]
        cfg = compose("ingest", overrides)

    def full(*arguments, **options):
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    with monkeypatch.context() as patch:
        patch.setattr("pathlib.Path.write_bytes", full)
        with pytest.raises(
            UserError, match=r"the disk is full: .*cu.h5 could not be written\nfree some space"
        ):
            run(cfg)
    assert list((tmp_path / "out").iterdir()) == []
    assert run(cfg)["rows"] == 1


@needs_shared
@pytest.mark.slow
def test_published_copper_oxides(ingest, tmp_path):
    wanted, sites = {}, 0
    for member in members(SHARED / "Cu_oxides_feff.tar.xz", lambda name: name in ("POSCAR", "xmu.dat")):
        if len(wanted) == 15 and member.parts[1] not in wanted:
            break
        wanted.setdefault(member.parts[1], None)
        sites += member.parts[-1] == "xmu.dat"
        write(tmp_path, {"/".join(member.parts): member.data})
    with tarfile.open(tmp_path / "slice.tar.gz", "w:gz") as file:
        file.add(tmp_path / "Cu_oxides", "Cu_oxides")
    ingest("source=feff", "path=slice.tar.gz", "output=cu.h5")
    family = read_family(tmp_path / "cu.h5")
    assert len(family) + len(rejected_of(tmp_path / "cu.h5")) == sites
    assert len(family) > sites / 2
    assert set(family.descriptors_NK[:, 1]) <= {4, 5, 6}
    assert 0 < family.spectra_NE.min() < family.spectra_NE.max() < 4
    assert np.abs(family.spectra_NE[:, -20:].mean() - 1) < 0.1
    known = family.descriptors_NK[:, 0][np.isfinite(family.descriptors_NK[:, 0])]
    assert set(known) <= {1, 2, 3, 4}


@needs_shared
def test_published_amorphous_carbon(ingest, tmp_path):
    for part, suffix in (("poscar", "vasp"), ("xanes", "csv")):
        data = (SHARED / "amorphous_carbon" / part / "misc" / f"diamond.{suffix}").read_bytes()
        write(tmp_path / "carbon", {f"{part}/misc/diamond.{suffix}": data})
    ingest("source=atoms", "path=carbon", "output=c.h5", family="amorphous_carbon")
    family = read_family(tmp_path / "c.h5")
    assert len(family) == 216 and family.split_by == "density"
    assert (family.energy_unit, family.normalisation, len(family.energy_E)) == ("index", "unknown", 100)
    expected = [4, 10.6995937872 / 3 * np.sqrt(3) / 4, 0, np.degrees(np.arccos(-1 / 3))]
    assert np.allclose(family.descriptors_NK, expected, atol=1e-3)
    quantity = dict(zip(family.quantity_names, family.quantities_NQ.T, strict=True))
    assert set(quantity["SSN"]) == {12}
    assert np.allclose(quantity["q6"], 0.6285, atol=1e-3)
    structures = read_structures(tmp_path / "c.h5", family.rows)
    assert [len(one) for one in structures.values()] == [216]
    assert set(structures["diamond"].species) == {"C"}
    # They go with the family file: taken along, and never left of another one.
    ingest("source=family", "path=c.h5", "output=d.h5", family="amorphous_carbon")
    assert structures_path(tmp_path / "d.h5").read_bytes() == structures_path(tmp_path / "c.h5").read_bytes()
    structures_path(tmp_path / "c.h5").unlink()
    ingest("source=family", "path=c.h5", "output=d.h5", "overwrite=true", family="amorphous_carbon")
    assert not structures_path(tmp_path / "d.h5").exists()


@needs_shared
def test_published_arrays_without_descriptors(ingest, tmp_path):
    path = SHARED / "omnixas" / "Cu_FEFF.npz"
    said = ingest(
        "source=npz", f"path={path}", "output=n.h5", "npz.energy_start=8983.173", "npz.energy_step=0.25"
    )
    family = read_family(tmp_path / "n.h5")
    assert (len(family), len(family.energy_E), family.normalisation) == (416, 141, "unknown")
    assert np.isnan(family.descriptors_NK).all() and family.features is not None
    assert "next: rankaae train kind=forward" in said
