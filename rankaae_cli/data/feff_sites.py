"""Folders and archives of FEFF spectra beside the structures they were computed for."""

import re
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from rankaae_cli.core.descriptors import Shell
from rankaae_cli.core.errors import UserError
from rankaae_cli.core.spectra import SpectrumError, regrid, require_edge_step
from rankaae_cli.data.archive import Member, members
from rankaae_cli.data.feff import parse_xmu, require_absorber
from rankaae_cli.data.shells import Job, MaterialShells, ShellOptions, first_shells
from rankaae_cli.data.sites import (
    FamilySpec,
    Progress,
    Rejection,
    Sites,
    described,
    gather,
    material_names,
    require_known_descriptors,
)

_SPECTRA = "<material>/FEFF-XANES/<site>_<El>/xmu.dat or <material>/feff_<site>_*/XANES/xmu.dat"
_SITE_ELEMENT = re.compile(r"(\d{1,18})_([A-Z][a-z]?)")  # no more digits than 64 bits hold
_FEFF_SITE = re.compile(r"feff_(\d{1,18})(?:_.*)?")


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
    rejected: list[tuple[tuple[str, ...], str, str]] = field(default_factory=list)  # material, site, reason
    elsewhere: list[Rejection] = field(default_factory=list)  # what belongs to no material
    places: dict[_Place, bool] = field(default_factory=dict)  # whether accounted for


def read_feff(
    path: str | Path,
    spec: FamilySpec,
    *,
    max_tail: float,
    keep_all: bool,
    options: ShellOptions,
    progress: Progress | None = None,
) -> Sites:
    """Read FEFF spectra and compute the descriptors and further quantities of their sites.

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
        Every ``xmu.dat``, and every site folder without one, is a row or a rejection. Materials are called
        after their folders; see `rankaae_cli.data.sites.material_names`.

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
    if not scan.spectra and not scan.rejected and not scan.elsewhere:
        raise UserError(f"{path} holds no xmu.dat\nexpected {_SPECTRA}, with <material>/POSCAR")
    shells = first_shells(_jobs(scan, spec), options, progress)
    folders = [place.material for place, _ in scan.spectra] + [folder for folder, _, _ in scan.rejected]
    names = material_names(folders, path)
    rejected = scan.elsewhere + [Rejection(names[folder], *rest) for folder, *rest in scan.rejected]
    return gather(
        _rows(scan, shells, spec, names, keep_all, rejected),
        rejected,
        energy_E=spec.energy_E,
        descriptor_names=spec.descriptor_names,
        quantity_names=spec.quantity_names,
    )


def _rows(
    scan: _Scan,
    shells: dict[str, MaterialShells],
    spec: FamilySpec,
    names: dict[tuple[str, ...], str],
    keep_all: bool,
    rejected: list[Rejection],
) -> list[tuple[str, int, np.ndarray, list[float]]]:
    """Return what `gather` takes of each site that can be used; put the others into `rejected`."""
    rows = []
    for place, spectrum_E in scan.spectra:
        material = names[place.material]
        try:
            values = described(_shell_of(place, scan, shells, spec), spec, keep_all)
            rows.append((material, place.index, spectrum_E, values))
        except SpectrumError as error:
            rejected.append(Rejection(material, place.site, str(error)))
    return rows


def _scan(path: Path, spec: FamilySpec, max_tail: float) -> _Scan:
    scan = _Scan()
    for member in members(path, lambda name: name in ("POSCAR", "xmu.dat")):
        if member.parts[0] == "__MACOSX":  # what macOS adds to zip files
            continue
        name, folders = member.parts[-1], member.parts[:-1]
        found = _place_in(member.parts if member.is_folder else folders)
        if member.is_folder and member.fault:
            _reject_folder(scan, member, found[0] if found else None)
            continue
        if found:
            scan.places.setdefault(found[0], False)
        if member.is_folder:
            continue
        if name == "POSCAR":
            scan.structures.setdefault(folders, member.fault or member.data or b"")
        elif name == "xmu.dat":
            _take_spectrum(scan, member, path, spec, max_tail)
    if scan.spectra or scan.rejected or scan.elsewhere:
        _reject_incomplete(scan)
    return scan


def _reject_folder(scan: _Scan, member: Member, place: _Place | None) -> None:
    """Reject what a folder that cannot be read may hold: the site it is of, or what is not known."""
    reason = f"the folder {member.fault}"
    if place is None:
        scan.elsewhere.append(Rejection("/".join(member.parts), "", reason))
    elif not scan.places.get(place):
        scan.places[place] = True
        scan.rejected.append((place.material, place.site, reason))


def _reject_incomplete(scan: _Scan) -> None:
    """Reject the site folders without a spectrum and the materials without any site."""
    above = {place.material[:n] for place in scan.places for n in range(len(place.material) + 1)}
    places = [place for place in scan.places if place.path not in above]
    for place in places:
        if not scan.places[place]:
            scan.rejected.append((place.material, place.site, "no xmu.dat in the folder of the site"))
    with_sites = {place.material for place in places}
    for folder in scan.structures:
        if not any(folder[:n] in with_sites for n in range(len(folder) + 1)):
            scan.rejected.append((folder, "", "no spectrum beside this POSCAR"))


def _take_spectrum(scan: _Scan, member: Member, path: Path, spec: FamilySpec, max_tail: float) -> None:
    """Put the spectrum of one xmu.dat, on the family's grid, or the reason against it into `scan`."""
    found = _place_in(member.parts[:-1])
    if found is None or not found[1]:
        where = "/".join(member.parts[:-1]) or path.name
        scan.elsewhere.append(Rejection(where, "", f"unknown layout: xmu.dat is not at {_SPECTRA}"))
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
        spectrum_E = regrid(xmu.energy, xmu.mu, spec.energy_E, max_tail)
        require_edge_step(spectrum_E)
        scan.spectra.append((place, spectrum_E.astype(np.float32)))
    except SpectrumError as error:
        scan.rejected.append((place.material, place.site, str(error)))


def _jobs(scan: _Scan, spec: FamilySpec) -> dict[str, Job]:
    sites: dict[tuple[str, ...], set[int]] = {}
    for place, _ in scan.spectra:
        sites.setdefault(place.material, set()).add(place.index)
    return {
        "/".join(folder): Job(
            poscar=poscar,
            sites=tuple(sorted(sites[folder])),
            neighbours=spec.neighbours,
            oxidation_states=spec.needs_oxidation_states,
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
