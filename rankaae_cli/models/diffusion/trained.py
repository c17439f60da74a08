"""A trained diffusion model, and all that is needed to generate structures with it."""

from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass
from typing import Any, ClassVar

import numpy as np
import torch
from torch import Tensor

from rankaae_cli.models.diffusion.cells import Telling, require_wide
from rankaae_cli.models.diffusion.network import ScoreNetwork, Shape
from rankaae_cli.models.diffusion.sampler import Course, Teller, generated
from rankaae_cli.models.diffusion.settings import Condition
from rankaae_cli.models.family_model import FamilyModel, kept_in
from rankaae_cli.networks.layers import trial_generators

_NEAREST = 1.1  # angstrom; no two atoms of a generated structure are nearer
_TELLING = ("mean_E", "components_CE", "scale_C")


@dataclass(kw_only=True)
class TrainedGenerator(FamilyModel):
    """A score network of one element: a model that `base.Samples`.

    Attributes
    ----------
    network
        In evaluation mode.
    telling
        How spectra become what atoms are told.
    told_MC
        What the atoms of training were told.
    least_noise, most_noise
        That it was trained on, angstrom.
    best_epoch_T
        Of `base.HasNetworks`.
    """

    kind: ClassVar[str] = "diffusion"

    network: ScoreNetwork
    telling: Telling
    told_MC: np.ndarray
    least_noise: float
    most_noise: float
    best_epoch_T: np.ndarray

    @property
    def parameters_a_trial(self) -> int:
        """How many numbers were fitted."""
        return sum(parameter.numel() for parameter in self.network.parameters())

    @property
    def weights(self) -> dict[str, Tensor]:
        """Of the network, by name, with a leading dimension of 1."""
        return {name: value.detach().clone() for name, value in self.network.state_dict().items()}

    @property
    def cutoff(self) -> float:
        """Of the neighbour graph, angstrom."""
        return self.network.shape.cutoff

    @property
    def told_of(self) -> str:
        """What tells an atom anything: ``spectra`` or ``descriptors``."""
        return self.telling.condition.value

    def require_cell(self, lattice: np.ndarray) -> None:
        """Raise UserError if a cell is too narrow."""
        require_wide(lattice, self.cutoff, "the cell", "ask for more atoms, or a lower density")

    def told(self, values_NE: np.ndarray) -> np.ndarray:
        """Return what atoms of these spectra, or descriptors, are told, (N, C)."""
        return self.telling.told(values_NE)

    def generate(
        self,
        lattice: np.ndarray,
        told_NC: np.ndarray,
        random: np.random.Generator,
        *,
        steps: int,
        guidance: float,
        temperature: float,
        report: Callable[[int], None] = lambda done: None,
    ) -> np.ndarray:
        """Return the positions (N, 3), angstrom, of atoms that are told this, in a cell.

        Which atom is told what is chosen while bonds form. UserError if the cell is too narrow.
        """
        self.require_cell(lattice)
        teller = Teller(self.network, lattice, told_NC, guidance)
        course = Course(steps, self.most_noise, self.least_noise, temperature, _NEAREST)
        found_N3 = generated(teller.score, lattice, len(told_NC), course, random, report, teller.assign)
        positions_N3 = np.empty_like(found_N3)
        positions_N3[teller.order_N] = found_N3
        return positions_N3

    def own_content(self) -> dict[str, Any]:
        """Return network, condition and noise, plain and as tensors."""
        return {
            "shape": asdict(self.network.shape),
            "weights": self.weights,
            "condition": self.telling.condition.value,
            "telling": {name: torch.as_tensor(getattr(self.telling, name)) for name in _TELLING},
            "told": torch.as_tensor(self.told_MC),
            "noise": [self.least_noise, self.most_noise],
            "best_epoch_T": torch.as_tensor(self.best_epoch_T),
        }


def from_checkpoint(content: Mapping[str, Any]) -> TrainedGenerator:
    """Return the model whose `TrainedGenerator.to_dict` is given; ValueError where it could not be used."""
    kept = kept_in(content)
    shape = Shape(**content["shape"])
    network = ScoreNetwork(shape, trial_generators(0, [0]))
    network.load_state_dict(content["weights"])
    telling = Telling(
        Condition(content["condition"]), *(content["telling"][name].numpy() for name in _TELLING)
    )
    points = {Condition.spectra: len(kept["energy_E"]), Condition.descriptors: len(kept["descriptor_names"])}
    told_MC, (least, most) = content["told"].numpy(), map(float, content["noise"])
    expected = (shape.told, points[telling.condition])
    if telling.components_CE.shape != expected or telling.mean_E.shape != expected[1:]:
        raise ValueError("a condition that does not fit its energies or descriptors")
    if telling.scale_C.shape != expected[:1] or told_MC.shape[1:] != expected[:1]:
        raise ValueError("a condition that does not fit its network")
    numbers = (*vars(telling).values(), told_MC, *network.state_dict().values())
    if not all(np.isfinite(np.asarray(array)).all() for array in numbers if not isinstance(array, Condition)):
        raise ValueError("a score network with a number that is not finite")
    if not 0 < least < most < np.inf or not (telling.scale_C > 0).all():
        raise ValueError("levels of noise, or scales, that cannot be")
    return TrainedGenerator(
        **kept,
        network=network.eval().requires_grad_(False),
        telling=telling,
        told_MC=told_MC,
        least_noise=least,
        most_noise=most,
        best_epoch_T=content["best_epoch_T"].numpy(),
    )
