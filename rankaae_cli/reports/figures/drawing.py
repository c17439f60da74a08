"""What all figures share: the style, the heading, colours, cells with numbers, saving."""

import base64
import functools
import io
import warnings
from collections.abc import Callable, Mapping, Sequence
from importlib.resources import as_file, files
from pathlib import Path
from typing import Any, ParamSpec, TypeVar

import matplotlib as mpl
import numpy as np
from matplotlib.artist import Artist
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.colors import Colormap, Normalize
from matplotlib.figure import Figure
from matplotlib.legend_handler import HandlerTuple
from PIL import Image

from rankaae_cli.core.labels import Subject
from rankaae_cli.data.files import replacing

COLUMN_INCHES, PAGE_INCHES = 3.4, 7.0
BLUE, VERMILION, ORANGE = "#0072B2", "#D55E00", "#E69F00"  # of Okabe and Ito
GREY, LIGHT_GREY, BLACK = "#5F6368", "#B8BCC2", "#1A1A1A"
_HEADING_CHARACTERS_PER_INCH = 17  # bold, at the size of figure titles
FORMATS = ("png", "pdf")
# Relative luminance where black and white stand out from a cell alike, by 4.6 to 1 (WCAG 2 asks for 4.5).
_DARK = 0.179
_SMALLEST = 6.0  # points, of these numbers
# Without dates and versions, equal figures are equal files.
_PDF_METADATA = {"CreationDate": None, "Producer": None, "Creator": None}
_LAYS_OUT_TEXT = ("GSUB", "GPOS", "GDEF", "kern")  # tables of a font

_NO_ROOM = "constrained_layout not applied"  # of matplotlib
_HIGHER, _TIMES_HIGHER = 1.5, 4

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


def new_figure(height: float, subject: Subject, *details: str, width: float = COLUMN_INCHES) -> Figure:
    """Return an empty figure of `width` by `height` inches, one column wide, headed by what it shows."""
    figure = Figure(figsize=(width, height), layout="constrained")
    FigureCanvasAgg(figure)
    figure.suptitle(
        _broken(subject.heading(*details), int(_HEADING_CHARACTERS_PER_INCH * width)),
        x=0.03 / width,
        ha="left",
        color=VERMILION if subject.synthetic else GREY,
        weight="bold" if subject.synthetic else "normal",
        parse_math=False,
    )
    return figure


def legend_below(
    figure: Figure,
    axes: Axes | Sequence[Axes],
    columns: int = 3,
    first: Mapping[str, Sequence[Artist]] | None = None,
) -> None:
    """Put one legend of everything labelled in `axes`, each label once, beneath the panels.

    Entries of `first` precede it; the artists of such an entry stand side by side.
    """
    entries: dict[str, Any] = {label: tuple(artists) for label, artists in (first or {}).items()}
    for ax in [axes] if isinstance(axes, Axes) else axes:
        for handle, label in zip(*ax.get_legend_handles_labels(), strict=True):
            entries.setdefault(label, handle)
    if entries:
        legend = figure.legend(
            list(entries.values()),
            list(entries),
            loc="outside lower left",
            ncols=min(columns, len(entries)),
            handler_map={tuple: HandlerTuple(ndivide=None, pad=0)},
        )
        for text in legend.get_texts():  # a name may hold dollar signs
            text.set_parse_math(False)


def draw_cells(
    ax: Axes,
    value_RC: np.ndarray,  # noqa: N803
    text_RC: Sequence[Sequence[str]],  # noqa: N803
    colours: Colormap,
    norm: Normalize,
) -> None:
    """Colour R by C cells and write in each; cells of NaN stay white.

    Parameters
    ----------
    ax
        Taken over whole: one tick a row and column, without marks.
    value_RC
        Shape (R, C).
    text_RC
        R by C texts.
    colours, norm
        From values to colours.
    """
    colours = colours.with_extremes(bad="white")
    ax.imshow(np.ma.masked_invalid(value_RC), cmap=colours, norm=norm, aspect="auto")
    for r, row in enumerate(text_RC):
        for c, text in enumerate(row):
            known = np.isfinite(value_RC[r, c])
            light = _luminance(colours(norm(value_RC[r, c]))[:3]) if known else 1.0
            colour = "white" if light < _DARK else "black"
            ax.text(c, r, text, ha="center", va="center", fontsize=_SMALLEST, color=colour, parse_math=False)
    rows, columns = value_RC.shape
    ax.set_xticks(range(columns))
    ax.set_yticks(range(rows))
    ax.tick_params(length=0)
    ax.spines[:].set_visible(True)
    ax.spines[:].set_color(LIGHT_GREY)


def _luminance(red_green_blue: Sequence[float]) -> float:
    """Return the relative luminance of a colour, 0 to 1, as WCAG 2 defines it."""
    linear = [c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in red_green_blue]
    return float(np.dot(linear, (0.2126, 0.7152, 0.0722)))


def short(value: float, digits: int = 2) -> str:
    """Return a number without the zero before its point, so that it fits a cell; nothing for NaN."""
    if not np.isfinite(value):
        return ""
    text = f"{value:.{digits}f}"
    sign, text = ("−" if text.startswith("-") and float(text) else ""), text.removeprefix("-")
    return f"{sign}{text[1:] if text.startswith('0.') else text}"


@styled
def save_figure(figure: Figure, stem: Path, formats: Sequence[str] = FORMATS) -> list[Path]:
    """Write `figure` as ``<stem>.<format>`` in each of `formats`; return the paths."""
    paths = []
    for suffix in formats:
        path = stem.with_name(f"{stem.name}.{suffix}")
        with replacing(path) as temporary:
            if suffix == "png":
                temporary.write_bytes(png_bytes(figure))
            else:
                _embed_glyphs_alone()
                _lay_out(figure)
                figure.savefig(temporary, format=suffix, metadata=_PDF_METADATA)
        paths.append(path)
    return paths


@styled
def png_bytes(figure: Figure) -> bytes:
    """Return `figure` as a PNG picture of 256 colours, which suffice and take a third of the space."""
    _lay_out(figure)
    canvas = FigureCanvasAgg(figure)
    canvas.draw()
    picture = Image.fromarray(np.asarray(canvas.buffer_rgba())).convert("RGB")
    buffer = io.BytesIO()
    picture.quantize(dither=Image.Dither.NONE).save(buffer, "png", dpi=(figure.dpi, figure.dpi))
    return buffer.getvalue()


def _lay_out(figure: Figure) -> None:
    """Place everything once; else each file that is saved computes the same layout again.

    A figure whose texts leave its panels no room is made higher, a few times at most.
    """
    engine = figure.get_layout_engine()
    if engine is None:
        return
    for _ in range(_TIMES_HIGHER):
        with warnings.catch_warnings():
            warnings.filterwarnings("error", _NO_ROOM, UserWarning)
            try:
                engine.execute(figure)
                break
            except UserWarning:
                figure.set_figheight(figure.get_figheight() * _HIGHER)
    else:
        engine.execute(figure)
    figure.set_layout_engine(None)


@functools.cache
def _embed_glyphs_alone() -> None:
    """Leave out of embedded fonts what lays out text: in a PDF each glyph has its place.

    To cut it down to the glyphs that are used takes as long as all else that is done to embed a font.
    """
    # It takes a tenth of a second to load, which pictures alone are not to wait for.
    from fontTools import subset

    subset.Options._drop_tables_default += _LAYS_OUT_TEXT


def spectra_text(n: int) -> str:
    """Return how many spectra there are, in words for a heading."""
    return f"{n:,} spectra" if n != 1 else "1 spectrum"


def data_uri(png: bytes) -> str:
    """Return a PNG picture as text that a page can hold in itself."""
    return "data:image/png;base64," + base64.b64encode(png).decode("ascii")


def _broken(heading: str, characters: int) -> str:
    """Break a heading at its dots into lines of at most so many characters, where the dots allow it."""
    lines: list[str] = []
    for part in heading.split(" · "):
        joined = f"{lines[-1]} · {part}" if lines else part
        if lines and len(joined) <= characters:
            lines[-1] = joined
        else:
            lines.append(part)
    return "\n".join(lines)
