"""What a family asks of the readers of foreign formats, and what they give back."""

from array import array
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, Protocol

import numpy as np

from rankaae_cli.core.errors import UserError, nearest
from rankaae_cli.core.structure.descriptors import (
    DESCRIPTORS,
    Shell,
    describe,
    require_usable_names,
    why_not_kept,
)
from rankaae_cli.core.structure.oxidation_states import REASONS
from rankaae_cli.core.structure.quantities import QUANTITIES, measure
from rankaae_cli.core.xas.spectra import SpectrumError, uniform_grid
from rankaae_cli.data.family.rejections import Rejection
from rankaae_cli.data.features.feature_set import FeatureSet
from rankaae_cli.data.segments import Segment
from rankaae_cli.data.spectra_rows import Spectra, gathered_spectra, rows_taken
from rankaae_cli.data.structures.structure_set import Structure

_SITE_DIGITS = 18  # what surely fits into 64 bits
_ARCHIVE_SUFFIXES = (".gz", ".xz", ".bz2", ".tgz", ".tar", ".zip")


class Gauge(Protocol):
    """What shows how far long work is."""

    def __call__(self, done: int, total: int | None, standing: str = "") -> None:
        """Show how much is done of how much (None: not known), and how it stands in words."""


def silent(done: int, total: int | None, standing: str = "") -> None:
    """Show nothing: a `Gauge` for work that no one watches."""


@dataclass(frozen=True)
class Neighbours:
    """How first-shell neighbours are found: ``crystal_nn``, or ``cutoff`` with a radius in angstrom."""

    method: str = "crystal_nn"
    radius: float | None = None


@dataclass(frozen=True)
class FamilySpec:
    """A family as its configuration describes it.

    Attributes
    ----------
    name, element, edge
        Such as ``Fe_oxides``, ``Fe``, ``K``.
    energy_E
        Shape (E,), the family's grid, in `energy_unit` (``eV`` or ``index``).
    descriptor_names
        What is computed for each site of a structure.
    neighbours
        How first shells are found.
    ligands, coordination
        Which first shells the family keeps; None for any.
    split_by
        What shares a side of the split.
    edges
        Names of the edges or kinds of spectra that a molecule has, where they are several.
    """

    name: str
    element: str
    edge: str
    energy_E: np.ndarray
    energy_unit: str = "eV"
    descriptor_names: tuple[str, ...] = ()
    neighbours: Neighbours = Neighbours()
    ligands: tuple[str, ...] | None = None
    coordination: tuple[int, ...] | None = None
    split_by: str = "material"
    edges: tuple[str, ...] = ()

    @property
    def quantity_names(self) -> tuple[str, ...]:
        """The further quantities that are computed for each site of a structure."""
        return tuple(name for name in QUANTITIES if name not in self.descriptor_names)

    @property
    def needs_oxidation_states(self) -> bool:
        """Whether descriptors or neighbours depend on the atoms' oxidation states."""
        return self.neighbours.method == "crystal_nn" or "OS" in self.descriptor_names


def family_spec(configuration: Mapping[str, Any]) -> FamilySpec:
    """Make a family of its configuration, as conf/family/ has it.

    Raises
    ------
    UserError
        If the name, the energy grid or the way to find neighbours is impossible.
    """
    name, grid = configuration["name"], configuration["energy"]
    require_usable_names([name], "the configuration", "family")
    neighbours, keep = configuration["neighbours"], configuration["keep"] or {}
    method, radius = neighbours["method"], neighbours.get("radius")
    if method == "cutoff" and not (radius and radius > 0):
        raise UserError(f"family {name}: neighbours.method=cutoff needs neighbours.radius= in angstrom")
    if grid["points"] < 2 or grid["step"] <= 0:
        raise UserError(f"family {name}: energy.points must be at least 2 and energy.step positive")
    ligands, coordination = keep.get("ligands"), keep.get("coordination")
    return FamilySpec(
        name=name,
        element=configuration["element"],
        edge=configuration["edge"],
        energy_E=uniform_grid(grid["start"], grid["step"], grid["points"]),
        energy_unit=grid["unit"],
        descriptor_names=tuple(configuration["descriptors"]),
        neighbours=Neighbours(method, radius),
        ligands=None if ligands is None else tuple(ligands),
        coordination=None if coordination is None else tuple(coordination),
        split_by=configuration.get("split_by", "material"),
        edges=tuple(configuration.get("edges") or ()),
    )


@dataclass(frozen=True)
class Sites:
    """What a reader returns: the sites that can be used, and the others with the reason.

    Shapes and meanings of the arrays are those of `rankaae_cli.data.family.family.Family`; beside them
    stands `oxidation_reason_N` where oxidation states were computed.
    """

    energy_E: np.ndarray
    spectra_NE: Spectra
    descriptors_NK: np.ndarray
    descriptor_names: tuple[str, ...]
    descriptor_units: tuple[str, ...]
    material_N: np.ndarray
    site_N: np.ndarray
    rejected: tuple[Rejection, ...] = ()
    energy_unit: str = "eV"
    normalisation: str = "edge_step"
    quantities_NQ: np.ndarray = field(default_factory=lambda: np.empty((0, 0)))
    quantity_names: tuple[str, ...] = ()
    quantity_units: tuple[str, ...] = ()
    oxidation_reason_N: np.ndarray | None = None
    groups: Mapping[str, np.ndarray] = field(default_factory=dict)
    segments: tuple[Segment, ...] = ()
    yes_no: bool = False
    features: FeatureSet | None = None
    structures: Mapping[str, Structure] = field(default_factory=dict)

    def __len__(self) -> int:
        return len(self.material_N)


def units_of(names: Sequence[str]) -> tuple[str, ...]:
    """Return the units of descriptors or quantities, empty where a name is not one of the program's own."""
    return tuple(QUANTITIES[n].unit if n in QUANTITIES else "" for n in names)


def require_known_descriptors(names: Sequence[str], family: str) -> None:
    """Raise UserError if the family asks for a descriptor that cannot be computed from a structure."""
    for name in names:
        if name not in DESCRIPTORS:
            raise UserError(f"family {family} asks for descriptor {name}: {nearest(name, DESCRIPTORS)}")


def site_index(digits: str) -> int:
    """Return the site index that `digits` spell; raise SpectrumError if it is beyond 64 bits."""
    significant = digits.lstrip("0")
    if len(significant) > _SITE_DIGITS:
        raise SpectrumError(f"site index {digits[:24]} has more than {_SITE_DIGITS} digits")
    return int(significant or "0")


def described(shell: Shell | str, spec: FamilySpec, keep_all: bool) -> list[float]:
    """Return the family's K descriptors of a site, its Q further quantities, the index of the state's reason.

    Parameters
    ----------
    shell
        The site's first shell, or the reason why there is none.
    spec
        The family.
    keep_all
        Whether to keep sites whose first shell is not one the family keeps.

    Raises
    ------
    SpectrumError
        With the reason, if there is no shell or the family does not keep it.
    """
    if isinstance(shell, str):
        raise SpectrumError(shell)
    if not keep_all and (reason := why_not_kept(shell, spec.ligands, spec.coordination)):
        raise SpectrumError(reason)
    values = describe(shell, spec.descriptor_names) + measure(shell, spec.quantity_names)
    return [*values, float(REASONS.index(shell.oxidation_reason))]


def material_names(folders: Iterable[tuple[str, ...]], top: str | Path) -> dict[tuple[str, ...], str]:
    """Name materials by where they lie.

    A material has the last part of its path for a name; where several end alike, each has as many more parts
    from the end as tell it from the others (``setA/m1`` and ``setB/m1``), at most all.

    Parameters
    ----------
    folders
        Each material's path, split at the slashes, relative to what was read; empty: the top itself.
    top
        The folder or archive that was read, whose name a material at the top has.
    """
    name = Path(top).resolve().name
    for suffix in _ARCHIVE_SUFFIXES:
        name = name.removesuffix(suffix)
    paths = {folder: folder or (".", name) for folder in folders}
    count = Counter(path[-n:] for path in paths.values() for n in range(1, len(path) + 1))
    return {
        folder: "/".join(next((path[-n:] for n in range(1, len(path)) if count[path[-n:]] == 1), path))
        for folder, path in paths.items()
    }


def repeated_sites(
    material_N: np.ndarray, site_N: np.ndarray, file_N: np.ndarray | None = None
) -> np.ndarray:
    """Return which rows repeat the site of an earlier row (of the same file, where there are several).

    Shape (N,), bool.
    """
    number_N = material_numbers(material_N)
    order = np.lexsort((site_N, number_N) if file_N is None else (site_N, number_N, file_N))
    keys = [number_N, site_N] if file_N is None else [number_N, site_N, file_N]
    again_N = np.zeros(len(order), dtype=bool)
    again_N[order[1:]] = np.logical_and.reduce([np.diff(key[order]) == 0 for key in keys])
    return again_N


def material_numbers(material_N: np.ndarray) -> np.ndarray:
    """Return a number for every row, shape (N,), int64, equal where the materials are."""
    numbers: dict[str, int] = {}
    return np.array([numbers.setdefault(m, len(numbers)) for m in material_N], dtype=np.int64)


def require_overlap(energy_E: np.ndarray, spec: FamilySpec, where: str, to_grid: bool = False) -> None:
    """Raise UserError if energies have nothing in common with the family's, as for the wrong element.

    With `to_grid` also if they end before the family's grid, to which spectra on them are to be brought.
    """
    first, last = spec.energy_E[0], spec.energy_E[-1]
    if spec.energy_unit == "eV" and (energy_E[-1] < first or energy_E[0] > last):
        in_kev = 1000 * energy_E[-1] >= first and 1000 * energy_E[0] <= last
        raise UserError(
            f"{where}: the energies {energy_E[0]:.8g} to {energy_E[-1]:.8g} eV do not meet those of family "
            f"{spec.name}, {first:.8g} to {last:.8g} eV\n"
            + (
                "they look like keV; expected eV: multiply them by 1000"
                if in_kev
                else "is it of another element or edge? choose +family="
            )
        )
    slack = 1e-3 * (spec.energy_E[1] - spec.energy_E[0])  # as of `regrid`
    points = int((spec.energy_E <= energy_E[-1] + slack).sum())
    if to_grid and 2 <= points < len(spec.energy_E):
        raise UserError(
            f"{where}: the spectra end at {energy_E[-1]:.8g} {spec.energy_unit}, before the grid of family "
            f"{spec.name} at {last:.8g}\ngive family.energy.points={points}, with which it ends at "
            f"{spec.energy_E[points - 1]:.8g}"
        )


def gather(
    rows: Iterable[tuple[str, int, np.ndarray, Sequence[float] | np.ndarray]],
    rejected: list[Rejection],
    *,
    energy_E: np.ndarray,
    descriptor_names: Sequence[str],
    descriptor_units: Sequence[str] | None = None,
    quantity_names: Sequence[str] = (),
    quantity_units: Mapping[str, str] | None = None,
    energy_unit: str = "eV",
    normalisation: str = "edge_step",
    features: FeatureSet | None = None,
    groups: Mapping[str, Mapping[str, str]] | None = None,
    structures: Mapping[str, Structure] | None = None,
) -> Sites:
    """Put sites together, sorted by material and site; a second row of one site is rejected.

    Spectra that are large together are not held in memory.

    Parameters
    ----------
    rows
        (material, site, spectrum of shape (E,), K descriptors and then Q quantities) of each site; then, of
        sites of structures, the index of the oxidation state's reason; then their features, where there are any.
    rejected
        Sites rejected, by the time that `rows` has been gone through; not changed.
    energy_E, descriptor_names, descriptor_units, quantity_names, energy_unit, normalisation
        Of all rows. A quantity that is not known of any site is left out.
    quantity_units
        By name; None for quantities of the program's own.
    features
        Of no rows: what the features of the rows are; None where there are none.
    groups
        Those of each material, by their names; None where none are known.
    structures
        Of the materials, by their names; None where none are known.
    """
    numbers: dict[str, int] = {}
    number_of, sites, flat = array("q"), array("q"), array("d")

    def spectra() -> Iterator[np.ndarray]:
        for material, site, spectrum_E, values in rows:
            number_of.append(numbers.setdefault(material, len(numbers)))
            sites.append(site)
            flat.extend(map(float, values))
            yield spectrum_E

    gathered = gathered_spectra(spectra(), len(energy_E))
    number_N, site_N = np.array(number_of, dtype=np.int64), np.array(sites, dtype=np.int64)
    names = np.array(list(numbers), dtype=object)
    again_N = repeated_sites(names[number_N], site_N)
    repeated = [
        Rejection(names[number_N[i]], str(site_N[i]), "duplicate: this material and site came before")
        for i in np.flatnonzero(again_N)
    ]
    rank = np.argsort(np.argsort(names))
    order = np.lexsort((site_N, rank[number_N]))
    order = order[~again_N[order]]

    k, q, f = len(descriptor_names), len(quantity_names), 0 if features is None else len(features.names)
    width = len(flat) // len(site_N) if len(site_N) else k + q + f
    values_N = np.array(flat, dtype=np.float64).reshape(len(site_N), width)[order]
    known = [i for i in range(q) if np.isfinite(values_N[:, k + i]).any()]
    kept_names = tuple(quantity_names[i] for i in known)
    material_N = names[number_N[order]]
    return Sites(
        energy_E=np.asarray(energy_E, dtype=np.float64),
        spectra_NE=rows_taken(gathered, order),
        descriptors_NK=values_N[:, :k],
        descriptor_names=tuple(descriptor_names),
        descriptor_units=tuple(descriptor_units or units_of(descriptor_names)),
        material_N=material_N,
        site_N=site_N[order],
        rejected=tuple(sorted([*rejected, *repeated], key=lambda r: (r.material, r.site))),
        energy_unit=energy_unit,
        normalisation=normalisation,
        quantities_NQ=values_N[:, [k + i for i in known]],
        quantity_names=kept_names,
        quantity_units=units_of(kept_names)
        if quantity_units is None
        else tuple(quantity_units[name] for name in kept_names),
        oxidation_reason_N=values_N[:, k + q].astype(np.int64) if width > k + q + f else None,
        groups=group_columns(material_N, groups or {}),
        features=replace(features, values_NF=values_N[:, width - f :].astype(np.float32))
        if features is not None
        else None,
        structures=structures or {},
    )


def group_columns(material_N: np.ndarray, groups: Mapping[str, Mapping[str, str]]) -> dict[str, np.ndarray]:
    """Return the groups of rows by name, shape (N,) each, of those of their materials; empty where not known."""
    none: Mapping[str, str] = {}
    return {
        name: np.array([groups.get(material, none).get(name, "") for material in material_N], dtype=object)
        for name in dict.fromkeys(name for of_material in groups.values() for name in of_material)
    }
