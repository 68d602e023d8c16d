# SPDX-License-Identifier: MIT
"""What jobs do in a worker: what they print, raise, report and leave, and how they and their workers end."""

from __future__ import annotations

import asyncio
import collections
import concurrent.futures
import contextlib
import functools
import io
import os
import pickle
import random
import signal
import sys
import tempfile
import unittest
from typing import Any, Callable, Iterator, List, Tuple

import surroundings
import workload
from surroundings import eventually

import jobmill
from jobmill import (
    aio,
    Executor,
    InitializerFailed,
    JobError,
    Progress,
    RemoteTraceback,
    WorkerDied,
)


def setUpModule() -> None:
    surroundings.need_daemon()


def _new_place(test: unittest.TestCase) -> str:
    return surroundings.place_of(test)


def _await_begun(place: str, name: str = "job") -> int:
    """Its worker's pid."""
    path = os.path.join(place, name + ".begun")
    eventually(lambda: os.path.exists(path), f"{name} begins")
    with open(path, encoding="ascii") as file:
        return int(file.read())


class OneExecutor(unittest.TestCase):
    WORKERS = 2

    @classmethod
    def setUpClass(cls) -> None:
        cls.executor = Executor(cls.WORKERS, output="keep")
        cls.addClassCleanup(cls.executor.shutdown)

    def place(self) -> str:
        return _new_place(self)


class Output(OneExecutor):
    def test_what_a_job_prints_is_its_futures(self) -> None:
        futures = [self.executor.submit(workload.say, f"out {n}", f"err {n}") for n in range(20)]
        for number, future in enumerate(futures):
            future.result()
            self.assertEqual(future.stdout, f"out {number}\n")
            self.assertEqual(future.stderr, f"err {number}\n")

    def test_a_line_without_its_end_is_not_lost(self) -> None:
        future = self.executor.submit(sys_write, "no end of line")
        future.result()
        self.assertEqual(future.stdout, "no end of line")

    def test_the_last_64_kib_are_kept(self) -> None:
        future = self.executor.submit(workload.say_much, 20_000)
        future.result()
        self.assertEqual(len(future.stdout), 65_536)
        self.assertTrue(future.stdout.endswith("\nline 19998\nline 19999\n"))

    def test_more_than_a_payload_may_have_is_printed_at_once(self) -> None:
        with surroundings.private_daemons_with(max_payload="100 KiB"):
            with Executor(1, output="keep") as executor:
                future = executor.submit(workload.say_long, 50_000)
                future.result()
                self.assertEqual(future.stdout, 21_845 * "\u20ac" + "\n")

    def test_logging_goes_to_standard_error(self) -> None:
        future = self.executor.submit(workload.log, "a word of warning")
        future.result()
        self.assertIn("a word of warning\n", future.stderr)

    def test_what_a_failed_job_printed_is_there(self) -> None:
        future = self.executor.submit(say_and_fail, "before")
        self.assertIsInstance(future.exception(), ValueError)
        self.assertEqual(future.stdout, "before\n")

    def test_a_job_that_takes_stdout_away_costs_nobody_else(self) -> None:
        with Executor(1, output="keep") as executor:
            executor.submit(workload.replace_stdout).result()
            self.assertEqual(
                executor.submit(workload.say, "nobody hears it").result(), "nobody hears it"
            )

    def test_it_is_forwarded_unless_told(self) -> None:
        out, err = io.StringIO(), io.StringIO()
        with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err), Executor(
            1
        ) as executor:
            executor.submit(workload.say, "to you", "and you").result()
        self.assertEqual((out.getvalue(), err.getvalue()), ("to you\n", "and you\n"))

    def test_characters_that_are_cut_are_put_together(self) -> None:
        text, out = "a" + 20_000 * "\u20ac", io.StringIO()
        with contextlib.redirect_stdout(out), Executor(1) as executor:
            future = executor.submit(workload.say_in_pieces, text)
            self.assertEqual(future.result(), text)
            self.assertEqual((out.getvalue(), future.stdout), (text, text))
            for item in executor.imap_unordered(workload.say_in_pieces, [text, text]):
                item.result()
        self.assertEqual(out.getvalue(), 3 * text)

    def test_one_that_is_never_complete_is_not_lost(self) -> None:
        out = io.StringIO()
        with contextlib.redirect_stdout(out), Executor(1) as executor:
            future = executor.submit(workload.say_in_pieces, "a", b"\xe2\x82")
            future.result()
            self.assertEqual((out.getvalue(), future.stdout), ("a\ufffd", "a\ufffd"))
            [item] = executor.imap_unordered(apply, [(workload.say_in_pieces, "b", b"\xe2")])
        self.assertEqual(out.getvalue(), "a\ufffdb\ufffd")

    def test_what_is_kept_begins_with_a_whole_character(self) -> None:
        future = self.executor.submit(workload.say_in_pieces, 30_000 * "\u20ac")
        future.result()
        self.assertEqual(future.stdout, 21_845 * "\u20ac")

    def test_an_output_of_the_program_that_is_no_file_costs_no_result(self) -> None:
        for out in (OnlyWrites(), RaisesWhenWritten(), object()):
            with contextlib.redirect_stdout(out), Executor(1) as executor:  # type: ignore[type-var]
                self.assertEqual(executor.submit(workload.say, "a").result(), "a")
                items = list(executor.imap_unordered(workload.say, ["b", "c"]))
                self.assertEqual(executor.submit(workload.say, "d").result(), "d")
            self.assertEqual(sorted(item.result() for item in items), ["b", "c"])
            if isinstance(out, OnlyWrites):
                self.assertEqual(sorted(out.text.split()), ["a", "b", "c", "d"])


class Exceptions(OneExecutor):
    def test_they_are_what_they_were_with_the_workers_traceback(self) -> None:
        error = self.executor.submit(workload.fail, "this and that").exception()
        self.assertIs(type(error), ValueError)
        self.assertEqual(error.args, ("this and that",))
        self.assertIsInstance(error.__cause__, RemoteTraceback)
        self.assertIn("workload.py", str(error.__cause__))
        self.assertIn("in fail", str(error.__cause__))
        self.assertNotIn("_worker.py", str(error.__cause__))

    def test_the_traceback_has_the_causes(self) -> None:
        error = self.executor.submit(workload.fail_with_cause).exception()
        self.assertIs(type(error), KeyError)
        self.assertIn("ValueError: the first", str(error.__cause__))

    def test_one_that_cannot_be_made_again_is_told_in_words(self) -> None:
        for function, name, words in (
            (workload.fail_with_two_arguments, "workload.TwoArguments", "a fault in a job"),
            (workload.fail_with_lock, "workload.HasLock", "it has a lock"),
            (workload.fail_maliciously, "workload.Malicious", ""),
        ):
            error = self.executor.submit(function).exception()
            self.assertIs(type(error), JobError)
            self.assertEqual(error.type_name, name)
            self.assertIn(words, str(error))
            self.assertIn(function.__name__, str(error.__cause__))
        self.assertEqual(self.executor.submit(workload.square, 3).result(), 9)

    def test_one_that_is_larger_than_a_payload_is_told_in_words(self) -> None:
        with surroundings.private_daemons_with(max_payload="100 KiB"):
            with Executor(1, output="keep") as executor:
                error = executor.submit(workload.fail_at_length, 50_000).exception()
        self.assertIs(type(error), JobError)
        self.assertEqual(error.type_name, "ValueError")
        self.assertIn("ValueError: " + "\u20ac" * 4096, str(error))
        self.assertIn("in fail_at_length", str(error.__cause__))

    def test_one_of_generators_ends_nothing_here(self) -> None:
        self.assertIs(
            type(self.executor.submit(workload.stop_iteration).exception()), StopIteration
        )

    def test_an_endless_recursion_costs_its_job(self) -> None:
        self.assertIs(
            type(self.executor.submit(workload.exhaust_stack).exception()), RecursionError
        )

    def test_sys_exit_is_an_exception_and_its_worker_stays(self) -> None:
        for code in (0, 3, "words"):
            error = self.executor.submit(workload.ask_to_exit, code).exception()
            self.assertIs(type(error), SystemExit)
            self.assertEqual(error.code, code)

    def test_a_result_that_cannot_be_sent_is_its_jobs_failure(self) -> None:
        error = self.executor.submit(make_lock).exception()
        self.assertIsInstance(error, pickle.PicklingError)
        self.assertIn("cannot be sent", str(error))

    def test_a_result_that_cannot_be_read_is_its_jobs_failure(self) -> None:
        error = self.executor.submit(Unreadable).exception()
        self.assertIs(type(error), ZeroDivisionError)
        self.assertEqual(self.executor.submit(workload.square, 3).result(), 9)

    def test_a_worker_without_the_module_says_so(self) -> None:
        with tempfile.TemporaryDirectory() as place:
            with open(os.path.join(place, "only_here.py"), "w", encoding="ascii") as file:
                file.write("def answer():\n    return 42\n")
            sys.path.insert(0, place)
            try:
                import only_here  # type: ignore[import]
            finally:
                sys.path.remove(place)
            error = self.executor.submit(only_here.answer).exception()
        self.assertIsInstance(error, ModuleNotFoundError)
        self.assertIn("only_here", str(error))


class Deaths(OneExecutor):
    def test_of_a_signal_is_told_with_its_name(self) -> None:
        for number in (signal.SIGKILL, signal.SIGSEGV, signal.SIGABRT):
            error = self.executor.submit(workload.die, number).exception()
            self.assertIs(type(error), WorkerDied)
            self.assertEqual((error.signal, error.exit_code), (number.name, None))

    def test_by_leaving_is_told_with_the_code(self) -> None:
        for code in (0, 7):
            error = self.executor.submit(workload.leave, code).exception()
            self.assertIs(type(error), WorkerDied)
            self.assertEqual((error.signal, error.exit_code), (None, code))

    def test_what_was_written_to_descriptor_2_is_told(self) -> None:
        error = self.executor.submit(write_and_die, b"last words\n").exception()
        self.assertIn("last words", error.stderr)

    def test_one_from_outside_costs_one_job(self) -> None:
        place = self.place()
        futures = [self.executor.submit(workload.begin_and_wait, place, name) for name in "ab"]
        os.kill(_await_begun(place, "a"), signal.SIGKILL)
        self.assertIsInstance(futures[0].exception(), WorkerDied)
        self.assertFalse(futures[1].done())
        workload.touch(os.path.join(place, "go"))
        self.assertEqual(futures[1].result(), "finished")


class Words(OneExecutor):
    def test_a_report_is_the_futures_progress(self) -> None:
        place = self.place()
        heard: List[Progress] = []
        future = self.executor.options(progress=heard.append).submit(
            workload.report_and_wait, place
        )
        eventually(lambda: future.progress)
        self.assertEqual(future.progress, Progress(1, 4, "begun"))
        self.assertEqual(heard, [Progress(1, 4, "begun")])
        workload.touch(os.path.join(place, "go"))
        future.result()

    def test_what_is_heard_of_many_reports_is_in_their_order(self) -> None:
        heard: List[Progress] = []
        future = self.executor.options(progress=heard.append).submit(workload.report_steps, 100_000)
        self.assertEqual(future.result(), 100_000)
        self.assertEqual(heard, sorted(heard))

    def test_a_listener_that_raises_ends_nothing(self) -> None:
        place = self.place()

        def raise_it(_: Progress) -> None:
            raise RuntimeError("not now")

        with self.assertLogs("concurrent.futures", "ERROR"):
            future = self.executor.options(progress=raise_it).submit(
                workload.report_and_wait, place
            )
            eventually(lambda: future.progress)
            workload.touch(os.path.join(place, "go"))
            future.result()

    def test_a_job_knows_its_number(self) -> None:
        future = self.executor.submit(workload.job_number)
        self.assertGreater(future.result(), 0)
        self.assertEqual(future.result(), future.stats.job)

    def test_outside_of_a_job_there_is_nothing_to_tell(self) -> None:
        jobmill.report(1, 2, "nobody")
        self.assertFalse(jobmill.cancelled())
        self.assertEqual(jobmill.job_number(), 0)

    def test_the_pid_is_known_while_it_runs_if_that_is_asked_for(self) -> None:
        place = self.place()
        future = self.executor.options(started=True).submit(workload.begin_and_wait, place)
        eventually(lambda: future.worker_pid)
        self.assertEqual(future.worker_pid, _await_begun(place))
        workload.touch(os.path.join(place, "go"))
        future.result()
        other = self.executor.submit(os.getpid)
        self.assertEqual(other.result(), other.worker_pid)


class Stopping(OneExecutor):
    WORKERS = 1

    def test_a_job_that_is_cancelled_runs_its_finally(self) -> None:
        place = self.place()
        future = self.executor.submit(workload.begin_and_wait, place)
        _await_begun(place)
        self.assertTrue(future.cancel())
        eventually(lambda: os.path.exists(os.path.join(place, "job.stopped")))
        self.assertEqual(self.executor.submit(workload.square, 3).result(), 9)

    def test_a_job_that_asks_is_told(self) -> None:
        place = self.place()
        future = self.executor.submit(workload.poll_cancelled, place)
        _await_begun(place)
        future.cancel()
        path = os.path.join(place, "job.asked")
        eventually(lambda: os.path.exists(path))
        with open(path, encoding="ascii") as file:
            self.assertEqual(file.read(), "True")

    def test_a_job_that_stays_is_killed(self) -> None:
        place = self.place()
        future = self.executor.submit(workload.stay, place)
        pid = _await_begun(place)
        future.cancel()
        eventually(lambda: os.path.exists(os.path.join(place, "job.asked")))
        eventually(lambda: not surroundings.is_alive(pid))
        self.assertEqual(self.executor.submit(workload.square, 3).result(), 9)

    def test_a_cancelled_job_behind_another_never_begins(self) -> None:
        place = self.place()
        first = self.executor.submit(workload.begin_and_wait, place, "first")
        second = self.executor.submit(workload.begin_and_wait, place, "second")
        _await_begun(place, "first")
        self.assertTrue(second.cancel())
        workload.touch(os.path.join(place, "go"))
        self.assertEqual(first.result(), "finished")
        self.executor.submit(workload.square, 3).result()
        self.assertFalse(os.path.exists(os.path.join(place, "second.begun")))


class Beginning(unittest.TestCase):
    def test_the_initializer_runs_once_in_each_worker(self) -> None:
        place = _new_place(self)
        with Executor(2, initializer=workload.remember, initargs=("a", 2)) as executor:
            futures = [executor.submit(workload.begin_and_wait, place, name) for name in "ab"]
            pids = {_await_begun(place, name) for name in "ab"}
            workload.touch(os.path.join(place, "go"))
            concurrent.futures.wait(futures)
            self.assertEqual(len(pids), 2)
            for answer in [executor.submit(workload.remembered) for _ in range(50)]:
                self.assertEqual(answer.result(), ["a", 2])

    def test_an_initializer_that_fails_is_each_jobs_error(self) -> None:
        with Executor(1, initializer=workload.fail_to_begin) as executor:
            for _ in range(2):
                error = executor.submit(workload.square, 2).exception()
                self.assertIs(type(error), InitializerFailed)
                self.assertIsInstance(error, concurrent.futures.BrokenExecutor)
                self.assertIn("no licence", str(error))
                self.assertIn("fail_to_begin", str(error.__cause__))

    def test_an_initializer_that_ends_its_workers_is_each_jobs_error(self) -> None:
        for workers in (1, 3):
            with Executor(workers, initializer=os._exit, initargs=(3,)) as executor:
                for answer in [executor.submit(workload.square, 2) for _ in range(3)]:
                    error = answer.exception(60)
                    self.assertIs(type(error), InitializerFailed)

    def test_a_worker_that_dies_as_it_begins_now_and_then_is_no_matter(self) -> None:
        mark = os.path.join(_new_place(self), "mark")
        with Executor(1, initializer=workload.die_first, initargs=(mark,)) as executor:
            self.assertEqual(executor.submit(workload.square, 2).result(60), 4)

    def test_preloaded_modules_are_there_before_any_job(self) -> None:
        with Executor(1, preload=["colorsys"]) as executor:
            self.assertTrue(executor.submit(is_imported, "colorsys").result())
            self.assertFalse(executor.submit(is_imported, "sndhdr").result())

    def test_a_module_that_cannot_be_preloaded_is_told_by_the_first_submit(self) -> None:
        executor = Executor(1, preload=["no_such_module_anywhere"])
        self.addCleanup(executor.shutdown)
        with self.assertRaisesRegex(jobmill.DaemonGone, "no_such_module_anywhere"):
            executor.submit(workload.square, 2).result()

    def test_a_worker_is_replaced_after_so_many_jobs(self) -> None:
        with Executor(1, max_tasks_per_child=3) as executor:
            futures = [executor.submit(os.getpid) for _ in range(30)]
            counts = collections.Counter(future.result() for future in futures)
            self.assertEqual(set(counts.values()), {3})
            first = futures[0].result()
            eventually(lambda: not surroundings.is_alive(first))


class Nesting(unittest.TestCase):
    def test_jobs_of_jobs_run_with_fewer_workers_than_levels(self) -> None:
        with Executor(1) as executor:
            self.assertEqual(executor.submit(workload.nested_sum, 3).result(), 8)

    def test_jobs_of_a_job_that_is_cancelled_end_with_it(self) -> None:
        place = _new_place(self)
        with Executor(2) as executor:
            future = executor.submit(begin_nested, place)
            pid = _await_begun(place, "inner")
            future.cancel()
            eventually(
                lambda: os.path.exists(os.path.join(place, "inner.stopped"))
                or not surroundings.is_alive(pid)
            )
            self.assertEqual(executor.submit(workload.square, 3).result(), 9)


class WhatJobsLeave(OneExecutor):
    WORKERS = 1

    def test_a_child_is_killed_with_the_end_of_its_job(self) -> None:
        child = self.executor.submit(workload.leave_child).result()
        eventually(lambda: not surroundings.is_alive(child))

    def test_a_thread_goes_on_in_the_worker(self) -> None:
        place = self.place()
        pid = self.executor.submit(workload.leave_thread, place).result()
        self.assertEqual(self.executor.submit(os.getpid).result(), pid)
        workload.touch(os.path.join(place, "go"))
        self.executor.submit(
            workload.wait_for_file, os.path.join(place, "thread.finished")
        ).result()

    def test_what_is_kept_in_a_module_is_there_for_the_next_job(self) -> None:
        self.executor.submit(workload.remember, "a").result()
        self.assertEqual(self.executor.submit(workload.remembered).result(), ["a"])
        self.executor.submit(workload.forget).result()


class Fresh(OneExecutor):
    """Each job gets what its function carries as it was submitted."""

    WORKERS = 1

    def carriers(self) -> Iterator[Tuple[str, Callable[..., int]]]:
        yield "a bound method", Counter().count
        yield "an instance", Counter()
        yield "a partial", functools.partial(append_to, [])
        yield "a method of a list", functools.partial(map_over, [0].append)
        yield "an iterator", iter([1, 2, 3]).__next__
        yield "a function with a default", function_with("default")
        yield "a closure", function_with("closure")
        yield "a function with an attribute", function_with("attribute")

    def calls(self) -> Iterator[Callable[..., int]]:
        for what, call in self.carriers():
            by_value = what.endswith(("default", "closure", "attribute"))
            if not by_value or surroundings.has_module("cloudpickle"):
                with self.subTest(what):
                    yield call

    def test_jobs_that_are_submitted_do_not_see_what_others_changed(self) -> None:
        for call in self.calls():
            self.assertEqual([self.executor.submit(call).result() for _ in range(3)], [1] * 3)

    def test_nor_do_those_with_arguments_and_options(self) -> None:
        view = self.executor.options(label="fresh")
        count = Counter().count
        answers = [view.submit(count, [number]).result() for number in range(3)]
        self.assertEqual(answers, [1, 1, 1])

    def test_nor_do_those_of_map(self) -> None:
        for call in (Counter(), Counter().count, functools.partial(append_to, [])):
            self.assertEqual(list(self.executor.map(call, range(3))), [1] * 3)

    def test_nor_do_those_of_imap_unordered(self) -> None:
        for call in (Counter(), Counter().count, functools.partial(append_to, [])):
            items = self.executor.imap_unordered(call, range(3))
            self.assertEqual([item.result() for item in items], [1] * 3)

    def test_nor_do_those_of_a_pool_of_asyncio(self) -> None:
        async def run() -> List[int]:
            async with aio.Pool(socket=self.executor.socket, pool="python") as pool:
                count = Counter().count
                answers = [await pool.run(count) for _ in range(3)]
                return answers + [
                    item.result() async for item in pool.imap_unordered(count, range(3))
                ]

        self.assertEqual(asyncio.run(run()), [1] * 6)

    def test_random_numbers_are_those_of_the_generator_that_was_sent(self) -> None:
        first = random.Random(1).random()
        draw = random.Random(1).random
        self.assertEqual([self.executor.submit(draw).result() for _ in range(3)], [first] * 3)

    def test_a_function_that_is_found_by_its_name_is_not_looked_for_again(self) -> None:
        finds = self.executor.submit(count_finds).result()
        for _ in range(3):
            self.executor.submit(workload.square, 2).result()
            self.executor.submit(workload.square, number=2).result()
        self.assertLessEqual(self.executor.submit(count_finds).result(), finds + 1)


def apply(call: Tuple[Any, ...]) -> Any:
    function, *arguments = call
    return function(*arguments)


class OnlyWrites:
    text = ""

    def write(self, text: str) -> None:
        self.text += text


class RaisesWhenWritten:
    def write(self, text: str) -> None:
        raise LookupError(text)


class Counter:
    def __init__(self) -> None:
        self.calls = 0

    def count(self, *_: Any) -> int:
        self.calls += 1
        return self.calls

    __call__ = count


def append_to(numbers: List[int], *_: Any) -> int:
    numbers.append(0)
    return len(numbers)


def map_over(append: Callable[[int], None]) -> int:
    append(0)
    return len(append.__self__) - 1  # type: ignore[attr-defined] # a method has it


def function_with(what: str) -> Callable[[], int]:
    numbers: List[int] = []
    if what == "closure":
        return lambda: append_to(numbers)
    if what == "default":
        return lambda numbers=numbers: append_to(numbers)  # type: ignore[misc]

    def call() -> int:
        call.calls += 1  # type: ignore[attr-defined]
        return call.calls  # type: ignore[attr-defined]

    call.calls = 0  # type: ignore[attr-defined]
    return call


_finds: List[str] = []


def count_finds() -> int:
    """So many functions were found by their names since it was asked first."""
    from jobmill import _functions

    class Finder(_functions._Finder):
        def find_class(self, module: str, name: str) -> Any:
            _finds.append(name)
            return super().find_class(module, name)

    if not _finds:
        _functions._Finder = Finder  # type: ignore[misc]
        _finds.append("count_finds")
    return len(_finds)


def sys_write(text: str) -> None:
    sys.stdout.write(text)


def say_and_fail(text: str) -> None:
    print(text)
    raise ValueError(text)


def make_lock() -> Any:
    import threading

    return threading.Lock()


class Unreadable:
    """Cannot be unpickled."""

    def __reduce__(self) -> Any:
        return _divide_by_zero, ()


def _divide_by_zero() -> float:
    return 1 / 0


def write_and_die(text: bytes) -> None:
    os.write(2, text)
    os.abort()


def is_imported(name: str) -> bool:
    return name in sys.modules


def begin_nested(place: str) -> Any:
    with Executor() as executor:
        return executor.submit(workload.begin_and_wait, place, "inner").result()


if __name__ == "__main__":
    unittest.main()
