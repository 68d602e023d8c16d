# SPDX-License-Identifier: MIT
"""``Executor``: submit, map, options, shutdown, and what is told when something is not possible."""

from __future__ import annotations

import concurrent.futures
import itertools
import math
import os
import pickle
import signal
import tempfile
import threading
import unittest
import unittest.mock
from typing import Any, List

import surroundings
import workload
from surroundings import eventually

import jobmill
from jobmill import (
    Busy,
    Cancelled,
    Executor,
    JobError,
    JobTimeout,
    NotPossible,
    Refused,
    WorkerDied,
)
from jobmill._frames import STATUS
from jobmill.options import job_options


def setUpModule() -> None:
    surroundings.need_daemon()


class OneExecutor(unittest.TestCase):
    @classmethod
    def setUpClass(cls) -> None:
        cls.executor = Executor(2)
        cls.addClassCleanup(cls.executor.shutdown)

    def place(self) -> str:
        return surroundings.place_of(self)


class Submitting(OneExecutor):
    def test_arguments_of_any_name_are_the_functions_own(self) -> None:
        def names(*args: Any, **kwargs: Any) -> Any:
            return args, kwargs

        answer = self.executor.submit(names, 1, fn=2, self=3, timeout=4, executor=5).result()
        self.assertEqual(answer, ((1,), {"fn": 2, "self": 3, "timeout": 4, "executor": 5}))

    def test_it_is_an_executor_of_the_standard_library(self) -> None:
        self.assertIsInstance(self.executor, concurrent.futures.Executor)
        self.assertIs(jobmill.ProcessPoolExecutor, Executor)

    def test_lambdas_closures_and_local_classes_go_by_value(self) -> None:
        if not surroundings.has_module("cloudpickle"):
            self.skipTest("there is no cloudpickle")
        added = 5

        class Local:
            value = 7

        self.assertEqual(self.executor.submit(lambda x: x + added, 1).result(), 6)
        self.assertEqual(self.executor.submit(lambda: Local).result().value, 7)

    def test_a_function_that_goes_by_value_is_looked_at_anew(self) -> None:
        if not surroundings.has_module("cloudpickle"):
            self.skipTest("there is no cloudpickle")
        step = 1

        def count() -> int:
            return step

        self.assertEqual(self.executor.submit(count).result(), 1)
        step = 2
        self.assertEqual(self.executor.submit(count).result(), 2)

    def test_what_cannot_be_sent_is_told_by_submit(self) -> None:
        for function, argument in (
            (workload.identity, threading.Lock()),
            (threading.Lock().acquire, 1),
        ):
            with self.assertRaises(NotPossible) as caught:
                self.executor.submit(function, argument)
            self.assertIn("cannot be sent to another process", str(caught.exception))
            self.assertIsInstance(caught.exception, TypeError)
            self.assertIsInstance(caught.exception, pickle.PicklingError)

    def test_results_and_arguments_of_every_size_arrive(self) -> None:
        for size in (0, 1, 65_000, 65_535, 65_536, 65_537, 262_144, 5_000_000):
            data = os.urandom(1000) * (size // 1000) + bytes(size % 1000)
            self.assertEqual(self.executor.submit(workload.identity, data).result(), data)

    def test_a_hundred_threads_submit_at_once(self) -> None:
        sums: List[int] = []

        def submit_many(first: int) -> None:
            futures = [
                self.executor.submit(workload.square, first + number) for number in range(50)
            ]
            sums.append(sum(future.result() for future in futures))

        threads = [threading.Thread(target=submit_many, args=(50 * n,)) for n in range(100)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        self.assertEqual(sum(sums), sum(number * number for number in range(5000)))

    def test_more_than_there_is_credit_for_waits_here(self) -> None:
        futures = [self.executor.submit(workload.square, number) for number in range(10_000)]
        self.assertEqual([future.result() for future in futures], [n * n for n in range(10_000)])

    def test_native_handlers_are_called_without_pickle(self) -> None:
        self.assertEqual(self.executor.call("sum", "100").result(), b"5050")
        self.assertEqual(self.executor.call("echo", b"x" * 100_000).result(), b"x" * 100_000)

    def test_handlers_are_listed(self) -> None:
        names = [handler["name"] for handler in self.executor.handlers()]
        self.assertIn("sum", names)
        self.assertIn("python.call", names)

    def test_an_unknown_handler_is_refused_each_time_by_its_name(self) -> None:
        for _ in range(2):
            with self.assertRaisesRegex(Refused, "no.such.handler"):
                self.executor.call("no.such.handler").result()
        self.assertEqual(self.executor.submit(workload.square, 2).result(), 4)


class Mapping(OneExecutor):
    def test_results_are_in_the_order_of_the_items(self) -> None:
        self.assertEqual(
            list(self.executor.map(workload.square, range(100))), [n * n for n in range(100)]
        )
        self.assertEqual(
            list(self.executor.map(pow, range(9), range(9))), [n**n for n in range(9)]
        )

    def test_chunks_answer_the_same(self) -> None:
        want = [n * n for n in range(100)]
        for size in (1, 7, 100, 1000):
            self.assertEqual(
                list(self.executor.map(workload.square, range(100), chunksize=size)), want
            )

    def test_sizes_below_one_are_refused(self) -> None:
        with self.assertRaisesRegex(ValueError, "chunksize"):
            self.executor.map(workload.square, [1], chunksize=0)
        with self.assertRaisesRegex(ValueError, "buffersize"):
            self.executor.map(workload.square, [1], buffersize=0)

    def test_with_a_buffersize_an_endless_iterable_is_read_as_it_is_needed(self) -> None:
        counter = itertools.count()
        results = self.executor.map(workload.square, counter, buffersize=5)
        self.assertEqual(list(itertools.islice(results, 20)), [n * n for n in range(20)])
        results.close()
        self.assertLessEqual(next(counter), 20 + 5)

    def test_a_failure_is_raised_in_its_place_and_the_rest_is_cancelled(self) -> None:
        place = self.place()
        waiting = [os.path.join(place, str(number)) for number in range(3)]
        results = self.executor.map(
            lambda function, argument: function(argument),
            [workload.square, workload.fail, *[workload.wait_for_file] * 3],
            [3, "no", *waiting],
        )
        self.assertEqual(next(results), 9)
        with self.assertRaisesRegex(ValueError, "no"):
            next(results)
        # Those that wait for files nobody makes are gone, or this would never end.
        self.assertEqual(self.executor.submit(workload.square, 2).result(), 4)
        self.assertEqual(
            [self.executor.submit(workload.square, n).result() for n in range(4)], [0, 1, 4, 9]
        )

    def test_an_iterator_that_is_closed_cancels_what_runs(self) -> None:
        for size in (1, 2):
            place = self.place()
            names = [name + str(number) for name in "ab" for number in range(size)]
            results = self.executor.map(
                workload.begin_and_wait, [place] * 2 * size, names, chunksize=size
            )
            for name in "ab":
                eventually(lambda: os.path.exists(os.path.join(place, name + "0.begun")))
            results.close()
            for name in "ab":
                eventually(lambda: os.path.exists(os.path.join(place, name + "0.stopped")))
            self.assertEqual(list(results), [])

    def test_an_iterator_that_is_forgotten_after_a_result_cancels_what_runs(self) -> None:
        place = self.place()
        results = self.executor.map(
            lambda function, *arguments: function(*arguments),
            [workload.square, workload.begin_and_wait],
            [3, place],
        )
        self.assertEqual(next(results), 9)
        eventually(lambda: os.path.exists(os.path.join(place, "job.begun")))
        del results
        eventually(lambda: os.path.exists(os.path.join(place, "job.stopped")))

    def test_jobs_whose_results_nobody_reads_run(self) -> None:
        place = self.place()
        names = [str(number) for number in range(20)]
        for size in (1, 3):
            self.executor.map(
                workload.touch,
                [os.path.join(place, f"{size}.{name}") for name in names],
                chunksize=size,
            )
        for name in names:
            eventually(lambda: os.path.exists(os.path.join(place, "1." + name)))
            eventually(lambda: os.path.exists(os.path.join(place, "3." + name)))

    def test_a_timeout_is_the_time_for_all(self) -> None:
        place = self.place()
        results = self.executor.map(workload.begin_and_wait, [place], timeout=0.05)
        with self.assertRaises(concurrent.futures.TimeoutError):
            next(results)


class Options(OneExecutor):
    def test_a_job_that_runs_too_long_is_stopped_and_told_where(self) -> None:
        place = self.place()
        future = self.executor.options(timeout=0.5).submit(workload.begin_and_wait, place)
        with self.assertRaises(JobTimeout) as caught:
            future.result()
        self.assertIsInstance(caught.exception, TimeoutError)
        self.assertIn("wait_for_file", str(caught.exception.__cause__))
        eventually(lambda: os.path.exists(os.path.join(place, "job.stopped")))

    def test_a_job_that_did_not_begin_in_time_never_does(self) -> None:
        with Executor(1) as executor:
            place = self.place()
            first = executor.submit(workload.begin_and_wait, place)
            late = executor.options(queue_timeout=0.05).submit(
                workload.touch, os.path.join(place, "late")
            )
            with self.assertRaises(jobmill.Expired):
                late.result()
            workload.touch(os.path.join(place, "go"))
            self.assertEqual(first.result(), "finished")
            self.assertFalse(os.path.exists(os.path.join(place, "late")))

    def test_a_crash_is_tried_again_if_that_is_asked_for(self) -> None:
        counter = os.path.join(self.place(), "attempts")

        def crash_twice(path: str) -> int:
            with open(path, "a", encoding="ascii") as file:
                file.write("x")
            if os.path.getsize(path) < 3:
                os.abort()
            return os.path.getsize(path)

        future = self.executor.options(retries=2).submit(crash_twice, counter)
        self.assertEqual(future.result(), 3)
        self.assertEqual(future.stats.attempt, 3)

    def test_an_exception_is_tried_again_only_by_its_name(self) -> None:
        counter = os.path.join(self.place(), "attempts")

        def fail_once(path: str) -> int:
            with open(path, "a", encoding="ascii") as file:
                file.write("x")
            if os.path.getsize(path) < 2:
                raise OSError("not yet")
            return os.path.getsize(path)

        with self.assertRaisesRegex(OSError, "not yet"):
            self.executor.options(retries=5).submit(fail_once, counter).result()
        os.unlink(counter)
        self.assertEqual(
            self.executor.options(retries={"failure": 1}).submit(fail_once, counter).result(), 2
        )

    def test_higher_priorities_begin_first(self) -> None:
        place = self.place()
        order = os.path.join(place, "order")

        def note(name: str) -> None:
            with open(order, "a", encoding="ascii") as file:
                file.write(name)

        with Executor(1) as executor:
            first = executor.submit(workload.begin_and_wait, place)
            eventually(lambda: os.path.exists(os.path.join(place, "job.begun")))
            futures = [
                executor.options(priority=p).submit(note, n)
                for p, n in ((-5, "c"), (0, "b"), (5, "a"))
            ]
            workload.touch(os.path.join(place, "go"))
            concurrent.futures.wait([first, *futures])
        with open(order, encoding="ascii") as file:
            self.assertEqual(file.read(), "abc")

    def test_memory_beyond_what_a_job_may_have_is_a_memory_error(self) -> None:
        future = self.executor.options(memory="64M").submit(workload.allocate, 1 << 30)
        with self.assertRaises((MemoryError, JobError)) as caught:
            future.result()
        self.assertIn("emory", repr(caught.exception))
        self.assertEqual(self.executor.submit(workload.allocate, 1 << 20).result(), 1 << 20)

    def test_wrong_options_are_told_by_their_names(self) -> None:
        for options, words in (
            ({"timeout": 0}, "timeout"),
            ({"timeout": "soon"}, "timeout"),
            ({"timeout": float("nan")}, "timeout: want seconds above 0 or 'unlimited', not nan"),
            ({"queue_timeout": -math.inf}, "queue_timeout: want seconds above 0"),
            ({"cpu_time": 1e300}, "cpu: want"),
            ({"retries": {"bad luck": 1}}, "bad luck"),
            ({"memory": "much"}, "memory"),
        ):
            with self.assertRaisesRegex(ValueError, words):
                self.executor.options(**options)
        with self.assertRaises(TypeError):
            self.executor.options(colour="red")
        with self.assertRaisesRegex(Refused, "priority"):
            self.executor.options(priority=1000).submit(workload.square, 1).result()

    def test_infinity_is_no_bound(self) -> None:
        self.assertEqual(job_options(timeout=math.inf), job_options(timeout="unlimited"))
        self.assertEqual(
            self.executor.options(timeout=math.inf).submit(workload.square, 3).result(), 9
        )

    def test_options_are_a_view(self) -> None:
        quick = self.executor.options(timeout=5)
        self.assertEqual(quick.submit(workload.square, 3).result(), 9)
        self.assertEqual(list(quick.map(workload.square, range(3))), [0, 1, 4])
        self.assertEqual(
            sorted(item.value for item in quick.imap_unordered(workload.square, range(3))),
            [0, 1, 4],
        )
        self.assertEqual(quick.call("sum", "4").result(), b"10")


class Parameters(unittest.TestCase):
    def test_they_are_judged_when_it_is_made(self) -> None:
        for parameters in (
            {"max_workers": 0},
            {"max_workers": -1},
            {"max_tasks_per_child": 0},
            {"output": "loud"},
        ):
            with self.assertRaises(ValueError):
                Executor(**parameters)
        with self.assertRaises(TypeError):
            Executor(initializer=5)
        with self.assertRaises(TypeError):
            Executor(max_tasks_per_child=1.5)

    def test_settings_of_a_pool_are_not_for_a_shared_daemon(self) -> None:
        with self.assertRaisesRegex(ValueError, "shared daemon"):
            Executor(socket="/nowhere", initializer=print)

    def test_no_daemon_at_a_socket_is_told(self) -> None:
        with self.assertRaisesRegex(jobmill.DaemonGone, "no daemon at /nowhere/socket"):
            Executor(socket="/nowhere/socket").submit(pow, 2, 2)


class AnotherPrograms(unittest.TestCase):
    def test_its_daemon_may_be_shared_by_its_socket(self) -> None:
        with Executor(1) as mine, Executor(socket=mine.socket) as other:
            pid = mine.submit(os.getpid).result()
            self.assertEqual(other.submit(os.getpid).result(), pid)
            other.shutdown(cancel_futures=True)
            self.assertEqual(mine.submit(workload.square, 2).result(), 4)

    def test_one_ends_without_the_others_jobs(self) -> None:
        with tempfile.TemporaryDirectory() as place, Executor(2) as mine:
            other = Executor(socket=mine.socket)
            stopped = other.submit(workload.begin_and_wait, place, "theirs")
            waits = mine.submit(workload.begin_and_wait, place, "mine")
            for name in ("theirs", "mine"):
                eventually(lambda: os.path.exists(os.path.join(place, name + ".begun")))
            other.terminate_workers()
            self.assertTrue(stopped.cancelled())
            workload.touch(os.path.join(place, "go"))
            self.assertEqual(waits.result(), "finished")

    def test_a_daemon_without_room_for_it_says_when_there_may_be_some(self) -> None:
        with surroundings.private_daemons_with(max_sessions=2), Executor(1) as executor:
            executor.submit(workload.square, 3).result()
            with Executor(socket=executor.socket, pool="python") as other:
                other.submit(workload.square, 3).result()
                for _ in range(20):
                    third = Executor(socket=executor.socket)
                    with self.assertRaises(Busy) as caught:
                        third.submit(workload.square, 3)
                    self.assertGreater(caught.exception.retry_after, 0)
                with self.assertRaises(Busy):
                    next(executor.imap_unordered(workload.square, [3]))
                self.assertEqual(executor.submit(workload.square, 4).result(), 16)


class ShuttingDown(unittest.TestCase):
    def setUp(self) -> None:
        self.place = surroundings.place_of(self)

    def begun(self, name: str = "job") -> None:
        eventually(lambda: os.path.exists(os.path.join(self.place, name + ".begun")))

    def test_nothing_is_taken_afterwards(self) -> None:
        executor = Executor(1)
        executor.shutdown()
        for attempt in (
            lambda: executor.submit(pow, 2, 2),
            lambda: executor.map(pow, [2], [2]),
            lambda: list(executor.imap_unordered(workload.square, [2])),
            lambda: executor.put(b""),
        ):
            with self.assertRaisesRegex(RuntimeError, "after shutdown"):
                attempt()

    def test_it_waits_for_what_there_is(self) -> None:
        executor = Executor(1)
        futures = [executor.submit(workload.square, number) for number in range(100)]
        executor.shutdown()
        self.assertTrue(all(future.done() for future in futures))

    def test_twice_is_once(self) -> None:
        executor = Executor(1)
        executor.submit(pow, 2, 2)
        executor.shutdown()
        executor.shutdown()

    def test_without_waiting_the_jobs_end_nevertheless(self) -> None:
        executor = Executor(1)
        futures = [executor.submit(workload.begin_and_wait, self.place, str(n)) for n in range(3)]
        executor.shutdown(wait=False)
        self.assertFalse(futures[0].done())
        workload.touch(os.path.join(self.place, "go"))
        self.assertEqual([future.result() for future in futures], ["finished"] * 3)

    def test_cancelling_what_has_not_begun_lets_what_runs_end(self) -> None:
        executor = Executor(1)
        futures = [executor.submit(workload.begin_and_wait, self.place, str(n)) for n in range(20)]
        self.begun("0")
        executor.shutdown(wait=False, cancel_futures=True)
        concurrent.futures.wait(futures[1:])
        self.assertTrue(all(future.cancelled() for future in futures[1:]))
        self.assertFalse(futures[0].done())
        workload.touch(os.path.join(self.place, "go"))
        self.assertEqual(futures[0].result(), "finished")
        self.assertFalse(os.path.exists(os.path.join(self.place, "1.begun")))

    def test_of_many_short_jobs_each_has_run_or_is_cancelled(self) -> None:
        # A worker holds many of them ahead, of which it has begun one.
        executor = Executor(1)
        futures = [executor.submit(workload.append, self.place, n) for n in range(5_000)]
        middle = executor.submit(workload.begin_and_wait, self.place, "middle")
        futures += [executor.submit(workload.append, self.place, n) for n in range(5_000, 10_000)]
        futures[0].result()
        executor.shutdown(wait=False, cancel_futures=True)
        workload.touch(os.path.join(self.place, "go"))
        concurrent.futures.wait(futures)
        done = {future.result() for future in futures if not future.cancelled()}
        self.assertTrue(middle.cancelled() or middle.result() == "finished")
        self.assertLess(len(done), len(futures))
        with open(os.path.join(self.place, "numbers")) as numbers:
            self.assertEqual({int(line) for line in numbers}, done)

    def test_a_job_between_two_attempts_is_cancelled(self) -> None:
        executor = Executor(1)
        again = executor.options(retries={"failure": 1}, backoff=3600)
        future = again.submit(workload.begin_and_fail, self.place)
        self.begun()
        eventually(lambda: executor._link.ask(STATUS)["pools"][0].get("waiting") == 1)
        executor.shutdown(cancel_futures=True)
        self.assertTrue(future.cancelled())

    def test_terminating_stops_what_runs(self) -> None:
        for stop in ("terminate_workers", "kill_workers"):
            executor = Executor(1)
            futures = [
                executor.submit(workload.begin_and_wait, self.place, stop + str(n))
                for n in range(3)
            ]
            self.begun(stop + "0")
            getattr(executor, stop)()
            self.assertTrue(all(future.cancelled() for future in futures))
            self.assertTrue(os.path.exists(os.path.join(self.place, stop + "0.stopped")))

    def test_a_cancelled_future_keeps_no_connection(self) -> None:
        with Executor(1) as executor:
            runs = executor.submit(workload.begin_and_wait, self.place)
            self.begun()
            behind = executor.submit(workload.square, 2)
            for future in (behind, runs):
                self.assertTrue(future.cancel())
                self.assertIsNone(future._link)

    def test_an_interrupt_while_it_ends_leaves_the_rest_to_the_next_time(self) -> None:
        executor = Executor(1)
        directory = os.path.dirname(executor.socket)
        daemon = executor._settings._daemon
        with unittest.mock.patch.object(daemon, "_await_end", side_effect=KeyboardInterrupt):
            with self.assertRaises(KeyboardInterrupt):
                executor.shutdown()
        self.assertTrue(os.path.exists(directory))
        executor.shutdown()
        self.assertFalse(os.path.exists(directory))

    def test_leaving_by_an_interrupt_stops_what_runs(self) -> None:
        with self.assertRaises(KeyboardInterrupt):
            with Executor(1) as executor:
                future = executor.submit(workload.begin_and_wait, self.place)
                self.begun()
                raise KeyboardInterrupt
        self.assertTrue(future.cancelled())

    def test_nothing_is_left(self) -> None:
        with Executor(1) as warm:
            warm.submit(pow, 2, 2).result()
        before = surroundings.descriptors()
        threads = threading.active_count()
        executor = Executor(2)
        directory = os.path.dirname(executor.socket)
        pids = {tuple(executor.submit(workload.where).result()) for _ in range(20)}
        executor.shutdown()
        self.assertEqual(surroundings.descriptors(), before)
        self.assertEqual(threading.active_count(), threads)
        self.assertFalse(os.path.exists(directory))
        for pid in {pid for pair in pids for pid in pair}:
            self.assertFalse(surroundings.is_alive(pid))

    def test_a_daemon_that_is_killed_fails_its_jobs_and_the_next_submit_has_another(self) -> None:
        executor = Executor(1)
        self.addCleanup(executor.shutdown)
        future = executor.submit(workload.begin_and_wait, self.place)
        self.begun()
        os.kill(executor._settings._daemon._process.pid, signal.SIGKILL)
        with self.assertRaises(jobmill.DaemonGone):
            future.result()
        self.assertEqual(executor.submit(workload.square, 3).result(), 9)

    def test_who_hears_that_the_daemon_is_gone_may_submit_at_once(self) -> None:
        executor = Executor(1)
        self.addCleanup(executor.shutdown)
        future = executor.submit(workload.begin_and_wait, self.place)
        again: "concurrent.futures.Future[Any]" = concurrent.futures.Future()
        future.add_done_callback(lambda _: again.set_result(executor.submit(workload.square, 4)))
        self.begun()
        os.kill(executor._settings._daemon._process.pid, signal.SIGKILL)
        self.assertEqual(again.result().result(), 16)

    def test_a_daemon_that_stops_says_so_once(self) -> None:
        with Executor(1) as executor:
            future = executor.submit(workload.begin_and_wait, self.place)
            self.begun()
            executor._settings.ask_to_stop()
            error = future.exception()
        self.assertIsInstance(error, Cancelled)
        self.assertEqual(str(error), "the daemon stopped")


class WorkersThatDie(OneExecutor):
    def test_each_costs_its_job_alone(self) -> None:
        futures = [
            self.executor.submit(workload.square, n)
            if n % 5
            else self.executor.submit(workload.die)
            for n in range(9)
        ]
        for number, future in enumerate(futures):
            if number % 5 == 0:
                with self.assertRaises(WorkerDied):
                    future.result()
            else:
                self.assertEqual(future.result(), number * number)


if __name__ == "__main__":
    unittest.main()
