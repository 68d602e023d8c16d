# SPDX-License-Identifier: MIT
"""``imap_unordered`` of an ``aio.Pool``."""

from __future__ import annotations

import asyncio
import time
from typing import TYPE_CHECKING, Any, Callable, Dict, List, Optional

from ._call import encode_call
from ._parcel import HANDLER
from ._stream import Basket, Element, Item
from .errors import JobMillError

if TYPE_CHECKING:
    from ._aio_calls import Calls

__all__ = ["Feed"]

# Elements are taken for so long in a turn of the loop.
_TURN_SECONDS = 0.001


class Feed:
    """The elements on their way in, and the items on their way out, of one ``imap_unordered``."""

    def __init__(self, calls: "Calls", fn: Callable[..., Any], iterable: Any, window: int) -> None:
        self._calls = calls
        self._fn = fn
        self._window = window
        self._sinks: Dict[int, Element] = {}
        self._items: List[Item] = []
        self._basket: Optional[Basket] = None
        self._next_index = 0
        self._exhausted = False
        self._elements: Any = None
        self._source: Any = None
        self._next: "Optional[asyncio.Future[Any]]" = None
        if hasattr(iterable, "__aiter__"):
            self._source = iterable.__aiter__()
        else:
            self._elements = iter(iterable)

    def take(self) -> List[Item]:
        items = self._items[:]
        self._items.clear()
        for item in items:
            self._sinks.pop(item.index, None)
        return items

    async def advance(self) -> bool:
        """Until there are items; False: there will be none."""
        while True:
            if self._elements is not None:
                self._fill()
            elif not self._exhausted and self._next is None and len(self._sinks) < self._window:
                self._next = asyncio.ensure_future(self._source.__anext__())
            if self._items:
                return True
            if self._exhausted and not self._sinks:
                return False
            await self._something()

    async def _something(self) -> None:
        pool = self._calls._pool
        pool._open_desk()
        change = pool._change()
        if self._next is None:
            await change
            return
        await asyncio.wait({change, self._next}, return_when=asyncio.FIRST_COMPLETED)
        change.cancel()
        if self._next.done():
            done, self._next = self._next, None
            try:
                element = done.result()
            except StopAsyncIteration:
                self._exhausted = True
                return
            self._submit(element)

    def _fill(self) -> None:
        end = time.perf_counter() + _TURN_SECONDS
        while not self._exhausted and len(self._sinks) < self._window:
            try:
                element = next(self._elements)
            except StopIteration:
                self._exhausted = True
                return
            self._submit(element)
            if time.perf_counter() > end and self._sinks:
                # More of them with the next results.
                return

    def _submit(self, element: Any) -> None:
        calls, pool = self._calls, self._calls._pool
        desk = pool._open_desk()
        index = self._next_index
        self._next_index += 1
        if self._basket is None or self._basket.desk is not desk:
            self._basket = Basket(desk, self._items, pool._settings.echo)
            self._basket.is_interruptible = False
        sink = Element(index, self._basket)
        self._sinks[index] = sink
        try:
            payload, meta = encode_call(calls, self._fn, (element,), {}, pool._tag_of)
        except JobMillError as error:
            sink.on_error(error)
            return
        desk.submit(sink, payload, (pool._settings.pool, HANDLER), meta)
        pool._flush_soon()

    def close(self) -> None:
        if self._next is not None:
            self._next.cancel()
        if self._basket is not None:
            self._basket.wanted = False  # of what still waits for credit
        for sink in self._sinks.values():
            self._calls._pool._cancel(sink)
