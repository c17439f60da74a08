"""A family of rings of carbon in cells that repeat, small enough to be trained on in a second."""

import numpy as np

from rankaae_cli.core.structure.masses import volume_of
from rankaae_cli.core.structure.periodic import loose_packing
from rankaae_cli.data.family.family import Family
from rankaae_cli.data.structures.structure_set import Structure

ATOMS = 27


def family(structures=8, seed=0, side=None):
    """Packings at four densities; the spectrum of an atom tells how many others are within 2.2 angstrom."""
    random = np.random.default_rng(seed)
    names = [f"c{i}" for i in range(structures)]
    density = [("75", "100", "125", "150")[i % 4] for i in range(structures)]
    cells = {}
    for name, of in zip(names, density, strict=True):
        lattice = np.eye(3) * volume_of("C", ATOMS, float(of) / 50) ** (1 / 3)
        positions = loose_packing(lattice, ATOMS, random) + 0.1 * random.normal(size=(ATOMS, 3))
        cells[name] = Structure(lattice, positions, ("C",) * ATOMS)
    n = structures * ATOMS
    near = np.concatenate([_near(one) for one in cells.values()])
    spectra = 1 + near[:, None] * np.linspace(0, 1, 10) + 0.05 * random.normal(size=(n, 10))
    sides = np.array([{"75": 0, "100": 0, "125": 1, "150": 2}[of] for of in density], dtype=np.uint8)
    return Family(
        name="amorphous_carbon",
        element="C",
        edge="K",
        energy_E=np.arange(10.0),
        energy_unit="index",
        spectra_NE=spectra.astype(np.float32),
        descriptors_NK=near[:, None],
        descriptor_names=("CN",),
        descriptor_units=("1",),
        material_N=np.repeat(np.array(names, dtype=object), ATOMS),
        site_N=np.tile(np.arange(ATOMS), structures),
        split_N=np.repeat(sides, ATOMS) if side is None else np.full(n, side, dtype=np.uint8),
        normalisation="unknown",
        source="atoms",
        groups={"density": np.repeat(np.array(density, dtype=object), ATOMS)},
        split_by="density",
        structures=cells,
    )


def _near(structure):
    fractions = structure.positions @ np.linalg.inv(structure.lattice)
    apart = fractions[:, None] - fractions
    distance = np.linalg.norm((apart - apart.round()) @ structure.lattice, axis=2)
    return ((distance > 0) & (distance < 2.2)).sum(1).astype(float)
