"""Small valid files of every format, which mutated files are made of."""

import io
import json
import tempfile
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

import h5py
import numpy as np

from rankaae_cli.data.family.family import Family
from rankaae_cli.data.family.family_file import write_family
from rankaae_cli.data.measured.detect import FORMATS
from tests.data import beamline_files
from tests.data.feff_folder import GRID, good_folder, poscar, xmu_text
from tests.data.measured_scan import EDGES, chambers, mu, xdi_text

# A file, or the files of a folder or archive by their path in it.
Seed = bytes | dict[str, bytes]

_BEAMLINES = (
    *(beamline_files.photon_factory, beamline_files.ssrl, beamline_files.srs, beamline_files.lnls),
    *(beamline_files.xdac, beamline_files.epics_scan, beamline_files.hxma, beamline_files.fio),
    *(beamline_files.iss, beamline_files.fdmnes),
)

E0 = EDGES["Fe"]
ENERGY = E0 + np.concatenate([np.arange(-80, -20, 6.0), np.arange(-20, 40, 1.0), np.arange(40, 300, 6.0)])
MU = mu(ENERGY, E0 + 4)
I0, ITRANS, IREFER = chambers(ENERGY, E0 + 4)
IFLUOR = 0.1 * I0 * MU


def rows(*columns: np.ndarray, separator: str = " ") -> str:
    """Return columns as text, a line a point."""
    return "".join(separator.join(f"{v:.8g}" for v in row) + "\n" for row in zip(*columns, strict=True))


def _xdi() -> list[Seed]:
    fields = ("# Element.symbol: Fe", "# Element.edge: K", "# Mono.d_spacing: 3.1356", "# Sample.name: a")
    fluorescence = {"energy keV": ENERGY / 1000, "i0": I0, "ifluor": IFLUOR, "mutrans": MU}
    return [
        xdi_text({"energy eV": ENERGY, "i0": I0, "itrans": ITRANS, "irefer": IREFER}, fields).encode(),
        xdi_text(fluorescence, fields).encode(),
        beamline_files.athena_nor().encode(),
    ]


def _athena() -> list[Seed]:
    args = {"label": "a scan", "bkg_z": "Fe", "fft_edge": "k", "bkg_eshift": "0.5", "titles": ["one", "two"]}
    perl = "# Athena project file -- Demeter version 0.9.26\n\n"
    for key, y in (("abcd", MU), ("efgh", MU[::-1])):
        pairs = ",".join(
            f"'{n}',{v if n == 'titles' else repr(v)}" for n, v in {**args, "label": key}.items()
        )
        arrays = "".join(
            f"@{n} = {tuple(f'{v:.7g}' for v in values)};\n" for n, values in (("x", ENERGY), ("y", y))
        )
        perl += f"$old_group = '{key}';\n@args = ({pairs},'referencegroup','efgh');\n{arrays}[record]   # here\n\n"
    record = {"args": args, "x": ENERGY.tolist(), "y": MU.round(6).tolist()}
    project = {"_____header1": "# Athena project file -- Demeter", "_____order": ["a"], "a": record}
    return [(perl + "1;\n# End:\n").encode(), json.dumps(project).encode()]


def _spec() -> list[Seed]:
    head = "#F beamtime.spec\n#E 1145450191\n#D Sat Jul 22 13:05:06 2026\n#O0 Delta  Theta\n\n"
    scans = [
        f"#S {number} ascan energy 7 8 112 1\n#D Sat Jul 22 2026\n#P0 1 2\n#N {len(columns)}\n#L {labels}\n"
        + rows(*columns)
        + "\n"
        for number, labels, columns in (
            (1, "energy  Seconds  I0  I1", (ENERGY, 1 + 0 * ENERGY, I0, ITRANS)),
            (2, "Energy  I0  det 1", (ENERGY / 1000, I0, IFLUOR)),
        )
    ]
    return [(head + "".join(scans)).encode()]


def _text() -> list[Seed]:
    labels = "# a beamline\n# Element: Fe K\n# energy_eV  i0  itrans  ifluor\n"
    return [
        rows(ENERGY, MU).encode(),
        (labels + rows(ENERGY, I0, ITRANS, IFLUOR)).encode(),
        ("energy;mu\n" + rows(ENERGY, MU, separator=";")).replace(".", ",").encode(),
        ("Energy (keV)\tmu\n" + rows(ENERGY / 1000, MU, separator="\t")).encode(),
        *(make().encode() for make in _BEAMLINES),
    ]


def _nexus() -> list[Seed]:
    return [_hdf5(_nexus_of_2010), _hdf5(_nexus_of_2024), _hdf5(_nexus_of_bliss)]


def _nexus_of_bliss(file: h5py.File) -> None:
    """Fill a file with raw data, counters in a collection, and entries within the entry."""
    entry = _group(file, "1.1", "NXentry")
    counted = _group(entry, "measurement", "NXcollection")
    counted["energy_enc"], counted["p201_1"], counted["p201_3"] = ENERGY / 1000, I0, ITRANS
    for name in ("fluo", "trans"):
        within = _group(entry, name, "NXsubentry")
        within["definition"], within["absorption_edge"] = "NXxas", "K"
        _group(within, "element", "NXelement")["symbol"] = "Fe"
        within["energy"], within["intensity"] = ENERGY, h5py.SoftLink(f"/1.1/{name}/plot/intensity")
        _group(within, "plot", "NXdata")["intensity"] = MU


def _nexus_of_2010(file: h5py.File) -> None:
    entry = _group(file, "entry1", "NXentry")
    entry["definition"], entry["title"] = "NXxas", "a scan"
    parts = _group(entry, "instrument", "NXinstrument")
    energy = _group(parts, "monochromator", "NXmonochromator").create_dataset("energy", data=ENERGY)
    energy.attrs["units"] = "eV"
    _group(parts, "incoming_beam", "NXdetector")["data"] = I0
    _group(parts, "absorbed_beam", "NXdetector")["data"] = ITRANS
    _group(entry, "sample", "NXsample")["name"] = "hematite"
    data = _group(entry, "plot", "NXdata")
    data["mode"], data["energy"], data["absorbed_beam"] = (
        "Transmission",
        energy,
        parts["absorbed_beam/data"],
    )


def _nexus_of_2024(file: h5py.File) -> None:
    entry = _group(file, "scan", "NXentry")
    entry["definition"] = "NXxas_trans"
    _group(entry, "element", "NXelement")["symbol"] = "Fe"
    _group(entry, "edge", "NXabsorption_edge")["name"] = "K"
    entry.create_dataset("energy", data=ENERGY).attrs["units"] = "eV"
    entry["intensity"] = np.stack([MU, 2 * MU])


def _group(parent: h5py.Group, name: str, kind: str) -> h5py.Group:
    group = parent.create_group(name)
    group.attrs["NX_class"] = kind
    return group


def _hdf5(fill: Callable[[h5py.File], None]) -> bytes:
    image = io.BytesIO()
    with h5py.File(image, "w") as file:
        fill(file)
    return image.getvalue()


def _family() -> list[Seed]:
    step = np.array([mu(GRID, 8990 + i, step=1.0, offset=0.0, slope=0.0) for i in range(4)])
    family = Family(
        name="Cu_oxides",
        element="Cu",
        edge="K",
        energy_E=GRID,
        spectra_NE=step.astype(np.float32),
        descriptors_NK=np.array([[4.0, np.nan], [6.0, 1.5], [5.0, 2.0], [4.0, 1.0]]),
        descriptor_names=("CN", "OS"),
        descriptor_units=("1", "e"),
        material_N=np.array(["a", "b", "c", "c"], dtype=object),
        site_N=np.arange(4),
        split_N=np.array([0, 1, 2, 2], np.uint8),
        source="feff",
        created="2026-01-01T00:00:00+00:00",
    )
    with tempfile.TemporaryDirectory() as folder:
        return [write_family(Path(folder) / "family.h5", family).read_bytes()]


def _table() -> list[Seed]:
    energy = GRID[::4]
    head = ["", "", "AUX_CN", "AUX_OS", *(f"ENE_{e:g}" for e in energy)]
    spectra = [mu(energy, 8990 + i, step=1.0, offset=0.0, slope=0.0) for i in range(4)]
    lines = [[f"m-{i}", f"{i:03}_Cu", "4", "", *(f"{v:.5f}" for v in s)] for i, s in enumerate(spectra)]
    return ["".join(",".join(line) + "\n" for line in [head, *lines]).encode()]


def _arrays() -> list[Seed]:
    spectra = np.array([mu(GRID[::4], 8990 + i, step=1.0, offset=0.0, slope=0.0) for i in range(4)])
    image = io.BytesIO()
    np.savez(image, spectra=spectra, ids=np.array([f"mp-{i}_00{i}" for i in range(4)]))
    return [image.getvalue()]


def _feff() -> list[dict[str, bytes]]:
    return [{name: text.encode() for name, text in good_folder().items()}]


def _structures() -> list[Seed]:
    """Return a material with its spectra, of which only the structure is to be changed."""
    return [{name: data for name, data in _feff()[0].items() if "tenorite" in name}]


def _atoms() -> list[Seed]:
    structure = poscar(np.eye(3) * 3.567, ["C"] * 8, [(i / 8, i / 4 % 1, i / 2 % 1) for i in range(8)])
    table = rows(*(np.arange(8) / 10 + p for p in range(6)))
    return [{"poscar/a/d.vasp": structure.encode(), "xanes/a/d.txt": table.encode()}]


def _xspectra() -> list[Seed]:
    """Return an edge as XSpectra writes it, which is known by its first line."""
    energy = np.linspace(8960, 9080, 121)
    rows = "".join(f"{e:.4f} {0.5 + np.arctan(e - 8990) / np.pi:.6f}\n" for e in energy)
    return [f"# Final state angular momentum: 1\n# Energy (eV) sigma\n{rows}".encode()]


# By the names of the formats that measured (and single computed) spectra come in.
MEASURED: Mapping[str, Callable[[], Sequence[Seed]]] = {
    "family file": _family,
    "NeXus": _nexus,
    "XDI": _xdi,
    "Athena's project": _athena,
    "SPEC": _spec,
    "FEFF's xmu.dat": lambda: [xmu_text(points=90).encode()],
    "output of OCEAN, exciting, XSpectra or VASP": _xspectra,
    "table in RankAAE's public CSV format": _table,
    "text columns": _text,
}
# By the sources of `rankaae ingest`.
COMPUTED: Mapping[str, Callable[[], Sequence[Seed]]] = {
    "csv": _table,
    "npz": _arrays,
    "feff": _feff,
    "structures": _structures,
    "atoms": _atoms,
}


def require_seeds() -> None:
    """Raise LookupError for a format that has no seed: nobody would notice that it is not tried."""
    missing = [kind.name for kind in FORMATS if kind.name not in MEASURED]
    if missing:
        raise LookupError(f"no seed of {', '.join(missing)}: add one to MEASURED in {__file__}")
