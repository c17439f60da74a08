"""``rankaae predict``: descriptors of new spectra, with intervals and a verdict on how far they can be trusted."""

import shlex
import sys
from datetime import datetime
from pathlib import Path
from typing import Any

from omegaconf import DictConfig, OmegaConf

from rankaae_cli.analysis.prediction.predict import PredictionResult, load_for_reading, predict
from rankaae_cli.core.errors import UserError
from rankaae_cli.data.measured.sites import MeasuredOptions
from rankaae_cli.reports.prediction.sentences import print_prediction
from rankaae_cli.reports.prediction.write import write_prediction


def run(cfg: DictConfig) -> dict[str, Any]:
    """Predict descriptors of the spectra that `cfg` names; write tables, figures and a page; return where."""
    settings: Any = OmegaConf.to_object(cfg)
    names = settings.input if isinstance(settings.input, list) else [settings.input]
    measured: Any = OmegaConf.to_container(cfg.measured, resolve=True)
    options = MeasuredOptions.of(measured, settings.max_tail)
    command = shlex.join(["rankaae", "predict", *sys.argv[1:]])
    result = predict(load_for_reading(settings, command), [str(name) for name in names], options)
    output = _output(settings.output)
    write_prediction(output, result)
    print_prediction(result)
    for file, reason in result.faults:
        print(f"not read: {file}: {reason}", file=sys.stderr)
    print(_draw(output, result, settings) if settings.figures else output)
    return {"output": output, "n": len(result.spectra), "rejected": len(result.faults)}


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
    """Return a folder that nothing has been written to yet."""
    now = datetime.now()
    path = (
        Path(output) if output is not None else Path("predictions") / f"{now:%Y-%m-%d}" / f"{now:%H-%M-%S-%f}"
    )
    if path.exists() and (not path.is_dir() or any(path.iterdir())):
        raise UserError(f"{path} is there already\nchoose another output=, or remove it")
    try:
        path.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise UserError(
            f"nothing can be written to {path}: {error.strerror}\nchoose another output="
        ) from error
    return path
