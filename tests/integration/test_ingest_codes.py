"""`rankaae ingest source=codes`: folders of code output become family files."""

import numpy as np
import pytest

from rankaae_cli.data.family.family_file import read_family
from tests.data.readers.computed.codes.test_folder import ocean, xspectra

ENERGY = np.linspace(-5, 30, 36)
CALL = [
    "+family=Ti_oxides",
    "family.energy.start=4960",
    "family.energy.points=81",
    "source=codes",
    "path=runs",
]


@pytest.fixture
def runs(tmp_path):
    edge = 0.5 + np.arctan(ENERGY - 5) / np.pi
    for name, text in {
        "m1/OCEAN/Spectra-4-4-4/absspct_Ti.0001_1s_01": ocean(0.5 * edge),
        "m1/OCEAN/Spectra-8-8-8/absspct_Ti.0001_1s_01": ocean(edge),
        "m2/OCEAN/Spectra-8-8-8/absspct_Ti.0003_1s_01": ocean(2 * edge),
        "m2/XSPECTRA/0/dipole1/xanes.dat": xspectra(edge),
    }.items():
        path = tmp_path / "runs" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    return tmp_path


def test_a_code_is_read_onto_the_grid_of_the_family(runs, rankaae):
    done = rankaae("ingest", *CALL, "codes.code=ocean", "codes.shift=4965", "output=ti.h5")
    assert done.returncode == 0, done.stderr
    family = read_family(runs / "ti.h5")
    assert (family.fidelity, family.normalisation, len(family)) == ("OCEAN", "unknown", 2)
    assert list(zip(family.material_N, family.site_N, strict=True)) == [("m1", 1), ("m2", 3)]
    # The finest of the settings counts.
    expected = np.interp(family.energy_E, ENERGY + 4965, 0.5 + np.arctan(ENERGY - 5) / np.pi)
    assert np.allclose(family.spectra_NE[:][0], expected, atol=0.03)
    assert np.isnan(family.descriptors_NK).all()


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        (["codes.shift=4965"], "holds the output of OCEAN, XSpectra\nsay which by codes.code="),
        (["codes.code=exiting"], "holds no spectrum of exiting"),
        (["codes.code=OCEAN"], "codes.shift= moves it"),
    ],
)
def test_what_is_missing_is_said(runs, rankaae, settings, message):
    done = rankaae("ingest", *CALL, *settings, "output=ti.h5")
    assert done.returncode == 2
    said = done.stderr + done.stdout
    assert message in said, said
    assert not (runs / "ti.h5").exists()
