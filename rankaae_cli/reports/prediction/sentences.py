"""What is said of a prediction in sentences, on the terminal and on its page."""

import re
from collections import Counter
from collections.abc import Sequence

from rankaae_cli.analysis.prediction.input import InputSpectrum
from rankaae_cli.core.labels import listed
from rankaae_cli.core.statistics.calibration import IN_RANGE, OUTSIDE, UNUSUAL
from rankaae_cli.reports.prediction.tables import Prediction, named

STEPS = (
    "Readings come in steps: spectra whose styles are close get one value, as styles are calibrated by an isotonic "
    "regression."
)
_OFFSET = "energy offset"  # begins what offset_sentence says of all spectra together
_CALIBRATED = re.compile(r"calibrated by ([+-]\d+(?:\.\d+)?) eV")
_LARGE_CALIBRATION = 3.0  # eV; monochromators are seldom off by more
_NAMED = 3  # files
# A number that stands alone; what is quoted is a name.
_NUMBER = re.compile(r"'[^']*'|(?<![\w.])[+-]?\d+(?:\.\d+)?(?!\.?\w)")


def verdict_counts(prediction: Prediction) -> str:
    """Return how many spectra are in range, unusual and outside, as a sentence."""
    count = Counter(prediction.reading.verdict_N)
    parts = [f"{count[verdict]} {verdict}" for verdict in (IN_RANGE, UNUSUAL, OUTSIDE) if count[verdict]]
    n = len(prediction.spectra)
    return f"{n} {'spectrum' if n == 1 else 'spectra'}: {listed(parts)}"


def outside_warning(prediction: Prediction) -> str:
    """Return what is to be done with the readings of spectra outside; nothing where there are none."""
    count, n = prediction.reading.verdict_N.count(OUTSIDE), len(prediction.spectra)
    if not count:
        return ""
    if n == 1:
        return "the spectrum is outside of what the model was trained on: its readings should not be used"
    are = "is" if count == 1 else "are"
    return (
        f"{count} of {n} spectra {are} outside of what the model was trained on: "
        f"{'its' if count == 1 else 'their'} readings should not be used"
    )


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


def notes(prediction: Prediction) -> list[str]:
    """Return what was done to measured spectra on reading, a line each; see `gathered`."""
    said = [(label, note) for label, note in _notes(prediction) if not _is_large(note)]
    return gathered(said, len(prediction.spectra))


def warnings(prediction: Prediction) -> list[str]:
    """Return what should not have been needed, a line each; see `gathered`."""
    n, own = len(prediction.spectra), []
    for one, said in zip(prediction.spectra, prediction.warnings, strict=True):
        own += [
            (named(one), warning)
            for warning in said
            if warning not in _done(one) and not warning.startswith(_OFFSET)
        ]
    lines = gathered(own, n)
    large = [(label, note) for label, note in _notes(prediction) if _is_large(note)]
    files = list(dict.fromkeys(label for label, _ in large))
    more = f" and {len(files) - _NAMED} more" if len(files) > _NAMED else ""
    ask = f"that is more than {_LARGE_CALIBRATION:g} eV, was the foil in the reference channel?"
    for line in gathered(large, n):
        shown = f" ({', '.join(files[:_NAMED])}{more})" if len(files) > 1 else ""
        lines.append(f"{line}; {ask}{shown}")
    return lines


def gathered(said: Sequence[tuple[str, str]], n: int) -> list[str]:
    """Return remarks on `n` spectra, those that differ in numbers alone as one, the commonest first.

    Parameters
    ----------
    said
        Pairs of a spectrum's name and a remark on it.
    n
        How many spectra there are.

    Returns
    -------
    list of str
        ``3 of 6: 1 to 7 points were sorted``, or the name instead of the count where it is a single spectrum.
    """
    alike: dict[str, list[tuple[str, list[str]]]] = {}
    for label, remark in said:
        numbers = [found.group() for found in _NUMBER.finditer(remark)]
        alike.setdefault(_NUMBER.sub("\0", remark), []).append((label, numbers))
    lines = []
    for pattern, those in sorted(alike.items(), key=lambda item: -len(item[1])):
        ranges = iter([_range(column) for column in zip(*(numbers for _, numbers in those), strict=True)])
        text = "".join(next(ranges) if part == "\0" else part for part in re.split("(\0)", pattern))
        labels = dict.fromkeys(label for label, _ in those)
        who = next(iter(labels)) if len(labels) == 1 else f"{len(labels)} of {n}"
        lines.append(text if n == 1 else f"{who}: {text}")
    return lines


def _range(texts: Sequence[str]) -> str:
    """Return the smallest and the largest of numbers as text; of names, which are no numbers, all."""
    distinct = list(dict.fromkeys(texts))
    if any(text.startswith("'") for text in distinct):
        return listed(distinct)
    distinct.sort(key=float)
    return distinct[0] if len(distinct) == 1 else f"{distinct[0]} to {distinct[-1]}"


def _notes(prediction: Prediction) -> list[tuple[str, str]]:
    return [(named(one), note) for one in prediction.spectra for note in _done(one)]


def _done(one: InputSpectrum) -> list[str]:
    """Return what was done to a spectrum on reading; what its reader doubts is a warning."""
    spectrum = one.prepared.spectrum
    return [note for note in spectrum.notes if note not in spectrum.doubts]


def _is_large(note: str) -> bool:
    found = _CALIBRATED.match(note)
    return found is not None and abs(float(found[1])) > _LARGE_CALIBRATION
