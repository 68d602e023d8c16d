# SPDX-License-Identifier: MIT
"""Descriptors that are closed, whenever an interrupt comes."""

from __future__ import annotations

import io
from typing import Any, Callable

__all__ = ["owned"]


def owned(make: Callable[..., int], *arguments: Any) -> io.FileIO:
    """What ``make(*arguments)`` opens, as a file: it is closed once, by ``close()`` or, where an
    interrupt keeps its owner from that, with its last reference."""
    # One step: nobody can be interrupted who has the number and no file yet.
    return list(map(io.FileIO, map(make, *((argument,) for argument in arguments))))[0]
