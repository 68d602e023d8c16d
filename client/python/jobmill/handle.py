# SPDX-License-Identifier: MIT
"""An object that was given to the daemon once."""

from __future__ import annotations

import weakref
from typing import Any, Callable, List, Tuple

from ._blobs import SentBlob
from ._parcel import Parcel, dumping, take_handle
from .errors import NotPossible

__all__ = ["Handle"]


class Handle:
    """What ``put()`` answers. Among the arguments of a job it becomes the object, whose arrays are
    read-only views of memory that all jobs share. Freed by ``release()``, at the end of a ``with``,
    or with its last reference; jobs that have it keep it."""

    def __init__(self, parcel: Parcel) -> None:
        #: Bytes that the object takes.
        self.size = parcel.size
        blob = SentBlob(parcel.size)
        with blob.view(parcel.size) as view:
            parcel.write_to(view)
        blob.unmap()
        self._blob = blob
        self._tags: List[Tuple[Any, int]] = []  # a weak reference to a session, and its tag there
        self._finalizer = weakref.finalize(self, _release, self._tags, blob)
        self._finalizer.atexit = False

    def release(self) -> None:
        """No further job can have it."""
        self._finalizer()

    def __enter__(self) -> "Handle":
        return self

    def __exit__(self, *_: Any) -> None:
        self.release()

    def __repr__(self) -> str:
        return (
            f"<jobmill.Handle of {self.size} bytes{'' if self._finalizer.alive else ', released'}>"
        )

    def __reduce__(self) -> Any:
        if dumping.handles is None:
            raise NotPossible(
                "a handle is of this process: only jobs of an executor or a pool can have it"
            )
        if not self._finalizer.alive:
            raise NotPossible("this handle was released")
        for index, handle in enumerate(dumping.handles):
            if handle is self:
                break
        else:
            index = len(dumping.handles)
            dumping.handles.append(self)
        return take_handle, (index,)

    def tag_on(self, owner: Any, put: Callable[[int, int], int]) -> int:
        """What the daemon knows it by in a session, ``owner``, which is given it by ``put`` when it
        does not."""
        if not self._finalizer.alive:
            raise NotPossible("this handle was released")
        for reference, tag in self._tags:
            if reference() is owner:
                return tag
        tag = put(self._blob.descriptor, self._blob.capacity)
        self._tags[:] = [entry for entry in self._tags if entry[0]() is not None]
        self._tags.append((weakref.ref(owner), tag))
        return tag


def _release(tags: List[Tuple[Any, int]], blob: SentBlob) -> None:
    for reference, tag in tags:
        owner = reference()
        if owner is not None:
            owner.drop_soon(tag)
    blob.close()
