# SPDX-License-Identifier: MIT
"""The interface of libexec/jobmill-runtime.so (<jobmill/runtime.h>, <jobmill/module.h>) in ctypes.

``serve()`` makes this process a pool's template or a worker and does not come back. Jobs are
pointers, as integers, which the functions of ``api`` take; one is valid while its ``run`` runs, on
the thread that runs it.
"""

import ctypes
import os
import sys
import traceback
from typing import TYPE_CHECKING, Any, Callable, List, NamedTuple, Optional, Sequence

from ._frames import MOST_INLINE
from ._outcome import said

OK = 0
ABSENT = 1
WRONG_TYPE = 2
INVALID = 3
NO_MEMORY = 4

STREAM_NONE = 0
STREAM_OUT = 1
STREAM_ERR = 2

# A result up to here is joined and written to its blob. That takes half as long as to fill the blob
# where it is mapped, whose pages are cleared first and looked up one by one.
_MOST_JOINED = 8 << 20
_COPY_PAYLOAD = "jobmill_runtime_copy_payload_v1"
_MODULE_VERSION = 1
_RUNTIME_VERSION = 1

_Job = ctypes.c_void_p


class Bytes(ctypes.Structure):
    """Bytes that somebody else owns: ``data`` is an address, None when there are none."""

    _fields_ = [("data", ctypes.c_void_p), ("size", ctypes.c_size_t)]


class Failure(ctypes.Structure):
    """Why a job failed, in more words than a text: jobmill_failure."""

    _fields_ = [
        ("size", ctypes.c_uint32),
        ("kind", ctypes.c_int32),
        ("text", Bytes),
        ("exit_code", ctypes.c_int32),
        ("signal_number", ctypes.c_int32),
        ("core_dumped", ctypes.c_int32),
    ]


# What may wait, or copies much, lets the job's other threads run; for the rest that would cost more
# than the call.
_WAITS = ctypes.CFUNCTYPE
_SHORT = ctypes.PYFUNCTYPE

_TO_BYTES = ctypes.POINTER(Bytes)
_TO_INT64 = ctypes.POINTER(ctypes.c_int64)
_TO_DOUBLE = ctypes.POINTER(ctypes.c_double)
_TO_INT = ctypes.POINTER(ctypes.c_int)
_TO_SIZE = ctypes.POINTER(ctypes.c_size_t)
_TO_POINTER = ctypes.POINTER(ctypes.c_void_p)


class Api(ctypes.Structure):
    """jobmill_api: what a handler may ask of its job. Each field is a function object."""

    _fields_ = [
        ("abi_version", ctypes.c_uint32),
        ("size", ctypes.c_uint32),
        ("payload", _SHORT(Bytes, _Job)),
        ("payload_descriptor", _SHORT(ctypes.c_int, _Job)),
        ("text", _SHORT(ctypes.c_int, _Job, ctypes.c_char_p, _TO_BYTES)),
        ("integer", _SHORT(ctypes.c_int, _Job, ctypes.c_char_p, _TO_INT64)),
        ("real", _SHORT(ctypes.c_int, _Job, ctypes.c_char_p, _TO_DOUBLE)),
        ("boolean", _SHORT(ctypes.c_int, _Job, ctypes.c_char_p, _TO_INT)),
        ("list_size", _SHORT(ctypes.c_int, _Job, ctypes.c_char_p, _TO_SIZE)),
        ("list_text", _SHORT(ctypes.c_int, _Job, ctypes.c_char_p, ctypes.c_size_t, _TO_BYTES)),
        ("list_integer", _SHORT(ctypes.c_int, _Job, ctypes.c_char_p, ctypes.c_size_t, _TO_INT64)),
        ("emit", _WAITS(ctypes.c_int, _Job, ctypes.c_int, ctypes.c_void_p, ctypes.c_size_t)),
        ("progress", _SHORT(None, _Job, ctypes.c_uint64, ctypes.c_uint64, ctypes.c_char_p)),
        ("cancelled", _SHORT(ctypes.c_int, _Job)),
        ("result", _WAITS(ctypes.c_int, _Job, ctypes.c_void_p, ctypes.c_size_t)),
        ("result_reserve", _SHORT(ctypes.c_int, _Job, ctypes.c_size_t, _TO_POINTER)),
        ("result_payload", _SHORT(ctypes.c_int, _Job)),
        ("fail", _SHORT(None, _Job, ctypes.c_char_p)),
        ("fail_with", _SHORT(None, _Job, ctypes.POINTER(Failure))),
        ("alive", _SHORT(None, _Job)),
        ("arguments", _SHORT(Bytes, _Job)),
        ("input_count", _SHORT(ctypes.c_size_t, _Job)),
        ("input", _SHORT(Bytes, _Job, ctypes.c_size_t)),
        ("input_descriptor", _SHORT(ctypes.c_int, _Job, ctypes.c_size_t)),
    ]


def _inline_payload(library: ctypes.CDLL) -> Callable[[int], Optional[bytes]]:
    """A job's payload in one call of the library; None when it did not come inline."""
    memory = bytearray(MOST_INLINE)
    view = memoryview(memory)
    address = ctypes.addressof((ctypes.c_char * MOST_INLINE).from_buffer(memory))
    copy = _SHORT(ctypes.c_ssize_t, _Job, ctypes.c_void_p, ctypes.c_size_t)(
        (_COPY_PAYLOAD, library)
    )

    def payload(job: int) -> Optional[bytes]:
        size = copy(job, address, MOST_INLINE)
        return view[:size].tobytes() if size >= 0 else None

    return payload


class _Functions:
    """The functions of Api as attributes of their own: reading a field makes an object each time."""

    def __init__(self, library: ctypes.CDLL, table: Api) -> None:
        for name, _ in Api._fields_:
            if name not in ("abi_version", "size"):
                setattr(self, name, getattr(table, name))
        self.inline_payload = _inline_payload(library)
        # A result that goes inline waits for nothing.
        self.inline_result = _SHORT(ctypes.c_int, _Job, ctypes.c_void_p, ctypes.c_size_t)(
            ctypes.cast(table.result, ctypes.c_void_p).value or 0
        )

    if TYPE_CHECKING:

        def __getattr__(self, name: str) -> Any:
            ...


api: "_Functions" = None  # type: ignore[assignment]
"""Bound by serve(), before it calls load()."""


def _check_room(answer: int, size: int) -> None:
    if answer == INVALID:
        raise ValueError(f"a result of {size} bytes is more than the daemon's max_payload")
    if answer != OK:
        raise MemoryError(f"no memory for a result of {size} bytes")


def set_result(job: int, parts: Sequence[Any], size: int) -> None:
    """What a job answers. ``MemoryError`` when there is no room for it, ``ValueError`` when it is
    larger than any may be."""
    if size <= _MOST_JOINED:
        try:
            data = b"".join(parts)
        except MemoryError:
            data = b""  # where it is to be there may be room: that is not the job's own memory
        if data or size == 0:
            _check_room(api.result(job, data, size), size)
            return
    address = ctypes.c_void_p()
    _check_room(api.result_reserve(job, size, ctypes.byref(address)), size)
    view = memoryview((ctypes.c_ubyte * size).from_address(address.value or 0)).cast("B")
    at = 0
    for part in parts:
        end = at + (part.nbytes if isinstance(part, memoryview) else len(part))
        view[at:end] = part
        at = end


# The answer's errno tells a job that has met its memory limit: set_errno(ENOMEM) in a run.
_Run = ctypes.CFUNCTYPE(
    ctypes.c_int, ctypes.c_void_p, ctypes.c_void_p, ctypes.c_void_p, use_errno=True
)


class _Handler(ctypes.Structure):
    _fields_ = [
        ("name", ctypes.c_char_p),
        ("help", ctypes.c_char_p),
        ("run", _Run),
        ("context", ctypes.c_void_p),
    ]


class _Module(ctypes.Structure):
    _fields_ = [
        ("abi_version", ctypes.c_uint32),
        ("size", ctypes.c_uint32),
        ("name", ctypes.c_char_p),
        ("handler_size", ctypes.c_uint32),
        ("handler_count", ctypes.c_uint32),
        ("handlers", ctypes.POINTER(_Handler)),
    ]


_Load = ctypes.CFUNCTYPE(
    ctypes.c_void_p, ctypes.c_void_p, ctypes.POINTER(ctypes.c_char), ctypes.c_size_t
)
_Fork = ctypes.CFUNCTYPE(ctypes.c_int, ctypes.c_void_p, use_errno=True)
_Hook = ctypes.CFUNCTYPE(None, ctypes.c_void_p)


class _Runtime(ctypes.Structure):
    _fields_ = [
        ("abi_version", ctypes.c_uint32),
        ("size", ctypes.c_uint32),
        ("context", ctypes.c_void_p),
        ("load", _Load),
        ("fork", _Fork),
        ("begin_worker", _Hook),
        ("idle", _Hook),
        ("interrupt", ctypes.c_void_p),
    ]


class Handler(NamedTuple):
    """A handler of this interpreter.

    ``run(job)`` answers 0 when the job is done, anything else when it has failed. It is not to
    raise: what leaves it makes the job fail with the exception's text.
    """

    name: str
    help: str
    run: Callable[[int], int]


def describe(error: BaseException) -> str:
    """An exception in one line: its type and what it says."""
    text = said(error)
    return type(error).__name__ + (": " + text if text else "")


def _callback_of(run: Callable[[int], int]) -> "ctypes._FuncPointer":
    def call(job: int, _table: int, _context: int) -> int:
        try:
            return run(job)
        except BaseException as error:  # noqa: B902 -- nothing may leave a callback
            api.fail(job, describe(error).encode("utf-8", "replace"))
            return 1

    return _Run(call)


def _module_of(handlers: Sequence[Handler]) -> _Module:
    """Whoever has it keeps all that it refers to."""
    table = (_Handler * len(handlers))(
        *(
            _Handler(each.name.encode(), each.help.encode(), _callback_of(each.run), None)
            for each in handlers
        )
    )
    return _Module(
        _MODULE_VERSION,
        ctypes.sizeof(_Module),
        b"python",
        ctypes.sizeof(_Handler),
        len(handlers),
        table,
    )


def _explain(error: BaseException, why: "ctypes._Pointer[ctypes.c_char]", size: int) -> None:
    """Puts a text where the library asks for one, cut at its end."""
    text = describe(error).encode("utf-8", "replace").replace(b"\0", b"?")[: size - 1]
    ctypes.memmove(why, text + b"\0", len(text) + 1)


_getenv = ctypes.PYFUNCTYPE(ctypes.c_char_p, ctypes.c_char_p)(("getenv", ctypes.CDLL(None)))


def job_number() -> int:
    """The number of the job that runs, 0 before the first.

    The library keeps JOBMILL_JOB up to date for programs that a job starts, not in os.environ.
    """
    return int(_getenv(b"JOBMILL_JOB") or b"0")


def _flush() -> None:
    """What is in a buffer when a process is forked would be written by each that it becomes."""
    for stream in (sys.stdout, sys.stderr):
        if stream is not None:
            stream.flush()


def _fork(_context: Optional[int]) -> int:
    parent = os.getpid()
    try:
        return os.fork()
    except BaseException as error:  # noqa: B902 -- nothing may leave a callback
        if os.getpid() != parent:
            os._exit(70)  # half a fork is none
        ctypes.set_errno(error.errno or 0 if isinstance(error, OSError) else 0)
        return -1


def _hook_of(function: Optional[Callable[[], None]], vital: bool) -> Any:
    """What raises is told on standard error, and where it is vital the worker ends."""
    if function is None:
        return _Hook()  # type: ignore[call-overload] # none
    chosen = function

    def call(_context: Optional[int]) -> None:
        try:
            chosen()
        except BaseException:  # noqa: B902 -- nothing may leave a callback
            traceback.print_exc()
            if vital:
                _flush()
                os._exit(78)

    return _Hook(call)


def _take_socket(arguments: Sequence[str]) -> None:
    """The library names the daemon's socket to the process only, not to os.environ."""
    for option, value in zip(arguments, arguments[1:]):
        if option == "--socket":
            os.environ["JOBMILL_SOCKET"] = value


def serve(
    library: str,
    arguments: Sequence[str],
    load: Callable[[], List[Handler]],
    begin_worker: Optional[Callable[[], None]] = None,
    idle: Optional[Callable[[], None]] = None,
) -> int:
    """Serves the daemon until that is over, which ends this process, and all that it forks.

    ``arguments`` are the daemon's. ``load()`` is called once, in the template, or in a worker that
    was not forked; what it raises is told to the daemon as why the pool cannot be used.
    ``begin_worker()`` is called in every worker before its first job, and ends it when it raises;
    ``idle()`` when it has had none for a second. SIGTERM, when it comes in the middle of a job,
    becomes Python's SIGINT (PyErr_SetInterrupt), again and again until the job has ended: the
    handler that begin_worker() sets for SIGINT may raise in the job, once.

    Answers only when the arguments are wrong: the exit code.
    """
    global api
    shared = ctypes.CDLL(library)
    table = shared.jobmill_runtime_api_v1
    table.restype = ctypes.POINTER(Api)
    table.argtypes = []
    contents = table().contents
    if contents.size < ctypes.sizeof(Api) or not hasattr(shared, _COPY_PAYLOAD):
        sys.stderr.write("jobmill: " + library + " is older than the package jobmill\n")
        return 78
    api = _Functions(shared, contents)
    _take_socket(arguments)
    kept: List[_Module] = []

    def on_load(_context: int, why: "ctypes._Pointer[ctypes.c_char]", size: int) -> Optional[int]:
        try:
            kept.append(_module_of(load()))
            _flush()
            return ctypes.addressof(kept[0])
        except BaseException as error:  # noqa: B902 -- nothing may leave a callback
            _explain(error, why, size)
            return None

    runtime = _Runtime(
        _RUNTIME_VERSION,
        ctypes.sizeof(_Runtime),
        None,
        _Load(on_load),
        _Fork(_fork),
        _hook_of(begin_worker, vital=True),
        _hook_of(idle, vital=False),
        ctypes.cast(ctypes.pythonapi.PyErr_SetInterrupt, ctypes.c_void_p),
    )
    run = shared.jobmill_runtime_run_v1
    run.restype = ctypes.c_int
    run.argtypes = [ctypes.c_int, ctypes.POINTER(ctypes.c_char_p), ctypes.POINTER(_Runtime)]
    words = (ctypes.c_char_p * len(arguments))(*(os.fsencode(word) for word in arguments))
    answer: int = run(len(arguments), words, ctypes.byref(runtime))
    return answer
