# SPDX-License-Identifier: MIT
"""Results as they come, on a session of their own and on the thread of whoever reads them."""

from __future__ import annotations

import os
import select
import socket
import threading
import time
import weakref
from pickle import loads
from typing import Any, Callable, Iterable, Iterator, List, NamedTuple, Optional

from . import _frames as f
from ._call import encode_call
from ._desk import Desk, Sink, deliver
from ._future import Progress, progress_of, tell_progress
from ._load import load_python
from ._outcome import error_of
from ._output import Echo
from ._parcel import HANDLER, PICKLED, plain_call
from ._session import Result
from ._signals import is_handlers
from ._wire import connect, greet, receive
from .errors import DaemonGone, JobMillError

__all__ = ["Item", "Streams", "stream"]

_DEFAULT_WINDOW = 256
# Bytes of small payloads that go together; and a larger one goes alone.
_GATHERED = 32_768
# Who takes longer for an element is not asked for the next one before results are handed out.
_SLOW_SECONDS = 0.0002
_CLOSED = "the connection was closed here"


class Item(NamedTuple):
    """One result of ``imap_unordered``: the position of its element, and its value or its error."""

    index: int  # type: ignore[assignment] # a tuple has a method of that name
    value: Any
    error: Optional[BaseException]

    @property
    def ok(self) -> bool:
        return self.error is None

    def result(self) -> Any:
        """The value; raises the error if there is one."""
        if self.error is not None:
            raise self.error
        return self.value


# Not by way of Item(), which is a function in Python.
_new_item = tuple.__new__


class Basket:
    """What the elements have in common that are submitted by one desk for one reader: where their items
    go."""

    __slots__ = ("desk", "items", "echoes", "on_progress", "wanted", "is_interruptible")

    def __init__(
        self,
        desk: Desk,
        items: List[Item],
        echoes: bool,
        on_progress: Optional[Callable[[Progress], None]] = None,
    ) -> None:
        self.desk = desk
        self.items = items
        self.echoes = echoes
        self.on_progress = on_progress
        self.wanted = True
        self.is_interruptible = True  # not in a loop, which would go on without its items


class Element(Sink):
    """One element's job. Its item is in the basket when it has ended."""

    __slots__ = ("tag", "_index", "_basket", "_chunk", "_echo")

    def __init__(self, index: int, basket: Basket) -> None:
        self.tag = 0
        self._index = index
        self._basket = basket
        self._chunk: Optional[bytes] = None
        self._echo: Optional[Echo] = None

    def is_wanted(self) -> bool:
        return self._basket.wanted

    def on_result(self, result: Result) -> None:
        value, error = None, None
        if self._echo is not None:
            self._echo.end()
        if result.fields[5] == f.SUCCEEDED:
            payload = result.payload
            try:
                if type(payload) is bytes and payload.startswith(PICKLED):
                    value = loads(payload)
                else:
                    value = load_python(result, self._basket.desk)[0]
            except KeyboardInterrupt:
                raise
            except BaseException as raised:  # by unpickling
                if self._basket.is_interruptible and is_handlers(raised):
                    raise
                error = raised
        else:
            error = error_of(result.state, result.meta, self._chunk)
        self._basket.items.append(_new_item(Item, (self._index, value, error)))

    def on_error(self, error: BaseException) -> None:
        if self._echo is not None:
            self._echo.end()
        self._basket.items.append(Item(self._index, None, error))

    def on_event(self, event: Any) -> None:
        if event.kind == f.RETRYING:
            self._chunk = None
            if self._echo is not None:
                self._echo.end()
                self._echo = None
        elif event.kind == f.CHUNK:
            if event.fields[2] == f.STREAM_NONE:
                self._chunk = event.payload
            elif self._basket.echoes:
                if self._echo is None:
                    self._echo = Echo()
                self._echo.write(event.fields[2], event.payload)
        elif event.kind == f.PROGRESS and self._basket.on_progress is not None:
            tell_progress(self._basket.on_progress, progress_of(event), self)


def _send(connection: Any, session: Any) -> bool:
    try:
        done: bool = session.out.send(connection)
        return done
    except ConnectionError:
        return True  # what had come before that is still to be read, and then what happened


class _Put(Sink):
    def __init__(self, errors: List[BaseException]) -> None:
        self._errors = errors

    def on_error(self, error: BaseException) -> None:
        self._errors.append(error)

    def on_event(self, event: Any) -> None:
        pass  # it is stored


def stream(
    calls: Any, fn: Callable[..., Any], iterable: Iterable[Any], window: Optional[int]
) -> Iterator[Item]:
    if window is not None and window < 1:
        raise ValueError("buffersize must be None or > 0")
    link = calls._connected()
    return _Stream(calls, fn, iter(iterable), window or _DEFAULT_WINDOW).items(link)


class Streams:
    """Those of an executor, which end with it: their sessions are their readers' own."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._begun: "weakref.WeakSet[_Stream]" = weakref.WeakSet()

    def add(self, stream: "_Stream") -> None:
        with self._lock:
            self._begun.add(stream)

    def end(self) -> None:
        with self._lock:
            streams = list(self._begun)
        for stream in streams:
            stream.end()

    def abandon(self) -> None:
        """In the child of a fork: they are its parent's. Takes no lock, which is nobody's to give back here."""
        for stream in list(self._begun):
            stream.abandon()


class _Stream:
    def __init__(
        self, calls: Any, fn: Callable[..., Any], elements: Iterator[Any], window: int
    ) -> None:
        self._calls = calls
        self._fn = fn
        self._elements = elements
        self._window = window
        self._handler = (calls._settings.pool, HANDLER)
        self._exhausted = False
        self._next_index = 0
        self._items: List[Item] = []
        self._errors: List[BaseException] = []
        self._connection: Any = None
        self._ended = False
        self._is_anothers = False

    def end(self) -> None:
        """From any thread: cancels what is left. Whoever reads is woken, and told so."""
        self._ended = True
        connection = self._connection
        if connection is not None:
            try:
                connection.shutdown(socket.SHUT_RDWR)
            except OSError:
                pass  # its reader has closed it, or the daemon is gone

    def abandon(self) -> None:
        """What this end reads would be missed at the other, and is of no use here: from now on there is
        nobody at the end of this descriptor."""
        self._ended = self._is_anothers = True
        if self._connection is None:
            return
        try:
            nobodys, end = socket.socketpair()
            with nobodys:
                end.close()
                os.dup2(nobodys.fileno(), self._connection.fileno(), inheritable=False)
        except OSError:
            self._connection.close()  # if it has not been already

    def items(self, link: Any) -> Iterator[Item]:
        self._calls._streams.add(self)
        try:
            yield from self._items_of(connect(link.path))
        except DaemonGone as error:
            if self._is_anothers:
                raise DaemonGone("these results are of the process that was forked") from None
            link.look()
            if self._calls._shut_down:
                raise RuntimeError(
                    "the executor was shut down before all results were read"
                ) from error
            raise

    def _items_of(self, connection: Any) -> Iterator[Item]:
        desk: Optional[Desk] = None
        self._connection = connection
        try:
            if self._ended or self._calls._shut_down:  # it may have had no connection then
                raise DaemonGone(_CLOSED)
            session = greet(connection, f"jobmill-python {os.getpid()}")
            desk = Desk(session)
            calls = self._calls
            basket = Basket(desk, self._items, calls._settings.echo, calls._progress)
            poll = select.poll()
            poll.register(connection, select.POLLIN)
            is_slow = False
            while True:
                if not (self._items and is_slow):
                    is_slow = self._fill(basket, connection)
                done = _send(connection, session)
                if self._items:
                    items = self._items[:]
                    self._items.clear()
                    yield from items
                    continue  # they have made room
                if not desk.unfinished and self._exhausted:
                    return
                if self._ended and not desk.under_way:
                    raise DaemonGone(_CLOSED)
                if not done or desk.under_way:
                    poll.modify(
                        connection, select.POLLIN if done else select.POLLIN | select.POLLOUT
                    )
                    poll.poll(0 if done and is_slow else None)
                    self._read(desk, connection)
        finally:
            # The daemon cancels what is left of a session that ends.
            connection.close()
            if desk is not None:
                desk.end(JobMillError("the results are not read any more"))

    def _read(self, desk: Desk, connection: Any) -> None:
        try:
            events = receive(connection, desk.session)
        except BlockingIOError:
            return
        for sink, event in desk.take(events):
            if type(event) is Result:
                sink.on_result(event)
            else:
                deliver(sink, event)
        if self._errors:
            raise self._errors[0]

    def _fill(self, basket: Basket, connection: Any) -> bool:
        """Submits elements for which there is room. It may take long to make the next one: no more are
        gathered than are under way, and after one that was slow to come results are looked at first.
        Whether that is so."""
        desk, calls, fn, elements = basket.desk, self._calls, self._fn, self._elements
        for sink, event in desk.settle():
            deliver(sink, event)
        flags, inside = calls._flags, calls._settings.is_inside
        sinks: List[Sink] = []
        payloads: List[bytes] = []
        size = taken = 0
        most = desk.under_way
        room = min(self._window - desk.unfinished - len(self._items), desk.room_for_jobs())
        if desk.unfinished > desk.under_way:
            room = 0  # the next would wait behind what waits for credit already
        while room > 0 and not self._exhausted and not self._ended:
            begin = time.perf_counter()
            try:
                element = next(elements)
            except StopIteration:
                self._exhausted = True
                break
            is_slow = time.perf_counter() - begin > _SLOW_SECONDS
            room -= 1
            taken += 1
            sink = Element(self._next_index, basket)
            self._next_index += 1
            payload = None if inside else plain_call(fn, (element,), flags)
            if payload is not None and len(payload) <= _GATHERED:
                sinks.append(sink)
                payloads.append(payload)
                size += len(payload)
            else:
                have_gone = self._submit(desk, sinks, payloads)
                if not self._submit_alone(desk, sink, element) or not have_gone:
                    return False  # it waits for others, and so would the next
            if is_slow:
                return self._submit(desk, sinks, payloads) and room > 0
            if taken >= most or size > _GATHERED:
                if not self._submit(desk, sinks, payloads):
                    return False
                _send(connection, desk.session)
                size = taken = 0
                most = desk.under_way
        self._submit(desk, sinks, payloads)
        return False

    def _submit(self, desk: Desk, sinks: List[Sink], payloads: List[bytes]) -> bool:
        """Those that were gathered; whether there may be room for others."""
        meta = self._calls._meta or self._calls._make_meta()
        submitted = desk.submit_many(sinks, payloads, self._handler, meta)
        sinks.clear()
        payloads.clear()
        return submitted

    def _submit_alone(self, desk: Desk, sink: Element, element: Any) -> bool:
        def put(handle: Any) -> int:
            return self._put(desk, handle)

        try:
            payload, meta = encode_call(self._calls, self._fn, (element,), {}, put)
        except JobMillError as error:
            sink.on_error(error)
            return True
        if not desk.submit(sink, payload, self._handler, meta):
            return False
        return type(payload) is bytes or desk.has_room(0)

    def _put(self, desk: Desk, handle: Any) -> int:
        sink = _Put(self._errors)
        return handle.tag_on(desk, lambda descriptor, size: desk.put(sink, descriptor, size))
