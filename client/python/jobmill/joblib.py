# SPDX-License-Identifier: MIT
"""joblib's ``Parallel`` on jobmill's workers.

>>> import joblib
>>> import jobmill.joblib
>>> with jobmill.Executor() as executor, jobmill.joblib.backend(executor):
...     joblib.Parallel(n_jobs=-1)(joblib.delayed(pow)(2, i) for i in range(3))
[1, 2, 4]
"""

from __future__ import annotations

import functools
from typing import Any, Callable, Optional

from joblib import parallel_backend, register_parallel_backend  # type: ignore[import]
from joblib._parallel_backends import (  # type: ignore[import]
    AutoBatchingMixin,
    ParallelBackendBase,
    SequentialBackend,
)

from .executor import Executor

__all__ = ["backend"]


class _Backend(AutoBatchingMixin, ParallelBackendBase):
    """Batches of calls, as joblib makes them, as jobs of an executor."""

    supports_timeout = True
    supports_retrieve_callback = False

    def __init__(self, executor: Executor, **others: Any) -> None:
        super().__init__(**others)
        self._executor = executor
        self._futures: set = set()

    def effective_n_jobs(self, n_jobs: Optional[int]) -> int:
        if n_jobs == 0:
            raise ValueError("n_jobs == 0 in Parallel has no meaning")
        workers = self._executor._settings.max_workers
        if n_jobs is None or n_jobs < 0:
            return max(1, workers + 1 + (n_jobs or -1))
        return min(n_jobs, workers)

    def apply_async(self, func: Callable[[], Any], callback: Any = None) -> Any:
        future: Any = self._executor.submit(_call, func)
        self._futures.add(future)
        future.get = functools.partial(_get, future)
        if callback is not None:
            future.add_done_callback(callback)
        future.add_done_callback(self._futures.discard)
        return future

    def submit(self, func: Callable[[], Any], callback: Any = None) -> Any:
        """What newer versions call it."""
        return self.apply_async(func, callback)

    def abort_everything(self, ensure_ready: bool = True) -> None:
        for future in list(self._futures):
            future.cancel()

    def get_nested_backend(self) -> Any:
        return SequentialBackend(nesting_level=(self.nesting_level or 0) + 1), None


def _call(func: Callable[[], Any]) -> Any:
    return func()


def _get(future: Any, timeout: Optional[float] = None) -> Any:
    return future.result(timeout)


def backend(executor: Executor) -> Any:
    """A context manager within which ``joblib.Parallel`` uses this executor."""
    name = f"jobmill-{id(executor)}"
    register_parallel_backend(name, functools.partial(_Backend, executor))
    return parallel_backend(name)
