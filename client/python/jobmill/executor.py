# SPDX-License-Identifier: MIT
"""``Executor``: the standard library's interface, with workers that may die, and jobs that can be
stopped."""

from __future__ import annotations

import atexit
import concurrent.futures
import os
import sys
import threading
import weakref
from typing import Any, Callable, List, Optional, Sequence, Set, Tuple

from . import _frames as f
from ._calls import Calls, OptionsView
from ._future import Progress
from ._link import Link
from ._parcel import dump_object
from ._settings import Settings
from ._stream import Streams
from .errors import DaemonGone, NotPossible
from .handle import Handle
from .options import job_options

__all__ = ["Executor"]


class Executor(Calls, concurrent.futures.Executor):
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
        self._streams = Streams()
        self._link = None
        self._lock = threading.Lock()
        _executors.add(self)

    # concurrent.futures.Executor

    def shutdown(self, wait: bool = True, *, cancel_futures: bool = False) -> None:
        """No more jobs. With ``wait`` until those that there are have ended, but not in a callback, whose
        thread reads the results; ``cancel_futures`` cancels those that do not run. One that waits for
        its next attempt does not. Those of ``imap_unordered`` are cancelled when all others have ended.
        """
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
        if kind is not None and issubclass(kind, KeyboardInterrupt):
            self._stop()
        else:
            self.shutdown(wait=True)
        return None

    # What else there is.

    def options(
        self, *, progress: Optional[Callable[[Progress], None]] = None, **options: Any
    ) -> OptionsView:
        """A view of this executor whose jobs have these options; see ``jobmill.options``.
        ``progress`` is called with each ``Progress`` of such a job, on a thread of this executor, or
        for ``imap_unordered`` on the one that reads the items."""
        return OptionsView(self, job_options(**options), progress)

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
        self._streams.end()
        if link is not None:
            link.close()
        self._settings.end()
        _closing.discard(self)

    def _stop(self) -> None:
        with self._lock:
            self._shut_down = True
            link = self._link
        self._streams.end()
        if link is not None:
            link.refuse_jobs()
            link.cancel_all()
            link.wait_until_idle(_STOP_PATIENCE)
        self._close()

    def _abandon(self) -> None:
        """In the child of a fork: what is open is the parent's; the next submit connects anew."""
        self._lock = threading.Lock()
        self._streams.abandon()
        self._streams = Streams()
        if self._link is not None:
            self._link.abandon()
            self._link = None
        self._settings.abandon()


_STOP_PATIENCE = 5.0


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
