# SPDX-License-Identifier: MIT
"""A session's jobs: who waits for which, what there is credit for, and what waits here for credit.

It does no input or output and knows neither threads nor event loops: its owner moves the bytes of
``session``, calls ``take`` with the events, and hands out what that answers.
"""

from __future__ import annotations

import collections
import errno
import itertools
import os
from concurrent.futures._base import LOGGER
from typing import Any, Deque, Dict, List, Optional, Tuple, Union

from . import _frames as f
from ._blobs import BlobPool, SentBlob
from ._parcel import Parcel, bytes_of, size_of
from ._session import Blob, Result, Session, refusal

__all__ = ["CancelledHere", "Desk", "Handler", "Sink", "deliver", "hand_out"]

# Descriptors and memory, which jobs that end give back.
_SCARCE = (errno.EMFILE, errno.ENFILE, errno.ENOMEM, errno.ENOSPC)

_LEAST_TOGETHER = 64

Handler = Tuple[str, str]  # pool and name


class Sink:
    """Whoever waits for a job, or for the answer to a request."""

    __slots__ = ()

    tag = 0  # given when it is sent

    def is_wanted(self) -> bool:
        """Whether the job is to leave this process's queue. The desk is in the middle of things, as
        it is with the next two."""
        return True

    def on_sent(self) -> None:
        """It has left the queue. Whoever gives it up from now on tells the desk."""

    def on_sent_at_once(self) -> None:
        """The same, for a job that nobody has seen yet."""

    def on_result(self, result: Result) -> None:
        raise NotImplementedError

    def on_value(self, result: Result) -> bool:
        """The result of a job that succeeded, on the thread that waits for it, which may be interrupted.
        False: it is for ``on_result`` on another."""
        return False

    def on_event(self, event: Any) -> None:
        raise NotImplementedError

    def on_error(self, error: BaseException) -> None:
        raise NotImplementedError


class CancelledHere(Exception):
    """For a sink whose job was taken back before it was sent."""


Delivery = Tuple[Sink, Any]


def hand_out(deliveries: List[Delivery]) -> None:
    """On a thread that no callback is to end."""
    for sink, event in deliveries:
        try:
            deliver(sink, event)
        except (SystemExit, KeyboardInterrupt):
            LOGGER.exception("a callback of %r would end its thread", sink)


def deliver(sink: Sink, event: Any) -> None:
    if type(event) is Result:
        sink.on_result(event)
    elif isinstance(event, BaseException):
        sink.on_error(event)
    else:
        sink.on_event(event)


# A job under way: its sink (None: nobody wants the result), the bytes and the blob of its payload,
# its handler.
_Entry = Tuple[Optional[Sink], int, Optional[SentBlob], Handler]
_NOBODYS: _Entry = (None, 0, None, ("", ""))
Payload = Union[bytes, Parcel]


class Desk:
    """Not for several threads at once, but for ``return_soon`` and ``drop_soon``."""

    def __init__(self, session: Session) -> None:
        self.session = session
        self._jobs: Dict[int, _Entry] = {}
        # How many were submitted together, by the first of them, which a refusal names.
        self._together: Dict[int, int] = {}
        self._most_together = _LEAST_TOGETHER
        self._requests: Dict[int, Sink] = {}
        self._backlog: Deque[Tuple[Sink, Payload, Handler, bytes]] = collections.deque()
        self._bytes = 0
        self._lent = 0  # blobs of jobs under way
        self._blobs = BlobPool()
        self._returns: Deque[int] = collections.deque()
        self._drops: Deque[int] = collections.deque()
        # Those that jobs of the backlog may have, each with the number of the last of these.
        self._late_drops: Deque[Tuple[int, int]] = collections.deque()
        self._waited = 0  # so many jobs have been in the backlog

    @property
    def under_way(self) -> int:
        """Jobs that were sent and have not ended."""
        return len(self._jobs)

    @property
    def unfinished(self) -> int:
        return len(self._jobs) + len(self._backlog)

    def has_only(self, sink: Sink) -> bool:
        """Whether its job is under way, and the daemon's next words are about it."""
        entry = self._jobs.get(sink.tag)
        if entry is None or entry[0] is not sink:
            return False
        return len(self._jobs) == 1 and not self._backlog and not self._requests

    def has_room(self, size: int, count: int = 1) -> bool:
        """Whether the daemon would take so many jobs now, with payloads of so many bytes in all."""
        jobs = len(self._jobs)
        if not jobs and count == 1:
            return True
        welcome = self.session.welcome
        assert welcome is not None
        return jobs + count <= welcome.credit_jobs and self._bytes + size <= welcome.credit_bytes

    def room_for_jobs(self) -> int:
        """So many would the daemon take now, if they are small."""
        jobs = len(self._jobs)
        welcome = self.session.welcome
        assert welcome is not None
        if not jobs:
            return max(welcome.credit_jobs, 1)
        return welcome.credit_jobs - jobs if self._bytes <= welcome.credit_bytes else 0

    def submit(self, sink: Sink, payload: Payload, handler: Handler, meta: bytes) -> int:
        """How many jobs are under way with it, which goes out now; 0 where it waits for credit. ``OSError``
        when there is no descriptor or memory for its payload, and none comes back from the jobs before it.
        """
        size = len(payload) if type(payload) is bytes else size_of(payload)
        jobs = self._jobs
        room = not self._backlog and (not jobs or self.has_room(size))
        if room and self._send(sink, payload, size, handler, meta):
            sink.on_sent_at_once()
            return len(jobs)
        if type(payload) is Parcel:
            payload.keep()
        self._backlog.append((sink, payload, handler, meta))
        self._waited += 1
        return 0

    def submit_many(
        self, sinks: List[Sink], payloads: List[bytes], handler: Handler, meta: bytes
    ) -> bool:
        """The same for jobs of inline payloads that fit one frame. The sinks of those that go out now are
        not told so; such jobs are taken or refused together."""
        count = len(sinks)
        size = sum(map(len, payloads))
        if count < 2 or self._backlog or not self.has_room(size, count):
            for sink, payload in zip(sinks, payloads):
                self.submit(sink, payload, handler, meta)
            return not self._backlog
        session = self.session
        number = session.numbers.get(handler) or session.opened(handler)
        first = session.submit_many(number, payloads, meta)
        jobs = self._jobs
        for tag, sink, payload in zip(itertools.count(first), sinks, payloads):
            sink.tag = tag  # type: ignore[misc] # each has a place for it
            jobs[tag] = (sink, len(payload), None, handler)
        self._bytes += size
        self._together[first] = count
        if len(self._together) > self._most_together:
            # Of one whose first job has ended no refusal comes any more.
            self._together = {tag: n for tag, n in self._together.items() if tag in jobs}
            self._most_together = 2 * len(self._together) + _LEAST_TOGETHER
        return True

    def cancel(self, sink: Sink) -> bool:
        """Nobody wants the job's result any more; whether the sink hears no more. One that waits
        here is asked by ``is_wanted`` later."""
        entry = self._jobs.get(sink.tag)
        if entry is None or entry[0] is not sink:
            return sink.tag == 0
        self.session.cancel(sink.tag)  # before, for who is interrupted cancels again
        self._jobs[sink.tag] = (None,) + entry[1:]
        return True

    def cancel_under_way(self) -> None:
        """All that was sent; their sinks hear of it when it has happened."""
        if self._jobs:
            self.session.cancel_all(self.session.new_tag())

    def cancel_waiting(self) -> None:
        """The same, but for those that run."""
        if self._jobs:
            self.session.cancel_all(self.session.new_tag(), unless_running=True)

    def take_back(self) -> List[Delivery]:
        """What was not sent yet, with what to tell it."""
        taken: List[Delivery] = [(entry[0], CancelledHere()) for entry in self._backlog]
        self._backlog.clear()
        return taken

    def put(self, sink: Sink, descriptor: int, size: int) -> int:
        tag = self._request(sink)
        self.session.put(tag, descriptor, size)
        return tag

    def ask(self, sink: Sink, kind: int, meta: Optional[dict] = None) -> None:
        self.session.ask(kind, self._request(sink), meta)

    def _request(self, sink: Sink) -> int:
        tag = self.session.new_tag()
        self._requests[tag] = sink
        return tag

    # For finalizers, which run in any thread at any time.

    def return_soon(self, job: int) -> None:
        self._returns.append(job)

    def drop_soon(self, tag: int) -> None:
        self._drops.append(tag)

    # For the owner.

    def settle(self) -> List[Delivery]:
        """After events: says what finalizers have left, and sends what there is credit for now.
        Whose jobs cannot be sent, and why."""
        while self._returns:
            job = self._returns.popleft()
            self.session.return_result(job)
            self._blobs.returned(job)
        while self._drops:
            self._late_drops.append((self._drops.popleft(), self._waited))
        failed: List[Delivery] = []
        while self._backlog:
            sink, payload, handler, meta = self._backlog[0]
            size = size_of(payload)
            if not self.has_room(size):
                break
            if sink.is_wanted():
                try:
                    if not self._send(sink, payload, size, handler, meta):
                        break
                    sink.on_sent()
                except OSError as error:
                    failed.append((sink, error))
            self._backlog.popleft()
        gone = self._waited - len(self._backlog)
        while self._late_drops and self._late_drops[0][1] <= gone:
            self.session.drop(self._late_drops.popleft()[0])
        return failed

    def take(self, events: List[Any]) -> List[Delivery]:
        """Whose each event is."""
        out: List[Delivery] = []
        jobs = self._jobs
        for event in events:
            tag = event.tag
            if type(event) is Result:
                # Nobody's: whoever submitted it was interrupted before that was noted.
                sink, size, blob, _ = jobs.pop(tag, _NOBODYS)
                self._bytes -= size
                if blob is not None:
                    self._part_with(blob, event, sink is not None)
                if sink is not None:
                    out.append((sink, event))
                elif type(event.payload) is Blob:
                    os.close(event.payload.descriptor)
                    self.session.return_result(event.job)
            elif tag in jobs:
                self._take_event(jobs[tag], event, out)
            elif event.kind == f.ERROR and self.session.note_refused(tag, event.meta):
                pass  # the submits that name this handler are refused, too
            elif tag in self._requests:
                answer = refusal(event.meta) if event.kind == f.ERROR else event
                out.append((self._requests.pop(tag), answer))
        return out

    def take_sole(self, result: Result) -> None:
        """Of a job that its sink was told of already, which came with no blob."""
        _, size, blob, _ = self._jobs.pop(result.tag, _NOBODYS)
        self._bytes -= size
        if blob is not None:
            self._take_home(blob)

    def _take_event(self, entry: _Entry, event: Any, out: List[Delivery]) -> None:
        if event.kind != f.ERROR:
            if entry[0] is not None:
                out.append((entry[0], event))
            return
        for tag in range(event.tag, event.tag + self._together.pop(event.tag, 1)):
            sink, size, blob, handler = self._jobs.pop(tag, _NOBODYS)
            self._bytes -= size
            if blob is not None:
                self._take_home(blob)
            if sink is not None:
                out.append((sink, refusal(self.session.why_refused(handler) or event.meta)))

    def end(self, error: BaseException) -> List[Delivery]:
        """Everybody who still waits, with ``error``."""
        orphans: List[Delivery] = [
            (entry[0], error) for entry in self._jobs.values() if entry[0] is not None
        ]
        orphans += [(entry[0], error) for entry in self._backlog]
        orphans += [(sink, error) for sink in self._requests.values()]
        for entry in self._jobs.values():
            if entry[2] is not None:
                entry[2].close()
        self._jobs.clear()
        self._backlog.clear()
        self._requests.clear()
        self._blobs.close()
        self.session.close()
        return orphans

    def _take_home(self, blob: SentBlob) -> None:
        self._lent -= 1
        self._blobs.give_back(blob)

    def _part_with(self, blob: SentBlob, result: Result, is_read: bool) -> None:
        """The payload of a job that has ended, which others than its worker may look at."""
        payload = result.payload
        if is_read and type(payload) is Blob and blob.is_at(payload.descriptor):
            self._lent -= 1
            self._blobs.leave(blob, result.job)
        elif result.meta.get("poison"):
            self._lent -= 1
            blob.close()  # the daemon has set the job aside with it, for whoever tries it again
        else:
            self._take_home(blob)

    def _send(self, sink: Sink, payload: Payload, size: int, handler: Handler, meta: bytes) -> bool:
        """False: it has to wait for what the jobs before it will give back."""
        session = self.session
        number = session.numbers.get(handler) or session.opened(handler)
        blob = None
        if size <= f.MOST_INLINE:
            data = payload if type(payload) is bytes else bytes_of(payload)
            tag = session.submit(number, data, meta)
        else:
            try:
                tag, blob = self._send_large(number, payload, size, meta)
            except OSError as error:
                if error.errno not in _SCARCE or (self._blobs.empty and not self._lent):
                    raise
                # What is kept warm may be what it needs.
                self._blobs.close()
                if self._lent:
                    return False
                tag, blob = self._send_large(number, payload, size, meta)
            self._lent += 1
        sink.tag = tag  # type: ignore[misc] # each has a place for it
        self._jobs[tag] = (sink, size, blob, handler)
        self._bytes += size
        return True

    def _send_large(
        self, number: int, payload: Payload, size: int, meta: bytes
    ) -> Tuple[int, SentBlob]:
        blob = self._blobs.take(size)
        try:
            with blob.view(size) as view:
                if type(payload) is bytes:
                    view[:] = payload
                else:
                    payload.write_to(view)  # type: ignore[union-attr]
            return self.session.submit_blob(number, blob.descriptor, size, meta), blob
        except BaseException:
            blob.close()  # not for others: when this was interrupted it may be on its way already
            raise
