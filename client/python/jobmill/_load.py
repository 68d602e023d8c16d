# SPDX-License-Identifier: MIT
"""From the payload of a result to its value."""

from __future__ import annotations

from pickle import loads
from typing import Any, Protocol, Tuple, Union

from ._blobs import map_blob
from ._parcel import PICKLED, load_object, unpack_pid
from ._session import Blob, Result

__all__ = ["load_bytes", "load_python"]


class _Lender(Protocol):
    """Whoever is told that nothing looks at a job's blob any more."""

    def return_soon(self, job: int) -> None:
        ...


def load_python(result: Result, lender: _Lender) -> Tuple[Any, int]:
    """What a Python function answered, and the pid of its worker. Arrays look at the blob and keep
    it."""
    payload = result.payload
    # Nearly all are such, so this is not left to load_object(), which is one more call.
    if type(payload) is bytes and payload.startswith(PICKLED):
        return loads(payload), unpack_pid(payload, len(payload) - 4)[0]
    return load_object(load_bytes(result, lender))


def load_bytes(result: Result, lender: _Lender) -> Union[bytes, memoryview]:
    """What a native handler answered; a large one is a read-only view of memory, not copied."""
    payload = result.payload
    if not isinstance(payload, Blob):
        return payload
    job = result.job
    return map_blob(payload.descriptor, payload.size, lambda: lender.return_soon(job))
