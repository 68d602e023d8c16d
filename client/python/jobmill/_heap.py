# SPDX-License-Identifier: MIT
"""A worker's heap: what one job has freed is for the next one, without going by the kernel."""

from __future__ import annotations

import ctypes
import os

__all__ = ["keep_freed", "trim"]

_libc = ctypes.CDLL(None)
_M_TRIM_THRESHOLD, _M_MMAP_THRESHOLD = -1, -3
# Objects up to here come from the heap, whose end is kept up to there. As glibc does it by itself,
# an object of a megabyte may be of fresh pages in every job, which cost several times the copy.
_LARGEST_OF_HEAP = 8 << 20
_MOST_KEPT = 32 << 20


def keep_freed() -> None:
    """Unless somebody has chosen otherwise, or this is no glibc."""
    mallopt = getattr(_libc, "mallopt", None)
    chosen = any(name.startswith(("MALLOC_", "GLIBC_TUNABLES")) for name in os.environ)
    if mallopt is not None and not chosen:
        mallopt(_M_MMAP_THRESHOLD, _LARGEST_OF_HEAP)
        mallopt(_M_TRIM_THRESHOLD, _MOST_KEPT)


def trim() -> None:
    """What is not used now goes back to the kernel."""
    malloc_trim = getattr(_libc, "malloc_trim", None)
    if malloc_trim is not None:
        malloc_trim(0)
