"""A prediction: what was read, and its tables."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from rankaae_cli.analysis.prediction.input import Fault, InputSpectrum
from rankaae_cli.analysis.prediction.result import Offset, Reading
from rankaae_cli.core.labels import Subject, with_unit
from rankaae_cli.core.statistics.mixtures import Mixture
from rankaae_cli.reports.tables import Cell, Ranged, Table


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
        row: list[Cell] = [named(prediction.spectra[n]), reading.verdict_N[n]]
        row += [
            Ranged(*(float(part[n, k]) for part in (reading.value_NK, reading.low_NK, reading.high_NK)))
            for k in range(len(names))
        ]
        for classes, probability_NC in reading.probabilities.values():
            best = int(probability_NC[n].argmax())
            row.append(f"{classes[best]:g} ({100 * probability_NC[n, best]:.0f} %)")
        row += [float(reading.error_N[n]), float(reading.novelty_N[n])]
        if prediction.best_shift_N is not None:
            row.append(_signed(float(prediction.best_shift_N[n])))
        content.append(row)
    classed = list(reading.probabilities)
    shift = ["best_shift"] if prediction.best_shift_N is not None else []
    return Table(
        name="predictions",
        keys=["spectrum", "verdict", *names, *(f"{c}_class" for c in classed), "reconstruction_mae",
              "novelty", *shift],
        headings=["Spectrum", "Verdict", *(with_unit(name, units[name]) for name in names),
                  *(f"{c}, likeliest" for c in classed), "Reconstruction error", "Novelty",
                  *("Best shift (eV)" for _ in shift)],
        rows=content,
        caption=(
            f"In brackets the interval that holds {100 * prediction.coverage:g} % of true values among spectra "
            "like those of training. Novelty: 0 for the median validation spectrum, 1 for one that 5 % of them "
            "exceed."
        ),
    )  # fmt: skip


def shares_table(prediction: Prediction, name: str, rows: Sequence[int] | None = None) -> Table:
    """Return the shares of a descriptor's classes with their intervals, one row a spectrum.

    Parameters
    ----------
    prediction
        What was read.
    name
        A descriptor that spectra were read as mixtures of.
    rows
        Which spectra; all by default.
    """
    mixtures = prediction.mixtures[name]
    chosen = range(len(prediction.spectra)) if rows is None else rows
    classes = mixtures[0].classes
    content: list[list[Cell]] = []
    for n in chosen:
        m = mixtures[n]
        ends = zip(m.share, m.low, m.high, strict=True)
        shares = [Ranged(float(share), float(low), float(high)) for share, low, high in ends]
        content.append([named(prediction.spectra[n]), *shares, float(m.error)])
    return Table(
        name=f"shares_{name}",
        keys=["spectrum", *(f"{name}_share_{c:g}" for c in classes), "difference"],
        headings=["Spectrum", *(f"{name} {c:g}" for c in classes), "Difference"],
        rows=content,
        caption=(
            f"Shares of sites with each {name}, with {100 * prediction.coverage:g} % intervals from mixtures of "
            "computed spectra; these are not widened for unusual spectra. Difference: mean absolute, between the "
            "spectrum and the mixtures that fit it best."
        ),
    )


def named(one: InputSpectrum) -> str:
    """Return what a spectrum is called: its file, or its material with the index of the site."""
    return one.label if one.material is None else f"{one.material} (site {one.site})"


def _signed(shift: float) -> str | None:
    return f"{shift:+.1f}".replace("-", "−") if np.isfinite(shift) else None
