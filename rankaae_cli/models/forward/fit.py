"""Training a forward model on one family or several, or on one beside the rows of an earlier run."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from itertools import product
from typing import Any, ClassVar

import numpy as np

from rankaae_cli.core.errors import Stopped, UserError
from rankaae_cli.core.ranking.residuals import Residuals
from rankaae_cli.core.statistics.simulation import error_ratio
from rankaae_cli.data.family.families import relative
from rankaae_cli.data.family.family import Family, Member
from rankaae_cli.data.family.splits import TRAIN, VALIDATION
from rankaae_cli.models.family_model import kept_of
from rankaae_cli.models.forward.bands import Bands
from rankaae_cli.models.forward.gaussian_process import (
    GaussianProcess,
    Kernel,
    Rows,
    fit_process,
    left_out,
)
from rankaae_cli.models.forward.nearness import usual_distances
from rankaae_cli.models.forward.settings import ForwardSettings
from rankaae_cli.models.forward.trained import TrainedSimulator, features_of_no_site
from rankaae_cli.training import task as training
from rankaae_cli.training.lightning import ProgressReport
from rankaae_cli.training.resume import StopSignals

# Rows, of evenly chosen materials, that the kernel is chosen by, and of an earlier run as many as make these, or at
# least so many: time goes with their cube.
_MOST_CHOSEN_BY, _LEAST_BESIDE = 2000, 1000


@dataclass(frozen=True, kw_only=True)
class Task(training.Task):
    """A training of a forward model; one that was interrupted begins anew, and ends alike.

    A Gaussian process has no random numbers, so there is one trial whatever `trials` says.

    Attributes
    ----------
    model
        What length, noise and share are chosen from.
    earlier
        The data of the run that is begun from, of one family or several: their rows are fitted to beside those of
        `family`, and the kernel is chosen for the latter. None for none.
    """

    learns_from: ClassVar[str] = "features"

    model: ForwardSettings
    earlier: Family | None = None

    @property
    def description(self) -> str:
        """What is fitted to what."""
        assert self.family.features is not None, "what is trained has been asked for features"
        of = self.family.features
        beside = "" if self.earlier is None else f", beside {len(self.earlier)} of {self.earlier.name}"
        return f"a Gaussian process from {len(of.names)} features of {of.title} to spectra{beside}"


def fit(
    task: Task, progress: ProgressReport, announce: Callable[[str], None] = lambda text: None
) -> TrainedSimulator:
    """Fit a Gaussian process, write best.ckpt, and return the model.

    The kernel is that with which training rows are simulated best when their material is left out; the score is
    eta on validation rows, which no part of it has seen by then.

    Parameters
    ----------
    task
        What to train.
    progress
        Called after every step.
    announce
        Called with what was chosen, a sentence each.

    Raises
    ------
    Stopped
        If a signal asked the run to stop; nothing is kept.
    """
    family, settings = task.family, task.model
    assert family.features is not None
    fitted = (TRAIN, VALIDATION) if settings.with_validation else (TRAIN,)
    rows, own = _rows(task, (TRAIN,))
    with StopSignals() as signals:

        def report(done: int, steps: int) -> None:
            if signals.received is not None:
                raise Stopped("stopped before the process was fitted", signals.received)
            progress(done, steps, "")

        kernel = _chosen(rows, own, settings, report)
        shared = f", share {kernel.share:g}" if rows.families > 1 else ""
        announce(
            f"length {kernel.length:g} median distances, noise {kernel.noise:g}{shared}: "
            "chosen by leaving out materials"
        )
        process = fit_process(rows, kernel)
        score = _eta(process, _rows(replace(task, earlier=None), (VALIDATION,))[0])
        if settings.with_validation:
            rows, own = _rows(task, fitted)
            process = fit_process(rows, kernel)
        shown = _shown(rows, own, process, kernel, family.energy_E)
    if not np.isfinite(shown["bands"].curve_M).all():
        raise UserError(
            f"bands about simulated spectra cannot be held by {own} of training\ngive more spectra"
        )
    model = TrainedSimulator(
        **kept_of(family, task.descriptor_classes),
        features=features_of_no_site(family.features),
        members=family.members,
        process=process,
        **shown,
        selected_trial=0,
        scores_T=np.array([score]),
        failed_T=[None],
    )
    model.save(task.folder / "checkpoints" / "best.ckpt")
    return model


def _chosen(rows: Rows, own: int, settings: ForwardSettings, report: Callable[[int, int], None]) -> Kernel:
    """Return the kernel that simulates the first `own` rows best with their material left out.

    Length and noise are chosen together at the middle share, then the share.
    """
    some = _evenly(rows.material_M, np.arange(own), _MOST_CHOSEN_BY)
    most = max(_MOST_CHOSEN_BY - len(some), _LEAST_BESIDE)
    beside = _evenly(rows.material_M, np.arange(own, len(rows)), most)
    rows, own = rows.chosen(np.concatenate([some, beside])), len(some)
    shares = sorted(settings.shares) if rows.families > 1 else [0.0]
    middle = shares[len(shares) // 2]
    candidates = [
        Kernel(length, noise, middle) for length, noise in product(settings.lengths, settings.noises)
    ]
    others = [share for share in shares if share != middle]
    scores: dict[Kernel, float] = {}

    def best(of: list[Kernel]) -> Kernel:
        for kernel in of:
            scores[kernel] = left_out(rows, kernel).score(slice(own))
            report(len(scores), len(candidates) + len(others))
        return min(scores, key=lambda kernel: scores[kernel])

    chosen = best(candidates)
    return best([replace(chosen, share=share) for share in others])


def _eta(process: GaussianProcess, rows: Rows) -> float:
    """Return eta of rows, each with the mean spectrum of its family."""
    simulated_NE = np.empty_like(rows.spectra_ME)
    for j in np.unique(rows.family_M):
        of_family = rows.family_M == j
        simulated_NE[of_family] = process.predict(rows.features_MF[of_family], j)[0]
    return error_ratio(rows.spectra_ME, simulated_NE, process.mean_JE[rows.family_M])


def _shown(
    rows: Rows, own: int, process: GaussianProcess, kernel: Kernel, energy_E: np.ndarray
) -> dict[str, Any]:
    """Return what the first `own` rows show with their material left out: bands, residuals, usual distances."""
    of_rows = left_out(rows, kernel)
    errors = of_rows.residual_ME[:own], of_rows.deviation_M[:own]
    return {
        "bands": Bands.of(*errors),
        "residuals": Residuals.of(*errors, energy_E),
        "novelty": usual_distances(process.rows_MF[:own], rows.material_M[:own], rows.family_M[:own]),
    }


def _rows(task: Task, sides: tuple[int, ...]) -> tuple[Rows, int]:
    """Return the rows of some sides of the split, those of the family first, and how many these are.

    Of a run that is begun from, rows of the same family and fidelity are of the family too, its sites once.
    """
    own = task.family if task.family.members else relative(task.family)
    rows, earlier = _of_sides(own, _family_of(own), sides), task.earlier
    if earlier is None:
        return rows, len(rows)
    earlier = earlier if earlier.members else relative(earlier)
    same_J = np.array([_kind(member) == _kind(own.members[0]) for member in earlier.members])
    family_N = np.where(same_J, 0, np.arange(1, len(same_J) + 1))[_family_of(earlier)]
    sites = set(zip(own.material_N, own.site_N, strict=True))
    known_N = [site in sites for site in zip(earlier.material_N, earlier.site_N, strict=True)]
    beside = _of_sides(earlier, np.where((family_N == 0) & known_N, -1, family_N), sides)
    return rows.and_then(beside), len(rows)


def _family_of(family: Family) -> np.ndarray:
    """Return the index of the member that each row is of."""
    assert family.file_N is not None, "members are given with it"
    return family.file_N


def _kind(member: Member) -> tuple[str, str, str]:
    return member.name, member.element, member.fidelity


def _of_sides(family: Family, family_N: np.ndarray, sides: tuple[int, ...]) -> Rows:
    """Return rows on some sides of the split, of which family each is given; -1 leaves one out."""
    assert family.features is not None
    # One side after another, as they are in a fit with validation rows and without.
    rows = np.concatenate([np.flatnonzero((family.split_N == side) & (family_N >= 0)) for side in sides])
    return Rows(
        family.features.values_NF[rows],
        family.spectra_NE[rows].astype(np.float64),
        family.material_N[rows].astype(str),
        family_N[rows],
    )


def _evenly(material_M: np.ndarray, rows: np.ndarray, most: int) -> np.ndarray:
    """Return all rows, or where they are many those of every second, third, ... material."""
    materials = np.unique(material_M[rows])
    step = max(-(-len(rows) // most), 1)
    return rows[np.isin(material_M[rows], materials[::step])]
