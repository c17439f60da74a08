"""Descriptors of spectra from another family file, by material and site."""

from dataclasses import replace

import numpy as np

from rankaae_cli.core.errors import UserError
from rankaae_cli.data.family.family import Family
from rankaae_cli.data.family.family_file import read_family
from rankaae_cli.data.family.regrid import require_same_absorber
from rankaae_cli.data.family.rejections import Rejection
from rankaae_cli.data.family.sites import FamilySpec, require_overlap


def read_labels(path: str, spec: FamilySpec) -> Family:
    """Read the family file that descriptors are taken from; its spectra stay there.

    Raises
    ------
    UserError
        If it cannot be read, or is of another element, edge or range of energies than the family.
    """
    labels = read_family(path, stored=True)
    require_same_absorber(labels, spec, path)
    require_overlap(labels.energy_E, spec, path)
    return labels


def with_labels(family: Family, labels: Family, path: str) -> tuple[Family, tuple[Rejection, ...]]:
    """Give spectra the descriptors, quantities and groups that another family file has of their sites.

    Parameters
    ----------
    family
        The spectra; what was known of their sites is replaced.
    labels
        The other file, of the same element and edge.
    path
        Of the other file, for messages.

    Returns
    -------
    Family
        With the rows whose material and site are in both.
    tuple of Rejection
        The other rows.

    Raises
    ------
    UserError
        If no site is in both.
    """
    sites = zip(labels.material_N, labels.site_N.tolist(), strict=True)
    row_of = {(str(material), site): row for row, (material, site) in enumerate(sites)}
    own = [(str(m), site) for m, site in zip(family.material_N, family.site_N.tolist(), strict=True)]
    kept = [n for n, one in enumerate(own) if one in row_of]
    if own and not kept:
        (material, site), (other, other_site) = own[0], next(iter(row_of), ("nothing", 0))
        raise UserError(
            f"labels={path} has no site of these {len(own)} spectra: they begin with site {site} of {material!r}, "
            f"it with site {other_site} of {other!r}\ngive a family file of the same materials"
        )
    rows = np.array([row_of[own[n]] for n in kept], dtype=np.int64)
    rejected = [
        Rejection(material, str(site), "no descriptors: the file of labels= does not have this site")
        for material, site in own
        if (material, site) not in row_of
    ]
    return (
        replace(
            family.with_rows(kept),
            descriptors_NK=labels.descriptors_NK[rows],
            descriptor_names=labels.descriptor_names,
            descriptor_units=labels.descriptor_units,
            quantities_NQ=labels.quantities_NQ[rows],
            quantity_names=labels.quantity_names,
            quantity_units=labels.quantity_units,
            groups={name: group_N[rows] for name, group_N in labels.groups.items()},
        ),
        tuple(rejected),
    )
