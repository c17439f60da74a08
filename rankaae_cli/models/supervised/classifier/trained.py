"""A trained classifier of yes/no classes, with all that is needed to use it."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import astuple, dataclass
from typing import Any, ClassVar

import numpy as np
import torch

from rankaae_cli.core.errors import UnusableError, UserError
from rankaae_cli.core.statistics.binary.decisions import Decision
from rankaae_cli.data.family.family import Family
from rankaae_cli.data.family.splits import TEST, groups_of
from rankaae_cli.data.segments import Segment
from rankaae_cli.models.base import Answers
from rankaae_cli.models.family_model import FamilyModel, kept_in, kept_of
from rankaae_cli.models.supervised.classifier.answers import classified
from rankaae_cli.models.supervised.classifier.fit import FittedClassifier, fit_classifier, mean_area
from rankaae_cli.models.supervised.classifier.kernel import KernelClassifier


@dataclass(kw_only=True)
class TrainedClassifier(FamilyModel):
    """A reader of yes/no classes: a model that `base.Classifies`.

    Attributes
    ----------
    classifier
        Scores the classes.
    decisions
        How the score of each class is read; None of one with too few rows.
    novelty_M
        Of the fitting rows, each by the others, ascending.
    """

    kind: ClassVar[str] = "supervised"

    classifier: KernelClassifier
    decisions: tuple[Decision | None, ...]
    novelty_M: np.ndarray

    @property
    def parameters_a_trial(self) -> int:
        """How many weights were fitted."""
        return int(self.classifier.weights_MK.size)

    @property
    def segments(self) -> tuple[Segment, ...]:
        """The edges that it reads, by name; none for one without a name."""
        return tuple(one.segment for one in self.classifier.edges if one.segment.name)

    def classify(self, spectra_NE: np.ndarray) -> Answers:
        """Return what is read of spectra (N, E), NaN over an edge that is missing."""
        return classified(self.classifier, self.decisions, self.novelty_M, spectra_NE)

    def refit(
        self,
        spectra_NE: np.ndarray,
        values_NK: np.ndarray,
        group_N: np.ndarray,
        segments: Sequence[Segment],
    ) -> FittedClassifier:
        """Fit another classifier in the same way to some rows or edges; see `fit_classifier`."""
        return fit_classifier(spectra_NE, values_NK, group_N, segments)

    def own_content(self) -> dict[str, Any]:
        """Return the classifier, plain and as tensors."""
        none = (float("nan"),) * 5
        return {
            "classifier": self.classifier.content(),
            "decisions": torch.tensor([none if one is None else astuple(one) for one in self.decisions]),
            "novelty": torch.as_tensor(self.novelty_M),
        }


def fit_trained(
    family: Family,
    classes: dict[str, list[float]],
    report: Callable[[int, int, str], None],
    announce: Callable[[str], None],
) -> TrainedClassifier:
    """Fit a classifier to the training and validation rows of a family of yes/no classes.

    Both sides are fitted to: thresholds, probabilities and sets rest on readings out of fold, for which the few
    rows of rare classes on the validation side alone would not do.

    Raises
    ------
    UserError
        If no class has ten rows of yes and ten of no.
    """
    rows = np.flatnonzero(family.split_N != TEST)
    group_N = groups_of(family, family.split_by)[rows]
    spectra_NE, values_NK = np.asarray(family.spectra_NE[rows]), family.descriptors_NK[rows]
    fitted = fit_classifier(spectra_NE, values_NK, group_N, family.segments, report)
    unreadable = [
        name for name, one in zip(family.descriptor_names, fitted.decisions, strict=True) if one is None
    ]
    if len(unreadable) == len(fitted.decisions):
        raise UserError("no class has ten molecules of yes and ten of no\ngive more molecules")
    if unreadable:
        announce(f"not read, with fewer than ten molecules of yes or of no: {', '.join(unreadable)}")
    announce(
        f"kernel ridge classifier on {fitted.choice}; fitted to {len(fitted.rows)} molecules of training and "
        "validation, thresholds and probabilities from readings out of fold; model= and trials= have no effect"
    )
    return TrainedClassifier(
        **kept_of(family, classes),
        classifier=fitted.classifier,
        decisions=fitted.decisions,
        novelty_M=fitted.novelty_M,
        selected_trial=0,
        scores_T=np.array([mean_area(fitted.read_MK, values_NK[fitted.rows])]),
        failed_T=[None],
    )


def from_checkpoint(content: Mapping[str, Any]) -> TrainedClassifier:
    """Return the model whose `TrainedClassifier.to_dict` is given; UnusableError where it could not be used."""
    kept = kept_in(content)
    classifier = KernelClassifier.restored(content["classifier"], len(kept["energy_E"]))
    rows = content["decisions"].tolist()
    classes = len(kept["descriptor_names"])
    if len(rows) != classes or classifier.weights_MK.shape[1] != classes:
        raise UnusableError(f"a classifier of {len(rows)} classes, not {classes}")
    novelty_M = content["novelty"].numpy()
    if not (len(novelty_M) and np.isfinite(novelty_M).all()):
        raise UnusableError("a classifier whose novelty is not finite")
    decisions = tuple(None if np.isnan(row[0]) else Decision(*row) for row in rows)
    return TrainedClassifier(**kept, classifier=classifier, decisions=decisions, novelty_M=novelty_M)
