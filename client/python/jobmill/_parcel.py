# SPDX-License-Identifier: MIT
"""Python objects as payloads, and back. Both sides have this file.

A call, the payload of the handler ``python.call``::

    u8 1, u8 flags, u16 buffers, u32 function_size, u64 arguments_size, u64 size of each buffer,
    the function, the pickle of (args, kwargs), each buffer at the next multiple of 64

An object, what it answers: a pickle with the worker's pid (u32) after its end, or, when it has
large buffers, ``u8 2, u8 0, u16 buffers, u32 pid, u64 pickle_size, u64 size of each buffer``, the
pickle, the buffers.

Buffers are what pickle's protocol 5 keeps out of the stream (arrays, say), from 64 KiB on: whoever
unpickles gets them as views of the memory that the payload came in.
"""

from __future__ import annotations

import os
import pickle
import struct
import sys
import threading
from pickle import dumps, loads
from typing import Any, Callable, List, Optional, Sequence, Tuple, Union

from ._by_value import cloudpickle
from ._by_value import dump as dump_by_value
from .errors import NotPossible, ProtocolError

__all__ = [
    "Parcel",
    "TELL_PID",
    "dump_call",
    "dump_function",
    "dump_object",
    "load_object",
    "split_call",
]

HANDLER = "python.call"
# Flags of a call.
TELL_PID = 1  # its worker tells its pid when it begins
HAS_HANDLES = (
    2  # some of its arguments, or of what its function brings along, are inputs of its job
)

# What a payload begins with; a bare pickle begins with 0x80.
CALL = 1
_OBJECT = 2
_LEAST_BUFFER = 65_536
LEAST_LARGE = 32_768  # below it a payload is joined at once
_ALIGNMENT = 64
HEAD = struct.Struct("<BBHIQ")
_pack_head = HEAD.pack
_PID = struct.Struct("<I")
unpack_pid = _PID.unpack_from
_MAIN_NAMES = (b"__main__", b"__mp_main__")


class Parcel:
    """A payload in parts, which are joined or written where it is to be."""

    __slots__ = ("parts", "size")

    def __init__(self, parts: Sequence[Any], size: int) -> None:
        self.parts = parts
        self.size = size

    def keep(self) -> None:
        """It is not written now: what its owner may change by then is copied, but for arrays."""
        self.parts = [
            bytes(part) if type(part) is memoryview and type(part.obj) is bytearray else part
            for part in self.parts
        ]

    def to_bytes(self) -> bytes:
        return b"".join(self.parts)

    def write_to(self, view: memoryview) -> None:
        at = 0
        for part in self.parts:
            size = part.nbytes if isinstance(part, memoryview) else len(part)
            view[at : at + size] = part
            at += size


def _parcel(
    head: Tuple[int, int, int, int], texts: Sequence[bytes], buffers: Sequence[memoryview]
) -> Parcel:
    version, flags, middle, last = head
    parts: List[Any] = [HEAD.pack(version, flags, len(buffers), middle, last)]
    parts += [struct.pack("<Q", buffer.nbytes) for buffer in buffers]
    parts += texts
    size = sum(map(len, parts))
    for buffer in buffers:
        gap = -size % _ALIGNMENT
        parts.append(bytes(gap))
        parts.append(buffer)
        size += gap + buffer.nbytes
    return Parcel(parts, size)


def _cut(view: memoryview, want: int) -> Tuple[int, int, int, int, Tuple[int, ...]]:
    """Flags, the u32 and the u64 of the head, where the texts begin, and the sizes of the buffers."""
    total = view.nbytes
    if total < HEAD.size:
        raise ProtocolError("a payload without its head")
    version, flags, count, middle, last = HEAD.unpack_from(view)
    if version != want:
        raise ProtocolError(f"a payload that begins with {version}; this jobmill wants {want} here")
    texts = HEAD.size + 8 * count
    if texts > total:
        raise ProtocolError("a payload shorter than its head says")
    return flags, middle, last, texts, struct.unpack_from(f"<{count}Q", view, HEAD.size)


def _cut_buffers(view: memoryview, end: int, sizes: Sequence[int]) -> List[memoryview]:
    buffers = []
    for size in sizes:
        begin = end + -end % _ALIGNMENT
        end = begin + size
        if end > view.nbytes:
            raise ProtocolError("a payload shorter than its head says")
        buffers.append(view[begin:end])
    return buffers


# How a pickle begins that needs nothing beside it.
PICKLED = b"\x80"

_PLAIN = frozenset((int, float, bool, type(None), complex))


def is_plain(value: Any) -> bool:
    """Whether its pickle needs nothing of what follows."""
    kind = type(value)
    return kind in _PLAIN or (kind is str and len(value) < LEAST_LARGE)


# Handles: objects that were put before. Those of a call are its job's inputs, and go by number.


class _Dumping(threading.local):
    handles: Optional[List[Any]] = None


dumping = _Dumping()


class _Inputs:
    """Of the job whose arguments are unpickled: how one is loaded."""

    load: Optional[Callable[[int], Any]] = None


def set_inputs(load: Optional[Callable[[int], Any]]) -> None:
    _Inputs.load = load


def take_handle(index: int) -> Any:
    if _Inputs.load is None:
        raise ProtocolError("a handle where there are no inputs")
    return _Inputs.load(index)


# Pickling.


class _Parts(list):
    """The file that a pickler writes to: what is large comes as the object itself, not copied."""

    write = list.append

    def size(self) -> int:
        return len(self[0]) if len(self) == 1 else sum(map(len, self))

    def fixed(self) -> "_Parts":
        """A view keeps a bytearray from another size, as one keeps an array."""
        if len(self) > 1:
            self[:] = [memoryview(part) if type(part) is bytearray else part for part in self]
        return self

    def name_main(self) -> bool:
        """Whether anything in them is found by its name in the main module."""
        for part in self:
            # What is large and no frame is somebody's bytes or text.
            if len(part) < _LEAST_BUFFER or part[0] in _FRAME_OR_PICKLE:
                if _MAIN_NAMES[0] in part or _MAIN_NAMES[1] in part:
                    return True
        return False


# What a frame begins with, and the first one of a pickle.
_FRAME_OR_PICKLE = (0x95, 0x80)


def _pickle(value: Any, buffers: Optional[List[memoryview]]) -> _Parts:
    """With buffers given, large ones are appended to it."""
    callback = None
    if buffers is not None:
        apart = buffers

        def callback(buffer: pickle.PickleBuffer) -> bool:
            try:
                raw = buffer.raw()
            except BufferError:
                return True  # not contiguous: pickle copies it into the stream
            if raw.nbytes < _LEAST_BUFFER or len(apart) == 0xFFFF:
                return True
            apart.append(raw)
            return False

    parts = _Parts()
    try:
        pickle.Pickler(parts, 5, buffer_callback=callback).dump(value)
        if cloudpickle is None or not parts.name_main() or _in_worker_main():
            return parts.fixed()
    except Exception as error:  # whatever a __reduce__ raises
        if cloudpickle is None:
            raise _explained(value, error) from error
    if buffers is not None:
        buffers.clear()
    parts.clear()
    try:
        dump_by_value(value, parts, callback)
        return parts.fixed()
    except Exception as error:
        raise _explained(value, error) from error


def _in_worker_main() -> bool:
    """Whether this is a worker that has imported the client's main module."""
    return getattr(sys.modules.get("__main__"), "__jobmill_main__", False)


def _explained(value: Any, error: Optional[BaseException]) -> NotPossible:
    text = f"cannot be sent to another process: {error}"
    if cloudpickle is None:
        text += " (lambdas, closures and what is defined in functions can, once cloudpickle is installed)"
    return NotPossible(text)


def main_spec() -> Tuple[str, str, int]:
    """How a worker can import this program's main module: as multiprocessing's spawn does."""
    main = sys.modules["__main__"]
    spec = getattr(main, "__spec__", None)
    if spec is not None and spec.name:
        return "name", spec.name, 0
    path = getattr(main, "__file__", None)
    if path is None or path.startswith("<"):
        raise NotPossible(
            "a function or class of an interactive session cannot be sent to a worker without "
            "cloudpickle: install it (pip install cloudpickle, or apt-get install python3-cloudpickle), "
            "or put it into a module"
        )
    path = os.path.abspath(path)
    # A worker that has imported another version of it imports it again.
    return "path", path, os.stat(path).st_mtime_ns


def with_main(function: bytes) -> bytes:
    """For a worker that has to import the client's main module first."""
    # What is of its __main__ comes back by the name that the worker has imported it by.
    sys.modules.setdefault("__mp_main__", sys.modules["__main__"])
    return b"M" + pickle.dumps((main_spec(), function))


_functions: dict = {}
_MOST_FUNCTIONS = 512
_CACHEABLE = (type(lambda: 0), type(len))


def dump_function(function: Callable[..., Any]) -> bytes:
    """A function as bytes: by its name when it can be imported, else by value, else with its main.

    The bytes of an importable function are kept; one that goes by value is looked at anew each
    time, since what it refers to may have changed.
    """
    known = _functions.get(function) if type(function) in _CACHEABLE else None
    if known is not None:
        return known
    data = b"".join(_pickle(function, None))
    if cloudpickle is None and any(name in data for name in _MAIN_NAMES):
        return with_main(data)
    data = b"F" + data
    if type(function) in _CACHEABLE and _is_importable(function):
        if len(_functions) == _MOST_FUNCTIONS:
            _functions.clear()
        _functions[function] = data
    return data


def _is_importable(function: Callable[..., Any]) -> bool:
    name = getattr(function, "__module__", None)
    if name is None or name.encode() in _MAIN_NAMES:
        return False
    return getattr(sys.modules.get(name), function.__name__, None) is function


def plain_call(function: Callable[..., Any], args: tuple, flags: int) -> Optional[bytes]:
    """What ``dump_call`` would make of a function whose bytes are kept, and of plain arguments; None
    for any other call."""
    for argument in args:
        kind = type(argument)  # as is_plain() does, which would be one more call for each job
        if kind not in _PLAIN and (kind is not str or len(argument) >= LEAST_LARGE):
            return None
    known = _functions.get(function) if type(function) in _CACHEABLE else None
    if known is None:
        return None
    data = dumps((args, {}), 5)
    return _pack_head(CALL, flags, 0, len(known), len(data)) + known + data


def dump_call(function: bytes, args: tuple, kwargs: dict, flags: int = 0) -> Union[bytes, Parcel]:
    """``function`` is what ``dump_function`` made. Bytes, or a parcel when it is large. Raises
    ``NotPossible``."""
    if not kwargs:
        for argument in args:
            if not is_plain(argument):
                break
        else:
            if dumping.handles:  # the function has some
                flags |= HAS_HANDLES
            data = dumps((args, kwargs), 5)
            return _pack_head(CALL, flags, 0, len(function), len(data)) + function + data
    buffers: List[memoryview] = []
    parts = _pickle((args, kwargs), buffers)
    if cloudpickle is None and function[0] == 0x46 and parts.name_main():
        function = with_main(function[1:])
    if dumping.handles:
        flags |= HAS_HANDLES
    size = parts.size()
    if buffers:
        return _parcel((CALL, flags, len(function), size), (function, *parts), buffers)
    head = HEAD.pack(CALL, flags, 0, len(function), size)
    if size < LEAST_LARGE:
        return b"".join((head, function, *parts))
    return Parcel((head, function, *parts), HEAD.size + len(function) + size)


def split_call(payload: memoryview) -> Tuple[int, bytes, memoryview, List[memoryview]]:
    """Flags, the function, the pickle of the arguments, and its buffers."""
    flags, function_size, size, at, sizes = _cut(payload, CALL)
    middle = at + function_size
    end = middle + size
    if end > payload.nbytes:
        raise ProtocolError("a payload shorter than its head says")
    buffers = _cut_buffers(payload, end, sizes)
    return flags, bytes(payload[at:middle]), payload[middle:end], buffers


def dump_object(value: Any, pid: int) -> Parcel:
    buffers: List[memoryview] = []
    parts = _pickle(value, buffers)
    size = parts.size()
    if not buffers:
        return Parcel((*parts, _PID.pack(pid)), size + 4)
    return _parcel((_OBJECT, 0, pid, size), parts, buffers)


def load_object(payload: Union[bytes, memoryview]) -> Tuple[Any, int]:
    """The value and the pid of the worker that made it. Raises whatever unpickling raises."""
    if payload[:1] == PICKLED:
        return loads(payload), unpack_pid(payload, len(payload) - 4)[0]
    view = memoryview(payload)
    _, pid, size, at, sizes = _cut(view, _OBJECT)
    if at + size > view.nbytes:
        raise ProtocolError("a payload shorter than its head says")
    buffers = _cut_buffers(view, at + size, sizes)
    return pickle.loads(view[at : at + size], buffers=buffers), pid


def dump_exception_itself(error: BaseException) -> Optional[bytes]:
    """None when it cannot be pickled."""
    try:
        return b"".join(_pickle(error, None))
    except Exception:
        return None


def size_of(payload: Union[bytes, Parcel]) -> int:
    return len(payload) if type(payload) is bytes else payload.size  # type: ignore[union-attr]


def bytes_of(payload: Union[bytes, Parcel]) -> bytes:
    return payload if type(payload) is bytes else payload.to_bytes()  # type: ignore[union-attr]
