"""What the lab asks of the machine below Python, for speed."""

import ctypes
import sys
from functools import cache

_TRIM_THRESHOLD, _MMAP_THRESHOLD = -1, -3  # the names of these settings in glibc's malloc.h
_LARGE = 1 << 30                           # bytes


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
