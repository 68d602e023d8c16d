# SPDX-License-Identifier: MIT
"""Exceptions that signal handlers raise in the midst of unpickling: they are the program's, and no result's."""

from __future__ import annotations

import signal
from typing import Any

__all__ = ["is_handlers"]


def is_handlers(error: BaseException) -> bool:
    """Whether a handler of this program has raised it: a function or a method, which its traceback shows."""
    codes = {_code(signal.getsignal(number)) for number in signal.valid_signals()} - {None}
    trace = error.__traceback__
    while trace is not None:
        if trace.tb_frame.f_code in codes:
            return True
        trace = trace.tb_next
    return False


def _code(handler: Any) -> Any:
    return getattr(getattr(handler, "__func__", handler), "__code__", None)
