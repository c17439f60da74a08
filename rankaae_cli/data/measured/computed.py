"""Computed spectra, and family files, read as scans of a finished absorption: they go the way of measured ones."""

from collections.abc import Iterator
from pathlib import Path

import h5py
import numpy as np

from rankaae_cli.core.xas.spectra import SpectrumError
from rankaae_cli.data.compression import bare_name
from rankaae_cli.data.family.family_file import FORMAT, read_family
from rankaae_cli.data.family.sites import FamilySpec
from rankaae_cli.data.measured.columns import ColumnChoice
from rankaae_cli.data.readers.computed.codes.outputs import CORE_HOLE, PARSERS, POLARISED, code_of
from rankaae_cli.data.readers.computed.csv_table import read_csv
from rankaae_cli.data.readers.computed.feff import is_xmu_text, parse_xmu
from rankaae_cli.data.readers.scans.raw_scan import Contents, Fault, RawScan

CODE = "code.name"  # of the metadata: what computed a spectrum that has no edge step


def is_xmu(contents: Contents) -> bool:
    """Tell FEFF's xmu.dat, whatever it is called."""
    return is_xmu_text(contents.text)


def read_xmu(contents: Contents, choice: ColumnChoice | None = None) -> Iterator[RawScan]:
    """Read FEFF's ``xmu.dat``, named by the folder it lies in where it is called that."""
    path = contents.path
    name = bare_name(path.name)
    xmu = parse_xmu(contents.text.encode())
    yield RawScan(
        name=Path(name).stem if name != "xmu.dat" else (path.parent.name or "xmu"),
        path=path,
        columns=[xmu.energy, xmu.mu],
        element=xmu.element or None,
        edge=xmu.edge or None,
        absorption="mu (FEFF)",
        is_normalised=True,
        is_computed=True,
    )


def is_output(contents: Contents) -> bool:
    """Tell the output of codes that compute a core hole, a component of a dielectric tensor too."""
    name = bare_name(contents.path.name)
    return not contents.is_hdf5 and (name.startswith("EPSILON_") or code_of(name, contents.text) in CORE_HOLE)


def read_output(contents: Contents, choice: ColumnChoice | None = None) -> Iterator[RawScan]:
    """Read what OCEAN, exciting, XSpectra and VASP write; the energies are on the code's own zero."""
    name = bare_name(contents.path.name)
    code = code_of(name, contents.text)
    if code is None:
        raise SpectrumError(
            "a component off the diagonal of the dielectric tensor, whose trace is the spectrum"
        )
    note = f"one polarisation of {code}: give the folder of all for their average"
    yield RawScan(
        name=name,
        path=contents.path,
        columns=list(PARSERS[code](contents.text)),
        metadata={CODE: code},
        absorption=f"absorption ({code})",
        is_ordered=True,
        is_computed=True,
        notes=(note,) if code in POLARISED else (),
    )


def is_table(contents: Contents) -> bool:
    """Tell a table in RankAAE's public CSV format by its header."""
    return "ENE_" in contents.text.split("\n", 1)[0]


def read_table(contents: Contents, choice: ColumnChoice | None = None) -> Iterator[RawScan | Fault]:
    """Read a table in RankAAE's public CSV format; a spectrum is named ``<material>_<site>``."""
    # The energies are the table's own: no family is asked for.
    anything = FamilySpec("any", "", "", np.arange(2.0), energy_unit="index")
    sites = read_csv(contents.path, anything, to_grid=False, max_tail=0.0)
    for material, site, spectrum_E in zip(sites.material_N, sites.site_N, sites.spectra_NE, strict=True):
        yield RawScan(
            name=f"{material}_{site}",
            path=contents.path,
            columns=[sites.energy_E, spectrum_E.astype(np.float64)],
            record=f"{material}_{site}",
            metadata={"site.material": str(material), "site.index": str(site)},
            absorption="mu (CSV table)",
            is_ordered=True,
            is_normalised=sites.normalisation == "edge_step",
            is_computed=True,
        )
    yield from (Fault(f"{one.material}_{one.site}", one.reason) for one in sites.rejected)


def is_family(contents: Contents) -> bool:
    """Tell a family file from other HDF5."""
    if not contents.is_hdf5:
        return False
    try:
        with h5py.File(contents.path, "r", locking=False) as file:
            kind = file.attrs.get("format", "")
    except (OSError, RuntimeError, KeyError, ValueError, TypeError) as error:
        raise SpectrumError("an HDF5 file that is damaged or cut short") from error
    return (kind.decode() if isinstance(kind, bytes) else str(kind)) == FORMAT


def read_family_spectra(contents: Contents, choice: ColumnChoice | None = None) -> Iterator[RawScan]:
    """Read a family file; a spectrum is named ``<material>_<site>``, or by its material if it was measured."""
    family = read_family(contents.path)
    if family.energy_unit != "eV":
        raise SpectrumError(f"a family file over {family.energy_unit}, not over eV")
    measured = family.is_measured
    about = {"family.name": family.name, "family.source": family.source}
    for material, site, spectrum_E in zip(family.material_N, family.site_N, family.spectra_NE, strict=True):
        yield RawScan(
            name=str(material) if measured else f"{material}_{site}",
            path=contents.path,
            columns=[family.energy_E, spectrum_E.astype(np.float64)],
            record=f"{material}_{site}",
            element=family.element,
            edge=family.edge,
            metadata={"site.material": str(material), "site.index": str(site), **about},
            absorption="mu (family file)",
            is_ordered=True,
            is_normalised=family.normalisation == "edge_step",
            is_computed=not measured,
        )
