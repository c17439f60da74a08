"""Measured spectra for `ingest`: read, calibrated, normalised, and what was done written beside the family file."""

from pathlib import Path
from typing import TYPE_CHECKING, Any

from omegaconf import DictConfig, OmegaConf

from rankaae_cli.data.files import write_text
from rankaae_cli.reports.prediction.normalisation import sheets_remark, write_sheets

if TYPE_CHECKING:
    from rankaae_cli.data.family.sites import FamilySpec, Progress, Sites
    from rankaae_cli.data.measured.prepared import Prepared
    from rankaae_cli.data.measured.sites import MeasuredOptions

_DOUBTS_SHOWN = 12


def read_measured_family(cfg: DictConfig, spec: "FamilySpec", output: Path, progress: "Progress") -> "Sites":
    """Read the spectra that `cfg` names; write how they were normalised beside `output`.

    ``<output>.normalisation.csv`` has a row a spectrum that was taken; unless `measured.figures` is false,
    ``<output>.normalisation-<page>.pdf`` show them, forty a page. Where these cannot be drawn, that is printed.

    Parameters
    ----------
    cfg
        Resolved configuration; see `rankaae_cli.schema.IngestConfig`.
    spec
        The family.
    output
        The family file that will be written.
    progress
        Told how many spectra are done.

    Raises
    ------
    UserError
        As `rankaae_cli.data.measured.sites.read_measured_sites` does.
    """
    from rankaae_cli.data.measured.sites import (
        normalisation_csv,
        read_measured_sites,
        short_margins,
    )

    sites, taken = read_measured_sites(cfg.path, spec, measured_options(cfg.measured, cfg.max_tail), progress)
    if taken:
        table = write_text(output.with_name(f"{output.name}.normalisation.csv"), normalisation_csv(taken))
        print(f"{table}: how {len(taken)} spectra were normalised", flush=True)
        if cfg.measured.figures:
            stem = output.with_name(f"{output.name}.normalisation")
            paths = write_sheets(taken, f"{spec.name}, measured", stem)
            if paths:
                print(sheets_remark(paths), flush=True)
    for line in [*short_margins(spec.energy_E, sites.energy_E, taken), *_doubts(taken)]:
        print(line, flush=True)
    return sites


def _doubts(taken: "list[Prepared]") -> list[str]:
    """Return the doubts about spectra, line by line."""
    doubted = [one.spectrum for one in taken if one.spectrum.doubts]
    if not doubted:
        return []
    lines = [f"doubts about {len(doubted)} of {len(taken)} spectra, which were taken:"]
    lines += [f"  {one.name}: {'; '.join(one.doubts)}" for one in doubted[:_DOUBTS_SHOWN]]
    if len(doubted) > _DOUBTS_SHOWN:
        lines.append(f"  and {len(doubted) - _DOUBTS_SHOWN} more, see the notes in the table")
    return lines


def measured_options(measured: DictConfig, max_tail: float) -> "MeasuredOptions":
    """Turn the configuration of measured spectra into what their reader takes.

    Raises
    ------
    UserError
        If it names columns that there cannot be, or ranges of the normalisation that are none.
    """
    from rankaae_cli.core.xas.normalisation import NormalisationRanges
    from rankaae_cli.data.measured.columns import ColumnChoice
    from rankaae_cli.data.measured.sites import MeasuredOptions

    plain: Any = OmegaConf.to_container(measured, resolve=True)
    ranges = NormalisationRanges(**plain["normalisation"])
    ranges.require_possible()
    return MeasuredOptions(
        columns=ColumnChoice.of(plain["columns"]),
        ranges=ranges,
        calibrate=plain["calibrate"],
        max_tail=max_tail,
    )
