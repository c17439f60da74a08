"""A prediction: what was read, and what is said of it on the terminal and on its page."""

import sys
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from rankaae_cli.core.calibration import IN_RANGE, OUTSIDE, UNUSUAL
from rankaae_cli.core.mixtures import Mixture
from rankaae_cli.core.reading import Offset, Reading
from rankaae_cli.data.prediction_input import Fault, InputSpectrum
from rankaae_cli.reports.console import print_table
from rankaae_cli.reports.labels import Subject, listed, with_unit
from rankaae_cli.reports.tables import Cell, Ranged, Table

_SHOWN = 20  # rows on a terminal


@dataclass(frozen=True)
class Prediction:
    """All that a call of `rankaae predict` found; N spectra.

    Attributes
    ----------
    run_name
        Of the run's directory.
    provenance
        Directory and checkpoint of the run, command line and time: plain values.
    subject
        Family, element and edge of the model.
    descriptor_names, descriptor_units
        K of them.
    energy_E
        The model's grid.
    known_range_K2
        1st and 99th percentile of each descriptor among the training rows.
    coverage
        Share of true values that the intervals are to hold.
    spectra, spectra_NE
        What was read, and on the model's grid.
    reading
        What the model makes of them.
    nearest
        Names of the training spectra nearest to each.
    offset
        Of measured spectra; None where all are computed.
    warnings
        Of each spectrum, one sentence each.
    best_shift_N
        Diagnostic, eV beside the offset; None where not asked for, NaN for computed spectra.
    mixtures
        By descriptor with classes, one a spectrum; empty where not asked for.
    faults
        What could not be read: file and reason.
    """

    run_name: str
    provenance: dict[str, str]
    subject: Subject
    descriptor_names: tuple[str, ...]
    descriptor_units: tuple[str, ...]
    energy_E: np.ndarray
    known_range_K2: np.ndarray
    coverage: float
    spectra: list[InputSpectrum]
    spectra_NE: np.ndarray
    reading: Reading
    nearest: list[list[str]]
    offset: Offset | None
    warnings: list[list[str]]
    best_shift_N: np.ndarray | None
    mixtures: dict[str, list[Mixture]]
    faults: list[Fault]


def prediction_table(prediction: Prediction, rows: Sequence[int] | None = None) -> Table:
    """Return readings with their intervals, one row a spectrum.

    Parameters
    ----------
    prediction
        What was read.
    rows
        Which spectra; all by default.
    """
    reading, names = prediction.reading, prediction.descriptor_names
    units = dict(zip(names, prediction.descriptor_units, strict=True))
    chosen = range(len(prediction.spectra)) if rows is None else rows
    content: list[list[Cell]] = []
    for n in chosen:
        row: list[Cell] = [prediction.spectra[n].label, reading.verdict_N[n]]
        row += [
            Ranged(*(float(part[n, k]) for part in (reading.value_NK, reading.low_NK, reading.high_NK)))
            for k in range(len(names))
        ]
        for classes, probability_NC in reading.probabilities.values():
            best = int(probability_NC[n].argmax())
            row.append(f"{classes[best]:g} ({100 * probability_NC[n, best]:.0f} %)")
        row += [float(reading.error_N[n]), float(reading.novelty_N[n])]
        content.append(row)
    classed = list(reading.probabilities)
    return Table(
        name="predictions",
        keys=["spectrum", "verdict", *names, *(f"{c}_class" for c in classed), "reconstruction_mae",
              "novelty"],
        headings=["Spectrum", "Verdict", *(with_unit(name, units[name]) for name in names),
                  *(f"{c}, likeliest" for c in classed), "Reconstruction error", "Novelty"],
        rows=content,
        caption=(
            f"In brackets the interval that holds {100 * prediction.coverage:g} % of true values among spectra "
            "like those of training. Novelty: 0 for the median validation spectrum, 1 for one that 5 % of them "
            "exceed."
        ),
    )  # fmt: skip


def verdict_counts(prediction: Prediction) -> str:
    """Return how many spectra are in range, unusual and outside, as a sentence."""
    count = Counter(prediction.reading.verdict_N)
    parts = [f"{count[verdict]} {verdict}" for verdict in (IN_RANGE, UNUSUAL, OUTSIDE) if count[verdict]]
    n = len(prediction.spectra)
    return f"{n} {'spectrum' if n == 1 else 'spectra'}: {listed(parts)}"


def offset_sentence(prediction: Prediction) -> str:
    """Return what was done to the energies of measured spectra; nothing where all are computed."""
    offset = prediction.offset
    if offset is None:
        return ""
    shift = f"{offset.value:+g} ± {offset.uncertainty:g} eV"
    if offset.is_known:
        return (
            f"energy offset between code and beamline: {shift} ({offset.origin}); its uncertainty is in the "
            "intervals"
        )
    return (
        f"energy offset between code and beamline not given: assumed {shift}, which is in the intervals. Codes are "
        "often several eV off: determine it from references of known valence (rankaae align)"
    )


def print_prediction(prediction: Prediction) -> None:
    """Print the readings, at most twenty, and what they rest on."""
    n = len(prediction.spectra)
    shown = prediction_table(prediction, range(min(n, _SHOWN)))
    title = f"{prediction.subject.family}, {verdict_counts(prediction)}"
    if n > _SHOWN:
        title += f" (the first {_SHOWN} shown)"
    print_table(title, shown, prediction.subject.synthetic)
    if prediction.offset is not None:
        print(offset_sentence(prediction), file=sys.stdout if prediction.offset.is_known else sys.stderr)
    # What was done on reading is in the tables; here, what should not have been needed.
    common = Counter(
        warning
        for one, said in zip(prediction.spectra, prediction.warnings, strict=True)
        for warning in said
        if warning not in one.prepared.spectrum.notes
    )
    for warning, count in common.most_common(4):
        if not warning.startswith("energy offset"):
            print(f"{count} of {n}: {warning}" if n > 1 else warning, file=sys.stderr)
