# SPDX-License-Identifier: MIT
"""One session with the daemon, without a socket: bytes and descriptors in, events out, and back.

Threads, event loops and blocking calls are others' business (``_link``, ``aio``). Whatever comes
from the other side is judged here; what cannot be is a ``ProtocolError``.
"""

from __future__ import annotations

import itertools
import json
import os
from typing import Any, Dict, Iterable, List, NamedTuple, Optional, Tuple, Union

from . import _frames as f
from ._msgpack import MalformedDocument, pack, unpack
from ._outbox import Outbox
from ._partial import Partial
from .errors import Busy, DaemonGone, InitializerFailed, ProtocolError, Refused

__all__ = ["Event", "Result", "Session", "Welcome"]

_READ_SIZE = 1 << 18
_NO_META: Dict[str, Any] = {}
# Numbers of opened handlers; tags begin above, so that an error's id says what it is about.
_MOST_OPENED = 1024
# How the only word of a daemon begins that has no room for a client: in JSON lines, whatever that speaks. As
# the length of a frame it is too much.
_LINE = b'{"op"'


class Welcome(NamedTuple):
    """What the daemon allows this session."""

    max_inline: int
    max_frame: int
    piece: int
    max_payload: int
    credit_jobs: int
    pid: int
    credit_bytes: int


class Blob(NamedTuple):
    """A large result as it came: a descriptor, which whoever takes the result owns."""

    descriptor: int
    size: int


class Result(NamedTuple):
    """The last word about a job."""

    tag: int
    payload: Union[bytes, Blob]
    fields: tuple
    meta: Dict[str, Any]

    @property
    def job(self) -> int:
        return self.fields[0]

    @property
    def state(self) -> int:
        return self.fields[5]


# Not by way of Result(), which is a function in Python.
_new_result = tuple.__new__


class Event(NamedTuple):
    """Anything else. ``kind`` is a message type; ``fields`` are its fixed ones."""

    kind: int
    tag: int
    fields: tuple = ()
    payload: Any = b""
    meta: Dict[str, Any] = _NO_META


class Session:
    """The binary spelling of the protocol.

    To send: call a request, then have ``out`` send. To receive: read into
    ``room()``, then call ``received()``. Not for several threads at once.
    """

    def __init__(self, client: str, blobs: bool = True) -> None:
        self.welcome: Optional[Welcome] = None
        self.closing = False
        #: What is to be sent.
        self.out = Outbox()
        self._buffer = bytearray(2 * _READ_SIZE)
        self._view = memoryview(self._buffer)
        self._filled = 0
        self._descriptors: List[int] = []
        self._partial: Dict[int, Partial] = {}
        self.numbers: Dict[Tuple[str, str], int] = {}
        self._refused: Dict[Tuple[str, str], Dict[str, Any]] = {}
        self._next_tag = _MOST_OPENED + 1
        fields = f.HELLO_FIELDS.pack(f.VERSION, f.VERSION)
        hello = f.frame(f.HELLO, 0, fields, pack({"client": client, "blobs": blobs}))
        self.out.tail.extend(f.PREAMBLE + hello)

    # What is sent.

    def new_tag(self) -> int:
        tag = self._next_tag
        self._next_tag = tag + 1
        return tag

    def opened(self, handler: Tuple[str, str]) -> int:
        """The number of a handler, (pool, name), which is opened when it was not."""
        number = self.numbers.get(handler)
        if number is None:
            pool, name = handler
            number = len(self.numbers) + 1
            if number > _MOST_OPENED:
                raise Refused(f"more than {_MOST_OPENED} handlers in one session", "too_large")
            meta = {"handler": name, "pool": pool} if pool else {"handler": name}
            self.out.tail.extend(f.frame(f.OPEN, number, b"", pack(meta)))
            self.numbers[handler] = number  # only now: it may be opened anew, but must have been
        return number

    def note_refused(self, number: int, meta: Dict[str, Any]) -> bool:
        """Takes an error for the answer to an open, if ``number`` is of one."""
        for handler, known in self.numbers.items():
            if known == number:
                self._refused[handler] = meta
                return True
        return False

    def why_refused(self, handler: Tuple[str, str]) -> Optional[Dict[str, Any]]:
        return self._refused.get(handler)

    def submit(self, handler: int, payload: bytes, meta: bytes) -> int:
        """A job whose payload is at most ``max_inline`` bytes; ``meta`` is what ``pack`` made. Its
        tag."""
        tag = self._next_tag
        self._next_tag = tag + 1
        size = len(payload)
        head = f.SUBMIT_HEAD.pack(
            16 + len(meta) + size, f.SUBMIT, 0, len(meta), tag, handler, 0, size
        )
        self.out.tail.extend(head + meta + payload)
        return tag

    def submit_many(self, handler: int, payloads: List[bytes], meta: bytes) -> int:
        """The same for jobs whose payloads fit one frame: the tag of the first; the others follow."""
        tag = self._next_tag
        self._next_tag = tag + len(payloads)
        sizes = map(f.U32.pack, map(len, payloads))
        body = meta + b"".join(itertools.chain.from_iterable(zip(sizes, payloads)))
        head = f.SUBMIT_MANY_HEAD.pack(
            8 + len(body), f.SUBMIT_MANY, 0, len(meta), tag, handler, len(payloads)
        )
        self.out.tail.extend(head + body)
        return tag

    def submit_blob(self, handler: int, descriptor: int, size: int, meta: bytes) -> int:
        """A job whose payload is in a sealed memfd, which is copied and stays the caller's. Its
        tag."""
        tag = self.new_tag()
        head = f.SUBMIT_HEAD.pack(
            16 + len(meta), f.SUBMIT, 1 << 4, len(meta), tag, handler, 0, size
        )
        self.out.add_with(head + meta, descriptor)
        return tag

    def put(self, tag: int, descriptor: int, size: int) -> None:
        """Lends the daemon a payload for many jobs, answered by STORED or ERROR."""
        self.out.add_with(f.HEADER.pack(8, f.PUT, 1 << 4, 0, tag) + f.U64.pack(size), descriptor)

    def drop(self, tag: int) -> None:
        self.out.tail.extend(f.frame(f.DROP, tag))

    def cancel(self, tag: int) -> None:
        self.out.tail.extend(f.frame(f.CANCEL, tag, f.CANCEL_FIELDS.pack(0, 0, 0)))

    def cancel_all(self, request: int, unless_running: bool = False) -> None:
        """Everything that this session submitted; answered by CANCELLED or ERROR."""
        meta = pack({"unless_running": True}) if unless_running else b""
        self.out.tail.extend(f.frame(f.CANCEL, request, f.CANCEL_FIELDS.pack(0, 5, 0), meta))

    def return_result(self, job: int) -> None:
        self.out.tail.extend(f.frame(f.RETURN, 0, f.U64.pack(job)))

    def ask(self, kind: int, tag: int, meta: Optional[Dict[str, Any]] = None) -> None:
        """STATUS or HANDLERS; the answer's payload is the document."""
        self.out.tail.extend(f.frame(kind, tag, b"", pack(meta) if meta else b""))

    def ping(self, tag: int, payload: bytes) -> None:
        self.out.tail.extend(f.frame(f.PING, tag, b"", b"", payload))

    # What is received.

    def room(self) -> memoryview:
        """Where to receive to. At least as large as any frame."""
        return self._view[self._filled :]

    def received(self, size: int, descriptors: Iterable[int] = ()) -> List[Any]:
        """What the next ``size`` bytes in ``room()`` complete: ``Result`` and ``Event``, in order."""
        self._descriptors += descriptors
        events: List[Any] = []
        buffer = self._buffer
        end = self._filled + size
        at = 0
        while end - at >= 16:
            length, kind, flags, meta_size, tag = f.HEADER.unpack_from(buffer, at)
            if length > f.MOST_OF_A_FRAME:
                if self.welcome is None and buffer.startswith(_LINE):
                    self._judge_line(end)
                    break
                raise ProtocolError(f"a frame of {length} bytes, beyond {f.MOST_OF_A_FRAME}")
            body = at + 16
            after = body + length
            if after > end:
                break
            if kind == f.RESULT and not flags and not meta_size and length >= 56:
                # A small result of a job that succeeded: nearly all that comes.
                fields = f.RESULT_FIELDS.unpack_from(buffer, body)
                payload = bytes(self._view[body + 56 : after])
                events.append(_new_result(Result, (tag, payload, fields, _NO_META)))
            elif kind != f.ACCEPTED:
                self._on_frame(kind, flags, meta_size, tag, body, after, events)
            at = after
        rest = end - at
        if at and rest:
            buffer[:rest] = buffer[at:end]
        self._filled = rest
        return events

    def sole_result(self, size: int) -> Optional[Result]:
        """What ``received`` would answer when that is the small result of a job that succeeded and
        nothing else. Changes nothing: the bytes are still to come."""
        found = None
        at = 0 if not self._filled else size
        while size - at >= 16:
            length, kind, flags, meta_size, tag = f.HEADER.unpack_from(self._buffer, at)
            body = at + 16
            at = body + length
            if kind == f.ACCEPTED:
                continue
            if kind != f.RESULT or flags or meta_size or length < 56 or at > size or found:
                return None
            fields = f.RESULT_FIELDS.unpack_from(self._buffer, body)
            found = _new_result(Result, (tag, bytes(self._view[body + 56 : at]), fields, _NO_META))
        return found if at == size else None

    def _on_frame(
        self,
        kind: int,
        flags: int,
        meta_size: int,
        tag: int,
        body: int,
        after: int,
        events: List[Any],
    ) -> None:
        fixed = f.FIXED_BYTES.get(kind)
        if fixed is None:
            raise ProtocolError(f"a message of type {kind}")
        if fixed + meta_size > after - body:
            raise ProtocolError(f"a message of type {kind} that is too short")
        meta = self._document(body + fixed, body + fixed + meta_size) if meta_size else _NO_META
        first = bytes(self._view[body + fixed + meta_size : after])
        count = flags >> 4
        descriptors = self._descriptors[:count]
        if len(descriptors) < count:
            raise ProtocolError("a frame without the descriptors that it announced")
        del self._descriptors[:count]
        # Only a result may have one; what is not used is closed, whatever it came with.
        used = 1 if kind == f.RESULT and not flags & f.MORE else 0
        for descriptor in descriptors[used:]:
            os.close(descriptor)
        if kind == f.RESULT:
            fields = f.RESULT_FIELDS.unpack_from(self._buffer, body)
            if flags & f.MORE:
                self._begin_pieces(tag, Partial(kind, fields, meta, fields[1], first))
                return
            payload: Union[bytes, Blob] = first
            if descriptors:
                payload = Blob(descriptors[0], fields[1])
            events.append(Result(tag, payload, fields, meta))
        elif kind == f.CHUNK:
            fields = f.CHUNK_FIELDS.unpack_from(self._buffer, body)
            if flags & f.MORE:
                self._begin_pieces(tag, Partial(kind, fields, meta, fields[1], first))
                return
            events.append(Event(kind, tag, fields, first))
        elif kind == f.PIECE:
            self._on_piece(tag, flags, first, events)
        elif kind == f.WELCOME:
            fields = f.WELCOME_FIELDS.unpack_from(self._buffer, body)
            self.welcome = Welcome(*fields[2:])
        elif kind == f.CREDIT:
            jobs, _, size = f.CREDIT_FIELDS.unpack_from(self._buffer, body)
            if self.welcome:
                self.welcome = self.welcome._replace(credit_jobs=jobs, credit_bytes=size)
        elif kind == f.CLOSING:
            self.closing = True
            events.append(Event(kind, tag))
        elif kind in (f.STATUS, f.HANDLERS):
            events.append(Event(kind, tag, (), self._parsed(first)))
        elif kind == f.STARTED:
            events.append(Event(kind, tag, f.STARTED_FIELDS.unpack_from(self._buffer, body)))
        elif kind == f.PROGRESS:
            events.append(
                Event(kind, tag, f.PROGRESS_FIELDS.unpack_from(self._buffer, body), first)
            )
        elif kind == f.RETRYING:
            fields = f.RETRYING_FIELDS.unpack_from(self._buffer, body)
            events.append(Event(kind, tag, fields, b"", meta))
        elif kind != f.OPENED:
            events.append(Event(kind, tag, (), first, meta))

    def _judge_line(self, end: int) -> None:
        line, whole, _ = bytes(self._view[:end]).partition(b"\n")
        if whole:
            try:
                document = json.loads(line)
            except ValueError as error:
                raise ProtocolError(f"a line that is no JSON: {error}") from None
            raise refusal(document)

    def _begin_pieces(self, tag: int, partial: Partial) -> None:
        partial.judge(last=False)
        self._partial[tag] = partial

    def _on_piece(self, tag: int, flags: int, piece: bytes, events: List[Any]) -> None:
        partial = self._partial.get(tag)
        if partial is None:
            raise ProtocolError("a piece of nothing")
        partial.bytes += piece
        partial.judge(last=not flags & f.MORE)
        if flags & f.MORE:
            return
        del self._partial[tag]
        if partial.kind == f.RESULT:
            events.append(Result(tag, bytes(partial.bytes), partial.fields, partial.meta))
        else:
            events.append(Event(f.CHUNK, tag, partial.fields, bytes(partial.bytes)))

    def _document(self, begin: int, end: int) -> Dict[str, Any]:
        return self._parsed(bytes(self._view[begin:end]))

    @staticmethod
    def _parsed(data: bytes) -> Dict[str, Any]:
        try:
            document = unpack(data)
        except MalformedDocument as error:
            raise ProtocolError(str(error)) from None
        if not isinstance(document, dict):
            raise ProtocolError("a document that is no map")
        return document

    def close(self) -> None:
        """Closes the descriptors that are on their way, in either direction."""
        self.out.close()
        gone, self._descriptors = self._descriptors, []
        for descriptor in gone:
            os.close(descriptor)


def refusal(meta: Dict[str, Any]) -> Exception:
    """The exception for an ERROR with these members."""
    code = str(meta.get("code", ""))
    text = str(meta.get("text", "")) or code
    if code == "busy":
        retry = meta.get("retry_after_ms")
        return Busy(text, retry / 1000 if isinstance(retry, int) else None)
    if code in ("closing", "timeout"):
        return DaemonGone(text)
    if code == "pool_down":
        return InitializerFailed(f"no worker can start: {text}")
    field = str(meta.get("field", ""))
    return Refused(f"{field}: {text}" if field and field not in text else text, code, field)
