"""Folders and archives of FEFF spectra beside the structures they were computed for."""

import itertools
import re
import sys
from contextlib import closing
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from rankaae_cli.core.errors import UserError
from rankaae_cli.core.xas.edges import edge_energy, parts_of
from rankaae_cli.core.xas.spectra import SpectrumError, regrid
from rankaae_cli.data.family.rejections import Rejection
from rankaae_cli.data.family.sites import (
    FamilySpec,
    Gauge,
    Sites,
    described,
    gather,
    material_names,
    require_known_descriptors,
    silent,
)
from rankaae_cli.data.features.featurisers import empty_features
from rankaae_cli.data.readers.computed.archive import Member, members
from rankaae_cli.data.readers.computed.feff import Xmu, parse_xmu, require_absorber
from rankaae_cli.data.readers.computed.feff_spool import FeffSpool
from rankaae_cli.data.structures.poscar import structure_groups
from rankaae_cli.data.structures.shells import ShellOptions, first_shells
from rankaae_cli.data.structures.structure_set import Structure, structures_of

_SPECTRA = "<material>/FEFF-XANES/<site>_<El>/xmu.dat or <material>/feff_<site>_*/XANES/xmu.dat"
_STRUCTURES = ("POSCAR", "CONTCAR")
_SITE_ELEMENT = re.compile(r"(\d{1,18})_([A-Z][a-z]?)")  # no more digits than 64 bits hold
_FEFF_FOLDER = re.compile(
    r"FEFF-XANES(?:[-_](K|L[123]))?"
)  # one folder for each edge, where there are several
_FEFF_SITE = re.compile(r"feff_(\d{1,18})(?:_.*)?")


@dataclass(frozen=True)
class _Place:
    """A site's folder: the material's folder above it, its path, the site's index (-1: none can be read)."""

    material: tuple[str, ...]
    path: tuple[str, ...]
    index: int
    element: str = ""
    edge: str = ""

    @property
    def site(self) -> str:
        return self.path[-1] if self.index < 0 else str(self.index)


@dataclass
class _Scan:
    """What a folder or archive holds: the spool, and what is rejected already."""

    spool: FeffSpool
    rejected: list[tuple[str, str, str]] = field(default_factory=list)  # material's folder, site, reason
    elsewhere: list[Rejection] = field(default_factory=list)  # what belongs to no material

    def reject(self, folder: str, site: str, reason: str) -> None:
        """Put a site among the rejected."""
        self.rejected.append((folder, site, sys.intern(reason)))


def read_feff(
    path: str | Path,
    spec: FamilySpec,
    *,
    max_tail: float,
    keep_all: bool,
    options: ShellOptions,
    progress: Gauge = silent,
) -> Sites:
    """Read FEFF spectra and compute the descriptors and further quantities of their sites.

    Parameters
    ----------
    path
        A folder or an archive, with any folders above the materials' own.
    spec
        The family; its grid is in eV.
    max_tail
        eV that a spectrum may begin after the grid; see `rankaae_cli.core.xas.spectra.regrid`.
    keep_all
        Whether to keep sites whose first shell is not one the family keeps.
    options
        How first shells are computed.
    progress
        Called with (effort spent, effort in all, how many structures are done and sites rejected, as text).

    Returns
    -------
    Sites
        Every ``xmu.dat``, and every site folder without one, is a row or a rejection; of a family of several
        edges, such as L23, a site's spectra of each edge, of one edge step, are added up with their statistical
        weights, and one that lacks an edge is a rejection. Materials are called
        after their folders; see `rankaae_cli.data.family.sites.material_names`.

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
    with FeffSpool() as spool:
        scan = _scan(path, spec, max_tail, spool)
        if not spool.spectra and not scan.rejected and not scan.elsewhere:
            raise UserError(f"{path} holds no xmu.dat\nexpected {_SPECTRA}, with <material>/POSCAR")
        groups, structures = _describe(scan, spec, keep_all, options, progress)
        folders = itertools.chain(spool.folders(), (folder for folder, _, _ in scan.rejected))
        names = {
            "/".join(folder): name
            for folder, name in material_names((_parts_of(folder) for folder in folders), path).items()
        }
        rejected = scan.elsewhere + [Rejection(names[folder], *rest) for folder, *rest in scan.rejected]
        return gather(
            (
                (names[folder], *row)
                for folder in sorted(spool.folders(), key=names.__getitem__)
                for row in spool.described(folder)
            ),
            rejected,
            energy_E=spec.energy_E,
            descriptor_names=spec.descriptor_names,
            quantity_names=spec.quantity_names,
            features=empty_features(options.featurisers),
            groups={names[folder]: of_structure for folder, of_structure in groups.items()},
            structures={names[folder]: structure for folder, structure in structures.items()},
        )


def _describe(
    scan: _Scan, spec: FamilySpec, keep_all: bool, options: ShellOptions, progress: Gauge
) -> tuple[dict[str, dict[str, str]], dict[str, Structure]]:
    """Describe or reject the sites of all spectra in the spool; return groups and structure of each folder."""
    groups: dict[str, dict[str, str]] = {}
    structures: dict[str, Structure] = {}
    for folder in scan.spool.folders():
        if fault := scan.spool.fault_of(folder):
            for spectrum in scan.spool.spectra_of(folder):
                scan.reject(folder, str(spectrum.site), fault)
    tasks = scan.spool.tasks(spec)
    # The largest come first, so that their number would tell too late an end.
    total, effort, spent = len(tasks), tasks.effort(), 0
    # Closed at once when something is raised here, so that what is computed gets into the cache.
    with closing(first_shells(tasks, options)) as results:
        for done, (folder, shells) in enumerate(results, 1):
            poscar = tasks[folder].poscar
            groups[folder] = structure_groups(poscar)
            structures |= structures_of([(folder, poscar)])
            for spectrum in scan.spool.spectra_of(folder):
                try:
                    values = described(shells.of_site(spectrum.site, spec.element), spec, keep_all)
                    values += shells.features_of(spectrum.site)
                    scan.spool.describe(spectrum.number, values)
                except SpectrumError as error:
                    scan.reject(folder, str(spectrum.site), str(error))
            spent += tasks.effort(folder)
            rejected = len(scan.rejected) + len(scan.elsewhere)
            progress(spent, effort, f"{done} of {total} structures, {rejected} sites rejected")
    return groups, structures


def _scan(path: Path, spec: FamilySpec, max_tail: float, spool: FeffSpool) -> _Scan:
    scan = _Scan(spool)
    for member in members(path, lambda name: name in (*_STRUCTURES, "xmu.dat")):
        if member.parts[0] == "__MACOSX":  # what macOS adds to zip files
            continue
        name, folders = member.parts[-1], member.parts[:-1]
        located = _place_in(member.parts if member.is_folder else folders)
        if member.is_folder and member.fault:
            _reject_folder(scan, member, located[0] if located else None)
            continue
        if located:
            _see(spool, located[0])
        if name in _STRUCTURES and not member.is_folder:
            poscar, fault = (
                None if member.fault else member.data or b"",
                member.fault and f"{name} {member.fault}",
            )
            spool.put_structure("/".join(folders), poscar, fault, relaxed=name == "CONTCAR")
        elif name == "xmu.dat" and not member.is_folder:
            _take_spectrum(scan, member, path, spec, max_tail)
    _join_parts(scan, spec)
    if spool.spectra or scan.rejected or scan.elsewhere:
        _reject_incomplete(scan)
    return scan


def _reject_incomplete(scan: _Scan) -> None:
    """Reject the site folders without a spectrum and the materials without any site."""
    for folder, site in scan.spool.sites_without_spectrum():
        scan.reject(folder, site, "no xmu.dat in the folder of the site")
    for folder in scan.spool.structures_without_site():
        scan.reject(folder, "", "no spectrum beside this structure")


def _see(spool: FeffSpool, place: _Place) -> None:
    spool.see_place("/".join(place.path), "/".join(place.material), place.site)


def _parts_of(folder: str) -> tuple[str, ...]:
    return tuple(folder.split("/")) if folder else ()


def _reject_folder(scan: _Scan, member: Member, place: _Place | None) -> None:
    """Reject what a folder that cannot be read may hold: the site it is of, or what is not known."""
    reason = f"the folder {member.fault}"
    if place is None:
        scan.elsewhere.append(Rejection("/".join(member.parts), "", reason))
        return
    _see(scan.spool, place)
    if not scan.spool.account("/".join(place.path)):
        scan.reject("/".join(place.material), place.site, reason)


def _take_spectrum(scan: _Scan, member: Member, path: Path, spec: FamilySpec, max_tail: float) -> None:
    """Put the spectrum of one xmu.dat, on the family's grid, or the reason against it into `scan`."""
    located = _place_in(member.parts[:-1])
    if located is None or not located[1]:
        where = "/".join(member.parts[:-1]) or path.name
        scan.elsewhere.append(Rejection(where, "", f"unknown layout: xmu.dat is not at {_SPECTRA}"))
        return
    place = located[0]
    folder = "/".join(place.material)
    scan.spool.account("/".join(place.path))
    try:
        if member.fault:
            raise SpectrumError(f"xmu.dat {member.fault}")
        if place.index < 0:
            raise SpectrumError("the name of the site's folder is not <site>_<El>")
        if place.element and place.element != spec.element:
            raise SpectrumError(f"the site's folder names {place.element}, the family is of {spec.element}")
        xmu = parse_xmu(member.data or b"")
        require_absorber(xmu, spec.element, spec.edge)
        if len(parts_of(spec.edge)) > 1:
            _take_part(scan.spool, folder, place, xmu, spec, max_tail)
            return
        spectrum_E = regrid(xmu.energy, xmu.mu, spec.energy_E, max_tail)
        scan.spool.put_spectrum(folder, place.index, spectrum_E.astype(np.float32))
    except SpectrumError as error:
        scan.reject(folder, place.site, str(error))


def _take_part(
    spool: FeffSpool, folder: str, place: _Place, xmu: Xmu, spec: FamilySpec, max_tail: float
) -> None:
    """Put the spectrum of one of a family's edges, weighted, into the spool; SpectrumError where it cannot be."""
    edge, weights = xmu.edge or place.edge, parts_of(spec.edge)
    if edge not in weights:
        raise SpectrumError(f"neither its header nor its folder says which edge of {spec.edge} it is of")
    later = edge_energy(spec.element, edge) - edge_energy(spec.element, spec.edge)
    spectrum_E = weights[edge] * regrid(xmu.energy, xmu.mu, spec.energy_E, max_tail + later)
    if not spool.put_part(folder, place.index, edge, spectrum_E):
        raise SpectrumError(f"a second spectrum of the {edge} edge of this site")


def _join_parts(scan: _Scan, spec: FamilySpec) -> None:
    """Add up the spectra of each site's edges, and reject what lacks one."""
    edges = parts_of(spec.edge)
    for folder, site, names in scan.spool.join_parts(list(edges)):
        scan.reject(folder, str(site), f"{names} alone: {' and '.join(edges)} make {spec.edge}")


def _place_in(folders: tuple[str, ...]) -> tuple[_Place, bool] | None:
    """Return the deepest site folder in a path, and whether an xmu.dat at the path's end is that site's."""
    for n in reversed(range(len(folders))):
        below = folders[n + 1 :]
        if n and (of_edge := _FEFF_FOLDER.fullmatch(folders[n - 1])):
            match = _SITE_ELEMENT.fullmatch(folders[n])
            index, element = (int(match.group(1)), match.group(2)) if match else (-1, "")
            place = _Place(folders[: n - 1], folders[: n + 1], index, element, of_edge.group(1) or "")
            return place, below == ()
        if match := _FEFF_SITE.fullmatch(folders[n]):
            return _Place(folders[:n], folders[: n + 1], int(match.group(1))), below == ("XANES",)
    return None
