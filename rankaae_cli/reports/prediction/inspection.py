"""What a dry run of `rankaae ingest` shows of measured scans: tables and lines, and a figure."""

from collections.abc import Iterator, Sequence
from textwrap import fill

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from rankaae_cli.data.family.sites import FamilySpec
from rankaae_cli.data.measured.inspection import Inspection, Signal, aligned
from rankaae_cli.data.measured.prepared import Prepared
from rankaae_cli.data.measured.sites import without_foil
from rankaae_cli.reports.figures import drawing
from rankaae_cli.reports.figures.drawing import BLACK, BLUE, GREY, LIGHT_GREY, ORANGE, VERMILION

_ROW_INCHES = 1.5
_SIGNALS_SHOWN, _COLUMNS_SHOWN, _TRACKS, _NAME_CHARACTERS = 5, 40, 7, 44
_DASHES = ("--", ":", "-.", (0, (1, 3)))
_FAULT_CHARACTERS = 32  # of a line in a panel
_MARGIN = 20.0  # eV that are shown beyond what was fitted
_HEADROOM = 0.14  # of a panel's height, for each line of its legend


def inspection_lines(one: Inspection, spec: FamilySpec) -> Iterator[str]:
    """Return what there is to say of a scan, line by line."""
    spectrum = one.prepared.spectrum if one.prepared else one.spectrum
    points = ""
    if spectrum:
        points = f", {len(spectrum)} points, {spectrum.energy_M[0]:.2f} to {spectrum.energy_M[-1]:.2f} eV"
    elif one.scan:
        points = f", {len(one.scan.columns[0])} points"
    yield f"{one.name}: {one.format}{points}"
    if one.scan:
        said = " ".join(filter(None, [one.scan.element, one.scan.edge])) or "not said by the file"
        yield _line("absorber", f"{said}, expected {spec.element} {spec.edge}")
        yield from _column_lines(one)
    for signal in one.signals:
        is_taken = spectrum is not None and signal.name == spectrum.columns_used
        yield _line("signal taken" if is_taken else "other signal", f"{signal.name}: {_quality(signal)}")
    if one.prepared:
        yield from _preparation_lines(one.prepared)
    doubts = spectrum.doubts if spectrum else ()
    for note in spectrum.notes if spectrum else ():
        yield _line("doubt" if note in doubts else "note", note)
    grid = f"on {spec.name}'s grid, {spec.energy_E[0]:.1f} to {spec.energy_E[-1]:.1f} eV"
    yield _line("rejected", one.fault) if one.fault else _line("would be kept", grid)


def _line(label: str, text: str) -> str:
    return f"  {label:<14}{text}"


def _preparation_lines(prepared: Prepared) -> Iterator[str]:
    for line in without_foil(prepared):
        yield _line("calibration", line)
    done = prepared.normalised
    if done:
        used, noise = done.ranges, f"noise before the edge {done.noise:.2%} of it"
        yield _line("normalisation", f"E0 {done.e0:.2f} eV, edge step {done.edge_step:.4g}, {noise}")
        pre, post = f"{used.pre1:+.5g} to {used.pre2:+.5g}", f"{used.norm1:+.5g} to {used.norm2:+.5g}"
        yield _line("fitted", f"pre-edge from {pre} eV, post-edge from {post} eV of E0")
    elif not prepared.spectrum.is_computed:
        yield _line("normalisation", "none: the file says, or you, that it is normalised")


def _column_lines(one: Inspection) -> Iterator[str]:
    assert one.scan is not None
    count = len(one.scan.columns)
    names = [name or "-" for name in one.scan.names] or ["-"] * count
    units = [unit or "-" for unit in one.scan.units] or ["-"] * count
    rows = [("column", "name", "unit", "taken for")]
    rows += [(str(i + 1), *row) for i, row in enumerate(zip(names, units, one.roles, strict=False))]
    yield from aligned(rows[: _COLUMNS_SHOWN + 1])
    if count > _COLUMNS_SHOWN:
        yield f"  and {count - _COLUMNS_SHOWN} more columns"


def _quality(signal: Signal) -> str:
    if signal.fault:
        return signal.fault
    return (
        f"scatter from point to point {signal.noise:.2%} of its edge step"
        if np.isfinite(signal.noise)
        else "no edge there"
    )


@drawing.styled
def inspection_figure(shown: Sequence[Inspection], spec: FamilySpec) -> Figure:
    """Draw of each scan its signals, the one that was taken in colour, and its normalised spectrum.

    Parameters
    ----------
    shown
        Scans, one a row. Where no signal can be told, the columns are drawn over their points.
    spec
        The family, whose grid is shaded.
    """
    height = 0.7 + _ROW_INCHES * len(shown)
    figure = Figure(figsize=(drawing.COLUMN_INCHES, height), layout="constrained")
    axes = figure.subplots(len(shown), 2, squeeze=False)
    for one, (left, right) in zip(shown, axes, strict=True):
        _draw_signals(left, one)
        _draw_spectrum(right, one, spec)
        name = one.name
        if len(name) > _NAME_CHARACTERS:
            name = f"{name[: _NAME_CHARACTERS // 2]}…{name[-_NAME_CHARACTERS // 2 :]}"
        left.set_title(name, fontsize=6, parse_math=False)
        right.set_ylabel("Norm. absorption")
        for ax in (left, right):
            ax.tick_params(labelsize=5.5)
            ax.locator_params(axis="x", nbins=3)
    for ax in axes[-1]:
        ax.set_xlabel(ax.get_xlabel() or "Energy (eV)")
    drawing.legend_below(figure, list(axes[:, 1]), columns=3)
    return figure


def _draw_signals(ax: Axes, one: Inspection) -> None:
    taken = one.spectrum.columns_used if one.spectrum else ""
    curves = [(s.name, s.energy_M, s.mu_M) for s in one.signals if s.mu_M is not None]
    if not curves and one.spectrum:
        curves = [(taken, one.spectrum.energy_M, one.spectrum.mu_M)]
    if not curves:
        _draw_columns(ax, one)
        return
    curves.sort(key=lambda curve: curve[0] != taken)
    curves = curves[:_SIGNALS_SHOWN]
    for i, (name, energy_M, mu_M) in enumerate(curves):
        if name == taken:
            ax.plot(energy_M, _scaled(mu_M), color=BLUE, lw=0.8, zorder=3, label=f"{name}, taken")
        else:
            ax.plot(energy_M, _scaled(mu_M), color=GREY, lw=0.8, ls=_DASHES[i % 4], label=name)
    ax.set(ylim=(-0.05, 1.1 + _HEADROOM * len(curves)), yticks=[0, 1], ylabel="Scaled to its range")
    ax.legend(loc="upper left", fontsize=5, handlelength=2.2)


def _draw_columns(ax: Axes, one: Inspection) -> None:
    """Draw the columns of a scan one below the other, for whoever has to tell what they are."""
    assert one.scan is not None
    names = one.scan.names or [""] * len(one.scan.columns)
    for i, (name, values_M) in enumerate(zip(names, one.scan.columns[:_TRACKS], strict=False)):
        ax.plot(np.arange(1, len(values_M) + 1), _scaled(values_M) - 1.6 * i, color=GREY, lw=0.8)
        at = (0, 1.05 - 1.6 * i)
        ax.text(*at, f"{i + 1} {name}".strip(), fontsize=4.5, parse_math=False)
    ax.set(yticks=[], xlabel="Point of the scan", ylabel="Columns, each scaled")


def _scaled(values_M: np.ndarray) -> np.ndarray:
    """Return values from 0 to 1; where they are constant or no numbers, 0 or NaN."""
    finite = values_M[np.isfinite(values_M)]
    low, high = (float(finite.min()), float(finite.max())) if finite.size else (0.0, 1.0)
    return (values_M - low) / ((high - low) or 1.0)


def _draw_spectrum(ax: Axes, one: Inspection, spec: FamilySpec) -> None:
    if one.prepared is None:
        ax.axis("off")
        text = fill(f"rejected: {one.fault}", _FAULT_CHARACTERS, max_lines=12)
        ax.text(0, 1, text, fontsize=5, va="top", transform=ax.transAxes, parse_math=False).set_in_layout(
            False
        )
        return
    done = one.prepared.normalised
    energy_M, absorption_M = one.prepared.energy_M, one.prepared.absorption_M
    if done:
        # Beyond what was fitted a curve bends away, and hides what matters.
        fitted_M = energy_M <= done.e0 + (done.ranges.norm2 or np.inf) + _MARGIN
        energy_M, absorption_M = energy_M[fitted_M], absorption_M[fitted_M]
    ax.axvspan(spec.energy_E[0], spec.energy_E[-1], color=LIGHT_GREY, alpha=0.4, lw=0, label="family's grid")
    ax.plot(energy_M, absorption_M, color=BLUE, lw=0.8, label="normalised")
    if done:
        ax.axvline(done.e0, color=BLACK, lw=0.6, ls=":", label="E₀")
        used = done.ranges
        for label, level, colour, low, high in (
            ("pre-edge fit", 0, ORANGE, used.pre1, used.pre2),
            ("post-edge fit", 1, VERMILION, used.norm1, used.norm2),
        ):
            assert low is not None and high is not None
            ax.plot(
                [done.e0 + low, done.e0 + high], [level, level], color=colour, lw=2, alpha=0.7, label=label
            )
    ax.set_ylim(min(-0.15, float(absorption_M.min()) - 0.05), max(1.3, float(absorption_M.max()) + 0.1))
    if one.fault:
        ax.set_title("rejected", fontsize=6, color=VERMILION)
