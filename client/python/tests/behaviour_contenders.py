# SPDX-License-Identifier: MIT
"""Pools of processes behind one interface, each used as its manual says."""

from __future__ import annotations

import concurrent.futures
import multiprocessing
from typing import Any, Callable, Dict, Iterable, Iterator, Optional

__all__ = ["CONTENDERS", "OURS", "Contender", "make"]


class Contender:
    """``pool`` is the real thing. What a contender does not offer raises NotImplementedError."""

    pool: Any

    def submit(self, function: Callable[..., Any], *args: Any) -> Any:
        return self.pool.submit(function, *args)

    def submit_timed(self, seconds: float, function: Callable[..., Any], *args: Any) -> Any:
        """With the time that it may run."""
        raise NotImplementedError

    def result(self, job: Any, timeout: Optional[float] = None) -> Any:
        return job.result(timeout)

    def cancel(self, job: Any) -> bool:
        return bool(job.cancel())

    def unordered(self, function: Callable[..., Any], elements: Iterable[Any]) -> Iterator[Any]:
        """What comes nearest to results as they are done."""
        raise NotImplementedError

    def call_in_loop(self, loop: Any, function: Callable[..., Any], *args: Any) -> Any:
        """By asyncio's ``run_in_executor``."""
        return loop.run_in_executor(self.pool, function, *args)

    def end(self) -> None:
        self.pool.shutdown()


class Jobmill(Contender):
    def __init__(self, workers: int, **others: Any) -> None:
        import jobmill

        self.pool = jobmill.Executor(workers, **others)

    def submit_timed(self, seconds: float, function: Callable[..., Any], *args: Any) -> Any:
        return self.pool.options(timeout=seconds).submit(function, *args)

    def unordered(self, function: Callable[..., Any], elements: Iterable[Any]) -> Iterator[Any]:
        return (item.result() for item in self.pool.imap_unordered(function, elements))


class Standard(Contender):
    def __init__(self, workers: int, **others: Any) -> None:
        self.pool = concurrent.futures.ProcessPoolExecutor(workers, **others)

    def submit_timed(self, seconds: float, function: Callable[..., Any], *args: Any) -> Any:
        return _Waiting(self.submit(function, *args), seconds)

    def unordered(self, function: Callable[..., Any], elements: Iterable[Any]) -> Iterator[Any]:
        return self.pool.map(function, elements)


class _Waiting:
    """The nearest to a limit: not to wait longer."""

    def __init__(self, future: Any, seconds: float) -> None:
        self._future = future
        self._seconds = seconds

    def result(self, _timeout: Optional[float] = None) -> Any:
        return self._future.result(self._seconds)


class Multiprocessing(Contender):
    def __init__(self, workers: int, **others: Any) -> None:
        self.pool = multiprocessing.Pool(workers, **others)

    def submit(self, function: Callable[..., Any], *args: Any) -> Any:
        return self.pool.apply_async(function, args)

    def submit_timed(self, seconds: float, function: Callable[..., Any], *args: Any) -> Any:
        job = self.submit(function, *args)
        job.result = lambda _timeout=None: job.get(seconds)
        return job

    def result(self, job: Any, timeout: Optional[float] = None) -> Any:
        return job.result() if hasattr(job, "result") else job.get(timeout)

    def cancel(self, job: Any) -> bool:
        raise NotImplementedError

    def unordered(self, function: Callable[..., Any], elements: Iterable[Any]) -> Iterator[Any]:
        return self.pool.imap_unordered(function, elements)

    def end(self) -> None:
        self.pool.close()
        self.pool.join()


class Pebble(Contender):
    def __init__(self, workers: int, **others: Any) -> None:
        import pebble

        self.pool = pebble.ProcessPool(workers, **others)

    def submit(self, function: Callable[..., Any], *args: Any) -> Any:
        return self.pool.schedule(function, args)

    def submit_timed(self, seconds: float, function: Callable[..., Any], *args: Any) -> Any:
        return self.pool.schedule(function, args, timeout=seconds)

    def unordered(self, function: Callable[..., Any], elements: Iterable[Any]) -> Iterator[Any]:
        return self.pool.map(function, elements).result()

    def call_in_loop(self, loop: Any, function: Callable[..., Any], *args: Any) -> Any:
        # Its submit() has the timeout before the arguments.
        return loop.run_in_executor(self.pool, function, None, *args)

    def end(self) -> None:
        self.pool.close()
        self.pool.join()


OURS = "jobmill.Executor"
_KINDS: Dict[str, Any] = {
    OURS: Jobmill,
    "ProcessPoolExecutor": Standard,
    "multiprocessing.Pool": Multiprocessing,
    "pebble.ProcessPool": Pebble,
}
#: By name, the module that has it.
CONTENDERS = {
    OURS: "jobmill",
    "ProcessPoolExecutor": "concurrent.futures",
    "multiprocessing.Pool": "multiprocessing",
    "pebble.ProcessPool": "pebble",
}


def make(name: str, workers: int, **others: Any) -> Contender:
    contender: Contender = _KINDS[name](workers, **others)
    return contender
