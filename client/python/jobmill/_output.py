# SPDX-License-Identifier: MIT
"""What jobs print, on this program's own output."""

from __future__ import annotations

import sys

from . import _frames as f

__all__ = ["echo"]


def echo(stream: int, data: bytes) -> None:
    target = sys.stdout if stream == f.STREAM_OUT else sys.stderr
    if target is None:
        return
    try:
        target.write(data.decode("utf-8", "replace"))
        target.flush()
    except Exception:
        pass  # neither a closed terminal nor any object in its place is a reason to lose a result
