"""The C library's memory between two batches on a CPU."""

from __future__ import annotations

import ctypes
import sys

TRIM, MAP = -1, -3  # M_TRIM_THRESHOLD and M_MMAP_THRESHOLD of glibc's malloc.h
LARGE = 1 << 30


def keep_memory() -> bool:
    """Have freed memory of up to 1 GiB a piece stay with this process, for the next batch of the same size.

    By default glibc gives pieces above 32 MiB back at once, and the next batch faults each page in anew: on a CPU several sequences
    at a time are then slower than one by one (``benchmarks/passes.py``). Holds until the process ends; what it holds is never
    more than what it needed at once.

    Returns:
        Whether the C library took it; others than glibc have no such setting.
    """
    if not sys.platform.startswith("linux"):
        return False
    mallopt = getattr(ctypes.CDLL(None), "mallopt", None)
    return mallopt is not None and mallopt(TRIM, LARGE) == 1 and mallopt(MAP, LARGE) == 1
