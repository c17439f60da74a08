"""References: spectra whose descriptors are known, as a last check of what is read. Nothing is fitted to them."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from rankaae_cli.analysis.prediction.align import MATERIAL, known_references
from rankaae_cli.analysis.prediction.predictor import Prediction
from rankaae_cli.core.errors import UserError, nearest

Values = Mapping[str, float]  # known descriptors


@dataclass(frozen=True)
class ReferenceReading:
    """What is read of a descriptor that is known.

    Attributes
    ----------
    file
        The reference, as the call gives it.
    descriptor, known
        Its name and its value.
    value, low, high
        The reading and its interval.
    likeliest
        Of the classes of the descriptor, and its probability; None where it has none.
    verdict
        On the spectrum.
    """

    file: str
    descriptor: str
    known: float
    value: float
    low: float
    high: float
    likeliest: tuple[float, float] | None
    verdict: str

    @property
    def is_inside(self) -> bool:
        """Whether the known value lies in the interval."""
        return self.low <= self.known <= self.high


def checkable_references(given: Any, descriptors: Sequence[str]) -> dict[str, Values]:
    """Return the known descriptors of references by their files.

    Parameters
    ----------
    given
        See `rankaae_cli.analysis.prediction.align.known_references`; None: no references.
    descriptors
        Names of those that the model reads.

    Raises
    ------
    UserError
        If a file is not there, or something else than descriptors of the model is known of it.
    """
    checkable: dict[str, Values] = {}
    for file, known in ({} if given is None else known_references(given)).items():
        if not Path(file).is_file():
            raise UserError(f"there is no file {file}\ncorrect references=")
        for name in known:
            if name not in descriptors:
                if name == MATERIAL:
                    raise UserError(
                        f"reference {file}: its material is no descriptor of the model, with which to compare\n"
                        f"give what is known of {', '.join(descriptors)}, such as "
                        f"'references={{{file}:{{{descriptors[0]}:2}}}}'"
                    )
                raise UserError(
                    f"reference {file}: {name} is no descriptor of the model, with which to compare: "
                    f"{nearest(name, descriptors)}"
                )
        checkable[file] = {name: float(value) for name, value in known.items()}
    return checkable


def reference_readings(
    references: Mapping[str, Values], rows: Sequence[int], names: Sequence[str], prediction: Prediction
) -> list[ReferenceReading]:
    """Return what is read of all that is known.

    Parameters
    ----------
    references
        Known descriptors by file.
    rows
        Which spectrum of the prediction each is.
    names
        Of the descriptors of the prediction.
    prediction
        Of the spectra.
    """
    of_model = {name: k for k, name in enumerate(names)}
    return [
        ReferenceReading(
            file=file,
            descriptor=name,
            known=known,
            value=float(prediction.value_NK[n, of_model[name]]),
            low=float(prediction.low_NK[n, of_model[name]]),
            high=float(prediction.high_NK[n, of_model[name]]),
            likeliest=prediction.likeliest(name, n),
            verdict=prediction.verdict_N[n],
        )
        for n, (file, values) in zip(rows, references.items(), strict=True)
        for name, known in values.items()
    ]
