"""A short form of `python -m tests.benchmarks.fuzz`: some mutated files a reader, and that faults show."""

import gzip
import os
import time
import zipfile
from pathlib import Path
from tempfile import TemporaryDirectory

import h5py
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rankaae_cli.data.measured.detect import FORMATS
from rankaae_cli.data.readers.scans.raw_scan import Contents
from tests.benchmarks.fuzz.own_files import own_readers
from tests.benchmarks.fuzz.processes import outcomes
from tests.benchmarks.fuzz.readings import Reader, Wrong, readers, require_sentence
from tests.benchmarks.fuzz.seeds import MEASURED
from tests.data.feff_folder import tenorite, write, xmu_text

pytest.importorskip("pymatgen")
READERS = {**readers(), **own_readers()}


@pytest.mark.parametrize("name", MEASURED)
def test_seeds_are_of_their_format_and_read(name, tmp_path):
    for i, seed in enumerate(MEASURED[name]()):
        path = tmp_path / f"{i}.dat"
        path.write_bytes(seed)
        is_hdf5 = seed.startswith(b"\x89HDF")
        contents = Contents(path, "" if is_hdf5 else seed.decode(), is_hdf5)
        assert next(kind.name for kind in FORMATS if kind.is_it(contents)) == name
        assert READERS[name].read(path)


@pytest.mark.parametrize("name", READERS)
@settings(max_examples=15, derandomize=True, database=None)
@given(number=st.integers(0, 2**32))
def test_mutated_files_are_read_soundly_or_refused_in_a_sentence(name, number):
    with TemporaryDirectory() as folder:
        READERS[name].read(READERS[name].write(f"{name}/{number}", Path(folder) / "file.dat"))


def too_large(text):
    return lambda path: path.write_bytes(gzip.compress(text))


def never_written(path):
    path.write_bytes(MEASURED["family file"]()[0])
    with h5py.File(path, "r+") as file:
        del file["spectra"]
        file.create_dataset("spectra", (10**9, 400), "f4", chunks=(100, 400))


def of_no_memory(path):
    header = b"{'descr': '<f8', 'fortran_order': False, 'shape': (99999999999, 999999), }".ljust(117) + b"\n"
    with zipfile.ZipFile(path, "w") as file:
        file.writestr("spectra.npy", b"\x93NUMPY\x01\x00\x76\x00" + header)
        file.writestr("ids.npy", b"")


def too_far(path):
    structure = tenorite().replace("0.25000000 0.25000000 0.00000000", "0.25 1e300 0", 1)
    write(path, {"m/POSCAR": structure, "m/FEFF-XANES/000_Cu/xmu.dat": xmu_text()})


@pytest.mark.parametrize(
    ("name", "make", "reason"),
    [
        (
            "text columns",
            too_large(b"7112.5 0.25 0.75\n" * (2 * 10**6)),
            "more than 32 MiB of text or 1000000",
        ),
        ("text columns", too_large(b"1 2\n" * (3 * 10**6)), "more than 32 MiB of text or 1000000 lines"),
        ("text columns", too_large(b"1 " * 10**6), "a line of it has 2000000 letters"),
        ("text columns", too_large(b"[" * 200_000), "no rows of numbers"),
        ("csv", too_large(b"," * 2**25), "a line in it has more than 16777216 letters"),
        (
            "csv",
            too_large(MEASURED["table in RankAAE's public CSV format"]()[0] + b"\n" * 10**6),
            "too short",
        ),
        ("family file", never_written, "little of spectra, of 1600000000000 bytes, is in it"),
        ("npz", of_no_memory, "damaged or cut short"),
        ("structures", too_far, "the position of an atom is no number, or more than 1000 cells away"),
    ],
)
def test_what_would_not_end_or_fit_into_memory_is_refused(name, make, reason, tmp_path, monkeypatch):
    reasons = []
    monkeypatch.setattr("tests.benchmarks.fuzz.readings.require_sentence", reasons.append)
    make(tmp_path / "file.dat")
    assert not READERS[name].read(tmp_path / "file.dat")
    assert any(reason in one for one in reasons), reasons


def read_wrongly(path):
    number = int(path.read_bytes())
    if number == 1:
        raise IndexError("list index out of range")
    if number == 3:
        os._exit(1)
    if number == 4:
        require_sentence(f"it is larger than {len(b'x' * 400_000_000)} bytes")
    if number == 5:
        start = time.process_time()
        while time.process_time() - start < 0.6:
            pass
    return True


class Numbers(Reader):
    def mutated(self, number):
        return number.partition("/")[2].encode()


def test_faults_of_readers_are_told_and_their_files_kept(tmp_path, monkeypatch):
    monkeypatch.setattr("tests.benchmarks.fuzz.processes.LONGEST_S", 0.5)
    monkeypatch.setattr("tests.benchmarks.fuzz.processes.LARGEST_MB", 200)
    reader = Numbers(list, read_wrongly)
    faults = {o.number: o.fault for o in outcomes("x", reader, range(7), tmp_path, time.monotonic() + 60)}
    assert list(faults) == list(range(7))
    assert faults[0] == faults[2] == faults[6] == ""
    assert faults[1] == "IndexError: list index out of range"
    assert faults[3] == "the process died"
    assert (faults[4], faults[5]) == ("more than 200 MB", "more than 0.5 s")
    assert (tmp_path / "x" / "1").read_bytes() == b"1"
    assert "IndexError" in (tmp_path / "x" / "1.txt").read_text()


@pytest.mark.parametrize(
    "text",
    [
        "",
        "one\ntwo\nthree lines",
        "list index out of range",
        "KeyError: 'energy'",
        "no\x00 good text",
        "x" * 700,
    ],
)
def test_what_is_no_sentence_for_a_user_is_a_fault(text):
    with pytest.raises(Wrong):
        require_sentence(text)
