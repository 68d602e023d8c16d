# SPDX-License-Identifier: MIT
"""From the payload of a result to its value."""

from __future__ import annotations

from typing import Any, Callable, Optional, Tuple, Union

from ._blobs import map_blob
from ._parcel import load_object
from ._session import Blob, Result

__all__ = ["load_bytes", "load_python"]

ReturnLater = Callable[[int], None]


def _bytes_of(result: Result, return_later: Optional[ReturnLater]) -> Union[bytes, memoryview]:
    payload = result.payload
    if not isinstance(payload, Blob):
        return payload
    job = result.job
    on_gone = None if return_later is None else lambda: return_later(job)
    return map_blob(payload.descriptor, payload.size, on_gone)


def load_python(result: Result, return_later: Optional[ReturnLater] = None) -> Tuple[Any, int]:
    """What a Python function answered, and the pid of its worker. Arrays look at the blob and keep
    it."""
    payload = result.payload
    return load_object(payload if type(payload) is bytes else _bytes_of(result, return_later))


def load_bytes(
    result: Result, return_later: Optional[ReturnLater] = None
) -> Union[bytes, memoryview]:
    """What a native handler answered; a large one is a read-only view of memory, not copied."""
    return _bytes_of(result, return_later)
