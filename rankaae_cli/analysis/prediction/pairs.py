"""The energy offset between two codes, from the sites that family files of both have."""

from dataclasses import dataclass
from functools import cached_property

import numpy as np
import pandas as pd

from rankaae_cli.analysis.comparison.collection import of_family
from rankaae_cli.analysis.comparison.pairs import ComparisonOptions, compare
from rankaae_cli.analysis.prediction.offset import OffsetFile, scale_of
from rankaae_cli.core.comparison.joint_shift import FEWEST_MATERIALS, PairOffset, combine_pairs
from rankaae_cli.core.errors import UserError
from rankaae_cli.core.xas.energy_offset import LARGE, LEAST_OF_ONE, POOR_FIT
from rankaae_cli.data.family.family import Family

_MANY = 0.1  # of the materials, that lie far off
_MOST_AT_END = 0.5  # of the pairs, that may fit best at an end of the search: the others are no fair sample


@dataclass(frozen=True)
class CodePairs:
    """Spectra of the same sites by two codes, and the shifts at which they fit.

    Attributes
    ----------
    moved, onto
        The rows of both families, the same sites in the same order; the energies of the first are moved.
    table
        Of each pair ``material``, ``site``, ``shift`` (eV, NaN where it fits at none within the search) with its
        ``shift_error``, ``amplitude``, the factor on the absorption of the first there, and ``difference``, the
        mean one that is left over the mean absorption.
    """

    moved: Family
    onto: Family
    table: pd.DataFrame

    @cached_property
    def result(self) -> PairOffset:
        """What the pairs amount to."""
        return combine_pairs(
            list(self.moved.material_N), self.table["shift"].to_numpy(), self.table["amplitude"].to_numpy()
        )

    @property
    def known(self) -> pd.DataFrame:
        """The rows of the table that have a shift."""
        return self.table[self.table["shift"].notna()]

    def content(self) -> OffsetFile:
        """Return the offset as it is kept in a file."""
        result = self.result
        return OffsetFile(
            element=self.moved.element,
            edge=self.moved.edge,
            from_fidelity=scale_of(self.moved),
            to_fidelity=scale_of(self.onto),
            beamline="",
            offset=round(result.offset, 2),
            uncertainty=round(result.spread, 2),
            pairs={
                "sites": result.sites,
                "materials": result.materials,
                "standard_error": round(result.standard_error, 3),
                "amplitude": round(result.amplitude, 3),
                "amplitude_spread": round(result.amplitude_spread, 3),
                "difference": round(float(self.known["difference"].median()), 4),
            },
        )

    def warnings(self) -> list[str]:
        """Return what is to be said of the offset before anybody uses it."""
        result = self.result
        lines = []
        if result.materials < FEWEST_MATERIALS:
            lines.append(
                f"{result.materials} material{'s' if result.materials > 1 else ''} alone: "
                f"of fewer than {FEWEST_MATERIALS} the spread cannot be told"
            )
        elif result.spread > LEAST_OF_ONE:
            lines.append(
                f"the shifts of the materials differ by ± {result.spread:.1f} eV: one offset brings a spectrum no "
                "nearer than that"
            )
        if lost := len(self.table) - result.sites:
            lines.append(
                f"{lost} pairs fit best at an end of the search and are left out: search further, search="
            )
        if result.far > _MANY * result.materials:
            lines.append(
                f"{result.far} of {result.materials} materials lie further than three spreads from the median: "
                "one offset is not all that separates the two"
            )
        if (poor := float(self.known["difference"].median())) > POOR_FIT:
            lines.append(
                f"half of the pairs differ by more than {poor:.3f} of the mean absorption when moved"
            )
        if abs(result.offset) > LARGE:
            lines.append(f"an offset of {result.offset:+.1f} eV is larger than codes are off")
        return lines


def match_codes(moved: Family, onto: Family, search: float) -> CodePairs:
    """Move the spectra of one code until each fits that of the same site by the other.

    Parameters
    ----------
    moved, onto
        The two families; of a site that is in one of them more than once, the first row counts.
    search
        Largest shift tried, eV, either way.

    Raises
    ------
    UserError
        If the two do not go together, have no common site or too little of the grid in common, or most pairs fit
        best at an end of the search.
    """
    for what in ("element", "edge", "energy_unit"):
        own, other = getattr(moved, what), getattr(onto, what)
        if own != other:
            raise UserError(
                f"data= has {what.replace('_', ' ')} {own}, to= {other}\ngive family files of the same absorber"
            )
    rows = _common_rows(moved, onto)
    moved, onto = (family.with_rows(chosen) for family, chosen in zip((moved, onto), rows, strict=True))
    _require_overlap(moved.energy_E, onto.energy_E, search)
    options = ComparisonOptions(search=search, drawn=0)
    table = compare(of_family(moved, "data="), of_family(onto, "to="), options).table
    at_end = int(table["shift"].isna().sum())
    if at_end > _MOST_AT_END * len(moved):
        raise UserError(
            f"{at_end} of {len(moved)} common sites fit best at an end of the search within {search:g} eV: the "
            "offset is not there\nsearch further: search="
        )
    amplitude_N = [_amplitude(moved, onto, n, shift) for n, shift in enumerate(table["shift"])]
    columns = table[["material", "site", "shift", "shift_error"]].assign(
        amplitude=amplitude_N, difference=table["mae"]
    )
    return CodePairs(moved, onto, columns.round(4))


def _amplitude(moved: Family, onto: Family, n: int, shift: float) -> float:
    """Return the factor by which the absorption of a moved spectrum is nearest to that of the other one."""
    energy_M = onto.energy_E - shift
    common = (energy_M >= moved.energy_E[0]) & (energy_M <= moved.energy_E[-1])
    own_M = np.interp(energy_M[common], moved.energy_E, moved.spectra_NE[[n]][0])
    return float(own_M @ onto.spectra_NE[[n]][0][common] / max(own_M @ own_M, 1e-300))


def _require_overlap(energy_E: np.ndarray, energy_M: np.ndarray, search: float) -> None:
    """Refuse grids of which at no shift half of the shorter one is shared."""
    centres = [(each[0] + each[-1]) / 2 for each in (energy_E, energy_M)]
    best = np.clip(centres[1] - centres[0], -search, search)
    shared = min(energy_E[-1] + best, energy_M[-1]) - max(energy_E[0] + best, energy_M[0])
    if shared < 0.5 * min(np.ptp(energy_E), np.ptp(energy_M)):
        ranges = [f"{each[0]:.6g} to {each[-1]:.6g} eV" for each in (energy_E, energy_M)]
        raise UserError(
            f"data= covers {ranges[0]}, to= {ranges[1]}: at no shift within {search:g} eV do they share half of "
            "the shorter one\nis each on absolute energies? else search further: search="
        )


def _common_rows(moved: Family, onto: Family) -> tuple[np.ndarray, np.ndarray]:
    """Return the rows of both of the sites that both have."""
    rows, others = _row_of(moved), _row_of(onto)
    common = sorted(rows.keys() & others.keys())
    if not common:
        (material, site), (other, other_site) = (next(iter(each), ("nothing", 0)) for each in (rows, others))
        raise UserError(
            f"data= and to= have no common site: the one begins with site {site} of {material!r}, "
            f"the other with site {other_site} of {other!r}\ngive files of the same materials"
        )
    return np.array([rows[site] for site in common]), np.array([others[site] for site in common])


def _row_of(family: Family) -> dict[tuple[str, int], int]:
    """Return the first row of each material and site."""
    rows: dict[tuple[str, int], int] = {}
    for row, (material, site) in enumerate(zip(family.material_N, family.site_N, strict=True)):
        rows.setdefault((str(material), int(site)), row)
    return rows
