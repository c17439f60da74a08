"""Synthetic XANES of K and L2,3 edges in which the descriptors cause the spectrum through known rules.

The spectra look like those of oxides of 3d metals, but their causes, and the response to each of them, are
known exactly, so that a method which claims to disentangle them can be held to account.

Causal graph
------------
Every arrow is one formula of this module. Hidden causes stand in brackets::

    OS -> CN, (geometry)                      table `synthetic_elements`, a weak tie
    (strain) -> (R)                           about 0.6 % of the element's mean bond length
    CN, d count -> NNRS                       unequal bonds, Jahn-Teller
    (geometry), (bending) -> (smallest angle)
    (R), (smallest angle) -> MOOD             trigonometry
    OS, CN, (other cations) -> OCN            Pauling's electrostatic valence rule, damped
    OS, CN, OCN, NNRS, MOOD, (R), (covalency), (second shell's deviation), (its scattering strength),
        (nuisance) -> spectrum

The spectrum is a function of `Causes` alone, and each descriptor is an argument of it, not only an ancestor
of other arguments. So do(MOOD = x) *with all other causes fixed* is a spectrum of another MOOD and the same
R: a direct effect. Geometry acts through what is observed: the loss of inversion and the planarity are
functions of CN and the angle 2 asin(MOOD / 2 R).

The hidden arguments of the spectrum are independent of OS, CN, OCN and NNRS, and R has a small share in
MOOD. So the direct effects follow from descriptors and spectra alone, as they must where a method is tested
by them. In real oxides R follows OS and CN by the bond valence; here it does not, since what it does to
the spectrum would then belong to no descriptor and to all of them. What remains entangled: CN and NNRS (rank
correlation about 0.6), less so CN and MOOD (-0.4), NNRS and MOOD through them, and OCN with OS and CN.

Rules of the spectrum
---------------------
Energies in eV, lengths in angstrom, intensities in edge steps; widths are full widths at half maximum.

- *Edge*: E0 = E0(element) + s (OS - OS_ref) - 0.3 covalency, with s of 0.8 to 1.2 eV a unit of charge; such
  shifts: Wong et al., Phys. Rev. B 30, 5596 (1984). Half arctangent (core hole), half error function (final
  states).
- *Pre-edge* (1s-3d): height (0.03 + 0.24 m) h / 10, where h = 10 - d is the number of 3d holes and m, from 0
  to 1, the loss of inversion, which mixes 4p into 3d: tetrahedral strong, octahedral and square-planar weak,
  five neighbours between. It follows OS by 0.6 of the edge's shift. Wilke et al., Am. Mineral. 86, 714 (2001);
  Yamamoto, X-Ray Spectrom. 37, 572 (2008).
- *Resonances*, by Natoli's rule (E_r - E_ref) R^2 = C with E_ref = E0 - 3: Bianconi et al., Phys. Rev. B
  32, 4292 (1985), who take the pre-edge for E_ref. The first is the white line, whose area grows with CN
  and falls with covalency; the third is the scattering from neighbour to neighbour, with MOOD in the place
  of R. By the same rule a spread NNRS of distances spreads the resonance by (2 C / R^3) NNRS, which adds to
  its width; areas are conserved.
- *Shoulders* on the rise: 1s-4pz of planar sites, Kosugi et al., Chem. Phys. 91, 249 (1984); and non-local
  transitions into metals behind the oxygens, de Groot et al., J. Phys. Condens. Matter 21, 104207 (2009),
  whose height grows with OCN - 1 and whose place follows Natoli's rule with R2, the distance of those
  metals.
- *Oscillations* a sin(2 k R + phi), as in EXAFS: first shell with a proportional to CN, damped by
  exp(-2 k^2 (NNRS^2 + 0.07^2)); second with a proportional to OCN - 1, at R2 = sqrt(3) R, as where the angle
  at the oxygen is 120 degrees, and the second shell's deviation.
- *L2,3 edges*: the sum of both with their statistical weights, each with all of the above at its own energy and
  core hole, but in place of the pre-edge peak the line of 2p-3d, allowed at any site, which gives L edges their
  height. It lies 3 eV below the edge and grows with the holes, 4 (h + 0.1) / (h + 1.1), by up to a tenth with m.
- *Codes*: the same causes make other spectra in another `Code`, as two programs differ in the white line, the
  broadening and the zero of energy. What a descriptor changes stays the same, but for the broadening.
- *Nuisance*: energy offset, error of the edge step, instrumental width, a slow wiggle of the background.

All numbers without a source are choices that make the spectra look like those FEFF computes.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields, replace

import numpy as np
from scipy.special import erf, expit, ndtri

from rankaae_cli.core.structure.synthetic_elements import Element

DESCRIPTOR_UNITS = {"OS": "e", "CN": "1", "OCN": "1", "NNRS": "angstrom", "MOOD": "angstrom"}

# Coordination numbers of `synthetic_elements.GEOMETRIES`.
_CN = np.array([4.0, 4.0, 5.0, 6.0])
# The smallest O-M-O angle, degrees: the most it can be, and by how much bending closes it at most.
_ANGLE = np.array([109.47, 90.0, 90.0, 90.0])
_BENDING = np.array([26.0, 17.0, 20.0, 20.0])

# Constants C of Natoli's rule, eV angstrom^2.
WHITE_LINE = 40.0  # with R
SECOND_RESONANCE = 92.0  # with R
NEIGHBOUR_RESONANCE = 100.0  # with MOOD
NON_LOCAL = 11.0  # with the distance of the second shell

# Rows whose response is worked out at once.
_ROWS_AT_ONCE = 4096

# Uniform numbers that one material, and one site of it, take from their streams.
MATERIAL_DRAWS = 12
SITE_DRAWS = 9


@dataclass(frozen=True)
class Causes:
    """Everything a spectrum depends on, one value a row.

    Attributes
    ----------
    OS, CN, OCN, NNRS, MOOD
        Shape (N,): the descriptors; NNRS and MOOD in angstrom.
    R
        Shape (N,): mean bond length, angstrom.
    covalency
        Shape (N,): charge that the bonds give back to the metal, as a standard score.
    second_shell, scattering
        Shape (N,): deviation of the second shell's distance from its rule, angstrom; strength of its metals
        as scatterers, relative to the usual.
    offset, scale, width
        Shape (N,): energy offset (eV), factor on mu, instrumental FWHM (eV).
    wiggle
        Shape (N, 4): amplitudes of cosine and sine, of one and of two and a half periods over the grid.
    """

    OS: np.ndarray
    CN: np.ndarray
    OCN: np.ndarray
    NNRS: np.ndarray
    MOOD: np.ndarray
    R: np.ndarray
    covalency: np.ndarray
    second_shell: np.ndarray
    scattering: np.ndarray
    offset: np.ndarray
    scale: np.ndarray
    width: np.ndarray
    wiggle: np.ndarray

    def __len__(self) -> int:
        return len(self.OS)

    def __getitem__(self, rows: np.ndarray | slice) -> "Causes":
        return Causes(**{f.name: getattr(self, f.name)[rows] for f in fields(self)})

    @classmethod
    def joined(cls, parts: Sequence["Causes"]) -> "Causes":
        """Return the rows of several, one after another."""
        return cls(**{f.name: np.concatenate([getattr(p, f.name) for p in parts]) for f in fields(cls)})


@dataclass(frozen=True)
class Code:
    """What sets the spectra of one synthetic code apart from those of the first, all sites alike.

    Attributes
    ----------
    white_line
        What is added to the white line's height at CN 5, edge steps.
    broadening
        FWHM (eV) that is added in quadrature to the core hole's.
    shift
        Of all energies, eV.
    """

    white_line: float = 0.0
    broadening: float = 0.0
    shift: float = 0.0


# The first makes the shipped samples.
CODES = {"A": Code(), "B": Code(white_line=0.35, broadening=1.5, shift=2.0)}


def draw_causes(element: Element, material_NU: np.ndarray, site_NU: np.ndarray) -> Causes:
    """Turn uniform numbers into the causes of each row, along the causal graph.

    Uniform numbers instead of a generator, since only they are the same in every version of numpy.

    Parameters
    ----------
    element
        The absorber.
    material_NU
        Shape (N, MATERIAL_DRAWS), in (0, 1): equal in the rows of one material.
    site_NU
        Shape (N, SITE_DRAWS), in (0, 1): each row's own.

    Returns
    -------
    Causes
        The descriptors rounded to 1e-4.
    """
    material, site = ndtri(material_NU), ndtri(site_NU)
    states = np.array(list(element.sites), dtype=float)
    weights = np.array([w for w, _ in element.sites.values()])
    # One site in seven has an oxidation state other than its material's, as in mixed-valence compounds.
    which = _choose(weights, np.where(site_NU[:, 0] < 1 / 7, site_NU[:, 1], material_NU[:, 0]))
    geometry = _choose(np.array([g for _, g in element.sites.values()])[which], site_NU[:, 2])
    os, cn = states[which], _CN[geometry]

    length = mean_bond_length(element) * (1 + 0.005 * material[:, 1] + 0.0035 * site[:, 3])
    jahn_teller = np.isin(element.valence_electrons - os, (4.0, 9.0)) & (cn > 4)
    nnrs = np.exp(np.log(0.09) + 0.45 * (cn - 5) + 0.15 * jahn_teller + 0.50 * site[:, 4]).clip(0.005, 0.45)
    angle = _ANGLE[geometry] - _BENDING[geometry] * expit(1.4 * site[:, 5])
    mood = 2 * length * np.sin(np.radians(angle) / 2)
    # Pauling: the bond strengths OS / CN that meet at an oxygen add up to 2; other cations nearly hide it.
    ocn = 3.6 + 0.12 * ((2 * cn / os).clip(2, 6) - 3.6) + 0.8 * material[:, 2] + 0.4 * site[:, 6]
    ocn = (np.round(ocn * cn) / cn).clip(2, 6)
    return Causes(
        OS=os,
        CN=cn,
        OCN=np.round(ocn, 4),
        NNRS=np.round(nnrs, 4),
        MOOD=np.round(mood, 4),
        R=length,
        covalency=0.8 * material[:, 10] + 0.6 * site[:, 7],
        second_shell=0.04 * site[:, 8],
        scattering=(1 + 0.15 * material[:, 11]).clip(0.3, None),
        offset=0.10 * material[:, 3],
        scale=1 + 0.015 * material[:, 4],
        width=0.6 * material_NU[:, 5],
        wiggle=0.005 * material[:, 6:10],
    )


def mean_bond_length(element: Element) -> float:
    """Return the element's mean bond length, angstrom: R0 - 0.37 ln(OS / 5) at its reference OS."""
    return float(element.bond_valence_r0 - 0.37 * np.log(element.reference_os / 5))


def smallest_angle(mood_N: np.ndarray, length_N: np.ndarray) -> np.ndarray:
    """Return the smallest O-M-O angle, degrees: 2 asin(MOOD / 2 R)."""
    return np.degrees(2 * np.arcsin((mood_N / (2 * length_N)).clip(0, 1)))


def inversion_loss(cn_N: np.ndarray, angle_N: np.ndarray) -> np.ndarray:
    """Return the loss of inversion, in (0, 1), from CN and the smallest O-M-O angle in degrees.

    At 105 degrees and CN 4 it is 0.82; at 83 degrees and CN 4, 5, 6 it is 0.17, 0.12, 0.08.
    """
    return expit((angle_N - 97) / 7 - 0.4 * (cn_N - 5))


def planarity(cn_N: np.ndarray, angle_N: np.ndarray) -> np.ndarray:
    """Return the likeness to a square plane, in (0, 1), from CN up to 6 and the smallest angle in degrees."""
    return (6.25 - cn_N) / 2.25 * expit((98 - angle_N) / 4)


def edge_energy(element: Element, os_N: np.ndarray) -> np.ndarray:
    """Return the middle of the edge without nuisance, shape (N,), eV."""
    return element.edge + element.shift * (os_N - element.reference_os)


def resonance_energy(edge_N: np.ndarray, constant: float, distance_N: np.ndarray) -> np.ndarray:
    """Return E_r of Natoli's rule (E_r - E_ref) R^2 = constant (eV angstrom^2), E_ref 3 eV below the edge."""
    return edge_N - 3.0 + constant / distance_N**2


def spectra(element: Element, causes: Causes, energy_E: np.ndarray, code: Code = CODES["A"]) -> np.ndarray:
    """Return the absorption of each row, shape (N, E), in edge steps: a pure function of its arguments.

    Parameters
    ----------
    element
        The absorber.
    causes
        N rows.
    energy_E
        Shape (E,), eV, ascending.
    code
        Which makes them.
    """
    if element.parts:
        of_parts = [weight * spectra(part, causes, energy_E, code) for weight, part in element.parts]
        return np.sum(of_parts, axis=0)
    c = {f.name: getattr(causes, f.name)[:, None] for f in fields(causes) if f.name != "wiggle"}
    energy_NE = energy_E[None, :] - c["offset"] - code.shift
    edge = edge_energy(element, c["OS"]) - 0.3 * c["covalency"]
    hole = np.hypot(np.hypot(element.core_hole, c["width"]), code.broadening)
    step = _step(energy_NE - edge, hole + 3.4)
    above = (
        1
        + _white_line_and_resonances(c, edge, hole, energy_NE, code)
        + _oscillations(c, energy_NE - edge)
        + _wiggle(causes.wiggle, energy_E)
    )
    return c["scale"] * (
        _pre_edge(element, c, edge, hole, energy_NE) + step * above + _shoulders(c, edge, hole, energy_NE)
    )


def true_response(
    element: Element,
    causes: Causes,
    energy_E: np.ndarray,
    names: Sequence[str],
    code: Code = CODES["A"],
) -> np.ndarray:
    """Return the true response to each named descriptor, shape (K, E), in edge steps.

    The mean over rows of the spectrum with the descriptor at its 95th minus at its 5th percentile among these
    rows, every other cause of the row, hidden ones and nuisance too, as it is.
    """
    response_KE = np.empty((len(names), len(energy_E)))
    for k, name in enumerate(names):
        low, high = np.percentile(getattr(causes, name), (5, 95))
        total_E = np.zeros(len(energy_E))
        for first in range(0, len(causes), _ROWS_AT_ONCE):
            rows = causes[first : first + _ROWS_AT_ONCE]
            difference = spectra(element, intervene(rows, name, high), energy_E, code)
            difference -= spectra(element, intervene(rows, name, low), energy_E, code)
            total_E += difference.sum(axis=0)
        response_KE[k] = total_E / len(causes)
    return response_KE


def intervene(causes: Causes, name: str, value: float) -> Causes:
    """Return `causes` with the cause `name` set to `value` in every row, and nothing else changed."""
    return replace(causes, **{name: np.full(len(causes), float(value))})


_Columns = Mapping[str, np.ndarray]  # causes by name, each of shape (N, 1)


def _pre_edge(
    element: Element, c: _Columns, edge: np.ndarray, hole: np.ndarray, energy: np.ndarray
) -> np.ndarray:
    holes = 10 - (element.valence_electrons - c["OS"]).clip(0, 10)
    mixing = inversion_loss(c["CN"], smallest_angle(c["MOOD"], c["R"]))
    follows = 0.4 * element.shift * (c["OS"] - element.reference_os)
    if element.has_3d_line:
        height = 4 * (holes + 0.1) / (holes + 1.1) * (1 + 0.1 * mixing)
        return height * (1.2 / (hole + 1.2)) * _peak(energy, edge - 3.0 - follows, hole + 1.2)
    at = edge - 7.0 - follows
    return (0.03 + 0.24 * mixing) * holes / 10 * _peak(energy, at, hole + 0.8)


def _shoulders(c: _Columns, edge: np.ndarray, hole: np.ndarray, energy: np.ndarray) -> np.ndarray:
    square = planarity(c["CN"], smallest_angle(c["MOOD"], c["R"]))
    planar = 0.06 * square * _peak(energy, edge - 2.0, hole + 1.8)
    at = resonance_energy(edge, NON_LOCAL, _second_distance(c))
    return planar + 0.036 * _metals(c) * _peak(energy, at, hole + 2.4)


def _white_line_and_resonances(
    c: _Columns, edge: np.ndarray, hole: np.ndarray, energy: np.ndarray, code: Code
) -> np.ndarray:
    total = np.zeros_like(energy)
    for constant, distance, height, width in (
        (WHITE_LINE, "R", (0.62 + code.white_line + 0.12 * (c["CN"] - 5)) * (1 - 0.08 * c["covalency"]), 4.5),
        (SECOND_RESONANCE, "R", 0.11, 6.0),
        (NEIGHBOUR_RESONANCE, "MOOD", 0.18, 6.5),
    ):
        at = resonance_energy(edge, constant, c[distance])
        spread = 2.355 * 2 * constant / c[distance] ** 3 * c["NNRS"]
        full = np.sqrt(width**2 + hole**2 + spread**2)
        total += height * (width / full) * _peak(energy, at, full)
    return total


def _oscillations(c: _Columns, above_edge: np.ndarray) -> np.ndarray:
    # k^2 = 2 m E / hbar^2 = 0.2625 E; the softened E keeps k smooth where the formula ends, at the edge.
    k = np.sqrt(0.2625 * np.logaddexp(0, above_edge / 3) * 3)
    onset = 1 - np.exp(-((np.maximum(above_edge, 0) / 16) ** 2))
    first = (
        0.105 * c["CN"] / 5 * np.exp(-2 * k**2 * (c["NNRS"] ** 2 + 0.07**2)) * np.sin(2 * k * c["R"] - 1.0)
    )
    second = 0.034 * _metals(c) * np.exp(-2 * k**2 * 0.12**2) * np.sin(2 * k * _second_distance(c) + 0.5)
    return onset * (first + second)


def _metals(c: _Columns) -> np.ndarray:
    """Return how strongly the metals around the neighbouring oxygens scatter, about 1 to 5."""
    return c["scattering"] * (c["OCN"] - 1)


def _second_distance(c: _Columns) -> np.ndarray:
    return np.sqrt(3) * c["R"] + c["second_shell"]


def _wiggle(wiggle_N4: np.ndarray, energy_E: np.ndarray) -> np.ndarray:
    phase = 2 * np.pi * (energy_E - energy_E[0]) / (energy_E[-1] - energy_E[0])
    shapes = np.stack([np.cos(phase), np.sin(phase), np.cos(2.5 * phase), np.sin(2.5 * phase)])
    return (wiggle_N4[:, :, None] * shapes).sum(axis=1)


def _step(x: np.ndarray, width: np.ndarray) -> np.ndarray:
    """Return a step of height 1 at x = 0: half arctangent, half error function of the same FWHM."""
    lorentzian = 0.5 + np.arctan(2 * x / width) / np.pi
    gaussian = 0.5 + 0.5 * erf(2 * np.sqrt(np.log(2)) * x / width)
    return 0.5 * (lorentzian + gaussian)


def _peak(energy: np.ndarray, at: np.ndarray, width: np.ndarray) -> np.ndarray:
    """Return a pseudo-Voigt peak of height 1, half Lorentzian and half Gaussian, of FWHM `width`."""
    u = (2 * (energy - at) / width) ** 2
    return 0.5 / (1 + u) + 0.5 * np.exp(-np.log(2) * u)


def _choose(weights: np.ndarray, u_N: np.ndarray) -> np.ndarray:
    """Return an index for each uniform number, by weights of shape (M,) or (N, M) that add up to 1."""
    cumulative = np.cumsum(np.broadcast_to(weights, (len(u_N), weights.shape[-1])), axis=1)
    return (u_N[:, None] >= cumulative[:, :-1]).sum(axis=1)
