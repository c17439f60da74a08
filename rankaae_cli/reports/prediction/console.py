"""A prediction on the terminal."""

import sys
from collections.abc import Sequence
from typing import TextIO

from rankaae_cli.reports.console import print_table
from rankaae_cli.reports.prediction.sentences import (
    notes,
    offset_sentence,
    outside_warning,
    verdict_counts,
    warnings,
)
from rankaae_cli.reports.prediction.tables import Prediction, prediction_table, shares_table

_SHOWN = 20  # rows
_REMARKS = 8  # lines


def print_prediction(prediction: Prediction) -> None:
    """Print the readings, at most twenty, and what they rest on."""
    n = len(prediction.spectra)
    rows = range(min(n, _SHOWN))
    first = f" (the first {_SHOWN} shown)" if n > _SHOWN else ""
    level = f"{100 * prediction.coverage:g} %"
    synthetic = prediction.subject.synthetic
    title = f"{prediction.subject.family}, {verdict_counts(prediction)}{first}"
    print_table(title, prediction_table(prediction, rows), synthetic)
    for name in prediction.mixtures:
        shown = shares_table(prediction, name, rows)
        print_table(f"shares of {name}, read as mixtures, {level} intervals{first}", shown, synthetic)
    if prediction.offset is not None:
        print(offset_sentence(prediction), file=sys.stdout if prediction.offset.is_known else sys.stderr)
    _print_remarks(notes(prediction), sys.stdout)
    outside = outside_warning(prediction)
    _print_remarks([*([outside] if outside else []), *warnings(prediction)], sys.stderr)


def _print_remarks(lines: Sequence[str], file: TextIO) -> None:
    for line in lines[:_REMARKS]:
        print(line, file=file)
    if len(lines) > _REMARKS:
        print(f"{len(lines) - _REMARKS} more remarks: column warnings of predictions.csv", file=file)
