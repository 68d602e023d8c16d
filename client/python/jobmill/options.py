# SPDX-License-Identifier: MIT
"""What a job may ask for beside its function: time, memory, attempts, its place in the queue."""

from __future__ import annotations

import math
import re
from typing import Any, Dict, Mapping, Optional, Union

from ._msgpack import pack

__all__ = ["job_options", "UNLIMITED"]

UNLIMITED = "unlimited"

_SIZES = {"": 1, "K": 1 << 10, "M": 1 << 20, "G": 1 << 30, "T": 1 << 40}
_SIZE_TEXT = re.compile(r"\s*(\d+(?:\.\d+)?)\s*([KMGT]?)(?:i?B)?\s*", re.IGNORECASE)
_MOST_SECONDS = 9e15
_RETRIES = ("crash", "timeout", "failure")


def job_options(
    *,
    timeout: Union[float, str, None] = None,
    queue_timeout: Union[float, str, None] = None,
    delay: Optional[float] = None,
    priority: Optional[int] = None,
    retries: Union[int, Mapping[str, int], None] = None,
    backoff: Optional[float] = None,
    memory: Union[int, str, None] = None,
    cpu_time: Union[float, str, None] = None,
    open_files: Union[int, str, None] = None,
    nice: Optional[int] = None,
    cpus: Optional[str] = None,
    label: Optional[str] = None,
    batch: Optional[str] = None,
    halt: Optional[str] = None,
    detached: bool = False,
    started: bool = False,
) -> Dict[str, Any]:
    """The members of a submit. Times are in seconds, ``"unlimited"`` or infinity where no bound is wanted.

    timeout: an attempt that runs longer is stopped (``JobTimeout``). queue_timeout: a job that has
    not begun by then never does (``Expired``). delay: it does not begin before. priority: -100 to
    100, higher ones begin first. retries: so many more attempts after a crash of its worker, or a
    dict of counts by ``"crash"``, ``"timeout"`` and ``"failure"`` (an exception). backoff: what
    lies between the first two attempts. memory: bytes, or text such as ``"1G"``, that the job may
    add to its worker's data; beyond it allocations fail (``MemoryError``). label: shown by
    ``jobmill status``, and what ``jobmill cancel --label`` names. batch, halt: jobs that are given
    up together. started: the future's ``worker_pid`` is known while a function runs.
    """
    options: Dict[str, Any] = {}
    for name, seconds in (
        ("timeout_ms", timeout),
        ("queue_timeout_ms", queue_timeout),
        ("cpu_ms", cpu_time),
        ("delay_ms", delay),
        ("backoff_ms", backoff),
    ):
        if seconds is not None:
            options[name] = _milliseconds(name[: -len("_ms")], seconds)
    for name, plain in (
        ("priority", priority),
        ("open_files", open_files),
        ("nice", nice),
        ("cpus", cpus),
        ("label", label),
        ("batch", batch),
        ("halt", halt),
    ):
        if plain is not None:
            options[name] = plain
    if memory is not None:
        options["memory"] = _bytes(memory)
    if retries is not None:
        counts = {"crash": retries} if isinstance(retries, int) else dict(retries)
        for cause, count in counts.items():
            if cause not in _RETRIES:
                raise ValueError(f"retries: want {', '.join(_RETRIES)}, not {cause!r}")
            options["retry_" + cause] = count
    if detached:
        options["detached"] = True
    if started:
        options["started"] = True
    elif retries is not None:
        options["retrying"] = True
    return options


def encode(options: Mapping[str, Any]) -> bytes:
    return pack(dict(options)) if options else b""


def _milliseconds(name: str, seconds: Union[float, str]) -> Union[int, str]:
    if seconds in (UNLIMITED, math.inf):
        return UNLIMITED
    is_zero_bad = seconds == 0 and name != "delay"
    # What is not a number is not within anything.
    if isinstance(seconds, str) or is_zero_bad or not 0 <= seconds <= _MOST_SECONDS:
        raise ValueError(f"{name}: want seconds above 0 or {UNLIMITED!r}, not {seconds!r}")
    return max(1, round(seconds * 1000)) if seconds else 0


def _bytes(size: Union[int, str]) -> Union[int, str]:
    if isinstance(size, int) or size == UNLIMITED:
        return size
    match = _SIZE_TEXT.fullmatch(size)
    if match is None:
        raise ValueError(f"memory: want bytes, or text such as '512M' or '1.5G', not {size!r}")
    return int(float(match[1]) * _SIZES[match[2].upper()])
