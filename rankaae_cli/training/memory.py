"""How many trials the memory holds at once."""

import ctypes
import os
import re
from collections.abc import Iterator
from pathlib import Path, PurePosixPath

import torch
from torch import Tensor, nn

from rankaae_cli.models.rankaae.networks import Architecture, Autoencoder, Discriminator, trial_generators
from rankaae_cli.models.rankaae.settings import LOSSES, ObjectiveSettings, PriorKind, StepOrder
from rankaae_cli.training.rows import BLOCK_ROWS

# The rest is for what the estimate leaves out, for other programs, and for what the allocator cannot use.
USABLE_SHARE = 0.6
_FLOAT, _INTEGER = 4, 8
# malloc.h of glibc
_M_TRIM_THRESHOLD, _M_MMAP_THRESHOLD, _LARGEST_INT = -1, -3, 2**31 - 1


def keep_freed_memory() -> None:
    """Tell the C library to keep freed memory for the next step instead of handing it back to the system.

    Every step frees and asks for the same large blocks; fetching them as new pages takes up to a seventh of the
    time of training. Where the C library is not glibc nothing changes.
    """
    try:
        mallopt = ctypes.CDLL(None).mallopt
    except (OSError, AttributeError, TypeError):
        return
    for option in (_M_TRIM_THRESHOLD, _M_MMAP_THRESHOLD):
        mallopt(option, _LARGEST_INT)


def trials_that_fit(bytes_of_one: int, available: int | None) -> int | None:
    """Return how many trials go into `USABLE_SHARE` of the memory, at least one; None if it is not known."""
    return None if available is None else max(int(USABLE_SHARE * available) // bytes_of_one, 1)


def bytes_a_trial(
    architecture: Architecture,
    objective: ObjectiveSettings,
    batch_size: int,
    training_rows: int,
    validation_rows: int,
) -> int:
    """Estimate the memory that one more trial takes at the peak of training, in bytes.

    Parameters
    ----------
    architecture, objective, batch_size
        Of the run.
    training_rows, validation_rows
        Numbers of spectra; they lie on the device once for all trials and are not counted here.

    Notes
    -----
    Four parts, summed although they do not all peak together:

    - weights, their gradients, the copy of the best epoch, two more under way, and two moments an optimiser;
    - a step: what autograd keeps of two passes of encoder and decoder (given spectra; drawn styles), half as
      much again for gradients under way, the batch, its noise and their sum, and pair matrices (mmd alone);
    - the order of the rows in an epoch, twice;
    - the end of an epoch, without gradients: three hidden layers at once over a block of training rows, and on
      validation a block of the spectra's errors, and six arrays of whole numbers a pair of styles.
    """
    a, adversarial = architecture, objective.prior.kind in (PriorKind.adversarial, PriorKind.two_step)
    one = trial_generators(0, range(1))
    autoencoder = Autoencoder(a, one)
    spectra_TBE = torch.rand(1, 2, a.points, generator=one[0])
    parameters = sum(p.numel() for p in autoencoder.parameters())
    kept_a_row, widest = _kept_for_backward(autoencoder, spectra_TBE)
    kept_a_row *= 2
    if adversarial:
        discriminator = Discriminator(a.styles, one)
        parameters += sum(p.numel() for p in discriminator.parameters())
        kept_a_row += 2 * _kept_for_backward(discriminator, spectra_TBE[..., : a.styles])[0]

    losses = sum(getattr(objective, name).weight > 0 for name in LOSSES)
    optimisers = 1 if objective.order is StepOrder.joint else losses
    optimisers += objective.prior.kind is PriorKind.two_step
    weights = parameters * (5 + 2 * optimisers) * _FLOAT
    rows = -(-training_rows // -(-training_rows // batch_size))  # the batches of an epoch are of one size
    step = rows * (1.5 * kept_a_row + 3 * a.points) * _FLOAT
    if objective.prior.kind is PriorKind.mmd:
        step += 3 * 18 * rows**2 * _FLOAT  # seven scales, two matrices each, and the distances
    if objective.augmentation.energy_shift > 0:
        step += rows * 7 * a.points * _FLOAT
    if objective.augmentation.broadening > 0:
        step += 3 * a.points**2 * _FLOAT
    if objective.augmentation.core_hole > 0:
        step += (3 * a.points**2 + rows * 2 * a.points) * _FLOAT
    order = training_rows * 2 * _INTEGER
    end = min(training_rows, BLOCK_ROWS) * 3 * widest * _FLOAT
    pairs = a.styles * (a.styles - 1) // 2
    scores = min(validation_rows, BLOCK_ROWS) * 3 * (widest + a.points) * _FLOAT
    scores += validation_rows * 6 * pairs * _INTEGER
    return int(weights + step + order + end + scores)


def _kept_for_backward(network: nn.Module, rows_TBX: Tensor) -> tuple[int, int]:
    """Return the numbers a row that autograd keeps of one pass: in all, and of the largest hidden array."""
    parameters = {p.data_ptr() for p in network.parameters()}
    sizes: dict[int, int] = {}

    def note(tensor: Tensor) -> Tensor:
        storage = tensor.untyped_storage()
        if storage.data_ptr() not in parameters:
            sizes[storage.data_ptr()] = storage.nbytes() // _FLOAT
        return tensor

    with torch.autograd.graph.saved_tensors_hooks(note, lambda tensor: tensor):
        outputs = network(rows_TBX)
    assert outputs is not None  # the graph, and with it what it keeps, must live until here
    hidden = [size for address, size in sizes.items() if address != rows_TBX.data_ptr()]
    rows = rows_TBX.shape[1]
    return sum(sizes.values()) // rows, max(hidden) // rows


def available_bytes(device: torch.device, root: Path = Path("/")) -> int | None:
    """Return the free memory of the device in bytes; None where the system does not tell.

    Of the processor it is what the system can give without swapping, or what is left to the control group
    (a container, a cluster's job) if that is less.

    Parameters
    ----------
    device
        CUDA or the processor.
    root
        Where ``proc`` and ``sys`` lie.
    """
    if device.type == "cuda":
        free, _ = torch.cuda.mem_get_info(device)
        # What torch holds from earlier in this process without using it.
        return free + torch.cuda.memory_reserved(device) - torch.cuda.memory_allocated(device)
    found = [*_left_on_machine(root), *_left_in_control_groups(root)]
    return min(found, default=None)


def _left_on_machine(root: Path) -> Iterator[int]:
    match = re.search(r"^MemAvailable:\s+(\d+) kB", _text(root / "proc/meminfo"), re.MULTILINE)
    if match:
        yield int(match[1]) * 1024
        return
    try:
        yield os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
    except (ValueError, OSError):
        return


def _left_in_control_groups(root: Path) -> Iterator[int]:
    """Yield what each limit that this process is under leaves; see cgroups(7)."""
    for line in _text(root / "proc/self/cgroup").splitlines():
        _, controllers, path = line.split(":", 2)
        if not controllers:
            mount, limit, used, reclaimable = "sys/fs/cgroup", "memory.max", "memory.current", "inactive_file"
        elif "memory" in controllers.split(","):
            mount, reclaimable = "sys/fs/cgroup/memory", "total_inactive_file"
            limit, used = "memory.limit_in_bytes", "memory.usage_in_bytes"
        else:
            continue
        # A limit of any group above holds too. In a container the path may be that outside of it: its
        # folders are not there, and the mount itself stands for the group.
        group = PurePosixPath(path.lstrip("/"))
        for level in dict.fromkeys([group, *group.parents]):
            folder = root / mount / level
            maximum, current = _text(folder / limit).strip(), _text(folder / used).strip()
            if maximum.isdigit() and current.isdigit():
                # Files that the kernel keeps in memory and can drop count as used there.
                cached = re.search(rf"^{reclaimable} (\d+)$", _text(folder / "memory.stat"), re.MULTILINE)
                yield max(int(maximum) - int(current) + (int(cached[1]) if cached else 0), 0)


def _text(path: Path) -> str:
    """Return a file's text; nothing if it cannot be read."""
    try:
        return path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError):
        return ""
