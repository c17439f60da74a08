"""A trained model for Python: descriptors of spectra, spectra of descriptors and of structures."""

import math
from collections.abc import Iterable, Sequence
from numbers import Real
from os import PathLike
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike

from rankaae_cli.analysis.prediction.calibration import OtherModelError
from rankaae_cli.analysis.prediction.input import InputSpectrum, input_spectrum
from rankaae_cli.analysis.prediction.predict import LoadedRun, load_for_reading
from rankaae_cli.analysis.simulation.structures import simulate_structures
from rankaae_cli.analysis.simulation.traverse import walk_descriptors, walked_descriptors
from rankaae_cli.analysis.traversal.average_spectrum import average_spectrum
from rankaae_cli.analysis.traversal.walks import differences_of_trials, walk_styles, walk_table
from rankaae_cli.api.spectra import Spectrum, numbers_of, spectrum_of
from rankaae_cli.core.errors import UserError, nearest
from rankaae_cli.core.labels import listed
from rankaae_cli.core.xas.spectra import SpectrumError
from rankaae_cli.data.family.sites import silent
from rankaae_cli.data.family.splits import TRAIN
from rankaae_cli.data.measured.sites import MeasuredOptions
from rankaae_cli.models.base import HasStyles, Simulates, require
from rankaae_cli.reports.prediction.write import prediction_columns
from rankaae_cli.runs.load import load_run
from rankaae_cli.runs.shipped import shipped_models
from rankaae_cli.schema.predict import PredictConfig, ShippedModel

_STEPS, _DRAWS = 11, 500


def load(
    run: str | PathLike[str] = "latest",
    *,
    offset: float | str | PathLike[str] | None = None,
    offset_uncertainty: float | None = None,
    coverage: float = 0.9,
) -> "Model":
    """Load a trained model.

    Parameters
    ----------
    run
        ``latest``, the newest finished run below ``runs/``; the directory of a run; or the name of a model that
        ships, such as ``Cu_oxides``.
    offset
        eV to add to measured energies, or the file that ``rankaae align`` wrote; None: that of a model that ships,
        else 0.
    offset_uncertainty
        Its standard deviation, eV, which widens the intervals; None: the file's, or 1.
    coverage
        Share of true values that intervals are to hold, between 0 and 1.

    Raises
    ------
    ValueError
        If there is no such run, or it cannot be used; the message says what to do.
    """
    _require_share(coverage)
    if isinstance(offset, Real) and not math.isfinite(offset):
        raise UserError(f"offset={offset} is no energy\ngive eV, or the file of rankaae align")
    if offset_uncertainty is not None and not 0 <= offset_uncertainty < math.inf:
        raise UserError(
            f"offset_uncertainty={offset_uncertainty} is no standard deviation\ngive eV, 0 or more"
        )
    name = str(run)
    ships = name in shipped_models() and not Path(name).exists()
    settings = PredictConfig(
        run="latest" if ships else name,
        model=ShippedModel(name if ships else None),
        offset=str(offset) if isinstance(offset, PathLike) else offset,
        offset_uncertainty=offset_uncertainty,
        coverage=coverage,
    )
    try:
        loaded = load_for_reading(settings, f"rankaae_cli.load({name!r})")
    except OtherModelError as other:
        return Model(other.directory, other.model, coverage, other)
    return Model(loaded.directory, loaded.predictor.model, coverage, loaded)


class Model:
    """A trained model; see `load`.

    Attributes
    ----------
    directory
        Of its run.
    kind
        ``rankaae``, ``supervised``, ``forward`` or ``diffusion``.
    family, element, edge
        What it was trained on.
    descriptors
        Unit by name.
    energy
        Shape (E,): of the spectra that it knows; eV, or an index.
    """

    def __init__(
        self, directory: Path, trained: Any, coverage: float, reader: LoadedRun | OtherModelError
    ) -> None:
        self.directory, self.kind = directory, str(trained.kind)
        self.family, self.element, self.edge = trained.family, trained.element, trained.edge
        self.descriptors = dict(zip(trained.descriptor_names, trained.descriptor_units, strict=True))
        self.energy: np.ndarray = trained.energy_E
        self._trained, self._coverage, self._reader = trained, coverage, reader

    def __repr__(self) -> str:
        return f"<Model {self.directory.name}: kind {self.kind}, {self.family}, {listed(list(self.descriptors))}>"

    def predict(
        self,
        energy: ArrayLike | Spectrum | Sequence[Spectrum],
        mu: ArrayLike | None = None,
        *,
        is_normalised: bool = False,
        is_computed: bool = False,
    ) -> pd.DataFrame:
        """Predict the descriptors of spectra, as ``rankaae predict`` does.

        Parameters
        ----------
        energy
            Shape (M,), eV; or, without `mu`, what `rankaae_cli.read` gives, with its foil and what its file says.
        mu
            Shape (M,), or (N, M) of N spectra: the absorption in any unit.
        is_normalised
            Whether `mu` is normalised to the edge step; else it is normalised first.
        is_computed
            Whether `mu` comes from a simulation: it is neither normalised nor shifted.

        Returns
        -------
        pandas.DataFrame
            A row a spectrum: of each descriptor its value and the ends of its interval, ``<name>``, ``<name>_low``
            and ``<name>_high``; ``reconstruction_mae``, ``novelty`` and ``verdict`` on how far to trust them;
            probabilities of classes, and warnings. The columns of ``predictions.csv``.

        Raises
        ------
        ValueError
            If the model predicts no descriptors, or a spectrum cannot be read: the message says why.
        """
        if isinstance(self._reader, OtherModelError):
            raise self._reader
        spectra = _spectra(energy, mu, is_normalised, is_computed, self._trained.energy_unit == "eV")
        read = [self._input(one, self._reader) for one in spectra]
        usable, spectra_NE, faults = self._reader.usable(read)
        for file, reason in faults:
            raise UserError(f"{file}: {reason}")
        return pd.DataFrame(prediction_columns(self._reader.predict(usable, spectra_NE)))

    def spectrum(self, **values: float) -> pd.DataFrame:
        """Return the mean spectrum of sites that the model reads as these values of descriptors.

        Other styles are those of the 500 training spectra that are nearest in these; a value beyond all readings
        counts as the nearest one.

        Parameters
        ----------
        **values
            By descriptor, such as ``CN=4, OS=2``; within the range of training.

        Returns
        -------
        pandas.DataFrame
            A row an energy: ``energy``, ``absorption`` (edge steps), ``low`` and ``high``, the 5th and the 95th
            percentile over the other styles.

        Raises
        ------
        ValueError
            If the model has no styles, does not know the descriptor, or not such a value of it.
        """
        require(self._trained, "Model.spectrum", HasStyles)
        assert isinstance(self._reader, LoadedRun), "a model with styles reads spectra"
        calibration = self._reader.predictor.calibration
        known = calibration.training_TMS, calibration.known_range_K2
        return average_spectrum(self._trained, *known, values, _DRAWS)

    def traverse(
        self, style: str, *, levels: int = _STEPS, draws: int = _DRAWS, seed: int = 0, others: str = "data"
    ) -> pd.DataFrame:
        """Return how the spectrum responds to one style or descriptor, as ``rankaae traverse`` does.

        Parameters
        ----------
        style
            A descriptor, or ``free_1``, ``free_2``, ...
        levels, draws, seed
            Of the walk: how many spectra along it, training spectra averaged over at each, and how these are drawn.
        others
            Where the styles that are not walked come from: ``data``, spectra of that value, or ``independent``.

        Returns
        -------
        pandas.DataFrame
            A row an energy, the columns of ``traversal/<style>.csv``: ``energy``; ``p05`` to ``p95``, the mean
            spectrum at each level; ``difference``, the last minus the first, and its bands. The descriptor at each
            level is ``attrs["descriptor"]``.

        Raises
        ------
        ValueError
            If the model has no such style, or the data that it was trained on are not there.
        """
        if others not in ("data", "independent"):
            raise UserError(f"others={others!r} is not known\ngive data or independent")
        if levels < 2 or draws < 1 or seed < 0:
            raise UserError(
                f"levels={levels}, draws={draws}, seed={seed} cannot be\ngive at least 2 levels, 1 draw and seed 0"
            )
        simulates = isinstance(self._trained, Simulates)
        if simulates:
            names = walked_descriptors(self._trained)
        else:
            names = require(self._trained, "Model.traverse", HasStyles).style_names
        if style not in names:
            raise UserError(f"the model has no style {style}: {nearest(str(style), names)}")
        if isinstance(self._reader, LoadedRun) and self._reader.settings.model.name is not None:
            raise UserError(
                f"{self.directory.name} ships without its training spectra\ntraverse a run of your own"
            )
        _, trained, family = load_run(str(self.directory))
        settings = levels, draws, seed, others
        if simulates:
            walks = walk_descriptors(trained, family, [style], settings)
        else:
            styles_TNS = trained.encode(family.spectra_NE[family.split_N == TRAIN])
            walks = walk_styles(trained, family, styles_TNS, [style], settings)
        if not walks:
            raise UserError(f"{style} is the same at nearly all training sites\ntake another descriptor")
        (walk,) = walks
        table = walk_table(trained, walk)
        if not simulates:
            table = table.assign(**differences_of_trials(walk))
        if walk.descriptor_TL is not None:
            table.attrs["descriptor"] = walk.descriptor_TL[walk.members_T].mean(axis=0).tolist()
        return table

    def simulate(self, structures: Any, *, coverage: float | None = None, jobs: int = 1) -> pd.DataFrame:
        """Simulate the spectra of the absorbers of structures that differ by symmetry, by a model of kind=forward.

        Parameters
        ----------
        structures
            A structure of pymatgen, atoms of ase, the path of a file or folder of structures, or several of these.
        coverage
            Share of points that the bands are to hold; None: that of `load`.
        jobs
            Structures at once where they are many, each in a process of its own; -1: one a core.

        Returns
        -------
        pandas.DataFrame
            A row an absorber and energy: ``structure``, ``site`` (0-based), ``multiplicity``, how many sites it
            stands for, ``novelty`` (1 for one that 5 % of training exceed), ``verdict``; ``energy``, ``absorption``
            (edge steps), ``low`` and ``high``. What cannot be simulated is in ``attrs["faults"]``.

        Raises
        ------
        ValueError
            If the model does not simulate, or no structure can be used: the message says why.
        """
        model = require(self._trained, "Model.simulate", Simulates)
        several = isinstance(structures, list | tuple)
        share = self._coverage if coverage is None else coverage
        _require_share(share)
        result = simulate_structures(model, structures if several else [structures], share, silent, jobs)
        family, points = result.family, len(model.energy_E)
        spectra_NE = np.asarray(family.spectra_NE[:], dtype=np.float64)
        of_sites = {
            "structure": family.material_N,
            "site": family.site_N,
            "multiplicity": result.multiplicity_N,
            "novelty": result.novelty_N,
            "verdict": result.verdicts,
        }
        table = pd.DataFrame(
            {name: np.repeat(np.asarray(column), points) for name, column in of_sites.items()}
        )
        table["energy"] = np.tile(model.energy_E, len(family))
        table["absorption"] = spectra_NE.ravel()
        table["low"], table["high"] = ((spectra_NE + sign * result.points_NE).ravel() for sign in (-1, 1))
        table.attrs["faults"] = list(result.faults)
        return table

    @staticmethod
    def _input(spectrum: Spectrum, reader: LoadedRun) -> InputSpectrum:
        spec = reader.grid.spec
        if spec.energy_unit != "eV" and not spectrum.is_computed:
            raise UserError(
                f"the model of {spec.name} is over {spec.energy_unit}, no scan is\n"
                "give spectra on its grid, with is_computed=True"
            )
        try:
            return input_spectrum(spectrum, spectrum.name, spec, MeasuredOptions())
        except SpectrumError as error:
            raise UserError(f"{spectrum.name}: {error}") from error


def _require_share(coverage: float) -> None:
    if not (isinstance(coverage, Real) and 0 < coverage < 1):
        raise UserError(f"coverage={coverage} is no share\ngive a number between 0 and 1, such as 0.9")


def _spectra(
    energy: Any, mu: Any, is_normalised: bool, is_computed: bool, has_energies: bool
) -> list[Spectrum]:
    """Return what a call of `Model.predict` gives as spectra."""
    if mu is None:
        spectra = list(energy) if isinstance(energy, Iterable) else [energy]
        if not spectra or not all(isinstance(one, Spectrum) for one in spectra):
            raise UserError("no absorption is given\ngive energies and mu, or what read() returns")
        if is_normalised or is_computed:
            raise UserError(
                "is_normalised and is_computed are of arrays; a spectrum that was read says so itself\n"
                "give its energies and absorption: predict(one.energy_M, one.mu_M, is_normalised=True)"
            )
        return spectra
    mu_NM = numbers_of(mu, "mu")
    rows = [mu_NM] if mu_NM.ndim < 2 else list(mu_NM)
    about = {"is_normalised": is_normalised, "is_computed": is_computed, "has_energies": has_energies}
    try:
        return [
            spectrum_of(energy, row_M, name="spectrum" if len(rows) == 1 else f"spectrum {n}", **about)
            for n, row_M in enumerate(rows)
        ]
    except SpectrumError as error:
        raise UserError(str(error)) from error
