# SPDX-License-Identifier: MIT
"""The results of ``map()``: in the order of the items, whichever is done first."""

from __future__ import annotations

import itertools
import time
from typing import Any, Callable, Generator, Iterator, List, Optional

from ._future import Future

__all__ = ["InOrder", "run_chunk"]


def run_chunk(fn: Callable[..., Any], chunk: List[tuple]) -> List[Any]:
    return [fn(*arguments) for arguments in chunk]


class InOrder:
    """What ``map()`` answers. ``close()`` cancels what is left, and so does forgetting it once it
    was read from. Who never reads wants the jobs and not their results: they go on."""

    def __init__(
        self, futures: List[Future], more: Iterator[Future], end: Optional[float], in_chunks: bool
    ) -> None:
        """``futures`` is reversed: the first is its last."""
        self._unread = futures
        self._results = _results(futures, more, end)
        self._values: Iterator[Any] = self._results
        if in_chunks:
            self._values = itertools.chain.from_iterable(self._results)

    def __iter__(self) -> Iterator[Any]:
        return self

    def __next__(self) -> Any:
        return next(self._values)

    def close(self) -> None:
        self._values = iter(())
        self._results.close()
        # A generator that has not begun does nothing when it is closed.
        for future in self._unread:
            future.cancel()


def _results(
    futures: List[Future], more: Iterator[Future], end: Optional[float]
) -> Generator[Any, None, None]:
    pending = futures
    later: List[Future] = []
    try:
        while pending or later:
            if not pending:
                later.reverse()
                pending, later = later, []
            yield _result_of(pending.pop(), end)
            later.extend(itertools.islice(more, 1))
    finally:
        for future in itertools.chain(pending, later):
            future.cancel()


def _result_of(future: Future, end: Optional[float]) -> Any:
    """Nobody but whoever reads the results has them then."""
    try:
        value = future.result(None if end is None else end - time.monotonic())
        future._result = None  # the thread that has told the future may still hold it
        return value
    except BaseException:
        future.cancel()
        raise
    finally:
        del future
