# SPDX-License-Identifier: MIT
"""A future by itself: whoever else waits for it hears of its end, though the thread that ends it is
interrupted after any step."""

from __future__ import annotations

import concurrent.futures
import itertools
import os
import pickle
import signal
import sys
import threading
import unittest
from typing import Any, Callable, List

sys.path.insert(0, os.path.dirname(os.path.dirname(os.path.abspath(__file__))))

from surroundings import eventually  # noqa: E402

from jobmill import _frames as f  # noqa: E402
from jobmill._future import Future  # noqa: E402
from jobmill._session import Result  # noqa: E402

PATIENCE = 30
VALUE = 7
SUCCEEDED = Result(1, pickle.dumps(VALUE, 5), (1, 0, 0, 0, 1, f.SUCCEEDED, 0, 1, 0, 0), {})


class _Interrupting:
    """Runs something, with a ``KeyboardInterrupt`` after so many steps at which one may come."""

    def __init__(self, step: int) -> None:
        self._left = step

    def __call__(self, action: Callable[[], Any]) -> bool:
        """Whether it was interrupted."""
        try:
            sys.setprofile(self._profile)
            action()
        except KeyboardInterrupt:
            return True
        finally:
            sys.setprofile(None)
        return False

    def _profile(self, _frame: Any, event: str, _what: Any) -> None:
        if event in ("call", "c_return"):
            self._left -= 1
            if self._left == 0:
                raise KeyboardInterrupt


def wait_for(future: Future) -> Any:
    try:
        return future.result(PATIENCE)
    except concurrent.futures.CancelledError:
        return "cancelled"


def look_for(future: Future) -> Any:
    done = concurrent.futures.wait([future], PATIENCE).done
    return wait_for(future) if done else "not done"


class Ends(unittest.TestCase):
    def others_hear(
        self,
        how: Callable[[Future], Any],
        end: Callable[[Future], Any],
        again: Callable[[Future], Any],
    ) -> int:
        """How many interrupts there were: one more each time, until there is none."""
        for step in itertools.count(1):
            future = Future()
            future._load = lambda result, _future: pickle.loads(result.payload)
            heard: List[Any] = []
            other = threading.Thread(target=lambda: heard.append(how(future)))
            other.start()
            eventually(lambda: bool(future._waiters or future._condition._waiters))
            interrupted = _Interrupting(step)(lambda: end(future))
            again(future)
            other.join(PATIENCE)
            self.assertIn(heard, ([VALUE], ["cancelled"]), f"step {step}")
            if not interrupted:
                return step - 1
        return 0

    def test_by_a_value_on_the_thread_that_waits(self) -> None:
        # What that has not told is for the reading thread.
        for how in (wait_for, look_for):
            steps = self.others_hear(
                how,
                lambda future: future.on_value(SUCCEEDED),
                lambda future: future.on_result(SUCCEEDED),
            )
            self.assertGreater(steps, 1)

    def test_by_a_cancel_that_is_repeated(self) -> None:
        # Those of wait() count how often they are told; an interrupt in their midst is theirs.
        steps = self.others_hear(wait_for, Future.cancel, Future.cancel)
        self.assertGreater(steps, 3)

    def test_what_a_signal_handler_raises_while_it_is_unpickled_is_the_programs(self) -> None:
        def raise_it(*_: Any) -> None:
            raise LookupError("of a handler")

        def load(*_: Any) -> None:
            signal.raise_signal(signal.SIGALRM)

        def fail(*_: Any) -> None:
            raise LookupError("of unpickling")

        self.addCleanup(signal.signal, signal.SIGALRM, signal.signal(signal.SIGALRM, raise_it))
        future = Future()
        future._load = load
        with self.assertRaisesRegex(LookupError, "of a handler"):
            future.on_value(SUCCEEDED)
        self.assertFalse(future.done())
        future._load = fail
        self.assertFalse(future.on_value(SUCCEEDED))

    def test_what_others_wait_for_is_not_told_by_one_who_may_be_interrupted(self) -> None:
        future = Future()
        future._load = lambda result, _future: pickle.loads(result.payload)
        other = threading.Thread(target=wait_for, args=(future,))
        other.start()
        eventually(lambda: bool(future._condition._waiters))
        self.assertFalse(future.on_value(SUCCEEDED))
        self.assertFalse(future.done())
        future.on_result(SUCCEEDED)
        other.join(PATIENCE)
        self.assertFalse(other.is_alive())


if __name__ == "__main__":
    unittest.main()
