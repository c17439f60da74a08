"""What is compressed as a whole is read wherever it lies, or named with what to do."""

import bz2
import gzip
import io
import lzma
import tarfile
import zipfile

import h5py
import numpy as np
import pytest

from rankaae_cli.core.errors import UserError
from rankaae_cli.core.xas.spectra import SpectrumError
from rankaae_cli.data.compression import bare_name, opened, uncompressed
from rankaae_cli.data.family.family_file import read_family
from rankaae_cli.data.family.sites import FamilySpec
from rankaae_cli.data.measured.detect import read_folder, read_measured
from rankaae_cli.data.readers.computed.archive import members
from rankaae_cli.data.readers.computed.npz import read_npz
from tests.data.feff_folder import GRID, write, xmu_text
from tests.data.measured_scan import copper_xdi

KINDS = {
    ".gz": gzip.compress,
    ".bz2": bz2.compress,
    ".xz": lzma.compress,
    ".lzma": lambda data: lzma.compress(data, lzma.FORMAT_ALONE),
}
ZSTD = b"(\xb5/\xfd\x04\x00some blocks"


def packed(kind, tmp_path, files):
    root = write(tmp_path / "root", files)
    if kind == "folder":
        return root
    path = tmp_path / kind
    if kind == "x.zip":
        with zipfile.ZipFile(path, "w") as archive:
            for file in sorted(root.rglob("*")):
                archive.write(file, file.relative_to(root))
    else:
        with tarfile.open(path, "w:gz") as archive:
            archive.add(root, ".")
    return path


def wanted(name):
    return name in ("POSCAR", "xmu.dat")


@pytest.mark.parametrize("kind", ["folder", "x.zip", "x.tar.gz"])
@pytest.mark.parametrize("ending", KINDS)
def test_members_are_read_uncompressed_by_their_bare_names(tmp_path, kind, ending):
    text = b"some text\n" * 50
    files = {f"m/POSCAR{ending}": KINDS[ending](text), "m/xmu.dat": text, f"m/other{ending}": b"kept"}
    read = {
        "/".join(m.parts): m.data for m in members(packed(kind, tmp_path, files), wanted) if not m.is_folder
    }
    assert read == {"m/POSCAR": text, "m/xmu.dat": text, f"m/other{ending}": None}


def test_what_a_file_holds_decides_not_its_ending(tmp_path):
    files = {"a/POSCAR": gzip.compress(b"text"), "b/POSCAR.gz": b"text", "c/POSCAR": b"", "d/POSCAR.gz": b""}
    read = [m.data for m in members(write(tmp_path, files), wanted) if not m.is_folder]
    assert read == [b"text", b"text", b"", b""]


def test_of_a_file_and_its_compressed_twin_the_file_is_read(tmp_path):
    files = {"m/POSCAR": b"plain", "m/POSCAR.gz": gzip.compress(b"other")}
    read = [(m.parts, m.data) for m in members(write(tmp_path, files), wanted) if not m.is_folder]
    assert read == [(("m", "POSCAR"), b"plain"), (("m", "POSCAR.gz"), None)]


@pytest.mark.parametrize("kind", ["folder", "x.zip", "x.tar.gz"])
def test_members_that_cannot_be_read_say_why(tmp_path, kind):
    files = {
        "a/xmu.dat.gz": gzip.compress(b"text" * 99)[:-9],
        "b/xmu.dat.bz2": b"BZh91AY&SY" + bytes(range(40)),
        "c/xmu.dat.xz": lzma.compress(b"text" * 99)[:-30],
        "d/xmu.dat.zst": ZSTD,
        "e/xmu.dat.gz": gzip.compress(bytes(2**26 + 1)),
    }
    faults = {m.parts[0]: m.fault for m in members(packed(kind, tmp_path, files), wanted) if m.fault}
    damaged = "is compressed, and damaged or cut short"
    assert faults == {
        "a": damaged,
        "b": damaged,
        "c": damaged,
        "d": "is compressed by zstd, which is not read: unpack it, such as by unzstd",
        "e": "is larger than 64 MiB, uncompressed",
    }


@pytest.mark.parametrize("ending", KINDS)
def test_scans_and_computed_spectra_of_any_compression(tmp_path, ending):
    pack = KINDS[ending]
    files = {
        f"a.xdi{ending}": pack(copper_xdi().encode()),
        f"7_Cu/xmu.dat{ending}": pack(xmu_text().encode()),
    }
    spectra, faults = read_folder(write(tmp_path, files))
    assert faults == []
    assert {s.columns_used: s.name for s in spectra}["mu (FEFF)"] == "7_Cu"
    assert len(spectra) == 2


def test_scans_that_must_be_unpacked_say_so(tmp_path):
    with h5py.File(tmp_path / "a.nxs", "w") as file:
        file["x"] = [1.0]
    with tarfile.open(tmp_path / "scans.tgz", "w:gz") as archive:
        archive.add(tmp_path / "a.nxs", "a.nxs")
    with zipfile.ZipFile(tmp_path / "scans.zip", "w") as archive:
        archive.writestr("a.xdi", copper_xdi())
    (tmp_path / "a.nxs.gz").write_bytes(gzip.compress((tmp_path / "a.nxs").read_bytes()))
    (tmp_path / "a.nxs").unlink()
    (tmp_path / "a.xdi.zst").write_bytes(ZSTD)
    reasons = {path.name: reason for path, reason in read_folder(tmp_path)[1]}
    assert reasons == {
        "a.nxs.gz": "an HDF5 file that is compressed as a whole: unpack it",
        "a.xdi.zst": "it is compressed by zstd, which is not read: unpack it, such as by unzstd",
        "scans.tgz": "a tar archive, expected a file of spectra or a folder: unpack it",
        "scans.zip": "a zip archive, expected a file of spectra or a folder: unpack it",
    }
    with pytest.raises(SpectrumError, match="unpack it"):
        read_measured(tmp_path / "a.nxs.gz")


def test_a_compressed_family_file_says_what_to_do(tmp_path):
    (tmp_path / "f.h5.gz").write_bytes(gzip.compress(b"\x89HDF\r\n\x1a\n"))
    with pytest.raises(UserError, match="it is compressed by gzip: unpack it, such as by gunzip"):
        read_family(tmp_path / "f.h5.gz")


def test_arrays_of_any_compression(tmp_path):
    buffer = io.BytesIO()
    np.savez(buffer, spectra=np.linspace(0, 1, 256)[None] + np.zeros((2, 1)), ids=np.array(["a_0", "b_1"]))
    spec = FamilySpec("Cu_oxides", "Cu", "K", GRID)
    options = {"energy_start": 8983.5, "energy_step": 0.25, "to_grid": False, "max_tail": 8.0}
    for ending, pack in KINDS.items():
        path = tmp_path / f"a.npz{ending}"
        path.write_bytes(pack(buffer.getvalue()))
        assert read_npz(path, spec, **options).material_N.tolist() == ["a", "b"]
    (tmp_path / "cut.npz.gz").write_bytes(gzip.compress(buffer.getvalue())[:-90])
    with pytest.raises(
        UserError, match=r"npz file: it is compressed, and damaged or cut short\nexpected arrays"
    ):
        read_npz(tmp_path / "cut.npz.gz", spec, **options)


def test_an_archive_of_a_compression_that_is_not_read_says_so(tmp_path):
    (tmp_path / "x.tar.zst").write_bytes(ZSTD)
    with pytest.raises(UserError, match=r"x.tar.zst cannot be read as an archive \(it is compressed by zstd"):
        list(members(tmp_path / "x.tar.zst", wanted))


def test_names_lose_one_ending():
    assert [bare_name(n) for n in ("xmu.dat.gz", "a.tar.gz.xz", "POSCAR", ".gz")] == [
        "xmu.dat",
        "a.tar.gz",
        "POSCAR",
        "",
    ]


def test_a_drive_that_fails_is_not_taken_for_damage(tmp_path):
    (tmp_path / "a.gz").write_bytes(gzip.compress(b"x"))
    with pytest.raises(OSError, match="a drive"), opened(tmp_path / "a.gz"):
        raise OSError(5, "a drive")
    assert uncompressed(b"x" * 9, limit=2) == b"x" * 9  # its size was looked at before
