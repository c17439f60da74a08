"""Mutations that know what a file is made of: datasets and arrays, members of archives."""

import bz2
import gzip
import io
import lzma
import struct
import tarfile
import zipfile
from contextlib import suppress
from random import Random
from typing import Any

import h5py
import numpy as np

from tests.benchmarks.fuzz.seeds import Seed
from tests.benchmarks.fuzz.text_mutations import BOMB_MIB, COMPRESSIONS, damaged, filling_of, mutated_text


def mutated_hdf5(random: Random, data: bytes) -> bytes:
    """Return an HDF5 file with one to three objects changed, sometimes with changed bytes."""
    if random.random() < 0.8:
        image = io.BytesIO(data)
        with h5py.File(image, "r+") as file:
            for _ in range(random.randint(1, 3)):
                names: list[str] = []
                file.visit(names.append)
                with suppress(
                    KeyError, OSError, RuntimeError, TypeError, ValueError
                ):  # changed to nothing before
                    random.choice(_HDF5)(random, file, random.choice(names or ["/"]))
        data = image.getvalue()
        return damaged(random, data) if random.random() < 0.05 else data
    return damaged(random, data)


def _other_values(random: Random, file: h5py.File, name: str) -> None:
    if isinstance(file[name], h5py.Dataset) and (file[name].size or 0) < 10**6:
        values = file[name][()]
        del file[name]
        file[name] = odd_array(random, values)


def _removed(random: Random, file: h5py.File, name: str) -> None:
    del file[name]


def _of_other_kind(random: Random, file: h5py.File, name: str) -> None:
    del file[name]
    if random.random() < 0.5:
        file.create_group(f"{name}/a/b")
    else:
        file[name] = random.choice([1, "text", "", b"\xff\xfe", np.arange(3), h5py.Empty("f8"), [b"a", b"b"]])


def _linked(random: Random, file: h5py.File, name: str) -> None:
    target = random.choice(["/", name, "/nowhere", *file])
    del file[name]
    links = (
        h5py.SoftLink(target),
        h5py.ExternalLink("/etc/hostname", "/x"),
        h5py.ExternalLink("nothing.h5", target),
    )
    # A hard link back up makes a circle.
    file[name] = random.choice([*links, file["/"]])


def _large(random: Random, file: h5py.File, name: str) -> None:
    """Put a dataset there that is large without taking any room, as chunks that were never written are."""
    del file[name]
    shape = random.choice([(10**8,), (10**12,), (3, 10**9), (10**5, 400), (2**40, 2**20)])
    file.create_dataset(name, shape, random.choice(["f8", "i1", "S9"]), chunks=True, fillvalue=None)


def _deep(random: Random, file: h5py.File, name: str) -> None:
    parent = file[name].parent
    if random.random() < 0.5:
        parent.create_group("/".join(["a"] * random.choice([20, 150])))
        return
    for i in range(random.choice([20, 150])):
        parent.create_group(f"{name.rsplit('/')[-1]} {i}").attrs["NX_class"] = "NXentry"


def _attribute(random: Random, file: h5py.File, name: str) -> None:
    there = random.choice([file, file[name]])
    key = random.choice([*there.attrs, "NX_class", "units", "format", "signal", "default"])
    new = [
        "NXentry",
        "NXsubentry",
        b"\xff",
        7,
        np.nan,
        np.arange(3),
        h5py.Empty("f8"),
        ["a", "b"],
        "keV",
        "degree",
        "",
    ]
    there.attrs[key] = random.choice(new)


def _renamed(random: Random, file: h5py.File, name: str) -> None:
    new = random.choice(["data", "energy", "mu", "i0", "intensity", "\u00e9 x", "definition", "a" * 1000])
    if new not in file[name].parent:
        file[name].parent.move(name.rsplit("/")[-1], new)


_HDF5 = (
    *(_other_values, _other_values, _other_values, _removed, _of_other_kind),
    *(_linked, _large, _deep, _attribute, _renamed),
)


def odd_array(random: Random, values: Any) -> Any:
    """Return an array of another shape, dtype or other values."""
    array = np.asarray(values)
    if array.dtype.kind not in "fiu":
        return random.choice(
            [values, np.array([b"x"] * 3), "x" * 10**6, "", 3.5, np.arange(4.0), [b"\xff", b"1"]]
        )
    kind = random.randrange(3)
    if kind == 0 and array.ndim and array.size:
        shapes = [
            array.T,
            array[:0],
            array[:1],
            array[::-1],
            array[..., None],
            array[None],
            np.stack([array] * 3),
        ]
        return random.choice([*shapes, np.stack([array] * 3, -1), array.ravel()[0], array.ravel()[:-1]])
    if kind == 1:
        kinds = ("i1", "f2", "u8", "c16", "?", "S9", ">f8", "i8", "V8", [("a", "f8"), ("b", "i4")])
        dtype = np.dtype(random.choice(kinds))
        with np.errstate(all="ignore"):
            return np.zeros(array.shape, dtype) if dtype.kind == "V" else array.astype(dtype)
    new = array.astype(np.float64)
    choice = new.ravel()[: random.choice([1, 3, None])]
    with np.errstate(all="ignore"):
        choice[...] = random.choice(
            [np.nan, np.inf, 0.0, -1.0, 1e308, 1e-3 * choice, -choice, choice[::-1].copy()]
        )
    return new


def mutated_npz(random: Random, data: bytes) -> bytes:
    """Return an npz file with changed arrays, headers that claim too much, or changed bytes."""
    with np.load(io.BytesIO(data)) as file:
        arrays = dict(file)
    image, kind = io.BytesIO(), random.random()
    if kind < 0.6:
        name = random.choice(list(arrays))
        arrays[name] = odd_array(random, arrays[name])
        if random.random() < 0.1:
            arrays[name] = np.array([None, {}], dtype=object)
        random.choice([np.savez, np.savez_compressed])(image, **arrays)
        return image.getvalue()
    if kind < 0.75:
        return _with_header(random, arrays)
    return damaged(random, damaged(random, data) if random.random() < 0.3 else data)


def _with_header(random: Random, arrays: dict[str, np.ndarray]) -> bytes:
    """Return an npz file whose first array says that it is another than it is."""
    shape = random.choice(
        ["(99999999999, 9)", "(-1, 3)", "(4,", "(10000, 20000)", "4", "('a', 2)", "(" * 500]
    )
    header = (
        f"{{'descr': {random.choice(['<f8', '|O', '<f0', 'x', '<U999999999'])!r}, 'fortran_order': False, "
    )
    header = (header + f"'shape': {shape}, }}").ljust(117) + "\n"
    image = io.BytesIO()
    with zipfile.ZipFile(image, "w", zipfile.ZIP_DEFLATED) as file:
        for name, array in arrays.items():
            with file.open(f"{name}.npy", "w") as member:
                if name == "spectra":
                    member.write(b"\x93NUMPY\x01\x00" + struct.pack("<H", len(header)) + header.encode())
                    member.write(
                        bytes(random.choice([100, 10**6, 2 * 10**8 if random.random() < 0.1 else 10]))
                    )
                else:
                    np.save(member, array)
    return image.getvalue()


def mutated_files(random: Random, files: dict[str, bytes]) -> Seed:
    """Return a folder's files with one or two changed, as a folder or as an archive, sometimes damaged."""
    files = dict(files)
    for _ in range(random.randint(1, 2)):
        name = random.choice(list(files))
        data, kind = files[name], random.random()
        if kind < 0.7:
            files[name] = mutated_text(random, data)
        elif kind < 0.8 and len(files) > 1:
            del files[name]
        else:
            files[_odd_name(random, name)] = files.pop(name)
    if random.random() < 0.3:
        return files
    if random.random() < 0.003:
        return _large_member(random.randrange(len(COMPRESSIONS)), name)
    data = _packed(random, files)
    return damaged(random, data) if random.random() < 0.4 else data


def mutated_structure(random: Random, files: dict[str, bytes]) -> Seed:
    """Return a folder's files with its structure changed."""
    name = next(name for name in files if name.endswith("POSCAR"))
    return {**files, name: mutated_text(random, files[name])}


def _odd_name(random: Random, name: str) -> str:
    names = (
        f"../{name}",
        f"/{name}",
        name.upper(),
        f"a/{name}/POSCAR",
        "xmu.dat",
        "\u00e9 x/" + name,
        "d/" * 300 + "x",
    )
    return random.choice([*names, name.replace("0", "99999999999999999999"), name.replace("/", "//")])


def _large_member(compression: int, name: str) -> bytes:
    """Return an archive of little size with one file of a large one."""
    info = tarfile.TarInfo(name)
    info.size = BOMB_MIB * 2**20 - 2 * tarfile.BLOCKSIZE
    return COMPRESSIONS[compression](info.tobuf()) + filling_of(compression, b"0")


def _packed(random: Random, files: dict[str, bytes]) -> bytes:
    image, kind = io.BytesIO(), random.choice(["", "gz", "xz", "bz2", "zip"])
    if kind == "zip":
        with zipfile.ZipFile(image, "w", zipfile.ZIP_DEFLATED) as archive:
            for name, data in files.items():
                archive.writestr(name, data)
        return image.getvalue()
    with tarfile.open(fileobj=image, mode="w") as tar:
        for name, data in files.items():
            info = tarfile.TarInfo(name)
            info.size = len(data)
            if random.random() < 0.03:
                info.type, info.linkname, info.size = (
                    random.choice([tarfile.SYMTYPE, tarfile.LNKTYPE]),
                    name,
                    0,
                )
            tar.addfile(info, io.BytesIO(data[: info.size]))
    packed = image.getvalue()
    compress = {"gz": gzip.compress, "xz": lzma.compress, "bz2": bz2.compress}.get(kind)
    return compress(packed) if compress else packed
