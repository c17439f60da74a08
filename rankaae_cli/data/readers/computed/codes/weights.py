"""How many sites a computed one stands for, by the structure that lies beside the output of a code."""

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import replace
from importlib.util import find_spec
from pathlib import Path

from rankaae_cli.data.readers.computed.codes.folder import CodeSpectrum
from rankaae_cli.data.structures.structure_files import distinct_absorbers, structures_in

_NAMES = ("POSCAR", "CONTCAR")


def weighted(folder: Path, spectra: Sequence[CodeSpectrum]) -> list[CodeSpectrum]:
    """Return spectra with the multiplicities of their sites, where these are those that differ by symmetry.

    The structure is a POSCAR or CONTCAR in the folder of the material. Where there is none, or the sites that a
    code computed are others than the first of each set of sites of an element that are alike, all count the same.
    """
    if find_spec("pymatgen") is None:
        return list(spectra)
    sites: dict[tuple[str, str, str], set[int]] = defaultdict(set)
    for one in spectra:
        sites[one.code, one.material, one.setting].add(one.site)
    of_material = {
        material: _multiplicities(folder, material) for material in {one.material for one in spectra}
    }
    return [
        replace(one, weight=own.get(one.site, 1))
        for one in spectra
        for own in [_of_sites(of_material[one.material], sites[one.code, one.material, one.setting])]
    ]


def _of_sites(by_element: Sequence[dict[int, int]], sites: set[int]) -> dict[int, int]:
    return next((own for own in by_element if own.keys() == sites), {})


def _multiplicities(folder: Path, material: str) -> list[dict[int, int]]:
    """Return the multiplicity of each site that differs by symmetry, of every element of a material's structure."""
    here = folder.resolve()
    places = [here / material, *(place for place in (here, here.parent) if place.name == material)]
    files = [place / name for place in places for name in _NAMES if (place / name).is_file()]
    for read in structures_in(files[:1]):
        if not read.fault:
            elements = {e.symbol for site in read.structure for e in site.species.elements}
            absorbers = [distinct_absorbers(read.structure, element) for element in sorted(elements)]
            return [{one.site: one.multiplicity for one in own} for own in absorbers]
    return []
