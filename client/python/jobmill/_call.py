# SPDX-License-Identifier: MIT
"""A Python call as a job: its payload and its options."""

from __future__ import annotations

from typing import Any, Callable, List, Tuple, Union

from . import _inside
from ._parcel import Parcel, dump_call, dump_function, dumping, plain_call
from .errors import NotPossible
from .options import encode

__all__ = ["encode_call", "with_parent"]

_MOST_HANDLES = 8  # inputs of a job, by the protocol


def encode_call(
    calls: Any, fn: Callable[..., Any], args: tuple, kwargs: dict, put: Callable[[Any], int]
) -> Tuple[Union[bytes, Parcel], bytes]:
    """The payload of a call and the options of its job. ``put`` gives the daemon a handle's blob,
    if it has not got it, and answers its tag. Raises ``NotPossible``."""
    settings = calls._settings
    payload: Union[bytes, Parcel, None] = None
    if not kwargs:
        payload = plain_call(fn, args, calls._flags)
        if payload is not None and not settings.is_inside:
            return payload, calls._meta or calls._make_meta()
    handles: List[Any] = []
    if payload is None:
        outer, dumping.handles = dumping.handles, handles
        try:
            payload = dump_call(dump_function(fn), args, kwargs, calls._flags)
        finally:
            dumping.handles = outer
    if not handles and not settings.is_inside:
        return payload, calls._meta or calls._make_meta()
    options = with_parent(settings, dict(calls._options, progress=True))
    if not handles:
        return payload, encode(options)
    if len(handles) > _MOST_HANDLES:
        raise NotPossible(
            f"{len(handles)} handles; a job has at most {_MOST_HANDLES}: put a tuple of objects, which is one object"
        )
    options["inputs"] = [put(handle) for handle in handles]
    return payload, encode(options)


def with_parent(settings: Any, options: dict) -> dict:
    """A job that submits a job lends its place while it waits for it."""
    job = _inside.job_number() if settings.is_inside else 0
    if job:
        options["parent"] = job
    return options
