"""Small folders of FEFF spectra beside structures, for tests of their readers."""

import errno
import math
import os
from pathlib import Path

import numpy as np

GRID = 8983.5 + 0.25 * np.arange(256)

_HEADER_9 = """\
# # made for a test                                             FEFF 9.9.1
# # POT  SCF  30  5.0000   0, core-hole, AFOLP (folp(0)= 1.150)
# # Abs   Z={z} Rmt= 1.272 Rnm= 1.378 {edge}  shell
# # Pot 1 Z= 8 Rmt= 1.035 Rnm= 1.211
# # Gam_ch=1.729E+00 H-L exch Vi= 0.000E+00 Vr= 0.000E+00
# # Mu=-8.096E+00eV kf=1.794E+00 Vint=-1.488E+01eV Rs_int= 2.022
# xsedge+ 50, used to normalize mu           2.4327E-04
# -----------------------------------------------------------------------
# omega    e    k    mu    mu0     chi     @#
"""
HEADERS = {
    "FEFF 9": _HEADER_9,
    "FEFF 8": _HEADER_9.replace("# # ", "# ").replace("9.9.1", "8.50L"),
    "FEFF 6": _HEADER_9.replace("# # ", " ").replace("# ", " ").replace("9.9.1", "6.00 "),
}


def xmu_text(first=8984.5, last=9125.0, points=173, z=29, edge="K", header="FEFF 9", shift=0.0):
    """Return an xmu.dat: a broadened step with a white line, on energies that widen away from the edge."""
    energy = first + (last - first) * np.linspace(0, 1, points) ** 1.6
    x = energy - 8992 - shift
    mu = 0.5 + np.arctan(x / 0.9) / math.pi + 0.6 / (1 + ((x - 3) / 2) ** 2)
    rows = "".join(
        f"{e:12.3f}{e - 8996.4:11.3f}{0.04 * i:8.3f} {m:12.5E} {m:12.5E} {0.0:12.5E}\n"
        for i, (e, m) in enumerate(zip(energy, mu, strict=True))
    )
    return HEADERS[header].format(z=z, edge=edge) + rows


def poscar(cell, species, positions):
    """Return a POSCAR: `species` gives the element of each fractional position, equal ones together."""
    kinds = list(dict.fromkeys(species))
    lines = ["made for a test", "1.0", *(" ".join(f"{x:.8f}" for x in row) for row in cell)]
    lines += [" ".join(kinds), " ".join(str(species.count(k)) for k in kinds), "direct"]
    lines += [" ".join(f"{x:.8f}" for x in position) for position in positions]
    return "\n".join(lines) + "\n"


def tenorite():
    """CuO, C2/c (Asbrink and Waskowska 1991): Cu with four O, two at 1.951 and two at 1.961 angstrom."""
    a, b, c, beta, y = 4.6837, 3.4226, 5.1288, math.radians(99.54), 0.4184
    cell = [[a, 0, 0], [0, b, 0], [c * math.cos(beta), 0, c * math.sin(beta)]]
    cu = [(0.25, 0.25, 0), (0.75, 0.25, 0.5), (0.75, 0.75, 0), (0.25, 0.75, 0.5)]
    o = [(0, y, 0.25), (0, 1 - y, 0.75), (0.5, y + 0.5, 0.25), (0.5, 0.5 - y, 0.75)]
    return poscar(cell, ["Cu"] * 4 + ["O"] * 4, cu + o)


def cuprite():
    """Cu2O: Cu with two O in a line."""
    cu = [(0.25, 0.25, 0.25), (0.75, 0.75, 0.25), (0.75, 0.25, 0.75), (0.25, 0.75, 0.75)]
    return poscar(np.eye(3) * 4.27, ["Cu"] * 4 + ["O"] * 2, [*cu, (0, 0, 0), (0.5, 0.5, 0.5)])


def rock_salt(metal="Cu", anion="O", a=4.2):
    """A rock salt: both with six neighbours at a / 2."""
    corners = [(0, 0, 0), (0, 0.5, 0.5), (0.5, 0, 0.5), (0.5, 0.5, 0)]
    others = [(x + 0.5, y, z) for x, y, z in corners]
    return poscar(np.eye(3) * a, [metal] * 4 + [anion] * 4, corners + others)


def slow_cell():
    """A rock salt of 64 atoms, over which CrystalNN outlasts several alarms."""
    places = np.array(list(np.ndindex(4, 4, 4)))
    elements = np.where(places.sum(axis=1) % 2, "O", "Cu")
    order = np.argsort(elements, kind="stable")
    return poscar(np.eye(3) * 8.4, list(elements[order]), [tuple(place / 4) for place in places[order]])


def perovskite(large, small, a):
    """A cubic perovskite: the small cation is atom 1, among six oxygens at a / 2."""
    places = [(0.5, 0.5, 0.5), (0, 0, 0), (0.5, 0, 0), (0, 0.5, 0), (0, 0, 0.5)]
    return poscar(np.eye(3) * a, [large, small, "O", "O", "O"], places)


def write(root, files):
    """Write texts by their path below `root`; return `root`."""
    for name, text in files.items():
        path = Path(root) / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(text if isinstance(text, bytes) else text.encode())
    return Path(root)


def close(monkeypatch, *names):
    """Let no one read the folders of these names, not even root, whom permissions do not stop."""
    scandir = os.scandir

    def refuse(path):
        if Path(path).name in names:
            raise PermissionError(errno.EACCES, os.strerror(errno.EACCES), str(path))
        return scandir(path)

    monkeypatch.setattr("rankaae_cli.data.readers.computed.archive.os.scandir", refuse)


def site(material, index, text=None, element="Cu"):
    """Return the files of one site."""
    return {f"{material}/FEFF-XANES/{index:03d}_{element}/xmu.dat": xmu_text() if text is None else text}


def good_folder():
    """Return three materials with four good sites."""
    return {
        "all/m-tenorite/POSCAR": tenorite(),
        **site("all/m-tenorite", 0),
        **site("all/m-tenorite", 1, xmu_text(shift=0.5)),
        "all/m-rock/POSCAR": rock_salt(),
        **site("all/m-rock", 0, xmu_text(header="FEFF 8")),
        "all/m-big/POSCAR": rock_salt(a=4.25),
        "all/m-big/feff_002_Cu-K/XANES/xmu.dat": xmu_text(header="FEFF 6"),
    }
