"""The sites of a folder of code output, on the grid of a family."""

from collections.abc import Iterator
from pathlib import Path

import numpy as np

from rankaae_cli.core.errors import UserError, nearest
from rankaae_cli.core.xas.spectra import SpectrumError, regrid
from rankaae_cli.data.family.rejections import Rejection
from rankaae_cli.data.family.sites import FamilySpec, Sites, gather
from rankaae_cli.data.readers.computed.codes.folder import CodeSpectrum, finest, read_code_folder


def read_code_sites(
    path: str, spec: FamilySpec, code: str | None, shift: float, max_tail: float
) -> tuple[Sites, str]:
    """Read the spectra of one code below a folder, and bring them to the family's grid.

    Of several settings of a calculation the last counts, in the order of the numbers in their names.

    Parameters
    ----------
    path
        The folder, as `read_code_folder` takes it.
    spec
        The family.
    code
        Such as ``OCEAN``; None for the only one there.
    shift
        eV, added to the code's energies.
    max_tail
        eV that a spectrum may begin after the family's grid.

    Returns
    -------
    sites, code
        Without descriptors, which `labels=` may give; and which code it is.

    Raises
    ------
    UserError
        If there is no such folder, it holds no spectrum of that code, or several codes and none is asked for.
    """
    folder = Path(path)
    if not folder.is_dir():
        raise UserError(f"{folder} is no folder\ngive the folder with the output of a code")
    if spec.energy_unit != "eV":
        raise UserError(
            f"family {spec.name} is over {spec.energy_unit}, codes write eV\ngive a family over eV"
        )
    spectra, faults = read_code_folder(folder)
    own = _of_code(spectra, code, folder)
    last, left_out = finest(own)
    rejected = [Rejection(file, "", reason) for file, reason in [*faults, *left_out]]
    sites = gather(
        _rows(last, spec, shift, max_tail, rejected),
        rejected,
        energy_E=spec.energy_E,
        descriptor_names=spec.descriptor_names,
        normalisation="unknown",
    )
    return sites, own[0].code


def _of_code(spectra: list[CodeSpectrum], code: str | None, folder: Path) -> list[CodeSpectrum]:
    codes = sorted({one.code for one in spectra})
    if code is None and len(codes) > 1:
        raise UserError(f"{folder} holds the output of {', '.join(codes)}\nsay which by codes.code=")
    wanted = code or (codes[0] if codes else "")
    own = [one for one in spectra if one.code.lower() == wanted.lower()]
    if not own:
        raise UserError(
            f"{folder} holds no spectrum of {wanted}: {nearest(wanted, codes)}"
            if codes
            else f"{folder} holds no spectrum that can be read"
        )
    return own


def _rows(
    spectra: list[CodeSpectrum], spec: FamilySpec, shift: float, max_tail: float, rejected: list[Rejection]
) -> Iterator[tuple[str, int, np.ndarray, list[float]]]:
    unknown = [np.nan] * len(spec.descriptor_names)
    for one in spectra:
        try:
            spectrum_E = regrid(one.energy_M + shift, one.absorption_M, spec.energy_E, max_tail)
        except SpectrumError as error:
            hint = " (codes.shift= moves it)" if one.energy_M[0] <= 0 else ""
            rejected.append(Rejection(one.material, str(one.site), f"{error}{hint}"))
        else:
            yield one.material, one.site, spectrum_E, unknown
