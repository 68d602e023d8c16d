# SPDX-License-Identifier: MIT
"""Whoever waits for the only job under way reads its result himself; everything else is the reading
thread's, at once."""

from __future__ import annotations

import concurrent.futures
import os
import random
import signal
import subprocess
import sys
import threading
import time
import unittest
from typing import Any, List, Set

import surroundings
import workload
from surroundings import eventually

import jobmill
from jobmill import Executor
from jobmill._link import Link

# Soon after a guest the reading thread may sleep for two milliseconds. A test that sees more than
# this has met a thread that nobody wakes, not a slow machine.
FOR_EVER = 20.0


def setUpModule() -> None:
    surroundings.need_daemon()


class Waiting(unittest.TestCase):
    def setUp(self) -> None:
        self.place = surroundings.place_of(self)
        self.executor = Executor(2)
        self.addCleanup(self.executor.shutdown)
        self.assertEqual(self.executor.submit(workload.square, 2).result(), 4)

    @property
    def link(self) -> Link:
        assert self.executor._link is not None
        return self.executor._link

    def path(self, name: str) -> str:
        return os.path.join(self.place, name)

    def begin(self) -> Any:
        """A job that waits for ``go``."""
        return self.executor.submit(workload.wait_for_file, self.path("go"))

    def go(self) -> None:
        workload.touch(self.path("go"))

    def waiter_for(self, future: Any) -> "concurrent.futures.Future[Any]":
        """What another thread gets that waits for its result by now, as a guest or as anybody: a guest
        stays until the daemon has said something, which is soon."""
        pool = concurrent.futures.ThreadPoolExecutor(1)
        self.addCleanup(pool.shutdown)
        waiter = pool.submit(future.result)
        eventually(lambda: self.link._visits.guest is future or future._condition._waiters)
        return waiter


class ReadingOneself(Waiting):
    def test_the_only_result_is_read_by_whoever_waits_for_it(self) -> None:
        # One that comes before somebody waits for it is the reading thread's.
        eventually(
            lambda: self.executor.submit(workload.tell_reader).result() == threading.get_ident()
        )

    def test_a_result_with_a_callback_is_not(self) -> None:
        future = self.begin()
        called_by: List[int] = []
        future.add_done_callback(lambda _: called_by.append(threading.get_ident()))
        self.go()
        future.result()
        eventually(lambda: called_by)
        self.assertEqual(called_by, [self.link._thread.ident])

    def test_a_callback_that_is_added_meanwhile_is_called_by_the_reading_thread(self) -> None:
        future = self.begin()
        waiter = self.waiter_for(future)
        called_by: List[int] = []
        future.add_done_callback(lambda _: called_by.append(threading.get_ident()))
        self.go()
        waiter.result(FOR_EVER)
        eventually(lambda: called_by)
        self.assertEqual(called_by, [self.link._thread.ident])

    def test_so_is_what_is_told_of_its_progress(self) -> None:
        called_by: List[Any] = []
        calls = self.executor.options(
            progress=lambda progress: called_by.append((progress.done, threading.get_ident()))
        )
        future = calls.submit(workload.report_and_wait, self.place)
        waiter = self.waiter_for(future)
        eventually(lambda: called_by)
        self.go()
        waiter.result(FOR_EVER)
        self.assertEqual(called_by, [(1, self.link._thread.ident)])

    def test_one_that_fails_is_told_as_any(self) -> None:
        with self.assertRaises(ZeroDivisionError):
            self.executor.submit(divmod, 1, 0).result()
        self.assertIsInstance(self.executor.submit(divmod, 1, 0).exception(), ZeroDivisionError)

    def test_a_timeout_is_kept_and_the_result_comes_later(self) -> None:
        future = self.begin()
        before = time.monotonic()
        with self.assertRaises(concurrent.futures.TimeoutError):
            future.result(0.05)
        self.assertGreaterEqual(time.monotonic() - before, 0.05)
        with self.assertRaises(concurrent.futures.TimeoutError):
            future.exception(0)
        self.assertFalse(future.done())
        self.go()
        self.assertEqual(future.result(FOR_EVER), self.path("go"))

    def test_a_large_result_is_one_of_the_kind(self) -> None:
        data = os.urandom(3_000_000)
        self.assertEqual(self.executor.submit(workload.identity, data).result(), data)


class BesideOthers(Waiting):
    def setUp(self) -> None:
        super().setUp()
        for number in range(20):  # the reading thread leaves it to the guest
            self.assertEqual(
                self.executor.submit(workload.square, number).result(), number * number
            )

    def test_what_nobody_waits_for_as_a_guest_comes_at_once(self) -> None:
        for number in range(20):
            self.executor.submit(workload.square, number).result()
            future = self.executor.submit(workload.square, number)
            done, _ = concurrent.futures.wait([future], FOR_EVER)
            self.assertEqual(done, {future})
            self.executor.submit(workload.square, number).result()
            called = threading.Event()
            self.executor.submit(workload.square, 3).add_done_callback(lambda _: called.set())
            self.assertTrue(called.wait(FOR_EVER))
            self.executor.submit(workload.square, number).result()
            left = self.executor.submit(workload.square, number)
            eventually(left.done)

    def test_another_job_ends_while_somebody_waits_for_a_long_one(self) -> None:
        waiter = self.waiter_for(self.begin())
        self.assertEqual(self.executor.submit(workload.square, 3).result(FOR_EVER), 9)
        self.assertFalse(waiter.done())
        self.go()
        self.assertEqual(waiter.result(FOR_EVER), self.path("go"))

    def test_two_wait_for_the_same(self) -> None:
        future = self.begin()
        waiter, other = self.waiter_for(future), self.waiter_for(future)
        self.go()
        self.assertEqual(waiter.result(FOR_EVER), self.path("go"))
        self.assertEqual(other.result(FOR_EVER), self.path("go"))

    def test_it_is_cancelled_while_somebody_waits(self) -> None:
        future = self.begin()
        waiter = self.waiter_for(future)
        self.assertTrue(future.cancel())
        with self.assertRaises(concurrent.futures.CancelledError):
            waiter.result(FOR_EVER)
        self.assertEqual(self.executor.submit(workload.square, 5).result(FOR_EVER), 25)

    def test_requests_are_answered_while_somebody_waits(self) -> None:
        waiter = self.waiter_for(self.begin())
        self.assertTrue(self.executor.handlers())
        handle = self.executor.put(b"12")
        self.addCleanup(handle.release)
        self.go()
        self.assertEqual(waiter.result(FOR_EVER), self.path("go"))

    def test_the_executor_is_shut_down_while_somebody_waits(self) -> None:
        waiter = self.waiter_for(self.begin())
        before = surroundings.descriptors()
        self.executor.terminate_workers()
        with self.assertRaises(concurrent.futures.CancelledError):
            waiter.result(FOR_EVER)
        eventually(lambda: len(surroundings.descriptors()) < len(before))
        with self.assertRaises(RuntimeError):
            self.executor.submit(workload.square, 1)

    def test_a_shutdown_waits_for_whoever_is_told(self) -> None:
        waiter = self.waiter_for(self.begin())
        ended = threading.Thread(target=self.executor.shutdown)
        ended.start()
        self.go()
        ended.join(FOR_EVER)
        self.assertFalse(ended.is_alive())
        self.assertEqual(waiter.result(FOR_EVER), self.path("go"))

    def test_the_daemon_dies_while_somebody_waits(self) -> None:
        before = surroundings.descriptors()
        waiter = self.waiter_for(self.begin())
        daemon = self.executor._settings._daemon
        assert daemon is not None
        os.kill(daemon._process.pid, signal.SIGKILL)
        with self.assertRaises(jobmill.DaemonGone):
            waiter.result(FOR_EVER)
        self.assertEqual(self.executor.submit(workload.square, 5).result(FOR_EVER), 25)
        eventually(lambda: len(surroundings.descriptors()) <= len(before))

    def test_the_daemon_dies_while_the_reading_thread_leaves_it_to_guests(self) -> None:
        daemon = self.executor._settings._daemon
        assert daemon is not None
        self.executor.submit(workload.square, 1).result()
        os.kill(daemon._process.pid, signal.SIGKILL)
        eventually(lambda: self.executor._link is None)
        self.assertEqual(self.executor.submit(workload.square, 5).result(FOR_EVER), 25)

    def test_threads_of_every_habit_go_on_for_long(self) -> None:
        problems: List[BaseException] = []
        seed = random.randrange(1 << 30)

        def live(number: int) -> None:
            chance = random.Random(seed + number)
            try:
                for _ in range(150):
                    self.one_habit(chance)
            except BaseException as error:
                problems.append(error)

        threads = [threading.Thread(target=live, args=(number,)) for number in range(3)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join(surroundings.PATIENCE)
            self.assertFalse(thread.is_alive(), f"seed {seed}")
        self.assertEqual(problems, [], f"seed {seed}")
        self.assertTrue(self.link.wait_until_idle(FOR_EVER))

    def one_habit(self, chance: random.Random) -> None:
        number = chance.randrange(1000)
        habit = chance.randrange(7)
        future = self.executor.submit(workload.square, number)
        if habit < 2:
            self.assertEqual(future.result(FOR_EVER), number * number)
        elif habit == 2:
            try:
                future.result(chance.random() / 5000)
            except concurrent.futures.TimeoutError:
                self.assertEqual(future.result(FOR_EVER), number * number)
        elif habit == 3:
            future.cancel()
        elif habit == 4:
            called = threading.Event()
            future.add_done_callback(lambda _: called.set())
            self.assertTrue(called.wait(FOR_EVER))
        elif habit == 5:
            many: Set[Any] = {self.executor.submit(workload.square, n) for n in range(5)}
            done = set(concurrent.futures.as_completed(many | {future}, FOR_EVER))
            self.assertEqual(len(done), 6)
        else:
            time.sleep(chance.random() / 300)
            self.assertEqual(future.exception(FOR_EVER), None)


class Callbacks(Waiting):
    """On the reading thread."""

    def answer_of(self, call: Any) -> Any:
        """Of the call, made by a callback."""
        answers: List[Any] = []

        def ask(_: Any) -> None:
            try:
                answers.append(call())
            except Exception as error:
                answers.append(error)

        future = self.begin()
        future.add_done_callback(ask)
        self.go()
        eventually(lambda: answers)
        return answers[0]

    def test_shutdown_waits_for_nothing(self) -> None:
        other = self.executor.submit(workload.wait_for_file, self.path("other"))
        self.assertIsNone(self.answer_of(self.executor.shutdown))
        with self.assertRaises(RuntimeError):
            self.executor.submit(workload.square, 2)
        workload.touch(self.path("other"))
        self.assertEqual(other.result(FOR_EVER), self.path("other"))

    def test_what_would_wait_for_ever_is_refused(self) -> None:
        for call in (lambda: self.executor.put(b"object"), self.executor.handlers):
            with self.subTest(call):
                self.assertIsInstance(self.answer_of(call), RuntimeError)
                os.unlink(self.path("go"))
                self.assertEqual(self.executor.submit(workload.square, 2).result(FOR_EVER), 4)

    def test_one_that_exits_ends_nothing(self) -> None:
        called: List[Any] = []

        def leave(progress: Any) -> None:
            called.append(progress)
            sys.exit("of a callback")

        with self.assertLogs("concurrent.futures", "ERROR"):
            exits = self.executor.options(progress=leave)
            reports = exits.submit(workload.report_and_wait, self.place)
            eventually(lambda: called)
            self.go()
            reports.result(FOR_EVER)
        os.unlink(self.path("go"))
        future = self.begin()
        future.add_done_callback(lambda _: sys.exit("of another"))
        self.go()
        self.assertEqual(future.result(FOR_EVER), self.path("go"))
        self.assertEqual(self.executor.submit(workload.square, 2).result(FOR_EVER), 4)


def run(text: str) -> "subprocess.CompletedProcess[str]":
    """A script that finds ``interrupts``, too."""
    places = os.pathsep.join((surroundings.HERE, surroundings.PACKAGE_PARENT))
    return surroundings.run_script(
        text, env=surroundings.surroundings_of_scripts(PYTHONPATH=places)
    )


class Interrupted(Waiting):
    def test_an_interrupt_ends_the_wait_and_nothing_else(self) -> None:
        for _ in range(3):
            future = self.begin()
            timer = threading.Timer(0.05, os.kill, (os.getpid(), signal.SIGINT))
            timer.start()
            with self.assertRaises(KeyboardInterrupt):
                future.result(FOR_EVER)
            timer.join()
            self.assertFalse(future.done())
            self.assertEqual(self.executor.submit(workload.square, 3).result(FOR_EVER), 9)
            self.go()
            self.assertEqual(future.result(FOR_EVER), self.path("go"))
            os.unlink(self.path("go"))

    def test_one_that_comes_while_a_result_is_unpickled_loses_nothing(self) -> None:
        def is_interrupted() -> bool:
            future = self.executor.submit(workload.be_interrupting)
            try:
                future.result(FOR_EVER)
                return False  # the reading thread was earlier
            except KeyboardInterrupt:
                pass
            self.assertTrue(concurrent.futures.wait([future], FOR_EVER).done)
            self.assertEqual(future.result(), 7)
            return True

        for _ in range(5):
            eventually(is_interrupted)

    def test_interrupts_at_any_time_leave_nobody_waiting(self) -> None:
        done = run(
            """
            import os, signal, subprocess
            from concurrent.futures import wait
            from interrupts import Interrupts
            from jobmill import Executor

            INTERRUPTS = 300
            interrupting = Interrupts(signal.SIGINT)
            executor = Executor(2)
            executor.submit(abs, -1).result()
            sender = subprocess.Popen(
                ["perl", "-e", "for (1 .. %d) { select undef, undef, undef, 0.002 + rand 0.001; kill 'INT', %d }" % (10 * INTERRUPTS, os.getpid())]
            )
            interrupts = results = 0
            while interrupts < INTERRUPTS and sender.poll() is None:
                try:
                    interrupting.armed = True
                    while True:
                        future = None
                        future = executor.submit(abs, -1)
                        assert future.result(20) == 1
                        results += 1
                except KeyboardInterrupt:
                    interrupts += 1
                    if future is not None:
                        assert wait([future], 20).done
                        assert future.result() == 1
            interrupting.armed = False
            sender.kill()
            sender.wait()
            assert executor.submit(abs, -2).result(20) == 2
            executor.shutdown()
            print(interrupts == INTERRUPTS, results > INTERRUPTS)
            """
        )
        self.assertEqual(done.stdout, "True True\n", done.stderr)

    def test_interrupts_of_whoever_submits_send_nothing_twice(self) -> None:
        self.submit_and_interrupt("abs, -1", "1")

    def test_nor_does_a_job_get_the_payload_of_another(self) -> None:
        # Each is large, of another size, and in memory that was another's.
        self.submit_and_interrupt("len, bytes(70_000 + len(futures) % 1000)", "70_000 + n % 1000")

    def submit_and_interrupt(self, call: str, result: str) -> None:
        done = run(
            f"""
            import os
            from interrupts import Interrupts
            from jobmill import Executor

            ROUNDS = 300

            interrupting = Interrupts()
            before = len(os.listdir("/proc/self/fd"))
            executor = Executor(2)
            executor.submit(abs, -1).result()
            link = executor._link
            submitted = 0
            for _ in range(ROUNDS):
                futures = []
                try:
                    interrupting.within(0.0002, 0.002)
                    while True:
                        futures.append(executor.submit({call}))
                except KeyboardInterrupt:
                    pass
                submitted += len(futures)
                assert all(future.result(20) == {result} for n, future in enumerate(futures))
            print(submitted > ROUNDS, executor._link is link)
            executor.shutdown()
            print(len(os.listdir("/proc/self/fd")) == before)
            """
        )
        self.assertEqual(done.stdout, "True True\nTrue\n", done.stderr)

    def test_who_is_interrupted_while_he_cancels_may_do_so_again(self) -> None:
        done = run(
            """
            import time
            from concurrent.futures import as_completed, wait
            from interrupts import Interrupts
            from jobmill import Executor

            ROUNDS = 100
            interrupting = Interrupts()
            executor = Executor(2)
            told = []
            for _ in range(ROUNDS):
                futures = [executor.submit(time.sleep, 3600) for _ in range(30)]
                for future in futures:
                    future.add_done_callback(told.append)
                try:
                    interrupting.within(0.0001, 0.001)
                    for future in futures:
                        future.cancel()
                    while True:
                        pass
                except KeyboardInterrupt:
                    pass
                assert all(future.cancel() for future in futures)
                assert len(wait(futures, 20).done) == len(list(as_completed(futures, 20))) == 30
                assert executor.submit(abs, -1).result(20) == 1
            print(len(told) == len(set(told)) > 0)
            executor.shutdown()
            """
        )
        self.assertEqual(done.stdout, "True\n", done.stderr)


if __name__ == "__main__":
    unittest.main()
