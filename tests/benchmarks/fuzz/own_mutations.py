"""Mutations of what the program itself writes: checkpoints, and folders of such files."""

import io
from contextlib import suppress
from random import Random
from typing import Any

import torch

from tests.benchmarks.fuzz.binary_mutations import mutated_hdf5, mutated_npz
from tests.benchmarks.fuzz.seeds import Seed
from tests.benchmarks.fuzz.text_mutations import damaged, mutated_text

_VALUES = (
    *(None, "", "x", "../x", "${oc.env:HOME}", "a" * 10**6, -1, 0, 1, 2, 10**18, -(10**30), 1e400, 0.5, True),
    *([], {}, [[]], ["a", "b"], {"a": {}}, [1.5, None], b"\xff"),
)
_LARGE = 10**7  # numbers of a tensor


def mutated_checkpoint(random: Random, data: bytes) -> bytes:
    """Return a checkpoint with one to three of its values changed, sometimes with changed bytes."""
    if random.random() < 0.1:
        return damaged(random, data)
    content = torch.load(io.BytesIO(data), weights_only=True)
    for _ in range(random.randint(1, 3)):
        holder: Any = content
        key = random.choice(list(holder))
        while isinstance(holder[key], dict | list) and holder[key] and random.random() < 0.8:
            holder = holder[key]
            key = random.choice(list(holder) if isinstance(holder, dict) else range(len(holder)))
        if isinstance(holder, dict) and random.random() < 0.15:
            del holder[key]
        elif isinstance(holder[key], torch.Tensor) and random.random() < 0.8:
            with suppress(RuntimeError, IndexError):  # not every tensor can be any other
                holder[key] = _odd_tensor(random, holder[key])
        else:
            holder[key] = random.choice(_VALUES)
    image = io.BytesIO()
    torch.save(content, image)
    return image.getvalue()


def _odd_tensor(random: Random, tensor: torch.Tensor) -> torch.Tensor:
    if tensor.numel() > _LARGE:  # made so by a mutation before
        return tensor[:1]
    kind = random.randrange(4)
    if kind == 0:
        shapes = (
            tensor.flatten(),
            tensor[None],
            tensor[:0],
            tensor[..., :-1],
            tensor.mT,
            tensor[:1],
            tensor.sum(),
        )
        return random.choice(shapes)
    if kind == 1:
        dtypes = (
            torch.int64,
            torch.complex64,
            torch.bool,
            torch.float16,
            torch.float64,
            torch.bfloat16,
            torch.uint8,
        )
        return tensor.to(random.choice(dtypes))
    if kind == 2:  # large without taking any room
        shape = random.choice([(10**12,), (10**6, 10**6), (*tensor.shape, 10**9)])
        return torch.zeros(()).expand(shape)
    changed = tensor.to(torch.float64).clone()
    changed.flatten()[: random.choice([1, None])] = random.choice(
        [float("nan"), float("inf"), -1.0, 1e300, 0.0]
    )
    return changed.to(tensor.dtype)


def mutated_file(random: Random, name: str, data: bytes) -> bytes:
    """Return a file, whose name tells what it is made of, with something changed in it."""
    if name.endswith(".ckpt"):
        return mutated_checkpoint(random, data)
    if data.startswith(b"\x89HDF"):
        return mutated_hdf5(random, data)
    return mutated_npz(random, data) if name.endswith(".npz") else mutated_text(random, data)


def mutated_folder(random: Random, files: dict[str, bytes]) -> Seed:
    """Return a folder's files with one changed, missing, or a folder."""
    files = dict(files)
    name, kind = random.choice(list(files)), random.random()
    data = files.pop(name)
    if kind < 0.9:
        files[name] = mutated_file(random, name, data)
    elif kind < 0.95:
        files[f"{name}/x"] = data
    return files
