"""Folders of code output, as Lightshow and hands lay them out: which file is of which code, material and site."""

import re
from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from rankaae_cli.core.errors import UserError
from rankaae_cli.core.xas.spectra import SpectrumError
from rankaae_cli.data.compression import bare_name, opened
from rankaae_cli.data.readers.computed.archive import members
from rankaae_cli.data.readers.computed.codes.outputs import PARSERS, TABLE, code_of

_MOST_BYTES = 256 * 2**20
# A folder with the output of one code: it ends the name of the material.
_CODE_FOLDER = re.compile(r"^(ocean|exciting|xspectra|vasp|feff|fdmnes)([-_].*)?$", re.IGNORECASE)
_OCEAN_NAME = re.compile(r"absspct_[A-Za-z]+\.(\d+)_\w+?_(\d+)$")
# Of Lightshow, and of xas-tools, which ends with the number of the core level's shell.
_SITE = re.compile(r"^(?:XAS_input_(\d+)_\d+|(\d+)(?:_[A-Z][a-z]?)?)$")
_POLARISATION = re.compile(r"^(dipole\d*|EPSILON)$")
_SETTING = re.compile(r"^Spectra-(.+)$")


@dataclass(frozen=True)
class CodeSpectrum:
    """A spectrum that a code computed.

    Attributes
    ----------
    code, material, site
        What wrote it, of what; `site` is the absorber's index as the code or its folder counts.
    setting
        What tells it from another calculation of the same, such as its k points; empty where nothing does.
    place
        The first folder that it lies in, or a table's own name.
    energy_M, absorption_M
        eV on the code's own zero; the average of `components` polarisations.
    weight
        How many sites it stands for, itself among them.
    """

    code: str
    material: str
    site: int
    setting: str
    place: str
    energy_M: np.ndarray
    absorption_M: np.ndarray
    components: int
    weight: int = 1


@dataclass(frozen=True)
class _File:
    name: str
    code: str
    material: str
    site: int
    setting: str
    place: str


def read_code_folder(folder: Path) -> tuple[list[CodeSpectrum], list[tuple[str, str]]]:
    """Read the output of codes below a folder; files of one site are its polarisations and are averaged.

    Returns
    -------
    spectra, faults
        In order of code, material and site; pairs of a file and why it could not be read.

    Raises
    ------
    UserError
        If the folder holds no output of a code.
    """
    groups: dict[tuple[str, str, int, str, str], list[tuple[np.ndarray, np.ndarray]]] = defaultdict(list)
    faults: list[tuple[str, str]] = []
    for file, text in _files(folder, faults):
        try:
            curve = PARSERS[file.code](text)
        except SpectrumError as error:
            faults.append((file.name, str(error)))
            continue
        groups[file.code, file.material, file.site, file.setting, file.place].append(curve)
    if not groups and not faults:
        raise UserError(
            f"{folder} holds no output of a code\nexpected OCEAN's absspct*, exciting's EPSILON*.OUT, XSpectra's "
            "xanes.dat, VASP's OUTCAR or vasprun.xml, FEFF's xmu.dat, FDMNES's output, or tables of two columns"
        )
    spectra = []
    for (code, material, site, setting, place), curves in sorted(groups.items(), key=lambda item: item[0]):
        energy_M = curves[0][0]
        parts = [np.interp(energy_M, *curve) for curve in curves]
        spectra.append(
            CodeSpectrum(code, material, site, setting, place, energy_M, np.mean(parts, axis=0), len(parts))
        )
    return spectra, faults


def by_setting(folder: Path) -> tuple[dict[str, dict[str, CodeSpectrum]], list[tuple[str, str]]]:
    """Read one calculation at several settings: the average of each setting's sites, by code and setting.

    A setting is what follows ``Spectra-`` in the name of a folder, else the first folder below the one given, or a
    table's own name. Settings are in the order of the numbers in their names.

    Returns
    -------
    spectra, faults
        As `read_code_folder`; by code, by setting.
    """
    spectra, faults = read_code_folder(folder)
    groups: dict[str, dict[str, list[CodeSpectrum]]] = defaultdict(lambda: defaultdict(list))
    for one in spectra:
        groups[one.code][one.setting or one.place].append(one)
    means: dict[str, dict[str, CodeSpectrum]] = {}
    for code, own in groups.items():
        means[code] = {}
        for setting in sorted(own, key=setting_order):
            materials = list(dict.fromkeys(one.material for one in own[setting]))
            if code != TABLE and len(materials) > 1:
                raise UserError(
                    f"{folder} holds {code} at {setting} of several materials, such as {materials[0]} and "
                    f"{materials[1]}\ngive the folder of one"
                )
            energy_M = own[setting][0].energy_M
            curves = [np.interp(energy_M, one.energy_M, one.absorption_M) for one in own[setting]]
            means[code][setting] = replace(own[setting][0], absorption_M=np.mean(curves, axis=0))
    return means, faults


def finest(spectra: Sequence[CodeSpectrum]) -> tuple[list[CodeSpectrum], list[tuple[str, str]]]:
    """Return of each material and site the spectrum at the last setting, as settings are ordered, of one code.

    Where several folders hold one at the same setting, it is that of the last; the others come back as pairs of a
    folder and why it was left out.
    """
    last: dict[tuple[str, int], CodeSpectrum] = {}
    left_out = []
    for one in sorted(spectra, key=lambda one: (setting_order(one.setting), setting_order(one.place))):
        before = last.get((one.material, one.site))
        if before is not None and before.setting == one.setting:
            reason = f"{one.code} of {one.material}, site {one.site}, is taken from {one.place}"
            left_out.append((before.place, reason))
        last[one.material, one.site] = one
    return list(last.values()), left_out


def setting_order(setting: str) -> tuple[list[float], str]:
    """Return what orders settings by the numbers in their names."""
    return [float(number) for number in re.findall(r"\d+(?:\.\d+)?", setting)], setting


def read_code_file(path: Path) -> CodeSpectrum:
    """Read one file of a code, or a table of two columns, named by the file."""
    text = _text(path)
    if "\0" in text:
        raise SpectrumError("it is no text in UTF-8")
    code = code_of(bare_name(path.name), text) or TABLE
    energy_M, absorption_M = PARSERS[code](text)
    return CodeSpectrum(code, Path(bare_name(path.name)).stem, 0, "", "", energy_M, absorption_M, 1)


def _files(folder: Path, faults: list[tuple[str, str]]) -> Iterator[tuple[_File, str]]:
    """Yield the output of codes below a folder; append what cannot be read to `faults`."""
    for member in members(folder, _may_be_output, _MOST_BYTES):
        name = "/".join(member.parts)
        if member.fault:
            faults.append((name, f"it {member.fault}"))
        elif member.data is not None:
            text = _decoded(member.data)
            if (code := code_of(member.parts[-1], text)) is not None:
                yield _File(name, code, *place_of(folder, member.parts, code)), text
            elif not text.strip("\0 \r\n"):
                faults.append((name, "it is empty"))


def _may_be_output(name: str) -> bool:
    starts = name.startswith(("absspct", "EPSILON", "OUTCAR"))
    return not name.startswith(".") and (starts or name.endswith((".dat", ".txt", ".xml", ".csv")))


def _text(path: Path) -> str:
    with opened(path) as file:
        data = file.read(_MOST_BYTES + 1)
    if len(data) > _MOST_BYTES:
        raise SpectrumError(f"it is larger than {_MOST_BYTES >> 20} MiB")
    return _decoded(data)


def _decoded(data: bytes) -> str:
    return data.decode("utf-8-sig", errors="replace")


def place_of(folder: Path, file: Sequence[str], code: str) -> tuple[str, int, str, str]:
    """Return material, site, setting and place of a file by the folders that it lies in."""
    *parts, name = file
    at = next((i for i, part in enumerate(parts) if _CODE_FOLDER.match(part)), None)
    own = _CODE_FOLDER.match(folder.name)
    above = folder.resolve().parent.name if own else folder.resolve().name
    material = "/".join(parts[:at]) if at else above
    if at is None and code == TABLE:
        material = Path(name).stem
    inner = parts if at is None else parts[at + 1 :]
    setting = next((m.group(1) for part in inner if (m := _SETTING.match(part))), "")
    named = _OCEAN_NAME.search(name)
    matches = [m for part in inner if (m := _SITE.match(part))]
    sites = [int(named.group(1))] if named else [int(m.group(1) or m.group(2)) for m in matches]
    parts = [part for part in parts if not _POLARISATION.match(part)]
    place = parts[0] if parts else Path(name).stem
    return material, sites[0] if sites else 0, setting, place
