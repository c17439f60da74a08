"""A measured scan made by hand: what a beamline's chambers would have counted."""

import numpy as np

EDGES = {"Cu": 8979.0, "Fe": 7112.0, "Cr": 5989.0}


def scan_energies(e0, below=150.0, above=600.0):
    """Energies as a scan takes them: coarse before the edge, fine over it, coarser and coarser after it."""
    fine = np.arange(e0 - 20, e0 + 45, 0.4)
    return np.concatenate(
        [np.arange(e0 - below, e0 - 20, 5.0), fine, np.arange(e0 + 45, e0 + above + 1e-9, 2.0)]
    )


def edge_step_function(energy, e0, width=1.5):
    """A normalised edge with a white line and fine structure about 1; its steepest point is at e0."""
    step = 0.5 + np.arctan((energy - e0) / width) / np.pi
    beyond = np.clip(energy - e0, 0, None)
    wiggle = 0.3 * np.exp(-beyond / 60) * np.sin(beyond / 6.0 + 0.4) * (1 - np.exp(-beyond / 6))
    return step + wiggle


def mu(energy, e0, step=1.2, offset=0.4, slope=-4e-4, noise=0.0, seed=0):
    """Absorption with a sloping background, as measured."""
    values = offset + slope * (energy - e0) + step * edge_step_function(energy, e0)
    return values + noise * np.random.default_rng(seed).standard_normal(len(energy))


def chambers(energy, e0, **options):
    """Counts before and behind the sample, and behind a foil whose edge is at e0 - 6 eV."""
    i0 = 2e5 * (1 + 0.1 * np.sin(energy / 300))
    itrans = i0 * np.exp(-mu(energy, e0, **options))
    irefer = itrans * np.exp(-mu(energy, e0 - 6.0, step=0.7, offset=0.1))
    return i0, itrans, irefer


def xdi_text(columns, fields=(), labels=None, version="# XDI/1.0 GSE/1.0"):
    """The text of an XDI file: columns is a mapping of label (and unit) to values."""
    lines = [version, *(f"# Column.{i}: {label}" for i, label in enumerate(columns, 1)), *fields, "# ///"]
    lines += [
        "# a comment: with a colon",
        "#----",
        "# " + " ".join(labels or [c.split()[0] for c in columns]),
    ]
    lines += [" ".join(f"{v:.6f}" for v in row) for row in zip(*columns.values(), strict=True)]
    return "\n".join(lines) + "\n"


def copper_xdi(shift=0.0, **options):
    """XDI of a copper compound, edge 6 eV above the foil's, whose energies are `shift` eV too high."""
    energy = scan_energies(EDGES["Cu"])
    i0, itrans, irefer = chambers(energy, EDGES["Cu"] + 6.0, **options)
    fields = (
        "# Element.symbol: Cu",
        "# Element.edge: K",
        "# Mono.d_spacing: 3.13553",
        "# Beamline.name: 13-ID",
        "# Sample.name: a compound",
        "# Sample.reference: Cu foil",
    )
    return xdi_text({"energy eV": energy + shift, "i0": i0, "itrans": itrans, "irefer": irefer}, fields)
