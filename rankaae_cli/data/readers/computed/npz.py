"""Arrays of spectra without descriptors, in NumPy's npz format."""

import io
import re
import zipfile
import zlib
from pathlib import Path
from tokenize import TokenError

import numpy as np

from rankaae_cli.core.errors import UserError
from rankaae_cli.core.xas.spectra import SpectrumError, check_spectrum, regrid, uniform_grid
from rankaae_cli.data.compression import opened
from rankaae_cli.data.family.rejections import Rejection
from rankaae_cli.data.family.sites import FamilySpec, Sites, gather, require_overlap, site_index
from rankaae_cli.data.files import require_file

_ID = re.compile(r"(.+)_(\d+)")
# What numpy raises for headers that cannot be read, or claim more than there is memory.
_DAMAGED = (ValueError, EOFError, RuntimeError, MemoryError, TokenError, zipfile.BadZipFile, zlib.error)
_FORMAT = "expected arrays spectra (N, E) and ids (N,) of the form <material>_<site>"


def read_npz(
    path: str | Path,
    spec: FamilySpec,
    *,
    energy_start: float | None,
    energy_step: float | None,
    to_grid: bool,
    max_tail: float,
) -> Sites:
    """Read spectra from the arrays ``spectra`` (N, E) and ``ids`` (N,) of an npz file.

    The family's descriptors are not known of any site. How the spectra are normalised is not known either.

    Parameters
    ----------
    path
        The file. Pickled objects in it are not loaded.
    spec
        The family.
    energy_start, energy_step
        eV; the file does not hold its energies.
    to_grid
        Whether to bring the spectra to the family's grid; otherwise their own is kept.
    max_tail
        eV that a spectrum may begin after the family's grid.

    Raises
    ------
    UserError
        If the energies are not given or far from the family's, or the file does not hold these arrays.
    """
    path = require_file(path)
    start, step = _grid(energy_start, energy_step)
    spectra_NE, ids = _arrays(path)
    energy_E = uniform_grid(start, step, spectra_NE.shape[1])
    require_overlap(energy_E, spec, str(path))
    unknown = [np.nan] * len(spec.descriptor_names)
    rows, rejected = [], []
    for name, spectrum_E in zip(ids, spectra_NE, strict=True):
        match = _ID.fullmatch(name)
        try:
            if not match:
                raise SpectrumError(f"id {name!r} is not of the form <material>_<site>")
            site = site_index(match.group(2))
            check_spectrum(energy_E, spectrum_E)
            if to_grid:
                spectrum_E = regrid(energy_E, spectrum_E, spec.energy_E, max_tail)
            rows.append((match.group(1), site, spectrum_E, unknown))
        except SpectrumError as error:
            material, digits = match.groups() if match else (name, "")
            rejected.append(Rejection(material, digits.lstrip("0") or digits[-1:], str(error)))
    return gather(
        rows,
        rejected,
        energy_E=spec.energy_E if to_grid else energy_E,
        descriptor_names=spec.descriptor_names,
        energy_unit=spec.energy_unit,
        normalisation="unknown",
    )


def _grid(start: float | None, step: float | None) -> tuple[float, float]:
    if start is None or step is None:
        raise UserError(
            "an npz file does not hold its energies: give both npz.energy_start= and npz.energy_step= (eV)"
        )
    if step <= 0:
        raise UserError(f"npz.energy_step={step:g} must be positive (eV)")
    return start, step


def _arrays(path: Path) -> tuple[np.ndarray, list[str]]:
    try:
        with opened(path) as stream:
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
    except UserError:
        raise
    except SpectrumError as error:
        raise UserError(f"{path} cannot be read as an npz file: {error}\n{_FORMAT}") from error
    except OSError as error:
        why = error.strerror or "the drive gives no reason"
        raise UserError(f"{path} cannot be read: {why}\ncheck the file") from error
    except _DAMAGED as error:
        # numpy's own words for an array of objects advise to load it all the same, which runs foreign code.
        why = "an array of Python objects" if "pickle" in str(error) else "damaged or cut short"
        raise UserError(f"{path} cannot be read as an npz file: {why}\n{_FORMAT}") from error
    if spectra.ndim != 2 or ids.shape != spectra.shape[:1] or spectra.dtype.kind not in "fiu":
        raise UserError(
            f"{path}: spectra is {spectra.dtype} {spectra.shape}, ids is {ids.dtype} {ids.shape}\n{_FORMAT}"
        )
    if ids.dtype.kind not in "US":
        raise UserError(f"{path}: ids are {ids.dtype}, not text\n{_FORMAT}")
    texts = np.char.decode(ids, "utf-8", "replace") if ids.dtype.kind == "S" else ids
    return spectra.astype(np.float64), texts.tolist()
