# SPDX-License-Identifier: MIT
"""What can be submitted to an ``aio.Pool``."""

from __future__ import annotations

import asyncio
from typing import (
    TYPE_CHECKING,
    Any,
    AsyncIterable,
    AsyncIterator,
    Awaitable,
    Callable,
    Iterable,
    List,
    Mapping,
    Optional,
    Union,
)

from ._aio_feed import Feed
from ._aio_job import Job
from ._call import encode_call, with_parent
from ._load import load_bytes, load_python
from ._parcel import HANDLER, Parcel
from ._session import Result
from ._settings import Settings
from ._stream import Item
from .handle import Handle
from .options import encode

if TYPE_CHECKING:
    from .aio import Pool

__all__ = ["Calls"]

_DEFAULT_WINDOW = 256


class Calls:
    """What can be submitted, with options of its own: a pool, and what its ``options()`` answers."""

    _pool: "Pool"
    _options: Mapping[str, Any]
    _meta = b""
    _flags = 0

    @property
    def _settings(self) -> Settings:
        return self._pool._own_settings

    def _make_meta(self) -> bytes:
        self._meta = encode(dict(self._options, progress=True))
        return self._meta

    def submit(self, fn: Callable[..., Any], /, *args: Any, **kwargs: Any) -> Job:
        """A job that runs ``fn(*args, **kwargs)``; ``await`` it for the result. Never waits: what
        there is no credit for waits here. Raises ``NotPossible`` when they cannot be sent."""
        pool = self._pool
        desk = pool._open_desk()
        payload, meta = encode_call(self, fn, args, kwargs, pool._tag_of)
        job = Job(pool, _load_call)
        desk.submit(job, payload, (pool._settings.pool, HANDLER), meta)
        pool._flush_soon()
        return job

    async def run(self, fn: Callable[..., Any], /, *args: Any, **kwargs: Any) -> Any:
        """The result of ``fn(*args, **kwargs)``. Waits until there is credit before it submits, so
        that any number of tasks may call it. A task that is cancelled stops its job."""
        await self._pool._room()
        try:
            job = self.submit(fn, *args, **kwargs)
        except BaseException:
            self._pool._offer_room()
            raise
        return await job

    def call(self, handler: str, /, payload: Any = b"", **arguments: Any) -> Job:
        """A job of a native handler, without pickle; its result is bytes, or for a large one a
        read-only memoryview."""
        pool = self._pool
        desk = pool._open_desk()
        options = with_parent(pool._settings, dict(self._options, progress=True))
        if arguments:
            options["args"] = arguments
        if isinstance(payload, Handle):
            options["blob"] = pool._tag_of(payload)
            payload = b""
        view = memoryview(payload.encode() if isinstance(payload, str) else payload).cast("B")
        job = Job(pool, _load_native)
        desk.submit(
            job, Parcel((view,), view.nbytes), (pool._settings.pool, handler), encode(options)
        )
        pool._flush_soon()
        return job

    async def imap_unordered(
        self,
        fn: Callable[..., Any],
        iterable: Union[Iterable[Any], AsyncIterable[Any]],
        *,
        buffersize: Optional[int] = None,
    ) -> AsyncIterator[Item]:
        """An ``Item`` for each element in the order in which they are done. A failure ends nothing.
        The elements, of an asynchronous iterable too, are taken as there is room for them:
        ``buffersize`` jobs are under way at most. Leaving the loop cancels them (at once within
        ``contextlib.aclosing``)."""
        if buffersize is not None and buffersize < 1:
            raise ValueError("buffersize must be None or > 0")
        feed = Feed(self, fn, iterable, buffersize or _DEFAULT_WINDOW)
        try:
            while await feed.advance():
                for item in feed.take():
                    yield item
        finally:
            feed.close()

    async def as_completed(self, jobs: Iterable[Awaitable[Any]]) -> AsyncIterator[Any]:
        """Each of the jobs (or other futures), itself, as it is done."""
        done: "asyncio.Queue[Any]" = asyncio.Queue()
        waiting = [asyncio.ensure_future(job) for job in jobs]
        for job in waiting:
            job.add_done_callback(done.put_nowait)
        try:
            for _ in range(len(waiting)):
                yield await done.get()
        finally:
            for job in waiting:
                job.remove_done_callback(done.put_nowait)

    async def gather(self, *jobs: Awaitable[Any], return_exceptions: bool = False) -> List[Any]:
        """The results in the order of the jobs. Unless ``return_exceptions``, the first failure is
        raised, and the jobs that are left are cancelled, which ``asyncio.gather`` does not do."""
        waiting = [asyncio.ensure_future(job) for job in jobs]
        try:
            return await asyncio.gather(*waiting, return_exceptions=return_exceptions)
        except BaseException:
            for job in waiting:
                job.cancel()
            raise


def _load_call(result: Result, job: Job) -> Any:
    desk = job._pool._desk
    assert desk is not None
    value, job.worker_pid = load_python(result, desk)
    return value


def _load_native(result: Result, job: Job) -> Any:
    desk = job._pool._desk
    assert desk is not None
    return load_bytes(result, desk)
