"""What the descriptors of scans are drawn against: a number in their headers, or that of the scan."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

import numpy as np

from rankaae_cli.analysis.prediction.input import InputSpectrum
from rankaae_cli.core.errors import UserError, nearest
from rankaae_cli.core.labels import with_unit

NUMBER = "number"  # of the scan, in the order of reading
LEFT_OUT = "left out of the figure against it"  # ends why a scan has no point
_TIME = "h after"  # begins the unit of times
_QUANTITY = re.compile(r"([+-]?(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?)\s*([^\s\d:.,;+-]\S*)?\s*")


@dataclass(frozen=True)
class Against:
    """A number of each of N scans.

    Attributes
    ----------
    key
        Of the header, as the call has it; `NUMBER` for that of the scan.
    unit
        As the headers have it; ``h after`` and when for times; empty where there is none.
    value_N
        NaN where a scan has none.
    """

    key: str
    unit: str
    value_N: np.ndarray

    @property
    def label(self) -> str:
        """Of an axis."""
        return "Scan" if self.key == NUMBER else with_unit(self.key, self.unit)


def read_against(
    key: str, spectra: Sequence[InputSpectrum], unit: str | None = None
) -> tuple[Against, dict[int, str]]:
    """Return a number of each scan, and what to say of those that have none.

    Parameters
    ----------
    key
        Of the header, in any case, or `NUMBER`.
    spectra
        N of them.
    unit
        That of other scans; the first one's by default.

    Returns
    -------
    Against
        With the first unit, or the one given.
    dict of str
        Why a scan has no such number, by its index.
    """
    if key == NUMBER:
        return Against(key, "", np.arange(1.0, len(spectra) + 1)), {}
    value_N, reasons = np.full(len(spectra), np.nan), {}
    for n, one in enumerate(spectra):
        text = one.prepared.spectrum.metadata.get(key.lower(), "")
        value, own = _quantity(text, unit)
        if value is None:
            reasons[n] = f"{key} is {text!r}, no number" if text else f"no {key} in its header"
        elif unit not in (None, own):
            reasons[n] = f"{key} is in {own or 'no unit'}, that of others in {unit or 'none'}"
        else:
            value_N[n], unit = value, own
    return Against(key, unit or "", value_N), {n: f"{reason}: {LEFT_OUT}" for n, reason in reasons.items()}


def require_against(key: str, spectra: Sequence[InputSpectrum]) -> tuple[Against, dict[int, str]]:
    """Return what `read_against` does.

    Raises
    ------
    UserError
        If no scan has such a number; it names the headers that have one.
    """
    against, reasons = read_against(key, spectra)
    if len(reasons) < len(spectra):
        return against, reasons
    headers = {
        name
        for one in spectra
        for name, text in one.prepared.spectrum.metadata.items()
        if _quantity(text, None)[0] is not None
    }
    said = spectra[0].prepared.spectrum.metadata.get(key.lower())
    found = f"against={key} is {said!r}, no number" if said else f"against={key}: no scan has such a header"
    raise UserError(f"{found}\n{nearest(key, headers) if headers else 'no header has a number'}")


def _quantity(text: str, unit: str | None) -> tuple[float | None, str]:
    """Return number and unit of a header's value; of a time the hours after that in `unit`, or after itself."""
    if match := _QUANTITY.fullmatch(text):
        return float(match[1]), match[2] or ""
    try:
        time = datetime.fromisoformat(text)
    except ValueError:
        return None, ""
    first = unit.removeprefix(_TIME).strip() if unit and unit.startswith(_TIME) else time.isoformat(sep=" ")
    since = datetime.fromisoformat(first)
    apart = time.replace(tzinfo=time.tzinfo or UTC) - since.replace(tzinfo=since.tzinfo or UTC)
    return apart.total_seconds() / 3600, f"{_TIME} {first}"
