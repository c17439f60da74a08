"""Computed spectra, and family files, read as spectra alone: they go the way of measured ones in a prediction."""

from dataclasses import replace
from pathlib import Path

import numpy as np

from rankaae_cli.core.xas.spectra import SpectrumError
from rankaae_cli.data.family.family_file import read_family
from rankaae_cli.data.family.sites import FamilySpec
from rankaae_cli.data.measured.spectrum import MeasuredSpectrum, Readings, ordered
from rankaae_cli.data.readers.computed.csv_table import read_csv
from rankaae_cli.data.readers.computed.feff import parse_xmu

# Sources of family files whose spectra were measured.
MEASURED_SOURCES = frozenset({"measured", "xdi"})


def read_xmu(data: bytes, path: Path) -> Readings:
    """Read FEFF's ``xmu.dat``, named by the folder it lies in where it is called that."""
    xmu = parse_xmu(data)
    name = path.stem if path.name != "xmu.dat" else (path.parent.name or path.stem)
    spectrum = MeasuredSpectrum(
        name=name,
        path=path,
        element=xmu.element or None,
        edge=xmu.edge or None,
        energy_M=xmu.energy,
        mu_M=xmu.mu,
        is_normalised=True,
        is_computed=True,
        columns_used="mu (FEFF)",
    )
    return Readings((ordered(spectrum),))


def read_table(path: Path) -> Readings:
    """Read a table in RankAAE's public CSV format; a spectrum is named ``<material>_<site>``."""
    # The energies are the table's own: no family is asked for.
    anything = FamilySpec("any", "", "", np.arange(2.0), energy_unit="index")
    sites = read_csv(path, anything, to_grid=False, max_tail=0.0)
    spectra = tuple(
        MeasuredSpectrum(
            name=f"{material}_{site}",
            path=path,
            element=None,
            edge=None,
            energy_M=sites.energy_E,
            mu_M=spectrum_E.astype(np.float64),
            is_normalised=sites.normalisation == "edge_step",
            is_computed=True,
            metadata={"site.material": str(material), "site.index": str(site)},
            columns_used="mu (CSV table)",
        )
        for material, site, spectrum_E in zip(sites.material_N, sites.site_N, sites.spectra_NE, strict=True)
    )
    return Readings(spectra, tuple((f"{r.material}_{r.site}", r.reason) for r in sites.rejected))


def read_family_spectra(path: Path) -> Readings:
    """Read a family file; a spectrum is named ``<material>_<site>``, or by its material if it was measured."""
    family = read_family(path)
    if family.energy_unit != "eV":
        raise SpectrumError(f"a family file over {family.energy_unit}, not over eV")
    measured = family.source in MEASURED_SOURCES
    spectra = [
        MeasuredSpectrum(
            name=f"{material}_{site}",
            path=path,
            element=family.element,
            edge=family.edge,
            energy_M=family.energy_E,
            mu_M=spectrum_E.astype(np.float64),
            is_normalised=family.normalisation == "edge_step",
            is_computed=not measured,
            metadata={
                "site.material": str(material),
                "site.index": str(site),
                "family.name": family.name,
                "family.source": family.source,
            },
            columns_used="mu (family file)",
        )
        for material, site, spectrum_E in zip(
            family.material_N, family.site_N, family.spectra_NE, strict=True
        )
    ]
    if measured:
        spectra = [replace(s, name=s.metadata["site.material"]) for s in spectra]
    return Readings(tuple(spectra))
