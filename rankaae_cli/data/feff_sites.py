"""Folders and archives of FEFF spectra beside the structures they were computed for."""

import re
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from rankaae_cli.core.descriptors import Shell, describe, why_not_kept
from rankaae_cli.core.errors import UserError
from rankaae_cli.core.spectra import SpectrumError, regrid
from rankaae_cli.data.archive import Member, members
from rankaae_cli.data.feff import parse_xmu, require_absorber
from rankaae_cli.data.shells import Job, MaterialShells, ShellOptions, first_shells
from rankaae_cli.data.sites import (
    FamilySpec,
    Progress,
    Rejection,
    Sites,
    gather,
    require_known_descriptors,
)

_SPECTRA = "<material>/FEFF-XANES/<site>_<El>/xmu.dat or <material>/feff_<site>_*/XANES/xmu.dat"
_SITE_ELEMENT = re.compile(r"(\d+)_([A-Z][a-z]?)")
_FEFF_SITE = re.compile(r"feff_(\d+)(?:_.*)?")


@dataclass(frozen=True)
class _Place:
    """A site's folder: the material's folder above it, its path, the site's index (-1: none can be read)."""

    material: tuple[str, ...]
    path: tuple[str, ...]
    index: int
    element: str = ""

    @property
    def site(self) -> str:
        return self.path[-1] if self.index < 0 else str(self.index)


@dataclass
class _Scan:
    """What a folder or archive holds."""

    structures: dict[tuple[str, ...], bytes | str] = field(default_factory=dict)  # bytes, or the fault
    spectra: list[tuple[_Place, np.ndarray]] = field(default_factory=list)
    rejected: list[Rejection] = field(default_factory=list)
    places: dict[_Place, bool] = field(default_factory=dict)  # whether there is an xmu.dat


def read_feff(
    path: str | Path,
    spec: FamilySpec,
    *,
    max_tail: float,
    keep_all: bool,
    options: ShellOptions,
    progress: Progress | None = None,
) -> Sites:
    """Read FEFF spectra and compute the descriptors of their sites.

    Parameters
    ----------
    path
        A folder or an archive, with any folders above the materials' own.
    spec
        The family; its grid is in eV.
    max_tail
        eV that a spectrum may begin after the grid; see `rankaae_cli.core.spectra.regrid`.
    keep_all
        Whether to keep sites whose first shell is not one the family keeps.
    options
        How first shells are computed.
    progress
        Called with (structures done, structures in all).

    Returns
    -------
    Sites
        Every ``xmu.dat``, and every site folder without one, is a row or a rejection.

    Raises
    ------
    UserError
        If the path cannot be read or holds no ``xmu.dat``.
    """
    require_known_descriptors(spec.descriptor_names, spec.name)
    if spec.energy_unit != "eV":
        raise UserError(
            f"family {spec.name} has no energy axis in eV\nsource=feff needs a family that has one"
        )
    path = Path(path)
    scan = _scan(path, spec, max_tail)
    if not scan.spectra and not scan.rejected:
        raise UserError(f"{path} holds no xmu.dat\nexpected {_SPECTRA}, with <material>/POSCAR")
    shells = first_shells(_jobs(scan, spec), options, progress)
    rejected = list(scan.rejected)
    rows = []
    for place, spectrum_E in scan.spectra:
        material = _material(place.material, path)
        shell = _shell_of(place, scan, shells, spec)
        if not isinstance(shell, str) and not keep_all:
            shell = why_not_kept(shell, spec.ligands, spec.coordination) or shell
        if isinstance(shell, str):
            rejected.append(Rejection(material, place.site, shell))
        else:
            rows.append((material, place.index, spectrum_E, describe(shell, spec.descriptor_names)))
    return gather(rows, rejected, energy_E=spec.energy_E, descriptor_names=spec.descriptor_names)


def _scan(path: Path, spec: FamilySpec, max_tail: float) -> _Scan:
    scan = _Scan()
    for member in members(path, lambda name: name in ("POSCAR", "xmu.dat")):
        if member.parts[0] == "__MACOSX":  # what macOS adds to zip files
            continue
        name, folders = member.parts[-1], member.parts[:-1]
        if found := _place_in(member.parts if member.is_folder else folders):
            scan.places.setdefault(found[0], False)
        if member.is_folder:
            continue
        if name == "POSCAR":
            scan.structures.setdefault(folders, member.fault or member.data or b"")
        elif name == "xmu.dat":
            _take_spectrum(scan, member, path, spec, max_tail)
    if scan.spectra or scan.rejected:
        _reject_incomplete(scan, path)
    return scan


def _reject_incomplete(scan: _Scan, path: Path) -> None:
    """Reject the site folders without a spectrum and the materials without any site."""
    above = {place.material[:n] for place in scan.places for n in range(len(place.material) + 1)}
    places = [place for place in scan.places if place.path not in above]
    for place in places:
        if not scan.places[place]:
            material = _material(place.material, path)
            scan.rejected.append(Rejection(material, place.site, "no xmu.dat in the folder of the site"))
    with_sites = {place.material for place in places}
    for folder in scan.structures:
        if not any(folder[:n] in with_sites for n in range(len(folder) + 1)):
            scan.rejected.append(Rejection(_material(folder, path), "", "no spectrum beside this POSCAR"))


def _take_spectrum(scan: _Scan, member: Member, path: Path, spec: FamilySpec, max_tail: float) -> None:
    """Put the spectrum of one xmu.dat, on the family's grid, or the reason against it into `scan`."""
    found = _place_in(member.parts[:-1])
    if found is None or not found[1]:
        where = "/".join(member.parts[:-1]) or path.name
        scan.rejected.append(Rejection(where, "", f"unknown layout: xmu.dat is not at {_SPECTRA}"))
        return
    place = found[0]
    scan.places[place] = True
    try:
        if member.fault:
            raise SpectrumError(f"xmu.dat {member.fault}")
        if place.index < 0:
            raise SpectrumError("the name of the site's folder is not <site>_<El>")
        if place.element and place.element != spec.element:
            raise SpectrumError(f"the site's folder names {place.element}, the family is of {spec.element}")
        xmu = parse_xmu(member.data or b"")
        require_absorber(xmu, spec.element, spec.edge)
        scan.spectra.append((place, regrid(xmu.energy, xmu.mu, spec.energy_E, max_tail).astype(np.float32)))
    except SpectrumError as error:
        scan.rejected.append(Rejection(_material(place.material, path), place.site, str(error)))


def _jobs(scan: _Scan, spec: FamilySpec) -> dict[str, Job]:
    sites: dict[tuple[str, ...], set[int]] = {}
    for place, _ in scan.spectra:
        sites.setdefault(place.material, set()).add(place.index)
    return {
        "/".join(folder): Job(
            poscar=poscar,
            sites=tuple(sorted(sites[folder])),
            neighbours=spec.neighbours,
            oxidation_states=spec.neighbours.method == "crystal_nn" or "OS" in spec.descriptor_names,
        )
        for folder, poscar in scan.structures.items()
        if folder in sites and isinstance(poscar, bytes)
    }


def _shell_of(place: _Place, scan: _Scan, shells: dict[str, MaterialShells], spec: FamilySpec) -> Shell | str:
    """Return the first shell of a site, or the reason why there is none."""
    structure = scan.structures.get(place.material)
    if structure is None:
        return "no POSCAR in the folder of the material"
    if isinstance(structure, str):
        return f"POSCAR {structure}"
    return shells["/".join(place.material)].of_site(place.index, spec.element)


def _place_in(folders: tuple[str, ...]) -> tuple[_Place, bool] | None:
    """Return the deepest site folder in a path, and whether an xmu.dat at the path's end is that site's."""
    for n in reversed(range(len(folders))):
        below = folders[n + 1 :]
        if n and folders[n - 1] == "FEFF-XANES":
            match = _SITE_ELEMENT.fullmatch(folders[n])
            index, element = (int(match.group(1)), match.group(2)) if match else (-1, "")
            return _Place(folders[: n - 1], folders[: n + 1], index, element), below == ()
        if match := _FEFF_SITE.fullmatch(folders[n]):
            return _Place(folders[:n], folders[: n + 1], int(match.group(1))), below == ("XANES",)
    return None


def _material(folder: tuple[str, ...], path: Path) -> str:
    """Return the name of a material: of its folder, or of what was read where that is the top itself."""
    if folder:
        return folder[-1]
    name = path.resolve().name
    for suffix in (".gz", ".xz", ".bz2", ".tgz", ".tar", ".zip"):
        name = name.removesuffix(suffix)
    return name
