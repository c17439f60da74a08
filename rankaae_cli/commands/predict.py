"""``rankaae predict``: descriptors of new spectra, with intervals and a verdict on how far they can be trusted."""

import shlex
import signal
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path
from typing import Any

from omegaconf import DictConfig, OmegaConf

from rankaae_cli.analysis.prediction.against import LEFT_OUT
from rankaae_cli.analysis.prediction.calibration import OtherModelError, does_instead
from rankaae_cli.analysis.prediction.offset import chosen_offset, large_offset
from rankaae_cli.analysis.prediction.predict import LoadedRun, PredictionResult, load_for_reading, predict
from rankaae_cli.analysis.prediction.watch import Look, watch
from rankaae_cli.core.calls import setting
from rankaae_cli.core.errors import UserError
from rankaae_cli.core.terminal import Progress
from rankaae_cli.data.files import new_folder
from rankaae_cli.data.measured.sites import MeasuredOptions
from rankaae_cli.models.base import Classifies, Samples, Simulates
from rankaae_cli.reports.prediction.live import LiveReadings
from rankaae_cli.reports.prediction.sentences import (
    fault_lines,
    offset_sentence,
    own_warnings,
    print_prediction,
    reading_lines,
)
from rankaae_cli.reports.prediction.write import REJECTED, write_prediction
from rankaae_cli.runs.directory import checkpoint_sha256, read_run_config
from rankaae_cli.runs.resume import keys_of_call


def run(cfg: DictConfig) -> dict[str, Any]:
    """Predict descriptors of the spectra that `cfg` names; write tables, figures and a page; return where."""
    settings: Any = OmegaConf.to_object(cfg)
    if settings.input is None and settings.references is None:
        raise UserError("rankaae predict needs input=\nsee rankaae predict --help")
    given = [] if settings.input is None else settings.input
    names = given if isinstance(given, list) else [given]
    measured: Any = OmegaConf.to_container(cfg.measured, resolve=True)
    options = MeasuredOptions.of(measured, settings.max_tail, settings.codes.shift)
    if settings.model.name is not None and "run" in keys_of_call():
        raise UserError("run= and model= both name what is to read the spectra\nleave one of them out")
    command = shlex.join(["rankaae", "predict", *sys.argv[1:]])
    folder = _folder(names, settings) if settings.watch else None
    try:
        loaded = load_for_reading(settings, command)
    except OtherModelError as run:
        _require_other(run.model, settings)
        if isinstance(run.model, Simulates):
            of_run = run.directory, run.model, [str(name) for name in names]
            return _simulate(*of_run, settings, options, command)
        if isinstance(run.model, Samples):
            # What counts, draws and writes structures takes seconds to load.
            from rankaae_cli.commands.generation import generate

            named = [str(name) for name in names]
            return generate(run.directory, named, settings, _output_path(settings.output), command)
        return _predict_classes(run.directory, run.model, [str(name) for name in names], settings, command)
    _refuse_ranking(settings, "reads descriptors off spectra")
    _print_doubts(loaded)
    if folder is not None:
        return _watch(loaded, folder, options)
    result = predict(loaded, [str(name) for name in names], options)
    output = _output(settings.output)
    write_prediction(output, result)
    print_prediction(result)
    for line in fault_lines(result.faults):
        print(f"not read: {line}", file=sys.stderr)
    print(_draw(output, result, settings) if settings.figures else output)
    return {"output": output, "n": len(result.spectra), "rejected": len(result.faults)}


def _predict_classes(
    directory: Path, model: Classifies, names: list[str], settings: Any, command: str
) -> dict[str, Any]:
    """Tell the yes/no classes of molecules; write tables and a page, and return where."""
    # Pandas and matplotlib take seconds to load, which readings of descriptors are not to wait for.
    from rankaae_cli.analysis.classes.predict import predict_classes
    from rankaae_cli.reports.classes.prediction import print_class_prediction, write_class_prediction

    config = read_run_config(directory)
    split = None if settings.split is None else settings.split.value
    of_split = (split, int(config.split_seed), config.get("split_by"))
    prediction = predict_classes(model, names, settings.max_tail, *of_split)
    output = _output(settings.output)
    about = {"run": str(directory), "checkpoint_sha256": checkpoint_sha256(directory), "command": command}
    page = write_class_prediction(output, model, prediction, about)
    print_class_prediction(model.descriptor_names, prediction)
    for material, reason in prediction.faults:
        print(f"not read: {material}: {reason}", file=sys.stderr)
    print(page)
    return {"output": output, "n": len(prediction.material_N), "rejected": len(prediction.faults)}


def _require_other(model: Classifies | Simulates | Samples, settings: Any) -> None:
    """Refuse what a call may ask only of a run that predicts descriptors."""
    does = does_instead(model).removesuffix(" of structures")
    ranks = isinstance(model, Simulates) and settings.measured.file is not None
    if not ranks:
        _refuse_ranking(settings, does)
    for key, default in _OF_DESCRIPTORS.items():
        if getattr(settings, key) != default and not (ranks and key == "offset"):
            raise UserError(f"{key}= is for descriptors, this run {does}\nleave it out")


def _refuse_ranking(settings: Any, does: str) -> None:
    """Refuse a measured spectrum for structures where there are none."""
    if settings.measured.file is not None:
        raise UserError(
            f"measured= ranks structures by their simulated spectra, this run {does}\n"
            f"give a run of kind=forward, or {setting('input', settings.measured.file)}"
        )


# What a call may not ask of such a run, and what stands where it does not.
_OF_DESCRIPTORS = {"references": None, "watch": False, "against": None, "offset": None, "mixture": False}


def _simulate(
    directory: Path, model: Simulates, names: list[str], settings: Any, options: MeasuredOptions, command: str
) -> dict[str, Any]:
    """Simulate the spectra of structures, and rank them; write tables, a family file and a page; return where."""
    # Pandas and matplotlib take seconds to load, which readings of descriptors are not to wait for.
    from rankaae_cli.analysis.simulation.ranking import measured_scan, rank_structures
    from rankaae_cli.analysis.simulation.structures import model_of_element, simulate_structures
    from rankaae_cli.reports.simulation.page import summary_lines, write_page
    from rankaae_cli.reports.simulation.write import write_simulations

    model = model_of_element(model, settings.element)
    scan, ranking = None, None
    if settings.measured.file is not None:
        offset = chosen_offset(settings.offset, settings.offset_uncertainty, model)
        scan = measured_scan(model, settings.measured.file, options, offset)
    with Progress("structures") as progress:
        result = simulate_structures(model, names, settings.coverage, progress, settings.jobs)
    if scan is not None:
        ranking = rank_structures(model, result, scan)
    output = _output(settings.output)
    write_simulations(output, result, ranking)
    for structure, reason in result.faults:
        print(f"not simulated: {structure}: {reason}", file=sys.stderr)
    print("\n".join(summary_lines(model, result, ranking)))
    about = {"run": f"run {directory.name}", "command": command}
    print(write_page(output, model, result, ranking, settings.figures, about) if settings.figures else output)
    return {"output": output, "n": len(result.family), "rejected": len(result.faults)}


def _print_doubts(loaded: LoadedRun) -> None:
    """Print what of a call is without effect, or can hardly be meant, before any spectrum is read."""
    settings, offset = loaded.settings, loaded.grid.offset.value
    if settings.model.name is not None and settings.nearest and "nearest" in keys_of_call():
        print(
            f"{setting('nearest', settings.nearest)} has no effect: no training spectra ship with a model",
            file=sys.stderr,
        )
    if doubt := large_offset(offset):
        print(doubt, file=sys.stderr)


def _folder(names: list[Any], settings: Any) -> Path:
    """Return the folder to watch; raise UserError where the call names none, or asks for what a watch has not."""
    if settings.references is not None:
        raise UserError(
            "references= are compared at once, and watch=true reads scans as they come\nleave one of them out"
        )
    folder = Path(str(names[0]))
    if len(names) > 1 or not folder.is_dir():
        there = f"{folder} is {'a file' if folder.exists() else 'not there'}"
        raise UserError(
            "watch=true takes one folder as input=, which scans are written to; "
            f"{f'{len(names)} are given' if len(names) > 1 else there}\n"
            "give a folder that is there, or leave watch= out"
        )
    if settings.split is not None:
        raise UserError("split= is for family files, and watch=true reads scans\nleave one of them out")
    if settings.figures < 0:
        raise UserError(
            "figures=-1 draws all spectra, and with watch=true nobody knows how many come\n"
            f"give a number, such as {setting('figures', 12)}: of the last ones"
        )
    return folder


def _watch(loaded: LoadedRun, folder: Path, options: MeasuredOptions) -> dict[str, Any]:
    """Read the scans of a folder as they are finished, until a signal ends it in order."""
    output, page = _output(loaded.settings.output), None
    readings = LiveReadings(output, loaded)
    if loaded.settings.figures:
        # What draws takes a second to load, and a table has no need of it.
        from rankaae_cli.reports.prediction.live_page import LivePage

        page = LivePage(output, readings, folder)
    print(f"watching {folder}, until Ctrl-C: {page.path if page else output}", flush=True)
    said: set[str] = set()
    with _stop_signals() as stop:
        try:
            for look in watch(loaded, folder, output, options, stop):
                _print_look(look, readings.take(look), said)
                if page:
                    page.refresh(time.monotonic())
        finally:
            if page:
                page.close()
    rejected = len(readings.faults)
    print(
        f"{len(readings.scans)} spectra read, {rejected} not" + (f": {output / REJECTED}" if rejected else "")
    )
    print(page.path if page else output)
    return {"output": output, "n": len(readings.scans), "rejected": rejected}


def _print_look(look: Look, result: PredictionResult | None, said: set[str]) -> None:
    """Print what was read; what was assumed of the offset, what could not be read or drawn, once each: `said`."""
    offset = "" if result is None else offset_sentence(result)
    once = {offset: offset} | {
        file: f"not read, until it changes: {file}: {reason}" for file, reason in look.faults
    }
    if result is not None:
        once |= {text: f"{title}: {text}" for title, text in own_warnings(result) if text.endswith(LEFT_OUT)}
    for key, text in once.items():
        if key and key not in said:
            print(text, file=sys.stderr, flush=True)
    said |= set(once)
    for line in [] if result is None else reading_lines(result):
        print(line, flush=True)


@contextmanager
def _stop_signals() -> Iterator[threading.Event]:
    """Give what Ctrl-C or SIGTERM sets, which end a watch in order; the second one interrupts."""
    stop = threading.Event()

    def note(number: int, frame: object) -> None:
        if stop.is_set():
            raise KeyboardInterrupt
        stop.set()

    before = {number: signal.signal(number, note) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield stop
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def _draw(output: Path, result: PredictionResult, settings: Any) -> Path:
    """Write figures and the page; return its path."""
    # What draws takes a second to load, and readings are not to wait for it.
    from rankaae_cli.reports.prediction.normalisation import sheets_remark
    from rankaae_cli.reports.prediction.page import write_page

    page, sheets = write_page(output, result, settings.figures, settings.measured.figures)
    if sheets:
        print(sheets_remark(sheets))
    return page


def _output(output: str | None) -> Path:
    return new_folder(output, _output_path(None))


def _output_path(output: str | None) -> Path:
    """Return the folder to write."""
    now = datetime.now()
    return Path(output or Path("predictions") / f"{now:%Y-%m-%d}" / f"{now:%H-%M-%S-%f}")
