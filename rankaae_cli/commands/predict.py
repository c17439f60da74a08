"""``rankaae predict``: descriptors of new spectra, with intervals and a verdict on how far they can be trusted."""

import sys
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from rankaae_cli.core.errors import UserError

if TYPE_CHECKING:
    import numpy as np
    from omegaconf import DictConfig

    from rankaae_cli.analysis.prediction.input import Fault, InputSpectrum
    from rankaae_cli.analysis.prediction.reader import SpectrumReader
    from rankaae_cli.analysis.prediction.result import Offset
    from rankaae_cli.data.family.sites import FamilySpec
    from rankaae_cli.models.rankaae.trained import TrainedModel
    from rankaae_cli.reports.prediction.tables import Prediction

_ASSUMED_UNCERTAINTY = 1.0  # eV, where nobody has determined the offset


def run(cfg: "DictConfig") -> dict[str, Any]:
    """Read the spectra that `cfg` names; write tables, figures and a page; return where, and the exit status."""
    from omegaconf import OmegaConf

    from rankaae_cli.reports.prediction.console import print_prediction
    from rankaae_cli.reports.prediction.sheets import sheets_remark
    from rankaae_cli.reports.prediction.write import write_prediction

    names = OmegaConf.to_container(cfg.input) if OmegaConf.is_config(cfg.input) else cfg.input
    names = [str(name) for name in names] if isinstance(names, list) else [str(names)]
    if not 0 < cfg.coverage < 1:
        raise UserError(f"coverage={cfg.coverage} is no share between 0 and 1, such as 0.9")
    prediction = predict(cfg, names)
    output = _output(cfg.output)
    page, sheets = write_prediction(output, prediction, cfg)
    print_prediction(prediction)
    for file, reason in prediction.faults:
        print(f"not read: {file}: {reason}", file=sys.stderr)
    if sheets:
        print(sheets_remark(sheets))
    print(page or output)
    return {"output": output, "n": len(prediction.spectra), "rejected": len(prediction.faults)}


def predict(cfg: "DictConfig", names: list[str]) -> "Prediction":
    """Read the spectra under `names` with the run and the settings of `cfg`.

    Raises
    ------
    UserError
        If nothing can be read; the first reasons are named.
    """
    import numpy as np

    from rankaae_cli.analysis.prediction.calibration import load_for_prediction
    from rankaae_cli.analysis.prediction.input import read_input
    from rankaae_cli.analysis.prediction.mixtures import read_mixtures
    from rankaae_cli.analysis.prediction.reader import SpectrumReader
    from rankaae_cli.commands.ingest_measured import measured_options
    from rankaae_cli.data.family.sites import FamilySpec
    from rankaae_cli.reports.prediction.tables import Prediction
    from rankaae_cli.runs.directory import read_run_config

    directory, model, calibrated = load_for_prediction(cfg.run)
    offset = _offset(cfg, model)
    spec = FamilySpec(model.family, model.element, model.edge, model.energy_E, model.energy_unit)
    split = None if cfg.split is None else cfg.split.value
    seed = int(read_run_config(directory).split_seed)
    options = measured_options(cfg.measured, cfg.max_tail)
    spectra, faults = read_input(names, spec, options, split, seed)
    spectra, rows, warnings, uncovered = _on_grid(spectra, spec, cfg.max_tail, offset)
    faults += uncovered
    if not spectra:
        shown = "; ".join(f"{file}: {reason}" for file, reason in faults[:2])
        more = f" (and {len(faults) - 2} more)" if len(faults) > 2 else ""
        raise UserError(f"none of {len(faults)} spectra can be read{more}: {shown or 'there are no files'}")
    spectra_NE = np.stack(rows)
    reader = SpectrumReader(model, calibrated, cfg.coverage, cfg.nearest)
    shifted = [_shifted(one, spec, cfg.max_tail, offset) for one in spectra]
    for one, said in zip(shifted, warnings, strict=True):
        if one is not None and not one.is_whole:
            said.append(
                "does not cover the grid at some of the offsets that may be true; the interval counts the others"
            )
    measured_N = np.array([not one.is_computed for one in spectra])
    reading = reader.read(spectra_NE, shifted, measured_N)
    best_shift_N = None
    if cfg.best_shift:
        best_shift_N = _best_shifts(spectra, spec, cfg.max_tail, offset, reader, warnings)
    return Prediction(
        run_name=directory.name,
        provenance=_provenance(directory),
        subject=model.subject,
        descriptor_names=model.descriptor_names,
        descriptor_units=model.descriptor_units,
        energy_E=model.energy_E,
        known_range_K2=calibrated.known_range(),
        coverage=cfg.coverage,
        spectra=spectra,
        spectra_NE=spectra_NE,
        reading=reading,
        nearest=[[calibrated.name_of(m) for m in row] for row in reading.nearest_NP],
        offset=offset if measured_N.any() else None,
        warnings=warnings,
        best_shift_N=best_shift_N,
        mixtures=read_mixtures(cfg.mixture, reader, spectra_NE, shifted) if cfg.mixture else {},
        faults=faults,
    )


def _provenance(directory: Path) -> dict[str, str]:
    """Return what tells later how a prediction was made."""
    import shlex

    from rankaae_cli import __version__
    from rankaae_cli.data.files import now
    from rankaae_cli.runs.directory import checkpoint_sha256

    return {
        "run": str(directory),
        "checkpoint_sha256": checkpoint_sha256(directory),
        "rankaae_version": __version__,
        "command": shlex.join(["rankaae", "predict", *sys.argv[1:]]),
        "made": now(),
    }


def _output(output: str | None) -> Path:
    """Return a folder that nothing has been written to yet."""
    if output is None:
        now = datetime.now()
        path = Path("predictions") / now.strftime("%Y-%m-%d") / now.strftime("%H-%M-%S-%f")
    else:
        path = Path(output)
    if path.exists() and (not path.is_dir() or any(path.iterdir())):
        raise UserError(f"{path} is there already\nchoose another output=, or remove it")
    try:
        path.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise UserError(
            f"nothing can be written to {path}: {error.strerror}\nchoose another output="
        ) from error
    return path


def _offset(cfg: "DictConfig", model: "TrainedModel") -> "Offset":
    """Return the offset that the call gives, or the assumption.

    Raises
    ------
    UserError
        If it is neither a number nor an offset file, or one of another element or code.
    """
    from rankaae_cli.analysis.prediction.offset import read_offset
    from rankaae_cli.analysis.prediction.result import Offset

    given, uncertainty = cfg.offset, cfg.offset_uncertainty
    if uncertainty is not None and uncertainty < 0:
        raise UserError(f"offset_uncertainty={uncertainty:g} eV is negative")
    if given is None:
        assumed = _ASSUMED_UNCERTAINTY if uncertainty is None else float(uncertainty)
        return Offset(0.0, assumed, "assumed, not determined", False)
    try:
        value = float(given)
    except (TypeError, ValueError):
        found = read_offset(Path(str(given)))
    else:
        assumed = _ASSUMED_UNCERTAINTY if uncertainty is None else float(uncertainty)
        return Offset(value, assumed, "given", True)
    for what, own, theirs in (
        ("element", model.element, found.element),
        ("edge", model.edge, found.edge),
        ("code", model.source, found.code),
    ):
        if own != theirs:
            raise UserError(
                f"{given} holds for {what} {theirs}, the model was trained on {own}\n"
                "determine the offset for this run: rankaae align"
            )
    spread = found.uncertainty if uncertainty is None else float(uncertainty)
    return Offset(found.offset, spread, str(given), True, found.beamline)


def _on_grid(
    spectra: "list[InputSpectrum]", spec: "FamilySpec", max_tail: float, offset: "Offset"
) -> "tuple[list[InputSpectrum], list[np.ndarray], list[list[str]], list[Fault]]":
    """Bring the spectra to the grid; return those that cover it, their rows, warnings, and the others."""
    from rankaae_cli.core.xas.spectra import SpectrumError, require_edge_step

    taken, rows, warnings, faults = [], [], [], []
    for one in spectra:
        try:
            row = one.on_grid(spec.energy_E, max_tail, offset.value)
            if one.is_computed and one.prepared.spectrum.is_normalised and spec.energy_unit == "eV":
                require_edge_step(row)
        except SpectrumError as error:
            faults.append((one.file, str(error)))
            continue
        taken.append(one)
        rows.append(row)
        warnings.append(_warnings(one, spec, offset))
    return taken, rows, warnings, faults


def _warnings(one: "InputSpectrum", spec: "FamilySpec", offset: "Offset") -> list[str]:
    from rankaae_cli.data.measured.prepared import begins_in_pre_edge
    from rankaae_cli.data.measured.sites import without_foil

    said = list(one.prepared.spectrum.notes)
    shift = 0.0 if one.is_computed else offset.value
    late = float(one.prepared.energy_M[0] + shift - spec.energy_E[0])
    if late > 0.05:
        flat = not one.is_computed and begins_in_pre_edge(one.prepared)
        by = "the level of its pre-edge" if flat else "the wing of the edge"
        said.append(f"the first {late:.1f} eV of the grid were continued by {by}")
    if one.is_computed:
        return said
    if not offset.is_known:
        said.append(
            "energy offset between code and beamline not given: assumed "
            f"0 ± {offset.uncertainty:g} eV (rankaae align)"
        )
    if not one.is_stored:
        said += without_foil(one.prepared)
    beamline = one.prepared.spectrum.metadata.get("beamline.name", "")
    if offset.beamline and beamline and beamline not in offset.beamline.split(", "):
        said.append(f"measured at {beamline}, the offset was determined at {offset.beamline}")
    return said


def _shifted(one: "InputSpectrum", spec: "FamilySpec", max_tail: float, offset: "Offset") -> Any:
    """Return a measured spectrum at the offsets that may be true instead; None for a computed one."""
    import numpy as np

    from rankaae_cli.analysis.prediction.reader import Shifted, offset_points
    from rankaae_cli.core.xas.spectra import SpectrumError

    if one.is_computed or offset.uncertainty == 0:
        return None
    points, weights = offset_points(offset.uncertainty)
    rows, kept = [], []
    for point, weight in zip(points, weights, strict=True):
        try:
            rows.append(one.on_grid(spec.energy_E, max_tail, offset.value + point))
        except SpectrumError:  # a scan that ends with the grid does not cover it at every offset
            continue
        kept.append(weight)
    return Shifted(np.stack(rows), np.array(kept) / sum(kept), is_whole=len(kept) == len(points))


def _best_shifts(
    spectra: "list[InputSpectrum]",
    spec: "FamilySpec",
    max_tail: float,
    offset: "Offset",
    reader: "SpectrumReader",
    warnings: list[list[str]],
) -> "np.ndarray":
    """Return the shift, beside the offset and at most 1 eV, at which each is reconstructed best.

    Where it is the first or the last that was tried, `warnings` of that spectrum say so.
    """
    import numpy as np

    from rankaae_cli.core.xas.spectra import SpectrumError

    best_N = np.full(len(spectra), np.nan)
    shifts = np.linspace(-1, 1, 21)
    for n, one in enumerate(spectra):
        if one.is_computed:
            continue
        rows, tried = [], []
        for shift in shifts:
            try:
                rows.append(one.on_grid(spec.energy_E, max_tail, offset.value + shift))
            except SpectrumError:
                continue
            tried.append(shift)
        best = int(np.argmin(reader.reconstruction_error(np.stack(rows))))
        best_N[n] = tried[best]
        if len(tried) > 1 and best in (0, len(tried) - 1):
            warnings[n].append(
                f"reconstructed best at a shift of {tried[best]:+.1f} eV or beyond, the end of the search: is the "
                "offset right?"
            )
    return best_N
