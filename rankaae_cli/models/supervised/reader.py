"""A reader of descriptors: the mean of its parts, each fitted to what it sees of the training spectra."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import Any, Protocol

import numpy as np

from rankaae_cli.core.errors import UnusableError
from rankaae_cli.core.statistics.metrics import mean_spearman
from rankaae_cli.models.baselines import FittingRows, Report
from rankaae_cli.models.supervised.forests import Forests, fit_forests
from rankaae_cli.models.supervised.inputs import CANDIDATES, require_inputs
from rankaae_cli.models.supervised.network import Networks
from rankaae_cli.models.supervised.ridge import KernelRidge, fit_kernel_ridge
from rankaae_cli.models.supervised.settings import AUTO, ReaderSettings

_TREES_TO_CHOOSE = 60  # as many tell which inputs are the best


class Part(Protocol):
    """What reads descriptors by one method."""

    @property
    def inputs(self) -> tuple[str, ...]:
        """What it sees of a spectrum."""

    @property
    def parameters(self) -> int:
        """How many numbers were fitted."""

    def read(self, spectra_NE: np.ndarray) -> np.ndarray:
        """Return the descriptors of spectra in every trial, shape (T, N, K); NaN of what was never known."""

    def content(self) -> dict[str, Any]:
        """Return plain values and tensors."""


FitPart = Callable[..., Part]


def _fit_networks(*arguments: Any) -> Part:
    # Lightning takes seconds to load, which no other part needs.
    from rankaae_cli.models.supervised.networks import fit_networks

    return fit_networks(*arguments)


@dataclass(frozen=True)
class Method:
    """A method of reading: its name in print, how a part is fitted and restored from its content."""

    label: str
    fit: FitPart
    restored: Callable[[Mapping[str, Any], int], Part]


# By the names of their settings in `ReaderSettings`.
METHODS: Mapping[str, Method] = {
    "random_forest": Method("random forest", partial(fit_forests, "random_forest"), Forests.restored),
    "extra_trees": Method(
        "extremely randomised trees", partial(fit_forests, "extra_trees"), Forests.restored
    ),
    "kernel_ridge": Method("kernel ridge regression", fit_kernel_ridge, KernelRidge.restored),
    "network": Method("networks", _fit_networks, Networks.restored),
}


@dataclass(frozen=True)
class Reader:
    """The mean of parts, by the names of their methods."""

    parts: Mapping[str, Part]

    @property
    def parameters(self) -> int:
        """How many numbers were fitted."""
        return sum(part.parameters for part in self.parts.values())

    def read(self, spectra_NE: np.ndarray) -> np.ndarray:
        """Return the descriptors of spectra in every trial, shape (T, N, K); NaN of what was never known."""
        return np.asarray(np.mean([part.read(spectra_NE) for part in self.parts.values()], axis=0))

    def content(self) -> dict[str, Any]:
        """Return plain values and tensors."""
        return {name: part.content() for name, part in self.parts.items()}


def restored_reader(content: Mapping[str, Any], points: int, trials: int, descriptors: int) -> Reader:
    """Return the reader whose `Reader.content` is given.

    Raises
    ------
    UnusableError
        If it would not read so many descriptors in so many trials of spectra of E points.
    """
    for name, part in content.items():
        if name not in METHODS:
            raise UnusableError(f"a part {name!r}, which is no method of reading")
        require_inputs(list(part["inputs"]))
    if not content:
        raise UnusableError("a reader without parts")
    reader = Reader({name: METHODS[name].restored(part, points) for name, part in content.items()})
    for one in reader.parts.values():
        shape = one.read(np.zeros((1, points))).shape
        if shape != (trials, 1, descriptors):
            raise UnusableError(
                f"a reader of {shape[2]} descriptors in {shape[0]} trials, not {descriptors} in {trials}"
            )
    return reader


def parts_of(settings: ReaderSettings) -> dict[str, Any]:
    """Return the settings of those methods that a reader is made of, by name."""
    return {name: own for name in METHODS if (own := getattr(settings, name)) is not None}


def fit_reader(
    rows: FittingRows,
    parts: Mapping[str, Any],
    inputs: Any,
    trials: int,
    seed: int,
    threads: int,
    report: Report,
) -> Reader:
    """Fit the parts of a reader.

    Parameters
    ----------
    rows
        Those of training are fitted to; those of validation choose inputs, and the epochs of networks.
    parts
        Of `parts_of`.
    inputs
        What all parts see of a spectrum, names in `supervised.inputs`; ``auto``: the best of its candidates for
        each part, by the mean Spearman correlation on validation.
    trials, seed, threads
        See `forests.fit_forests`.
    report
        Called with how many steps of how many are done, and what is fitted; of a single part as that does.
    """
    if inputs != AUTO and len(parts) == 1:
        return Reader(
            {
                name: METHODS[name].fit(rows, settings, tuple(inputs), trials, seed, threads, report)
                for name, settings in parts.items()
            }
        )
    fitted: dict[str, Part] = {}
    for i, (name, settings) in enumerate(parts.items()):
        label, seen = METHODS[name].label, inputs
        if inputs == AUTO:
            report(2 * i, 2 * len(parts), f"choosing inputs of {label}")
            seen = best_inputs(name, rows, settings, seed, threads)
        report(2 * i + 1, 2 * len(parts), f"fitting {label}")
        fitted[name] = METHODS[name].fit(rows, settings, tuple(seen), trials, seed, threads, _silent)
    report(2 * len(parts), 2 * len(parts), "")
    return Reader(fitted)


def best_inputs(name: str, rows: FittingRows, settings: Any, seed: int, threads: int) -> tuple[str, ...]:
    """Return the one of `inputs.CANDIDATES` that a method reads the validation rows best from."""
    quick = settings
    if hasattr(settings, "trees"):
        quick = replace(settings, trees=min(settings.trees, _TREES_TO_CHOOSE))
    scores = [
        _score(METHODS[name].fit(rows, quick, inputs, 1, seed, threads, _silent), rows)
        for inputs in CANDIDATES
    ]
    return CANDIDATES[int(np.argmax(scores))]


def _score(part: Part, rows: FittingRows) -> float:
    score = mean_spearman(part.read(rows.validation_NE)[0], rows.validation_NK)
    return score if np.isfinite(score) else -np.inf


def _silent(done: int, total: int, standing: str) -> None:
    """Report nothing."""


def label_of(names: Sequence[str]) -> str:
    """Return what a reader of these methods is, in words."""
    labels = [METHODS[name].label for name in names]
    return labels[0] if len(labels) == 1 else f"a blend of {' and '.join(labels)}"
