"""Several family files read as one family."""

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np

from rankaae_cli.core.errors import UserError
from rankaae_cli.core.xas.spectra import is_same_grid
from rankaae_cli.data.family.family import Family, Member
from rankaae_cli.data.family.family_file import read_family
from rankaae_cli.data.family.regrid import on_grid
from rankaae_cli.data.family.sites import repeated_sites
from rankaae_cli.data.features.feature_set import FeatureSet, one_below_another, require_alike
from rankaae_cli.data.spectra_rows import JoinedRows, Spectra

# eV that a spectrum may begin after the first file's grid; as of `rankaae ingest`.
_MAX_TAIL = 8.0


def read_families(
    paths: Sequence[Path], regrid: bool = False, stored: bool = False, across: bool = False
) -> tuple[Family, tuple[str, ...]]:
    """Read one family file, or several as one family.

    A descriptor that a file has not is not known (NaN) of its rows. A site that is in several files, such as one
    computed at two levels of theory, is kept from each.

    Parameters
    ----------
    paths
        At least one.
    regrid
        Whether to bring the spectra to the energies of the first file where they are on others; otherwise such
        files are refused. Spectra that cannot be brought there are left out.
    stored
        Whether the spectra stay in the files.
    across
        Whether files of several families may be joined, over energies relative to the first of each.

    Returns
    -------
    Family
        With `file_N` where there are several, and with `members` where they are of several families.
    tuple of str
        What a user should know of how they went together, a line each.

    Raises
    ------
    UserError
        If a file cannot be read, or does not go with the first one.
    """
    if len(paths) == 1:
        return read_family(paths[0], stored), ()
    if again := [path for i, path in enumerate(paths) if path in paths[:i]]:
        raise UserError(f"{again[0]} is given twice\ngive each file once")
    read = [read_family(path, stored) for path in paths]
    if across and len({(family.name, family.element) for family in read}) > 1:
        return _across(read, paths), ()
    return _of_one_family(read, paths, regrid)


def _of_one_family(
    read: Sequence[Family], paths: Sequence[Path], regrid: bool
) -> tuple[Family, tuple[str, ...]]:
    families: list[Family] = []
    notes: list[str] = []
    for path, family in zip(paths, read, strict=True):
        first = families[0] if families else family
        _require_alike(first, family, paths[0], path)
        if not is_same_grid(first.energy_E, family.energy_E):
            _require_common_energies(first, family, paths[0], path)
            if not regrid:
                raise UserError(
                    f"{path} is on another energy grid ({_grid(family)}) than {paths[0]} ({_grid(first)})\n"
                    "give regrid=true to bring its spectra to that of the first file"
                )
            family, note = _brought(family, first.energy_E, path)
            notes += note
        families.append(family)
    joined = _joined(families)
    for path, family in zip(paths, families, strict=True):
        absent = [n for n in joined.descriptor_names if n not in _columns(family)]
        if absent:
            notes.append(f"{path} has no {', '.join(absent)}: not known of its {len(family)} spectra")
    notes += _features_note(families, paths)
    several = int(repeated_sites(joined.material_N, joined.site_N).sum())
    if several:
        notes.append(
            f"{several} of {len(joined)} spectra are of sites that an earlier file has too; all are kept"
        )
    if len({family.normalisation for family in families}) > 1:
        notes.append("the files are normalised differently: the normalisation counts as unknown")
    return joined, tuple(notes)


def relative(family: Family) -> Family:
    """Return a family over energies relative to its first one, a member of itself alone.

    The grids of families begin where their codes put the edge, as far as they tell; tabulated edges, of the free
    element, lie 1.5 eV above (Ti) to 4.5 eV below that (Cu).
    """
    member = Member(family.name, family.element, family.fidelity, float(family.energy_E[0]))
    return replace(
        family,
        energy_E=family.energy_E - member.first_energy,
        members=(member,),
        file_N=np.zeros(len(family), dtype=np.int64),
    )


def _across(families: Sequence[Family], paths: Sequence[Path]) -> Family:
    """Return the rows of several families as one, over relative energies."""
    shifted = [relative(family) for family in families]
    first = shifted[0]
    for family, own, path in zip(families, shifted, paths, strict=True):
        _require_alike(first, own, paths[0], path, of_one_family=False)
        if not is_same_grid(first.energy_E, own.energy_E):
            raise UserError(
                f"{path} is on another energy grid ({_grid(family)}) than {paths[0]} ({_grid(families[0])})\n"
                "several families need as many points at the same step: rankaae ingest source=family regrid=true"
            )
    advice = "ingest both with features of one model and version"
    require_alike([family.features for family in families], [str(path) for path in paths], advice)
    name = "+".join(dict.fromkeys(family.element for family in families))
    members = tuple(member for family in shifted for member in family.members)
    return replace(_joined(shifted), name=name, element=name, members=members)


def _require_alike(
    first: Family, other: Family, first_path: Path, path: Path, of_one_family: bool = True
) -> None:
    """Refuse a file of another family, element, edge or unit, and synthetic spectra beside others."""
    kinds = [(f.name, f.element, f.edge, f.energy_unit) for f in (first, other)]
    if kinds[0][0 if of_one_family else 2 :] != kinds[1][0 if of_one_family else 2 :]:
        kind_names = [f"{name} ({element} {edge} edge, {unit})" for name, element, edge, unit in kinds]
        raise UserError(
            f"{path} holds {kind_names[1]}, but {first_path} {kind_names[0]}\n"
            f"give files of one {'family' if of_one_family else 'edge'}"
        )
    if first.is_synthetic != other.is_synthetic:
        synthetic = first_path if first.is_synthetic else path
        raise UserError(f"{synthetic} is synthetic, the other data are not\ntrain on one kind of spectra")
    if first.segments != other.segments:
        raise UserError(f"{path} holds other edges than {first_path}\ntrain on files of the same edges")
    units, others = _columns(first), _columns(other)
    for name in set(units) & set(others):
        if units[name] and others[name] and units[name] != others[name]:
            raise UserError(
                f"{name} is in {others[name]} in {path}, but in {units[name]} in {first_path}\n"
                "give files with the same units"
            )


def _require_common_energies(first: Family, other: Family, first_path: Path, path: Path) -> None:
    """Refuse a file whose energies lie all below or all above those of the first."""
    if other.energy_E[-1] < first.energy_E[0] or other.energy_E[0] > first.energy_E[-1]:
        raise UserError(
            f"{path} ({_grid(other)}) and {first_path} ({_grid(first)}) have no energies in common\n"
            "give files on one energy scale, or train on each alone"
        )


def _grid(family: Family) -> str:
    e = family.energy_E
    return f"{len(e)} points, {e[0]:.8g} to {e[-1]:.8g} {family.energy_unit}"


def _brought(family: Family, energy_E: np.ndarray, path: Path) -> tuple[Family, list[str]]:
    """Return the family on other energies, and what there is to say of the rows that are left out."""
    brought, rejected = on_grid(family, energy_E, _MAX_TAIL)
    if not len(brought):
        raise UserError(
            f"no spectrum of {path} can be brought to the energies of the first file: {rejected[0].reason}\n"
            "leave the file out, or give it first"
        )
    if not rejected:
        return brought, []
    left = f"{len(rejected)} of {len(family)} spectra of {path} are left out"
    return brought, [f"{left}: they cannot be brought to the energies of the first file"]


def _columns(family: Family) -> dict[str, str]:
    """Return the unit of every descriptor and quantity of a family."""
    names = (*family.descriptor_names, *family.quantity_names)
    return dict(zip(names, (*family.descriptor_units, *family.quantity_units), strict=True))


def _joined(families: Sequence[Family]) -> Family:
    """Return all rows, one file after another."""
    units: dict[str, str] = {}
    for family in families:
        for name, unit in _columns(family).items():
            units[name] = units.get(name) or unit
    descriptors = tuple(dict.fromkeys(name for f in families for name in f.descriptor_names))
    quantities = tuple(name for name in units if name not in descriptors)
    normalisations, splits = ({getattr(f, key) for f in families} for key in ("normalisation", "split_by"))
    return replace(
        families[0],
        spectra_NE=_joined_spectra([f.spectra_NE for f in families]),
        descriptors_NK=np.concatenate([_values(f, descriptors) for f in families]),
        descriptor_names=descriptors,
        descriptor_units=tuple(units[name] for name in descriptors),
        quantities_NQ=np.concatenate([_values(f, quantities) for f in families]),
        quantity_names=quantities,
        quantity_units=tuple(units[name] for name in quantities),
        material_N=np.concatenate([f.material_N for f in families]),
        site_N=np.concatenate([f.site_N for f in families]),
        split_N=np.concatenate([f.split_N for f in families]),
        groups=_joined_groups(families),
        split_by=splits.pop() if len(splits) == 1 else "",
        yes_no=all(f.yes_no for f in families),
        file_N=np.repeat(np.arange(len(families)), [len(f) for f in families]),
        source="+".join(dict.fromkeys(f.source for f in families)),
        fidelity="+".join(dict.fromkeys(f.fidelity for f in families)),
        normalisation=normalisations.pop() if len(normalisations) == 1 else "unknown",
        created=max(f.created for f in families),
        features=_joined_features(families),
        structures={},
        # It is that of the rows of one file.
        true_response_KE=None,
    )


def _joined_spectra(parts: Sequence[Spectra]) -> Spectra:
    arrays = [part for part in parts if isinstance(part, np.ndarray)]
    return np.concatenate(arrays) if len(arrays) == len(parts) else JoinedRows(parts)


def _joined_features(families: Sequence[Family]) -> FeatureSet | None:
    """Return the features of all rows, None where a file has none or others than the first."""
    sets = [family.features for family in families if family.features is not None]
    if len(sets) < len(families) or any(sets[0].difference(other) for other in sets[1:]):
        return None
    return one_below_another(sets)


def _features_note(families: Sequence[Family], paths: Sequence[Path]) -> list[str]:
    """Return why the features of the files are left out, where some have any."""
    first = families[0].features
    for family, path in zip(families, paths, strict=True):
        if (first is None) != (family.features is None):
            return [f"features are left out: {paths[0] if first is None else path} has none"]
        if first is not None and family.features is not None and (why := first.difference(family.features)):
            return [f"features are left out: those of {path} are {why}, those of {paths[0]}"]
    return []


def _joined_groups(families: Sequence[Family]) -> dict[str, np.ndarray]:
    """Return the groups of all rows; empty strings for the rows of a file that has not such groups."""
    names = dict.fromkeys(name for f in families for name in f.groups)
    return {
        name: np.concatenate([f.groups.get(name, np.full(len(f), "", dtype=object)) for f in families])
        for name in names
    }


def _values(family: Family, names: Sequence[str]) -> np.ndarray:
    """Return the columns of those names, shape (N, len(names)); NaN for those that the family has not."""
    known = dict(zip(family.descriptor_names, family.descriptors_NK.T, strict=True))
    known |= dict(zip(family.quantity_names, family.quantities_NQ.T, strict=True))
    nothing_N = np.full(len(family), np.nan)
    return np.array([known.get(name, nothing_N) for name in names]).reshape(len(names), len(family)).T
