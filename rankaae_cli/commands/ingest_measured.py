"""Measured spectra for `ingest`: read, calibrated, normalised, and what was done written beside the family file."""

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

from omegaconf import DictConfig, OmegaConf

from rankaae_cli.data.files import write_text

if TYPE_CHECKING:
    from rankaae_cli.data.measured_normalised import Prepared
    from rankaae_cli.data.measured_sites import MeasuredOptions
    from rankaae_cli.data.sites import FamilySpec, Progress, Sites


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
        As `rankaae_cli.data.measured_sites.read_measured_sites` does.
    """
    from rankaae_cli.data.measured_sites import normalisation_csv, read_measured_sites

    sites, taken = read_measured_sites(cfg.path, spec, measured_options(cfg.measured, cfg.max_tail), progress)
    if taken:
        table = write_text(output.with_name(f"{output.name}.normalisation.csv"), normalisation_csv(taken))
        print(f"{table}: how {len(taken)} spectra were normalised", flush=True)
        if cfg.measured.figures:
            try:
                paths = _write_sheets(taken, spec, output)
            except Exception as error:  # what was read is worth more than its pictures
                print(f"how they were normalised could not be drawn: {error}", file=sys.stderr, flush=True)
            else:
                print(f"{paths[0]}: look whether they were normalised well{_and_more(paths)}", flush=True)
    return sites


def measured_options(measured: DictConfig, max_tail: float) -> "MeasuredOptions":
    """Turn the configuration of measured spectra into what their reader takes.

    Raises
    ------
    UserError
        If it names columns that there cannot be, or ranges of the normalisation that are none.
    """
    from rankaae_cli.core.normalisation import NormalisationRanges
    from rankaae_cli.data.measured_columns import ColumnChoice
    from rankaae_cli.data.measured_sites import MeasuredOptions

    plain: Any = OmegaConf.to_container(measured, resolve=True)
    ranges = NormalisationRanges(**plain["normalisation"])
    ranges.require_possible()
    return MeasuredOptions(
        columns=ColumnChoice.of(plain["columns"]),
        ranges=ranges,
        calibrate=plain["calibrate"],
        max_tail=max_tail,
    )


def _write_sheets(taken: "list[Prepared]", spec: "FamilySpec", output: Path) -> list[Path]:
    from rankaae_cli.reports.drawing import save_figure
    from rankaae_cli.reports.normalisation_figures import contact_sheets

    paths = []
    for page, figure in enumerate(contact_sheets(taken, f"{spec.name}, measured"), 1):
        paths += save_figure(figure, output.with_name(f"{output.name}.normalisation-{page}"), ("pdf",))
    return paths


def _and_more(paths: list[Path]) -> str:
    return f" (and {len(paths) - 1} more pages)" if len(paths) > 1 else ""
