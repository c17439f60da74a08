"""The offset between the energies of two codes, from the shifts of spectra of the same sites by both.

The median over materials is the offset, whatever a few of the pairs say.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd

FEWEST_MATERIALS = 5  # that show a spread
_ONE_MATERIAL = 1.0  # eV, spread that is assumed where one material cannot show any
_FAR = 3.0  # spreads from the median
_NORMAL = 1.4826  # standard deviation over median absolute deviation, of a normal distribution


@dataclass(frozen=True)
class PairOffset:
    """What the pairs amount to.

    Attributes
    ----------
    offset, spread, standard_error
        eV: median over materials of the median over their sites, the robust standard deviation among materials,
        and that of the median.
    amplitude, amplitude_spread
        The same of the factor on the absorption.
    sites
        How many give it.
    material_shifts
        eV, of each of their materials.
    """

    offset: float
    spread: float
    standard_error: float
    amplitude: float
    amplitude_spread: float
    sites: int
    material_shifts: np.ndarray

    @property
    def materials(self) -> int:
        """How many materials give it."""
        return len(self.material_shifts)

    @property
    def far(self) -> int:
        """How many of the materials lie more than three spreads from the offset."""
        return int((np.abs(self.material_shifts - self.offset) > _FAR * self.spread).sum())


def combine_pairs(material_N: Sequence[str], shift_N: np.ndarray, amplitude_N: np.ndarray) -> PairOffset:
    """Return the offset that pairs give; the sites of one material count together.

    Parameters
    ----------
    material_N
        Of each pair.
    shift_N, amplitude_N
        eV, NaN where a pair has none, but not of all; factor on the absorption.
    """
    known_N = np.isfinite(shift_N)
    table = pd.DataFrame({"shift": shift_N, "amplitude": amplitude_N})[known_N]
    by_material = table.groupby(np.asarray(material_N, dtype=str)[known_N]).median()
    material_shifts, amplitudes = by_material["shift"].to_numpy(), by_material["amplitude"].to_numpy()
    offset, spread = _centre(material_shifts)
    if len(material_shifts) == 1:
        spread = _ONE_MATERIAL
    amplitude, amplitude_spread = _centre(amplitudes)
    return PairOffset(
        offset=offset,
        spread=spread,
        # Of the median of a normal sample.
        standard_error=float(np.sqrt(np.pi / 2 / len(material_shifts)) * spread),
        amplitude=amplitude,
        amplitude_spread=amplitude_spread,
        sites=int(known_N.sum()),
        material_shifts=material_shifts,
    )


def _centre(values: np.ndarray) -> tuple[float, float]:
    """Return the median and the robust standard deviation about it."""
    centre = float(np.median(values))
    return centre, _NORMAL * float(np.median(np.abs(values - centre)))
