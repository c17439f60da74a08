"""Structures ranked by how well their simulated spectra fit a measured one."""

from dataclasses import dataclass

import numpy as np

from rankaae_cli.analysis.prediction.align import single_scan
from rankaae_cli.analysis.prediction.offset import Offset
from rankaae_cli.analysis.simulation.structures import SimulatedStructures
from rankaae_cli.core.errors import UserError
from rankaae_cli.core.ranking.evidence import Fit, MovedScan, fit_structures, probabilities
from rankaae_cli.core.statistics.calibration import IN_RANGE
from rankaae_cli.core.xas.energy_offset import LARGE, STEP
from rankaae_cli.core.xas.spectra import SpectrumError
from rankaae_cli.data.measured.absorber import tabulated_edge
from rankaae_cli.data.measured.prepared import Prepared, on_energies
from rankaae_cli.data.measured.sites import MeasuredOptions
from rankaae_cli.models.base import Simulates

_SEARCH = 1.5 * LARGE  # eV either way, where nobody has determined the offset
_REACH = 3.5  # standard deviations of an offset that is known
_LEAST_SHARE = 0.5  # of the energies of the model that have to be compared
_APART = 0.5  # eV, of the energies compared
_FINE = 0.05  # eV
_UNLIKELY = 0.05


@dataclass(frozen=True)
class Scan:
    """A measured spectrum, what is known of the offset of its energies, and itself at each that may be."""

    prepared: Prepared
    offset: Offset
    moved: MovedScan

    @property
    def title(self) -> str:
        """The name of its file."""
        return self.prepared.spectrum.path.name


@dataclass(frozen=True)
class Ranking:
    """Structures by their posterior probability, the likeliest first.

    Attributes
    ----------
    scan
        The measured spectrum.
    energy_W
        The energies compared.
    names, fits, probability_N, verdicts
        Of the structures; the last says how near each is to those of training.
    """

    scan: Scan
    energy_W: np.ndarray
    names: tuple[str, ...]
    fits: tuple[Fit, ...]
    probability_N: np.ndarray
    verdicts: tuple[str, ...]

    @property
    def fits_at_all(self) -> bool:
        """Whether the likeliest fits as well as one in twenty left-out rows of training do."""
        return self.fits[0].p >= _UNLIKELY

    def sentences(self) -> list[str]:
        """Return what is to be said of the ranking: the likeliest, whether it fits at all, what was assumed."""
        best, count = self.fits[0], len(self.names)
        beside = (
            f"with a probability of {self.probability_N[0]:.2g} among {count} that were taken for equally likely"
            if count > 1
            else "the only structure; beside no other it has no probability"
        )
        apart = f"mean difference {best.misfit:.3f} edge steps"
        worse = f"{100 * best.p:.3g} % of the training structures, left out of the fit, would fit as badly or worse"
        lines = [
            f"best fit to {self.scan.title}: {self.names[0]}, {beside}",
            f"it fits as the right one would ({apart}; {worse})"
            if self.fits_at_all
            else f"but not even it fits ({apart}; only {worse}): the right structure may be none of these",
        ]
        if self.verdicts[0] != IN_RANGE:
            lines.append(
                f"by its distance from those of training it is {self.verdicts[0]}: its spectrum is so uncertain "
                "that much would fit it"
            )
        if not self.scan.offset.is_known:
            lines.append(
                f"no offset= was given: any within {_SEARCH:g} eV was taken for equally likely, and "
                f"{best.offset:+.1f} eV ({best.low:+.1f} to {best.high:+.1f}) fits"
            )
        return lines + [f"of {self.scan.title}: {doubt}" for doubt in self.scan.prepared.spectrum.doubts]


def measured_scan(model: Simulates, file: str, options: MeasuredOptions, offset: Offset) -> Scan:
    """Read the spectrum that structures are ranked by.

    Parameters
    ----------
    model
        What is to simulate them.
    file
        Of one measured spectrum.
    options
        How that is read and normalised.
    offset
        Of its energies, and how uncertain it is; where nobody has determined it, any within 15 eV is as likely.

    Raises
    ------
    UserError
        If the file holds no such spectrum of the model's edge, several, or one that misses the model's energies.
    """
    what = f"measured={file}"
    if model.energy_unit != "eV":
        raise UserError(
            f"{what}: this run's spectra are over {model.energy_unit}, scans are over eV\nleave it out"
        )
    try:
        prepared = single_scan(file, model, options)
        return Scan(prepared, offset, _moved(prepared, model, offset, options.max_tail))
    except SpectrumError as error:
        raise UserError(
            f"{what}: {error}\ngive one measured spectrum of the {model.element} {model.edge} edge"
        ) from error


def rank_structures(model: Simulates, simulated: SimulatedStructures, scan: Scan) -> Ranking:
    """Rank structures by a measured spectrum; see `core.ranking.evidence` for the likelihood.

    The spectrum of a structure is the average over its sites, and its deviation that of theirs. That would be too
    large if their errors were independent; those of copper oxides left out of the fit are, with that, of the size
    that single sites have.
    """
    average = simulated.averages()
    fits = fit_structures(
        scan.moved, model.energy_E, average.spectra_ME, average.deviation_M, model.residuals
    )
    probability_N = probabilities(fits)
    order = np.argsort([-one.log_evidence for one in fits], kind="stable")
    return Ranking(
        scan,
        model.energy_E[scan.moved.points_W],
        tuple(average.names[i] for i in order),
        tuple(fits[i] for i in order),
        probability_N[order],
        tuple(average.verdicts[i] for i in order),
    )


def _moved(prepared: Prepared, model: Simulates, offset: Offset, max_tail: float) -> MovedScan:
    """Return the scan with all offsets that may be, at the energies that it reaches with each of them.

    Raises
    ------
    SpectrumError
        If these are less than half of the model's.
    """
    reach = _REACH * offset.uncertainty if offset.is_known else _SEARCH
    steps = int(np.ceil(reach / STEP))
    apart_D = np.linspace(-reach, reach, 2 * steps + 1) if steps else np.zeros(1)
    prior_D = (
        np.exp(-0.5 * (apart_D / offset.uncertainty) ** 2)
        if offset.is_known and steps
        else np.ones_like(apart_D)
    )
    offset_D, energy_E = offset.value + apart_D, model.energy_E
    first, last = float(prepared.energy_M[0]) - max_tail, float(prepared.energy_M[-1])
    reached_E = (energy_E - offset_D[-1] >= first) & (energy_E - offset_D[0] <= last)
    if reached_E.mean() < _LEAST_SHARE:
        raise SpectrumError(
            f"runs from {prepared.energy_M[0]:.1f} to {last:.1f} eV, this run's spectra from {energy_E[0]:.1f} to "
            f"{energy_E[-1]:.1f} eV: with offsets of {offset_D[0]:+.1f} to {offset_D[-1]:+.1f} eV it reaches "
            f"{reached_E.mean():.0%} of these, half are needed"
        )
    every = max(round(_APART / float(np.diff(energy_E).mean())), 1)
    points_W = np.flatnonzero(reached_E)[::every]
    wanted_DW = energy_E[points_W] - offset_D[:, None]
    fine = np.arange(wanted_DW.min(), min(wanted_DW.max() + _FINE, last), _FINE)
    spectra_DW = np.interp(wanted_DW, fine, on_energies(prepared, fine, max_tail))
    edge = (tabulated_edge(model.element, model.edge) or float(energy_E[0])) + offset.value
    return MovedScan(points_W, spectra_DW, offset_D, prior_D / prior_D.sum(), edge)
