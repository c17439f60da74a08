"""A prediction made by hand, for what is drawn and said of predictions."""

from dataclasses import fields
from pathlib import Path

import numpy as np

from rankaae_cli.analysis.prediction.input import InputSpectrum
from rankaae_cli.analysis.prediction.offset import Offset
from rankaae_cli.analysis.prediction.predict import ModelDescription, PredictionResult
from rankaae_cli.analysis.prediction.predictor import Prediction
from rankaae_cli.core.labels import Subject
from rankaae_cli.core.mixtures.unmixing import Mixture
from rankaae_cli.data.measured.prepared import Prepared
from rankaae_cli.data.measured.spectrum import MeasuredSpectrum

GRID = np.linspace(8983.5, 9047.25, 64)
VERDICTS = ("in range", "unusual", "outside")
EDGE = 0.5 + np.arctan(GRID - 8991.0) / np.pi


def spectrum(name, computed=False, notes=(), doubts=()):
    """A spectrum of a file, or of site 8 of a material of that name."""
    one = MeasuredSpectrum(name, Path(name), "Cu", "K", GRID, EDGE, None, True, computed, notes=tuple(notes))
    for doubt in doubts:
        one = one.with_doubt(doubt)
    where = (name, 8) if computed else (None, None)
    return InputSpectrum(name, Prepared(one, GRID, EDGE), *where)


def prediction(spectra, verdicts=None, mixtures=True, warnings=None, offset=None):
    """Readings of OS (1.2, its interval from 0 to 9, of 1 to 3 in training) and of NNRS (0.2, 0.1 to 0.3)."""
    n = len(spectra)
    rows = {
        "value_NK": [1.2, 0.2],
        "low_NK": [0.0, 0.1],
        "high_NK": [9.0, 0.3],
        "reconstruction_NE": 0.9 * EDGE,
    }
    empty = {field.name: np.zeros((n, 2)) for field in fields(Prediction)}
    values = {name: np.tile(row, (n, 1)) for name, row in rows.items()}
    scalars = {"error_N": np.full(n, 0.048), "novelty_N": np.full(n, 1.5), "p_N": np.full(n, 0.02)}
    probabilities = {"OS": ((1.0, 2.0), np.tile([0.06, 0.94], (n, 1)))}
    said = {"verdict_N": list(verdicts or ["unusual"] * n), "probabilities": probabilities}
    made = Mixture(
        (1.0, 2.0), np.array([0.87, 0.13]), np.array([0.364, 0.0]), np.array([1.0, 0.636]), error=0.02
    )
    rows_of_spectra = {"spectra_NE": np.tile(EDGE, (n, 1)), "weights": [np.ones(1)] * n}
    return PredictionResult(
        run_name="measured",
        model=ModelDescription(
            subject=Subject("Cu_oxides", "Cu", "K"),
            fidelity="VASP",
            descriptor_names=("OS", "NNRS"),
            descriptor_units=("e", "angstrom"),
            energy_E=GRID,
        ),
        provenance={},
        known_range_K2=np.array([[1.0, 3.0], [0.05, 0.45]]),
        coverage=0.9,
        spectra=list(spectra),
        prediction=Prediction(**(empty | values | scalars | said | rows_of_spectra)),
        nearest=[["mp-1 8", "mp-2 0"]] * n,
        offset=offset or Offset(6.3, 1.0, "given", True),
        warnings=warnings or [list(one.prepared.spectrum.notes) for one in spectra],
        nuisances=[""] * n,
        mixtures={"OS": [made] * n} if mixtures else {},
        faults=[],
    )
