# SPDX-License-Identifier: MIT
"""A Python call as a job: its payload and its options."""

from __future__ import annotations

from typing import Any, Callable, List, Tuple, Union

from . import _inside
from ._parcel import Parcel, as_text, bytes_of, dump_call, dump_function, dumping, size_of
from .errors import NotPossible
from .options import encode

__all__ = ["encode_call", "with_parent"]

# Of a job's metadata, 64 KiB, what its call may take when its payload is a handle's; in base64.
_MOST_BESIDE_A_HANDLE = 48_000


def encode_call(
    calls: Any, fn: Callable[..., Any], args: tuple, kwargs: dict, put: Callable[[Any], int]
) -> Tuple[Union[bytes, Parcel], bytes]:
    """The payload of a call and the options of its job. ``put`` gives the daemon a handle's blob,
    if it has not got it, and answers its tag. Raises ``NotPossible``."""
    handles: List[Any] = []
    dumping.handles = handles
    try:
        payload = dump_call(dump_function(fn), args, kwargs, calls._flags)
    finally:
        dumping.handles = None
    settings = calls._settings
    if not handles and not settings.is_inside:
        return payload, calls._meta or calls._make_meta()
    options = with_parent(settings, dict(calls._options, progress=True))
    if not handles:
        return payload, encode(options)
    if any(handle is not handles[0] for handle in handles):
        raise NotPossible("one handle a job: put a tuple of objects, which is one object")
    if size_of(payload) > _MOST_BESIDE_A_HANDLE:
        raise NotPossible(
            f"the arguments beside a handle take {size_of(payload)} bytes; at most {_MOST_BESIDE_A_HANDLE} fit"
        )
    # The payload is the handle's blob; the call goes with the options.
    options["blob"] = put(handles[0])
    options["args"] = {"call": as_text(bytes_of(payload))}
    return b"", encode(options)


def with_parent(settings: Any, options: dict) -> dict:
    """A job that submits a job lends its place while it waits for it."""
    job = _inside.job_number() if settings.is_inside else 0
    if job:
        options["parent"] = job
    return options
