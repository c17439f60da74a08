"""A trained forward model, and all that is needed to simulate spectra with it."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass, replace
from typing import Any, ClassVar

import numpy as np
import torch

from rankaae_cli.core.errors import UnusableError, UserError
from rankaae_cli.core.ranking.residuals import Residuals
from rankaae_cli.core.statistics.novelty import Novelty
from rankaae_cli.data.family.family import Member
from rankaae_cli.data.features.feature_set import FeatureSet
from rankaae_cli.models.family_model import FamilyModel, kept_in
from rankaae_cli.models.forward.bands import Bands
from rankaae_cli.models.forward.gaussian_process import GaussianProcess, Kernel, standardised
from rankaae_cli.models.forward.nearness import distances

_ARRAYS = ("mean_JF", "scale_JF", "rows_MF", "family_M", "mean_JE", "scale_J", "weights_ME")
_LARGEST = 1e30
_NUMBERS = ("length", "noise", "share")


@dataclass(kw_only=True)
class TrainedSimulator(FamilyModel):
    """A Gaussian process from features to spectra on one energy grid: a model that `base.Simulates`.

    Attributes
    ----------
    features
        What it is given, of no site.
    process
        The Gaussian process.
    members
        The families that it was trained on, over energies relative to the first of each; empty for one.
    index
        Of the family whose spectra are simulated, among those of the process.
    bands
        About its spectra.
    residuals
        Of rows whose material was left out of the fit.
    novelty
        How far these are from the others.
    """

    kind: ClassVar[str] = "forward"

    features: FeatureSet
    process: GaussianProcess
    bands: Bands
    residuals: Residuals
    novelty: Novelty
    members: tuple[Member, ...] = ()
    index: int = 0

    @property
    def parameters_a_trial(self) -> int:
        """How many numbers were fitted."""
        return self.process.parameters

    def simulate(self, features: FeatureSet) -> tuple[np.ndarray, np.ndarray]:
        """Return spectra (N, E) float32, and how uncertain each is, (N,), in no unit.

        Raises
        ------
        UserError
            If the features are of another making than those that the model was trained on, or this is of several
            families.
        """
        self._require(features)
        spectra_NE, deviation_N = self.process.predict(features.values_NF, self.index)
        return spectra_NE.astype(np.float32), deviation_N

    def judge(self, features: FeatureSet) -> tuple[np.ndarray, list[str]]:
        """Return the novelty of sites by the distance of their features from those fitted to, (N,), and verdicts.

        See `core.statistics.novelty.Novelty.judge`. UserError as of `simulate`.
        """
        self._require(features)
        rows_NF = standardised(features.values_NF, *self.process.moments_of(self.index))
        of_family_MF = self.process.rows_MF[self.process.family_M == self.index]
        novelty_N, _, verdicts = self.novelty.judge(distances(rows_NF, of_family_MF)[:, None])
        return novelty_N, verdicts

    def _require(self, features: FeatureSet) -> None:
        if self.members:
            titles = ", ".join(member.title for member in self.members)
            raise UserError(
                f"this run simulates spectra of several families, {titles}\n"
                f"tune it to one of them: rankaae train kind={self.kind} start="
            )
        if why := self.features.difference(features):
            raise UserError(
                f"the features are {why}, those that this run was trained on\n"
                "compute them as for the run's data, or train again"
            )

    def of_member(self, index: int) -> "TrainedSimulator":
        """Return the model of one of its families, over the energies of that."""
        member = self.members[index]
        own = {key: getattr(member, key) for key in ("element", "fidelity")}
        energy_E = self.energy_E + member.first_energy
        return replace(self, members=(), index=index, family=member.name, energy_E=energy_E, **own)

    def half_widths(self, deviation_N: np.ndarray, coverage: float, whole: bool) -> np.ndarray:
        """Return half the width of bands, (N, E); see `Bands.half_widths`."""
        return self.bands.half_widths(deviation_N, coverage, whole)

    def own_content(self) -> dict[str, Any]:
        """Return features, process and bands, plain and as tensors."""
        features = {key: getattr(self.features, key) for key in ("model", "version", "weights")}
        return {
            "features": {**features, "names": list(self.features.names)},
            "process": {
                **{name: torch.as_tensor(getattr(self.process, name)) for name in _ARRAYS},
                **{name: getattr(self.process.kernel, name) for name in _NUMBERS},
            },
            "members": [asdict(member) for member in self.members],
            "bands": self.bands.content(),
            "residuals": self.residuals.content(),
            "novelty": {name: torch.as_tensor(array) for name, array in vars(self.novelty).items()},
        }


def features_of_no_site(features: FeatureSet) -> FeatureSet:
    """Return what features are, without the rows."""
    return replace(features, values_NF=features.values_NF[:0])


def from_checkpoint(content: Mapping[str, Any]) -> TrainedSimulator:
    """Return the model whose `TrainedSimulator.to_dict` is given; UnusableError where it could not be used."""
    kept = kept_in(content)
    names = tuple(content["features"]["names"])
    texts = {key: str(content["features"][key]) for key in ("model", "version", "weights")}
    arrays = {name: content["process"][name].numpy() for name in _ARRAYS}
    numbers = {name: float(content["process"][name]) for name in _NUMBERS}
    members = tuple(Member(**member) for member in content["members"])
    rows, width, points = len(arrays["rows_MF"]), len(names), len(kept["energy_E"])
    families = len(arrays["scale_J"])
    of_features, of_spectra = (families, width), (families, points)
    shapes = (of_features, of_features, (rows, width), (rows,), of_spectra, (families,), (rows, points))
    if tuple(array.shape for array in arrays.values()) != shapes:
        raise UnusableError("a Gaussian process that does not fit its features or energies")
    if len(members) not in (0, families) or not np.isin(arrays["family_M"], np.arange(families)).all():
        raise UnusableError("a Gaussian process that does not fit its families")
    if not _are_finite(*arrays.values(), np.array(list(numbers.values()))):
        raise UnusableError("a Gaussian process with a number that is not finite, or too large")
    scales = (*arrays["scale_JF"].flat, *arrays["scale_J"], numbers["length"], numbers["noise"])
    if min(scales) <= 0 or not 0 <= numbers["share"] <= 1:
        raise UnusableError("a Gaussian process whose scales, length or noise are not positive")
    return TrainedSimulator(
        **kept,
        features=FeatureSet(np.empty((0, width), dtype=np.float32), names, **texts),
        process=GaussianProcess(**arrays, kernel=Kernel(**numbers)),
        members=members,
        bands=Bands.restored(content["bands"], points),
        residuals=Residuals.restored(content["residuals"], points),
        novelty=_novelty(content["novelty"]),
    )


def _novelty(content: Mapping[str, Any]) -> Novelty:
    novelty = Novelty(**{name: tensor.double().numpy() for name, tensor in content.items()})
    if not len(novelty.score_N) or not _are_finite(*vars(novelty).values()):
        raise UnusableError("distances that hold a number that is not finite, or too large")
    if not (novelty.deviation_3 > 0).all():
        raise UnusableError("distances that do not vary")
    return novelty


def _are_finite(*arrays: np.ndarray) -> bool:
    """Return whether numbers are finite, also in single precision, in which features are compared."""
    return all(bool((np.abs(np.asarray(array, dtype=np.float64)) < _LARGEST).all()) for array in arrays)
