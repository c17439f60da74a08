"""The offset that a call gives, as a number or a file, also of older versions."""

from types import SimpleNamespace

import pytest

from rankaae_cli.analysis.prediction.offset import chosen_offset, read_offset
from rankaae_cli.core.errors import UserError

OLDER = "element: Cu\nedge: K\ncode: {}\nbeamline: ''\noffset: 1.5\nuncertainty: 0.4\nreferences: []\n"


def trained(source, fidelity):
    return SimpleNamespace(element="Cu", edge="K", source=source, fidelity=fidelity)


@pytest.mark.parametrize(
    ("code", "to", "fits", "other"),
    [
        ("feff", "FEFF", ("feff", "FEFF"), ("npz", "VASP")),
        ("feff", "FEFF", ("csv", "FEFF"), ("feff", "FEFF shifted by +0.87 eV")),
        ("npz", "npz", ("npz", "unknown"), ("csv", "unknown")),
        ("npz", "npz", ("npz", "VASP"), ("feff", "FEFF")),
    ],
)
def test_older_files_hold_for_the_fidelity_that_their_code_tells(tmp_path, code, to, fits, other):
    path = tmp_path / "o.yaml"
    path.write_text(OLDER.format(code))
    content = read_offset(path)
    assert (content.from_fidelity, content.to_fidelity, content.offset) == ("measured", to, 1.5)
    offset = chosen_offset(path, None, trained(*fits))
    assert (offset.value, offset.uncertainty, offset.is_known) == (1.5, 0.4, True)
    with pytest.raises(UserError, match="holds for spectra of"):
        chosen_offset(path, None, trained(*other))


def test_no_number_is_made_of_true():
    with pytest.raises(UserError, match="True cannot be read"):
        chosen_offset(True, None, trained("feff", "FEFF"))
