"""The family file: a family as HDF5."""

import io
import re
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import h5py
import numpy as np

from rankaae_cli.core.errors import UserError
from rankaae_cli.data.compression import unpacking
from rankaae_cli.data.datasets import (
    AGAIN,
    put_array,
    put_texts,
    read_numbers,
    read_strings,
    read_table,
    read_text,
    read_texts,
    read_whole_numbers,
    require_stored,
)
from rankaae_cli.data.family.family import Family
from rankaae_cli.data.features.feature_set import FeatureSet
from rankaae_cli.data.files import replacing, require_space
from rankaae_cli.data.hdf5 import is_damaged
from rankaae_cli.data.segments import Segment
from rankaae_cli.data.spectra_rows import FileRows, Spectra, blocks_of

FORMAT = "rankaae-family"
FORMAT_VERSION = 1
# Larger spectra are written so that they can be read in blocks of rows as quickly as the disk gives them.
_COMPRESSED_UP_TO = 64 * 2**20
_CHUNK_ROWS = 256
# Attributes of the file that are attributes of a Family, all text.
_TEXTS = ("element", "edge", "energy_unit", "normalisation", "source", "created", "rankaae_version")


def write_family(path: str | Path, family: Family) -> Path:
    """Write `family` to `path`, replacing a file there only once the new one is whole.

    The bytes depend on the contents alone, so equal families make equal files. Large spectra are written as they
    are read or made, a block at a time, in chunks of whole rows and not compressed.
    """
    path = Path(path)
    if family.spectra_NE.nbytes <= _COMPRESSED_UP_TO:
        # Made in memory: HDF5 cannot close a file on a full disk without harm.
        content = io.BytesIO()
        _write(content, family)
        with replacing(path) as temporary:
            temporary.write_bytes(content.getbuffer())
        return path
    with replacing(path) as temporary:
        require_space(
            path, family.spectra_NE.nbytes + family.descriptors_NK.nbytes + family.quantities_NQ.nbytes
        )
        _write(temporary, family)
    return path


def _write(target: io.BytesIO | Path, family: Family) -> None:
    strings = h5py.string_dtype()
    with h5py.File(target, "w", libver=("earliest", "v110")) as file:
        _mark_segments(put_array(file, "energy", family.energy_E, "<f8"), family.segments)
        _put_spectra(file, family.spectra_NE)
        tables = []  # which stay open, since closing them earlier changes the bytes of what follows
        for name, values, names, units in (
            ("descriptors", family.descriptors_NK, family.descriptor_names, family.descriptor_units),
            ("quantities", family.quantities_NQ, family.quantity_names, family.quantity_units),
        ):
            if names or name == "descriptors":
                tables.append(put_array(file, name, values, "<f8"))
                put_texts(tables[-1], names=names, units=units)
        if family.yes_no:
            file["descriptors"].attrs["yes_no"] = np.uint8(1)
        if (features := family.features) is not None:
            put_texts(
                put_array(file, "features", features.values_NF, "<f4"),
                names=features.names,
                model=features.model,
                version=features.version,
                weights=features.weights,
            )
        put_array(file, "material", np.asarray(family.material_N, dtype=object), strings)
        for name, group_N in family.groups.items():
            put_array(file, f"groups/{name}", np.asarray(group_N, dtype=object), strings)
        put_array(file, "site", family.site_N, "<i8")
        put_array(file, "split", family.split_N, "u1")
        if family.true_response_KE is not None:
            put_array(file, "true_response", family.true_response_KE, "<f4")
        file.attrs["format"] = FORMAT
        file.attrs["format_version"] = FORMAT_VERSION
        file.attrs["family"] = family.name
        for name in _TEXTS:
            file.attrs[name] = getattr(family, name)
        if family.fidelity != "synthetic":  # which the source says
            file.attrs["fidelity"] = family.fidelity
        if family.split_by != "material":
            file.attrs["split_by"] = family.split_by


def _put_spectra(file: h5py.File, spectra_NE: Spectra) -> None:
    if spectra_NE.nbytes <= _COMPRESSED_UP_TO:
        put_array(file, "spectra", spectra_NE[:], "<f4")
        return
    chunks = (_CHUNK_ROWS, spectra_NE.shape[1])
    spectra = file.create_dataset("spectra", spectra_NE.shape, "<f4", chunks=chunks, track_times=False)
    first = 0
    for block_NE in blocks_of(spectra_NE):
        spectra[first : first + len(block_NE)] = block_NE
        first += len(block_NE)


def _mark_segments(energy: h5py.Dataset, segments: Sequence[Segment]) -> None:
    """Write the segments of a joint axis as attributes of it."""
    if segments:
        put_texts(energy, segments=tuple(one.name for one in segments))
        energy.attrs["start"] = np.array([one.start for one in segments], dtype="<i8")
        energy.attrs["length"] = np.array([one.length for one in segments], dtype="<i8")


def read_family(path: str | Path, stored: bool = False) -> Family:
    """Read a family file; with `stored` its spectra stay there and are read where they are asked for.

    Raises
    ------
    UserError
        If the file is missing, is not a family file or damaged, is of a newer version, or holds impossible
        values.
    """
    path = Path(path)
    if path.is_dir():
        raise UserError(f"{path} is a folder, expected a family file\ncorrect the path")
    if not path.exists():
        raise UserError(
            f"there is no family file {path}\nmake one with `rankaae ingest`, or correct the path"
        )
    try:
        if is_damaged(path):
            raise UserError(f"{path} is a damaged family file: not all in it can be read\n{AGAIN}")
        with h5py.File(path, "r") as file:
            return _read(file, path, stored)
    except UserError as error:
        if str(path) in str(error):
            raise
        raise UserError(f"{path}: {error}") from error
    except OSError as error:
        why = error.strerror or unpacking(path) or "it is no HDF5 file, or cut short"
        raise UserError(
            f"{path} cannot be read as HDF5 ({why})\nexpected a family file of `rankaae ingest`"
        ) from error
    except KeyError as error:
        lacking = re.findall(r"'(\w+)'", str(error.args[0]))  # h5py names it within a sentence
        why = f"it lacks {lacking[0]}" if lacking else "something is missing in it"
        raise UserError(f"{path} is not a whole family file: {why}\n{AGAIN}") from error
    except (ValueError, TypeError, AttributeError, RuntimeError, OverflowError) as error:
        # What h5py and numpy raise where contents are of another kind than they should be.
        raise UserError(f"{path} is a damaged family file: not all in it can be read\n{AGAIN}") from error


def is_family_file(path: Path) -> bool:
    """Tell whether a file is a family file, by its contents."""
    try:
        if is_damaged(path):
            return False
        with h5py.File(path, "r") as file:
            return read_text(file.attrs.get("format", "")) == FORMAT
    except OSError:
        return False


def _read(file: h5py.File, path: Path, stored: bool) -> Family:
    if read_text(file.attrs.get("format", "")) != FORMAT:
        raise UserError(f"{path} is HDF5 but not a family file (no attribute format = {FORMAT})")
    version = int(file.attrs["format_version"])
    if version > FORMAT_VERSION:
        raise UserError(
            f"{path} is a family file of version {version}; this program reads up to {FORMAT_VERSION}\n"
            "install a newer rankaae"
        )
    split_N = read_whole_numbers(file, "split")
    descriptors_NK, descriptor_names, descriptor_units = read_table(file, "descriptors")
    quantities = read_table(file, "quantities") if "quantities" in file else (np.empty((0, 0)), (), ())
    texts: dict[str, Any] = {name: read_text(file.attrs[name]) for name in _TEXTS}
    groups = file.get("groups", {}).keys()  # which a dataset, of whatever size, has not
    return Family(
        name=read_text(file.attrs["family"]),
        energy_E=read_numbers(file, "energy").astype(np.float64),
        spectra_NE=_spectra(file, path, stored),
        descriptors_NK=descriptors_NK,
        descriptor_names=descriptor_names,
        descriptor_units=descriptor_units,
        material_N=read_strings(file, "material"),
        site_N=read_whole_numbers(file, "site").astype(np.int64),
        # What is no side must not become one by being cut to eight bits.
        split_N=np.where((split_N < 0) | (split_N > 2), 255, split_N).astype(np.uint8),
        true_response_KE=read_numbers(file, "true_response") if "true_response" in file else None,
        quantities_NQ=quantities[0],
        quantity_names=quantities[1],
        quantity_units=quantities[2],
        fidelity=read_text(file.attrs.get("fidelity", "")),
        groups={name: read_strings(file, f"groups/{name}") for name in groups},
        split_by=read_text(file.attrs.get("split_by", "material")),
        segments=_segments(file["energy"]),
        yes_no=bool(file["descriptors"].attrs.get("yes_no", 0)),
        features=_features(file) if "features" in file else None,
        **texts,
    )


def _spectra(file: h5py.File, path: Path, stored: bool) -> Spectra:
    """Return the spectra; as rows of the file where they stay there."""
    require_stored(file, "spectra")
    dataset = file["spectra"]
    if not stored or dataset.dtype.kind not in "fiu" or dataset.ndim != 2:
        return read_numbers(file, "spectra").astype(np.float32, copy=False)
    return FileRows.of(dataset, path)


def _segments(energy: h5py.Dataset) -> tuple[Segment, ...]:
    """Return the segments of a joint axis, none where it is of one edge."""
    if "segments" not in energy.attrs:
        return ()
    columns = (energy.attrs[key] for key in ("segments", "start", "length"))
    return tuple(
        Segment(read_text(name), int(start), int(n)) for name, start, n in zip(*columns, strict=True)
    )


def _features(file: h5py.File) -> FeatureSet:
    dataset = file["features"]
    texts = {key: read_text(dataset.attrs.get(key, "")) for key in ("model", "version", "weights")}
    values_NF = read_numbers(file, "features").astype(np.float32, copy=False)
    return FeatureSet(values_NF, read_texts(dataset, "names"), **texts)
