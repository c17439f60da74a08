"""What the header of a text says in ways of its own: names of columns, units, and where energies count from.

A dialect is known by its first lines. What they share, a line of labels above the numbers, is read in
`rankaae_cli.data.readers.scans.text_columns`. Learnt from files of the beamlines and from what Athena and Larch do
with them (github.com/bruceravel/demeter, lib/Demeter/Plugins; github.com/xraypy/xraylarch, larch/io).
"""

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from rankaae_cli.data.readers.scans.raw_scan import leading_number

_FIRST_LINES = 5
_SI_111 = 3.13543  # angstrom; what Athena takes for the SRS and DUBBLE, whose files do not say
_D_SPACING = re.compile(
    r"\bd[ _-]?spacing\b[^\d=:\n]{0,30}[=:][ \t]*([\d.]+)|\bd[ \t]*=[ \t]*([\d.]+)[ \t]*(?:A\b|\u00c5|angstrom)",
    re.IGNORECASE,
)
_FDMNES = re.compile(r"\A(\d+(?:\.\d*)?(?:[eE][+-]?\d+)?)\s[^=\n]*=\s*E_edge\b")
# Lines of a header that name one column each, or several, perhaps by number.
_COLUMN_LINES = (
    re.compile(r"^Col[ \t]+\d+[ \t]+(\S+)", re.MULTILINE),  # DESY, .fio
    re.compile(r"^[A-Z]\d+[ \t]*=[ \t]*\{([^}\n]*)\}[ \t]*-->", re.MULTILINE),  # APS 13, Epics scan
)


@dataclass(frozen=True)
class Legend:
    """What a header says of its table.

    Attributes
    ----------
    names, units
        Of the columns; None where the line of labels is to be read.
    d_spacing
        Of the monochromator, angstrom.
    zero
        The energy from which the first column counts, eV.
    notes
        One sentence each.
    """

    names: Sequence[str] | None = None
    units: Sequence[str] | None = None
    d_spacing: float | None = None
    zero: float = 0.0
    notes: tuple[str, ...] = ()


class _Dialect(NamedTuple):
    mark: re.Pattern[str]
    read: Callable[[Sequence[str], np.ndarray], Legend]


def legend_of(header: Sequence[str], table_MC: np.ndarray) -> Legend:
    """Return what the header of a text says of its table in the dialect of a beamline or a program.

    Parameters
    ----------
    header
        Its lines, without comment signs.
    table_MC
        Shape (M, C).
    """
    first = "\n".join(header[:_FIRST_LINES])
    for dialect in _DIALECTS:
        if dialect.mark.search(first):
            return dialect.read(header, table_MC)
    text = "\n".join(header)
    lists = ([name.strip() for name in line.findall(text)] for line in _COLUMN_LINES)
    names = next((names for names in lists if len(names) == table_MC.shape[1]), None)
    return Legend(names, d_spacing=_d_spacing(text))


def _d_spacing(text: str) -> float | None:
    match = _D_SPACING.search(text)
    return leading_number(match[1] or match[2]) if match else None


def _photon_factory(header: Sequence[str], table_MC: np.ndarray) -> Legend:
    """Read 9809, of the Photon Factory, SPring-8, SAGA and Aichi: angles asked for and reached, time, detectors.

    Its line ``Mode`` tells detectors: 1 before the sample, 2 behind it, 3 fluorescence. Dark counts (``Offset``)
    are subtracted already. The angle that was reached is taken, as in Athena and Larch.
    """
    count = table_MC.shape[1]
    modes = next((line.split()[1:] for line in reversed(header) if line.lower().startswith("mode")), [])
    detectors = {"1": "i0", "2": "itrans", "3": "ifluor"}
    names = ["requested_angle", "angle", "time"]
    for i, mode in enumerate(modes[2:], 4):
        name = detectors.get(mode, f"mode_{mode}")
        names.append(f"{name}_{i}" if modes.count(mode) > 1 and mode != "1" else name)
    names += [""] * (count - len(names))
    return Legend(
        names[:count], ["degrees", "degrees", *[""] * (count - 2)], d_spacing=_d_spacing("\n".join(header))
    )


def _srs(header: Sequence[str], table_MC: np.ndarray) -> Legend:
    """Read files of the SRS and of DUBBLE: millidegrees or eV, time, detectors, elements of a detector."""
    count = table_MC.shape[1]
    labels = [line.split()[1:] for line in header if line.startswith("C ") and "ENERGY" in line]
    if labels:
        return Legend(labels[-1] if len(labels[-1]) == count else None)
    is_angle = table_MC[0, 0] > table_MC[-1, 0]
    names = ["angle" if is_angle else "energy", "time", "i0", "itrans", "fluorescence", "im"]
    names = [*names, *(f"ifluor_{i}" for i in range(1, count - 5))][:count]
    note = f"the file does not say the lattice spacing: {_SI_111} angstrom, of Si(111), was taken"
    return Legend(
        names,
        ["millidegrees" if is_angle else "eV", *[""] * (count - 1)],
        d_spacing=_SI_111 if is_angle else None,
        notes=(note,) if is_angle else (),
    )


def _ssrl(header: Sequence[str], table_MC: np.ndarray) -> Legend:
    """Read files of the SSRL's XAFS Data Collector: labels below a line ``Data:``, one a line."""
    start = next((i for i, line in enumerate(header, 1) if line.strip().lower() == "data:"), len(header))
    names = [line.strip() for line in header[start:]]
    return Legend(names if len(names) == table_MC.shape[1] else None)


def _labview(header: Sequence[str], table_MC: np.ndarray) -> Legend:
    """Read files of the APS's LabVIEW control panel (9BM, 20BM, 20ID): labels of a fixed width in the last line."""
    count, width = table_MC.shape[1], 21
    names = [header[-1][i : i + width].strip(" *") for i in range(0, width * count, width)]
    return Legend(names if all(names) and "energy" in names[0].lower() else None)


def _hxma(header: Sequence[str], table_MC: np.ndarray) -> Legend:
    """Read files of the CLS's HXMA: detectors are channels of a scaler, as its users and Athena know them."""
    detectors = {"mcs03": "lytle", "mcs04": "i0", "mcs05": "i1", "mcs06": "i2"}
    for line in header:
        names = re.findall(r'"([^"]*)"', line)
        if len(names) == table_MC.shape[1] and any("mcs04" in name for name in names):
            channels = [next((word for word in detectors if word in name), "") for name in names]
            return Legend([detectors.get(c, name) for c, name in zip(channels, names, strict=True)])
    return Legend()


def fdmnes_zero(text: str, energy_M: np.ndarray) -> float | None:
    """Return the energy from which those of FDMNES's output count, eV, 0 where from none; None of another text."""
    match = _FDMNES.match(text.lstrip())
    if match is None:
        return None
    edge = float(match[1])
    return 0.0 if len(energy_M) and np.nanmin(energy_M) < edge < np.nanmax(energy_M) else edge


def _fdmnes(header: Sequence[str], table_MC: np.ndarray) -> Legend:
    """Read a spectrum of FDMNES, whose energies count from the edge, and whose header says where that lies."""
    edge = fdmnes_zero(header[0], table_MC[:, 0])
    if not edge:
        return Legend()
    return Legend(
        zero=edge, notes=(f"energies count from the edge of the header, {edge:g} eV, which was added",)
    )


_DIALECTS = (
    _Dialect(re.compile(r"\A9809\b"), _photon_factory),
    _Dialect(re.compile(r"^&SRS\b", re.MULTILINE), _srs),
    _Dialect(re.compile(r"^SSRL\s.*\bData Collector", re.MULTILINE), _ssrl),
    _Dialect(re.compile(r"LabVIEW Control Panel"), _labview),
    _Dialect(re.compile(r"^CLS Data Acquisition", re.MULTILINE), _hxma),
    _Dialect(_FDMNES, _fdmnes),
)
