"""Spectra that are not in memory give the rows that an array gives."""

import pickle
from dataclasses import replace

import h5py
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from rankaae_cli.data.family import family_file
from rankaae_cli.data.family.family_file import read_family, write_family
from rankaae_cli.data.family.samples import sample_path
from rankaae_cli.data.family.synthetic import synthetic_family
from rankaae_cli.data.spectra_rows import (
    FileRows,
    GeneratedRows,
    JoinedRows,
    blocks_of,
    gathered_spectra,
    rows_taken,
)

N, E = 40, 3
ARRAY = np.random.default_rng(0).random((N, E)).astype(np.float32)


@pytest.fixture(scope="module", params=["file", "made", "spooled", "joined", "selected"])
def rows(request, tmp_path_factory):
    """ARRAY, out of memory in one way or another."""
    if request.param == "file":
        path = tmp_path_factory.mktemp("rows") / "x.h5"
        with h5py.File(path, "w") as file:
            file.create_dataset("spectra", data=ARRAY.astype(np.float64), chunks=(7, 2), compression="gzip")
        with h5py.File(path) as file:
            return FileRows.of(file["spectra"], path)
    made = GeneratedRows(N, E, lambda first, end: ARRAY[first:end])
    spooled = gathered_spectra(iter(ARRAY), E, spooled_from=50)
    return {
        "made": made,
        "spooled": spooled,
        "joined": JoinedRows([made.take(range(11)), ARRAY[11:30], spooled.take(range(30, N))]),
        "selected": spooled.take(np.arange(N)[::-1]).take(np.arange(N)[::-1]),
    }[request.param]


@given(chosen=st.lists(st.integers(-N, N - 1)), first=st.integers(0, N), length=st.integers(0, N))
def test_rows_are_those_of_the_array(rows, chosen, first, length):
    np.testing.assert_array_equal(rows[chosen], ARRAY[np.array(chosen, dtype=int)])
    np.testing.assert_array_equal(rows.take(chosen)[:], ARRAY[np.array(chosen, dtype=int)])
    np.testing.assert_array_equal(rows[first : first + length], ARRAY[first : first + length])
    mask = np.isin(np.arange(N), chosen)
    np.testing.assert_array_equal(rows[mask], ARRAY[mask])
    np.testing.assert_array_equal(np.concatenate(list(blocks_of(rows, 1 + length))), ARRAY)
    assert rows.shape == (N, E) and len(rows) == N and rows.all_finite()


def test_rows_beyond_are_refused(rows):
    for wrong in ([N], [-N - 1], np.ones(N + 1, dtype=bool)):
        with pytest.raises(IndexError):
            rows[wrong]


def test_stored_rows_reach_other_processes(rows):
    if isinstance(rows, GeneratedRows):
        pytest.skip("a function made here cannot be sent")
    try:
        again = pickle.loads(pickle.dumps(rows))  # noqa: S301
    except (AttributeError, pickle.PicklingError):
        pytest.skip("a part of them is made by a function")
    np.testing.assert_array_equal(again[:], ARRAY)


def test_what_is_small_is_gathered_in_memory():
    assert isinstance(gathered_spectra(iter(ARRAY), E), np.ndarray)
    assert gathered_spectra(iter(()), E).shape == (0, E)


def test_values_that_are_not_finite_are_found(tmp_path):
    bad = ARRAY.copy()
    bad[N - 1, 1] = np.inf
    spooled = gathered_spectra(iter(bad), E, spooled_from=50)
    assert not spooled.all_finite()
    assert rows_taken(spooled, np.arange(N - 1)).all_finite()


class TestFamilies:
    @pytest.fixture
    def stored(self):
        return read_family(sample_path("Ti_oxides"), stored=True)

    def test_a_stored_family_is_that_in_memory(self, stored):
        family = read_family(sample_path("Ti_oxides"))
        np.testing.assert_array_equal(stored.in_memory().spectra_NE, family.spectra_NE)
        chosen = family.split_N == 1
        part = stored.with_rows(chosen).with_descriptors(["CN"])
        assert isinstance(part.spectra_NE, type(stored.spectra_NE.take([0])))
        np.testing.assert_array_equal(part.spectra_NE[:], family.spectra_NE[chosen])

    def test_large_spectra_are_written_in_rows_and_not_compressed(self, stored, tmp_path, monkeypatch):
        monkeypatch.setattr(family_file, "_COMPRESSED_UP_TO", 1000)
        path = write_family(tmp_path / "large.h5", stored)
        with h5py.File(path) as file:
            assert file["spectra"].chunks == (256, 256) and file["spectra"].compression is None
        again = read_family(path)
        family = stored.in_memory()
        np.testing.assert_array_equal(again.spectra_NE, family.spectra_NE)
        assert again.material_N.tolist() == family.material_N.tolist()
        write_family(tmp_path / "from_memory.h5", family)
        assert (tmp_path / "from_memory.h5").read_bytes() == path.read_bytes()

    def test_synthetic_spectra_made_when_asked_for_are_those_made_at_once(self):
        of = ("Ti_oxides", "Ti", "K", read_family(sample_path("Ti_oxides")).energy_E, ("OS", "CN"))
        at_once, made = (
            synthetic_family(*of, spectra=300),
            synthetic_family(*of, spectra=300, in_memory=False),
        )
        np.testing.assert_array_equal(made.spectra_NE[:], at_once.spectra_NE)
        np.testing.assert_array_equal(made.true_response_KE, at_once.true_response_KE)

    def test_a_larger_synthetic_family_begins_with_the_smaller_one_beyond_a_block_too(self):
        of = ("Ti_oxides", "Ti", "K", read_family(sample_path("Ti_oxides")).energy_E, ("OS", "CN"))
        small, large = (synthetic_family(*of, spectra=n, in_memory=False) for n in (4000, 9000))
        np.testing.assert_array_equal(large.descriptors_NK[:4000], small.descriptors_NK)
        assert large.material_N[:4000].tolist() == small.material_N.tolist()
        np.testing.assert_array_equal(large.spectra_NE[3990:4000], small.spectra_NE[3990:4000])

    def test_not_finite_spectra_are_refused_wherever_they_are(self, stored, tmp_path):
        from rankaae_cli.core.errors import UserError

        path = write_family(tmp_path / "x.h5", stored)
        with h5py.File(path, "a") as file:
            file["spectra"][5, 5] = np.nan
        with pytest.raises(UserError, match="NaN or infinite"):
            read_family(path, stored=True)
        with pytest.raises(UserError, match="spectra has shape"):
            replace(stored, spectra_NE=stored.spectra_NE.take(range(10)))
