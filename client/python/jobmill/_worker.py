# SPDX-License-Identifier: MIT
"""A pool's template and its workers in Python: what the daemon starts by ``_bootstrap``."""

from __future__ import annotations

import argparse
import ctypes
import errno
import importlib
import os
import pickle
import signal
import sys
import threading
import traceback
from ctypes import string_at
from pickle import dumps, loads
from typing import Any, Callable, Dict, List, Optional, Sequence, Tuple

from . import _frames as f
from . import _inside, _runtime
from ._capture import Capture
from ._functions import initializer_of, load_function, named
from ._heap import keep_freed, trim
from ._mappings import Mappings
from ._msgpack import unpack
from ._outcome import dump_exception
from ._parcel import (
    CALL,
    HANDLER,
    HAS_HANDLES,
    HEAD,
    TELL_PID,
    dump_exception_itself,
    dump_object,
    is_plain,
    load_object,
    set_inputs,
    split_call,
)
from .errors import InitializerFailed, ProtocolError

__all__ = ["main"]

_OWN_FILES = (__file__, load_function.__code__.co_filename)
_HEAD_SIZE = HEAD.size
_unpack_head = HEAD.unpack_from
_MOST_FUNCTIONS = 256
_LARGEST_KEPT_FUNCTION = 65_536
# Characters of an exception's text, and of its traceback, that fit a message of their own, whatever they are.
_LEAST_OF_WORDS = 4096
_LEAST_OF_LINE = 1024


class _Worker:
    """Runs one job after another. An interrupt that comes before the job's own code waits for it."""

    _inline_payload: Callable[[int], Optional[bytes]]
    _inline_result: Callable[[int, bytes, int], int]

    def __init__(self) -> None:
        self.pid = 0
        self._pid_bytes = b""
        self.broken: Optional[
            Tuple[str, str]
        ] = None  # why the initializer failed, and its traceback
        self._job = 0
        # Threads of a job speak for it, too: whoever does holds it, so that the job is not over meanwhile.
        self._speaks = threading.RLock()
        self._is_child = False
        self._inside_job = False
        self._interrupted = False
        self._functions: Dict[bytes, Callable[..., Any]] = {}
        self._capture = Capture(self._emit, lambda: self._job != 0)
        self._mappings = Mappings()

    # What the library calls.

    def bind(self) -> None:
        self._inline_payload = _runtime.api.inline_payload
        self._inline_result = _runtime.api.inline_result

    def begin(self, initializer: Optional[Callable[[], None]]) -> None:
        self.pid = os.getpid()
        self._pid_bytes = self.pid.to_bytes(4, "little")
        signal.signal(signal.SIGINT, self._on_interrupt)
        os.register_at_fork(after_in_child=self._become_child)
        self._capture.install()
        keep_freed()
        if initializer is None:
            return
        try:
            initializer()
        except BaseException as error:
            # Each job of this worker fails with it: its program is there to be told.
            self.broken = (_runtime.describe(error), traceback.format_exc())
            traceback.print_exc()

    def idle(self) -> None:
        self._mappings.end_job(keep=False)
        trim()

    def call(self, job: int) -> int:
        """The handler ``python.call``. Nearly every job is one, so what it always needs is here,
        and not in functions of its own."""
        self._job = job
        answer = 0
        function: Optional[Callable[..., Any]] = None
        args: Any = None
        kwargs: Any = None
        value: Any = None
        try:
            payload = self._inline_payload(job)
            if (
                payload is not None
                and len(payload) >= _HEAD_SIZE
                and payload[0] == CALL
                and self.broken is None
            ):
                _, flags, buffers, size, _ = _unpack_head(payload)
                if not flags and not buffers:
                    end = _HEAD_SIZE + size
                    function = self._functions.get(payload[_HEAD_SIZE:end])
                    if function is not None:
                        args, kwargs = loads(payload[end:])
            if function is None:
                function, args, kwargs = self._unpack(job, payload)
            try:
                self._inside_job = True
                if self._interrupted:
                    raise _inside.JobStopped("this job is to stop")
                value = function(*args, **kwargs)
            finally:
                self._inside_job = False
            data = dumps(value, 5) + self._pid_bytes if is_plain(value) else b""
            if (
                not data
                or len(data) > f.MOST_INLINE
                or self._inline_result(job, data, len(data)) != _runtime.OK
            ):
                self._set_value(job, value)
        except BaseException as error:  # whatever a job raises is its result
            self._tell(error)
            answer = 1
        function = args = kwargs = value = None
        if self._capture.holds or self._mappings.in_use or self._is_child:
            self._tidy_up()
        self._interrupted = False
        with self._speaks:
            self._job = 0
        return answer

    def offer(self, function: Callable[..., Any]) -> Callable[[int], int]:
        """A handler that is a function of a preloaded module."""

        def call(job: int) -> None:
            self._judge()
            payload = _runtime.api.payload(job)
            data = string_at(payload.data, payload.size) if payload.size else b""
            result = self._interruptible(function, (data,), _arguments(job))
            if isinstance(result, str):
                result = result.encode()
            if result is not None:
                view = memoryview(result).cast("B")
                _runtime.set_result(job, [view], view.nbytes)

        return lambda job: self._guard(job, call)

    # What jobs call, by _inside.

    def progress(self, done: int, total: int, note: str) -> None:
        text = note.encode() if note else None
        with self._speaks:
            if self._job:
                _runtime.api.progress(self._job, done, total, text)

    def cancelled(self) -> bool:
        with self._speaks:
            return bool(self._job and _runtime.api.cancelled(self._job))

    @staticmethod
    def job_number() -> int:
        return int(_getenv(b"JOBMILL_JOB") or 0)

    # Inside.

    def _guard(self, job: int, body: Callable[[int], None]) -> int:
        """Runs a job; when this goes on after it, nothing here refers to its objects any more."""
        self._job = job
        answer = 0
        try:
            body(job)
        except BaseException as error:  # whatever a job raises is its result
            self._tell(error)
            answer = 1
        return self._end_job(answer)

    def _end_job(self, answer: int) -> int:
        self._tidy_up()
        self._interrupted = False
        with self._speaks:
            self._job = 0
        return answer

    def _tidy_up(self) -> None:
        """When nothing here refers to the job's objects any more."""
        if self._capture.holds:
            self._capture.flush()
        if self._mappings.in_use:
            self._mappings.end_job()
        if self._is_child:
            os._exit(0)

    def _become_child(self) -> None:
        """A job has forked: this is no worker, and nothing that it does is the job's."""
        self._speaks = threading.RLock()
        self._job = 0
        self._is_child = True

    def _set_value(self, job: int, value: Any) -> None:
        parcel = dump_object(value, self.pid)
        _runtime.set_result(job, parcel.parts, parcel.size)

    def _interruptible(self, function: Callable[..., Any], args: tuple, kwargs: dict) -> Any:
        """The job's own code, where an interrupt may raise."""
        try:
            self._inside_job = True
            if self._interrupted:
                raise _inside.JobStopped("this job is to stop")
            return function(*args, **kwargs)
        finally:
            self._inside_job = False

    def _judge(self) -> None:
        if self.broken is not None:
            raise InitializerFailed("the initializer of its worker failed: " + self.broken[0])

    def _unpack(self, job: int, inline: Optional[bytes]) -> Tuple[Callable[..., Any], tuple, dict]:
        payload: Any = inline
        if payload is None:
            payload = self._mappings.take(_runtime.api.payload_descriptor(job))
        self._judge()
        try:
            flags, name, data, views = split_call(memoryview(payload))
            if flags & TELL_PID:
                self._emit(f.STREAM_NONE, b"P" + self._pid_bytes)
            loaded: Dict[int, Any] = {}
            if flags & HAS_HANDLES:
                set_inputs(self._inputs_of(job, loaded))
            function = self._functions.get(name)
            if function is None:
                function, by_name = load_function(name)
                if by_name:
                    self._keep_function(name, function)
            args, kwargs = pickle.loads(data, buffers=views)
        finally:
            set_inputs(None)
        return function, args, kwargs

    def _inputs_of(self, job: int, loaded: Dict[int, Any]) -> Callable[[int], Any]:
        """Each is loaded once, however often it is named."""

        def load(index: int) -> Any:
            if index not in loaded:
                descriptor = _runtime.api.input_descriptor(job, index)
                if descriptor < 0:
                    raise ProtocolError(f"a job without its input {index}")
                loaded[index] = load_object(self._mappings.take(descriptor))[0]
            return loaded[index]

        return load

    def _on_interrupt(self, _signal: int, _frame: Any) -> None:
        self._interrupted = True
        if self._inside_job:
            self._inside_job = False
            raise _inside.JobStopped("this job is to stop")

    def _keep_function(self, name: bytes, function: Callable[..., Any]) -> None:
        if len(name) <= _LARGEST_KEPT_FUNCTION:
            if len(self._functions) >= _MOST_FUNCTIONS:
                self._functions.clear()
            self._functions[name] = function

    def _emit(self, stream: int, data: bytes) -> bool:
        """False: there is no job that could say it, or it is more than the daemon takes."""
        with self._speaks:
            return self._job != 0 and (
                _runtime.api.emit(self._job, stream, data, len(data)) == _runtime.OK
            )

    def _tell(self, error: BaseException) -> None:
        if self._is_child:
            _leave_child(error)
        try:
            self._tell_all(error)
        except BaseException:  # by what a job has put into it
            words = f"{type(error).__name__}: it cannot be told"
            _runtime.api.fail(self._job, words.encode("utf-8", "replace"))

    def _tell_all(self, error: BaseException) -> None:
        # Without the frames that are the package's.
        trace = error.__traceback__
        while trace is not None and trace.tb_frame.f_code.co_filename in _OWN_FILES:
            trace = trace.tb_next
        lines = traceback.format_exception(type(error), error, trace)
        if isinstance(error, InitializerFailed) and self.broken is not None:
            lines = [self.broken[1]]
        if not self._emit(
            f.STREAM_NONE, dump_exception(error, "".join(lines), dump_exception_itself(error))
        ):
            # It is larger than what the daemon takes: its words alone are not.
            text = "".join(line[:_LEAST_OF_LINE] for line in lines)
            self._emit(f.STREAM_NONE, dump_exception(error, text, None, _LEAST_OF_WORDS))
        words = _runtime.describe(error).replace("\0", "?")
        _runtime.api.fail(self._job, words.encode("utf-8", "replace"))
        error.__traceback__ = None
        if isinstance(error, MemoryError):
            ctypes.set_errno(errno.ENOMEM)


def _leave_child(error: BaseException) -> None:
    """The end of a process that a job has forked, which comes out where the job would end."""
    code: Any = 1
    if isinstance(error, SystemExit):
        code = error.code
    else:
        traceback.print_exception(type(error), error, error.__traceback__)
    sys.stderr.flush()
    os._exit(code if isinstance(code, int) else 0 if code is None else 1)


_getenv = ctypes.CDLL(None).getenv
_getenv.restype = ctypes.c_char_p


def _arguments(job: int) -> Dict[str, Any]:
    given = _runtime.api.arguments(job)
    return unpack(string_at(given.data, given.size)) if given.size else {}


def _take_setup() -> Dict[str, Any]:
    """What the program has left for the workers of its private daemon."""
    path = os.environ.pop("JOBMILL_PYTHON_SETUP", None)
    if path is None:
        return {}
    with open(path, "rb") as file:
        setup = pickle.load(file)
    setup["starts"] = path + ".starts"
    own = sys.path[:]
    sys.path[:] = setup["path"] + [entry for entry in own if entry not in setup["path"]]
    sys.argv = setup["argv"]
    if "authkey" in setup:
        from multiprocessing.process import current_process

        current_process().authkey = setup["authkey"]
    return setup


def main(arguments: Sequence[str]) -> int:
    """``arguments``: LIBRARY [--pool NAME] [--preload MODULE]... [--initializer MODULE:FUNCTION]
    -- ARGV..."""
    parser = argparse.ArgumentParser(prog="jobmill._worker")
    parser.add_argument("library")
    parser.add_argument("--pool", default="")
    parser.add_argument("--preload", action="append", default=[])
    parser.add_argument("--initializer")
    border = list(arguments).index("--")
    options = parser.parse_args(arguments[:border])
    worker = _Worker()
    setup: Dict[str, Any] = {}

    def load() -> List[_runtime.Handler]:
        worker.bind()
        setup.update(_take_setup())
        for name in options.preload:
            importlib.import_module(name)
        handlers = [_runtime.Handler(HANDLER, "a pickled call of a Python function", worker.call)]
        for name, function in _inside.registered.items():
            lines = (function.__doc__ or "").strip().splitlines()
            handlers.append(
                _runtime.Handler(name, lines[0] if lines else "", worker.offer(function))
            )
        return handlers

    def begin_worker() -> None:
        context = _inside.Context(os.environ.get("JOBMILL_SOCKET", ""), options.pool, worker)
        _inside.become_worker(context)
        worker.begin(initializer_of(setup))
        if options.initializer is not None:
            # The pool's own: a worker that it does not let begin ends, and the daemon's log says
            # why.
            named(options.initializer)()

    return _runtime.serve(options.library, arguments[border + 1 :], load, begin_worker, worker.idle)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
