"""What any earlier run that a training rests on is held against: its data, their split, grid and element."""

from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
from omegaconf import DictConfig

from rankaae_cli.core.calls import setting
from rankaae_cli.core.errors import UserError
from rankaae_cli.core.terminal import console
from rankaae_cli.data.family.family import Family
from rankaae_cli.data.family.splits import MATERIAL, SPLITS, groups_of, hashed_sides
from rankaae_cli.runs.directory import checkpoint_sha256, short_path
from rankaae_cli.runs.load import family_of_run
from rankaae_cli.runs.provenance import read_provenance, sha256


@dataclass(frozen=True)
class EarlierRun:
    """A finished run that another training rests on.

    Attributes
    ----------
    key
        Of the call, that names the run.
    directory, config, model
        Of the run.
    """

    key: ClassVar[str]

    directory: Path
    config: DictConfig
    model: Any

    @cached_property
    def family(self) -> Family | None:
        """The run's data with its split; None where a file of them is gone or has changed."""
        for entry in read_provenance(self.directory).get("data", []):
            path = Path(entry["path"])
            if not entry.get("unlabelled") and not (path.is_file() and sha256(path) == entry["sha256"]):
                return None
        return family_of_run(self.config)

    def record(self) -> dict[str, Any]:
        """Return what provenance.json says of the run."""
        return {
            "run": str(self.directory),
            "checkpoint_sha256": checkpoint_sha256(self.directory),
            "family": self.model.family,
            "fidelity": self.model.fidelity,
        }

    def require_unchanged(self, provenance: dict[str, Any]) -> None:
        """Refuse to go on with an interrupted training beside another run than it was begun with."""
        if provenance.get(self.key, {}).get("checkpoint_sha256") != checkpoint_sha256(self.directory):
            raise UserError(
                f"the weights in {short_path(self.directory)} are not those that the run was begun from\n"
                f"give {self.key}= with the run as it was, or begin a new run"
            )

    def keep_split(self, cfg: DictConfig, takes_seed: bool) -> None:
        """Take the split from the run's configuration where the call leaves it open; refuse another.

        Its seed is the run's too where that `takes_seed` from there.
        """
        if cfg.split_seed is None or takes_seed:
            cfg.split_seed = int(self.config.split_seed)
        theirs = self.config.get("split_by") or MATERIAL
        cfg.split_by = cfg.split_by or theirs
        if cfg.split_by != theirs:
            raise UserError(
                f"split_by={cfg.split_by}, but the run of {self.key}= is split by {theirs}: it may have been "
                "trained on what is tested here\nleave split_by= out"
            )

    def require_same_subject(self, family: Family, any_element: bool = False) -> None:
        """Refuse data of another edge, or element unless it may be any, or over energies of another unit."""
        ours, theirs = (
            f"{'' if any_element else f'{one.element} '}{one.edge}-edge spectra over {one.energy_unit}"
            for one in (family, self.model)
        )
        if ours != theirs:
            raise UserError(
                f"the data hold {ours}, but the run of {self.key}= {theirs}\n"
                f"give such data, or a run of these as {self.key}="
            )

    def require_same_grid(self, family: Family, shift: float = 0.0) -> None:
        """Refuse data on another energy grid, which is that of the run moved by `shift`."""
        own_E, energy_E = family.energy_E, self.model.energy_E + shift
        if len(own_E) == len(energy_E) and np.allclose(own_E, energy_E, rtol=0, atol=1e-6):
            return
        ours, theirs = (
            f"{len(e)} points, {e[0]:.8g} to {e[-1]:.8g} {self.model.energy_unit}" for e in (own_E, energy_E)
        )
        grid = {"start": energy_E[0], "step": (energy_E[-1] - energy_E[0]) / (len(energy_E) - 1)}
        keys = " ".join(
            setting(f"family.energy.{key}", round(float(value), 6)) for key, value in grid.items()
        )
        raise UserError(
            f"the data are on another energy grid ({ours}) than the run of {self.key}= ({theirs})\n"
            f"bring them there: rankaae ingest +family={family.name} source=family path=... output=... "
            f"regrid=true {keys} family.energy.points={len(energy_E)}"
        )

    def require_same_sides(self, family: Family, split_seed: int) -> None:
        """Refuse a material, or what is split by, on another side than in the run's data: it would test itself."""
        theirs, by = self.family, family.split_by
        group_N = groups_of(family, by)
        if theirs is None:
            side_N = hashed_sides(family, by, split_seed)
        else:
            side_of = dict(zip(groups_of(theirs, by), theirs.split_N, strict=True))
            rows = zip(group_N, family.split_N, strict=True)
            side_N = np.array([side_of.get(group, side) for group, side in rows])
        beside_N = side_N != family.split_N
        if beside_N.any():
            row, materials = int(beside_N.argmax()), len(set(family.material_N[beside_N]))
            raise UserError(
                f"{group_N[row]} is on the {SPLITS[family.split_N[row]]} side of the split, but on the "
                f"{SPLITS[side_N[row]]} side in the run of {self.key}= (one of {materials} such materials)\n"
                "split the data as that run's: leave split_seed= out, and make the file with rankaae ingest"
            )
        if theirs is None:
            console.print(
                f"the data of the run of {self.key}= are not there any more, or have changed: "
                "its materials are taken to be on the sides that their names give"
            )
