"""Arrays of spectra without descriptors, in NumPy's npz format."""

import io
import re
import zipfile
import zlib
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from tokenize import TokenError

import numpy as np

from rankaae_cli.core.errors import UserError
from rankaae_cli.core.xas.spectra import SpectrumError, check_spectrum, is_same_grid, regrid, uniform_grid
from rankaae_cli.data.compression import opened
from rankaae_cli.data.family.rejections import Rejection
from rankaae_cli.data.family.sites import FamilySpec, Sites, gather, require_overlap, site_index
from rankaae_cli.data.features.feature_set import UNKNOWN, FeatureSet, require_alike
from rankaae_cli.data.files import require_file

_FEATURES = ("features", "feature_names", "feature_model", "feature_version")
_ID = re.compile(r"(.+)_(\d+)")
# What numpy raises for headers that cannot be read, or claim more than there is memory.
_DAMAGED = (ValueError, EOFError, RuntimeError, MemoryError, TokenError, zipfile.BadZipFile, zlib.error)
_FORMAT = "expected arrays spectra (N, E) and ids (N,) of the form <material>_<site>"


@dataclass(frozen=True)
class _Arrays:
    """What a file holds: spectra (N, E), N ids, and energies (E,) or None."""

    spectra_NE: np.ndarray
    ids: list[str]
    energy_E: np.ndarray | None
    features: FeatureSet | None = None


def read_npz(
    paths: str | Path | Sequence[str | Path],
    spec: FamilySpec,
    *,
    energy_start: float | None,
    energy_step: float | None,
    to_grid: bool,
    max_tail: float,
    features: str | None = None,
) -> Sites:
    """Read spectra from the arrays ``spectra`` (N, E) and ``ids`` (N,) of npz files, with ``energy`` (E,) or not.

    The family's descriptors are not known of any site. How the spectra are normalised is not known either.

    Parameters
    ----------
    paths
        The file, or several. Pickled objects in them are not loaded.
    spec
        The family.
    energy_start, energy_step
        eV, of files that do not hold their energies; they go before those of a file.
    to_grid
        Whether to bring the spectra to the family's grid; otherwise their own is kept.
    max_tail
        eV that a spectrum may begin after the family's grid.
    features
        What made the features that files have, and in which version, parted by a blank; None for what they say.

    Raises
    ------
    UserError
        If the energies are not known or far from the family's, a file does not hold these arrays, or several are
        on different energies that are to be kept.
    """
    files = [require_file(path) for path in ([paths] if isinstance(paths, str | Path) else paths)]
    read = [_arrays(path, features) for path in files]
    require_alike([one.features for one in read], [str(path) for path in files])
    grids = [_energies(path, one, energy_start, energy_step) for path, one in zip(files, read, strict=True)]
    for path, energy_E in zip(files, grids, strict=True):
        require_overlap(energy_E, spec, str(path), to_grid)
        if not (to_grid or is_same_grid(energy_E, grids[0])):
            raise UserError(
                f"{path} is on other energies than {files[0]}\n"
                "give regrid=true to bring both to the grid of the family, or make a family file of each"
            )
    rejected: list[Rejection] = []
    rows = (
        row
        for one, energy_E in zip(read, grids, strict=True)
        for row in _rows(one, energy_E, spec, rejected, max_tail if to_grid else None)
    )
    return gather(
        rows,
        rejected,
        energy_E=spec.energy_E if to_grid else grids[0],
        descriptor_names=spec.descriptor_names,
        energy_unit=spec.energy_unit,
        normalisation="unknown",
        features=None if read[0].features is None else read[0].features.with_rows(np.arange(0)),
    )


@contextmanager
def explained(path: Path, what: str, advice: str) -> Iterator[None]:
    """Raise a `UserError` in place of what numpy, a compression or a drive raises while arrays are read.

    Parameters
    ----------
    path, what
        The file, and as what it cannot be read, for the message; empty where that is plain.
    advice
        The second line of the message.
    """
    try:
        yield
    except UserError:
        raise
    except SpectrumError as error:
        raise UserError(f"{path} cannot be read{what}: {error}\n{advice}") from error
    except OSError as error:
        why = error.strerror or "the drive gives no reason"
        raise UserError(f"{path} cannot be read: {why}\ncheck the file") from error
    except _DAMAGED as error:
        # numpy's own words for an array of objects advise to load it all the same, which runs foreign code.
        is_pickled = "pickle" in str(error)
        why = "it holds Python objects, or is no array of NumPy" if is_pickled else "damaged or cut short"
        raise UserError(f"{path} cannot be read{what}: {why}\n{advice}") from error


def _rows(
    arrays: _Arrays,
    energy_E: np.ndarray,
    spec: FamilySpec,
    rejected: list[Rejection],
    max_tail: float | None,
) -> Iterator[tuple[str, int, np.ndarray, list[float]]]:
    """Give a file's sites, with `max_tail` on the family's grid; add what cannot be used to `rejected`."""
    unknown = [np.nan] * len(spec.descriptor_names)
    rows_NF = np.empty((len(arrays.ids), 0)) if arrays.features is None else arrays.features.values_NF
    for name, spectrum_E, row_F in zip(arrays.ids, arrays.spectra_NE, rows_NF, strict=True):
        match = _ID.fullmatch(name)
        try:
            if not match:
                raise SpectrumError(f"id {name!r} is not of the form <material>_<site>")
            site = site_index(match.group(2))
            check_spectrum(energy_E, spectrum_E)
            if not np.isfinite(row_F).all():
                raise SpectrumError("its features hold NaN or infinite values")
            if max_tail is not None:
                spectrum_E = regrid(energy_E, spectrum_E, spec.energy_E, max_tail)
        except SpectrumError as error:
            material, digits = match.groups() if match else (name, "")
            rejected.append(Rejection(material, digits.lstrip("0") or digits[-1:], str(error)))
        else:
            yield match.group(1), site, spectrum_E, [*unknown, *row_F.tolist()]


def _energies(path: Path, arrays: _Arrays, start: float | None, step: float | None) -> np.ndarray:
    """Return the energies of a file, shape (E,)."""
    if start is None and step is None and arrays.energy_E is not None:
        return arrays.energy_E
    if start is None or step is None:
        raise UserError(
            f"{path} does not hold its energies: give both npz.energy_start= and npz.energy_step= (eV)"
            if arrays.energy_E is None
            else f"{path} holds its energies: leave npz.energy_start= and npz.energy_step= out, or give both (eV)"
        )
    if step <= 0:
        raise UserError(f"npz.energy_step={step:g} must be positive (eV)")
    return uniform_grid(start, step, arrays.spectra_NE.shape[1])


def _arrays(path: Path, features: str | None) -> _Arrays:
    with explained(path, " as an npz file", _FORMAT), opened(path) as stream:
        # An archive is read from its end, to which a compressed stream does not skip.
        file = stream if isinstance(stream, io.BufferedReader) else io.BytesIO(stream.read())
        magic = file.read(6)
        file.seek(0)
        if magic == np.lib.format.MAGIC_PREFIX:
            raise UserError(f"{path} is a single array, not an npz file\n{_FORMAT}")
        if not magic.startswith(b"PK"):
            raise UserError(f"{path} cannot be read as an npz file: it is of another kind\n{_FORMAT}")
        with np.load(file, allow_pickle=False) as arrays:
            missing = [name for name in ("spectra", "ids") if name not in arrays.files]
            if missing:
                names = ", ".join(arrays.files) or "nothing"
                raise UserError(f"{path} holds {names}, but no {' and no '.join(missing)}\n{_FORMAT}")
            spectra, ids = arrays["spectra"], arrays["ids"]
            energy = arrays["energy"] if "energy" in arrays.files else None
            of_sites = {name: arrays[name] for name in _FEATURES if name in arrays.files}
    return replace(
        _consistent(path, spectra, ids, energy), features=_feature_set(path, of_sites, len(ids), features)
    )


def _feature_set(
    path: Path, arrays: dict[str, np.ndarray], rows: int, made_by: str | None
) -> FeatureSet | None:
    """Return the features that a file has; raise UserError where they are no numbers, one row a spectrum."""
    values = arrays.get("features")
    if values is None:
        return None
    names = arrays.get("feature_names", np.array([f"feature_{i}" for i in range(values.shape[-1])]))
    if values.ndim != 2 or values.dtype.kind not in "fiu" or len(values) != rows:
        raise UserError(
            f"{path}: features is {values.dtype} {values.shape}\nexpected numbers of shape ({rows}, F)"
        )
    said = " ".join(str(arrays[key]) for key in ("feature_model", "feature_version") if key in arrays)
    model, _, version = (made_by or said or UNKNOWN).partition(" ")
    with np.errstate(over="ignore"):
        values_NF = values.astype(np.float32)
    # What is no number makes its row be rejected, not the file.
    return FeatureSet(
        np.where(np.isinf(values_NF), np.nan, values_NF), tuple(map(str, names)), model, version
    )


def _consistent(path: Path, spectra: np.ndarray, ids: np.ndarray, energy: np.ndarray | None) -> _Arrays:
    """Return the arrays of a file; raise UserError where they do not fit together."""
    if spectra.ndim != 2 or ids.shape != spectra.shape[:1] or spectra.dtype.kind not in "fiu":
        raise UserError(
            f"{path}: spectra is {spectra.dtype} {spectra.shape}, ids is {ids.dtype} {ids.shape}\n{_FORMAT}"
        )
    if ids.dtype.kind not in "US":
        raise UserError(f"{path}: ids are {ids.dtype}, not text\n{_FORMAT}")
    if energy is not None and (energy.shape != spectra.shape[1:] or energy.dtype.kind not in "fiu"):
        raise UserError(
            f"{path}: energy is {energy.dtype} {energy.shape}, spectra is {spectra.dtype} {spectra.shape}\n"
            "expected as many energies as values in a spectrum"
        )
    texts = np.char.decode(ids, "utf-8", "replace") if ids.dtype.kind == "S" else ids
    return _Arrays(
        spectra.astype(np.float64), texts.tolist(), None if energy is None else energy.astype(np.float64)
    )
