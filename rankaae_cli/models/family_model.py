"""What trained models of every kind keep of the family that they were trained on, and how they are stored."""

from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
import torch

from rankaae_cli.core.errors import UnusableError, UserError
from rankaae_cli.core.labels import Subject, fidelity_of, listed
from rankaae_cli.core.structure.descriptors import require_usable_names
from rankaae_cli.core.styles.ensemble import trials_to_average
from rankaae_cli.data.family.family import Family
from rankaae_cli.data.files import replacing
from rankaae_cli.models.base import FORMAT, FORMAT_VERSION

_OF_FAMILY = ("energy_E", "energy_unit", "element", "edge", "source", "fidelity", "normalisation")
_TEXTS = ("energy_unit", "family", "element", "edge", "source", "normalisation")
_PLAIN = (*_TEXTS, "descriptor_classes", "selected_trial", "failed_T", "calibration")
_LONGEST_TEXT = 200


@dataclass(kw_only=True)
class FamilyModel(ABC):
    """T trained models with one energy grid and one set of descriptors: a `base.Trained`.

    Its attributes are those of that protocol; `calibration` is that of `base.Predicts`, empty of what does not
    predict.
    """

    kind: ClassVar[str]

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
    calibration: dict[str, Any] = field(default_factory=dict)

    @property
    @abstractmethod
    def parameters_a_trial(self) -> int:
        """How many numbers were fitted in one trial."""

    @property
    def n_trials(self) -> int:
        """T."""
        return len(self.failed_T)

    @property
    def is_synthetic(self) -> bool:
        """Whether the model was trained on spectra of the synthetic generator."""
        return self.source == "synthetic"

    @property
    def subject(self) -> Subject:
        """What figures of the model say about it."""
        return Subject(
            family=self.family,
            element=self.element,
            edge=self.edge,
            energy_unit=self.energy_unit,
            normalisation=self.normalisation,
            synthetic=self.is_synthetic,
        )

    @property
    def alive_T(self) -> np.ndarray:
        """The trials that an ensemble averages, shape (T,), bool; see `core.styles.ensemble.trials_to_average`."""
        return trials_to_average(self.failed_T, self.selected_trial)

    @abstractmethod
    def own_content(self) -> dict[str, Any]:
        """Return plain values and tensors of what a kind has beyond what is kept of the family."""

    def to_dict(self) -> dict[str, Any]:
        """Return plain values and tensors, as stored in ``best.ckpt``."""
        return {
            "format": FORMAT,
            "format_version": FORMAT_VERSION,
            "kind": self.kind,
            "trials": self.n_trials,
            "energy": torch.as_tensor(self.energy_E),
            **{name: getattr(self, name) for name in _PLAIN},
            "fidelity": self.fidelity,
            "descriptor_names": list(self.descriptor_names),
            "descriptor_units": list(self.descriptor_units),
            "scores_T": torch.as_tensor(np.asarray(self.scores_T)),
            **self.own_content(),
        }

    def save(self, path: str | Path, extra: Mapping[str, Any] | None = None) -> Path:
        """Write the model to `path`; `extra` holds what ``last.ckpt`` has beyond it."""
        with replacing(path) as temporary:
            torch.save({**self.to_dict(), **(extra or {})}, temporary)
        return Path(path)


def require_one_edge(family: Family) -> None:
    """Raise UserError if spectra are of several edges, side by side, which most models do not read."""
    if len(family.segments) > 1:
        names = [segment.name for segment in family.segments]
        raise UserError(
            f"the spectra are of several edges, {listed(names)}, which readers of yes/no classes alone read\n"
            f"give family.edges=[{names[0]}], or kind=supervised with yes/no classes"
        )


def kept_of(family: Family, descriptor_classes: Mapping[str, list[float]]) -> dict[str, Any]:
    """Return what a model keeps of the family that it is trained on, as arguments of a `FamilyModel`."""
    return {
        **{name: getattr(family, name) for name in _OF_FAMILY},
        "family": family.name,
        "descriptor_names": family.descriptor_names,
        "descriptor_units": family.descriptor_units,
        "descriptor_classes": dict(descriptor_classes),
    }


def kept_in(content: Mapping[str, Any]) -> dict[str, Any]:
    """Return what `FamilyModel.to_dict` stored of the family and of the trials, as arguments of a `FamilyModel`.

    Raises
    ------
    UnusableError
        If these are no energies, no classes, or no trials.
    """
    trials, energy_E = len(content["failed_T"]), content["energy"].numpy()
    classes = [value for values in content["descriptor_classes"].values() for value in values]
    if energy_E.ndim != 1 or not np.isfinite(energy_E).all():
        raise UnusableError("energies that are not finite")
    if not np.isfinite(np.array(classes, dtype=float)).all():
        raise UnusableError("classes of a descriptor that are no numbers")
    if content["selected_trial"] not in range(trials) or content["scores_T"].shape != (trials,):
        raise UnusableError(f"a selected trial or scores that are not of its {trials} trials")
    names, units = tuple(content["descriptor_names"]), tuple(content["descriptor_units"])
    fidelity = content.get("fidelity") or fidelity_of(content["source"])
    texts = (*(content[name] for name in _TEXTS), fidelity, *names, *units)
    if not all(isinstance(text, str) and len(text) <= _LONGEST_TEXT and text.isprintable() for text in texts):
        raise UnusableError("names that are no texts of a line")
    require_usable_names(names, "the model")
    if len(units) != len(names):
        raise UnusableError(f"{len(units)} units of its {len(names)} descriptors")
    if not isinstance(content["calibration"], dict):
        raise UnusableError("calibrations that are none")
    if content["calibration"]:
        _require_calibration(content["calibration"], names, trials)
    return {
        **{name: content[name] for name in _PLAIN},
        "energy_E": energy_E,
        "fidelity": fidelity,
        "descriptor_names": names,
        "descriptor_units": units,
        "scores_T": content["scores_T"].numpy(),
    }


def _require_calibration(calibration: Mapping[str, Any], names: Sequence[str], trials: int) -> None:
    """Raise ValueError where it is not what `core.statistics.calibration` fits."""
    parts = [calibration["ensemble"], *(one for one in calibration["trials"] if one is not None)]
    if len(calibration["trials"]) != trials:
        raise UnusableError(f"calibrations of {len(calibration['trials'])} trials, not {trials}")
    for part in parts:
        for name in names:
            if (curve := part["descriptors"][name]) is None:
                continue
            x_V, y_V = (np.array(curve[axis], dtype=float) for axis in "xy")
            numbers = (x_V, y_V, [float(curve["half_width"])])
            if x_V.ndim != 1 or x_V.shape != y_V.shape or not len(x_V) or (np.diff(x_V) < 0).any():
                raise UnusableError(f"a calibration of {name} that is no curve")
            if not all(np.isfinite(values).all() for values in numbers):
                raise UnusableError(f"a calibration of {name} with a number that is not finite")
