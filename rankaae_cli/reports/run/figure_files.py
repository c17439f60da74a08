"""The figures of a page: still pictures drawn before, interactive ones, captions, and the files for papers."""

import base64
import functools
import io
import shutil
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from matplotlib.figure import Figure
from PIL import Image

from rankaae_cli.analysis.evaluation.tables import table_of
from rankaae_cli.core.labels import style_title
from rankaae_cli.data.files import replacing
from rankaae_cli.models.base import HasNetworks, Trained
from rankaae_cli.reports.captions import Captions, captions
from rankaae_cli.reports.figures import drawing, learning
from rankaae_cli.reports.figures.plotly import figure_json, pack
from rankaae_cli.reports.run.page import Picture

_WIDE = ("overviews", "maps")  # sections whose figures take the width of the page
_PANEL_HEIGHT, _FURNITURE, _LEAST_HEIGHT = 200, 90, 400  # px on a narrow page
_COLOURS = 32  # of a drawing of lines and text more are not told apart; the files for papers keep all
_APART = 60  # of 255: a colour this far from the right one is another colour
_SHARE_APART = 0.0005


@dataclass(frozen=True)
class FigureFiles:
    """The figures of a page and their files in one folder.

    Attributes
    ----------
    folder
        ``report/figures`` of the run, where files for papers go.
    interactive
        What makes the interactive figures, by name.
    """

    folder: Path
    interactive: Mapping[str, Callable[[], Any]]

    def copied(self, source: Path, texts: Captions, prefix: str = "") -> list[Picture]:
        """Return figures that lie in `source` as png, pdf and perhaps csv, and copy their files for papers."""
        pictures = []
        for name, about in texts.items():
            stem, table = f"{prefix}{name}", source / table_of(name)
            _copy(source / f"{name}.pdf", self.folder / f"{stem}.pdf")
            if table.is_file():
                _copy(table, self.folder / f"{stem}.csv")
            png = (source / f"{name}.png").read_bytes()
            pictures.append(_picture(name, stem, png, about, table.is_file(), self.interactive.get(name)))
        return pictures

    def learning_curves(self, path: Path, model: Trained) -> list[Picture]:
        """Return the curves of metrics.csv, and write their files; none where there is no such file or no epoch."""
        if not path.is_file() or not isinstance(model, HasNetworks):
            return []
        metrics, t = pd.read_csv(path), int(model.selected_trial)
        epoch, recorded = int(model.best_epoch_T[t]), learning.recorded_columns(metrics)
        known = [f"val_spearman_{name}" for name in model.descriptor_names]
        recorded["descriptor_learning"] = [c for c in known if c in recorded["descriptor_learning"]]
        of_curves = learning.curves, learning.interactive_curves
        of_descriptors = learning.descriptor_learning, learning.interactive_descriptor_learning
        pictures = []
        for name, what, (still, interactive) in (
            ("training_losses", "training rows", of_curves),
            ("validation_curves", "validation rows", of_curves),
            ("descriptor_learning", f"validation rows, trial {t}", of_descriptors),
        ):
            columns = recorded[name]
            if not columns:
                continue
            figure = still(model.subject, metrics, columns, t, epoch, what)
            live = functools.partial(interactive, model.subject, metrics, columns, t, epoch, what)
            drawing.save_figure(figure, self.folder / name, formats=["pdf"])
            with replacing(self.folder / f"{name}.csv") as temporary:
                metrics[["epoch", "trial", *columns]].to_csv(temporary, index=False, float_format="%.6g")
            about = captions()["learning"][name]
            pictures.append(_picture(name, name, drawing.png_bytes(figure), about, True, live))
        return pictures


def save_picture(
    figure: Figure, folder: Path, stem: str, caption: str, alt: str = "", csv: str = ""
) -> Picture:
    """Save a figure below the folder of a page, for papers too, and return it as the page shows it.

    Parameters
    ----------
    figure, folder
        The figure, and where the page lies.
    stem
        Where to save it, seen from the page, without an ending; the last part of it is the picture's name.
    caption, alt, csv
        As of `Picture`.
    """
    _, png = drawing.save_figure(figure, folder / stem, ("pdf", "png"))
    source = drawing.data_uri(png.read_bytes())
    return Picture(source, caption, f"{stem}.pdf", name=png.stem, alt=alt, csv=csv)


def walk_captions(model: Trained, name: str, style: Mapping[str, Any]) -> Captions:
    """Return the texts of the figures of one style, by name, in the order of the page.

    Parameters
    ----------
    model, name
        The model and its style.
    style
        What traversal.json says of it.
    """
    supported = f"{100 * style['support']['share']:.0f}"
    shown = ("walk", "check", "sensitivity") if name in model.descriptor_names else ("walk",)
    return {
        name if what == "walk" else f"{name}_{what}": {
            key: text.format(name=name, title=style_title(name), supported=supported)
            for key, text in captions()["style"][what].items()
        }
        for what in shown
    }


def still_picture(png: bytes) -> tuple[str, int, int]:
    """Return a PNG picture as a data URI of WebP, as sharp as it was, its width and its height in px."""
    given: Image.Image = Image.open(io.BytesIO(png))
    picture = given.convert("RGB")
    # Figures are saved with a palette; what else lies in their place is given one.
    given = given if given.mode == "P" else picture.quantize()
    few = picture.quantize(_COLOURS, dither=Image.Dither.NONE)
    buffer = io.BytesIO()
    # Quality is the effort here: more takes a quarter longer and gains nothing.
    (few.convert("RGB") if _alike(few, given) else picture).save(
        buffer, "webp", lossless=True, method=4, quality=50
    )
    text = base64.b64encode(buffer.getvalue()).decode("ascii")
    return f"data:image/webp;base64,{text}", picture.width, picture.height


def _alike(few: Image.Image, given: Image.Image) -> bool:
    """Return whether a picture is as good in few colours; both have palettes, so each colour is compared once."""
    counts = np.bincount((256 * np.asarray(given, dtype=np.int64) + np.asarray(few)).ravel())
    pairs = np.flatnonzero(counts)
    colours, few_colours = (
        np.asarray(one.getpalette(), dtype=np.int16).reshape(-1, 3) for one in (given, few)
    )
    difference = np.abs(colours[pairs // 256] - few_colours[pairs % 256]).max(axis=-1)
    return float(counts[pairs[difference > _APART]].sum() / counts.sum()) <= _SHARE_APART


def _picture(
    name: str,
    stem: str,
    png: bytes,
    about: Mapping[str, str],
    has_table: bool,
    make_interactive: Callable[[], Any] | None,
) -> Picture:
    # A second processor has the still picture while this one makes the interactive figure.
    with ThreadPoolExecutor(1) as worker:
        still = worker.submit(still_picture, png)
        figure = None if make_interactive is None else make_interactive()
        packed = "" if figure is None else pack(figure_json(figure))
    source, width, height = still.result()
    return Picture(
        source,
        about["caption"],
        f"figures/{stem}.pdf",
        wide=any(name in captions()[section] for section in _WIDE),
        name=stem,
        alt=about["alt"],
        csv=f"figures/{stem}.csv" if has_table else "",
        size=(width, height),
        interactive=packed,
        narrow_height=_LEAST_HEIGHT if figure is None else _narrow_height(figure),
    )


def _narrow_height(figure: Any) -> int:
    """Return how many px high a figure is on a narrow page, where its panels stand beneath one another."""
    panels = (figure.layout.meta or {}).get("panels", 1)
    return max(_LEAST_HEIGHT, _PANEL_HEIGHT * panels + _FURNITURE)


def _copy(source: Path, target: Path) -> None:
    with replacing(target) as temporary:
        shutil.copyfile(source, temporary)
