"""What is compared: the spectra of one code or file, by material and site."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path

import numpy as np

from rankaae_cli.core.errors import UserError, printable
from rankaae_cli.core.xas.spectra import SpectrumError
from rankaae_cli.data.family.family import Family
from rankaae_cli.data.family.family_file import read_family
from rankaae_cli.data.readers.computed.codes.folder import (
    CodeSpectrum,
    finest,
    read_code_file,
    read_code_folder,
)
from rankaae_cli.data.readers.computed.codes.outputs import POLARISED, TABLE
from rankaae_cli.data.readers.computed.codes.weights import weighted


@dataclass(frozen=True)
class Spectra:
    """Spectra on one energy axis.

    Attributes
    ----------
    energy_E, absorption_NE
        eV (or an index), and absorption in any unit.
    material_N, site_N
        Whose.
    is_whole
        Whether all of the axis counts, as that of a family file.
    weight
        How many sites of a material each stands for where sites are averaged.
    """

    energy_E: np.ndarray
    absorption_NE: np.ndarray
    material_N: Sequence[str] | np.ndarray
    site_N: Sequence[int] | np.ndarray
    is_whole: bool = False
    weight: int = 1


@dataclass(frozen=True)
class Collection:
    """The spectra of one code or file.

    Attributes
    ----------
    name
        By which it is told from the others of a call.
    parts
        Its spectra, those on one axis together.
    element, edge
        Where a family file says so; else empty.
    energy_unit
        ``eV`` or ``index``.
    settings
        Such as the k points, of those spectra that were taken where a code has several; empty where none are known.
    is_component
        Whether it is one polarisation, where the average over them may be meant.
    family
        The family file that it is; None of other files.
    """

    name: str
    parts: Sequence[Spectra]
    element: str = ""
    edge: str = ""
    energy_unit: str = "eV"
    settings: str = ""
    is_component: bool = False
    family: Family | None = None

    @cached_property
    def places(self) -> Mapping[tuple[str, int], tuple[int, int]]:
        """The part and row of each material and site, the first where one is there twice."""
        places: dict[tuple[str, int], tuple[int, int]] = {}
        for p, part in enumerate(self.parts):
            for n, (material, site) in enumerate(zip(part.material_N, part.site_N, strict=True)):
                places.setdefault((str(material), int(site)), (p, n))
        return places

    @property
    def is_relative(self) -> bool:
        """Whether energies are from a zero of the code's own."""
        return self.energy_unit == "eV" and any(part.energy_E[0] <= 0 for part in self.parts)

    def __len__(self) -> int:
        return len(self.places)

    def averages(self) -> "Collection":
        """Return one spectrum a material, the weighted mean over its sites on the first one's axis."""
        of_material: dict[str, list[tuple[int, int]]] = {}
        for (material, _), place in self.places.items():
            of_material.setdefault(material, []).append(place)
        parts = []
        for material, places in of_material.items():
            energy_E = self.parts[places[0][0]].energy_E
            curves = [
                np.interp(energy_E, self.parts[p].energy_E, self.parts[p].absorption_NE[n]) for p, n in places
            ]
            whole = self.parts[places[0][0]].is_whole
            weights = [self.parts[p].weight for p, _ in places]
            parts.append(
                Spectra(energy_E, np.average(curves, axis=0, weights=weights)[None], [material], [0], whole)
            )
        return replace(self, parts=parts)


def read_collections(inputs: Sequence[str]) -> tuple[list[Collection], list[tuple[str, str]]]:
    """Read family files, folders with the output of codes, and single files of these.

    Returns
    -------
    collections, faults
        In the order of the call, a folder's by code; pairs of a file and why it could not be read.

    Raises
    ------
    UserError
        If one of them is not there or holds no spectrum.
    """
    collections: list[Collection] = []
    faults: list[tuple[str, str]] = []
    for name in inputs:
        try:
            read, bad = _read(Path(name))
        except OSError as error:
            raise UserError(f"{name} cannot be read: {error.strerror}\ncorrect input=") from error
        collections += read
        faults += bad
    if not collections:
        raise UserError(f"nothing of {', '.join(inputs)} can be read: {'; '.join(faults[0])}\ncorrect input=")
    return _told_apart(collections), faults


def _read(path: Path) -> tuple[list[Collection], list[tuple[str, str]]]:
    if path.is_dir():
        return _of_folder(path)
    if path.suffix.lower() in (".h5", ".hdf5"):
        return [_read_family(path)], []
    if path.is_file():
        return [_of_file(path)], []
    raise UserError(f"there is no file or folder {path}\ncorrect input=")


def _read_family(path: Path) -> Collection:
    family = read_family(path)
    if family.segments:
        raise UserError(f"{path} holds several edges side by side\ngive files of one edge")
    return of_family(family, printable(path.stem))


def of_family(family: Family, name: str) -> Collection:
    """Return the spectra of a family under a name."""
    spectra = Spectra(
        family.energy_E, np.asarray(family.spectra_NE[:], np.float64), family.material_N, family.site_N, True
    )
    return Collection(name, [spectra], family.element, family.edge, family.energy_unit, family=family)


def _of_file(path: Path) -> Collection:
    try:
        one = read_code_file(path)
    except SpectrumError as error:
        raise UserError(f"{path} cannot be read: {error}\ngive a file of a code, or two columns") from error
    return Collection(printable(one.material), [_spectra(one, "")], is_component=one.code in POLARISED)


def _of_folder(path: Path) -> tuple[list[Collection], list[tuple[str, str]]]:
    """Return a collection of each code of a folder; tables are each of a code of its own."""
    spectra, faults = read_code_folder(path)
    # Tables of one name may lie in several folders.
    names = Counter(one.material for one in spectra if one.code == TABLE)
    by_code: dict[str, list[CodeSpectrum]] = {}
    for one in spectra:
        own_name = one.material if names[one.material] < 2 else f"{one.place}/{one.material}"
        by_code.setdefault(own_name if one.code == TABLE else one.code, []).append(one)
    collections = []
    for code, own in by_code.items():
        last, left_out = finest(own)
        faults += left_out
        settings = ", ".join(sorted({one.setting for one in last if one.setting}))
        name = printable(path.resolve().name) if own[0].code == TABLE else None
        parts = [_spectra(one, name or one.material) for one in weighted(path, last)]
        collections.append(Collection(code, parts, settings=settings))
    return collections, [(f"{path}/{file}", reason) for file, reason in faults]


def _spectra(one: CodeSpectrum, material: str) -> Spectra:
    return Spectra(one.energy_M, one.absorption_M[None], [material], [one.site], weight=one.weight)


def _told_apart(collections: Sequence[Collection]) -> list[Collection]:
    """Return the collections with names that occur once."""
    names: list[str] = []
    renamed = []
    for one in collections:
        name, count = one.name, 1
        while name in names:
            count += 1
            name = f"{one.name} ({count})"
        names.append(name)
        renamed.append(replace(one, name=name))
    return renamed
