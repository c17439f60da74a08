import numpy as np
import pytest

from rankaae_cli.core.xas.spectra import SpectrumError
from rankaae_cli.data.readers.computed.feff import is_xmu_text, parse_xmu, require_absorber
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


PATHS = "".join(f"{i:6d}    0.00401  100.000   12.00   2   {2 + i / 99:.4f}\n" for i in range(300))


@pytest.mark.parametrize("header", HEADERS)
@pytest.mark.parametrize("mark", ["# ", ""])
def test_a_header_of_any_length_is_a_header(header, mark):
    """FEFF 6 writes the six numbers of each path without a mark before them."""
    head = HEADERS[header].format(z=29, edge="K").splitlines(keepends=True)
    paths = "".join(mark + line for line in PATHS.splitlines(keepends=True))
    rows = xmu_text(header=header).split("@#\n")[1]
    text = "".join([*head[:-1], paths, head[-1], rows])
    assert is_xmu_text(text)
    xmu = parse_xmu(text.encode())
    assert (len(xmu.energy), xmu.energy[0], xmu.element) == (173, 8984.5, "Cu")


def test_without_a_header_the_columns_tell():
    rows = xmu_text().split("@#\n")[1]
    table = np.array([line.split() for line in rows.splitlines()], dtype=float)
    assert is_xmu_text(rows) and is_xmu_text("# a note\n\n" + rows)
    older = table.copy()  # FEFF 6: chi is a share of mu0
    older[:, 4], older[:, 5] = table[:, 3] / 1.1, 0.1
    others = {}
    for name in ("another energy", "another chi", "no shift", "five columns", "few rows"):
        others[name] = table.copy()
    others["another energy"][:, 1] *= 1.01
    others["another chi"][:, 5] = 0.2
    others["no shift"][:, 1] = table[:, 0]
    others["five columns"] = table[:, :5]
    others["few rows"] = table[:9]
    assert is_xmu_text(text_of(older))
    assert [name for name, columns in others.items() if is_xmu_text(text_of(columns))] == []
    assert not is_xmu_text("dear diary, the omega and the e of it\n")


def text_of(table):
    return "".join(" ".join(f"{x:.6E}" for x in row) + "\n" for row in table)


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
