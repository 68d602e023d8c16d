# SPDX-License-Identifier: MIT
"""A session on a thread of its own: any thread submits, one reads and delivers.

Whoever submits writes to the socket himself, so that no other thread has to wake for it; what the
socket does not take, and what waits for credit, the reading thread writes later.
"""

from __future__ import annotations

import select
import threading
import time
from typing import Any, Callable, List, Optional

from ._answer import Answer
from ._bell import Bell
from ._desk import Delivery, Desk, Handler, Payload, Sink, deliver
from ._wire import connect, greet, receive, send
from .errors import DaemonGone

__all__ = ["Link"]

# While so few jobs are under way each is sent at once; beyond it they go out several at a time.
_FEW = 16
_GATHERED = 32
# While jobs are being submitted and so many are under way, results are let gather for a moment:
# each time that the reading thread wakes, it takes the interpreter from whoever submits.
_MANY = 16
_LULL = 0.0005
# Its thread may be in a callback that waits for whoever looks; and a daemon that dies closes one
# connection after the other.
_LOOK_PATIENCE = 1.0
_SHORT_LOOK = 0.05


class Link:
    """A connected session and its thread. ``on_end`` is called when it is over, and before whoever
    waits is told."""

    def __init__(self, path: str, client: str, on_end: Callable[["Link"], None]) -> None:
        self.path = path
        self._on_end = on_end
        self._socket = connect(path)
        try:
            session = greet(self._socket, client)
        except BaseException:
            self._socket.close()
            raise
        self._session = session
        self._desk = Desk(session)
        self._lock = threading.Lock()
        self._idle = threading.Condition(self._lock)
        self._gathered = 0
        self._submitted = 0
        self._woken = False
        self._refuses = False
        self._closed = False
        self._error: Optional[BaseException] = None
        self._over = threading.Event()
        self._bell = Bell()
        self._thread = threading.Thread(target=self._run, name="jobmill-link", daemon=True)
        self._thread.start()

    # For any thread.

    def submit(self, sink: Sink, payload: Payload, handler: Handler, meta: bytes) -> None:
        """Queues a job; never waits."""
        with self._lock:
            if self._error is not None:
                self._on_end(self)  # who hears of it may submit to the next one
                raise self._error
            if self._refuses:
                raise RuntimeError("cannot schedule new futures after shutdown")
            desk = self._desk
            if not desk.submit(sink, payload, handler, meta):
                return
            self._gathered += 1
            self._submitted += 1
            if desk.under_way <= _FEW or self._gathered >= _GATHERED:
                self._flush()
            else:
                self._wake()

    def refuse_jobs(self) -> None:
        """From now on, so that who waits until it is idle may close it then."""
        with self._lock:
            self._refuses = True

    def cancel(self, sink: Sink) -> bool:
        """Nobody wants the job's result any more: it is stopped, wherever it is. Whether the sink
        hears no more."""
        with self._lock:
            if self._error is not None:
                return False
            heard_all = self._desk.cancel(sink)
            self._flush()
            return heard_all

    def cancel_waiting(self) -> None:
        """Takes back what was not sent yet, and cancels what was and does not run. Every sink hears
        of it."""
        with self._lock:
            taken = self._desk.take_back()
            if self._error is None:
                self._desk.cancel_waiting()
                self._flush()
        _hand_out(taken)

    def cancel_all(self) -> None:
        """Ends everything that is under way and all that waits here. Every sink hears of it."""
        with self._lock:
            taken = self._desk.take_back()
        _hand_out(taken)
        with self._lock:
            if self._error is None:
                self._desk.cancel_under_way()
                self._flush()

    def put(self, descriptor: int, size: int) -> int:
        """Gives the daemon a blob, and waits until it says that it has it; its tag."""
        answer = Answer()
        with self._lock:
            if self._error is not None:
                raise self._error
            tag = self._desk.put(answer, descriptor, size)
            self._flush()
        answer.get()
        return tag

    def ask(self, kind: int, meta: Optional[dict] = None, patience: float = 60.0) -> Any:
        """The answer to STATUS or HANDLERS, a document."""
        answer = Answer()
        with self._lock:
            if self._error is not None:
                raise self._error
            self._desk.ask(answer, kind, meta)
            self._flush()
        return answer.get(patience).payload

    def drop_soon(self, tag: int) -> None:
        """For finalizers: takes no lock."""
        self._desk.drop_soon(tag)
        self._bell.ring()

    def return_soon(self, job: int) -> None:
        """For finalizers: takes no lock."""
        self._desk.return_soon(job)
        self._bell.ring()

    def wait_until_idle(self, timeout: Optional[float] = None) -> bool:
        """Until no job of this link is unfinished, and each was delivered."""
        with self._idle:
            return self._idle.wait_for(
                lambda: not self._desk.unfinished and not self._delivering, timeout
            )

    @property
    def unfinished(self) -> int:
        return self._desk.unfinished

    def close(self) -> None:
        """The end of the session; what is unfinished is cancelled by the daemon."""
        self._closed = True
        self._bell.ring()
        if threading.current_thread() is not self._thread:
            self._thread.join()

    def look(self) -> None:
        """When another session has ended with the daemon: returns once the end of this one is known,
        if it comes with it, so that who hears of the other may submit to the next daemon."""
        with self._lock:
            if self._error is not None:
                return
            poll = select.poll()
            poll.register(self._socket, 0)
            ended = bool(poll.poll(0))
        if threading.current_thread() is not self._thread:
            self._over.wait(_LOOK_PATIENCE if ended else _SHORT_LOOK)

    def abandon(self) -> None:
        """In the child of a fork: forgets the connection, which is the parent's."""
        self._error = DaemonGone("this connection is of the process that was forked")
        self._lock = threading.Lock()
        self._socket.close()
        self._bell.close()

    # Under the lock.

    def _flush(self) -> None:
        self._gathered = 0
        try:
            if not send(self._socket, self._session):
                self._wake()
        except OSError:
            self._wake()  # the reading thread finds out what happened

    def _wake(self) -> None:
        if not self._woken:
            self._woken = True
            self._bell.ring()

    # The reading thread.

    _delivering = False
    _writing = False

    def _run(self) -> None:
        error: BaseException = DaemonGone("the connection was closed here")
        poll = select.poll()
        poll.register(self._socket, select.POLLIN)
        poll.register(self._bell.descriptor, select.POLLIN)
        try:
            while not self._closed:
                self._submitted = 0
                self._turn(poll)
                if self._submitted > 1 and self._desk.under_way >= _MANY:
                    time.sleep(_LULL)
        except DaemonGone as gone:
            error = gone
        except OSError as gone:
            error = DaemonGone(f"the daemon is gone: {gone}")
        except Exception as raised:
            # Nobody is to wait for a thread that is gone.
            error = DaemonGone(f"the connection was given up: {raised!r}")
            error.__cause__ = raised
        self._end(error)

    def _turn(self, poll: Any) -> None:
        if self._writing != bool(self._session.unsent):
            self._writing = not self._writing
            poll.modify(self._socket, select.POLLIN | (select.POLLOUT if self._writing else 0))
        ready = dict(poll.poll())
        if self._bell.descriptor in ready:
            self._bell.quiet()
        deliveries: List[Delivery] = []
        with self._lock:
            self._woken = False
            if ready.get(self._socket.fileno(), 0) & ~select.POLLOUT:
                try:
                    deliveries = self._desk.take(receive(self._socket, self._session))
                except BlockingIOError:
                    pass
            deliveries += self._desk.settle()
            if self._session.unsent:
                # What the socket does not take, it says when it does: no need to wake for it.
                self._gathered = 0
                try:
                    send(self._socket, self._session)
                except OSError:
                    pass  # the next read says what happened
            self._delivering = bool(deliveries)
        _hand_out(deliveries)
        if not self._desk.unfinished:
            with self._idle:
                self._delivering = False
                self._idle.notify_all()

    def _end(self, error: BaseException) -> None:
        with self._lock:
            self._error = error
            orphans = self._desk.end(error)
            self._delivering = True
            self._socket.close()
            self._bell.close()
        self._on_end(self)  # before anybody hears of it, and submits to the next one
        self._over.set()
        _hand_out(orphans)
        with self._idle:
            self._delivering = False
            self._idle.notify_all()


def _hand_out(deliveries: List[Delivery]) -> None:
    for sink, event in deliveries:
        deliver(sink, event)
