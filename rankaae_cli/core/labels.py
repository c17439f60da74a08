"""Words for axes, tables and pages."""

import math
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple, TypeGuard

from rankaae_cli.core.errors import UserError
from rankaae_cli.core.structure.descriptors import DESCRIPTORS

WARNING = "Warning: "  # begins a line that names a fault
_UNITS = {"": "", "1": "", "dimensionless": "", "angstrom": "Å", "degree": "°", "degrees": "°"}
# What made the spectra of each source, where their file does not say.
_FIDELITIES = {"feff": "FEFF", "xdi": "measured", "measured": "measured", "synthetic": "synthetic"}
# Fidelities that are spelt in one way; others are taken as they are given.
_SPELLINGS = ("FEFF", "VASP", "OCEAN", "exciting", "XSpectra", "FDMNES", "measured")
_LARGE = 1e7  # from here on numbers are printed as powers of ten
_SAME = 1e-9  # relative difference up to which the ends of an interval are one number
_NORMALISATIONS = {"edge_step": "Absorption, normalised", "unknown": "Absorption (arb. units)"}


class Ranged(NamedTuple):
    """A number and the ends of its interval, None or NaN where not known."""

    value: float | None
    low: float | None
    high: float | None


Cell = str | int | float | Ranged | None


@dataclass(frozen=True)
class Subject:
    """What a figure is about, for its heading and axes.

    Attributes
    ----------
    family, element, edge
        Such as ``Fe_oxides``, ``Fe``, ``K``.
    energy_unit
        ``eV`` or ``index``.
    normalisation
        Of the absorption, as in the family file.
    synthetic
        Whether the spectra come from the synthetic generator.
    """

    family: str
    element: str
    edge: str
    energy_unit: str = "eV"
    normalisation: str = "edge_step"
    synthetic: bool = False

    @property
    def energy_label(self) -> str:
        """Label of an energy axis."""
        return "Energy index" if self.energy_unit == "index" else f"Energy ({self.energy_unit})"

    @property
    def absorption_label(self) -> str:
        """Label of an absorption axis."""
        return _NORMALISATIONS.get(self.normalisation, "Absorption, normalised")

    def heading(self, *details: str) -> str:
        """Return the line above a figure; it begins with what is synthetic."""
        of_edge = f", {self.element} {self.edge} edge" if self.element else ""
        parts = [f"{self.family}{of_edge}", *details]
        return " · ".join(["SYNTHETIC DATA", *parts] if self.synthetic else parts)


def fidelity_of(source: str) -> str:
    """Return the fidelity of spectra whose file says only by which source they came; ``unknown`` for most."""
    return "+".join(dict.fromkeys(_FIDELITIES.get(one, "unknown") for one in source.split("+")))


def fidelity_name(given: str, known: str) -> str:
    """Return the fidelity that a call gives, in its usual spelling.

    Parameters
    ----------
    given
        By the call.
    known
        What the source or the file of the spectra tells.

    Raises
    ------
    UserError
        If it is no name, or the spectra are known to be measured or synthetic and it says otherwise.
    """
    if not re.fullmatch(r"\w[\w .-]{0,39}", given):
        raise UserError(f"fidelity={given!r} is no name\ngive what made the spectra, such as fidelity=VASP")
    name = next((one for one in _SPELLINGS if one.lower() == given.lower()), given)
    is_synthetic = known.startswith("synthetic")
    if name != known and (is_synthetic or known == "measured" or name.lower().startswith("synthetic")):
        what = known if is_synthetic or known == "measured" else "not synthetic"
        raise UserError(f"fidelity={given} does not go with these spectra, which are {what}\nleave it out")
    return name


def print_number(value: Cell, digits: int = 3) -> str:
    """Return a number in `digits` decimals (more where it is small), text as it is, a dash for nothing.

    One that is too large to be read out is printed as a power of ten.
    """
    if isinstance(value, Ranged):
        return _print_ranged(value, digits - 1)
    if value is None or (isinstance(value, float) and not math.isfinite(value)):
        return "–"
    if isinstance(value, float):
        plain = value == 0 or 10.0 ** (1 - digits) <= abs(value) < _LARGE
        shown = f"{value:.{digits}f}" if plain else f"{value:.2g}"
        return shown.replace("-", "−")
    return str(value)


def unit_text(unit: str) -> str:
    """Return a unit as it is printed; empty for a pure number."""
    return _UNITS.get(unit, unit)


def with_unit(name: str, unit: str) -> str:
    """Return ``name (unit)``, or the name alone for a pure number."""
    printed = unit_text(unit)
    return f"{name} ({printed})" if printed else name


def quantity(number: str, unit: str) -> str:
    """Return a printed number and its unit."""
    printed = unit_text(unit)
    return f"{number}{printed}" if printed in ("", "°") else f"{number} {printed}"


def is_known(number: float | None) -> TypeGuard[float]:
    """Return whether there is a number, and not NaN."""
    return number is not None and not math.isnan(number)


def descriptor_meaning(name: str) -> str:
    """Return what a descriptor is, in words; its name where the program does not know it."""
    return DESCRIPTORS[name].label if name in DESCRIPTORS else name


def style_title(name: str) -> str:
    """Return the printed name of a style: ``free style 1`` for ``free_1``."""
    return f"free style {name.removeprefix('free_')}" if name.startswith("free_") else name


def listed(words: Sequence[str]) -> str:
    """Return ``a, b and c``."""
    if len(words) < 2:
        return "".join(words)
    return f"{', '.join(words[:-1])} and {words[-1]}"


def described_range(style: Mapping[str, Any]) -> str:
    """Return the calibrated descriptor at both ends of a walk, in words; a dash where not known."""
    values = style["descriptor"]
    if values is None or values[0] is None or values[0] != values[0]:
        return "–"
    first, last = values[0], values[-1]
    span = abs(last - first)
    # Two digits of the difference are what a reader can use.
    apart = span > 0 and not math.isclose(first, last, rel_tol=_SAME)
    decimals = max(0, 1 - math.floor(math.log10(span))) if apart else 2
    return f"{first:.{decimals}f} to {quantity(f'{last:.{decimals}f}', style['unit'])}".replace("-", "−")


_NUMBER_WORDS = ("no", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten")


def number_word(n: int) -> str:
    """Return a small whole number as a word, a larger one in digits."""
    return _NUMBER_WORDS[n] if 0 <= n < len(_NUMBER_WORDS) else f"{n:,}"


def averaged(metrics: Mapping[str, Any]) -> str:
    """Return in words what the ensemble's numbers are of."""
    n = metrics["ensemble"]["n_trials"]
    return f"mean of {n} trials" if n > 1 else f"trial {metrics['selected_trial']}"


def traversed(traversal: Mapping[str, Any]) -> str:
    """Return in words what the spectra along the styles are of."""
    n, t = traversal["n_trials"], traversal["selected_trial"]
    if n == 1:
        return f"trial {t}"
    free = any(name.startswith("free_") for name in traversal["styles"])
    return f"mean of {n} trials" + (f" (free styles: trial {t})" if free else "")


_METRIC_LABELS = {
    "train_reconstruction": "Reconstruction\nloss",
    "train_rank": "Rank loss",
    "train_prior": "Prior loss",
    "train_mutual_information": "Mutual-information\nloss",
    "train_smoothness": "Smoothness\nloss",
    "train_independence": "Independence\nloss",
    "val_reconstruction_mae": "Reconstruction\nMAE",
    "val_spearman": "Mean Spearman ρ",
    "val_excess_coupling": "Excess coupling\nof styles",
    "score": "Score",
}


def metric_label(column: str) -> str:
    """Return the axis label of a column of metrics.csv."""
    plain = column.removeprefix("train_").removeprefix("val_").replace("_", " ")
    return _METRIC_LABELS.get(column, plain[:1].upper() + plain[1:])


def shortened(name: str, most: int = 40, first: int = 18, last: int = 20) -> str:
    """Return a name; of one longer than `most` characters its first and last ones."""
    return name if len(name) <= most else f"{name[:first]}…{name[-last:]}"


def _print_ranged(cell: Ranged, digits: int) -> str:
    """Return ``value [low, high]``, all in `digits` decimals or as many as tell the ends apart.

    Ends that differ by no more than sums in another order do are the same.
    """
    ends = [end for end in (cell.low, cell.high) if end is not None and math.isfinite(end)]
    if cell.value is None or not math.isfinite(cell.value) or len(ends) < 2:
        return print_number(cell.value, digits)
    width, numbers = ends[1] - ends[0], (cell.value, *ends)
    apart = width > 0 and not math.isclose(*ends, rel_tol=_SAME)
    decimals = max(digits, math.ceil(-math.log10(width))) if apart else digits
    if max(map(abs, numbers)) >= _LARGE:
        shown, low, high = (print_number(number, digits) for number in numbers)
    else:
        shown, low, high = (f"{number:.{decimals}f}".replace("-", "−") for number in numbers)
    return f"{shown} [{low}, {high}]"
