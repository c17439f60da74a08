"""The family file: spectra, descriptors and further quantities of one element, edge and material class."""

import io
import re
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import h5py
import numpy as np

from rankaae_cli import __version__
from rankaae_cli.core.errors import UserError, nearest
from rankaae_cli.core.labels import fidelity_of
from rankaae_cli.core.structure.descriptors import require_usable_names
from rankaae_cli.data.compression import unpacking
from rankaae_cli.data.family.sites import repeated_sites
from rankaae_cli.data.family.spectra_rows import (
    FileRows,
    Spectra,
    SpectraRows,
    all_finite,
    blocks_of,
    rows_taken,
)
from rankaae_cli.data.files import replacing, require_space
from rankaae_cli.data.hdf5 import is_damaged
from rankaae_cli.data.segments import Segment, axis_fault, segments_fault, side_by_side

FORMAT = "rankaae-family"
FORMAT_VERSION = 1
_MOST_COMPRESSED = 2000  # by which factor; deflate reaches 1032
_AGAIN = "make it again with `rankaae ingest`"
ENERGY_UNITS = ("eV", "index")
# Larger spectra are written so that they can be read in blocks of rows as quickly as the disk gives them.
_COMPRESSED_UP_TO = 64 * 2**20
_CHUNK_ROWS = 256
# Attributes of the file that are attributes of a Family, all text.
_TEXTS = ("element", "edge", "energy_unit", "normalisation", "source", "created", "rankaae_version")


@dataclass(frozen=True)
class Family:
    """Spectra of one family, and what is known of the sites they belong to.

    Making one with arrays that do not fit together or hold impossible values raises UserError.

    Attributes
    ----------
    name, element, edge
        Such as ``Fe_oxides``, ``Fe``, ``K``.
    energy_E
        Shape (E,), float64, ascending; in `energy_unit`, ``eV`` or ``index``.
    spectra_NE
        Shape (N, E), float32; absorption normalised as `normalisation` says. An array, or rows that are read
        from a file where they are asked for.
    descriptors_NK
        Shape (N, K), float64; NaN where not known.
    descriptor_names, descriptor_units
        K strings each; for the names see `rankaae_cli.core.structure.descriptors.require_usable_names`.
    material_N, site_N, split_N
        Shape (N,): name of the material; 0-based index of the absorber in it; 0 train, 1 validation, 2 test.
    normalisation
        ``edge_step``, ``unknown``, ...
    source
        Where the spectra come from: ``feff``, ``csv``, ``synthetic``, ...
    fidelity
        What made the spectra: ``FEFF``, ``VASP``, ``measured``, ``synthetic``, ...; by default what the source
        tells, or ``unknown``.
    created
        Date and time of making, ISO 8601.
    true_response_KE
        Synthetic families only, shape (K, E): the mean over rows of the spectrum with descriptor k at its
        95th minus at its 5th percentile, all other causes fixed. NaN rows for none.
    quantities_NQ
        Shape (N, Q), float64; NaN where not known: what else is known of the sites. No style is tied to it.
    quantity_names, quantity_units
        Q strings each; no name is a descriptor's too. None by default.
    file_N
        Of several files read together: which one each row is from, shape (N,). The same site may be in two files.
    oxidation_reason_N
        Of sites whose oxidation states were just computed, shape (N,): the index of the reason in
        `rankaae_cli.core.structure.oxidation_states.REASONS`. It is not in the file.
    groups
        By name, such as ``formula``: what each row shares with others, shape (N,), strings, empty where not known.
    split_by
        What shares a side of the split; see `rankaae_cli.data.family.splits.groups_of`. Empty for files that were
        split by different groups.
    segments
        Of a joint axis of several edges or kinds of spectra: their names and places. Each ascends by itself; one
        that is missing of a row is NaN there. Empty for one edge.
    yes_no
        Whether the descriptors are yes/no classes, of values 1, 0 and NaN.
    """

    name: str
    element: str
    edge: str
    energy_E: np.ndarray
    spectra_NE: Spectra
    descriptors_NK: np.ndarray
    descriptor_names: tuple[str, ...]
    descriptor_units: tuple[str, ...]
    material_N: np.ndarray
    site_N: np.ndarray
    split_N: np.ndarray
    energy_unit: str = "eV"
    normalisation: str = "edge_step"
    source: str = "unknown"
    created: str = ""
    rankaae_version: str = field(default=__version__)
    true_response_KE: np.ndarray | None = None
    quantities_NQ: np.ndarray = field(default_factory=lambda: np.empty((0, 0)))
    quantity_names: tuple[str, ...] = ()
    quantity_units: tuple[str, ...] = ()
    file_N: np.ndarray | None = None
    fidelity: str = ""
    oxidation_reason_N: np.ndarray | None = None
    groups: Mapping[str, np.ndarray] = field(default_factory=dict)
    split_by: str = "material"
    segments: tuple[Segment, ...] = ()
    yes_no: bool = False

    def __post_init__(self) -> None:
        if not self.fidelity:
            object.__setattr__(self, "fidelity", fidelity_of(self.source))
        require_usable_names(self.descriptor_names, f"family {self.name}")
        require_usable_names(self.quantity_names, f"family {self.name}", "quantity")
        require_usable_names(tuple(self.groups), f"family {self.name}", "group")
        if not self.quantity_names and not self.quantities_NQ.size:
            object.__setattr__(self, "quantities_NQ", np.empty((len(self.material_N), 0)))
        self._require_shapes()
        fault = self._impossible_value() or self._impossible_row()
        if fault:
            raise UserError(f"family {self.name}: {fault}")

    def _require_shapes(self) -> None:
        n, e, k = len(self.material_N), len(self.energy_E), len(self.descriptor_names)
        shapes = {
            "energy": (self.energy_E.shape, (e,)),
            "spectra": (self.spectra_NE.shape, (n, e)),
            "descriptors": (self.descriptors_NK.shape, (n, k)),
            "site": (self.site_N.shape, (n,)),
            "split": (self.split_N.shape, (n,)),
            "units": ((len(self.descriptor_units),), (k,)),
            "quantities": (self.quantities_NQ.shape, (n, len(self.quantity_names))),
            "units of the quantities": ((len(self.quantity_units),), (len(self.quantity_names),)),
            **{f"group {name}": (group_N.shape, (n,)) for name, group_N in self.groups.items()},
        }
        if self.true_response_KE is not None:
            shapes["true response"] = (self.true_response_KE.shape, (k, e))
        for what, (found, expected) in shapes.items():
            if found != expected:
                raise UserError(f"family {self.name}: {what} has shape {found}, expected {expected}")

    def _impossible_value(self) -> str:
        """Return which of the values cannot be, or nothing."""
        if self.energy_unit not in ENERGY_UNITS:
            return f"the energy unit is {self.energy_unit!r}, expected {' or '.join(ENERGY_UNITS)}"
        if fault := axis_fault(self.energy_E, self.segments):
            return fault
        if self.segments:
            if fault := segments_fault(self.spectra_NE, self.segments):
                return fault
        elif not all_finite(self.spectra_NE):
            return "some spectra hold NaN or infinite values"
        if self.yes_no and not np.isin(self.descriptors_NK[~np.isnan(self.descriptors_NK)], (0, 1)).all():
            return "yes/no classes hold other values than 1, 0 and NaN"
        if both := set(self.descriptor_names) & set(self.quantity_names):
            return f"{min(both)} is both a descriptor and a quantity"
        for what, names, values in (
            ("descriptor", self.descriptor_names, self.descriptors_NK),
            ("quantity", self.quantity_names, self.quantities_NQ),
        ):
            infinite = np.isinf(values).any(axis=0)
            if infinite.any():
                return f"{what} {names[infinite.argmax()]} holds infinite values"
        return ""

    def _impossible_row(self) -> str:
        """Return what is wrong with the rows' materials, sites or sides of the split, or nothing."""
        beyond_N = (self.split_N < 0) | (self.split_N > 2)
        if beyond_N.any():
            return f"split holds {self.split_N[beyond_N.argmax()]}, expected 0, 1 or 2"
        if (self.site_N < 0).any():
            return f"site index {self.site_N.min()} is negative"
        again_N = repeated_sites(self.material_N, self.site_N, self.file_N)
        if again_N.any():
            rows = zip(self.material_N[again_N], self.site_N[again_N].tolist(), strict=True)
            (material, site), count = Counter(rows).most_common(1)[0]
            return f"site {site} of material {material!r} is there {count + 1} times"
        return ""

    @property
    def is_synthetic(self) -> bool:
        """Whether the spectra come from the synthetic generator."""
        return self.source == "synthetic"

    @property
    def is_measured(self) -> bool:
        """Whether the spectra were measured, not computed."""
        return self.fidelity == "measured"

    def __len__(self) -> int:
        return len(self.material_N)

    def with_descriptors(self, names: Sequence[str]) -> "Family":
        """Return the family with those descriptors alone, in that order; the others become quantities."""
        missing = [name for name in names if name not in self.descriptor_names]
        if missing:
            raise UserError(
                f"family {self.name} has no descriptor {missing[0]}: {nearest(missing[0], self.descriptor_names)}"
            )
        chosen = [self.descriptor_names.index(name) for name in names]
        others = [k for k in range(len(self.descriptor_names)) if k not in chosen]
        return replace(
            self,
            descriptors_NK=self.descriptors_NK[:, chosen],
            descriptor_names=tuple(names),
            descriptor_units=tuple(self.descriptor_units[k] for k in chosen),
            quantities_NQ=np.hstack([self.descriptors_NK[:, others], self.quantities_NQ]),
            quantity_names=(*(self.descriptor_names[k] for k in others), *self.quantity_names),
            quantity_units=(*(self.descriptor_units[k] for k in others), *self.quantity_units),
            true_response_KE=None if self.true_response_KE is None else self.true_response_KE[chosen],
        )

    def with_rows(self, rows: np.ndarray | Sequence[int]) -> "Family":
        """Return the family with those rows alone, given by their indices or by a mask of shape (N,)."""
        # An empty list alone would be an array of float64, which is no index.
        rows = np.asarray(rows, dtype=None if len(rows) else np.int64)
        arrays = ("descriptors_NK", "quantities_NQ", "material_N", "site_N", "split_N")
        chosen = {
            name: getattr(self, name)[rows]
            for name in (*arrays, "file_N", "oxidation_reason_N")
            if getattr(self, name) is not None
        }
        groups = {name: group_N[rows] for name, group_N in self.groups.items()}
        return replace(self, spectra_NE=rows_taken(self.spectra_NE, rows), groups=groups, **chosen)

    def with_edges(self, names: Sequence[str]) -> "Family":
        """Return the family with those segments of its joint axis alone, and the rows that have one of them."""
        own = {segment.name: segment for segment in self.segments}
        if absent := [name for name in names if name not in own]:
            there = f"it has {', '.join(own)}" if own else "it holds one edge, without a name"
            raise UserError(f"family {self.name} has no edge {absent[0]}: {there}\ncorrect family.edges=")
        chosen = [own[name] for name in names]
        columns = np.concatenate([np.arange(one.start, one.start + one.length) for one in chosen])
        spectra_NE = self.spectra_NE[:][:, columns]
        rows = np.flatnonzero(~np.isnan(spectra_NE).all(axis=1))
        kept = self.with_rows(rows)
        segments = side_by_side(names, [one.length for one in chosen]) if len(chosen) > 1 else ()
        response = None if self.true_response_KE is None else self.true_response_KE[:, columns]
        return replace(
            kept,
            energy_E=self.energy_E[columns],
            spectra_NE=spectra_NE[rows],
            segments=segments,
            true_response_KE=response,
        )

    def in_memory(self) -> "Family":
        """Return the family with its spectra in memory."""
        if not isinstance(self.spectra_NE, SpectraRows):
            return self
        return replace(self, spectra_NE=self.spectra_NE[:])


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

        def put(name: str, values: np.ndarray, dtype: object) -> h5py.Dataset:
            options = (
                {} if len(values) == 0 else {"compression": "gzip", "compression_opts": 9, "shuffle": True}
            )
            return file.create_dataset(name, data=values, dtype=dtype, track_times=False, **options)

        _mark_segments(put("energy", family.energy_E, "<f8"), family.segments)
        if family.spectra_NE.nbytes <= _COMPRESSED_UP_TO:
            put("spectra", family.spectra_NE[:], "<f4")
        else:
            chunks = (_CHUNK_ROWS, family.spectra_NE.shape[1])
            options = {"dtype": "<f4", "chunks": chunks, "track_times": False}
            spectra = file.create_dataset("spectra", family.spectra_NE.shape, **options)
            first = 0
            for block_NE in blocks_of(family.spectra_NE):
                spectra[first : first + len(block_NE)] = block_NE
                first += len(block_NE)
        descriptors = put("descriptors", family.descriptors_NK, "<f8")
        descriptors.attrs.create("names", list(family.descriptor_names), dtype=strings)
        descriptors.attrs.create("units", list(family.descriptor_units), dtype=strings)
        descriptors.attrs.update({"yes_no": np.uint8(1)} if family.yes_no else {})
        if family.quantity_names:
            quantities = put("quantities", family.quantities_NQ, "<f8")
            quantities.attrs.create("names", list(family.quantity_names), dtype=strings)
            quantities.attrs.create("units", list(family.quantity_units), dtype=strings)
        put("material", np.asarray(family.material_N, dtype=object), strings)
        for name, group_N in family.groups.items():
            put(f"groups/{name}", np.asarray(group_N, dtype=object), strings)
        put("site", family.site_N, "<i8")
        put("split", family.split_N, "u1")
        if family.true_response_KE is not None:
            put("true_response", family.true_response_KE, "<f4")
        file.attrs["format"] = FORMAT
        file.attrs["format_version"] = FORMAT_VERSION
        file.attrs["family"] = family.name
        for name in _TEXTS:
            file.attrs[name] = getattr(family, name)
        if family.fidelity != "synthetic":  # which the source says
            file.attrs["fidelity"] = family.fidelity
        if family.split_by != "material":
            file.attrs["split_by"] = family.split_by


def _mark_segments(energy: h5py.Dataset, segments: Sequence[Segment]) -> None:
    """Write the segments of a joint axis as attributes of it."""
    if segments:
        energy.attrs.create("segments", [one.name for one in segments], dtype=h5py.string_dtype())
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
            raise UserError(f"{path} is a damaged family file: not all in it can be read\n{_AGAIN}")
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
        raise UserError(f"{path} is not a whole family file: {why}\n{_AGAIN}") from error
    except (ValueError, TypeError, AttributeError, RuntimeError, OverflowError) as error:
        # What h5py and numpy raise where contents are of another kind than they should be.
        raise UserError(f"{path} is a damaged family file: not all in it can be read\n{_AGAIN}") from error


def is_family_file(path: Path) -> bool:
    """Tell whether a file is a family file, by its contents."""
    try:
        if is_damaged(path):
            return False
        with h5py.File(path, "r") as file:
            return _text(file.attrs.get("format", "")) == FORMAT
    except OSError:
        return False


def _read(file: h5py.File, path: Path, stored: bool) -> Family:
    if _text(file.attrs.get("format", "")) != FORMAT:
        raise UserError(f"{path} is HDF5 but not a family file (no attribute format = {FORMAT})")
    version = int(file.attrs["format_version"])
    if version > FORMAT_VERSION:
        raise UserError(
            f"{path} is a family file of version {version}; this program reads up to {FORMAT_VERSION}\n"
            "install a newer rankaae"
        )
    split_N = _whole_numbers(file, "split")
    descriptors_NK, descriptor_names, descriptor_units = _table(file, "descriptors")
    quantities = _table(file, "quantities") if "quantities" in file else (np.empty((0, 0)), (), ())
    texts: dict[str, Any] = {name: _text(file.attrs[name]) for name in _TEXTS}
    return Family(
        name=_text(file.attrs["family"]),
        energy_E=_numbers(file, "energy").astype(np.float64),
        spectra_NE=_spectra(file, path, stored),
        descriptors_NK=descriptors_NK,
        descriptor_names=descriptor_names,
        descriptor_units=descriptor_units,
        material_N=_strings(file, "material"),
        site_N=_whole_numbers(file, "site").astype(np.int64),
        # What is no side must not become one by being cut to eight bits.
        split_N=np.where((split_N < 0) | (split_N > 2), 255, split_N).astype(np.uint8),
        true_response_KE=_numbers(file, "true_response") if "true_response" in file else None,
        quantities_NQ=quantities[0],
        quantity_names=quantities[1],
        quantity_units=quantities[2],
        fidelity=_text(file.attrs.get("fidelity", "")),
        groups={name: _strings(file, f"groups/{name}") for name in file.get("groups", {})},
        split_by=_text(file.attrs.get("split_by", "material")),
        segments=_segments(file["energy"]),
        yes_no=bool(file["descriptors"].attrs.get("yes_no", 0)),
        **texts,
    )


def _spectra(file: h5py.File, path: Path, stored: bool) -> Spectra:
    """Return the spectra; as rows of the file where they stay there."""
    dataset = file["spectra"]
    if not stored or dataset.dtype.kind not in "fiu" or dataset.ndim != 2:
        return _numbers(file, "spectra").astype(np.float32, copy=False)
    return FileRows.of(dataset, path)


def _segments(energy: h5py.Dataset) -> tuple[Segment, ...]:
    """Return the segments of a joint axis, none where it is of one edge."""
    if "segments" not in energy.attrs:
        return ()
    columns = (energy.attrs[key] for key in ("segments", "start", "length"))
    return tuple(Segment(_text(name), int(start), int(n)) for name, start, n in zip(*columns, strict=True))


def _table(file: h5py.File, name: str) -> tuple[np.ndarray, tuple[str, ...], tuple[str, ...]]:
    """Return the values of a dataset, and the names and units of its columns."""
    attributes = file[name].attrs
    names, units = (tuple(_text(t) for t in np.atleast_1d(attributes[key])) for key in ("names", "units"))
    return _numbers(file, name).astype(np.float64), names, units


def _strings(file: h5py.File, name: str) -> np.ndarray:
    """Return the strings of the rows, such as the names of their materials; equal ones are one object."""
    _require_stored(file, name)
    names: dict[str, str] = {}
    return np.array([names.setdefault(m, m) for m in file[name].asstr()[:]], dtype=object)


def _numbers(file: h5py.File, name: str) -> np.ndarray:
    _require_stored(file, name)
    values = file[name][:]
    if values.dtype.kind not in "fiu":
        raise UserError(f"a damaged family file: {name} holds {values.dtype}, expected numbers\n{_AGAIN}")
    return values


def _require_stored(file: h5py.File, name: str) -> None:
    """Raise UserError for a dataset that says it is larger than any compression makes of what is stored of it."""
    dataset = file[name]
    if not dataset.is_virtual and dataset.nbytes > _MOST_COMPRESSED * max(
        dataset.id.get_storage_size(), 2**10
    ):
        raise UserError(
            f"a damaged family file: little of {name}, of {dataset.nbytes} bytes, is in it\n{_AGAIN}"
        )


def _whole_numbers(file: h5py.File, name: str) -> np.ndarray:
    values = _numbers(file, name)
    if values.dtype.kind not in "iu":
        raise UserError(
            f"a damaged family file: {name} holds {values.dtype}, expected whole numbers\n{_AGAIN}"
        )
    return values


def _text(value: object) -> str:
    """Return an attribute's text, which others may have written as bytes."""
    return value.decode() if isinstance(value, bytes) else str(value)
