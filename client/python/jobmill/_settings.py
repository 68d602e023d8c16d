# SPDX-License-Identifier: MIT
"""Which daemon and which pool an executor's jobs go to."""

from __future__ import annotations

import os
import pickle
import sys
from typing import Any, Callable, Dict, Optional, Sequence, Tuple

from . import _inside
from ._parcel import bytes_of, dump_call, dump_function
from ._places import POOL, PrivateDaemon, user_socket
from .errors import DaemonGone

__all__ = ["Settings"]


class Settings:
    """The parameters of ``Executor`` and ``aio.Pool``, judged, and the private daemon where there
    is to be one."""

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
        if max_workers is not None and max_workers <= 0:
            raise ValueError("max_workers must be greater than 0")
        if initializer is not None and not callable(initializer):
            raise TypeError("initializer must be a callable")
        if max_tasks_per_child is not None:
            if not isinstance(max_tasks_per_child, int):
                raise TypeError("max_tasks_per_child must be an integer")
            if max_tasks_per_child <= 0:
                raise ValueError("max_tasks_per_child must be >= 1")
        if output not in ("forward", "keep"):
            raise ValueError(f"output: want 'forward' or 'keep', not {output!r}")
        del mp_context  # there is one way to start workers
        self.echo = output == "forward"
        self.max_workers = max_workers or len(os.sched_getaffinity(0))
        self.pool = pool or POOL
        self.is_inside = False
        self.shared: Optional[str] = socket or os.environ.get("JOBMILL_SOCKET")
        if self.shared is None and pool is not None:
            self.shared = user_socket()
        self._initializer = initializer
        self._initargs = initargs
        self._preload = list(preload)
        self._recycle_jobs = max_tasks_per_child
        self._daemon: Optional[PrivateDaemon] = None
        self._parents: Optional[PrivateDaemon] = None  # after a fork
        inside = _inside.context()
        if inside is not None and (socket is None or socket == inside.socket):
            self.shared = inside.socket
            self.is_inside = True
            self.pool = pool or inside.pool or POOL
        if self.shared is None:
            self._setup = self._pack_setup()
        elif initializer is not None or max_tasks_per_child is not None or self._preload:
            raise ValueError(
                "initializer, max_tasks_per_child and preload are settings of a pool; for one of a shared "
                "daemon they are in its configuration"
            )

    def _pack_setup(self) -> bytes:
        """What workers of a private daemon begin with, read by ``_worker``."""
        call = None
        if self._initializer is not None:
            call = bytes_of(dump_call(dump_function(self._initializer), self._initargs, {}))
        setup: Dict[str, Any] = {
            "path": list(sys.path),
            "argv": list(sys.argv),
            "workers": self.max_workers,
            "initializer": call,
        }
        processes = sys.modules.get("multiprocessing.process")
        if processes is not None:
            # What a Manager's proxies identify themselves by.
            setup["authkey"] = bytes(processes.current_process().authkey)
        return pickle.dumps(setup)

    def begin(self) -> str:
        """The socket to connect to, which is there once ``is_ready()``."""
        _inside.refuse_in_main()
        if self.shared is not None:
            return self.shared
        if self._daemon is not None and self._daemon.has_gone:
            self._daemon.close()
            self._daemon = None
        if self._daemon is None:
            self._daemon = PrivateDaemon(
                self.max_workers, self._setup, self._preload, self._recycle_jobs
            )
        return self._daemon.socket

    def is_ready(self) -> bool:
        daemon = self._daemon or self._parents
        return daemon is None or daemon.is_ready()

    def await_ready(self) -> None:
        daemon = self._daemon or self._parents
        if daemon is not None:
            daemon.await_ready()

    def explained(self, error: DaemonGone) -> DaemonGone:
        """With what a private daemon has said of itself."""
        said = "" if self._daemon is None else self._daemon.log_tail()
        return DaemonGone(f"{error}. It said: {said}") if said else error

    def ask_to_stop(self) -> None:
        if self._daemon is not None:
            self._daemon.ask_to_stop()

    def has_stopped(self) -> bool:
        return self._daemon is None or not self._daemon.alive

    def end(self) -> None:
        """Waits for the private daemon to leave, if there is one."""
        daemon = self._daemon
        if daemon is not None:
            # Forgotten afterwards: an interrupt may come meanwhile, and it is closed again then.
            daemon.close()
            self._daemon = None

    def abandon(self) -> None:
        """In the child of a fork: the daemon is the parent's, but may be used."""
        if self._daemon is not None:
            self.shared = self._daemon.socket
            self._daemon.abandon()
            self._parents, self._daemon = self._daemon, None
