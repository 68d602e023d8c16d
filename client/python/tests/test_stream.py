# SPDX-License-Identifier: MIT
"""``Executor.imap_unordered``: the order, the window, failures, and what is left early."""

from __future__ import annotations

import itertools
import os
import signal
import sys
import threading
import time
import unittest
from typing import Any, Iterator, List, Tuple

import surroundings
import workload
from surroundings import eventually

import jobmill
from jobmill import Executor, JobTimeout, NotPossible, Refused, WorkerDied


def setUpModule() -> None:
    surroundings.need_daemon()


def apply(call: Tuple[Any, ...]) -> Any:
    function, *arguments = call
    return function(*arguments)


def length_and_sum(call: Tuple[bytes, int]) -> Tuple[int, int]:
    data, number = call
    return len(data), number


def sum_of_squares(count: int) -> int:
    with Executor() as executor:
        return sum(item.result() for item in executor.imap_unordered(workload.square, range(count)))


def taking(elements: List[Any], taken: List[int]) -> Iterator[Any]:
    for index, element in enumerate(elements):
        taken.append(index)
        yield element


class LeavesWhenUnpickled:
    def __reduce__(self) -> Any:
        return sys.exit, ("of unpickling",)


class Interrupted(Exception):
    pass


class IsInterrupted:
    """A signal comes while it is unpickled, in this process alone."""

    pid = os.getpid()

    def __reduce__(self) -> Any:
        return interrupt_once, (self.pid,)


signals = [signal.SIGALRM]


def interrupt_once(pid: int) -> str:
    if pid == os.getpid() and signals:
        signal.raise_signal(signals.pop())
    return "made"


def make_interrupted(pid: int) -> IsInterrupted:
    made = IsInterrupted()
    made.pid = pid
    return made


def make_leaving() -> LeavesWhenUnpickled:
    return LeavesWhenUnpickled()


class OneExecutor(unittest.TestCase):
    @classmethod
    def setUpClass(cls) -> None:
        cls.executor = Executor(3, output="keep")
        cls.addClassCleanup(cls.executor.shutdown)

    def setUp(self) -> None:
        self.place = surroundings.place_of(self)

    def path(self, name: str) -> str:
        return os.path.join(self.place, name)

    def await_file(self, name: str) -> None:
        eventually(lambda: os.path.exists(self.path(name)), name)


class Items(OneExecutor):
    def test_they_come_in_the_order_in_which_they_are_done(self) -> None:
        gates = [self.path(name) for name in "abc"]
        items = self.executor.imap_unordered(workload.wait_for_file, gates)
        for index in (1, 2, 0):
            workload.touch(gates[index])
            self.assertEqual(next(items), (index, gates[index], None))
        self.assertEqual(list(items), [])

    def test_a_failure_is_an_item_and_ends_nothing(self) -> None:
        calls = [
            (workload.square, 3),
            (workload.fail, "no"),
            (workload.die,),
            (workload.leave, 7),
            (workload.ask_to_exit, 4),
            (workload.fail_with_two_arguments,),
            (workload.fail_maliciously,),
            (workload.square, 4),
        ]
        items = sorted(self.executor.imap_unordered(apply, calls), key=lambda item: item.index)
        self.assertEqual([item.index for item in items], list(range(len(calls))))
        self.assertEqual([item.ok for item in items], [True] + [False] * 6 + [True])
        self.assertEqual((items[0].result(), items[7].result()), (9, 16))
        with self.assertRaisesRegex(ValueError, "^no$") as caught:
            items[1].result()
        self.assertIn("in fail", str(caught.exception.__cause__))
        self.assertIsInstance(items[2].error, WorkerDied)
        self.assertEqual(items[2].error.signal, "SIGKILL")
        self.assertEqual(items[3].error.exit_code, 7)
        self.assertIsInstance(items[4].error, SystemExit)
        self.assertIn("a fault in a job", str(items[5].error))
        self.assertIsInstance(items[6].error, jobmill.JobError)

    def test_an_element_that_cannot_be_sent_is_an_item(self) -> None:
        elements = [1, threading.Lock(), 3]
        items = sorted(
            self.executor.imap_unordered(workload.identity, elements), key=lambda item: item.index
        )
        self.assertEqual([item.value for item in items], [1, None, 3])
        self.assertIsInstance(items[1].error, NotPossible)

    def test_what_raises_when_it_is_unpickled_is_an_item(self) -> None:
        calls = [(workload.square, 3), (make_leaving,), (workload.square, 4)]
        items = sorted(self.executor.imap_unordered(apply, calls), key=lambda item: item.index)
        self.assertEqual([item.value for item in items], [9, None, 16])
        self.assertIsInstance(items[1].error, SystemExit)

    def test_what_a_signal_handler_raises_meanwhile_is_the_programs(self) -> None:
        def interrupt(*_: Any) -> None:
            raise Interrupted

        self.addCleanup(signal.signal, signal.SIGALRM, signal.signal(signal.SIGALRM, interrupt))
        signals[:] = [signal.SIGALRM]
        items = self.executor.imap_unordered(make_interrupted, [os.getpid()])
        with self.assertRaises(Interrupted):
            next(items)

    def test_every_one_of_many_comes_once(self) -> None:
        items = list(self.executor.imap_unordered(workload.square, range(10_000)))
        self.assertEqual(sorted(item.index for item in items), list(range(10_000)))
        self.assertTrue(all(item.result() == item.index**2 for item in items))

    def test_nothing_comes_of_nothing(self) -> None:
        self.assertEqual(list(self.executor.imap_unordered(workload.square, [])), [])

    def test_large_ones_arrive_and_leave_no_mapping(self) -> None:
        def run() -> None:
            data = [bytes([number]) * (65_000 + 300_000 * number) for number in range(4)]
            for item in self.executor.imap_unordered(workload.identity, data):
                self.assertEqual(item.result(), data[item.index])

        run()
        eventually(lambda: not surroundings.payload_mappings(), "the mappings go")

    def test_text_that_is_large_as_bytes_goes_among_others(self) -> None:
        texts = ["short", "\U0001f600" * 30_000, "shorter", "\u00e9" * 32_000] * 20
        items = sorted(self.executor.imap_unordered(len, texts))
        self.assertEqual([item.result() for item in items], [len(text) for text in texts])

    def test_a_handle_may_be_in_each(self) -> None:
        with self.executor.put(b"x" * 1_000_000) as handle:
            calls = ((handle, number) for number in range(20))
            items = list(self.executor.imap_unordered(length_and_sum, calls))
        self.assertEqual(
            sorted(item.result() for item in items), [(1_000_000, n) for n in range(20)]
        )

    def test_options_are_of_each(self) -> None:
        view = self.executor.options(timeout=1)
        calls = [(workload.wait_for_file, self.path("never")), (workload.square, 2)]
        late, good = sorted(view.imap_unordered(apply, calls), key=lambda item: item.index)
        self.assertIsInstance(late.error, JobTimeout)
        self.assertEqual(good.value, 4)

    def test_progress_is_told_where_items_are_read(self) -> None:
        heard: List[Any] = []

        def hear(progress: jobmill.Progress) -> None:
            heard.append((threading.get_ident(), progress))
            workload.touch(self.path("go"))

        view = self.executor.options(progress=hear)
        [item] = view.imap_unordered(workload.report_and_wait, [self.place])
        self.assertIsNone(item.result())
        self.assertEqual(heard, [(threading.get_ident(), jobmill.Progress(1, 4, "begun"))])

    def test_a_listener_that_raises_ends_nothing(self) -> None:
        def raise_it(_: jobmill.Progress) -> None:
            workload.touch(self.path("go"))
            raise RuntimeError("not now")

        with self.assertLogs("concurrent.futures", "ERROR"):
            view = self.executor.options(progress=raise_it)
            [item] = view.imap_unordered(workload.report_and_wait, [self.place])
        self.assertIsNone(item.result())

    def test_a_job_may_read_one_in_a_pool_of_a_single_worker(self) -> None:
        with Executor(1) as executor:
            self.assertEqual(executor.submit(sum_of_squares, 10).result(), 285)


class Window(OneExecutor):
    def test_an_endless_iterable_is_read_as_there_is_room(self) -> None:
        for window in (1, 5, None):
            taken = itertools.count()
            items = self.executor.imap_unordered(workload.square, taken, buffersize=window)
            for received, item in enumerate(itertools.islice(items, 600), 1):
                self.assertEqual(item.value, item.index**2)
                # What count() answers next is how many were taken.
                ahead = int(repr(taken)[6:-1]) - received
                self.assertLessEqual(ahead, window or 256)
            items.close()

    def test_no_more_are_under_way(self) -> None:
        """With a window of one each job has ended before the next is read."""
        items = self.executor.imap_unordered(workload.square, self.elements(), buffersize=1)
        self.received = 0
        for item in items:
            self.received += 1
        self.assertEqual(self.received, 20)

    def elements(self) -> Iterator[int]:
        for number in range(20):
            self.assertEqual(self.received, number)
            yield number

    def test_an_item_that_was_read_makes_room_while_others_run(self) -> None:
        def elements() -> Iterator[Tuple[Any, ...]]:
            yield (workload.begin_and_wait, self.place, "a")
            yield (workload.square, 2)
            workload.touch(self.path("go"))
            yield (workload.square, 3)

        items = self.executor.imap_unordered(apply, elements(), buffersize=2)
        self.assertEqual({item.value for item in items}, {4, 9, "finished"})

    def test_elements_that_are_slow_to_come_hold_up_no_job_and_no_result(self) -> None:
        taken = 0

        def gates() -> Iterator[str]:
            nonlocal taken
            for number in range(40):
                gate = self.path(str(number))
                workload.touch(gate)
                taken += 1
                yield gate
                # By now it was sent, though there is room for more.
                eventually(lambda: not os.path.exists(gate), gate)
                if number > 0:
                    time.sleep(0.02)  # its result may be on the way

        for item in self.executor.imap_unordered(os.unlink, gates()):
            item.result()
            self.assertLess(taken, item.index + 20)

    def test_below_one_it_is_refused(self) -> None:
        with self.assertRaisesRegex(ValueError, "buffersize"):
            self.executor.imap_unordered(workload.square, [1], buffersize=0)

    def test_more_than_the_daemon_gives_credit_for_are_fed_as_it_does(self) -> None:
        items = self.executor.imap_unordered(workload.square, range(9000), buffersize=9000)
        self.assertEqual(sum(item.value for item in items), sum(n * n for n in range(9000)))

    def test_those_that_wait_for_credit_of_bytes_come_all_the_same(self) -> None:
        large, small = b"x" * 400_000, [1, "two", b"x" * 20_000, None]
        elements = [element for _ in range(20) for element in (large, large, *small)]
        with surroundings.private_daemons_with(credit_bytes="1 MiB"), Executor(2) as executor:
            for given in (elements, [large] * 30, [b"x" * 30_000] * 90):
                for window in (3, None):
                    taken: List[int] = []
                    items = executor.imap_unordered(
                        workload.identity, taking(given, taken), buffersize=window
                    )
                    for received, item in enumerate(items, 1):
                        self.assertEqual(item.result(), given[item.index])
                        self.assertLessEqual(len(taken) - received, window or 256)
                    self.assertEqual(received, len(given))


class Ends(OneExecutor):
    def begin_two(self) -> Iterator[jobmill.Item]:
        """One item was read, and two jobs run."""
        calls = [(workload.square, 2)]
        calls += [(workload.begin_and_wait, self.place, name) for name in "ab"]
        items = self.executor.imap_unordered(apply, calls)
        self.assertEqual(next(items).value, 4)
        self.await_file("a.begun")
        self.await_file("b.begun")
        return items

    def test_leaving_the_loop_stops_what_runs(self) -> None:
        calls = [(workload.square, 2), (workload.begin_and_wait, self.place, "a")]
        for _ in self.executor.imap_unordered(apply, calls):
            self.await_file("a.begun")
            break
        self.await_file("a.stopped")

    def test_close_stops_what_runs(self) -> None:
        self.begin_two().close()
        self.await_file("a.stopped")
        self.await_file("b.stopped")

    def test_one_that_nobody_has_any_more_stops_what_runs(self) -> None:
        items = self.begin_two()
        del items
        self.await_file("a.stopped")
        self.await_file("b.stopped")

    def test_an_iterable_that_raises_stops_what_runs(self) -> None:
        def elements() -> Iterator[Tuple[Any, ...]]:
            yield (workload.begin_and_wait, self.place, "a")
            yield (workload.square, 2)
            self.await_file("a.begun")
            raise LookupError("there is no third")

        with self.assertRaisesRegex(LookupError, "there is no third"):
            list(self.executor.imap_unordered(apply, elements(), buffersize=2))
        self.await_file("a.stopped")

    def test_the_executor_goes_on(self) -> None:
        self.begin_two().close()
        self.assertEqual(self.executor.submit(workload.square, 5).result(), 25)

    def test_jobs_that_are_refused_together_are_told_each(self) -> None:
        with Executor(socket=self.executor.socket, pool="none") as other:
            items = list(other.imap_unordered(abs, range(600)))
        self.assertEqual(sorted(item.index for item in items), list(range(600)))
        for item in items:
            self.assertIsInstance(item.error, Refused)

    def test_an_executor_that_is_shut_down_takes_none(self) -> None:
        executor = Executor(1)
        executor.shutdown()
        with self.assertRaisesRegex(RuntimeError, "shutdown"):
            executor.imap_unordered(workload.square, [1])

    def test_streams_leave_no_descriptor(self) -> None:
        self.assertEqual(self.executor.submit(workload.square, 2).result(), 4)
        before = surroundings.descriptors()
        for number in range(20):
            items = self.executor.imap_unordered(workload.identity, [b"x" * 70_000] * 10)
            for _ in itertools.islice(items, number):
                pass
            del items
        eventually(lambda: surroundings.descriptors() == before, "descriptors are closed")

    def test_several_may_be_read_in_turn_and_by_threads(self) -> None:
        streams = [self.executor.imap_unordered(workload.square, range(50)) for _ in range(3)]
        sums = [sum(item.value for item in items) for items in zip(*streams)]
        self.assertEqual(sum(sums), 3 * sum(n * n for n in range(50)))
        answers: List[int] = []

        def read() -> None:
            items = self.executor.imap_unordered(workload.square, range(500))
            answers.append(sum(item.value for item in items))

        threads = [threading.Thread(target=read) for _ in range(8)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        self.assertEqual(answers, [sum(n * n for n in range(500))] * 8)

    def test_an_executor_that_is_shut_down_meanwhile_is_told(self) -> None:
        with Executor(2) as other:
            items = other.imap_unordered(workload.square, itertools.count(), buffersize=4)
            next(items)
        with self.assertRaisesRegex(RuntimeError, "was shut down"):
            list(items)

    def test_a_daemon_that_dies_is_told(self) -> None:
        with Executor(1) as executor:
            items = executor.imap_unordered(
                apply, [(workload.square, 3), (workload.begin_and_wait, self.place)]
            )
            self.assertEqual(next(items).value, 9)
            self.await_file("job.begun")
            executor._settings._daemon._process.kill()
            with self.assertRaises(jobmill.DaemonGone):
                next(items)


class OfASharedDaemon(OneExecutor):
    """Its end is not the executor's: that has to end the streams itself."""

    def setUp(self) -> None:
        super().setUp()
        self.other = Executor(socket=self.executor.socket, pool="python")
        self.addCleanup(self.other.shutdown)
        # One item is to be read, and one job runs.
        self.calls = [(workload.square, 2), (workload.begin_and_wait, self.place)]

    def begin(self) -> Iterator[jobmill.Item]:
        items = self.other.imap_unordered(apply, self.calls)
        self.assertEqual(next(items).value, 4)
        self.await_file("job.begun")
        return items

    def test_terminate_workers_stops_what_runs(self) -> None:
        items = self.begin()
        self.other.terminate_workers()
        self.await_file("job.stopped")
        with self.assertRaisesRegex(RuntimeError, "was shut down"):
            next(items)

    def test_shutdown_stops_what_runs(self) -> None:
        items = self.begin()
        self.other.shutdown()
        self.await_file("job.stopped")
        with self.assertRaisesRegex(RuntimeError, "was shut down"):
            next(items)

    def test_so_it_is_with_options(self) -> None:
        items = self.other.options(label="x").imap_unordered(apply, self.calls)
        next(items)
        self.await_file("job.begun")
        self.other.shutdown()
        self.await_file("job.stopped")
        with self.assertRaisesRegex(RuntimeError, "was shut down"):
            next(items)

    def test_a_reader_that_waits_is_told(self) -> None:
        told: List[BaseException] = []

        def read() -> None:
            try:
                list(self.other.imap_unordered(apply, self.calls))
            except RuntimeError as error:
                told.append(error)

        for end in (self.other.terminate_workers, self.other.shutdown):
            self.other = Executor(socket=self.executor.socket, pool="python")
            end = getattr(self.other, end.__name__)
            reader = threading.Thread(target=read)
            reader.start()
            self.await_file("job.begun")
            end()
            reader.join()
            self.assertIn("was shut down", str(told.pop()))
            self.await_file("job.stopped")
            os.unlink(self.path("job.begun"))
            os.unlink(self.path("job.stopped"))

    def test_no_more_elements_are_taken(self) -> None:
        for window in (1, 4):
            self.other = Executor(socket=self.executor.socket, pool="python")
            taken = itertools.count()
            items = self.other.imap_unordered(workload.square, taken, buffersize=window)
            next(items)
            self.other.shutdown()
            before = repr(taken)
            with self.assertRaisesRegex(RuntimeError, "was shut down"):
                list(items)
            self.assertEqual(repr(taken), before)

    def test_one_that_was_not_begun_submits_nothing(self) -> None:
        self.other.submit(workload.square, 2).result()
        items = self.other.imap_unordered(workload.touch, [self.path("there")])
        self.other.shutdown()
        with self.assertRaisesRegex(RuntimeError, "was shut down"):
            next(items)
        self.assertFalse(os.path.exists(self.path("there")))

    def test_the_child_of_a_fork_ends_none_of_its_parent(self) -> None:
        items = self.begin()
        child = os.fork()
        if child == 0:
            try:
                self.other.shutdown()
            finally:
                os._exit(0)
        os.waitpid(child, 0)
        workload.touch(self.path("go"))
        self.assertEqual([item.value for item in items], ["finished"])


class WithoutADaemon(unittest.TestCase):
    def test_one_that_is_killed_is_told_as_such(self) -> None:
        executor = Executor(1)
        self.addCleanup(executor.shutdown)

        def elements() -> Iterator[bytes]:
            yield b""
            daemon = executor._settings._daemon._process
            daemon.kill()
            daemon.wait()
            while True:
                yield bytes(100_000)

        with self.assertRaises(jobmill.DaemonGone):
            list(executor.imap_unordered(workload.identity, elements(), buffersize=4))
        self.assertEqual(executor.submit(workload.square, 3).result(), 9)


if __name__ == "__main__":
    unittest.main()
