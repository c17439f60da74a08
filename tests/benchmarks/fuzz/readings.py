"""Reading mutated files: what comes of each must be a sound spectrum, or a refusal in one or two lines."""

import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from random import Random
from typing import Any

import numpy as np

from rankaae_cli.core.errors import UserError
from rankaae_cli.core.xas.spectra import SpectrumError
from rankaae_cli.data.family.sites import FamilySpec, Neighbours, Sites
from rankaae_cli.data.measured.detect import read_folder, read_measured
from rankaae_cli.data.measured.prepared import on_energies, prepare
from rankaae_cli.data.measured.spectrum import MeasuredSpectrum
from rankaae_cli.data.readers.computed.csv_table import read_csv
from rankaae_cli.data.readers.computed.feff_sites import read_feff
from rankaae_cli.data.readers.computed.npz import read_npz
from rankaae_cli.data.structures.atoms import read_atoms
from rankaae_cli.data.structures.shell_workers import Workers
from rankaae_cli.data.structures.shells import ShellOptions
from tests.benchmarks.fuzz.binary_mutations import mutated_files, mutated_hdf5, mutated_npz, mutated_structure
from tests.benchmarks.fuzz.seeds import COMPUTED, GRID, MEASURED, Seed, require_seeds
from tests.benchmarks.fuzz.text_mutations import mutated_text

COPPER = FamilySpec(
    "Cu_oxides",
    "Cu",
    "K",
    GRID,
    descriptor_names=("CN", "MOOD"),
    neighbours=Neighbours("cutoff", 2.4),
    ligands=("O",),
    coordination=(4, 5, 6),
)
CARBON = FamilySpec(
    "carbon", "C", "K", np.arange(6.0), "index", ("CN", "MBL"), neighbours=Neighbours("cutoff", 1.85)
)
# What stands in messages of Python and of libraries, and in none of a user's faults.
_OF_PROGRAMS = re.compile(
    r"\b\w+(Error|Exception|Warning)\b|Traceback|out of (range|bounds)|has no attribute|NoneType|<class |"
    r"invalid literal|could not convert|codec can't|to unpack|broadcast|ndarray|unable to |Expecting |Extra data|"
    r"subscriptable|unhashable|indices must|keyword argument|Errno|at 0x[0-9a-f]{8}|field limit",
    re.IGNORECASE,
)
_LONGEST = 600  # letters of a message


class Wrong(AssertionError):
    """A file was read wrongly, or refused in words that are no user's."""


@dataclass(frozen=True)
class Reader:
    """What reads files of one kind, and how such files are made."""

    seeds: Callable[[], Iterable[Seed]]
    read: Callable[[Path], bool]

    def mutated(self, number: str) -> Seed:
        """Return the mutated file of a number, which is always the same."""
        random = Random(number)
        seed = random.choice(_of(self.seeds))
        if isinstance(seed, dict):
            return (mutated_structure if self.read is _read_structures else mutated_files)(random, seed)
        if seed.startswith(b"\x89HDF"):
            return mutated_hdf5(random, seed)
        return (mutated_npz if seed.startswith(b"PK") else mutated_text)(random, seed)

    def write(self, number: str, path: Path) -> Path:
        """Write the mutated file of a number; a folder where it is one."""
        seed = self.mutated(number)
        for name, data in (seed if isinstance(seed, dict) else {"": seed}).items():
            # Only archives can have files of such names.
            file = path / name.replace("..", "up").lstrip("/")[-200:] if name else path
            if not file.is_dir() and not any(above.is_file() for above in file.parents):
                file.parent.mkdir(parents=True, exist_ok=True)
                file.write_bytes(data)
        return path


@cache
def _of(seeds: Callable[[], Iterable[Seed]]) -> Sequence[Seed]:
    return list(seeds())


def read_spectra(path: Path) -> bool:
    """Read a measured spectrum as predict and ingest do; return whether there is any that can be used.

    Raises
    ------
    Wrong
        If it is not sound, or refused otherwise than in a sentence.
    """
    spectra, faults = read_folder(path, element=None if path.stat().st_size % 3 else "Fe")
    for _, reason in faults:
        require_sentence(reason)
    if not spectra:
        try:  # what a whole folder is not stopped by
            read_measured(path)
        except (SpectrumError, UserError) as error:
            require_refusal(error)
    return any([_is_sound(spectrum) for spectrum in spectra])


def _is_sound(spectrum: MeasuredSpectrum) -> bool:
    _require(np.isfinite(spectrum.energy_M).all() and np.isfinite(spectrum.mu_M).all(), "it has NaN")
    _require((np.diff(spectrum.energy_M) > 0).all(), "its energies do not ascend")
    for note in (*spectrum.notes, *spectrum.doubts):
        require_sentence(note)
    try:
        prepared = prepare(spectrum)
    except (SpectrumError, UserError) as error:
        require_refusal(error)
        return False
    for doubt in prepared.spectrum.doubts:
        require_sentence(doubt)
    _require(np.isfinite(prepared.absorption_M).all(), "it has NaN once normalised")
    if normalised := prepared.normalised:
        relative, used = normalised.energy_M - normalised.e0, normalised.ranges
        beyond = (relative >= used.norm1 - 1e-6) & (relative <= used.norm2 + 1e-6) & (relative >= 0)
        _require(normalised.edge_step > 0, "its edge step is not positive")
        scale = max(1.0, float(np.abs(normalised.normalised_M).max()))
        level = float(np.mean(normalised.normalised_M[beyond])) if used.flatten else 1.0
        _require(abs(level - 1) < 0.01 * scale, f"it lies at {level:.3g} behind the edge")
    try:
        grid = prepared.energy_M[0] + np.linspace(0, 50, 200)
        _require(np.isfinite(on_energies(prepared, grid, 8.0)).all(), "it has NaN on a grid")
    except SpectrumError as error:
        require_refusal(error)
    return True


def _computed(read: Callable[[Path], Sites]) -> Callable[[Path], bool]:
    def call(path: Path) -> bool:
        try:
            sites = read(path)
        except (SpectrumError, UserError) as error:
            require_refusal(error)
            return False
        for one in sites.rejected:
            require_sentence(one.reason)
        spectra = np.array([np.asarray(row) for row in sites.spectra_NE])
        _require(np.isfinite(spectra).all(), "it has NaN")
        _require((np.diff(sites.energy_E) > 0).all(), "its energies do not ascend")
        _require(np.isfinite(sites.energy_E).all(), "its energies are not finite")
        return len(sites) > 0

    return call


def _options(path: Path) -> ShellOptions:
    return ShellOptions(4.0, Workers(jobs=1), path.with_name("shells.sqlite"))


def _read_csv(path: Path) -> Sites:
    return read_csv(path, COPPER, to_grid=path.stat().st_size % 2 == 0, max_tail=8.0)


def _read_npz(path: Path) -> Sites:
    grid = {"energy_start": 8983.5, "energy_step": 1.0}
    return read_npz(path, COPPER, **grid, to_grid=path.stat().st_size % 2 == 0, max_tail=8.0)


def _read_feff(path: Path) -> Sites:
    return read_feff(path, COPPER, max_tail=8.0, keep_all=False, options=_options(path))


def _read_atoms(path: Path) -> Sites:
    return read_atoms(path, CARBON, keep_all=True, options=_options(path))


_read_structures = _computed(_read_feff)
_COMPUTED = {
    "csv": _computed(_read_csv),
    "npz": _computed(_read_npz),
    "feff": _computed(_read_feff),
    "structures": _read_structures,
    "atoms": _computed(_read_atoms),
}


def readers() -> Mapping[str, Reader]:
    """Return the readers by the names of their formats and sources; all of them have seeds."""
    require_seeds()
    measured = {name: Reader(seeds, read_spectra) for name, seeds in MEASURED.items()}
    return measured | {name: Reader(COMPUTED[name], read) for name, read in _COMPUTED.items()}


def require_refusal(error: Exception) -> None:
    """Check that an error is a sentence, and not one of the library's that it came from."""
    text, cause = str(error), error.__cause__ or error.__context__
    require_sentence(text)
    if cause and not isinstance(cause, (SpectrumError, UserError, OSError)):
        words = str(cause)
        _require(len(words) < 6 or words not in text, f"{type(cause).__name__}'s own words: {text}")


def require_sentence(text: str) -> None:
    """Check that a message is one or two lines of words without those of programs."""
    lines = text.split("\n")
    _require(1 <= len(lines) <= 2 and all(lines), f"{len(lines)} lines: {text[:300]!r}")
    _require(len(text) <= _LONGEST, f"{len(text)} letters: {text[:300]!r}")
    _require(len(text.split()) > 2, f"no sentence: {text!r}")
    _require(all(line.isprintable() for line in lines), f"letters that cannot be printed: {text!r}")
    if match := _OF_PROGRAMS.search(text):
        raise Wrong(f"a program's words, {match[0]!r}: {text}")


def _require(holds: Any, otherwise: str) -> None:
    if not holds:
        raise Wrong(otherwise)
