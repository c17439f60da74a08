"""What all interactive figures share: the plotting library, packing, the layout of panels, colours."""

import base64
import functools
import gzip
import json
import math
import textwrap
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import numpy as np

from rankaae_cli.core.labels import Subject
from rankaae_cli.reports.figures.drawing import BLACK, GREY, LIGHT_GREY, VERMILION

DIGITS = 5  # significant; more no screen shows
_TITLE_CHARACTERS = 40  # beside them stand the buttons
_TITLE_LINE, _PANEL_TITLE = 14, 16  # px
_FONT, _TITLE_FONT = 11, 10  # px
# Of viridis without its pale end, as in the still pictures.
WALK_COLOURS = (
    "#440154", "#482878", "#3E4989", "#31688E", "#26828E", "#1F9E89", "#35B779", "#6DCD59", "#B4DE2C",
)  # fmt: skip
OKABE_ITO = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9", "#1A1A1A")


def pack(text: str) -> str:
    """Return `text` gzipped and in base64, as the page's script unpacks it; equal texts give equal results."""
    return base64.b64encode(gzip.compress(text.encode(), 9, mtime=0)).decode("ascii")


@functools.cache
def plotly_packed() -> str:
    """Return plotly.js, packed, for a page that fetches nothing."""
    from plotly.offline import get_plotlyjs

    return pack(get_plotlyjs())


def figure_of(traces: Iterable[Mapping[str, Any]], layout: Mapping[str, Any]) -> Any:
    """Return a plotly figure, its numbers cut to `DIGITS`, every property checked by plotly."""
    from plotly import graph_objects as go

    return go.Figure(data=[_cut(trace) for trace in traces], layout=dict(layout))


def figure_json(figure: Any) -> str:
    """Return a plotly figure as compact JSON."""
    return json.dumps(figure.to_plotly_json(), separators=(",", ":"), allow_nan=False, default=_plain)


def new_layout(subject: Subject, *details: str, legend: bool = True, wide: bool = False) -> dict[str, Any]:
    """Return a layout headed by what the figure shows; what is synthetic comes first and in colour."""
    lines = textwrap.wrap(subject.heading(*details), _TITLE_CHARACTERS * (2 if wide else 1))
    heading = "<br>".join(escaped(line) for line in lines)
    return {
        "template": {"layout": {}},
        "title": {
            "text": f"<b>{heading}</b>" if subject.synthetic else heading,
            "font": {"size": _TITLE_FONT, "color": VERMILION if subject.synthetic else GREY},
            "x": 0, "xref": "container", "xanchor": "left", "y": 1, "yref": "container", "yanchor": "top",
            "pad": {"t": 18, "l": 8},
        },
        "font": {"size": _FONT, "color": BLACK},
        "margin": {"l": 8, "r": 10, "t": 21 + _TITLE_LINE * len(lines) + _PANEL_TITLE, "b": 8},
        "legend": {
            "orientation": "h", "x": 0, "xref": "container", "xanchor": "left", "y": 0, "yref": "container",
            "yanchor": "bottom", "font": {"size": 10}, "itemwidth": 30, "tracegroupgap": 0,
        },
        "showlegend": legend,
        "hovermode": "closest",
        "dragmode": "zoom",
        "annotations": [],
    }  # fmt: skip


def add_panels(
    layout: dict[str, Any],
    n: int,
    columns: int = 1,
    *,
    gap: tuple[float, float] = (0.13, 0.13),
    heights: Sequence[float] | None = None,
    stack: bool = False,
) -> list[tuple[str, str]]:
    """Add the axes of `n` panels to a layout, row by row, and return them as traces name them.

    Parameters
    ----------
    layout
        Of `new_layout`; changed.
    n, columns
        Panels in all, and side by side.
    gap
        Between columns and between rows, in parts of the figure.
    heights
        Of the rows, relative; equal by default.
    stack
        Whether the page may put panels beneath one another where it is narrow.
    """
    rows = -(-n // columns)
    relative = np.asarray(heights if heights is not None else np.ones(rows), dtype=float)
    height_R = relative / relative.sum() * (1 - gap[1] * (rows - 1))  # noqa: N806
    top_R = 1 - np.concatenate([[0.0], np.cumsum(height_R + gap[1])[:-1]])  # noqa: N806
    width = (1 - gap[0] * (columns - 1)) / columns
    names = []
    for i in range(n):
        row, column = divmod(i, columns)
        x, y = f"x{i + 1 if i else ''}", f"y{i + 1 if i else ''}"
        left = column * (width + gap[0])
        layout[_key(x)] = _axis([left, left + width], y)
        layout[_key(y)] = _axis([max(0.0, top_R[row] - height_R[row]), top_R[row]], x)
        names.append((x, y))
    if stack and columns > 1:
        layout["meta"] = {"panels": n}
    return names


def set_axis(layout: dict[str, Any], axis: str, title: str = "", **properties: Any) -> None:
    """Set the title and further properties of an axis named as in traces, such as ``x2``."""
    layout[_key(axis)] |= properties
    if title:
        layout[_key(axis)]["title"] = {
            "text": escaped(title).replace("\n", "<br>"),
            "standoff": 4,
            "font": {"size": _FONT},
        }


def panel_title(layout: dict[str, Any], panel: tuple[str, str], text: str) -> None:
    """Write above a panel."""
    layout["annotations"].append({
        "text": escaped(text).replace("\n", "<br>"), "x": 0, "y": 1,
        "xref": f"{panel[0]} domain", "yref": f"{panel[1]} domain", "xanchor": "left", "yanchor": "bottom",
        "showarrow": False, "align": "left", "font": {"size": _FONT},
    })  # fmt: skip


def line(
    panel: tuple[str, str], x: Any, y: Any, name: str, colour: str = BLACK, hover: str = "", **more: Any
) -> dict[str, Any]:
    """Return a trace of a line; keywords beginning with ``line_`` are of the line itself."""
    look = {key.removeprefix("line_"): more.pop(key) for key in list(more) if key.startswith("line_")}
    return {
        "type": "scatter", "mode": "lines", "x": x, "y": y, "xaxis": panel[0], "yaxis": panel[1],
        "name": escaped(name), "line": {"color": colour, "width": 1.5, **look},
        "hovertemplate": hover or f"{escaped(name)}<br>%{{x}}: %{{y:.4g}}<extra></extra>",
    } | more  # fmt: skip


def band(
    panel: tuple[str, str], x: Any, low: Any, high: Any, name: str, fill: str, **more: Any
) -> list[dict[str, Any]]:
    """Return the traces of a band; `fill` has its opacity in its last two digits."""
    edge: dict[str, Any] = {"line_width": 0, "hoverinfo": "skip", "hovertemplate": None, "legendgroup": name}
    lower = line(panel, x, low, name, fill[:7], **edge, **more | {"showlegend": False})
    upper = line(panel, x, high, name, fill[:7], **edge, **{"fill": "tonexty", "fillcolor": fill} | more)
    return [lower, upper]


def zero_line(layout: dict[str, Any], panel: tuple[str, str]) -> None:
    """Draw a thin line at 0 across a panel."""
    layout.setdefault("shapes", []).append({
        "type": "line", "xref": f"{panel[0]} domain", "yref": panel[1], "x0": 0, "x1": 1, "y0": 0, "y1": 0,
        "line": {"color": GREY, "width": 0.7}, "layer": "below",
    })  # fmt: skip


def spectrum_axes(
    layout: dict[str, Any], subject: Subject, top: tuple[str, str], bottom: tuple[str, str], below: str
) -> None:
    """Set the axes of spectra and, on the same energies, a panel titled `below` beneath them."""
    set_axis(layout, top[0], showticklabels=False, matches=bottom[0])
    set_axis(layout, top[1], subject.absorption_label, nticks=6)
    set_axis(layout, bottom[0], subject.energy_label, nticks=6)
    set_axis(layout, bottom[1], below, nticks=6)


def at_energy(subject: Subject) -> str:
    """Return how a hover text says where on the energy axis it is."""
    return "index %{x}" if subject.energy_unit == "index" else f"%{{x:.2f}} {subject.energy_unit}"


def walk_colours(n: int) -> list[str]:
    """Return `n` colours from one end of a walk to the other."""
    place = np.linspace(0, len(WALK_COLOURS) - 1, n) if n > 1 else np.array([0.0])
    channels = np.array([[int(c[i : i + 2], 16) for i in (1, 3, 5)] for c in WALK_COLOURS], dtype=float)
    mixed = [np.interp(place, np.arange(len(WALK_COLOURS)), channel) for channel in channels.T]
    return [f"#{round(r):02X}{round(g):02X}{round(b):02X}" for r, g, b in zip(*mixed, strict=True)]


def escaped(text: str) -> str:
    """Return text so that plotly shows it as it stands; it reads a little HTML."""
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")


def _key(axis: str) -> str:
    return f"{axis[0]}axis{axis[1:]}"


def _axis(domain: list[float], anchor: str) -> dict[str, Any]:
    return {
        "domain": [round(float(end), 4) for end in domain], "anchor": anchor, "automargin": True,
        "showline": True, "ticks": "outside", "ticklen": 3, "zeroline": False, "gridcolor": LIGHT_GREY + "55",
        "linecolor": GREY, "tickcolor": GREY, "tickfont": {"size": _FONT - 1}, "nticks": 7,
        "separatethousands": False, "exponentformat": "power", "tickformat": "",
    }  # fmt: skip


def _cut(value: Any) -> Any:
    """Return numbers in lists cut to `DIGITS`, None where they are not known."""
    if isinstance(value, float | np.floating):
        # Energies need their digits before the point and two behind it.
        number = float(value)
        digits = DIGITS if abs(number) < 1000 else DIGITS + 2
        return float(f"{number:.{digits}g}") if math.isfinite(number) else None
    if isinstance(value, Mapping):
        return {key: _cut(item) for key, item in value.items()}
    if isinstance(value, np.ndarray) or hasattr(value, "to_numpy"):
        value = np.asarray(value).tolist()
    return [_cut(item) for item in value] if isinstance(value, list | tuple) else value


def _plain(value: Any) -> Any:
    return value.tolist() if isinstance(value, np.ndarray | np.generic) else list(value)
