"""One check of spectra, wherever they enter: from every source, in training, prediction and alignment."""

from dataclasses import replace

import numpy as np
import pytest

from rankaae_cli.data.family.family_file import read_family, write_family
from rankaae_cli.data.family.rejections import rejected_reasons
from rankaae_cli.data.family.synthetic import synthetic_family
from tests.data.feff_folder import poscar, rock_salt, site, write, xmu_text

GRID = 8983.5 + np.arange(64.0)
TOO_LARGE, ZERO = "not normalised to the edge step: mu is 9", "no spectrum: mu is 0 at all energies"
OTHER_SCALE = "on another scale than most: on average "


def spoilt(rows=60):
    """A family of the kind whose rows no one checked: row 7 a thousand times too large, row 9 zero."""
    family = synthetic_family("Cu_oxides", "Cu", "K", GRID, ["OS", "CN"], rows)
    spectra_NE = family.spectra_NE.copy()
    spectra_NE[7] *= 1000
    spectra_NE[9] = 0
    return replace(family, spectra_NE=spectra_NE, source="csv")


def write_csv(path, family):
    head = ["material", "site", "AUX_OS", "AUX_CN", *(f"ENE_{e:g}" for e in family.energy_E)]
    columns = zip(family.material_N, family.site_N, family.descriptors_NK, family.spectra_NE, strict=True)
    lines = [f"{m},{s},{','.join(map(repr, [*d.tolist(), *x.tolist()]))}" for m, s, d, x in columns]
    path.write_text("\n".join([",".join(head), *lines]) + "\n")


@pytest.mark.parametrize("source", ["csv", "family", "npz"])
@pytest.mark.parametrize("scale", [1.0, 3e-5])
def test_a_row_that_cannot_be_is_rejected_from_tables_of_any_scale(rankaae, tmp_path, source, scale):
    family = spoilt()
    family = replace(family, spectra_NE=(scale * family.spectra_NE).astype(np.float32))
    if scale != 1:
        family = replace(family, normalisation="unknown")
    write_csv(tmp_path / "t.csv", family)
    write_family(tmp_path / "t.family", family)
    ids = [f"{m}_{s}" for m, s in zip(family.material_N, family.site_N, strict=True)]
    np.savez(tmp_path / "t.npz", spectra=family.spectra_NE, ids=np.array(ids))
    grid = ("npz.energy_start=8983.5", "npz.energy_step=1") if source == "npz" else ()
    done = rankaae(
        "ingest", "+family=Cu_oxides", f"source={source}", f"path=t.{source}", "output=o.h5", *grid
    )
    assert done.returncode == 0, done.stderr
    assert len(read_family(tmp_path / "o.h5")) == 58
    large = TOO_LARGE if scale == 1 and source != "npz" else OTHER_SCALE
    reasons = rejected_reasons(tmp_path / "o.h5.rejected.csv")
    assert sorted(reason.startswith(large) for reason in reasons) == [False, True] and ZERO in reasons
    assert "doubts" not in done.stdout


def test_what_may_be_is_kept_with_a_doubt(rankaae, tmp_path):
    family = spoilt()
    spectra_NE = family.spectra_NE.copy()
    spectra_NE[[7, 9]] = spectra_NE[[8, 8]] * [[2.2], [1.0]]
    write_csv(tmp_path / "t.csv", replace(family, spectra_NE=spectra_NE))
    done = rankaae("ingest", "+family=Cu_oxides", "source=csv", "path=t.csv", "output=o.h5")
    assert len(read_family(tmp_path / "o.h5")) == 60
    name = f"{family.material_N[7]} {family.site_N[7]}"
    assert "doubts about 1 of 60 spectra, which were taken:" in done.stdout
    assert f"  {name}: unlike the others: " in done.stdout


def test_feff_spectra_of_another_unit_and_with_two_atoms_at_one_place(rankaae, tmp_path):
    pytest.importorskip("pymatgen")
    lines = xmu_text().splitlines(keepends=True)
    numbers = [line.split() for line in lines]
    raw = [
        " ".join([*n[:3], str(float(n[3]) * 2e-4), *n[4:]]) + "\n" if n[0] != "#" else line
        for n, line in zip(numbers, lines, strict=True)
    ]
    crowded = rock_salt().replace("\n4 4\n", "\n4 5\n") + "0 0 0\n"
    files = {"a/POSCAR": rock_salt(), **site("a", 0), **site("a", 1, "".join(raw))}
    write(tmp_path / "runs", files | {"b/POSCAR": crowded, **site("b", 0)})
    call = ("ingest", "+family=Cu_oxides", "source=feff", "path=runs", "output=o.h5", "parallel.jobs=1")
    done = rankaae(*call, "cache=c.sqlite")
    assert done.returncode == 0, done.stderr
    reasons = rejected_reasons(tmp_path / "o.h5.rejected.csv")
    assert reasons[0].startswith("not normalised to the edge step: mu is 0.00019")
    assert reasons[1].startswith("two atoms at one place: Cu (site 0) and O (site 8) are 0.00 angstrom apart")


def test_structures_whose_tables_are_on_another_scale(rankaae, tmp_path):
    pytest.importorskip("pymatgen")
    corners = [(0, 0, 0), (0, 0.5, 0.5), (0.5, 0, 0.5), (0.5, 0.5, 0)]
    inner = [(x + 0.25, y + 0.25, z + 0.25) for x, y, z in corners]
    diamond = poscar(np.eye(3) * 3.567, ["C"] * 8, corners + inner)

    def table(factor):
        rows = factor * (1 + np.arange(8)[:, None] / 20) * (1.1 + np.sin(np.arange(100) / 9))
        return "".join(" ".join(f"{x:.6f}" for x in row) + "\n" for row in rows)

    files = {f"poscar/{name}.vasp": diamond for name in ("a", "b", "small")}
    files |= {"xanes/a.txt": table(1), "xanes/b.txt": table(1.2), "xanes/small.txt": table(0.02)}
    write(tmp_path / "carbon", files)
    call = ("ingest", "+family=amorphous_carbon", "source=atoms", "path=carbon", "output=o.h5")
    done = rankaae(*call, "parallel.jobs=1", "cache=c.sqlite")
    assert done.returncode == 0, done.stderr
    assert set(read_family(tmp_path / "o.h5").material_N) == {"a", "b"}
    reasons = rejected_reasons(tmp_path / "o.h5.rejected.csv")
    assert len(reasons) == 8 and all(reason.startswith(f"{OTHER_SCALE}0.0") for reason in reasons)


def test_training_prediction_and_alignment_warn_of_older_files_and_refuse_such_rows(rankaae, tmp_path):
    write_family(tmp_path / "old.h5", spoilt(150))
    small = ("trials=1", "max_epochs=2", "model.hidden=8", "device=cpu")
    done = rankaae("train", "+family=Cu_oxides", "data=old.h5", *small)
    assert done.returncode == 0, done.stderr
    assert "warning: 2 of 150 spectra are not sound (" in done.stderr and TOO_LARGE in done.stderr
    write_csv(tmp_path / "t.csv", spoilt(20))
    write_csv(tmp_path / "large.csv", spoilt(20).with_rows([7]))
    for name, expected in (
        ("t.csv", (TOO_LARGE, ZERO)),
        ("large.csv", (OTHER_SCALE,)),
        ("old.h5", (TOO_LARGE,)),
    ):
        done = rankaae("predict", f"input={name}", f"output=of_{name}", "figures=0")
        assert all(text in done.stderr for text in expected), done.stderr
    done = rankaae("align", "references={none.xdi:1}", "data=old.h5", "output=a.yaml")
    assert "warning: 2 of 150 spectra are not sound (" in done.stdout
