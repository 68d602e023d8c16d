# SPDX-License-Identifier: MIT
"""That a future's condition is one, whichever it is."""

from __future__ import annotations

import concurrent.futures
import itertools
import os
import sys
import threading
import unittest

sys.path.insert(0, os.path.dirname(os.path.dirname(os.path.abspath(__file__))))

from jobmill import _condition  # noqa: E402
from jobmill._future import Future  # noqa: E402

PATIENCE = 30


class Conditions(unittest.TestCase):
    def test_the_light_one_is_taken_where_it_is_known_to_do(self):
        if sys.version_info[:2] == (3, 11):
            self.assertIs(_condition.Condition, _condition._Light)
        self.assertIsInstance(Future()._condition, _condition.Condition)

    def test_a_future_has_what_one_of_the_library_has(self):
        self.assertEqual(set(vars(Future())), set(vars(concurrent.futures.Future())))

    def test_who_waits_lets_go_of_all_that_he_holds_and_is_woken(self):
        condition = _condition._Light()
        there = []

        def wait():
            with condition:
                there.append("waits")
                condition.notify_all()
                there.append(condition.wait(PATIENCE))

        thread = threading.Thread(target=wait)
        with condition:
            with condition:  # again by the same thread
                thread.start()
                self.assertTrue(condition.wait_for(lambda: there == ["waits"], PATIENCE))
            condition.notify()
        thread.join(PATIENCE)
        self.assertEqual(there, ["waits", True])

    def test_a_wait_may_be_over_before_anybody_comes(self):
        condition = _condition._Light()
        with condition:
            self.assertFalse(condition.wait(0.001))
        with self.assertRaises(RuntimeError):
            condition.notify()
        with self.assertRaises(RuntimeError):
            condition.wait(0)
        self.assertTrue(condition.acquire(blocking=False))
        condition.release()

    def test_an_interrupt_after_any_step_leaves_a_wait_with_its_lock(self):
        for step in itertools.count(1):
            condition = _condition._Light()
            left = step

            def interrupt(_frame, event, _what):
                nonlocal left
                if event == "c_return" and threading.current_thread() is threading.main_thread():
                    left -= 1
                    if left == 0:
                        sys.setprofile(None)
                        raise KeyboardInterrupt

            try:
                with condition:
                    try:
                        sys.setprofile(interrupt)
                        condition.wait(0.001)
                    finally:
                        sys.setprofile(None)
                        self.assertTrue(condition._is_owned())
            except KeyboardInterrupt:
                continue
            self.assertGreater(step, 5)
            return


if __name__ == "__main__":
    unittest.main()
