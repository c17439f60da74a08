"""Figures of generated structures: what is counted in them, how they look, and their simulated spectra."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.collections import LineCollection
from matplotlib.figure import Figure

from rankaae_cli.analysis.generation.generate import RADIAL_BINS, Order
from rankaae_cli.core.labels import Subject, with_unit
from rankaae_cli.core.structure.bond_network import BINS
from rankaae_cli.core.structure.periodic import pairs_within
from rankaae_cli.data.structures.structure_set import Structure
from rankaae_cli.reports.figures import drawing
from rankaae_cli.reports.figures.drawing import BLACK, BLUE, GREY, LIGHT_GREY, ORANGE, VERMILION

_COLOURS = (VERMILION, BLACK, BLUE, ORANGE)
_STYLES = ("-", "-", "--", ":")
_AXES = {"coordination": "Bonds of an atom", "angles": "Angle of two bonds (°)", "rings": "Bonds of a ring"}
_SHOWN = {"coordination": (-0.3, 6.3), "angles": (40, 180), "rings": (2.7, 8.3)}  # whole markers at the ends
_WIDE = 14.0  # angstrom, of a cell beyond which atoms are drawn smaller
_COORDINATION_COLOURS = {2: ORANGE, 3: GREY, 4: BLUE}


@drawing.styled
def order(subject: Subject, orders: Mapping[str, Order], *details: str) -> Figure:
    """Draw radial distributions, coordination, angles and rings of sets of structures, the first in colour."""
    figure = drawing.new_figure(4.2, subject, *details)
    panels = figure.subplots(2, 2).ravel()
    for (label, one), colour, style in zip(orders.items(), _COLOURS, _STYLES, strict=False):
        line = {"color": colour, "ls": style, "lw": 1.0, "label": label}
        middle = (RADIAL_BINS[1:] + RADIAL_BINS[:-1]) / 2
        panels[0].plot(middle, one.radial_J, **line)
        for ax, (name, share) in zip(panels[1:], one.together.shares().items(), strict=True):
            middle = (BINS[name][1:] + BINS[name][:-1]) / 2
            ax.plot(middle, 100 * share, marker="o" if name != "angles" else None, ms=2.5, **line)
    panels[0].set_xlabel("Distance (Å)")
    panels[0].set_ylabel("Radial distribution")
    for ax, (name, label) in zip(panels[1:], _AXES.items(), strict=True):
        ax.set_xlabel(label)
        ax.set_xlim(*_SHOWN[name])
        ax.set_ylabel("Share (%)")
    drawing.legend_below(figure, panels[0], columns=2)
    return figure


@drawing.styled
def views(
    subject: Subject, structures: Sequence[Structure], first: int, bond: float, *details: str
) -> Figure:
    """Draw each structure as it is seen along the third and along the first vector of its cell."""
    figure = drawing.new_figure(0.6 + 1.75 * len(structures), subject, *details)
    panels = figure.subplots(len(structures), 2, squeeze=False)
    for n, (row, one) in enumerate(zip(panels, structures, strict=True)):
        for ax, (across, up, depth) in zip(row, ((0, 1, 2), (1, 2, 0)), strict=True):
            _view(ax, one, bond, across, up, depth)
            ax.set_title(f"{first + n + 1}, along {'xyz'[depth]}")
    return figure


def _view(ax: Axes, structure: Structure, bond: float, across: int, up: int, depth: int) -> None:
    """Draw atoms and bonds, those in front over those behind, coloured by their number of bonds."""
    inverse = np.linalg.inv(structure.lattice)
    fractions = structure.positions @ inverse
    positions = (fractions - np.floor(fractions)) @ structure.lattice
    pairs = pairs_within(structure.lattice, positions, bond)
    count = np.bincount(pairs.first_P, minlength=len(structure))
    begin = positions[pairs.first_P]
    # Half a bond from either end, so that one over a face of the cell is drawn at both.
    ends = np.stack([begin, begin + pairs.vector_P3 / 2], axis=1)[:, :, [across, up]]
    deep = begin[:, depth]
    ax.add_collection(LineCollection(list(ends[np.argsort(deep)]), colors=LIGHT_GREY, lw=0.7, zorder=1))
    behind = np.argsort(positions[:, depth])
    colours = [_COORDINATION_COLOURS.get(int(n), VERMILION) for n in count[behind]]
    nearness = (positions[behind, depth] - positions[:, depth].min()) / max(np.ptp(positions[:, depth]), 1e-9)
    x, y = positions[behind][:, [across, up]].T
    size = min(1.0, (_WIDE / np.linalg.norm(structure.lattice[across])) ** 2)
    ax.scatter(x, y, s=size * (3 + 7 * nearness), c=colours, linewidths=0, zorder=2)
    ax.set_aspect("equal")
    ax.set_axis_off()


@drawing.styled
def steering(subject: Subject, content: Mapping[str, Any], table: pd.DataFrame) -> Figure:
    """Draw the mean of each descriptor in generated structures over what was asked for, one panel each."""
    names = list(content["walks"])
    rows = -(-len(names) // 2)
    figure = drawing.new_figure(1.9 * rows + 0.4, subject, f"{content['density']:.3g} g/cm³")
    panels = figure.subplots(rows, min(len(names), 2), squeeze=False).ravel()
    for ax, name in zip(panels, names, strict=False):
        own = table[table.descriptor == name]
        ends = [own.asked.min(), own.asked.max()]
        ax.plot(ends, ends, color=BLACK, lw=0.8, ls="--", label="as asked for")
        ax.plot(own.asked, own.found, "o", color=VERMILION, ms=2.5, label="generated structures")
        unit = content["units"][name]
        ax.set_xlabel(with_unit(f"{name}, asked for", unit))
        ax.set_ylabel(with_unit(f"{name}, found", unit))
    for ax in panels[len(names) :]:
        ax.set_axis_off()
    drawing.legend_below(figure, panels[0])
    return figure


@drawing.styled
def spectra(
    subject: Subject,
    energy_E: np.ndarray,
    target_E: np.ndarray,
    simulated: Sequence[np.ndarray],
    *details: str,
) -> Figure:
    """Draw the mean simulated spectrum of each structure over the one that was asked for."""
    figure = drawing.new_figure(2.4, subject, *details)
    ax = figure.subplots()
    for n, spectra_NE in enumerate(simulated):
        label = "" if n else "simulated, of each structure"
        ax.plot(energy_E, spectra_NE.mean(axis=0), color=VERMILION, lw=0.6, label=label)
    ax.plot(energy_E, target_E, color=BLACK, lw=1.3, ls="--", label="asked for")
    ax.set_xlabel(subject.energy_label)
    ax.set_ylabel(subject.absorption_label)
    drawing.legend_below(figure, ax)
    return figure
