# SPDX-License-Identifier: MIT
"""A session on a thread of its own: any thread submits, one reads and delivers.

Whoever submits writes to the socket himself, so that no other thread has to wake for it; what the
socket does not take, and what waits for credit, the reading thread writes later. Whoever waits for
the only job that is under way reads its result himself. Nobody but the reading thread runs a
program's callbacks.
"""

from __future__ import annotations

import select
import threading
import time
from typing import Any, Callable, Dict, List, Optional, Tuple

from ._answer import Answer
from ._bell import Bell
from ._desk import Delivery, Desk, Handler, Payload, Sink, hand_out
from ._session import Result
from ._visits import Visits
from ._wire import connect, greet, read, receive, take
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
        self._idle_wanted = False
        self._gathered = 0
        self._submitted = 0
        self._woken = False
        self._refuses = False
        self._closed = False
        self._delivering = False
        self._error: Optional[BaseException] = None
        self._over = threading.Event()
        self._bell = Bell()
        self._visits = Visits(self._socket)
        # What a guest has read. It is the reading thread's, too, until it has been told: a guest may be
        # interrupted between any two steps here, and to be told twice does no harm.
        self._unparsed: List[Any] = []
        self._thread = threading.Thread(target=self._run, name="jobmill-link", daemon=True)
        self._thread.start()

    # For any thread.

    def submit(self, sink: Sink, payload: Payload, handler: Handler, meta: bytes) -> None:
        """Queues a job; never waits."""
        with self._lock:
            if self._refuses:  # it may be closed, too, by now
                raise RuntimeError("cannot schedule new futures after shutdown")
            if self._error is not None:
                self._on_end(self)  # who hears of it may submit to the next one
                raise self._error
            desk = self._desk
            under_way = desk.submit(sink, payload, handler, meta)
            if under_way != 1 or self._visits.guest is not None:
                self._need_reader()
            if not under_way:
                return
            self._gathered += 1
            self._submitted += 1
            if under_way <= _FEW or self._gathered >= _GATHERED:
                self._flush()
            else:
                self._wake()

    def refuse_jobs(self) -> None:
        """From now on. For finalizers, too: takes no lock."""
        self._refuses = True

    def cancel(self, sink: Sink) -> bool:
        """Nobody wants the job's result: it is stopped, wherever it is. Whether the sink hears no more."""
        with self._lock:
            if self._error is not None:
                return False
            heard_all = self._desk.cancel(sink)
            self._flush_for_reader()
            return heard_all

    def cancel_waiting(self) -> None:
        """Takes back what was not sent yet, and cancels what was and does not run. Every sink hears
        of it."""
        self._cancel(self._desk.cancel_waiting)

    def cancel_all(self) -> None:
        """Ends everything that is under way and all that waits here. Every sink hears of it."""
        self._cancel(self._desk.cancel_under_way)

    def _cancel(self, tell: Callable[[], None]) -> None:
        with self._lock:
            taken = self._desk.take_back()
            if self._error is None:
                tell()
                self._flush_for_reader()
        hand_out(taken)

    def tag_of(self, handle: Any) -> int:
        """What the daemon knows a ``Handle`` by here, which is given it first when it does not."""
        return handle.tag_on(self, self._put)

    def _put(self, descriptor: int, size: int) -> int:
        """Gives the daemon a blob, and waits until it says that it has it; its tag."""
        answer, tag = self._request(lambda answer: self._desk.put(answer, descriptor, size))
        try:
            answer.get()
        except BaseException:
            self.drop_soon(tag)  # nobody else knows it
            raise
        return tag

    def ask(self, kind: int, meta: Optional[dict] = None, patience: float = 60.0) -> Any:
        """The answer to STATUS or HANDLERS, a document."""
        answer, _ = self._request(lambda answer: self._desk.ask(answer, kind, meta))
        return answer.get(patience).payload

    def _request(self, send: Callable[[Answer], Any]) -> Tuple[Answer, Any]:
        if self.is_this_thread:
            raise RuntimeError("a callback cannot wait: its thread reads the daemon's answers")
        answer = Answer()
        with self._lock:
            if self._error is not None:
                raise self._error
            sent = send(answer)
            self._flush_for_reader()
        return answer, sent

    def read_for(self, sink: Sink, timeout: Optional[float]) -> Optional[float]:
        """For a thread that is about to wait for ``sink``: while no other job is under way it reads
        the result here. What is left of ``timeout`` (seconds); it is for the sink to say whether it
        has its result."""
        if timeout is not None and timeout <= 0:
            return timeout
        end = None if timeout is None else time.monotonic() + timeout
        visits = self._visits
        with self._lock:
            if self._delivering or self._error is not None or not self._desk.has_only(sink):
                return timeout
            if self._unparsed or visits.taken:
                self._call_reader()
                return timeout
            if visits.begin(sink):
                self._wake()
        told: Optional[Result] = None
        try:
            while told is None and visits.guest is sink and visits.wait(end):
                told = self._read_as_guest(sink)
        finally:
            self._end_visit(told)
        return None if end is None else max(0.0, end - time.monotonic())

    def expect_callback(self) -> None:
        """Somebody wants to be called with a result, and waits for nothing."""
        if self._visits.reader_sleeps:
            with self._lock:
                self._need_reader()

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
        with self._lock:
            self._idle_wanted = True  # from now on
            return self._idle.wait_for(
                lambda: not (self._desk.unfinished or self._delivering), timeout
            )

    @property
    def is_this_thread(self) -> bool:
        """Whether its thread asks, in a callback: nothing comes while that waits."""
        return threading.current_thread() is self._thread

    @property
    def unfinished(self) -> int:
        return self._desk.unfinished

    def close(self) -> None:
        """The end of the session; what is unfinished is cancelled by the daemon."""
        self._closed = True
        self._bell.ring()
        if not self.is_this_thread:
            self._thread.join()

    def look(self) -> None:
        """When another session has ended: returns once the end of this one is known, if it comes with it,
        so that who hears of the other may submit to the next daemon."""
        with self._lock:
            if self._error is not None:
                return
            poll = select.poll()
            poll.register(self._socket, 0)
            ended = bool(poll.poll(0))
        if not self.is_this_thread:
            self._over.wait(_LOOK_PATIENCE if ended else _SHORT_LOOK)

    def abandon(self) -> None:
        """In the child of a fork: forgets the connection, which is the parent's."""
        self._error = DaemonGone("this connection is of the process that was forked")
        self._lock = threading.Lock()
        self._idle = threading.Condition(self._lock)
        self._socket.close()
        self._bell.close()
        self._visits.close()

    # Under the lock.

    def _flush(self) -> None:
        self._gathered = 0
        try:
            if not self._session.out.send(self._socket):
                self._wake()
        except OSError:
            self._wake()  # the reading thread finds out what happened

    def _wake(self) -> None:
        if not self._woken:
            self._bell.ring()
            self._woken = True

    def _flush_for_reader(self) -> None:
        self._flush()
        self._need_reader()

    def _need_reader(self) -> None:
        if self._visits.reader_sleeps:
            self._call_reader()

    def _call_reader(self) -> None:
        """From now on the reading thread reads."""
        self._wake()
        self._visits.call_reader()

    # A guest.

    def _read_as_guest(self, sink: Sink) -> Optional[Result]:
        """What the sink was told."""
        with self._lock:
            if self._visits.guest is not sink:
                return None  # he was dismissed
            session, got = self._session, self._unparsed
            try:
                read(self._socket, session.room(), got)
            except BlockingIOError:
                return None
            except DaemonGone:
                self._call_reader()  # which is told the same
                return None
            result = None if got[0][1] else session.sole_result(got[0][0])
            if result is None or result.tag != sink.tag:
                self._call_reader()
                return None
        if sink.on_value(result):
            return result
        with self._lock:
            self._call_reader()
        return None

    def _end_visit(self, told: Optional[Result]) -> None:
        with self._lock:
            if told is not None:
                if self._unparsed:  # the reading thread was not quicker
                    self._desk.take_sole(told)
                    self._unparsed.clear()
                self._visits.guest = None
            if self._visits.end() or self._unparsed:
                self._call_reader()
            if self._error is not None:
                self._visits.close()
            if self._idle_wanted and not self._desk.unfinished:
                self._idle.notify_all()

    # The reading thread.

    def _run(self) -> None:
        error = DaemonGone("the connection was closed here")
        poll = select.poll()
        poll.register(self._bell.descriptor, select.POLLIN)
        looked_for = 0
        try:
            while not self._closed:
                self._submitted = 0
                look_for = self._interest()
                if look_for != looked_for:
                    poll.register(self._socket, look_for)
                    looked_for = look_for
                self._turn(dict(poll.poll(self._visits.patience)))
                if self._submitted > 1 and self._desk.under_way >= _MANY:
                    time.sleep(_LULL)
        except DaemonGone as gone:
            error = gone
        except OSError as gone:
            error = DaemonGone(f"the daemon is gone: {gone}")
        except BaseException as raised:
            # Nobody is to wait for a thread that is gone.
            error = DaemonGone(f"the connection was given up: {raised!r}")
            error.__cause__ = raised
        self._end(error)

    def _interest(self) -> int:
        # Who does not ask for what comes is not woken by it.
        incoming = select.POLLIN if self._visits.reading else select.POLLRDHUP
        return incoming | (select.POLLOUT if self._session.out else 0)

    def _turn(self, ready: Dict[int, int]) -> None:
        if self._bell.descriptor in ready:
            self._bell.quiet()
        with self._lock:
            self._woken = False
            events = ready.get(self._socket.fileno(), 0) & ~select.POLLOUT
            if events & ~select.POLLIN:
                self._visits.dismiss()  # the end, which everybody has to hear of
            deliveries: List[Delivery] = []
            if self._visits.guest is None:
                deliveries = self._desk.take(self._received(bool(events)))
            deliveries += self._desk.settle()
            if self._session.out:
                # What the socket does not take, it says when it does: no need to wake for it.
                self._gathered = 0
                try:
                    self._session.out.send(self._socket)
                except OSError:
                    pass  # the next read says what happened
            self._visits.choose()
            self._delivering = True
        hand_out(deliveries)
        self._delivering = False
        if self._idle_wanted and not self._desk.unfinished:
            with self._lock:
                self._idle.notify_all()

    def _received(self, more: bool) -> List[Any]:
        """What a guest has left, or else what there is in the socket."""
        if self._unparsed:  # alone: what the socket says may be the end
            return take(self._unparsed.pop(), self._session)
        if more:
            try:
                return receive(self._socket, self._session)
            except BlockingIOError:
                pass
        return []

    def _end(self, error: BaseException) -> None:
        with self._lock:
            self._error = error
            orphans: List[Delivery] = []
            try:
                orphans += self._desk.take(self._received(more=False))
            except Exception:
                pass  # it was the end
            orphans += self._desk.end(error)
            self._delivering = True
            self._visits.dismiss()
            if not self._visits.taken:
                self._visits.close()
            self._socket.close()
            self._bell.close()
        self._on_end(self)  # before anybody hears of it, and submits to the next one
        self._over.set()
        hand_out(orphans)
        with self._lock:
            self._delivering = False
            self._idle.notify_all()
