"""The files that the pages of docs/ take for the reader's, made of synthetic spectra."""

import shutil

import numpy as np
import pandas as pd

from rankaae_cli.data.family.family_file import read_family, write_family
from rankaae_cli.data.family.samples import sample_path
from rankaae_cli.data.family.synthetic import synthetic_family
from tests.conftest import ROOT
from tests.copper_run import scan
from tests.data.feff_folder import perovskite, poscar, rock_salt, site, tenorite, write, xmu_text

DESCRIPTORS = ["OS", "CN", "OCN", "NNRS", "MOOD"]
DIAMOND = [(0, 0, 0), (0, 0.5, 0.5), (0.5, 0, 0.5), (0.5, 0.5, 0)]
DIAMOND += [(x + 0.25, y + 0.25, z + 0.25) for x, y, z in DIAMOND]


def write_user_files(folder):
    """Write all of them to `folder`; return it."""
    copper, iron = read_family(sample_path("Cu_oxides")), read_family(sample_path("Fe_oxides"))
    example = "docs/tutorials/files/example.xdi"
    write(folder, {example: (ROOT / example).read_text()})
    shutil.copy(ROOT / example, folder)
    write(folder / "feff_runs", dict(_feff()))
    shutil.copytree(folder / "feff_runs", folder / "feff" / "Cu_oxides")
    write(folder / "structures", {"tenorite.vasp": tenorite(), "rock.vasp": rock_salt()})
    _write_scans(folder, copper)
    for element, energy_E, names in (
        ("Cu", copper.energy_E, ("cu", "cu_feff", "cu_vasp")),
        ("Fe", iron.energy_E, ("large", "feff", "vasp")),
    ):
        family = synthetic_family(f"{element}_oxides", element, "K", energy_E, DESCRIPTORS, 300)
        for name in names:
            write_family(folder / f"{name}.h5", family)
    # The sample has the first 800 of these.
    more = synthetic_family("Fe_oxides", "Fe", "K", iron.energy_E, DESCRIPTORS, 1000)
    write_family(folder / "more.h5", more)
    _write_arrays(folder, copper)
    _write_table(folder / "feff_Fe.csv", iron)
    write(folder / "carbon", dict(_carbon()))
    return folder


def _feff():
    """Give copper oxides of three structures and many sizes, of known valence and coordination."""
    for i in range(16):
        kinds = (tenorite(), rock_salt(a=4.2 + 0.01 * i), perovskite("La", "Cu", 3.8 + 0.01 * i))
        for k, structure in enumerate(kinds):
            name = f"m{k}{i:02d}"
            scale = 1 + 0.002 * i if k == 0 else 1
            yield f"{name}/POSCAR", structure.replace("\n1.0\n", f"\n{scale}\n", 1)
            # The perovskite's copper is its second atom.
            yield from site(name, 1 if k == 2 else 0, xmu_text(shift=k + 0.05 * i)).items()


def _write_scans(folder, family):
    valence_N = family.descriptors_NK[:, family.descriptor_names.index("OS")]
    for name, valence in (("Cu2O.xdi", 1), ("CuO.xdi", 2), ("La2CuO4.xdi", 2)):
        row = np.flatnonzero(valence_N == valence)[len(name)]
        (folder / name).write_text(scan(family, row, shift=-0.5))
    shutil.copy(folder / "CuO.xdi", folder / "scan.dat")
    scans = {f"{n:03d}.xdi": scan(family, n, Sample_temperature=300 + 10 * n) for n in range(4)}
    for name in ("beamtime", "series", "scans"):
        write(folder / name, scans)


def _write_arrays(folder, family):
    rng = np.random.default_rng(0)
    ids = np.array([f"mp-{n // 2}_{n % 2:03d}" for n in range(120)])
    np.savez(folder / "Cu_VASP.npz", spectra=family.spectra_NE[:120, :141], ids=ids)
    yes_NC = rng.integers(0, 2, (160, 3))
    peak_CE = np.exp(-(((np.arange(60) - np.array([[15], [30], [45]])) / 4) ** 2))
    spectra_NE = yes_NC @ peak_CE + 0.05 * rng.normal(size=(160, 60)) + 1
    np.save(folder / "spectra.npy", spectra_NE)
    np.save(folder / "new.npy", spectra_NE[:5])
    np.save(folder / "labels.npy", yes_NC)
    (folder / "groups.txt").write_text("alcohol\nketone\nring\n")


def _write_table(path, family):
    rows = slice(0, 300)
    table = pd.DataFrame({"material": family.material_N[rows].astype(str), "site": family.site_N[rows]})
    for k, name in enumerate(family.descriptor_names):
        table[f"AUX_{name}"] = family.descriptors_NK[rows, k]
    spectra = pd.DataFrame(family.spectra_NE[rows], columns=[f"ENE_{e:.3f}" for e in family.energy_E])
    pd.concat([table, spectra], axis=1).to_csv(path, index=False)


def _carbon():
    """Give shaken diamonds of several densities, whose spectra follow from how far an atom was shaken."""
    rng = np.random.default_rng(0)
    for density in np.arange(1.0, 3.6, 0.2):
        shift = 0.03 * rng.normal(size=(8, 3))
        cell = np.eye(3) * 3.567 * (3.52 / density) ** (1 / 3) * 0.85
        name = f"d{density:.1f}_0"
        yield f"poscar/{name}.vasp", poscar(cell, ["C"] * 8, [tuple(p) for p in np.array(DIAMOND) + shift])
        centre_N = 30 + 200 * np.linalg.norm(shift, axis=1)
        rows = 1 + np.exp(-(((np.arange(100) - centre_N[:, None]) / 6) ** 2))
        yield f"xanes/{name}.txt", "".join(" ".join(f"{x:.5f}" for x in row) + "\n" for row in rows)
