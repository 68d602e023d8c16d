# SPDX-License-Identifier: MIT
"""``Pool``: jobs for asyncio, without a thread.

>>> async with Pool() as pool:
...     print(await pool.run(pow, 2, 10))
...     async for item in pool.imap_unordered(math.factorial, range(10)):
...         print(item.index, item.value)
"""

from __future__ import annotations

import asyncio
import collections
import os
import time
from typing import Any, AsyncIterator, Deque, List, Mapping, Optional

from . import _frames as f
from ._aio_calls import Calls
from ._aio_job import Job, Output, Retrying
from ._desk import Delivery, Desk, Sink, deliver
from ._future import Progress
from ._parcel import TELL_PID, dump_object
from ._session import Session, refusal
from ._settings import Settings
from ._stream import Item
from ._wire import begin, connect, receive
from .errors import DaemonGone, NotPossible
from .handle import Handle
from .options import job_options

__all__ = ["Item", "Job", "Output", "Pool", "Progress", "Retrying"]

# A turn of the loop reads so much, and hands out results for so long; the rest waits for the next
# one.
_READ_AT_ONCE = 65_536
_TURN_SECONDS = 0.001
_GREETING_PATIENCE = 20.0


class _Options(Calls):
    def __init__(self, pool: "Pool", options: Mapping[str, Any]) -> None:
        self._pool = pool
        self._options = options
        self._flags = TELL_PID if options.get("started") else 0


class Pool(Calls):
    """Workers of jobmilld for one event loop. The parameters are ``Executor``'s.

    ``async with`` starts a private daemon where none is named, without stopping the loop for it,
    and at its end waits for the jobs, or cancels them when it is left by an exception.
    """

    def __init__(self, max_workers: Optional[int] = None, **settings: Any) -> None:
        self._own_settings = Settings(max_workers, **settings)
        self._pool = self
        self._options = {}
        self._loop: asyncio.AbstractEventLoop = None  # type: ignore[assignment]
        self._desk: Optional[Desk] = None
        self._socket: Any = None
        self._reading = False
        self._writing = False
        self._flushing = False
        self._error: Optional[BaseException] = None
        self._deliveries: Deque[Delivery] = collections.deque()
        self._change_waiters: Deque["asyncio.Future[None]"] = collections.deque()
        self._room_waiters: Deque["asyncio.Future[None]"] = collections.deque()

    async def __aenter__(self) -> "Pool":
        await self.open()
        return self

    async def __aexit__(self, kind: Any, value: Any, traceback: Any) -> None:
        await self.close(cancel=kind is not None)

    async def open(self) -> None:
        """Connects, and starts a daemon if need be."""
        self._loop = asyncio.get_running_loop()
        try:
            path = self._settings.begin()
            pause = 0.001
            while not self._settings.is_ready():
                await asyncio.sleep(pause)
                pause = min(pause * 1.5, 0.05)
            self._socket = connect(path)
            session = begin(self._socket, f"jobmill-python {os.getpid()}")
            await self._greeted(session)
        except BaseException as error:
            # Whoever could not open it does not close it.
            if isinstance(error, DaemonGone):
                error = self._settings.explained(error)
            self._end(DaemonGone("the pool is closed"))
            self._settings.end()
            raise error
        self._desk = Desk(session)
        self._read()

    async def _greeted(self, session: Session) -> None:
        # Not by wait_for(), which before Python 3.12 may lose a cancel, Ctrl-C's too.
        readable = asyncio.Event()
        end = self._loop.time() + _GREETING_PATIENCE
        alarm = self._loop.call_at(end, readable.set)
        self._loop.add_reader(self._socket, readable.set)
        try:
            while session.welcome is None:
                await readable.wait()
                readable.clear()
                if self._loop.time() >= end:
                    raise DaemonGone("the daemon does not answer")
                try:
                    events = receive(self._socket, session)
                except BlockingIOError:
                    continue
                for event in events:
                    if getattr(event, "kind", None) == f.ERROR:
                        raise refusal(event.meta)
        finally:
            alarm.cancel()
            self._loop.remove_reader(self._socket)

    async def close(self, *, cancel: bool = False) -> None:
        """Waits for the jobs, or cancels them, then lets go of the daemon. The loop goes on
        meanwhile. A task that is cancelled here cancels the jobs, and lets go of the daemon first.
        """
        try:
            await self._await_jobs(cancel)
        finally:
            self._end(DaemonGone("the pool is closed"))
            self._settings.ask_to_stop()
            try:
                pause = 0.001
                while not self._settings.has_stopped():
                    await asyncio.sleep(pause)
                    pause = min(pause * 1.5, 0.05)
            finally:
                self._settings.end()

    async def _await_jobs(self, cancel: bool) -> None:
        desk = self._desk
        if desk is None or self._error is not None:
            return
        if cancel:
            self._deliveries.extend(desk.take_back())
            desk.cancel_under_way()
            self._flush_soon()
            self._schedule()
        try:
            while desk.unfinished or self._deliveries:
                await self._change()
        except BaseException:
            if not cancel:
                await self._await_jobs(cancel=True)
            raise

    def options(self, **options: Any) -> _Options:
        """A view of this pool whose jobs have these options; see ``jobmill.options``."""
        return _Options(self, job_options(**options))

    async def put(self, value: Any) -> Handle:
        """As ``Executor.put``."""
        desk = self._open_desk()
        handle = Handle(dump_object(value, os.getpid()))
        answer = _Answer(self._loop)
        handle.tag_on(desk, lambda descriptor, size: desk.put(answer, descriptor, size))
        self._flush_soon()
        try:
            await answer.future
        except BaseException:
            handle.release()
            raise
        return handle

    async def handlers(self) -> List[dict]:
        """The handlers of this pool: dicts of ``name``, ``help`` and ``module``."""
        answer = _Answer(self._loop)
        self._open_desk().ask(answer, f.HANDLERS)
        self._flush_soon()
        for pool in (await answer.future).payload["pools"]:
            if pool["name"] == self._settings.pool:
                return pool["handlers"]
        raise NotPossible(f"the daemon has no pool {self._settings.pool!r}")

    async def events(self, job: Job) -> AsyncIterator[Any]:
        """``Progress``, ``Output`` and ``Retrying`` of a job from now on, until it has ended."""
        queue: "asyncio.Queue[Any]" = asyncio.Queue()
        job._listeners.append(queue)
        try:
            while not (job.done() and queue.empty()):
                event = await queue.get()
                if event is None:
                    return
                yield event
        finally:
            job._listeners.remove(queue)

    # Inside.

    def _open_desk(self) -> Desk:
        if self._error is not None:
            raise self._error
        if self._desk is None:
            raise RuntimeError("the pool is not open: use it in 'async with', or await its open()")
        return self._desk

    def _tag_of(self, handle: Handle) -> int:
        desk = self._open_desk()
        sink = _Ignored()
        return handle.tag_on(desk, lambda descriptor, size: desk.put(sink, descriptor, size))

    async def _room(self) -> None:
        """Until there is credit. Who makes no use of it calls ``_offer_room``."""
        while not self._open_desk().has_room(0):
            waiter = self._loop.create_future()
            self._room_waiters.append(waiter)
            try:
                await waiter
            except BaseException:
                self._offer_room()
                raise

    def _offer_room(self) -> None:
        """Wakes as many as there is room for: any number may wait for it."""
        waiters = self._room_waiters
        if not waiters:
            return
        room = len(waiters)
        if self._desk is not None and self._error is None:
            room = self._desk.room_for_jobs()
        while waiters and room > 0:
            waiter = waiters.popleft()
            if not waiter.done():
                waiter.set_result(None)
                room -= 1

    def _change(self) -> "asyncio.Future[None]":
        """Done when jobs have ended, or all is over."""
        waiter = self._loop.create_future()
        self._change_waiters.append(waiter)
        return waiter

    def _wake_waiters(self) -> None:
        waiters, self._change_waiters = self._change_waiters, collections.deque()
        for waiter in waiters:
            if not waiter.done():
                waiter.set_result(None)
        self._offer_room()

    def _cancel(self, sink: Sink) -> None:
        if self._desk is not None and self._error is None:
            self._desk.cancel(sink)
            self._flush_soon()

    def _flush_soon(self) -> None:
        """What is submitted in one turn of the loop goes out in one piece."""
        if not self._flushing:
            self._flushing = True
            self._loop.call_soon(self._flush)

    def _flush(self) -> None:
        self._flushing = False
        if self._error is not None or self._desk is None:
            return
        failed = self._desk.settle()
        if failed:
            self._deliveries.extend(failed)
            self._schedule()
        try:
            done = self._desk.session.out.send(self._socket)
        except OSError:
            return  # the reader finds out what happened
        if done == self._writing:
            self._writing = not done
            if done:
                self._loop.remove_writer(self._socket)
            else:
                self._loop.add_writer(self._socket, self._flush)

    def _read(self) -> None:
        if not self._reading:
            self._reading = True
            self._loop.add_reader(self._socket, self._on_readable)

    def _on_readable(self) -> None:
        desk = self._desk
        assert desk is not None
        try:
            self._deliveries.extend(desk.take(receive(self._socket, desk.session, _READ_AT_ONCE)))
        except BlockingIOError:
            return
        except DaemonGone as error:
            self._end(error)
            return
        except OSError as error:
            self._end(DaemonGone(f"the daemon is gone: {error}"))
            return
        self._flush()
        self._hand_out()

    def _schedule(self) -> None:
        self._loop.call_soon(self._hand_out)

    def _hand_out(self) -> None:
        """Hands out results for a while; the loop has other things to do, too."""
        deliveries = self._deliveries
        end = time.perf_counter() + _TURN_SECONDS
        while deliveries:
            sink, event = deliveries.popleft()
            deliver(sink, event)
            if time.perf_counter() > end:
                break
        self._wake_waiters()
        if deliveries:
            if self._reading:
                self._reading = False
                self._loop.remove_reader(self._socket)
            self._schedule()
        elif self._error is None:
            self._read()

    def _end(self, error: BaseException) -> None:
        if self._error is not None:
            return
        self._error = error
        if self._socket is not None:
            self._loop.remove_reader(self._socket)
            if self._writing:
                self._loop.remove_writer(self._socket)
            self._socket.close()
        if self._desk is not None:
            self._deliveries.extend(self._desk.end(error))
        self._reading = False
        self._hand_out()


class _Answer(Sink):
    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self.future: "asyncio.Future[Any]" = loop.create_future()

    def on_event(self, event: Any) -> None:
        if not self.future.done():
            self.future.set_result(event)

    def on_error(self, error: BaseException) -> None:
        if not self.future.done():
            self.future.set_exception(error)


class _Ignored(Sink):
    """Of a put again: a job that needs it says what is wrong."""

    def on_event(self, event: Any) -> None:
        pass

    def on_error(self, error: BaseException) -> None:
        pass
