"""Where pre-edge and post-edge of a measured spectrum are fitted: by choice, or by the length of the scan."""

from dataclasses import dataclass
from itertools import pairwise
from typing import Annotated

from rankaae_cli.core.errors import UserError

# A line through less would be extrapolated to the edge by more than its length: then a constant is fitted.
_SHORTEST_LINE = 8.0  # eV
# Lengths of the post-edge (eV) from which on a line and a parabola are fitted to it. Scans of 3d metals' K
# edges, cut off 80 to 300 eV above the edge, then differ from the same scans in whole, over the 65 eV of a
# XANES spectrum, by 0.015 to 0.03 of an edge step on average. A higher order on a short range follows the
# fine structure: it doubles that.
_LINE_FROM, _PARABOLA_FROM = 70.0, 300.0
_HIGHEST_ORDER = 3


@dataclass
class NormalisationRanges:
    """Where the edge step is fitted, eV from the edge; null: the length of the scan decides."""

    pre1: Annotated[float | None, "begin of the pre-edge; null: -150, or the second point"] = None
    pre2: Annotated[float | None, "its end; null: -30, or halfway to the edge"] = None
    norm1: Annotated[float | None, "begin of the post-edge; null: a third of its end, from 45 to 150"] = None
    norm2: Annotated[float | None, "its end; null: 800, or that of the scan"] = None
    pre_order: Annotated[
        int | None, "order of the pre-edge polynomial; null: 1, or 0 over less than 8 eV"
    ] = None
    norm_order: Annotated[
        int | None, "order of the post-edge polynomial; null: 0 over less than 70 eV, 1 below 300, else 2"
    ] = None
    flatten: Annotated[bool, "take slope and curvature of the post-edge out above the edge"] = True

    def require_possible(self) -> None:
        """Check what is given before any spectrum is read.

        Raises
        ------
        UserError
            Unless pre1 < pre2 < 0 < norm1 < norm2, of those that are given, and orders are from 0 to 3.
        """
        ends = {"pre1": self.pre1, "pre2": self.pre2, "0": 0.0, "norm1": self.norm1, "norm2": self.norm2}
        given = [(name, value) for name, value in ends.items() if value is not None]
        faults = []
        for (lower, low), (higher, high) in pairwise(given):
            if not low < high:
                above = f"{higher}={high:g} is not above {lower}" + ("" if lower == "0" else f"={low:g}")
                faults.append(f"{lower}={low:g} is not below 0" if higher == "0" else above)
        for name, order in (("pre_order", self.pre_order), ("norm_order", self.norm_order)):
            if order is not None and not 0 <= order <= _HIGHEST_ORDER:
                faults.append(f"{name}={order} is not from 0 to {_HIGHEST_ORDER}")
        if faults:
            raise UserError(
                "; ".join(f"measured.normalisation.{fault}" for fault in faults)
                + "\nexpected eV from the edge, pre1 < pre2 < 0 < norm1 < norm2, and orders from 0 to "
                f"{_HIGHEST_ORDER}; null leaves it to the scan"
            )

    def fitted_to(self, first: float, second: float, last: float, span: float = 0.0) -> "NormalisationRanges":
        """Return the ranges with nothing left open, for a scan with these energies, eV from its edge.

        `span` is how far another edge lies above that is normalised along, behind which the post-edge begins.
        """
        # The first point of a scan is often bad: the monochromator has not settled.
        pre1 = max(-150.0, second) if self.pre1 is None else max(self.pre1, first)
        pre2 = max(-30.0, pre1 / 2) if self.pre2 is None else self.pre2
        norm2 = min(800.0, last) if self.norm2 is None else min(self.norm2, last)
        norm1 = self.norm1
        if norm1 is None:
            norm1 = min(max(45.0, span + 20.0, norm2 / 3), max(150.0, span + 20.0), norm2 - 20.0)
        pre_order, norm_order = self.pre_order, self.norm_order
        if pre_order is None:
            pre_order = int(pre2 - pre1 >= _SHORTEST_LINE)
        if norm_order is None:
            norm_order = int(norm2 - norm1 >= _LINE_FROM) + int(norm2 - norm1 >= _PARABOLA_FROM)
        return NormalisationRanges(
            float(pre1), float(pre2), float(norm1), float(norm2), pre_order, norm_order, self.flatten
        )
