"""How many trials the memory holds at once."""

import ctypes
import os
import re
from collections.abc import Iterator
from pathlib import Path, PurePosixPath

import torch
from torch import Tensor, nn

# The rest is for what the estimate leaves out, for other programs, and for what the allocator cannot use.
USABLE_SHARE = 0.6
FLOAT, INTEGER = 4, 8
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


def return_freed_memory() -> None:
    """Tell the C library to hand freed memory back to the system, also that between blocks which are in use.

    What is kept of every scan lies between the large blocks of reading it, which would else be lost to both. Where
    the C library is not glibc nothing changes.
    """
    try:
        ctypes.CDLL(None).malloc_trim(0)
    except (OSError, AttributeError, TypeError):
        return


def trials_that_fit(bytes_of_one: int, available: int | None) -> int | None:
    """Return how many trials go into `USABLE_SHARE` of the memory, at least one; None if it is not known."""
    return None if available is None else max(int(USABLE_SHARE * available) // bytes_of_one, 1)


def kept_for_backward(network: nn.Module, rows_TBX: Tensor) -> tuple[int, int]:
    """Return the numbers a row that autograd keeps of one pass: in all, and of the largest hidden array."""
    parameters = {p.data_ptr() for p in network.parameters()}
    sizes: dict[int, int] = {}

    def note(tensor: Tensor) -> Tensor:
        storage = tensor.untyped_storage()
        if storage.data_ptr() not in parameters:
            sizes[storage.data_ptr()] = storage.nbytes() // FLOAT
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
