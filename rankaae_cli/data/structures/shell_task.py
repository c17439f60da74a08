"""What is asked of one structure, its sites and the method, and what comes back: their shells or faults."""

import json
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from rankaae_cli.core.structure.descriptors import Shell
from rankaae_cli.core.xas.spectra import SpectrumError
from rankaae_cli.data.family.sites import Neighbours
from rankaae_cli.data.features.feature_record import SiteFeatures


@dataclass(frozen=True)
class ShellTask:
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
    features
        Of the wanted sites, where any were asked for; not in the record's text.
    """

    atoms: int = 0
    elements: tuple[str, ...] = ()
    site_elements: dict[int, str] = field(default_factory=dict)
    shells: dict[int, Shell] = field(default_factory=dict)
    faults: dict[int, str] = field(default_factory=dict)
    fault: str = ""
    timed_out: bool = False
    features: SiteFeatures = field(default_factory=SiteFeatures)

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

    def features_of(self, site: int) -> list[float]:
        """Return the features of a site, none where none were asked for; SpectrumError where there can be none."""
        if self.features.fault:
            raise SpectrumError(self.features.fault)
        row_F = self.features.sites.get(site)
        return [] if row_F is None else [float(value) for value in row_F]

    def to_json(self) -> str:
        """Return a text from which `from_json` makes an equal record."""
        shells = {
            site: {
                "vectors": s.vectors_M3.tolist(),
                "elements": s.elements,
                "oxidation_state": _null_for_nan(s.oxidation_state),
                "oxidation_reason": s.oxidation_reason,
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
        oxidation_reason=record["oxidation_reason"],
    )


def _vectors(rows: list[list[float]]) -> np.ndarray:
    return np.array(rows, dtype=np.float64).reshape(-1, 3)


def _null_for_nan(value: float) -> float | None:
    return None if np.isnan(value) else float(value)


def _nan_for_null(value: float | None) -> float:
    return np.nan if value is None else float(value)
