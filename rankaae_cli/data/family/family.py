"""A family: spectra, descriptors and further quantities of one element, edge and material class."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

import numpy as np

from rankaae_cli import __version__
from rankaae_cli.core.errors import UserError, nearest
from rankaae_cli.core.labels import fidelity_of
from rankaae_cli.core.structure.descriptors import require_usable_names
from rankaae_cli.data.family.sites import repeated_sites
from rankaae_cli.data.features.feature_set import FeatureSet
from rankaae_cli.data.segments import Segment, axis_fault, segments_fault, side_by_side
from rankaae_cli.data.spectra_rows import Spectra, SpectraRows, all_finite, rows_taken
from rankaae_cli.data.structures.structure_set import Rows, Structure

ENERGY_UNITS = ("eV", "index")


@dataclass(frozen=True)
class Member:
    """One of several families that are read as one, whose energies are relative to the first of each.

    Attributes
    ----------
    name, element, fidelity
        Of its file.
    first_energy
        What is to be added to the relative energies.
    """

    name: str
    element: str
    fidelity: str
    first_energy: float

    @property
    def title(self) -> str:
        """What it is called beside others."""
        return f"{self.name} ({self.fidelity})"


@dataclass(frozen=True)
class Family:
    """Spectra of one family, and what is known of the sites they belong to.

    Making one with arrays that do not fit together or hold impossible values raises UserError.

    Attributes
    ----------
    name, element, edge
        Such as ``Fe_oxides``, ``Fe``, ``K``.
    energy_E
        Shape (E,), float64, ascending; in `energy_unit`, ``eV`` or ``index``.
    spectra_NE
        Shape (N, E), float32; absorption normalised as `normalisation` says. An array, or rows that are read
        from a file where they are asked for.
    descriptors_NK
        Shape (N, K), float64; NaN where not known.
    descriptor_names, descriptor_units
        K strings each; for the names see `rankaae_cli.core.structure.descriptors.require_usable_names`.
    material_N, site_N, split_N
        Shape (N,): name of the material; 0-based index of the absorber in it; 0 train, 1 validation, 2 test.
    normalisation
        ``edge_step``, ``unknown``, ...
    source
        Where the spectra come from: ``feff``, ``csv``, ``synthetic``, ...
    fidelity
        What made the spectra: ``FEFF``, ``VASP``, ``measured``, ``synthetic``, ...; by default what the source
        tells, or ``unknown``.
    created
        Date and time of making, ISO 8601.
    true_response_KE
        Synthetic families only, shape (K, E): the mean over rows of the spectrum with descriptor k at its
        95th minus at its 5th percentile, all other causes fixed. NaN rows for none.
    quantities_NQ
        Shape (N, Q), float64; NaN where not known: what else is known of the sites. No style is tied to it.
    quantity_names, quantity_units
        Q strings each; no name is a descriptor's too. None by default.
    file_N
        Of several files read together: which one each row is from, shape (N,). The same site may be in two files.
    oxidation_reason_N
        Of sites whose oxidation states were just computed, shape (N,): the index of the reason in
        `rankaae_cli.core.structure.oxidation_states.REASONS`. It is not in the file.
    groups
        By name, such as ``formula``: what each row shares with others, shape (N,), strings, empty where not known.
    split_by
        What shares a side of the split; see `rankaae_cli.data.family.splits.groups_of`. Empty for files that were
        split by different groups.
    segments
        Of a joint axis of several edges or kinds of spectra: their names and places. Each ascends by itself; one
        that is missing of a row is NaN there. Empty for one edge without a name.
    yes_no
        Whether the descriptors are yes/no classes, of values 1, 0 and NaN.
    features
        What describes each row's site for a model from structures to spectra; None where there are none.
    structures
        Those that the rows are sites of, by the name of their material, where they are known; empty where not. They
        lie in a file of their own.
    members
        Of several families read as one, over relative energies: what each is, `file_N` being their indices. Empty
        for one family.
    """

    name: str
    element: str
    edge: str
    energy_E: np.ndarray
    spectra_NE: Spectra
    descriptors_NK: np.ndarray
    descriptor_names: tuple[str, ...]
    descriptor_units: tuple[str, ...]
    material_N: np.ndarray
    site_N: np.ndarray
    split_N: np.ndarray
    energy_unit: str = "eV"
    normalisation: str = "edge_step"
    source: str = "unknown"
    created: str = ""
    rankaae_version: str = field(default=__version__)
    true_response_KE: np.ndarray | None = None
    quantities_NQ: np.ndarray = field(default_factory=lambda: np.empty((0, 0)))
    quantity_names: tuple[str, ...] = ()
    quantity_units: tuple[str, ...] = ()
    file_N: np.ndarray | None = None
    fidelity: str = ""
    oxidation_reason_N: np.ndarray | None = None
    groups: Mapping[str, np.ndarray] = field(default_factory=dict)
    split_by: str = "material"
    segments: tuple[Segment, ...] = ()
    yes_no: bool = False
    features: FeatureSet | None = None
    structures: Mapping[str, Structure] = field(default_factory=dict)
    members: tuple[Member, ...] = ()

    def __post_init__(self) -> None:
        if not self.fidelity:
            object.__setattr__(self, "fidelity", fidelity_of(self.source))
        require_usable_names([self.name], "the data", "family")
        require_usable_names(self.descriptor_names, f"family {self.name}")
        require_usable_names(self.quantity_names, f"family {self.name}", "quantity")
        require_usable_names(tuple(self.groups), f"family {self.name}", "group")
        if not self.quantity_names and not self.quantities_NQ.size:
            object.__setattr__(self, "quantities_NQ", np.empty((len(self.material_N), 0)))
        self._require_shapes()
        fault = self._impossible_value() or self._impossible_row()
        if fault:
            raise UserError(f"family {self.name}: {fault}")

    def _require_shapes(self) -> None:
        n, e, k = len(self.material_N), len(self.energy_E), len(self.descriptor_names)
        shapes = {
            "energy": (self.energy_E.shape, (e,)),
            "spectra": (self.spectra_NE.shape, (n, e)),
            "descriptors": (self.descriptors_NK.shape, (n, k)),
            "site": (self.site_N.shape, (n,)),
            "split": (self.split_N.shape, (n,)),
            "units": ((len(self.descriptor_units),), (k,)),
            "quantities": (self.quantities_NQ.shape, (n, len(self.quantity_names))),
            "units of the quantities": ((len(self.quantity_units),), (len(self.quantity_names),)),
            **{f"group {name}": (group_N.shape, (n,)) for name, group_N in self.groups.items()},
        }
        if self.features is not None:
            shapes["features"] = ((len(self.features),), (n,))
        if self.true_response_KE is not None:
            shapes["true response"] = (self.true_response_KE.shape, (k, e))
        for what, (found, expected) in shapes.items():
            if found != expected:
                raise UserError(f"family {self.name}: {what} has shape {found}, expected {expected}")

    def _impossible_value(self) -> str:
        """Return which of the values cannot be, or nothing."""
        if self.energy_unit not in ENERGY_UNITS:
            return f"the energy unit is {self.energy_unit!r}, expected {' or '.join(ENERGY_UNITS)}"
        if fault := axis_fault(self.energy_E, self.segments):
            return fault
        if self.segments:
            if fault := segments_fault(self.spectra_NE, self.segments):
                return fault
        elif not all_finite(self.spectra_NE):
            return "some spectra hold NaN or infinite values"
        if self.yes_no and not np.isin(self.descriptors_NK[~np.isnan(self.descriptors_NK)], (0, 1)).all():
            return "yes/no classes hold other values than 1, 0 and NaN"
        if both := set(self.descriptor_names) & set(self.quantity_names):
            return f"{min(both)} is both a descriptor and a quantity"
        for what, names, values in (
            ("descriptor", self.descriptor_names, self.descriptors_NK),
            ("quantity", self.quantity_names, self.quantities_NQ),
        ):
            infinite = np.isinf(values).any(axis=0)
            if infinite.any():
                return f"{what} {names[infinite.argmax()]} holds infinite values"
        return ""

    def _impossible_row(self) -> str:
        """Return what is wrong with the rows' materials, sites or sides of the split, or nothing."""
        beyond_N = (self.split_N < 0) | (self.split_N > 2)
        if beyond_N.any():
            return f"split holds {self.split_N[beyond_N.argmax()]}, expected 0, 1 or 2"
        if (self.site_N < 0).any():
            return f"site index {self.site_N.min()} is negative"
        again_N = repeated_sites(self.material_N, self.site_N, self.file_N)
        if again_N.any():
            rows = zip(self.material_N[again_N], self.site_N[again_N].tolist(), strict=True)
            (material, site), count = Counter(rows).most_common(1)[0]
            return f"site {site} of material {material!r} is there {count + 1} times"
        return ""

    @property
    def rows(self) -> Rows:
        """What tells which atoms of which structures the rows are."""
        return Rows(self.material_N, self.site_N, self.element)

    @property
    def is_synthetic(self) -> bool:
        """Whether the spectra come from the synthetic generator."""
        return self.source == "synthetic"

    @property
    def is_measured(self) -> bool:
        """Whether the spectra were measured, not computed."""
        return self.fidelity == "measured"

    def __len__(self) -> int:
        return len(self.material_N)

    def with_descriptors(self, names: Sequence[str]) -> "Family":
        """Return the family with those descriptors alone, in that order; the others become quantities."""
        missing = [name for name in names if name not in self.descriptor_names]
        if missing:
            raise UserError(
                f"family {self.name} has no descriptor {missing[0]}: {nearest(missing[0], self.descriptor_names)}"
            )
        chosen = [self.descriptor_names.index(name) for name in names]
        others = [k for k in range(len(self.descriptor_names)) if k not in chosen]
        return replace(
            self,
            descriptors_NK=self.descriptors_NK[:, chosen],
            descriptor_names=tuple(names),
            descriptor_units=tuple(self.descriptor_units[k] for k in chosen),
            quantities_NQ=np.hstack([self.descriptors_NK[:, others], self.quantities_NQ]),
            quantity_names=(*(self.descriptor_names[k] for k in others), *self.quantity_names),
            quantity_units=(*(self.descriptor_units[k] for k in others), *self.quantity_units),
            true_response_KE=None if self.true_response_KE is None else self.true_response_KE[chosen],
        )

    def with_rows(self, rows: np.ndarray | Sequence[int]) -> "Family":
        """Return the family with those rows alone, given by their indices or by a mask of shape (N,)."""
        # An empty list alone would be an array of float64, which is no index.
        rows = np.asarray(rows, dtype=None if len(rows) else np.int64)
        arrays = ("descriptors_NK", "quantities_NQ", "material_N", "site_N", "split_N")
        chosen = {
            name: getattr(self, name)[rows]
            for name in (*arrays, "file_N", "oxidation_reason_N")
            if getattr(self, name) is not None
        }
        groups = {name: group_N[rows] for name, group_N in self.groups.items()}
        features = None if self.features is None else self.features.with_rows(rows)
        spectra_NE = rows_taken(self.spectra_NE, rows)
        return replace(self, spectra_NE=spectra_NE, groups=groups, features=features, **chosen)

    def with_edges(self, names: Sequence[str]) -> "Family":
        """Return the family with those segments of its joint axis alone, and the rows that have one of them."""
        own = {segment.name: segment for segment in self.segments}
        if absent := [name for name in names if name not in own]:
            there = f"it has {', '.join(own)}" if own else "it holds one edge, without a name"
            raise UserError(f"family {self.name} has no edge {absent[0]}: {there}\ncorrect family.edges=")
        chosen = [own[name] for name in names]
        columns = np.concatenate([np.arange(one.start, one.start + one.length) for one in chosen])
        spectra_NE = self.spectra_NE[:][:, columns]
        rows = np.flatnonzero(~np.isnan(spectra_NE).all(axis=1))
        kept = self.with_rows(rows)
        segments = side_by_side(names, [one.length for one in chosen])
        response = None if self.true_response_KE is None else self.true_response_KE[:, columns]
        return replace(
            kept,
            energy_E=self.energy_E[columns],
            spectra_NE=spectra_NE[rows],
            segments=segments,
            true_response_KE=response,
        )

    def rows_of_members(self) -> list[np.ndarray]:
        """Return the indices of the rows of each member; of all rows where it is one family."""
        if not self.members:
            return [np.arange(len(self))]
        assert self.file_N is not None
        return [np.flatnonzero(self.file_N == j) for j in range(len(self.members))]

    def in_memory(self) -> "Family":
        """Return the family with its spectra in memory."""
        if not isinstance(self.spectra_NE, SpectraRows):
            return self
        return replace(self, spectra_NE=self.spectra_NE[:])
