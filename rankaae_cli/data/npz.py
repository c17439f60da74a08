"""Arrays of spectra without descriptors, in NumPy's npz format."""

import re
import zipfile
from pathlib import Path

import numpy as np

from rankaae_cli.core.errors import UserError
from rankaae_cli.core.spectra import SpectrumError, check_spectrum, regrid
from rankaae_cli.data.sites import FamilySpec, Rejection, Sites, gather, require_overlap

_ID = re.compile(r"(.+)_(\d+)")
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
    path = Path(path)
    if energy_start is None or energy_step is None:
        raise UserError(
            "an npz file does not hold its energies: give both npz.energy_start= and npz.energy_step= (eV)"
        )
    if energy_step <= 0:
        raise UserError(f"npz.energy_step={energy_step:g} must be positive (eV)")
    spectra_NE, ids = _arrays(path)
    energy_E = energy_start + energy_step * np.arange(spectra_NE.shape[1])
    require_overlap(energy_E, spec, str(path))
    unknown = [np.nan] * len(spec.descriptor_names)
    rows, rejected = [], []
    for name, spectrum_E in zip(ids, spectra_NE, strict=True):
        match = _ID.fullmatch(name)
        try:
            if not match:
                raise SpectrumError(f"id {name!r} is not of the form <material>_<site>")
            check_spectrum(energy_E, spectrum_E)
            if to_grid:
                spectrum_E = regrid(energy_E, spectrum_E, spec.energy_E, max_tail)
            rows.append((match.group(1), int(match.group(2)), spectrum_E, unknown))
        except SpectrumError as error:
            material, site = (match.group(1), str(int(match.group(2)))) if match else (name, "")
            rejected.append(Rejection(material, site, str(error)))
    return gather(
        rows,
        rejected,
        energy_E=spec.energy_E if to_grid else energy_E,
        descriptor_names=spec.descriptor_names,
        energy_unit=spec.energy_unit,
        normalisation="unknown",
    )


def _arrays(path: Path) -> tuple[np.ndarray, list[str]]:
    try:
        file = np.load(path, allow_pickle=False)
        if not isinstance(file, np.lib.npyio.NpzFile):
            raise UserError(f"{path} is a single array, not an npz file\n{_FORMAT}")
        with file:
            missing = [name for name in ("spectra", "ids") if name not in file.files]
            if missing:
                held = ", ".join(file.files) or "nothing"
                raise UserError(f"{path} holds {held}, but no {' and no '.join(missing)}\n{_FORMAT}")
            spectra, ids = file["spectra"], file["ids"]
    except UserError:
        raise
    except (OSError, ValueError, EOFError, zipfile.BadZipFile) as error:
        raise UserError(f"{path} cannot be read as an npz file ({error})\n{_FORMAT}") from error
    if spectra.ndim != 2 or ids.shape != spectra.shape[:1] or spectra.dtype.kind not in "fiu":
        raise UserError(
            f"{path}: spectra is {spectra.dtype} {spectra.shape}, ids is {ids.dtype} {ids.shape}\n{_FORMAT}"
        )
    if ids.dtype.kind not in "US":
        raise UserError(f"{path}: ids are {ids.dtype}, not text\n{_FORMAT}")
    texts = np.char.decode(ids, "utf-8", "replace") if ids.dtype.kind == "S" else ids
    return spectra.astype(np.float64), texts.tolist()
