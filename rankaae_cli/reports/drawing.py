"""What all figures share: the style, the heading, colours, saving."""

import base64
import functools
import io
import logging
from collections.abc import Callable, Sequence
from importlib.resources import as_file, files
from pathlib import Path
from typing import ParamSpec, TypeVar

import matplotlib as mpl
from matplotlib.artist import Artist
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure

from rankaae_cli.data.files import replacing
from rankaae_cli.reports.labels import Subject

COLUMN_INCHES = 3.4
# Okabe and Ito's colours.
BLUE, VERMILION, GREEN, PURPLE, ORANGE, SKY = "#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9"
GREY, LIGHT_GREY, BLACK = "#5F6368", "#B8BCC2", "#1A1A1A"
_HEADING_CHARACTERS = 58  # bold, at the size of figure titles
FORMATS = ("png", "pdf")
# Without dates and versions, equal figures are equal files.
_METADATA = {"png": {"Software": None}, "pdf": {"CreationDate": None, "Producer": None, "Creator": None}}

P = ParamSpec("P")
R = TypeVar("R")


def styled(function: Callable[P, R]) -> Callable[P, R]:
    """Run `function` with the style of one journal column, leaving the caller's style as it was."""

    @functools.wraps(function)
    def inner(*args: P.args, **kwargs: P.kwargs) -> R:
        with (
            as_file(files("rankaae_cli.reports") / "column.mplstyle") as path,
            mpl.rc_context(fname=str(path)),
        ):
            return function(*args, **kwargs)

    return inner


def new_figure(height: float, subject: Subject, *details: str) -> Figure:
    """Return an empty figure of one column, `height` inches, headed by what it shows."""
    figure = Figure(figsize=(COLUMN_INCHES, height))
    FigureCanvasAgg(figure)
    figure.suptitle(
        _broken(subject.heading(*details)),
        x=0.01,
        ha="left",
        color=VERMILION if subject.synthetic else GREY,
        weight="bold" if subject.synthetic else "normal",
        parse_math=False,
    )
    return figure


def legend_below(figure: Figure, axes: Axes | Sequence[Axes], columns: int = 3) -> None:
    """Put one legend of everything labelled in `axes`, each label once, beneath the panels."""
    entries: dict[str, Artist] = {}
    for ax in [axes] if isinstance(axes, Axes) else axes:
        for handle, label in zip(*ax.get_legend_handles_labels(), strict=True):
            entries.setdefault(label, handle)
    if entries:
        figure.legend(
            list(entries.values()), list(entries), loc="outside lower left", ncols=min(columns, len(entries))
        )


@styled
def save_figure(figure: Figure, stem: Path, formats: Sequence[str] = FORMATS) -> list[Path]:
    """Write `figure` as ``<stem>.<format>`` in each of `formats`; return the paths."""
    # Embedding a font reports every table of it, which would bury what the program has to say.
    logging.getLogger("fontTools").setLevel(logging.WARNING)
    paths = []
    for suffix in formats:
        path = stem.with_name(f"{stem.name}.{suffix}")
        with replacing(path) as temporary:
            figure.savefig(temporary, format=suffix, metadata=_METADATA.get(suffix))
        paths.append(path)
        # The layout is found once, for the first format; finding it costs as much as drawing.
        figure.set_layout_engine("none")
    return paths


@styled
def png_bytes(figure: Figure) -> bytes:
    """Return `figure` as a PNG picture."""
    buffer = io.BytesIO()
    figure.savefig(buffer, format="png", metadata=_METADATA["png"])
    return buffer.getvalue()


def data_uri(png: bytes) -> str:
    """Return a PNG picture as text that a page can hold in itself."""
    return "data:image/png;base64," + base64.b64encode(png).decode("ascii")


def _broken(heading: str) -> str:
    """Break a heading at its dots into lines that fit the column."""
    lines: list[str] = []
    for part in heading.split(" · "):
        joined = f"{lines[-1]} · {part}" if lines else part
        if lines and len(joined) <= _HEADING_CHARACTERS:
            lines[-1] = joined
        else:
            lines.append(part)
    return "\n".join(lines)
