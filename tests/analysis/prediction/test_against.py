from dataclasses import replace

import numpy as np
import pytest

from rankaae_cli.analysis.prediction.against import read_against, require_against
from rankaae_cli.core.errors import UserError
from tests.reports.predictions import spectrum


def scans(*texts):
    """Scans with these in their headers as the sample's temperature; None: no such header."""
    made = []
    for n, text in enumerate(texts):
        one = spectrum(f"{n}.xdi")
        metadata = {"beamline.name": "6-BM", **({} if text is None else {"sample.temperature": text})}
        measured = replace(one.prepared.spectrum, metadata=metadata)
        made.append(replace(one, prepared=replace(one.prepared, spectrum=measured)))
    return made


@pytest.mark.parametrize(
    ("texts", "values", "label"),
    [
        (["300 K", "13K"], [300, 13], "Sample.Temperature (K)"),
        (["-5", "+.5e2"], [-5, 50], "Sample.Temperature"),
        (["20 °C", "3.5 °C"], [20, 3.5], "Sample.Temperature (°C)"),
        (["2026-11-29T23:30:00", "2026-11-30 01:00:00"], [0, 1.5],
         "Sample.Temperature (h after 2026-11-29 23:30:00)"),
        (["2026-11-29T23:30:00Z", "2026-11-29T22:30:00Z"], [0, -1],
         "Sample.Temperature (h after 2026-11-29 23:30:00+00:00)"),
    ],
)  # fmt: skip
def test_numbers_in_headers_are_read_with_their_units_and_times_in_hours(texts, values, label):
    against, reasons = read_against("Sample.Temperature", scans(*texts))
    np.testing.assert_allclose(against.value_N, values)
    assert against.label == label and not reasons
    # As one after the other, with what is known of the unit.
    one_by_one, unit = [], None
    for one in scans(*texts):
        read, _ = read_against("Sample.Temperature", [one], unit)
        unit = read.unit
        one_by_one.append(read.value_N[0])
    np.testing.assert_allclose(one_by_one, values)


def test_scans_without_the_number_say_why():
    texts = ("300 K", None, "room temperature", "27 C", "1.2.3 K", "300 K, then 4 K", "12:30")
    against, reasons = read_against("sample.temperature", scans(*texts))
    assert np.isfinite(against.value_N).tolist() == [True, *[False] * 6]
    assert reasons[1].startswith("no sample.temperature in its header: left out of the figure")
    assert reasons[2].startswith("sample.temperature is 'room temperature', no number:")
    assert reasons[3].startswith("sample.temperature is in C, that of others in K:")
    assert sorted(reasons) == [1, 2, 3, 4, 5, 6]


def test_scans_are_numbered_as_they_are_read():
    against, reasons = read_against("number", scans(None, None, None))
    assert against.value_N.tolist() == [1, 2, 3] and against.label == "Scan" and not reasons


def test_that_no_scan_has_the_number_is_an_error_that_names_those_there_are():
    with pytest.raises(UserError, match=r"no scan has such a header\ndid you mean sample.temperature"):
        require_against("Sample.temprature", scans("300 K", None))
    with pytest.raises(UserError, match=r"is 'warm', no number\nno header has a number"):
        require_against("Sample.temperature", scans("warm"))
