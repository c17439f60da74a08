"""A prediction in sentences: on the terminal, and what its page takes of them."""

import re
import sys
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import TextIO

from rankaae_cli.analysis.prediction.input import Fault, InputSpectrum
from rankaae_cli.analysis.prediction.predict import PredictionResult
from rankaae_cli.core.labels import listed
from rankaae_cli.core.statistics.calibration import IN_RANGE, OUTSIDE, UNUSUAL
from rankaae_cli.reports.prediction.tables import (
    descriptor_cells,
    prediction_table,
    references_table,
    shares_table,
)
from rankaae_cli.reports.prediction.write import REJECTED
from rankaae_cli.reports.tables import print_number, print_table

STEPS = (
    "Readings come in steps: spectra whose styles are close get one value, as styles are calibrated by an isotonic "
    "regression."
)
_OFFSET = "energy offset"  # begins what offset_sentence says of all spectra together
_ROWS_SHOWN, _REMARKS_SHOWN, _FAULTS_SHOWN = 20, 8, 10
# A number that stands alone; what is quoted is a name.
_NUMBER = re.compile(r"'[^']*'|(?<![\w.])[+-]?\d+(?:\.\d+)?(?!\.?\w)")


def print_prediction(result: PredictionResult) -> None:
    """Print the predicted descriptors, at most twenty rows, and what they rest on."""
    n = len(result.spectra)
    rows = range(min(n, _ROWS_SHOWN))
    first = f" (the first {_ROWS_SHOWN} shown)" if n > _ROWS_SHOWN else ""
    level = f"{100 * result.coverage:g} %"
    synthetic = result.model.subject.synthetic
    title = f"{result.model.subject.family}, {verdict_counts(result.prediction.verdict_N)}{first}"
    print_table(title, prediction_table(result, rows), synthetic)
    for name in result.mixtures:
        title = f"shares of {name}, read as mixtures, {level} intervals{first}"
        print_table(title, shares_table(result, name, rows), synthetic)
    if result.references:
        print_table(f"references, {level} intervals", references_table(result), synthetic)
        print(references_sentence(result))
    if result.offset is not None:
        print(offset_sentence(result), file=sys.stdout if result.offset.is_known else sys.stderr)
    _print_remarks(notes(result), sys.stdout)
    _print_remarks(warnings(result), sys.stderr)


def reading_lines(result: PredictionResult) -> list[str]:
    """Return the descriptors of each spectrum with their intervals on a line, for the terminal."""
    lines = []
    for n, one in enumerate(result.spectra):
        cells = zip(result.model.descriptor_names, descriptor_cells(result, n), strict=True)
        read = ", ".join(f"{name} {print_number(cell)}" for name, cell in cells)
        lines.append(f"{one.title}: {result.prediction.verdict_N[n]}; {read}")
    return lines


def fault_lines(faults: Sequence[Fault]) -> list[str]:
    """Return what could not be read and why, a line each; where there are many, one for all of a reason."""
    if len(faults) <= _FAULTS_SHOWN:
        return [f"{file}: {reason}" for file, reason in faults]
    lines = merged_remarks(faults, len(faults))
    more = len(lines) - _REMARKS_SHOWN
    rest = f"for {more} more reasons: " if more > 0 else ""
    return [*lines[:_REMARKS_SHOWN], f"{rest}each of the {len(faults)} is in {REJECTED}"]


def _print_remarks(lines: Sequence[str], file: TextIO) -> None:
    for line in lines[:_REMARKS_SHOWN]:
        print(line, file=file)
    if len(lines) > _REMARKS_SHOWN:
        print(f"{len(lines) - _REMARKS_SHOWN} more remarks: column warnings of predictions.csv", file=file)


def verdict_counts(verdicts: Sequence[str]) -> str:
    """Return how many spectra are in range, unusual and outside, as a sentence."""
    count, n = Counter(verdicts), len(verdicts)
    parts = [f"{count[verdict]} {verdict}" for verdict in (IN_RANGE, UNUSUAL, OUTSIDE) if count[verdict]]
    return f"{n} {'spectrum' if n == 1 else 'spectra'}{f': {listed(parts)}' if parts else ''}"


def offset_sentence(result: PredictionResult) -> str:
    """Return what was done to the energies of measured spectra; nothing where all are computed."""
    offset = result.offset
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


def references_sentence(result: PredictionResult) -> str:
    """Return how many known values of references lie in their intervals; nothing where there are no references."""
    n, inside = len(result.references), sum(one.is_inside for one in result.references)
    if not n:
        return ""
    verb, level = "lies" if inside == 1 else "lie", f"{100 * result.coverage:g} %"
    count = f"references: {inside} of {n} known values {verb} in the interval; expected are {level}"
    of_offset = {Path(file).name for file in result.offset.references} if result.offset else set()
    both = dict.fromkeys(one.file for one in result.references if Path(one.file).name in of_offset)
    if not both:
        return count
    return f"{count}. The offset was determined from {listed(list(both))} too: that is no independent check"


def notes(result: PredictionResult) -> list[str]:
    """Return what was done to measured spectra on reading, a line each; see `merged_remarks`."""
    done = [(one.title, note) for one in result.spectra for note in _reading_notes(one)]
    return merged_remarks(done, len(result.spectra))


def warnings(result: PredictionResult) -> list[str]:
    """Return what should not have been needed, a line each, spectra outside first; see `merged_remarks`."""
    return warning_lines(result.prediction.verdict_N, own_warnings(result))


def own_warnings(result: PredictionResult) -> list[tuple[str, str]]:
    """Return what should not have been needed of single spectra: the name of each, and a sentence."""
    return [
        (one.title, text)
        for one, remarks in zip(result.spectra, result.warnings, strict=True)
        for text in remarks
        if text not in _reading_notes(one) and not text.startswith(_OFFSET)
    ]


def warning_lines(verdicts: Sequence[str], remarks: Sequence[tuple[str, str]]) -> list[str]:
    """Return what is to be said of spectra with these verdicts, and remarks of `own_warnings`, a line each."""
    return _outside_warning(verdicts) + merged_remarks(remarks, len(verdicts))


def merged_remarks(remarks: Sequence[tuple[str, str]], n: int) -> list[str]:
    """Return remarks on `n` spectra, those that differ in numbers alone as one, the commonest first.

    Parameters
    ----------
    remarks
        Pairs of a spectrum's name and a remark on it.
    n
        How many spectra there are.

    Returns
    -------
    list of str
        ``3 of 6: 1 to 7 points were sorted``, or the name instead of the count where it is a single spectrum.
    """
    alike: dict[str, list[tuple[str, list[str]]]] = {}
    for label, remark in remarks:
        numbers = [match.group() for match in _NUMBER.finditer(remark)]
        alike.setdefault(_NUMBER.sub("\0", remark), []).append((label, numbers))
    lines = []
    for pattern, those in sorted(alike.items(), key=lambda item: -len(item[1])):
        ranges = iter([_range(column) for column in zip(*(numbers for _, numbers in those), strict=True)])
        text = "".join(next(ranges) if part == "\0" else part for part in re.split("(\0)", pattern))
        labels = dict.fromkeys(label for label, _ in those)
        who = next(iter(labels)) if len(labels) == 1 else f"{len(labels)} of {n}"
        lines.append(text if n == 1 else f"{who}: {text}")
    return lines


def _outside_warning(verdicts: Sequence[str]) -> list[str]:
    """Return what is to be done with the readings of spectra outside; nothing where there are none."""
    count, n = list(verdicts).count(OUTSIDE), len(verdicts)
    if not count:
        return []
    who = "the spectrum is" if n == 1 else f"{count} of {n} spectra {'is' if count == 1 else 'are'}"
    whose = "its" if count == 1 else "their"
    return [f"{who} outside of what the model was trained on: {whose} readings should not be used"]


def _range(texts: Sequence[str]) -> str:
    """Return the smallest and the largest of numbers as text; of names, which are no numbers, all."""
    distinct = list(dict.fromkeys(texts))
    if any(text.startswith("'") for text in distinct):
        return listed(distinct)
    distinct.sort(key=float)
    return distinct[0] if len(distinct) == 1 else f"{distinct[0]} to {distinct[-1]}"


def _reading_notes(one: InputSpectrum) -> list[str]:
    """Return what was done to a spectrum on reading; what its reader doubts is a warning."""
    spectrum = one.prepared.spectrum
    return [note for note in spectrum.notes if note not in spectrum.doubts]
