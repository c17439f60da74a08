"""Synthetic families: spectra whose causes, and the response to each of them, are known."""

import hashlib
from collections.abc import Mapping, Sequence

import numpy as np

from rankaae_cli.core.errors import UserError, nearest
from rankaae_cli.core.structure import synthetic as rules
from rankaae_cli.core.structure.synthetic import CODES, DESCRIPTOR_UNITS, MATERIAL_DRAWS, SITE_DRAWS
from rankaae_cli.core.structure.synthetic_elements import EDGES, ELEMENTS, Element, element_at
from rankaae_cli.data.family.family import Family
from rankaae_cli.data.family.splits import split_by_material
from rankaae_cli.data.spectra_rows import GeneratedRows, blocks_of

CREATED = "2000-01-01T00:00:00+00:00"
RULES_SINCE = "0.1.0"  # the version of the program from which on these rules make the same spectra
MOST_SITES = 4
# The mean over so many rows is that over all to within a few times `RESOLUTION`.
RESPONSE_ROWS = 20000
# Rows drawn, or made, at once.
_ROWS_AT_ONCE = 4096
# Spectra are multiples of this, in edge steps: far below what an experiment resolves, far above the last bits
# in which machines differ, and a power of two, since such float32 numbers compress to half their size.
RESOLUTION = 2.0**-13
# Causes of the spectra that are no descriptors, by the names they have as quantities: attribute, unit.
_HIDDEN = {
    "MBL": ("R", "angstrom"),
    "covalency": ("covalency", "1"),
    "second_shell": ("second_shell", "angstrom"),
    "scattering": ("scattering", "1"),
    "offset": ("offset", "eV"),
    "scale": ("scale", "1"),
    "width": ("width", "eV"),
}


def synthetic_family(
    name: str,
    element: str,
    edge: str,
    energy_E: np.ndarray,
    descriptor_names: Sequence[str],
    spectra: int = 800,
    seed: int = 0,
    hidden: bool = False,
    in_memory: bool = True,
    code: str = "A",
) -> Family:
    """Make a synthetic family; see `rankaae_cli.core.structure.synthetic` for its rules.

    Materials have one to four sites, which share the oxidation state (but for one site in seven), part of the
    strain, covalency and second shell, and the nuisance. A larger family of the same name and seed begins
    with the rows of the smaller one.

    Parameters
    ----------
    name
        Such as ``Fe_oxides``; families of another name get other random numbers.
    element, edge
        One of `ELEMENTS`; ``K`` or ``L23``.
    energy_E
        Shape (E,), eV, ascending, with the edge of every oxidation state inside.
    descriptor_names
        The descriptors to store, K of `DESCRIPTOR_UNITS`.
    spectra, seed
        N, at least 1; any integer.
    hidden
        Whether to store as quantities what causes the spectra beside the descriptors, but for the wiggle of
        the background.
    in_memory
        Whether to make all spectra at once; otherwise each is made where it is asked for.
    code
        One of `rankaae_cli.core.structure.synthetic.CODES`: the same sites, seen by another program.

    Returns
    -------
    Family
        With `true_response_KE`, of a large family that of its first `RESPONSE_ROWS` rows.

    Raises
    ------
    UserError
        If the rules do not cover the element, edge, descriptors or grid, or `spectra` is below 1.
    """
    energy_E = np.asarray(energy_E, dtype=np.float64)
    absorber = _absorber(name, element, edge, energy_E)
    _check_what_is_asked(name, descriptor_names, spectra)
    causes, number_N, site_N = synthetic_causes(name, element, spectra, seed)
    quantities_NQ, quantity_names, quantity_units = _quantities(causes, _HIDDEN if hidden else {})
    names = np.array([f"synthetic-{m:05d}" for m in range(number_N[-1] + 1)], dtype=object)
    materials_N = names[number_N]
    generated = GeneratedRows(
        spectra,
        len(energy_E),
        lambda first, end: _rounded(rules.spectra(absorber, causes[first:end], energy_E, CODES[code])),
    )
    some = causes[:RESPONSE_ROWS]
    return Family(
        name=name,
        element=element,
        edge=edge,
        energy_E=energy_E,
        spectra_NE=np.concatenate(list(blocks_of(generated, _ROWS_AT_ONCE))) if in_memory else generated,
        descriptors_NK=np.stack([getattr(causes, d) for d in descriptor_names], axis=1),
        descriptor_names=tuple(descriptor_names),
        descriptor_units=tuple(DESCRIPTOR_UNITS[d] for d in descriptor_names),
        material_N=materials_N,
        site_N=site_N,
        split_N=split_by_material(materials_N),
        source="synthetic",
        fidelity="synthetic" if code == "A" else f"synthetic {code}",
        created=CREATED,
        rankaae_version=RULES_SINCE,
        true_response_KE=_rounded(
            rules.true_response(absorber, some, energy_E, descriptor_names, CODES[code])
        ),
        quantities_NQ=quantities_NQ,
        quantity_names=quantity_names,
        quantity_units=quantity_units,
    )


def synthetic_causes(
    name: str, element: str, spectra: int, seed: int
) -> tuple[rules.Causes, np.ndarray, np.ndarray]:
    """Return the causes of a synthetic family, hidden ones too, and to which site they belong.

    Parameters
    ----------
    name, element, spectra, seed
        As of `synthetic_family`, but not checked.

    Returns
    -------
    causes, material, site
        N rows; the number of the row's material, shape (N,); the index of its site, shape (N,).
    """
    of_materials, of_sites = (_stream(f"{name}:{seed}:{part}") for part in ("materials", "sites"))
    parts: list[rules.Causes] = []
    numbers, sites = [], []
    done = materials = 0
    while done < spectra:
        # One row a material: they are as many rows, or more.
        n = min(_ROWS_AT_ONCE, spectra - done)
        per_material = _uniform(of_materials, n, MATERIAL_DRAWS + 1)
        sizes = 1 + (MOST_SITES * per_material[:, -1]).astype(np.int64)
        material = np.repeat(np.arange(n), sizes)[: spectra - done]
        site_NU = _uniform(of_sites, len(material), SITE_DRAWS)
        parts.append(rules.draw_causes(ELEMENTS[element], per_material[material, :-1], site_NU))
        numbers.append(materials + material)
        sites.append(np.arange(len(material)) - (np.cumsum(sizes) - sizes)[material])
        done, materials = done + len(material), materials + n
    return rules.Causes.joined(parts), np.concatenate(numbers), np.concatenate(sites)


def _quantities(
    causes: rules.Causes, stored: Mapping[str, tuple[str, str]]
) -> tuple[np.ndarray, tuple[str, ...], tuple[str, ...]]:
    """Return values of shape (N, Q), names and units of the causes that are `stored` as quantities."""
    values = [getattr(causes, attribute).round(6) for attribute, _ in stored.values()]
    units = tuple(unit for _, unit in stored.values())
    return np.array(values).reshape(-1, len(causes)).T, tuple(stored), units


def _absorber(name: str, element: str, edge: str, energy_E: np.ndarray) -> Element:
    if element not in ELEMENTS:
        raise UserError(
            f"family {name}: there are no synthetic spectra of {element}\n"
            f"supported elements: {', '.join(ELEMENTS)}"
        )
    if edge not in EDGES:
        raise UserError(
            f"family {name}: there are no synthetic spectra of the {edge} edge, only of {' and '.join(EDGES)}"
        )
    absorber = element_at(element, edge)
    last = absorber.parts[-1][1] if absorber.parts else absorber
    states = np.array([min(absorber.sites), max(absorber.sites)])
    edges = rules.edge_energy(absorber, states)[0], rules.edge_energy(last, states)[1]
    if not (energy_E[0] < edges[0] and edges[1] < energy_E[-1]):
        raise UserError(
            f"family {name}: its energies from {energy_E[0]:g} to {energy_E[-1]:g} eV do not hold the "
            f"synthetic {element} edges from {edges[0]:g} to {edges[1]:g} eV\ncorrect its energy grid"
        )
    return absorber


def _check_what_is_asked(name: str, descriptor_names: Sequence[str], spectra: int) -> None:
    if spectra < 1:
        raise UserError(f"family {name}: {spectra} synthetic spectra asked for, expected at least 1")
    for descriptor in descriptor_names:
        if descriptor not in DESCRIPTOR_UNITS:
            raise UserError(
                f"family {name}: synthetic spectra have no descriptor {descriptor}\n"
                f"{nearest(descriptor, DESCRIPTOR_UNITS)}"
            )


def _stream(key: str) -> np.random.Generator:
    return np.random.Generator(np.random.PCG64(int.from_bytes(hashlib.sha256(key.encode()).digest()[:16])))


def _uniform(stream: np.random.Generator, rows: int, columns: int) -> np.ndarray:
    """Return uniform numbers in (0, 1), row by row, so that a longer table begins with the shorter one."""
    return stream.random((rows, columns)).clip(1e-9, 1 - 1e-9)


def _rounded(mu: np.ndarray) -> np.ndarray:
    # Adding zero turns -0 into 0, which would be another byte.
    return (np.round(mu / RESOLUTION) * RESOLUTION + 0.0).astype(np.float32)
