import numpy as np
import pytest

from rankaae_cli.core.xas.spectra import SpectrumError
from rankaae_cli.data.readers.computed.feff import parse_xmu, require_absorber
from tests.data.feff_folder import HEADERS, xmu_text


@pytest.mark.parametrize("header", HEADERS)
def test_headers_of_every_version(header):
    xmu = parse_xmu(xmu_text(header=header, z=26, edge="L3").encode())
    assert (xmu.element, xmu.edge) == ("Fe", "L3")
    assert xmu.energy.shape == xmu.mu.shape == (173,)
    assert (xmu.energy[0], xmu.energy[-1]) == (8984.5, 9125.0)
    assert 0 < xmu.mu[0] < 0.1 < xmu.mu[-1] < 1.1


def test_a_file_without_any_header():
    text = "".join(f" {e:.3f} 0.1 0.2 {e / 10:.4E} 0.5 0.6\n" for e in range(5))
    xmu = parse_xmu(text.encode())
    assert np.allclose(xmu.mu, np.arange(5) / 10)
    assert (xmu.element, xmu.edge) == ("", "")
    require_absorber(xmu, "Cu", "K")


def test_exponents_without_their_letter():
    rows = "1.0 0 0 1.234-101 0 1.0D-02\n2.0 0 0 0.5D0 0 0\n3.0 0 0 -2.5+100 0 0\n"
    assert parse_xmu((HEADERS["FEFF 9"] + rows).encode()).mu.tolist() == [1.234e-101, 0.5, -2.5e100]


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("", "truncated: xmu.dat has no rows"),
        (HEADERS["FEFF 9"], "truncated: xmu.dat has no rows"),
        (xmu_text()[:-20], "truncated: line 182 of xmu.dat has 5 columns, expected 6"),
        (xmu_text(points=9).replace("9125.000", "********"), r"xmu.dat holds '\*\*\*\*\*\*\*\*'"),
        (b"\xff\xfe\x00\x01" * 100, "truncated: xmu.dat has no rows"),
    ],
)
def test_damaged_files_are_refused_with_the_reason(text, reason):
    with pytest.raises(SpectrumError, match=reason):
        parse_xmu(text if isinstance(text, bytes) else text.encode())


def test_another_absorber_is_refused():
    with pytest.raises(SpectrumError, match="the spectrum is of Zn, the family is of Cu"):
        require_absorber(parse_xmu(xmu_text(z=30).encode()), "Cu", "K")
    with pytest.raises(SpectrumError, match="of the L3 edge, the family is of the K edge"):
        require_absorber(parse_xmu(xmu_text(edge="L3").encode()), "Cu", "K")
