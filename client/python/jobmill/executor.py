# SPDX-License-Identifier: MIT
"""``Executor``: the standard library's interface, with workers that may die, and jobs that can be
stopped."""

from __future__ import annotations

import atexit
import concurrent.futures
import itertools
import os
import sys
import threading
import time
import weakref
from typing import (
    Any,
    Callable,
    Iterable,
    Iterator,
    List,
    Mapping,
    Optional,
    Sequence,
    Set,
    Tuple,
    Union,
)

from . import _frames as f
from ._call import encode_call, with_parent
from ._future import Future, Progress
from ._in_order import InOrder, run_chunk
from ._link import Link
from ._load import load_bytes, load_python
from ._parcel import HANDLER, TELL_PID, Parcel, dump_object
from ._settings import Settings
from ._stream import Item, stream
from .errors import DaemonGone, NotPossible
from .handle import Handle
from .options import encode, job_options

__all__ = ["Executor"]

Payload = Union[bytes, bytearray, memoryview, str]


class _Calls:
    """What can be submitted, with options of its own: an executor, and what its ``options()``
    answers."""

    _settings: Settings
    _options: Mapping[str, Any]
    _progress: Optional[Callable[[Progress], None]] = None
    _meta = b""
    _flags = 0

    _link: Optional[Link]
    _shut_down: bool

    def _connected(self) -> Link:
        raise NotImplementedError

    def submit(self, fn: Callable[..., Any], /, *args: Any, **kwargs: Any) -> Future:
        """Runs ``fn(*args, **kwargs)`` in a worker. Raises ``NotPossible`` when they cannot be sent
        there."""
        link = self._link or self._connected()
        payload, meta = encode_call(self, fn, args, kwargs, link.tag_of)
        future = self._new_future(link, _load_call)
        link.submit(future, payload, (self._settings.pool, HANDLER), meta)
        return future

    def call(
        self, handler: str, /, payload: Union[Payload, Handle] = b"", **arguments: Any
    ) -> Future:
        """Runs a native handler of the pool, without pickle. The future's result is bytes, or for a
        large one a read-only memoryview."""
        link = self._link or self._connected()
        options = with_parent(self._settings, dict(self._options, progress=True))
        if arguments:
            options["args"] = arguments
        if isinstance(payload, Handle):
            options["blob"] = link.tag_of(payload)
            payload = b""
        view = memoryview(payload.encode() if isinstance(payload, str) else payload).cast("B")
        future = self._new_future(link, _load_native)
        link.submit(
            future, Parcel((view,), view.nbytes), (self._settings.pool, handler), encode(options)
        )
        return future

    def map(
        self,
        fn: Callable[..., Any],
        /,
        *iterables: Iterable[Any],
        timeout: Optional[float] = None,
        chunksize: int = 1,
        buffersize: Optional[int] = None,
    ) -> InOrder:
        """The results in the order of the items, as ``Executor.map``; with ``buffersize`` so many
        jobs at most are ahead of the reader, and the iterables are read as they are needed. An
        iterator that is closed, that raises, or that is given up after the first result cancels
        what is left, running jobs included."""
        if chunksize < 1:
            raise ValueError("chunksize must be >= 1.")
        if buffersize is not None and buffersize < 1:
            raise ValueError("buffersize must be None or > 0")
        if self._shut_down:
            raise RuntimeError("cannot schedule new futures after shutdown")
        end = None if timeout is None else timeout + time.monotonic()
        items = zip(*iterables)
        if chunksize == 1:
            submissions = (self.submit(fn, *arguments) for arguments in items)
        else:
            chunks = iter(lambda: list(itertools.islice(items, chunksize)), [])
            submissions = (self.submit(run_chunk, fn, chunk) for chunk in chunks)
        futures: "List[Future]" = list(
            submissions if buffersize is None else itertools.islice(submissions, buffersize)
        )
        futures.reverse()
        more = submissions if buffersize is not None else iter(())
        return InOrder(futures, more, end, chunksize != 1)

    def imap_unordered(
        self, fn: Callable[..., Any], iterable: Iterable[Any], *, buffersize: Optional[int] = None
    ) -> Iterator[Item]:
        """An ``Item`` for each element, in the order in which they are done: ``index``, and
        ``value`` or ``error``. A failure ends nothing. ``buffersize`` jobs at most are under way;
        leaving the loop cancels them."""
        return stream(self, fn, iterable, buffersize)

    def _new_future(self, link: Link, load: Callable[[Any, Future], Any]) -> Future:
        future = Future()
        future._load = load
        future._link = link
        if self._settings.echo:
            future._echo = True
        if self._progress is not None:
            future._on_progress = self._progress
        return future

    def _make_meta(self) -> bytes:
        self._meta = encode(dict(self._options, progress=True))
        return self._meta


class _Options(_Calls):
    """An executor's ``options(...)``: submits with them."""

    def __init__(
        self,
        executor: "Executor",
        options: Mapping[str, Any],
        progress: Optional[Callable[[Progress], None]],
    ) -> None:
        self._of = executor
        self._settings = executor._settings
        self._options = options
        self._progress = progress
        self._flags = TELL_PID if options.get("started") else 0

    @property
    def _link(self) -> Optional[Link]:  # type: ignore[override] # as it is at the moment
        return self._of._link

    @property
    def _shut_down(self) -> bool:  # type: ignore[override]
        return self._of._shut_down

    def _connected(self) -> Link:
        return self._of._connected()


class Executor(_Calls, concurrent.futures.Executor):
    """Runs functions in worker processes of jobmilld.

    Without ``socket`` and ``pool`` a private daemon is started for this executor, with workers of
    this interpreter, that import what this program can import; it ends with the executor. With
    ``socket`` (or ``$JOBMILL_SOCKET``) jobs go to a pool of a running daemon, which other programs
    share: the one called ``pool``, ``"python"`` unless told. In a job, ``Executor()`` submits to
    the daemon that runs it, and the job's place is lent while it waits.

    max_workers: of a private daemon; the number of CPUs that this process may use by default.
    initializer, initargs: called once in each worker of a private daemon. max_tasks_per_child: a
    worker is replaced after so many jobs. preload: modules that are imported once, before workers
    are forked. output: what jobs print is written to this program's own ``"forward"``, or kept with
    the future only: ``"keep"``. mp_context is for callers of ``ProcessPoolExecutor``, unused.
    """

    def __init__(
        self,
        max_workers: Optional[int] = None,
        mp_context: Any = None,
        initializer: Optional[Callable[..., Any]] = None,
        initargs: Tuple[Any, ...] = (),
        *,
        max_tasks_per_child: Optional[int] = None,
        socket: Optional[str] = None,
        pool: Optional[str] = None,
        preload: Sequence[str] = (),
        output: str = "forward",
    ) -> None:
        self._settings = Settings(
            max_workers,
            mp_context,
            initializer,
            initargs,
            max_tasks_per_child=max_tasks_per_child,
            socket=socket,
            pool=pool,
            preload=preload,
            output=output,
        )
        self._options = {}
        self._shut_down = False
        self._link = None
        self._lock = threading.Lock()
        _executors.add(self)

    # concurrent.futures.Executor

    def shutdown(self, wait: bool = True, *, cancel_futures: bool = False) -> None:
        """No more jobs. With ``wait`` until those that there are have ended, but not in a callback, whose
        thread reads the results; ``cancel_futures`` cancels those that do not run. One that waits for
        its next attempt does not."""
        with self._lock:
            self._shut_down = True
            link = self._link
        if link is not None:
            link.refuse_jobs()
            if cancel_futures:
                link.cancel_waiting()
            wait = wait and not link.is_this_thread
            if wait:
                link.wait_until_idle()
        if wait or link is None or not link.unfinished:
            self._close()
        elif link is not None:
            _closing.add(self)  # the last job to end closes it
            threading.Thread(target=self._close_when_idle, args=(link,), daemon=True).start()

    def terminate_workers(self) -> None:
        """Stops all jobs of this executor, running ones too, and shuts it down."""
        self._stop()

    def kill_workers(self) -> None:
        """As ``terminate_workers``; who does not stop when asked is killed in either case."""
        self._stop()

    def __del__(self) -> None:
        if getattr(self, "_link", None) is not None and not self._shut_down:
            self.shutdown(wait=False)

    def __exit__(self, kind: Any, value: Any, traceback: Any) -> Optional[bool]:
        if kind is not None and issubclass(kind, (KeyboardInterrupt, SystemExit)):
            self._stop()
        else:
            self.shutdown(wait=True)
        return None

    # What else there is.

    def options(
        self, *, progress: Optional[Callable[[Progress], None]] = None, **options: Any
    ) -> _Options:
        """A view of this executor whose jobs have these options; see ``jobmill.options``.
        ``progress`` is called with each ``Progress`` of such a job, on a thread of this
        executor."""
        return _Options(self, job_options(**options), progress)

    def put(self, value: Any) -> Handle:
        """Gives the daemon an object once, for any number of jobs: they get it where the handle is
        among their arguments, its arrays read-only and not copied. At most eight handles a job; a
        tuple of arrays is one object."""
        parcel = dump_object(value, os.getpid())
        link = self._link or self._connected()
        handle = Handle(parcel)
        try:
            link.tag_of(handle)
        except BaseException:
            handle.release()
            raise
        return handle

    def handlers(self) -> List[dict]:
        """The handlers of this executor's pool: dicts of ``name``, ``help`` and ``module``."""
        link = self._link or self._connected()
        for pool in link.ask(f.HANDLERS)["pools"]:
            if pool["name"] == self._settings.pool:
                return pool["handlers"]
        raise NotPossible(f"the daemon has no pool {self._settings.pool!r}")

    @property
    def socket(self) -> str:
        """The path of the daemon's socket, for other programs."""
        return (self._link or self._connected()).path

    # Inside.

    def _connected(self) -> Link:
        with self._lock:
            if self._shut_down:
                raise RuntimeError("cannot schedule new futures after shutdown")
            if _exiting:
                raise RuntimeError("cannot schedule new futures after interpreter shutdown")
            if self._link is None:
                path = self._settings.begin()
                self._settings.await_ready()
                ended = weakref.WeakMethod(self._on_link_end)
                try:
                    self._link = Link(
                        path, f"jobmill-python {os.getpid()}", lambda link: _call_weak(ended, link)
                    )
                except DaemonGone as error:
                    raise self._settings.explained(error) from error
            return self._link

    def _on_link_end(self, link: Link) -> None:
        if self._link is link:
            self._link = None

    def _close_when_idle(self, link: Link) -> None:
        link.wait_until_idle()
        self._close()

    def _close(self) -> None:
        with self._lock:
            link, self._link = self._link, None
        if link is not None:
            link.close()
        self._settings.end()
        _closing.discard(self)

    def _stop(self) -> None:
        with self._lock:
            self._shut_down = True
            link = self._link
        if link is not None:
            link.refuse_jobs()
            link.cancel_all()
            link.wait_until_idle(_STOP_PATIENCE)
        self._close()

    def _abandon(self) -> None:
        """In the child of a fork: what is open is the parent's; the next submit connects anew."""
        self._lock = threading.Lock()
        if self._link is not None:
            self._link.abandon()
            self._link = None
        self._settings.abandon()


_STOP_PATIENCE = 5.0


def _load_call(result: Any, future: Future) -> Any:
    value, future.worker_pid = load_python(result, future._link)  # type: ignore[arg-type] # it has one
    return value


def _load_native(result: Any, future: Future) -> Any:
    return load_bytes(result, future._link)  # type: ignore[arg-type]


def _call_weak(method: Any, link: Link) -> None:
    found = method()
    if found is not None:
        found(link)


_executors: "weakref.WeakSet[Executor]" = weakref.WeakSet()
# Those whose last jobs are not done though nobody may have them any more.
_closing: Set[Executor] = set()
_exiting = False


def _at_exit() -> None:
    global _exiting
    _exiting = True
    interrupted = getattr(sys, "last_type", None)
    for executor in {*_executors, *_closing}:
        if interrupted is not None and issubclass(interrupted, KeyboardInterrupt):
            executor._stop()
        else:
            executor.shutdown(wait=True)


def _after_fork() -> None:
    for executor in {*_executors, *_closing}:
        executor._abandon()
    _closing.clear()


# Before threads are joined, as the standard library's executors do it: jobs may still be waited
# for.
if hasattr(threading, "_register_atexit"):
    threading._register_atexit(_at_exit)
else:
    atexit.register(_at_exit)
os.register_at_fork(after_in_child=_after_fork)
