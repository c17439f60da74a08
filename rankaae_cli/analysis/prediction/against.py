"""What the descriptors of scans are drawn against: a number in their headers, or that of the scan."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from rankaae_cli.analysis.prediction.input import InputSpectrum
from rankaae_cli.core.errors import UserError, nearest
from rankaae_cli.core.labels import with_unit
from rankaae_cli.data.measured.header_numbers import header_number

NUMBER = "number"  # of the scan, in the order of reading
LEFT_OUT = "left out of the figure against it"  # ends why a scan has no point


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
        value, own = header_number(text, unit)
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
        if header_number(text)[0] is not None
    }
    said = spectra[0].prepared.spectrum.metadata.get(key.lower())
    found = f"against={key} is {said!r}, no number" if said else f"against={key}: no scan has such a header"
    raise UserError(f"{found}\n{nearest(key, headers) if headers else 'no header has a number'}")
