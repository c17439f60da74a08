"""A trained diffusion model, and all that is needed to generate structures with it."""

from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass
from typing import Any, ClassVar

import numpy as np
import torch
from torch import Tensor

from rankaae_cli.core.errors import UnusableError
from rankaae_cli.models.diffusion.cells import Conditioning, require_wide
from rankaae_cli.models.diffusion.network import ScoreNetwork, Shape
from rankaae_cli.models.diffusion.sampler import ConditionedScore, Course, generate_positions
from rankaae_cli.models.diffusion.settings import Condition
from rankaae_cli.models.family_model import FamilyModel, kept_in
from rankaae_cli.networks.layers import require_stored, trial_generators

_NEAREST = 1.1  # angstrom; no two atoms of a generated structure are nearer
_CONDITIONING = ("mean_E", "components_CE", "scale_C")


@dataclass(kw_only=True)
class TrainedGenerator(FamilyModel):
    """A score network of one element: a model that `base.Samples`.

    Attributes
    ----------
    network
        In evaluation mode.
    conditioning
        How spectra become conditions of atoms.
    condition_MC
        The conditions of the atoms of training that have one.
    least_noise, most_noise
        Standard deviations of the noise on positions that it was trained on, angstrom.
    best_epoch_T
        Of `base.HasNetworks`.
    """

    kind: ClassVar[str] = "diffusion"

    network: ScoreNetwork
    conditioning: Conditioning
    condition_MC: np.ndarray
    least_noise: float
    most_noise: float
    best_epoch_T: np.ndarray

    @property
    def parameters_a_trial(self) -> int:
        """How many numbers were fitted."""
        return sum(parameter.numel() for parameter in self.network.parameters())

    @property
    def weights(self) -> dict[str, Tensor]:
        """Those of the network by name, with a leading dimension of 1."""
        return {name: value.detach().clone() for name, value in self.network.state_dict().items()}

    @property
    def cutoff(self) -> float:
        """How far it looks around an atom, angstrom."""
        return self.network.shape.cutoff

    @property
    def conditioned_on(self) -> str:
        """What conditions an atom: ``spectra`` or ``descriptors``."""
        return self.conditioning.condition.value

    def require_cell(self, lattice: np.ndarray) -> None:
        """Raise UserError if a cell is too narrow."""
        require_wide(lattice, self.cutoff, "the cell", "ask for more atoms, or a lower density")

    def conditions(self, values_NE: np.ndarray) -> np.ndarray:
        """Return the conditions of atoms with spectra (N, E), or descriptors (N, K): (N, C)."""
        return self.conditioning.encode(values_NE)

    def generate(
        self,
        lattice: np.ndarray,
        condition_NC: np.ndarray,
        random: np.random.Generator,
        *,
        steps: int,
        guidance: float,
        temperature: float,
        report: Callable[[int], None] = lambda done: None,
    ) -> np.ndarray:
        """Return the positions (N, 3), angstrom, of atoms in a cell; row n is of the atom with condition n.

        Which of the atoms that is, is chosen while bonds form. UserError if the cell is too narrow.
        """
        self.require_cell(lattice)
        score = ConditionedScore(self.network, lattice, condition_NC, guidance)
        course = Course(steps, self.most_noise, self.least_noise, temperature, _NEAREST)
        generated_N3 = generate_positions(
            score.score, lattice, len(condition_NC), course, random, report, score.assign
        )
        positions_N3 = np.empty_like(generated_N3)
        positions_N3[score.order_N] = generated_N3
        return positions_N3

    def own_content(self) -> dict[str, Any]:
        """Return network, condition and noise, plain and as tensors."""
        return {
            "shape": asdict(self.network.shape),
            "weights": self.weights,
            "condition": self.conditioning.condition.value,
            "conditioning": {n: torch.as_tensor(getattr(self.conditioning, n)) for n in _CONDITIONING},
            "conditions": torch.as_tensor(self.condition_MC),
            "noise": [self.least_noise, self.most_noise],
            "best_epoch_T": torch.as_tensor(self.best_epoch_T),
        }


def from_checkpoint(content: Mapping[str, Any]) -> TrainedGenerator:
    """Return the model whose `TrainedGenerator.to_dict` is given; UnusableError where it could not be used."""
    kept = kept_in(content)
    if not all(isinstance(size, int | float) and 0 < size < np.inf for size in content["shape"].values()):
        raise UnusableError("sizes of a score network that are no positive numbers")
    require_stored(content["shape"], content["weights"])
    shape = Shape(**content["shape"])
    network = ScoreNetwork(shape, trial_generators(0, [0]))
    network.load_state_dict(content["weights"])
    arrays = {name: content["conditioning"][name].numpy() for name in _CONDITIONING}
    conditioning = Conditioning(Condition(content["condition"]), **arrays)
    points = {Condition.spectra: len(kept["energy_E"]), Condition.descriptors: len(kept["descriptor_names"])}
    condition_MC, (least, most) = content["conditions"].numpy(), map(float, content["noise"])
    expected = (shape.condition, points[conditioning.condition])
    if conditioning.components_CE.shape != expected or conditioning.mean_E.shape != expected[1:]:
        raise UnusableError("a condition that does not fit its energies or descriptors")
    if conditioning.scale_C.shape != expected[:1] or condition_MC.shape[1:] != expected[:1]:
        raise UnusableError("a condition that does not fit its network")
    numbers = (*arrays.values(), condition_MC, *network.state_dict().values())
    if not all(np.isfinite(np.asarray(array)).all() for array in numbers):
        raise UnusableError("a score network with a number that is not finite")
    if not 0 < least < most < np.inf or not (conditioning.scale_C > 0).all():
        raise UnusableError("levels of noise, or scales, that cannot be")
    return TrainedGenerator(
        **kept,
        network=network.eval().requires_grad_(False),
        conditioning=conditioning,
        condition_MC=condition_MC,
        least_noise=least,
        most_noise=most,
        best_epoch_T=content["best_epoch_T"].numpy(),
    )
