"""The family file: spectra and descriptors of one element, edge and material class in HDF5."""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

import h5py
import numpy as np

from rankaae_cli import __version__
from rankaae_cli.core.errors import UserError, nearest
from rankaae_cli.data.files import replacing

FORMAT = "rankaae-family"
FORMAT_VERSION = 1


@dataclass(frozen=True)
class Family:
    """Spectra of one family, and what is known of the sites they belong to.

    Attributes
    ----------
    name, element, edge
        Such as ``Fe_oxides``, ``Fe``, ``K``.
    energy_E
        Shape (E,), float64, ascending; in `energy_unit`, ``eV`` or ``index``.
    spectra_NE
        Shape (N, E), float32; absorption normalised as `normalisation` says.
    descriptors_NK
        Shape (N, K), float64; NaN where not known.
    descriptor_names, descriptor_units
        K strings each.
    material_N, site_N, split_N
        Shape (N,): name of the material; 0-based index of the absorber in it; 0 train, 1 validation, 2 test.
    normalisation
        ``edge_step``, ``unknown``, ...
    source
        Where the spectra come from: ``feff``, ``csv``, ``synthetic``, ...
    created
        Date and time of making, ISO 8601.
    true_response_KE
        Synthetic families only, shape (K, E): the mean over rows of the spectrum with descriptor k at its
        95th minus at its 5th percentile, all other causes fixed. NaN rows for none.
    """

    name: str
    element: str
    edge: str
    energy_E: np.ndarray
    spectra_NE: np.ndarray
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

    def __post_init__(self) -> None:
        n, e, k = len(self.material_N), len(self.energy_E), len(self.descriptor_names)
        shapes = {
            "energy": (self.energy_E.shape, (e,)),
            "spectra": (self.spectra_NE.shape, (n, e)),
            "descriptors": (self.descriptors_NK.shape, (n, k)),
            "site": (self.site_N.shape, (n,)),
            "split": (self.split_N.shape, (n,)),
            "units": ((len(self.descriptor_units),), (k,)),
        }
        for what, (found, expected) in shapes.items():
            if found != expected:
                raise UserError(f"family {self.name}: {what} has shape {found}, expected {expected}")
        if e < 2 or not (np.isfinite(self.energy_E).all() and (np.diff(self.energy_E) > 0).all()):
            raise UserError(f"family {self.name}: the energies are not finite and ascending")
        if not np.isfinite(self.spectra_NE).all():
            raise UserError(f"family {self.name}: some spectra hold NaN or infinite values")

    @property
    def is_synthetic(self) -> bool:
        """Whether the spectra come from the synthetic generator."""
        return self.source == "synthetic"

    def __len__(self) -> int:
        return len(self.material_N)

    def with_descriptors(self, names: Sequence[str]) -> "Family":
        """Return the family with those descriptors alone, in that order."""
        missing = [name for name in names if name not in self.descriptor_names]
        if missing:
            raise UserError(
                f"family {self.name} has no descriptor {missing[0]}: {nearest(missing[0], self.descriptor_names)}"
            )
        chosen = [self.descriptor_names.index(name) for name in names]
        return replace(
            self,
            descriptors_NK=self.descriptors_NK[:, chosen],
            descriptor_names=tuple(names),
            descriptor_units=tuple(self.descriptor_units[k] for k in chosen),
            true_response_KE=None if self.true_response_KE is None else self.true_response_KE[chosen],
        )


def write_family(path: str | Path, family: Family) -> Path:
    """Write `family` to `path`, replacing a file there only once the new one is whole.

    The bytes depend on the contents alone, so equal families make equal files.
    """
    strings = h5py.string_dtype()
    with replacing(path) as temporary, h5py.File(temporary, "w", libver=("earliest", "v110")) as file:

        def put(name: str, values: np.ndarray, dtype: object) -> h5py.Dataset:
            options = (
                {} if len(values) == 0 else {"compression": "gzip", "compression_opts": 9, "shuffle": True}
            )
            return file.create_dataset(name, data=values, dtype=dtype, track_times=False, **options)

        put("energy", family.energy_E, "<f8")
        put("spectra", family.spectra_NE, "<f4")
        descriptors = put("descriptors", family.descriptors_NK, "<f8")
        descriptors.attrs.create("names", list(family.descriptor_names), dtype=strings)
        descriptors.attrs.create("units", list(family.descriptor_units), dtype=strings)
        put("material", np.asarray(family.material_N, dtype=object), strings)
        put("site", family.site_N, "<i8")
        put("split", family.split_N, "u1")
        if family.true_response_KE is not None:
            put("true_response", family.true_response_KE, "<f4")
        file.attrs["format"] = FORMAT
        file.attrs["format_version"] = FORMAT_VERSION
        file.attrs["family"] = family.name
        for name in (
            "element",
            "edge",
            "energy_unit",
            "normalisation",
            "source",
            "created",
            "rankaae_version",
        ):
            file.attrs[name] = getattr(family, name)
    return Path(path)


def read_family(path: str | Path) -> Family:
    """Read a family file.

    Raises
    ------
    UserError
        If the file is missing, is not a family file, is of a newer version, or holds impossible values.
    """
    path = Path(path)
    if not path.is_file():
        raise UserError(
            f"there is no family file {path}\nmake one with `rankaae ingest`, or correct the path"
        )
    try:
        with h5py.File(path, "r") as file:
            return _read(file, path)
    except OSError as error:
        raise UserError(
            f"{path} cannot be read as HDF5 ({error})\nexpected a family file of `rankaae ingest`"
        ) from error


def _read(file: h5py.File, path: Path) -> Family:
    if file.attrs.get("format") != FORMAT:
        raise UserError(f"{path} is HDF5 but not a family file (no attribute format = {FORMAT})")
    version = int(file.attrs.get("format_version", 0))
    if version > FORMAT_VERSION:
        raise UserError(
            f"{path} is a family file of version {version}; this program reads up to {FORMAT_VERSION}\n"
            "install a newer rankaae"
        )
    try:
        descriptors = file["descriptors"]
        return Family(
            name=str(file.attrs["family"]),
            energy_E=file["energy"][:].astype(np.float64),
            spectra_NE=file["spectra"][:].astype(np.float32),
            descriptors_NK=descriptors[:].astype(np.float64),
            descriptor_names=tuple(str(n) for n in descriptors.attrs["names"]),
            descriptor_units=tuple(str(u) for u in descriptors.attrs["units"]),
            material_N=file["material"].asstr()[:].astype(object),
            site_N=file["site"][:].astype(np.int64),
            split_N=file["split"][:].astype(np.uint8),
            true_response_KE=file["true_response"][:] if "true_response" in file else None,
            **{
                name: str(file.attrs[name])
                for name in (
                    "element",
                    "edge",
                    "energy_unit",
                    "normalisation",
                    "source",
                    "created",
                    "rankaae_version",
                )
            },
        )
    except KeyError as error:
        raise UserError(f"{path} is not a whole family file: {error.args[0]}") from error
