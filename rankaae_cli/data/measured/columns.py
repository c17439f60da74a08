"""Which column of a scan holds what."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields, replace
from typing import Any

import numpy as np

from rankaae_cli.core.calls import setting
from rankaae_cli.core.errors import UserError, nearest
from rankaae_cli.core.xas.spectra import SpectrumError

# XDI's labels, and what beamlines and programs write for them. Compared in lower case without units.
_SYNONYMS = {
    "energy": ("energy", "e", "en", "ev", "kev", "photon_energy", "energyev", "mono_energy", "energy_ev"),
    "angle": ("angle", "theta", "bragg", "mono_angle"),
    "i0": ("i0", "io", "monitor", "mon", "i_0"),
    "itrans": ("itrans", "it", "i1", "trans", "transmission", "i_1", "i_t"),
    "ifluor": ("ifluor", "if", "iff", "fluo", "fluor", "fluorescence", "lytle", "pips", "i_f"),
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
_CHANNEL = re.compile(r"(.+?)_*(?:ch(?:an(?:nel)?)?|el(?:em(?:ent)?)?|det(?:ector)?|sdd|px|pixel)?_*\d+")
_UNITS = (re.compile(r"\bk?ev\b", re.IGNORECASE), re.compile(r"\b(deg(rees?)?|rad(ians?)?)\b", re.IGNORECASE))
_ROLES = ("energy", "mu", "i0", "itrans", "ifluor", "irefer")
# Columns that an absorption is made of; the first that a scan has is taken.
SIGNALS = ("mutrans", "itrans", "mufluor", "ifluor", "mu", "flat", "normtrans", "normfluor")
SIGNALS_AND_COUNTS = frozenset({"i0", "irefer", "murefer", *SIGNALS})
_STANDS_STILL = 1e-5  # of its value, that a motor moves by which was not scanned
_LISTED = 12
CLOCK = ("date", "time")  # labels of columns that hold the time of day and no numbers
_LONGEST_NAME = 200  # letters in which a unit is looked for
_BRACKETS = re.compile(r"\s*(?:\(([^()]*)\)|\[([^]]*)\]|\{([^}]*)\}|<([^>]*)>)$")
_NUMBERING = re.compile(r"^\d+[_).:]\s*|_c\d+$")  # 1_Energy, Energy_c1
# Words of longer names, which count where no column is called so exactly: I0_KEITHLEY1, It-32, Mono Energy (alt).
_WORDS = re.compile(r"[A-Z]+(?=[A-Z][a-z])|[A-Z]?[a-z]+\d*|[A-Z]+\d*|\d+")
_DETECTORS = {
    "i0": ("i0", "io", "curta"),  # curta, longa, amostra, fluorescencia: LNLS
    "itrans": ("it", "i1", "itrans", "longa"),
    "ifluor": ("if", "iff", "ifluor", "fluo", "fluor", "fluorescence", "lytle", "pips"),
    "irefer": ("ir", "i2", "iref", "irefer"),
    "mutrans": ("amostra",),
    "mufluor": ("fluorescencia",),
}
_DETECTOR_OF = {word: label for label, words in _DETECTORS.items() for word in words}
# What a quotient of two detectors is, by itself or its logarithm: If/I0, ln(I0/It), lnI1I2, -log(It/I0).
_QUOTIENTS: dict[tuple[object, ...], str] = {
    (False, "ifluor", "i0"): "mufluor",
    (True, "i0", "itrans"): "mutrans",
    (True, "itrans", "irefer"): "murefer",
}
_LOGARITHM = re.compile(r"(?<![A-Za-z])(?:ln|log)(?:10)?(?=[\W_]*i)", re.IGNORECASE)
_ENERGY = frozenset({"energy", "energia", "energie"})
_OTHER_ENERGY = frozenset({"ring", "edge", "und", "undulator", "gap", "loss", "resolution", "time"})
_ACHIEVED = frozenset(
    {"achieved", "actual", "enc", "encoder", "fbk", "feedback", "measured", "rbv", "readback"}
)
_REQUESTED = frozenset(
    {"requested", "desired", "drive", "nominal", "set", "setpoint", "sp", "step", "target"}
)
_NO_COUNTS = frozenset(
    {"background", "bias", "dark", "dt", "gain", "norm", "offset", "sens", "sensitivity", "time"}
)
# What stands in brackets and is no unit, but part of the name, as numbers are.
_NO_UNIT = frozenset(
    {"e", "k", "t", "f", "r", "ref", "reference", "sample", "trans", "fluor", *_NO_COUNTS - {"norm"}}
)


@dataclass(frozen=True)
class ColumnChoice:
    """Which columns to take, by name or by number from 1 on; None where labels or the header tell.

    Attributes
    ----------
    energy, mu
        The energies (or angles), and the absorption as it is in the file.
    i0, itrans, ifluor, irefer
        Intensities before the sample, behind it, of the fluorescence, and behind the reference. `ifluor` may be
        several columns, such as the channels of a detector of many elements: their sum is taken.
    normalised
        Whether `mu` is normalised to the edge step.
    unit
        Of the first: ``eV``, ``keV``, ``degrees`` or ``radians``.
    d_spacing
        Of the monochromator, angstrom; for angles.
    skip_lines
        How many lines of a text of columns stand above the numbers; 0: what the file shows.
    """

    energy: str | int | None = None
    mu: str | int | None = None
    i0: str | int | None = None
    itrans: str | int | None = None
    ifluor: str | int | tuple[str | int, ...] | None = None
    irefer: str | int | None = None
    normalised: bool | None = None
    unit: str | None = None
    d_spacing: float | None = None
    skip_lines: int = 0

    @classmethod
    def of(
        cls, choice: "ColumnChoice | Mapping[str, Any] | Sequence[str | int] | None", skip_lines: int = 0
    ) -> "ColumnChoice":
        """Return the choice that a mapping of these names, or a pair (energy, mu), stands for.

        Raises
        ------
        UserError
            If it names something else, or a value is of another type, or fewer than no lines are to be skipped.
        """
        if skip_lines:
            if skip_lines < 0:
                raise UserError(
                    f"measured.skip_lines={skip_lines}: expected how many lines to pass over, 0 or more"
                )
            return replace(cls.of(choice), skip_lines=skip_lines)
        if choice is None:
            return cls()
        if isinstance(choice, ColumnChoice):
            return choice
        if isinstance(choice, Mapping):
            known = [f.name for f in fields(cls) if f.name != "skip_lines"]
            for name in choice:
                if name not in known:
                    raise UserError(f"measured.columns has no {name!r}: {nearest(str(name), known)}")
            return cls(**{name: _checked(name, value) for name, value in choice.items()})
        if not isinstance(choice, (list, tuple)) or len(choice) != 2:
            raise UserError(
                f"measured.columns={choice!r}: expected two columns, energy and mu by name or number, such as "
                f"'measured.columns=[1,2]', or roles, such as {choosing(energy=1, i0=2, itrans=3)}"
            )
        return cls(energy=_checked("energy", choice[0]), mu=_checked("mu", choice[1]))

    @property
    def chooses_signal(self) -> bool:
        """Whether it says what the absorption is made of."""
        return any(value is not None for value in (self.mu, self.itrans, self.ifluor))


def _checked(name: str, value: Any) -> Any:
    """Return what was said of a column, lists as tuples, if it is of the right type."""
    if value is None:
        return None
    if name == "normalised":
        is_right, expected = isinstance(value, bool), "true or false"
    elif name == "unit":
        is_right, expected = isinstance(value, str), "eV, keV, degrees or radians"
    elif name == "d_spacing":
        is_right = isinstance(value, (int, float)) and not isinstance(value, bool) and is_d_spacing(value)
        expected = "a number from 0.3 to 20, angstrom, such as 3.1356 of Si(111)"
    elif name == "ifluor" and isinstance(value, (list, tuple)):
        value = tuple(value)
        is_right = bool(value) and all(_is_column(v) for v in value)
        expected = "names or numbers of columns in the list"
    else:
        is_right = _is_column(value)
        expected = "the name of a column, or its number from 1 on"
        expected += ", or a list of them" if name == "ifluor" else ""
    if not is_right:
        raise UserError(f"measured.columns: {name} is {value!r}, expected {expected}")
    return value


def is_d_spacing(value: float) -> bool:
    """Tell whether a number can be the distance of a monochromator's lattice planes, angstrom."""
    return 0.3 < value < 20


def _is_column(value: Any) -> bool:
    return (isinstance(value, str) and bool(value.strip())) or (
        isinstance(value, int) and not isinstance(value, bool)
    )


def choosing(**columns: str | float | Sequence[str | int]) -> str:
    """Return a choice of columns as it is written on the command line: ``'measured.columns={energy:1,mu:2}'``."""
    return setting("measured.columns", columns)


def canonical(name: str) -> str:
    """Return XDI's label for a column's name, or the name itself in lower case: ``I1`` is ``itrans``."""
    name = name.strip().lower()
    brackets = _BRACKETS.search(name[:_LONGEST_NAME])
    # Up to a unit in brackets, which mu(E) and fluo(2) do not have.
    if brackets and _joined(name) not in _LABEL_OF:
        inside = (brackets[brackets.lastindex or 0]).strip()
        name = name if inside in _NO_UNIT or inside.isdecimal() else name[: brackets.start()]
    return _LABEL_OF.get(_joined(name), _joined(name))


def labels_of(names: Sequence[str]) -> list[str]:
    """Return XDI's labels for the names of all columns of a scan: `canonical`, and likely ones where those lack.

    Where no column is called energy or angle, the energies are the column with that word in its name, achieved ones
    before requested ones. Where no absorption can be made of the columns as they are called, detectors are those
    with I0, It, If, Ir or the like at the beginning or the end of their name.

    Parameters
    ----------
    names
        One a column, empty where there is none.
    """
    labels = [canonical(name) for name in names]
    words = [[word.lower() for word in _WORDS.findall(_LOGARITHM.sub(" ", name))] for name in names]
    ranks = {
        rank: i for i, one in reversed(list(enumerate(words))) if (rank := _energy_rank(one)) is not None
    }
    if ranks and "energy" not in labels and "angle" not in labels:
        labels[ranks[min(ranks)]] = "energy"
    signals = set(SIGNALS).intersection(labels)
    has_pair = "i0" in labels and (bool(signals) or any(map(is_channel, names)))
    if has_pair or signals - {"itrans", "ifluor"}:
        return labels
    for i, (name, one) in enumerate(zip(names, words, strict=True)):
        label = "itrans" if one == ["i"] else _quotient(name, one) or _detector(one)
        if label and label not in labels and labels[i] not in _SYNONYMS and not is_channel(name):
            labels[i] = label
    return labels


def _energy_rank(words: Sequence[str]) -> int | None:
    """Return how likely a name of these words is that of the energies, 0 the most; None: it is not."""
    if _ENERGY.isdisjoint(words) or not _OTHER_ENERGY.isdisjoint(words):
        return None
    return 0 if not _ACHIEVED.isdisjoint(words) else 1 if _REQUESTED.isdisjoint(words) else 2


def _quotient(name: str, words: Sequence[str]) -> str | None:
    """Return the absorption that a quotient of two detectors is, by its name and the words of it."""
    detectors = _detectors(words)
    is_negative = name.lstrip().startswith("-")
    return _QUOTIENTS.get((bool(_LOGARITHM.search(name)), *(detectors[::-1] if is_negative else detectors)))


def _detector(words: Sequence[str]) -> str | None:
    """Return which detector's counts a name of these words is, none where it has two detectors."""
    if not words or not _NO_COUNTS.isdisjoint(words) or len(set(_detectors(words))) > 1:
        return None
    return _DETECTOR_OF.get(words[0]) or _DETECTOR_OF.get(words[-1]) or _DETECTOR_OF.get("".join(words[-2:]))


def _detectors(words: Sequence[str]) -> list[str]:
    return [_DETECTOR_OF[word] for word in words if word in _DETECTOR_OF]


def _joined(name: str) -> str:
    return name.replace(" ", "_").replace("-", "_").strip("_")


def listed(names: Sequence[str]) -> str:
    """Return the names of columns in a line, those of the first twelve where there are more."""
    shown = [name or "unnamed" for name in names[:_LISTED]]
    return ", ".join(shown) + (f" and {len(names) - _LISTED} more" if len(names) > _LISTED else "")


def unit_in(*texts: str) -> str:
    """Return the unit of an energy, else of an angle, that the first of some texts names; empty where none does."""
    units = (match[0] for unit in _UNITS for text in texts if (match := unit.search(text)))
    return next(units, "")


def is_channel(name: str) -> bool:
    """Tell whether a column is one of several channels of fluorescence: ``ifluor_1``, ``if2``, ``fluor ch3``."""
    match = _CHANNEL.fullmatch(canonical(name))
    return match is not None and _LABEL_OF.get(match[1]) == "ifluor"


def is_scanned(values_M: np.ndarray) -> bool:
    """Tell whether the positions of a motor are those of a scan, rather than of a motor that stands still."""
    return bool(np.ptp(values_M) > _STANDS_STILL * np.abs(values_M).max())


def labelled(
    names: Sequence[str], values: Sequence[np.ndarray], choice: ColumnChoice
) -> tuple[dict[str, np.ndarray], str]:
    """Return the columns of a scan by XDI's labels, those that `choice` names under their role.

    Numbered channels of fluorescence are summed to ``ifluor`` where no column is called that.

    Parameters
    ----------
    names
        One name a column, empty where there is none.
    values
        Shape (M,) of each column.
    choice
        By name or number.

    Returns
    -------
    dict
        Shape (M,) each.
    str
        A note on what was summed, or nothing.

    Raises
    ------
    SpectrumError
        If it has no such column.
    """
    columns: dict[str, np.ndarray] = {}
    used = abscissa_index(names, choice)
    for i, (label, values_M) in enumerate(zip(labels_of(names), values, strict=True)):
        if label and not (i == used and label in SIGNALS_AND_COUNTS):
            columns.setdefault(label, values_M)
    channels, note = [i for i, name in enumerate(names) if is_channel(name)], ""
    is_sum = bool(channels) and "ifluor" not in columns
    if is_sum:
        columns["ifluor"] = np.sum([values[i] for i in channels], axis=0)
        if len(channels) > 1:
            ends = f"{names[channels[0]]} to {names[channels[-1]]}"
            note = f"{len(channels)} channels of fluorescence, {ends}, were summed"
    for role in _ROLES:
        wanted = getattr(choice, role)
        if wanted is None or (is_sum and role == wanted == "ifluor"):
            continue
        several = wanted if isinstance(wanted, tuple) else (wanted,)
        columns[role] = np.sum([values[_index(one, names)] for one in several], axis=0)
        note = "" if role == "ifluor" else note
    return columns, note


def chosen_roles(names: Sequence[str], choice: ColumnChoice) -> dict[int, str]:
    """Return the role of every column that a choice names, by its place from 0 on; arguments as for `labelled`."""
    roles: dict[int, str] = {}
    for role in _ROLES:
        wanted = getattr(choice, role)
        if wanted is not None and not (role == wanted == "ifluor"):
            several = wanted if isinstance(wanted, tuple) else (wanted,)
            roles |= {_index(one, names): role for one in several}
    return roles


def abscissa_index(names: Sequence[str], choice: ColumnChoice) -> int:
    """Return which column holds the energies or angles, from 0 on: the chosen, the one so called, or the first.

    A column that is called an absorption or a detector's counts is never taken for them.

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
        return _index(choice.energy, names)
    labels = labels_of(names)
    for label in ("energy", "angle"):
        if label in labels:
            return labels.index(label)
    first = next((i for i, label in enumerate(labels) if label not in CLOCK), 0)
    if labels[first] in SIGNALS_AND_COUNTS:
        raise SpectrumError(
            f"no column is called energy, and the first is called {names[first]}: choose, such as by "
            f"{choosing(energy=2, mu=1)}"
        )
    return first


def _index(wanted: str | int, names: Sequence[str]) -> int:
    count = len(names)
    if isinstance(wanted, str) and not wanted.isdecimal():
        exact = [i for i, name in enumerate(names) if name.lower() == wanted.lower()]
        plain = {canonical(wanted), canonical(_NUMBERING.sub("", wanted))}
        alike = [i for i, name in enumerate(names) if name and canonical(name) in plain]
        if not (exact or alike):
            raise SpectrumError(f"there is no column {wanted!r}: the {count} columns are {listed(names)}")
        return (exact or alike)[0]
    number = int(wanted)
    if not 1 <= number <= count:
        raise SpectrumError(f"there is no column {number}: the file has {count} columns")
    return number - 1
