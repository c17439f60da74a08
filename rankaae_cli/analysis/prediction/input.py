"""The input of a prediction: computed and measured spectra of any format, with their labels."""

import glob
import os
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from rankaae_cli.core.errors import UserError, nearest
from rankaae_cli.core.xas.spectra import SpectrumError, regrid
from rankaae_cli.data.family.family import Family
from rankaae_cli.data.family.family_file import is_family_file, read_family
from rankaae_cli.data.family.sites import FamilySpec
from rankaae_cli.data.family.soundness import EDGE_STEP
from rankaae_cli.data.family.splits import SPLITS, split_again
from rankaae_cli.data.measured.absorber import tabulated_edge
from rankaae_cli.data.measured.computed import CODE
from rankaae_cli.data.measured.detect import read_folder
from rankaae_cli.data.measured.prepared import Prepared, on_energies, prepare, with_calibration
from rankaae_cli.data.measured.sites import CALIBRATION, SCAN_QUANTITIES, MeasuredOptions
from rankaae_cli.data.measured.spectrum import MeasuredSpectrum
from rankaae_cli.data.readers.computed.codes.folder import place_of
from rankaae_cli.data.readers.computed.codes.outputs import POLARISED

Fault = tuple[str, str]  # (file or record, reason)


@dataclass(frozen=True)
class InputSpectrum:
    """A spectrum to be read.

    Attributes
    ----------
    file
        Its file, below the folder that was given, or that all files given have in common; with the record where
        the file holds several.
    prepared
        Calibrated and normalised, on its own energies.
    material, site
        Where it comes from a family file or table of computed spectra; None otherwise.
    is_stored
        Whether it comes from a family file, which was calibrated and normalised when that was made.
    fidelity
        Of a family file, or the code whose output it is; empty otherwise.
    """

    file: str
    prepared: Prepared
    material: str | None = None
    site: int | None = None
    is_stored: bool = False
    fidelity: str = ""

    @property
    def label(self) -> str:
        """What to call it: ``material site`` or the file."""
        return self.file if self.material is None else f"{self.material} {self.site}"

    @property
    def title(self) -> str:
        """What readers see: the file, or the material with the index of the site."""
        return self.file if self.material is None else f"{self.material} (site {self.site})"

    @property
    def is_computed(self) -> bool:
        """Whether it comes from a simulation, whose energies are not shifted."""
        return self.prepared.spectrum.is_computed

    @property
    def has_edge_step(self) -> bool:
        """Whether it is normalised to the edge step, or said to be: measured ones are brought to that."""
        return self.prepared.spectrum.is_normalised or not self.is_computed

    @property
    def is_scaled(self) -> bool:
        """Whether it is brought to the mean absorption of the training spectra, as it has no edge step."""
        return CODE in self.prepared.spectrum.metadata

    def doubted(self, doubt: str) -> "InputSpectrum":
        """Return it with one more doubt."""
        return replace(
            self, prepared=replace(self.prepared, spectrum=self.prepared.spectrum.with_doubt(doubt))
        )

    def on_grid(self, grid_E: np.ndarray, max_tail: float, offset: float = 0.0) -> np.ndarray:
        """Return the spectrum at the energies of a family, shape (E,).

        Parameters
        ----------
        grid_E
            Shape (E,).
        max_tail
            How many eV it may begin late.
        offset
            eV, added to the energies of a measured spectrum. A computed one is never shifted.

        Raises
        ------
        SpectrumError
            If it does not cover the grid, saying how much is missing.
        """
        energy_M, absorption_M = self.prepared.energy_M, self.prepared.absorption_M
        if self.is_computed:
            if energy_M.shape == grid_E.shape and np.allclose(energy_M, grid_E, rtol=0, atol=1e-6):
                return absorption_M
            return regrid(energy_M, absorption_M, grid_E, max_tail)
        return on_energies(replace(self.prepared, energy_M=energy_M + offset), grid_E, max_tail)


def read_input(
    names: Sequence[str],
    spec: FamilySpec,
    options: MeasuredOptions,
    split: str | None = None,
    split_seed: int = 0,
    split_by: str | None = None,
) -> tuple[list[InputSpectrum], list[Fault]]:
    """Read the spectra of files, folders and patterns.

    Parameters
    ----------
    names
        Paths or patterns.
    spec
        What is expected: element, edge and unit of the energies.
    options
        How measured spectra are read and normalised.
    split
        ``train``, ``validation`` or ``test``: of family files, the rows of that side alone.
    split_seed, split_by
        Of the split; see `rankaae_cli.data.family.splits.split_again`.

    Returns
    -------
    list of InputSpectrum
        In the order of names and files.
    list of (file, reason)
        What could not be used. No bad file stops the others.

    Raises
    ------
    UserError
        If nothing is there under any of the names, or a family file was given that does not fit.
    """
    spectra: list[InputSpectrum] = []
    faults: list[Fault] = []
    paths = _paths(names)
    top = _common_folder(paths)
    for path in paths:
        if path.is_file() and is_family_file(path):
            spectra += _of_family(path, read_family(path), spec, split, split_seed, split_by)
            continue
        if split is not None:
            raise UserError(f"split={split} is for family files; {path} is none\nleave split= out")
        scans, unusable = read_scans(path, top, spec, options)
        spectra += scans
        faults += unusable
    return spectra, faults


def read_scans(
    path: Path, top: Path, spec: FamilySpec, options: MeasuredOptions
) -> tuple[list[InputSpectrum], list[Fault]]:
    """Read the spectra of a file or folder that holds scans; see `read_input`.

    Parameters
    ----------
    path
        The file or folder.
    top
        An absolute folder that it is named below.
    spec, options
        As for `read_input`.

    Raises
    ------
    UserError
        If the model is not over eV, as scans are.
    """
    if spec.energy_unit != "eV":
        raise UserError(
            f"the model of {spec.name} is over {spec.energy_unit}: it reads family files alone, {path} is none"
        )
    scans, unusable = read_folder(path, options.columns, spec.element, spec.edge)
    scans = _averages(scans, path)
    spectra, faults = [], [(_below(file, top), reason) for file, reason in unusable]
    for one, file in zip(scans, _labels(scans, top), strict=True):
        try:
            spectra.append(input_spectrum(one, file, spec, options))
        except SpectrumError as error:
            faults.append((file, str(error)))
    return spectra, faults


def input_spectrum(
    spectrum: MeasuredSpectrum, file: str, spec: FamilySpec, options: MeasuredOptions
) -> InputSpectrum:
    """Return a spectrum, called `file`, calibrated and normalised; raise SpectrumError where it cannot be."""
    done = prepare(
        spectrum, options.ranges, element=spec.element, edge=spec.edge, calibrate=options.calibrate
    )
    if code := spectrum.metadata.get(CODE):
        moved = replace(done, energy_M=done.energy_M + options.code_shift)
        if moved.energy_M[0] <= 0:
            raise SpectrumError(
                f"energies from {moved.energy_M[0]:g} eV, from a zero of {code}'s own: what to add is codes.shift="
            )
        return InputSpectrum(file, moved, fidelity=code)
    material, site = spectrum.metadata.get("site.material"), spectrum.metadata.get("site.index")
    if not spectrum.is_computed or material is None or site is None:
        return InputSpectrum(file, done)
    return InputSpectrum(file, done, material, int(site))


def _paths(names: Sequence[str]) -> list[Path]:
    paths: list[Path] = []
    for name in names:
        if Path(name).exists() or not glob.has_magic(name):
            paths.append(Path(name))
        else:
            # Path.glob takes no absolute pattern.
            paths += [Path(p) for p in sorted(glob.glob(name, recursive=True))]  # noqa: PTH207
    missing = [path for path in paths if not path.exists()]
    if missing or not paths:
        what = str(missing[0]) if missing else ", ".join(names)
        raise UserError(f"there is no file or folder {what}\ncorrect input=")
    return paths


def _of_family(
    path: Path, family: Family, spec: FamilySpec, split: str | None, split_seed: int, split_by: str | None
) -> list[InputSpectrum]:
    own, wanted = ((one.element, one.edge, one.energy_unit) for one in (family, spec))
    if own != wanted:
        raise UserError(
            f"family {family.name} holds {own[0]} {own[1]} spectra over {own[2]}, the model was trained on "
            f"{wanted[0]} {wanted[1]} over {wanted[2]}\ngive spectra of {wanted[0]}, or another run="
        )
    if split is not None:
        if split not in SPLITS:
            raise UserError(f"there is no split {split!r}; {nearest(split, SPLITS)}")
        family = split_again(family, split_by, split_seed)
        family = family.with_rows(family.split_N == SPLITS.index(split))
        if not len(family):
            raise UserError(f"the {split} split of {path} has no spectra\nchoose another split")
    measured = family.is_measured
    return [
        InputSpectrum(
            spectrum.name if measured else f"{spectrum.name}_{site}",
            Prepared(spectrum, family.energy_E, spectrum.mu_M),
            None if measured else spectrum.name,
            None if measured else int(site),
            is_stored=True,
            fidelity=family.fidelity,
        )
        for spectrum, site in zip(_stored_spectra(path, family, measured), family.site_N, strict=True)
    ]


def _stored_spectra(path: Path, family: Family, measured: bool) -> Iterator[MeasuredSpectrum]:
    """Yield the spectra of a family file; on measured ones is noted how their energies were calibrated."""
    known = dict(zip(family.quantity_names, family.quantities_NQ.T, strict=True))
    nothing_N = np.full(len(family), np.nan)  # a quantity that is known of no row is not stored
    shift_N, e0_N = (known.get(name, nothing_N) for name in (CALIBRATION, "e0"))
    for n, (material, spectrum_E) in enumerate(zip(family.material_N, family.spectra_NE, strict=True)):
        spectrum = MeasuredSpectrum(
            name=str(material),
            path=path,
            element=family.element,
            edge=family.edge,
            energy_M=family.energy_E,
            mu_M=spectrum_E,
            is_normalised=family.normalisation == EDGE_STEP,
            is_computed=not measured,
            columns_used="mu (family file)",
        )
        if not measured:
            yield spectrum
        elif not set(SCAN_QUANTITIES) & set(family.quantity_names):
            yield spectrum.with_note("whether the energies were calibrated by a foil is not known")
        elif not np.isfinite(shift_N[n]):
            yield spectrum.with_note("not calibrated by a foil")
        else:
            tabulated = tabulated_edge(family.element, family.edge)
            yield with_calibration(spectrum, float(shift_N[n]), float(e0_N[n]), tabulated, " by its foil")


def _averages(scans: Sequence[MeasuredSpectrum], path: Path) -> list[MeasuredSpectrum]:
    """Return the spectra, those of one site by one code, which are its polarisations, as their mean."""
    if not path.is_dir():
        return list(scans)
    groups: dict[tuple[object, ...], list[MeasuredSpectrum]] = {}
    for one in scans:
        code = one.metadata.get(CODE)
        place = place_of(path, one.path.relative_to(path).parts, code) if code in POLARISED else ()
        groups.setdefault((code, *place) if place else (one.path, one.name), []).append(one)
    means = []
    for own in groups.values():
        curves = [np.interp(own[0].energy_M, one.energy_M, one.mu_M) for one in own]
        notes = (f"mean of {len(own)} polarisations",) if len(own) > 1 else own[0].notes
        means.append(replace(own[0], mu_M=np.mean(curves, axis=0), notes=notes))
    return means


def _common_folder(paths: Sequence[Path]) -> Path:
    """Return the folder below which files are named, so that no two have one name."""
    if len(paths) == 1 and paths[0].is_dir():
        return paths[0].absolute()
    return Path(os.path.commonpath([path.absolute().parent for path in paths]))


def _labels(spectra: Sequence[MeasuredSpectrum], top: Path) -> list[str]:
    """Return the file of each spectrum, with its record where the file holds several."""
    count: dict[Path, int] = {}
    for one in spectra:
        count[one.path] = count.get(one.path, 0) + 1
    return [_below(one.path, top) + (f"/{one.name}" if count[one.path] > 1 else "") for one in spectra]


def _below(file: Path, top: Path) -> str:
    """Return the path of a file below an absolute folder."""
    return str(file.absolute().relative_to(top))
