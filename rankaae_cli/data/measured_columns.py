"""Which column of a scan holds what, and the absorption made of them."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields
from typing import Any

import numpy as np

from rankaae_cli.core.errors import UserError, nearest
from rankaae_cli.core.spectra import SpectrumError
from rankaae_cli.data.measured_spectrum import working_points

# XDI's labels, and what beamlines and programs write for them. Compared in lower case without units.
_SYNONYMS = {
    "energy": ("energy", "e", "en", "ev", "kev", "photon_energy", "energyev", "mono_energy", "energy_ev"),
    "angle": ("angle", "theta", "bragg", "mono_angle"),
    "i0": ("i0", "io", "monitor", "mon", "i_0"),
    "itrans": ("itrans", "it", "i1", "trans", "transmission", "i_1", "i_t"),
    "ifluor": ("ifluor", "if", "iff", "fluor", "fluorescence", "lytle", "pips", "i_f"),
    "irefer": ("irefer", "ir", "i2", "iref", "reference", "i_2", "i_r"),
    "mutrans": ("mutrans", "mu_trans", "mut"),
    "mufluor": ("mufluor", "mu_fluor", "muf", "xmuf"),
    "murefer": ("murefer", "mu_refer", "mu_ref", "xmur", "mur"),
    "mu": ("mu", "xmu", "mu(e)", "absorption", "absorbance", "abs", "mux", "mu_e", "xanes"),
    "normtrans": ("normtrans", "norm", "normalized", "normalised", "norm_mu", "normmu"),
    "normfluor": ("normfluor",),
    "flat": ("flat", "flattened"),
}
_LABEL_OF = {word: label for label, words in _SYNONYMS.items() for word in words}
_ROLES = ("energy", "mu", "i0", "itrans", "ifluor", "irefer")
# Columns that an absorption is made of; the first that a scan has is taken.
SIGNALS = ("mutrans", "itrans", "mufluor", "ifluor", "mu", "flat", "normtrans", "normfluor")


@dataclass(frozen=True)
class ColumnChoice:
    """Which columns to take, by name or by number from 1 on; None where labels or the header tell.

    Attributes
    ----------
    energy, mu
        The energies (or angles), and the absorption as it is in the file.
    i0, itrans, ifluor, irefer
        Intensities before the sample, behind it, of the fluorescence, and behind the reference.
    normalised
        Whether `mu` is normalised to the edge step.
    unit
        Of the first: ``eV``, ``keV``, ``degrees`` or ``radians``.
    d_spacing
        Of the monochromator, angstrom; for angles.
    """

    energy: str | int | None = None
    mu: str | int | None = None
    i0: str | int | None = None
    itrans: str | int | None = None
    ifluor: str | int | None = None
    irefer: str | int | None = None
    normalised: bool | None = None
    unit: str | None = None
    d_spacing: float | None = None

    @classmethod
    def of(cls, choice: "ColumnChoice | Mapping[str, Any] | Sequence[str | int] | None") -> "ColumnChoice":
        """Return the choice that a mapping of these names, or a pair (energy, mu), stands for.

        Raises
        ------
        UserError
            If it names something else.
        """
        if choice is None:
            return cls()
        if isinstance(choice, ColumnChoice):
            return choice
        if isinstance(choice, Mapping):
            known = [f.name for f in fields(cls)]
            for name in choice:
                if name not in known:
                    raise UserError(f"columns has no {name!r}: {nearest(str(name), known)}")
            return cls(**choice)
        if len(choice) != 2:
            raise UserError(
                f"columns={list(choice)} names {len(choice)} columns, expected two (energy, mu), or "
                "columns={energy: ..., i0: ..., itrans: ...}"
            )
        return cls(energy=choice[0], mu=choice[1])

    @property
    def chooses_signal(self) -> bool:
        """Whether it says what the absorption is made of."""
        return any(value is not None for value in (self.mu, self.itrans, self.ifluor))


@dataclass(frozen=True)
class Absorption:
    """The absorption made of a scan's columns; shape (M,) each, `kept` is the rows of the scan that remain."""

    mu_M: np.ndarray
    reference_M: np.ndarray | None
    kept: np.ndarray
    is_normalised: bool
    columns_used: str
    notes: tuple[str, ...]


def canonical(name: str) -> str:
    """Return XDI's label for a column's name, or the name itself in lower case: ``I1`` is ``itrans``."""
    # Up to a unit in brackets, which mu(E) does not have.
    bare = re.sub(
        r"\s*[\[(](?:k?ev|deg\w*|rad\w*|counts?|a\.?u\.?|arb\w*\.?)[\])]\s*$", "", name.strip().lower()
    )
    bare = bare.replace(" ", "_").replace("-", "_").strip("_")
    return _LABEL_OF.get(bare, bare)


def labelled(names: Sequence[str], table_MC: np.ndarray, choice: ColumnChoice) -> dict[str, np.ndarray]:
    """Return the columns of a scan by XDI's labels, those that `choice` names under their role.

    Parameters
    ----------
    names
        One name a column, empty where there is none.
    table_MC
        Shape (M, C).
    choice
        By name or number.

    Raises
    ------
    SpectrumError
        If it has no such column.
    """
    columns: dict[str, np.ndarray] = {}
    for name, values in zip(names, table_MC.T, strict=True):
        if name:
            columns.setdefault(canonical(name), values)
    for role in _ROLES:
        wanted = getattr(choice, role)
        if wanted is not None:
            columns[role] = table_MC[:, _index(wanted, names, table_MC.shape[1])]
    return columns


def abscissa_index(names: Sequence[str], choice: ColumnChoice) -> int:
    """Return which column holds the energies or angles, from 0 on: the chosen, the one so called, or the first.

    Parameters
    ----------
    names
        One name a column, empty where there is none.
    choice
        By name or number.

    Raises
    ------
    SpectrumError
        If there is no such column.
    """
    if choice.energy is not None:
        return _index(choice.energy, names, len(names))
    labels = [canonical(name) for name in names]
    return next((labels.index(label) for label in ("energy", "angle") if label in labels), 0)


def _index(wanted: str | int, names: Sequence[str], count: int) -> int:
    if isinstance(wanted, str) and not wanted.isdigit():
        exact = [i for i, name in enumerate(names) if name.lower() == wanted.lower()]
        alike = [i for i, name in enumerate(names) if name and canonical(name) == canonical(wanted)]
        if not (exact or alike):
            shown = ", ".join(name or "unnamed" for name in names)
            raise SpectrumError(f"there is no column {wanted!r}: the {count} columns are {shown}")
        return (exact or alike)[0]
    number = int(wanted)
    if not 1 <= number <= count:
        raise SpectrumError(f"there is no column {number}: the file has {count} columns")
    return number - 1


def absorption(columns: Mapping[str, np.ndarray], choice: ColumnChoice | None = None) -> Absorption:
    """Make the absorption, and the reference's, of the columns there are.

    In this order, the first that there is: what the choice names; mu of transmission; log(i0/itrans); mu of
    fluorescence; ifluor/i0; mu of an unnamed kind; the flattened or normalised absorption. A reference stands
    behind the sample, so it is log(itrans/irefer) where there is a transmission, log(i0/irefer) otherwise.

    Parameters
    ----------
    columns
        Shape (M,) each, by XDI's labels; see `labelled`.
    choice
        What was asked for.

    Raises
    ------
    SpectrumError
        If there is nothing to make it of, or a detector is zero or constant.
    """
    choice = choice or ColumnChoice()
    used = _signal(columns, choice)
    if used in ("log(i0/itrans)", "ifluor/i0"):
        signal = "itrans" if used == "log(i0/itrans)" else "ifluor"
        _require_counts(columns, signal)
        # A fluorescence of nothing is dark, but no failure; a logarithm of it is.
        must_be_positive = ["i0", "itrans"] if signal == "itrans" else ["i0"]
        kept, note = working_points(columns, must_be_positive)
        top, bottom = (
            columns[n][kept] for n in (("i0", "itrans") if signal == "itrans" else ("ifluor", "i0"))
        )
        mu_M = np.log(top / bottom) if signal == "itrans" else top / bottom
    else:
        mu_M, note = columns[used], ""
        kept = np.ones(len(mu_M), dtype=bool)
    if np.ptp(mu_M) == 0:
        raise SpectrumError(f"column {used} is constant ({mu_M[0]:.6g})")
    is_normalised = used in ("normtrans", "normfluor", "flat")
    if choice.normalised is not None:
        is_normalised = choice.normalised
    reference_M, reference_note = _reference(columns, kept)
    notes = tuple(n for n in (note, reference_note) if n)
    return Absorption(mu_M, reference_M, kept, is_normalised, used, notes)


def _signal(columns: Mapping[str, np.ndarray], choice: ColumnChoice) -> str:
    """Return what to make the absorption of: the name of a column, or of a quotient."""
    if choice.mu is not None:
        return "mu"
    ways = {"itrans": "log(i0/itrans)", "ifluor": "ifluor/i0"}
    chosen = [name for name in ways if getattr(choice, name) is not None]
    order = chosen or SIGNALS
    for name in order:
        if name in columns and (name not in ways or "i0" in columns):
            return ways.get(name, name)
    lacking = [name for name in ways if name in columns]
    if lacking:
        raise SpectrumError(f"column {lacking[0]} needs i0, which is not among {_shown(columns)}")
    raise SpectrumError(
        f"no absorption among the columns {_shown(columns)}: name mu=, or i0= and itrans= or ifluor=, in columns="
    )


def _require_counts(columns: Mapping[str, np.ndarray], name: str) -> None:
    values = columns[name]
    if np.ptp(values) == 0:
        what = "zero" if values[0] == 0 else f"constant ({values[0]:.6g})"
        raise SpectrumError(f"detector column {name} is {what} at all {len(values)} points")


def _reference(columns: Mapping[str, np.ndarray], kept: np.ndarray) -> tuple[np.ndarray | None, str]:
    for name in ("murefer", "normrefer"):
        if name in columns:
            return columns[name][kept], ""
    before = "itrans" if "itrans" in columns else "i0"
    if "irefer" not in columns or before not in columns:
        return None, ""
    top, behind = columns[before][kept], columns["irefer"][kept]
    if not ((top > 0).all() and (behind > 0).all()):
        return None, f"the reference is not used: {before} or irefer is not positive everywhere"
    return np.log(top / behind), ""


def _shown(columns: Mapping[str, np.ndarray]) -> str:
    return ", ".join(columns) or "none (no column has a name)"
