"""What a trained model can do, whatever its kind: one protocol a capability.

Scores, figures and sections of reports are chosen by what a model can do, never by the name of its kind. T trials,
N rows, E energies, S styles, K descriptors. A model that can do something new brings a protocol of its own, here.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Protocol, TypeVar, runtime_checkable

import numpy as np
from torch import Tensor

from rankaae_cli.core.errors import UserError
from rankaae_cli.core.labels import Subject
from rankaae_cli.core.ranking.residuals import Residuals
from rankaae_cli.data.family.family import Member
from rankaae_cli.data.features.feature_set import FeatureSet
from rankaae_cli.data.mixtures import Recipe
from rankaae_cli.data.segments import Segment

FORMAT = "rankaae-checkpoint"
FORMAT_VERSION = 1


@runtime_checkable
class Trained(Protocol):
    """What every trained model knows of itself and of the family that it was trained on.

    Attributes
    ----------
    kind
        Its name in `registry.KINDS`.
    energy_E, energy_unit
        Grid of its spectra; ``eV`` or ``index``.
    family, element, edge, source, fidelity, normalisation
        Of the family file; source ``synthetic`` for synthetic data.
    descriptor_names, descriptor_units, descriptor_classes
        K names and units; the classes of those descriptors that take few values.
    selected_trial
        Index into the trials of the one that scored best on validation.
    scores_T, failed_T
        Validation score of each trial; why it was given up, or None.
    """

    @property
    def kind(self) -> str: ...  # noqa: D102

    energy_E: np.ndarray
    energy_unit: str
    family: str
    element: str
    edge: str
    source: str
    fidelity: str
    normalisation: str
    descriptor_names: tuple[str, ...]
    descriptor_units: tuple[str, ...]
    descriptor_classes: dict[str, list[float]]
    selected_trial: int
    scores_T: np.ndarray
    failed_T: list[str | None]

    @property
    def n_trials(self) -> int:
        """T."""

    @property
    def alive_T(self) -> np.ndarray:
        """The trials that an ensemble averages, shape (T,), bool."""

    @property
    def parameters_a_trial(self) -> int:
        """How many numbers were fitted in one trial."""

    @property
    def subject(self) -> Subject:
        """What figures of the model say about it."""

    @property
    def is_synthetic(self) -> bool:
        """Whether it was trained on spectra of the synthetic generator."""


@runtime_checkable
class HasNetworks(Trained, Protocol):
    """A model of networks that were trained in epochs, and from whose weights others can begin.

    Attributes
    ----------
    best_epoch_T
        Number of each trial's best epoch, which was kept.
    """

    best_epoch_T: np.ndarray

    @property
    def weights(self) -> dict[str, Tensor]:
        """Of the networks, by name, each stacked over the trials, (T, ...)."""


@runtime_checkable
class Predicts(Trained, Protocol):
    """A model from spectra to labels with intervals.

    Attributes
    ----------
    indicator_mean_TK, indicator_std_TK
        Of the indicators on the training rows.
    calibration
        What was fitted on validation to make descriptors and their intervals of its indicators; see
        `core.statistics.calibration`.
    """

    calibration: dict[str, Any]

    @property
    def indicator_mean_TK(self) -> np.ndarray: ...  # noqa: D102

    @property
    def indicator_std_TK(self) -> np.ndarray: ...  # noqa: D102

    def indicators(self, spectra_NE: np.ndarray) -> np.ndarray:
        """Return, for every trial, a number a descriptor that rises with it, shape (T, N, K) float32."""


@dataclass(frozen=True)
class Answers:
    """What is read of N spectra about K yes/no classes; NaN, or an empty verdict, of a class that cannot be read.

    Attributes
    ----------
    probability_NK, yes_NK
        Of yes, and whether it is yes rather than no, by the threshold of the best balanced accuracy.
    certainty_NK
        Distance of the logit from that threshold.
    verdict_NK
        ``yes``, ``no`` or ``undecided``: conformal sets.
    score_NK
        What the probabilities are of, as comparable as these within a class.
    novelty_N, verdict_N
        How unlike the fitting rows a spectrum is, and ``in range``, ``unusual`` or ``outside``.
    """

    probability_NK: np.ndarray
    yes_NK: np.ndarray
    certainty_NK: np.ndarray
    verdict_NK: np.ndarray
    score_NK: np.ndarray
    novelty_N: np.ndarray
    verdict_N: np.ndarray

    @classmethod
    def joined(cls, parts: Sequence["Answers"]) -> "Answers":
        """Return the answers about some spectra and then about others."""
        return cls(*(np.concatenate(arrays) for arrays in zip(*map(_arrays, parts), strict=True)))

    def with_rows(self, rows: np.ndarray) -> "Answers":
        """Return the answers about those rows alone, given by their indices or by a mask of shape (N,)."""
        return Answers(*(array[rows] for array in _arrays(self)))


def _arrays(answers: Answers) -> list[np.ndarray]:
    return list(vars(answers).values())


@runtime_checkable
class Classifies(Trained, Protocol):
    """A model from spectra, of one edge or several, to yes/no classes."""

    @property
    def segments(self) -> tuple[Segment, ...]:
        """The edges that it reads, by name; none for one without a name."""

    def classify(self, spectra_NE: np.ndarray) -> Answers:
        """Return what is read of spectra (N, E), NaN over an edge that is missing."""

    def refit(
        self,
        spectra_NE: np.ndarray,
        values_NK: np.ndarray,
        group_N: np.ndarray,
        segments: Sequence[Segment],
    ) -> "Refit":
        """Return a fit of the same kind to some rows or edges: classes 1, 0 or NaN; groups share a fold."""


class Refit(Protocol):
    """A classifier that was fitted to some rows, to compare others with.

    Attributes
    ----------
    rows
        Indices of those of the given rows that were fitted to, shape (M,): large numbers are thinned out.
    """

    @property
    def rows(self) -> np.ndarray: ...  # noqa: D102

    def classify(self, spectra_NE: np.ndarray) -> Answers:
        """Return what is read of spectra (N, E)."""

    def out_of_fold(self, values_MK: np.ndarray, group_M: np.ndarray) -> Answers:
        """Return what is read of the fitted rows by fits without their group; their novelty is not known."""


@runtime_checkable
class Reconstructs(Trained, Protocol):
    """A model that rebuilds a spectrum from a few numbers, its coordinates among the spectra of training."""

    @property
    def dimensions(self) -> int:
        """How many numbers a spectrum is rebuilt from."""

    def coordinates(self, spectra_NE: np.ndarray) -> np.ndarray:
        """Return these numbers, standardised on the training rows, shape (T, N, S).

        T are the trials that an ensemble averages; 1 where all of a model's trials have the same coordinates.
        """

    def reconstruct(self, spectra_NE: np.ndarray) -> np.ndarray:
        """Return the reconstructions of spectra (N, E) by every trial, shape (T, N, E) float32."""


@runtime_checkable
class HasStyles(Trained, Protocol):
    """A model whose latent variables are styles, the first K named after the descriptors.

    Attributes
    ----------
    style_mean_TS, style_std_TS
        Of the styles on the training rows.
    """

    style_mean_TS: np.ndarray
    style_std_TS: np.ndarray

    @property
    def style_names(self) -> tuple[str, ...]:
        """Names of the S styles: the descriptors', then ``free_1``, ``free_2``, ..."""

    def encode(self, spectra_NE: np.ndarray) -> np.ndarray:
        """Return the styles of spectra (N, E) in every trial, shape (T, N, S) float32."""

    def standardised(self, styles_TNS: np.ndarray) -> np.ndarray:
        """Return the styles of those of all trials that an ensemble averages, standardised on the training rows."""

    def decode(self, styles_TNS: np.ndarray) -> np.ndarray:
        """Return the spectra (T, N, E) float32 of styles (T, N, S)."""


@runtime_checkable
class Simulates(Trained, Protocol):
    """A model from features of sites to spectra with bands.

    Attributes
    ----------
    features
        What it is given, of no site.
    residuals
        Of rows whose material was left out of the fit.
    members
        The families that it was trained on where these are several, over energies relative to the first of each.
    """

    features: FeatureSet
    residuals: Residuals
    members: tuple[Member, ...]

    def simulate(self, features: FeatureSet) -> tuple[np.ndarray, np.ndarray]:
        """Return spectra (N, E) float32, and how uncertain each is, (N,), in no unit.

        UserError where the features are of another making than those that the model was trained on, or this is of
        several families.
        """

    def judge(self, features: FeatureSet) -> tuple[np.ndarray, list[str]]:
        """Return how novel sites are, (N,), 1 for one that 5 % of training exceed, and a verdict on each."""

    def of_member(self, index: int) -> "Simulates":
        """Return the model of one of several families, over its own energies."""

    def half_widths(self, deviation_N: np.ndarray, coverage: float, whole: bool) -> np.ndarray:
        """Return half the width of bands that hold this share of points, or of `whole` curves, shape (N, E)."""


@runtime_checkable
class Samples(HasNetworks, Protocol):
    """A model that generates structures of one element, each atom of which is conditioned on a spectrum.

    Attributes
    ----------
    condition_MC
        Conditions of atoms of training.
    """

    condition_MC: np.ndarray

    @property
    def cutoff(self) -> float:
        """How far it looks around an atom, angstrom; cells have to be at least twice as wide."""

    @property
    def conditioned_on(self) -> str:
        """What conditions an atom: ``spectra`` or ``descriptors``."""

    def require_cell(self, lattice: np.ndarray) -> None:
        """Raise UserError if a cell, with vectors (3, 3), is too narrow."""

    def conditions(self, values_NE: np.ndarray) -> np.ndarray:
        """Return the conditions of atoms with spectra (N, E), or descriptors (N, K): (N, C)."""

    def generate(
        self,
        lattice: np.ndarray,
        condition_NC: np.ndarray,
        random: np.random.Generator,
        *,
        steps: int,
        guidance: float,
        temperature: float,
        report: Callable[[int], None],
    ) -> np.ndarray:
        """Return the positions (N, 3), angstrom, of atoms with these conditions, in a cell with vectors (3, 3).

        Parameters
        ----------
        lattice, condition_NC, random
            The cell, the conditions of atoms, and what random numbers are drawn from.
        steps
            Of the reverse diffusion.
        guidance
            How much the conditions count: 0 not at all, 1 as trained.
        temperature
            Of the noise that is put back in every step, 1 as trained.
        report
            Called with the steps that are done.
        """


@runtime_checkable
class ReadingModel(Predicts, Reconstructs, Protocol):
    """A model that predicts descriptors of spectra and rebuilds these."""


@runtime_checkable
class ReadsMixtures(ReadingModel, Protocol):
    """A model that may have been trained on mixtures of spectra, and then reads the mean of a descriptor off them.

    Attributes
    ----------
    mixtures
        How those were drawn that it was trained on; None where there were none.
    """

    mixtures: Recipe | None


@runtime_checkable
class StyledModel(ReadingModel, HasStyles, Protocol):
    """A model that predicts and reconstructs by way of its styles."""


def recipe_of(model: Trained) -> Recipe | None:
    """Return how the mixtures were drawn that a model was trained on; None where it was on none."""
    return model.mixtures if isinstance(model, ReadsMixtures) else None


Capability = TypeVar("Capability")
# What a model lacks without a capability, and what one that has it does.
_SENTENCES: dict[type, tuple[str, str]] = {
    HasNetworks: ("has no networks to begin from", "was trained in epochs"),
    Predicts: ("does not predict descriptors", "predicts them from spectra"),
    Classifies: ("does not read yes/no classes", "does"),
    Reconstructs: ("does not reconstruct spectra", "reconstructs them"),
    HasStyles: ("has no styles", "encodes and decodes"),
    Samples: ("generates no structures", "generates them from spectra"),
    Simulates: ("does not simulate spectra", "simulates them from features of structures"),
}


def require(model: Trained, caller: str, *capabilities: type) -> Any:
    """Return the model if it has all of the capabilities that a caller needs, the protocols above.

    The caller is named as a user knows it, such as ``rankaae traverse``.

    Raises
    ------
    UserError
        If it has not; one sentence says what it lacks.
    """
    for capability in capabilities:
        if not isinstance(model, capability):
            lacks, does = _SENTENCES[capability]
            raise UserError(
                f"this run's model (kind {model.kind}) {lacks}: {caller} needs a model that {does}"
            )
    return model
