"""Files of SPEC: several scans, of which some are no spectra."""

import numpy as np
import pytest

from rankaae_cli.core.xas.spectra import SpectrumError
from rankaae_cli.data.measured.detect import read_folder, read_measured
from tests.data.measured_scan import EDGES, chambers, mu, scan_energies

ENERGY = scan_energies(EDGES["Cu"])
MU = mu(ENERGY, EDGES["Cu"])
I0, ITRANS, _ = chambers(ENERGY, EDGES["Cu"])
LABELS = "energy  Two Theta  Seconds  I0  I1"
HEAD = "#F beamtime.spec\n#E 1145450191\n#D Sat Jul 22 13:05:06 2026\n#C User = x\n#O0 Delta  Theta  Chi\n\n"


def scan(number, *columns, labels=LABELS, command="ascan energy 8829 9579 339 1", end=""):
    rows = [" ".join(f"{v:.9g}" for v in row) for row in zip(*columns, strict=True)]
    head = [f"#S {number} {command}", "#D Sat Jul 22 14:00:00 2026", "#C a comment 1 2 3", "#P0 1 2 3"]
    return "\n".join([*head, f"#N {len(columns)}", f"#L {labels}", *rows, end]) + "\n"


def copper(factor=1.0):
    return factor * ENERGY, 20 + 0 * ENERGY, 1 + 0 * ENERGY, I0, ITRANS


def write(tmp_path, *scans):
    (tmp_path / "beamtime.spec").write_text(HEAD + "".join(scans))
    return tmp_path / "beamtime.spec"


def test_one_scan_is_a_spectrum_named_by_its_file(tmp_path):
    (spectrum,) = read_measured(write(tmp_path, scan(7, *copper())), element="Cu")
    assert (spectrum.name, spectrum.columns_used, spectrum.element) == ("beamtime", "log(i0/itrans)", "Cu")
    np.testing.assert_allclose(spectrum.energy_M, ENERGY, rtol=1e-8)
    np.testing.assert_allclose(spectrum.mu_M, MU, atol=1e-6)
    assert spectrum.metadata["scan.start_time"] == "Sat Jul 22 14:00:00 2026"


def test_several_scans_are_several_spectra_and_what_is_none_is_named(tmp_path):
    angle = np.linspace(-1.0, 1.0, 61)
    turned = (angle, 8979 + 0 * angle, 1 + 0 * angle, 1e5 + 0 * angle, 1e5 - angle)
    path = write(
        tmp_path,
        scan(1, *copper()),
        scan(2, *turned, labels="Theta  energy  Seconds  I0  I1", command="ascan th -1 1 60 1"),
        scan(3, *(c[:5] for c in copper()), end="#C Sat Jul 22 14:05:00 2026.  Scan aborted after 5 points."),
        "#S 4 ascan energy 8829 9579 339 1\n#N 5\n#L " + LABELS + "\n",
        scan(5, *copper(1e-3), end="#C Scan aborted after 339 points."),
        scan(1, *copper()),
    )
    spectra, faults = read_folder(path, element="Cu")
    assert [s.name for s in spectra] == ["beamtime/1", "beamtime/5", "beamtime/1.2"]
    for spectrum in spectra:
        np.testing.assert_allclose(spectrum.energy_M, ENERGY, atol=1e-4)
        np.testing.assert_allclose(spectrum.mu_M, MU, atol=1e-6)
    assert spectra[1].notes == ("energies in keV were multiplied by 1000",)
    reasons = {file.name: reason for file, reason in faults}
    assert list(reasons) == ["2", "3", "4"]
    assert reasons["2"].startswith(
        "the scan (ascan th -1 1 60 1) is over Theta, no energies; if they are, say"
    )
    assert "has 5 rows, at least 30 are needed: was it aborted?" in reasons["3"]
    assert "has 0 rows" in reasons["4"]


def test_labels_may_have_one_blank_between_them_and_analysers_lines_are_passed_over(tmp_path):
    text = scan(1, *copper(), labels="energy tth Seconds I0 I1").splitlines(keepends=True)
    text = [line if line[0] == "#" else f"{line}@A 1 2 3\\\n 4 5 6\n" for line in text]
    (spectrum,) = read_measured(write(tmp_path, *text))
    np.testing.assert_allclose(spectrum.mu_M, MU, atol=1e-6)


def test_columns_are_chosen_by_label_or_number(tmp_path):
    labels = "mono  a b  c  det 1  det 2"
    path = write(tmp_path, scan(1, *copper(), labels=labels))
    with pytest.raises(
        SpectrumError, match=r"over mono, no energies; if they are, say 'measured.columns=\{energy:1\}'"
    ):
        read_measured(path)
    # Energies about the absorber's edge are some, whatever the motor is called.
    with pytest.raises(SpectrumError, match=r"5 columns \(mono, a b, c, det 1, det 2\), and none is known"):
        read_measured(path, element="Cu")
    for choice in ({"energy": 1, "i0": 4, "itrans": 5}, {"energy": "mono", "i0": "det 1", "itrans": "det 2"}):
        np.testing.assert_allclose(read_measured(path, choice)[0].mu_M, MU, atol=1e-6)


def test_angles_are_the_monochromators_where_its_spacing_is_said(tmp_path):
    angle = np.degrees(np.arcsin(12398.41984 / (2 * 3.1356 * ENERGY)))
    path = write(tmp_path, scan(1, angle, I0, ITRANS, labels="theta  I0  I1"))
    with pytest.raises(
        SpectrumError, match=r"is over theta, no energies; .*,unit:degrees,d_spacing:3\.1356\}'"
    ):
        read_measured(path)
    (spectrum,) = read_measured(path, {"energy": 1, "unit": "degrees", "d_spacing": 3.1356})
    np.testing.assert_allclose(spectrum.energy_M, ENERGY, atol=1e-3)


def test_labels_that_do_not_fit_the_rows_are_named(tmp_path):
    with pytest.raises(SpectrumError, match="have 5 columns, its #L line has labels for 2"):
        read_measured(write(tmp_path, scan(1, *copper(), labels="energy  I0")))


def test_a_comment_that_ends_in_a_backslash_is_a_line_of_its_own(tmp_path):
    text = scan(7, *copper()).replace("#C a comment 1 2 3\n", "#C data saved in C:\\data\\\n", 1)
    text = text.replace("#L ", "#C and in D:\\\n#L ", 1)
    (spectrum,) = read_measured(write(tmp_path, text), element="Cu")
    assert len(spectrum) == len(ENERGY)


def test_a_log_of_a_whole_beamtime_is_read(tmp_path):
    path = write(tmp_path, scan(1, *copper()), scan(2, *copper(0.5)))
    comments = b"".join(b"#C %05d " % i + b"x" * 4000 + b"\n" for i in range(9000))
    path.write_bytes(path.read_bytes() + comments)
    assert len(read_measured(path)) == 2
