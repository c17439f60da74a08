"""Datasets of an HDF5 file: written the same every time, read so that what is damaged is said in a sentence."""

import h5py
import numpy as np

from rankaae_cli.core.errors import UserError

AGAIN = "make it again with `rankaae ingest`"
# By which factor; deflate reaches 1032, of numbers that mean anything a tenth of it.
_MOST_COMPRESSED, _LARGE_COMPRESSED, _LARGE = 2000, 100, 2**28


def put_array(file: h5py.File, name: str, values: np.ndarray, dtype: object) -> h5py.Dataset:
    """Write an array, compressed, so that the bytes depend on the contents alone."""
    options = {} if len(values) == 0 else {"compression": "gzip", "compression_opts": 9, "shuffle": True}
    return file.create_dataset(name, data=values, dtype=dtype, track_times=False, **options)


def put_texts(dataset: h5py.Dataset, **texts: tuple[str, ...] | str) -> None:
    """Give a dataset attributes: a text, or a list of them."""
    for key, text in texts.items():
        value = text if isinstance(text, str) else list(text)
        dataset.attrs.create(key, value, dtype=h5py.string_dtype())


def read_table(file: h5py.File, name: str) -> tuple[np.ndarray, tuple[str, ...], tuple[str, ...]]:
    """Return the values of a dataset, float64, and the names and units of its columns."""
    names, units = (read_texts(file[name], key) for key in ("names", "units"))
    return read_numbers(file, name).astype(np.float64), names, units


def read_texts(dataset: h5py.Dataset, key: str) -> tuple[str, ...]:
    """Return the texts of an attribute that is a list of them."""
    return tuple(read_text(text) for text in np.atleast_1d(dataset.attrs[key]))


def read_strings(file: h5py.File, name: str) -> np.ndarray:
    """Return the strings of the rows, such as the names of their materials; equal ones are one object."""
    require_stored(file, name)
    names: dict[str, str] = {}
    return np.array([names.setdefault(m, m) for m in file[name].asstr()[:]], dtype=object)


def read_numbers(file: h5py.File, name: str) -> np.ndarray:
    """Return a dataset of numbers; raise UserError where it holds something else."""
    require_stored(file, name)
    values = file[name][:]
    if values.dtype.kind not in "fiu":
        raise UserError(f"a damaged family file: {name} holds {values.dtype}, expected numbers\n{AGAIN}")
    return values


def read_whole_numbers(file: h5py.File, name: str) -> np.ndarray:
    """Return a dataset of whole numbers; raise UserError where it holds something else."""
    values = read_numbers(file, name)
    if values.dtype.kind not in "iu":
        raise UserError(
            f"a damaged family file: {name} holds {values.dtype}, expected whole numbers\n{AGAIN}"
        )
    return values


def read_text(value: object) -> str:
    """Return an attribute's text, which others may have written as bytes."""
    return value.decode() if isinstance(value, bytes) else str(value)


def require_stored(file: h5py.File, name: str) -> None:
    """Raise UserError for a dataset whose values lie in other files, or are more than what is stored can hold."""
    dataset = file[name]
    if dataset.is_virtual or dataset.external or dataset.file.filename != file.filename:
        raise UserError(f"{name} lies in another file, which is not looked into\n{AGAIN}")
    most = _MOST_COMPRESSED if dataset.nbytes < _LARGE else _LARGE_COMPRESSED
    if dataset.nbytes > most * max(dataset.id.get_storage_size(), 2**10):
        raise UserError(
            f"a damaged family file: little of {name}, of {dataset.nbytes} bytes, is in it\n{AGAIN}"
        )
