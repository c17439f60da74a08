"""Arrays of spectra of molecules with yes/no classes, in NumPy's formats; one array an edge.

An array is a file ``x.npy``, or ``x.npz:name`` for one of an archive. Letters beyond the legend: M edges.
"""

import csv
import io
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

import numpy as np

from rankaae_cli.core.errors import UserError, nearest
from rankaae_cli.core.structure.descriptors import require_usable_names
from rankaae_cli.core.xas.spectra import SpectrumError, check_spectrum
from rankaae_cli.data.compression import opened
from rankaae_cli.data.family.rejections import Rejection
from rankaae_cli.data.family.sites import FamilySpec, Sites, gather, require_overlap
from rankaae_cli.data.files import require_file
from rankaae_cli.data.readers.computed.npz import explained
from rankaae_cli.data.segments import Segment, side_by_side

_MEMBER = re.compile(r"(.+\.npz):([^:]+)")
_MATERIAL = "material"  # the column of a table of labels that names the molecules
_UNKNOWN = frozenset({"", "na", "n/a", "nan", "null", "none", "unknown", "?"})


@dataclass(frozen=True)
class NpyFiles:
    """Where the arrays are: files, or ``x.npz:name``.

    Attributes
    ----------
    spectra
        One array (N, E) an edge; a molecule that lacks an edge is NaN there. Rows are the same molecules in all.
    energies
        One array (E,) an edge, eV; none where the spectra are over an index, or on the family's grid.
    labels
        Array (N, K) of 1, 0 and NaN; or (N,) of text, each value of which is a class; or a csv file with a column
        a class and perhaps one called material. None where the classes are not known.
    names
        Text file with the names of the K classes, a line each; for labels that are numbers.
    materials
        Text file or array with the N names of the molecules; None to number them.
    """

    spectra: Sequence[str]
    energies: Sequence[str] = ()
    labels: str | None = None
    names: str | None = None
    materials: str | None = None


@dataclass(frozen=True)
class _Labels:
    """Values (N, K) of classes, their names, and the names of the molecules where the table has them."""

    values_NK: np.ndarray
    names: tuple[str, ...]
    materials: list[str] | None = None


def read_npy(files: NpyFiles, spec: FamilySpec) -> Sites:
    """Read spectra of molecules with their yes/no classes; how the spectra are normalised is not known.

    Returns
    -------
    Sites
        A molecule is a material with the one site 0. With several edges the energies are a joint axis.

    Raises
    ------
    UserError
        If arrays cannot be read, disagree in shape, hold labels that are not 0, 1 or NaN, or names are given twice.
    """
    parts = [_spectra(one) for one in files.spectra]
    rows = len(parts[0])
    for one, part_NE in zip(files.spectra, parts, strict=True):
        if len(part_NE) != rows:
            raise UserError(
                f"{one} has {len(part_NE)} rows, {files.spectra[0]} has {rows}\n"
                "give the same molecules in the same order; an edge that one lacks is a row of NaN"
            )
    segments = _segments(files, spec, [part_NE.shape[1] for part_NE in parts])
    axes = _axes(files, spec, parts)
    labels = _labels(files, rows)
    names = _materials(files, labels, rows)
    rejected: list[Rejection] = []
    sites = gather(
        _molecules(parts, axes, segments, names, labels.values_NK, rejected),
        rejected,
        energy_E=np.concatenate(axes),
        descriptor_names=labels.names,
        energy_unit=spec.energy_unit,
        normalisation="unknown",
    )
    return replace(sites, segments=segments, yes_no=bool(labels.names))


def _molecules(
    parts: Sequence[np.ndarray],
    axes: Sequence[np.ndarray],
    segments: Sequence[Segment],
    names: Sequence[str],
    values_NK: np.ndarray,
    rejected: list[Rejection],
) -> Iterator[tuple[str, int, np.ndarray, np.ndarray]]:
    """Give the molecules that have a whole spectrum; add the others to `rejected`."""
    for n, name in enumerate(names):
        there = [m for m, part_NE in enumerate(parts) if not (segments and np.isnan(part_NE[n]).all())]
        try:
            if not there:
                raise SpectrumError("no spectrum of any edge")
            for m in there:
                try:
                    check_spectrum(axes[m], parts[m][n])
                except SpectrumError as error:
                    raise SpectrumError(f"{segments[m].name}: {error}" if segments else str(error)) from error
        except SpectrumError as error:
            rejected.append(Rejection(name, "0", str(error)))
        else:
            yield name, 0, np.concatenate([part_NE[n] for part_NE in parts]), values_NK[n]


def _spectra(where: str) -> np.ndarray:
    values = array_of(where, "spectra=")
    if values.ndim != 2 or values.dtype.kind not in "fiu":
        raise UserError(
            f"{where} is an array of {values.dtype} {values.shape}\nexpected spectra, a row each: numbers (N, E)"
        )
    return values.astype(np.float64)


def _segments(files: NpyFiles, spec: FamilySpec, lengths: Sequence[int]) -> tuple[Segment, ...]:
    """Return the segments of a joint axis; none for one array."""
    arrays, edges = len(files.spectra), spec.edges
    if (edges and len(edges) != arrays) or (arrays > 1 and not edges):
        raise UserError(
            f"spectra= names {arrays} array{'s' * (arrays > 1)}, family.edges {len(edges) or 'none'}\n"
            "give as many names of edges as arrays, such as family.edges=[XANES,emission]"
        )
    require_usable_names(edges, f"family {spec.name}", "edge")
    return side_by_side(edges, lengths)


def _axes(files: NpyFiles, spec: FamilySpec, parts: Sequence[np.ndarray]) -> list[np.ndarray]:
    """Return the energies of each edge."""
    if not files.energies:
        if spec.energy_unit == "index":
            return [np.arange(part_NE.shape[1], dtype=np.float64) for part_NE in parts]
        if len(parts) == 1 and parts[0].shape[1] == len(spec.energy_E):
            return [spec.energy_E]
        raise UserError(
            f"the energies of {files.spectra[0]} are not known: it has {parts[0].shape[1]} points a spectrum\n"
            "give npy.energies=ENERGIES.npy (eV), one an edge, or family.energy.unit=index"
        )
    if spec.energy_unit == "index":
        raise UserError(
            f"npy.energies= are in eV, those of family {spec.name} an index\n"
            "give family.energy.unit=eV, to ingest and to train"
        )
    if len(files.energies) != len(parts):
        raise UserError(
            f"npy.energies= names {len(files.energies)}, spectra= {len(parts)}\ngive the energies of each edge"
        )
    axes = [array_of(one, "npy.energies=") for one in files.energies]
    for where, axis_E, part_NE in zip(files.energies, axes, parts, strict=True):
        if axis_E.dtype.kind not in "fiu" or axis_E.shape != part_NE.shape[1:]:
            raise UserError(
                f"{where} is an array of {axis_E.dtype} {axis_E.shape}, for spectra of {part_NE.shape[1]} points\n"
                "expected as many energies as values in a spectrum"
            )
        if not (np.isfinite(axis_E).all() and (np.diff(axis_E) > 0).all()):
            raise UserError(f"{where}: the energies do not ascend\nsort the points of the spectra by energy")
    if len(axes) == 1:
        require_overlap(axes[0], spec, files.energies[0])
    return [axis_E.astype(np.float64) for axis_E in axes]


def _labels(files: NpyFiles, rows: int) -> _Labels:
    """Return the classes of the molecules; none of them where no labels are given."""
    where = files.labels
    if where is None:
        if files.names is not None:
            raise UserError("names= are those of the classes in labels=\ngive both, or neither")
        return _Labels(np.empty((rows, 0)), ())
    labels = _label_table(where) if where.endswith(".csv") else _label_array(where, files.names)
    if files.names is not None and where.endswith(".csv"):
        raise UserError(f"{where} has the names of its classes in its first line\nleave names= out")
    if len(labels.values_NK) != rows:
        raise UserError(
            f"{where} has {len(labels.values_NK)} rows, {files.spectra[0]} has {rows}\n"
            "give the same molecules in the same order"
        )
    wrong_NK = ~(np.isnan(labels.values_NK) | np.isin(labels.values_NK, (0, 1)))
    if wrong_NK.any():
        n, k = np.argwhere(wrong_NK)[0]
        raise UserError(
            f"{where}: {labels.names[k]} of row {n + 1} is {labels.values_NK[n, k]:g}\n"
            "expected 1 for yes, 0 for no, NaN where not known"
        )
    require_usable_names(labels.names, files.names or where, "class")
    return labels


def _label_array(where: str, names_file: str | None) -> _Labels:
    values = array_of(where, "labels=")
    if values.dtype.kind in "US" and values.ndim == 1:
        if names_file is not None:
            raise UserError(f"{where} holds names of classes itself\nleave names= out")
        texts = _texts(values)
        unknown_N = np.array([text.strip().lower() in _UNKNOWN for text in texts])
        names = tuple(sorted({text for text, unknown in zip(texts, unknown_N, strict=True) if not unknown}))
        values_NK = np.array([[text == name for name in names] for text in texts], dtype=np.float64)
        values_NK[unknown_N] = np.nan
        return _Labels(values_NK, names)
    if values.dtype.kind not in "fiub" or values.ndim not in (1, 2):
        raise UserError(
            f"{where} is an array of {values.dtype} {values.shape}\n"
            "expected numbers (N, K), 1 for yes, 0 for no; or texts (N,), the class of each molecule"
        )
    values_NK = values.reshape(len(values), -1).astype(np.float64)
    if names_file is None:
        raise UserError(
            f"{where} holds {values_NK.shape[1]} classes without names\ngive names=FILE.txt, a name a line"
        )
    names = tuple(_lines(names_file, "names="))
    if len(names) != values_NK.shape[1]:
        raise UserError(
            f"{names_file} has {len(names)} names, {where} has {values_NK.shape[1]} columns\n"
            "give a name a line for each column"
        )
    return _Labels(values_NK, names)


def _label_table(where: str) -> _Labels:
    """Read a csv file: names of the classes in the first line, then a row a molecule."""
    table = [
        row for row in csv.reader(io.StringIO(_text(where, "labels="))) if any(cell.strip() for cell in row)
    ]
    header = [cell.strip() for cell in table[0]] if table else []
    for n, row in enumerate(table[1:], start=2):
        if len(row) != len(header):
            raise UserError(f"{where}: row {n} has {len(row)} cells, the first has {len(header)}\ncorrect it")
    columns = [i for i, name in enumerate(header) if name.lower() != _MATERIAL]
    if not columns:
        raise UserError(
            f"{where} has no column of a class\nexpected a line of names, then 1 or 0 in each column"
        )
    values = [[_number(row[i], where, n, header[i]) for i in columns] for n, row in enumerate(table[1:], 2)]
    named = [i for i in range(len(header)) if i not in columns]
    return _Labels(
        np.array(values, dtype=np.float64).reshape(-1, len(columns)),
        tuple(header[i] for i in columns),
        [row[named[0]].strip() for row in table[1:]] if named else None,
    )


def _number(cell: str, where: str, row: int, name: str) -> float:
    if cell.strip().lower() in _UNKNOWN:
        return np.nan
    try:
        return float(cell)
    except ValueError:
        raise UserError(
            f"{where}: {name} of row {row} is {cell.strip()[:20]!r}\n"
            "expected 1 for yes, 0 for no, nothing where not known; a column of names is to be called material"
        ) from None


def _materials(files: NpyFiles, labels: _Labels, rows: int) -> list[str]:
    """Return the names of the molecules."""
    if files.materials is None:
        stem = re.split(r"[/\\]", files.spectra[0])[-1].split(".")[0]
        return labels.materials or [f"{stem}_{n:0{len(str(rows - 1))}d}" for n in range(rows)]
    where = files.materials
    if where.endswith(".npy") or _MEMBER.fullmatch(where):
        values = array_of(where, "npy.materials=")
        if values.dtype.kind not in "US" or values.ndim != 1:
            raise UserError(
                f"{where} is an array of {values.dtype} {values.shape}\nexpected names, texts (N,)"
            )
        names = _texts(values)
    else:
        names = _lines(where, "npy.materials=")
    if len(names) != rows:
        raise UserError(
            f"{where} has {len(names)} names, {files.spectra[0]} has {rows} rows\ngive a name for each"
        )
    counts: dict[str, int] = {}
    for name in names:
        counts[name] = counts.get(name, 0) + 1
        if counts[name] > 1:
            raise UserError(f"{where} names {name!r} twice\ngive every molecule a name of its own")
    return names


def array_of(where: str, key: str) -> np.ndarray:
    """Read an array from ``x.npy`` or ``x.npz:name``; Python objects in it are not loaded.

    Raises
    ------
    UserError
        If there is none, or it cannot be read.
    """
    match = _MEMBER.fullmatch(where)
    path = require_file(match.group(1) if match else where, key)
    with explained(path, "", "save plain numbers or texts by numpy.save"):
        with opened(path) as stream:
            file = io.BytesIO(stream.read())
        with np.errstate(all="ignore"):
            read = np.load(file, allow_pickle=False)
        if isinstance(read, np.ndarray):
            return read
        names = list(read.files)
        if match is None or match.group(2) not in names:
            name = match and match.group(2)
            why = f"has no array {name}: {nearest(name, names)}" if name else "is an archive"
            example = f"{path}:{names[0] if names else 'NAME'}"
            raise UserError(f"{path} {why}\ngive {key}{example} for one of its arrays")
        return np.asarray(read[match.group(2)])


def _texts(values: np.ndarray) -> list[str]:
    texts = np.char.decode(values, "utf-8", "replace") if values.dtype.kind == "S" else values
    return [str(text) for text in texts]


def _lines(where: str, key: str) -> list[str]:
    return [line.strip() for line in _text(where, key).splitlines() if line.strip()]


def _text(where: str, key: str) -> str:
    path = require_file(where, key)
    try:
        with opened(path) as stream:
            return stream.read().decode("utf-8-sig")
    except (SpectrumError, UnicodeDecodeError, OSError) as error:
        raise UserError(f"{path} cannot be read as text in UTF-8\ncheck the file") from error
