from pathlib import Path

import numpy as np
import pytest

from rankaae_cli.analysis.prediction.align import ReferenceCheck
from rankaae_cli.analysis.prediction.pairs import match_codes
from rankaae_cli.core.labels import Subject
from rankaae_cli.core.xas.energy_offset import ReferenceShift
from rankaae_cli.data.family.family import Family
from rankaae_cli.data.measured.prepared import Prepared
from rankaae_cli.data.measured.spectrum import MeasuredSpectrum
from rankaae_cli.reports.prediction.offset_figures import offset_figure, pairs_figure
from tests.reports.figures.test_evaluation import assert_words_within

GRID = np.linspace(8983.5, 9047.25, 64)


def reference(name):
    energy = np.linspace(8900.0, 9200.0, 400)
    edge = 0.5 + np.arctan(energy - 8985.0) / np.pi
    computed = np.tile(0.5 + np.arctan(GRID - 8991.0) / np.pi, (10, 1))
    prepared = Prepared(MeasuredSpectrum(name, Path(name), "Cu", "K", energy, edge), energy, edge)
    match = ReferenceShift(6.0, 0.3, 0.02, np.arange(10), at_the_end=False)
    names = [f"mp-{i} 0" for i in range(10)]
    return ReferenceCheck(f"beamtime/{name}", {"OS": 1.0, "NEN": 2.58}, prepared, match, 40, names, computed)


@pytest.mark.parametrize("count", [1, 3])
def test_references_are_drawn_as_measured_and_moved_and_all_words_fit(count):
    shown = [reference(f"a_rather_long_name_that_a_beamline_gave_0{i}.xdi") for i in range(count)]
    subject = Subject("Cu_oxides", "Cu", "K", synthetic=False)
    figure = offset_figure(subject, GRID, shown, "offset +6.33 ± 3.16 eV")
    assert len(figure.axes) == count and figure.get_figwidth() == 3.4
    assert_words_within(figure)
    lines = {line.get_label(): line for line in figure.axes[0].get_lines()}
    half = {name: np.interp(0.5, lines[name].get_ydata(), lines[name].get_xdata()) for name in lines}
    assert half["moved"] - half["as measured"] == pytest.approx(6.0)
    assert half["moved"] == pytest.approx(half["computed"], abs=0.1)


def test_the_shifts_of_two_codes_are_drawn_with_two_pairs_moved_by_the_offset():
    """Ten materials whose own shifts are 0, 0.1, ... 0.9 eV; the pairs are the sixth and the last of them."""
    shifts = 0.1 * np.arange(10)
    edges = [0.5 + np.arctan(GRID - (8995.0 + shift)[:, None]) / np.pi for shift in (0 * shifts, shifts)]
    feff, vasp = (
        family("Cu_oxides", spectra, fidelity)
        for spectra, fidelity in zip(edges, ("FEFF", "VASP"), strict=True)
    )
    pairs = match_codes(feff, vasp, 5.0)
    figure = pairs_figure(Subject("Cu_oxides", "Cu", "K"), pairs)
    assert_words_within(figure)
    histogram, *drawn = figure.axes
    assert sum(bar.get_height() for bar in histogram.patches[1:]) == 10
    assert "eV" in histogram.get_xlabel() and "eV" in drawn[-1].get_xlabel()
    for ax, rank in zip(drawn, (5, 9), strict=True):
        lines = {line.get_label(): line for line in ax.get_lines()}
        half = {name: np.interp(0.5, line.get_ydata(), line.get_xdata()) for name, line in lines.items()}
        moved = half["FEFF, moved and scaled"] - half["FEFF, as computed"]
        assert moved == pytest.approx(0.45, abs=0.05)
        own = half["VASP"] - half["FEFF, as computed"]
        assert abs(own - 0.45) == pytest.approx(sorted(np.abs(shifts - 0.45))[rank], abs=0.05)


def family(name, spectra, fidelity):
    rows = np.arange(len(spectra))
    return Family(
        name=name,
        element="Cu",
        edge="K",
        energy_E=GRID,
        spectra_NE=spectra.astype(np.float32),
        descriptors_NK=np.ones((len(rows), 1)),
        descriptor_names=("OS",),
        descriptor_units=("",),
        material_N=np.array([f"mp-{row}" for row in rows], dtype=object),
        site_N=0 * rows,
        split_N=np.zeros(len(rows), dtype=np.uint8),
        fidelity=fidelity,
    )
