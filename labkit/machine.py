"""What the lab asks of the machine below Python, for speed."""

import contextlib
import ctypes
import sys
from collections.abc import Iterator
from functools import cache
from pathlib import Path

_TRIM_THRESHOLD, _MMAP_THRESHOLD = -1, -3  # the names of these settings in glibc's malloc.h
_LARGE = 1 << 30                           # bytes
_SOFT_PAUSE = 1                            # omp_pause_soft of omp.h
_SHARED = 1 << 20                          # values


@cache
def keep_freed_memory() -> bool:
    """Let this process keep large pieces of memory that it has freed, and use them again.

    By default glibc gives a freed array of megabytes back to the system, and the next one of that size costs thousands
    of page faults. Returns whether that could be set: on Linux with glibc, else nothing is changed.
    """
    if sys.platform != "linux":
        return False
    try:
        set_option = ctypes.CDLL(None).mallopt
    except AttributeError:  # another C library, such as musl
        return False
    return all([set_option(_TRIM_THRESHOLD, _LARGE), set_option(_MMAP_THRESHOLD, _LARGE)])


@contextlib.contextmanager
def small_numbers_as_zero() -> Iterator[None]:
    """Floats next to 0, as the fading gradients of a long LSTM, slow a CPU 20 to 60 times: for a while they count as 0.

    It holds for the calling thread, which is afterwards as it was: other libraries rely on these numbers.
    """
    import torch

    before = bool(torch.tensor(1e-40, dtype=torch.float32, device="cpu") / 2 == 0)  # torch has no other way to tell
    torch.set_flush_denormal(True)
    try:
        yield
    finally:
        torch.set_flush_denormal(before)


@cache
def fast_on_cpu() -> None:
    """Set torch up for fast training on a CPU, in this process from now on; labkit.models does so when it is imported.

    The threads that share torch's work with the calling one take floats next to zero as zero, see
    `small_numbers_as_zero`, which a training calls for its own thread. Freed memory is kept, see `keep_freed_memory`.
    """
    import torch

    keep_freed_memory()
    with small_numbers_as_zero():  # a thread inherits it from the one that starts it
        try:  # those that run already end here
            ctypes.CDLL(str(Path(torch.__file__).parent / "lib" / "libgomp.so.1")).omp_pause_resource_all(_SOFT_PAUSE)
        except (OSError, AttributeError):  # torch with another OpenMP: it holds for threads that start from now on
            pass
        torch.ones(_SHARED).add_(1)  # large enough to be shared, which starts them
