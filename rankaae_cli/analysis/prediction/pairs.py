"""The energy offset between two codes, from the sites that family files of both have."""

from dataclasses import dataclass
from functools import cached_property

import numpy as np
import pandas as pd

from rankaae_cli.analysis.prediction.offset import OffsetFile, scale_of
from rankaae_cli.core.errors import UserError
from rankaae_cli.core.xas.energy_offset import LARGE, LEAST_OF_ONE, POOR_FIT
from rankaae_cli.core.xas.pair_offset import (
    FEWEST_MATERIALS,
    PairOffset,
    PairShifts,
    combine_pairs,
    match_pairs,
)
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
    shifts
        Of each pair.
    """

    moved: Family
    onto: Family
    shifts: PairShifts

    @cached_property
    def result(self) -> PairOffset:
        """What the pairs amount to."""
        return combine_pairs(list(self.moved.material_N), self.shifts)

    @property
    def has_shift_N(self) -> np.ndarray:
        """Which pairs fit at a shift within the search, shape (N,)."""
        return np.isfinite(self.shifts.shift_N)

    def table(self) -> pd.DataFrame:
        """Return a row for each pair: material, site, shift (eV), factor on the absorption, difference left."""
        return pd.DataFrame(
            {
                "material": self.moved.material_N,
                "site": self.moved.site_N,
                "shift": self.shifts.shift_N.round(3),
                "amplitude": self.shifts.amplitude_N.round(4),
                "difference": self.shifts.difference_N.round(4),
            }
        )

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
                "difference": round(float(np.median(self.shifts.difference_N[self.has_shift_N])), 4),
            },
        )

    def warnings(self) -> list[str]:
        """Return what is to be said of the offset before anybody uses it."""
        result, difference = self.result, self.shifts.difference_N[self.has_shift_N]
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
        if lost := len(self.shifts.shift_N) - result.sites:
            lines.append(
                f"{lost} pairs fit best at an end of the search and are left out: search further, search="
            )
        if result.far > _MANY * result.materials:
            lines.append(
                f"{result.far} of {result.materials} materials lie further than three spreads from the median: "
                "one offset is not all that separates the two"
            )
        if (poor := float(np.median(difference))) > POOR_FIT:
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
    try:
        shifts = match_pairs(moved.energy_E, moved.spectra_NE, onto.energy_E, onto.spectra_NE, search)
    except ValueError as error:
        ranges = [f"{one.energy_E[0]:.6g} to {one.energy_E[-1]:.6g} eV" for one in (moved, onto)]
        raise UserError(
            f"data= covers {ranges[0]}, to= {ranges[1]}: at no shift within {search:g} eV do they share half of "
            "the shorter one\nis each on absolute energies? else search further: search="
        ) from error
    at_end = int((~np.isfinite(shifts.shift_N)).sum())
    if at_end > _MOST_AT_END * len(moved):
        raise UserError(
            f"{at_end} of {len(moved)} common sites fit best at an end of the search within {search:g} eV: the "
            "offset is not there\nsearch further: search="
        )
    return CodePairs(moved, onto, shifts)


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
