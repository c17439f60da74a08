"""First shells of absorbing sites: from the cache where they are known, else computed."""

import json
from collections.abc import Generator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from rankaae_cli.core.errors import UserError
from rankaae_cli.core.structure.descriptors import Shell
from rankaae_cli.data.family.sites import Neighbours
from rankaae_cli.data.structures.shell_cache import ShellCache, default_cache
from rankaae_cli.data.structures.shell_workers import Workers, computed_shells


@dataclass(frozen=True)
class Job:
    """A structure (the bytes of a POSCAR) and the 0-based indices of the sites whose shells are wanted."""

    poscar: bytes
    sites: tuple[int, ...]
    neighbours: Neighbours
    oxidation_states: bool


@dataclass(frozen=True)
class MaterialShells:
    """What is known of the wanted sites of one structure.

    Attributes
    ----------
    atoms
        Number of atoms.
    elements
        All elements of the structure, sorted.
    site_elements
        Element of each wanted site that exists.
    shells
        First shell of each wanted site for which one could be found.
    faults
        Why there is no shell of a site that exists.
    fault
        Why nothing is known of the structure, or empty.
    timed_out
        Whether the fault is the time limit; then another try may do better.
    """

    atoms: int = 0
    elements: tuple[str, ...] = ()
    site_elements: dict[int, str] = field(default_factory=dict)
    shells: dict[int, Shell] = field(default_factory=dict)
    faults: dict[int, str] = field(default_factory=dict)
    fault: str = ""
    timed_out: bool = False

    def of_site(self, site: int, element: str) -> Shell | str:
        """Return the shell of a site of this element, or the reason why there is none."""
        if self.fault:
            return self.fault
        if element not in self.elements:
            return f"the structure holds no {element}; it is of {', '.join(self.elements)}"
        if not 0 <= site < self.atoms:
            return f"site index {site} is out of range: the structure has atoms 0 to {self.atoms - 1}"
        if self.site_elements[site] != element:
            return f"site {site} of the structure is {self.site_elements[site]}, the family is of {element}"
        return self.shells.get(site) or self.faults[site]

    def to_json(self) -> str:
        """Return a text from which `from_json` makes an equal record."""
        shells = {
            site: {
                "vectors": s.vectors_M3.tolist(),
                "elements": s.elements,
                "oxidation_state": _null_for_nan(s.oxidation_state),
                "coordination": [_null_for_nan(c) for c in s.neighbour_coordination_M.tolist()],
                "second_vectors": None if s.second_vectors_L3 is None else s.second_vectors_L3.tolist(),
                "second_elements": s.second_elements,
            }
            for site, s in self.shells.items()
        }
        record = {
            "atoms": self.atoms,
            "elements": self.elements,
            "site_elements": self.site_elements,
            "shells": shells,
            "faults": self.faults,
            "fault": self.fault,
        }
        return json.dumps(record, separators=(",", ":"))

    @classmethod
    def from_json(cls, text: str) -> "MaterialShells":
        """Make a record from the text of `to_json`."""
        record = json.loads(text)
        site_elements = {int(k): v for k, v in record["site_elements"].items()}
        return cls(
            atoms=record["atoms"],
            elements=tuple(record["elements"]),
            site_elements=site_elements,
            shells={int(k): _shell(s, site_elements[int(k)]) for k, s in record["shells"].items()},
            faults={int(k): v for k, v in record["faults"].items()},
            fault=record["fault"],
        )


@dataclass(frozen=True)
class ShellOptions:
    """How shells are computed.

    Attributes
    ----------
    time_limit
        Seconds for one structure; it is rejected, not cached and tried again where it takes longer.
    workers
        Where they are computed, and how many at once.
    cache
        File of the shells computed so far; None for the user's cache folder.
    """

    time_limit: float = 120.0
    workers: Workers = field(default_factory=Workers)
    cache: Path | None = None


def first_shells(jobs: Mapping[str, Job], options: ShellOptions) -> Generator[tuple[str, MaterialShells]]:
    """Find the first shells of many structures, those that are in the cache first.

    What is computed is put into the cache as it comes, so that an interrupted call does not start over. Only
    the structures at hand are in memory, if `jobs` holds them elsewhere.

    Parameters
    ----------
    jobs
        By a name of the structure; computed in its order, so the largest should come first.
    options
        Time limit, workers, cache.

    Yields
    ------
    tuple
        Name and shells of each job, once, in any order.

    Raises
    ------
    UserError
        If pymatgen or what the workers need is missing, the cache cannot be used, or a process is killed.
    """
    if options.time_limit <= 0:
        raise UserError(f"time_limit={options.time_limit:g} must be positive\ngive seconds for one structure")
    options.workers.require_usable()
    if not jobs:
        return
    from rankaae_cli.data.structures.structures import job_key, require_pymatgen

    require_pymatgen()
    with ShellCache(options.cache or default_cache()) as cache:
        missing = []
        for name, job in jobs.items():
            shells = cache.read(job_key(job), MaterialShells.from_json)
            if shells is None:
                missing.append(name)
            else:
                yield name, shells
        if not missing:
            return
        waiting = ((name, jobs[name]) for name in missing)
        for name, shells in computed_shells(waiting, options.workers, options.time_limit):
            if not shells.timed_out:
                cache.write(job_key(jobs[name]), shells.to_json())
            yield name, shells


def _shell(record: dict[str, Any], absorber: str) -> Shell:
    second = record["second_vectors"]
    return Shell(
        vectors_M3=_vectors(record["vectors"]),
        elements=tuple(record["elements"]),
        oxidation_state=_nan_for_null(record["oxidation_state"]),
        neighbour_coordination_M=np.array(
            [_nan_for_null(c) for c in record["coordination"]], dtype=np.float64
        ),
        absorber=absorber,
        second_vectors_L3=None if second is None else _vectors(second),
        second_elements=tuple(record["second_elements"]),
    )


def _vectors(rows: list[list[float]]) -> np.ndarray:
    return np.array(rows, dtype=np.float64).reshape(-1, 3)


def _null_for_nan(value: float) -> float | None:
    return None if np.isnan(value) else float(value)


def _nan_for_null(value: float | None) -> float:
    return np.nan if value is None else float(value)
