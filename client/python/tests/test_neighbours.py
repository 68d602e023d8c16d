# SPDX-License-Identifier: MIT
"""What one job does to its worker costs no other job anything: its interrupts, threads, forks, and
exceptions that cannot be told."""

from __future__ import annotations

import _thread
import os
import sys
import threading
import time
import unittest
import weakref
from typing import Any, List

import surroundings
import workload

import jobmill
from jobmill import Executor, InitializerFailed


def setUpModule() -> None:
    surroundings.need_daemon()


class OneWorker(unittest.TestCase):
    def setUp(self) -> None:
        self.executor = Executor(1, output="keep")
        self.addCleanup(self.executor.shutdown)
        self.pid = self.executor.submit(os.getpid).result()

    def assert_next_is_untouched(self) -> None:
        future = self.executor.submit(say_nothing)
        self.assertEqual(future.result(), self.pid)
        self.assertEqual(future.stdout, "")

    def test_a_job_that_interrupts_itself_fails_alone(self) -> None:
        error = self.executor.submit(interrupt_itself).exception()
        self.assertIsNotNone(error)
        self.assertEqual(self.executor.submit(workload.square, 3).result(), 9)
        self.assert_next_is_untouched()

    def test_threads_that_outlive_their_job_may_report_and_print(self) -> None:
        place = surroundings.place_of(self)
        for chatter in (report_on, print_on, ask_on):
            with self.subTest(chatter=chatter.__name__):
                stop = os.path.join(place, chatter.__name__)
                self.executor.submit(chatter, stop).result()
                for number in range(300):
                    self.assertEqual(
                        self.executor.submit(workload.square, number).result(), number**2
                    )
                workload.touch(stop)
                self.executor.submit(workload.wait_for_file, stop + ".finished").result()
                self.assertEqual(self.executor.submit(os.getpid).result(), self.pid)

    def test_what_a_thread_prints_between_jobs_is_nobodys(self) -> None:
        place = surroundings.place_of(self)
        self.executor.submit(print_later, place).result()
        workload.touch(os.path.join(place, "go"))
        surroundings.eventually(lambda: os.path.exists(os.path.join(place, "printed")))
        self.assert_next_is_untouched()

    def test_an_exception_without_a_text_takes_its_output_with_it(self) -> None:
        future = self.executor.submit(write_and_fail, "half a line")
        self.assertIsNotNone(future.exception())
        self.assertEqual(future.stdout, "half a line")
        self.assert_next_is_untouched()

    def test_a_child_that_a_job_forks_is_no_worker(self) -> None:
        for end, code in ((print_and_exit, 3), (print_and_fail, 1), (print_and_return, 0)):
            with self.subTest(end=end.__name__):
                future = self.executor.submit(fork_and_wait, end)
                self.assertEqual(future.result(), code)
                self.assertEqual(future.stdout, "of the job\n")
                self.assert_next_is_untouched()

    def test_a_result_that_cannot_be_sent_does_not_stay(self) -> None:
        self.executor.submit(answer_with_lock).exception()
        self.assertEqual(self.executor.submit(alive_locks).result(), 0)


class Initializer(unittest.TestCase):
    def test_one_that_exits_is_each_jobs_error(self) -> None:
        with Executor(1, initializer=sys.exit, initargs=(3,)) as executor:
            for _ in range(2):
                error = executor.submit(workload.square, 2).exception(timeout=30)
                self.assertIs(type(error), InitializerFailed)


def say_nothing() -> int:
    return os.getpid()


def interrupt_itself() -> None:
    _thread.interrupt_main()
    time.sleep(10)


def _keep_on(stop: str, act: Any) -> None:
    def go_on() -> None:
        while not os.path.exists(stop):
            act()
        workload.touch(stop + ".finished")

    threading.Thread(target=go_on, daemon=True).start()


def report_on(stop: str) -> None:
    _keep_on(stop, lambda: jobmill.report(1, 2, "on and on"))


def print_on(stop: str) -> None:
    def print_a_little() -> None:
        print("on and on", flush=True)
        time.sleep(0.0001)

    _keep_on(stop, print_a_little)


def ask_on(stop: str) -> None:
    _keep_on(stop, jobmill.cancelled)


def print_later(place: str) -> None:
    def later() -> None:
        workload.wait_for_file(os.path.join(place, "go"))
        time.sleep(0.05)  # for the job to be over, which nothing tells; else this shows less
        sys.stdout.write("half a line")
        workload.touch(os.path.join(place, "printed"))

    threading.Thread(target=later, daemon=True).start()


class _Untold(Exception):
    def __str__(self) -> str:
        raise KeyboardInterrupt


def write_and_fail(text: str) -> None:
    sys.stdout.write(text)
    raise _Untold


def print_and_exit() -> None:
    print("of the child", flush=True)
    jobmill.report(1)
    sys.exit(3)


def print_and_fail() -> None:
    print("of the child", flush=True)
    raise ValueError("of the child")


def print_and_return() -> None:
    print("of the child", flush=True)


def fork_and_wait(end: Any) -> int:
    child = os.fork()
    if child == 0:
        end()
        return 0  # out of the job, as nobody should
    _, status = os.waitpid(child, 0)
    print("of the job")
    return os.WEXITSTATUS(status) if os.WIFEXITED(status) else -os.WTERMSIG(status)


class _Lock:
    def __init__(self) -> None:
        self.lock = threading.Lock()


_locks: List[Any] = []


def answer_with_lock() -> Any:
    lock = _Lock()
    _locks.append(weakref.ref(lock))
    return lock


def alive_locks() -> int:
    return sum(each() is not None for each in _locks)


if __name__ == "__main__":
    unittest.main()
