import numpy as np
import pytest

from rankaae_cli.data.segments import Segment, axis_fault, is_missing, segments_fault, side_by_side

NaN = np.nan
TWO = side_by_side(["C_K", "N_K"], [3, 2])


def test_segments_lie_one_after_another():
    assert (Segment("C_K", 0, 3), Segment("N_K", 3, 2)) == TWO
    assert np.array_equal(np.arange(5)[TWO[1].points], [3, 4])


@pytest.mark.parametrize(
    ("energies", "segments", "fault"),
    [
        ([1, 2, 3, 1, 2], TWO, ""),
        ([1, 2, 3], (), ""),
        ([1, 2, 2], (), "the energies are not finite and ascending"),
        ([1, 2, 3, 2, 1], TWO, "the energies of N_K are not finite and ascending"),
        ([1, 2, 3, 4], TWO, "the segments C_K, N_K do not cover the 4 energies"),
        ([1, 2, 3, 4], side_by_side("ab", [3, 1]), "1 energies of b, expected at least 2"),
    ],
)
def test_each_segment_ascends_by_itself(energies, segments, fault):
    assert axis_fault(np.array(energies, dtype=float), segments) == fault


@pytest.mark.parametrize(
    ("rows", "fault"),
    [
        ([[1, 2, 3, 4, 5], [NaN, NaN, NaN, 1, 2]], ""),
        ([[1, 2, 3, NaN, 5]], "some spectra of N_K hold NaN or infinite values at some of their points"),
        ([[NaN] * 5], "some rows hold no spectrum of any edge"),
    ],
)
def test_a_segment_is_there_or_missing_as_a_whole(rows, fault):
    assert segments_fault(np.array(rows), TWO) == fault


def test_missing_segments_are_told_by_row():
    rows = np.array([[1, 2, 3, 4, 5], [NaN, NaN, NaN, 1, 2], [1, 2, NaN, 4, 5]])
    assert is_missing(rows, TWO).tolist() == [[False, False], [True, False], [False, False]]
