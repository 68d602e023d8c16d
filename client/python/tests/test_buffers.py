# SPDX-License-Identifier: MIT
"""Arrays and other large objects: without copies, read-only, given once by ``put()``, and freed."""

from __future__ import annotations

import functools
import gc
import os
import unittest
from typing import Any, List

import surroundings
import workload
from surroundings import eventually

from jobmill import Executor, NotPossible

try:
    import numpy
except ImportError:
    numpy = None  # type: ignore[assignment]


def setUpModule() -> None:
    surroundings.need_daemon()
    if numpy is None:
        raise unittest.SkipTest("there is no numpy")


class OneExecutor(unittest.TestCase):
    def setUp(self) -> None:
        self.executor = Executor(1, output="keep")
        self.addCleanup(self.executor.shutdown)

    def ones(self, number: int = 100_000) -> Any:
        return numpy.arange(number, dtype="f8")


def look_at(array: Any) -> List[Any]:
    """Whether it can be written to, the memfd that it lies in, and its sum."""
    return [array.flags.writeable, memfd_of(array), float(array.sum())]


def memfd_of(array: Any) -> str:
    """The inode of the mapping that an array lies in, and "" of other memory."""
    address = array.__array_interface__["data"][0]
    with open("/proc/self/maps", encoding="ascii", errors="replace") as maps:
        for line in maps:
            fields = line.split()
            begin, _, end = fields[0].partition("-")
            if int(begin, 16) <= address < int(end, 16):
                return fields[4] if "/memfd:" in line else ""
    return ""


def write_to(array: Any) -> None:
    array[0] = 1


def keep_two(pair: Any) -> bool:
    first, second = pair
    return memfd_of(first) == memfd_of(second) != ""


def same_twice(array: Any, again: Any, number: int) -> int:
    return number if again[0] is array else -1


def call_with_two(one: Any, two: Any) -> Any:
    return one, two


def call_with(function: Any, value: Any) -> Any:
    return function(value)


def sum_with(array: Any, number: int) -> float:
    return float(array.sum()) + number


class Arguments(OneExecutor):
    def test_large_arrays_are_looked_at_where_they_came(self) -> None:
        array = self.ones()
        writeable, memfd, total = self.executor.submit(look_at, array).result()
        self.assertEqual((writeable, total), (False, float(array.sum())))
        self.assertNotEqual(memfd, "")

    def test_who_writes_to_one_is_told(self) -> None:
        with self.assertRaisesRegex(ValueError, "read-only"):
            self.executor.submit(write_to, self.ones()).result()

    def test_small_ones_are_the_jobs_own(self) -> None:
        self.executor.submit(write_to, self.ones(10)).result()

    def test_many_kinds_arrive_as_they_were(self) -> None:
        table = numpy.arange(200_000, dtype="i4").reshape(400, 500)
        arrays = (
            table,
            table.T,
            numpy.asfortranarray(table),
            table[::2, ::3],
            table[::-1],
            table.astype("c16"),
            numpy.zeros((0, 5)),
            numpy.array(3.5),
            numpy.array(["a", "bc"] * 20_000),
            numpy.array([{"a": 1}, None, [2]] * 10_000, dtype=object),
            numpy.zeros(30_000, dtype=[("x", "f4"), ("y", "i8")]),
        )
        for array in arrays:
            answer = self.executor.submit(workload.identity, array).result()
            self.assertEqual((answer.dtype, answer.shape), (array.dtype, array.shape))
            self.assertTrue(numpy.array_equal(answer, array))

    def test_what_a_worker_keeps_does_not_change_when_memory_is_used_again(self) -> None:
        first = self.ones()
        self.executor.submit(workload.keep, first).result()
        # Blobs of the same size, of which the client has one that it uses again.
        for number in range(5):
            self.executor.submit(look_at, first + number + 1).result()
        self.assertTrue(
            numpy.array_equal(self.executor.submit(workload.look_at_kept).result(), first)
        )
        self.executor.submit(workload.forget).result()


class Results(OneExecutor):
    def test_large_ones_are_read_only_and_not_copied(self) -> None:
        answer = self.executor.submit(numpy.arange, 100_000).result()
        self.assertFalse(answer.flags.writeable)
        self.assertNotEqual(memfd_of(answer), "")

    def test_each_has_its_own_memory(self) -> None:
        futures = [self.executor.submit(numpy.full, 50_000, number) for number in range(20)]
        answers = [future.result() for future in futures]
        for number, answer in enumerate(answers):
            self.assertTrue((answer == number).all())

    def test_they_are_there_when_the_executor_is_not(self) -> None:
        answer = self.executor.submit(numpy.arange, 100_000).result()
        self.executor.shutdown()
        self.assertEqual(int(answer.sum()), 99_999 * 50_000)

    def test_native_ones_are_views_too(self) -> None:
        answer = self.executor.call("echo", b"x" * 500_000).result()
        self.assertIsInstance(answer, memoryview)
        self.assertTrue(answer.readonly)
        self.assertEqual(bytes(answer), b"x" * 500_000)


class Handles(OneExecutor):
    def test_one_blob_is_for_any_number_of_jobs(self) -> None:
        array = self.ones()
        with self.executor.put(array) as handle:
            self.assertGreaterEqual(handle.size, array.nbytes)
            answers = [self.executor.submit(look_at, handle).result() for _ in range(100)]
        self.assertEqual(answers, [[False, answers[0][1], float(array.sum())]] * 100)
        self.assertNotEqual(answers[0][1], "")

    def test_it_may_be_anywhere_among_the_arguments(self) -> None:
        with self.executor.put(self.ones()) as handle:
            total = float(self.ones().sum())
            self.assertEqual(self.executor.submit(sum_with, handle, 1).result(), total + 1)
            self.assertEqual(
                self.executor.submit(sum_with, number=2, array=handle).result(), total + 2
            )
            self.assertEqual(self.executor.submit(sum, [[handle], [1]], []).result()[1], 1)
            items = list(self.executor.imap_unordered(look_at, [handle] * 5))
            self.assertEqual([item.value[2] for item in items], [total] * 5)

    def test_two_arrays_are_one_object(self) -> None:
        with self.executor.put((self.ones(), self.ones())) as handle:
            self.assertTrue(self.executor.submit(keep_two, handle).result())

    def test_what_is_small_may_be_put(self) -> None:
        with self.executor.put({"a": [1, 2]}) as handle:
            self.assertEqual(
                self.executor.submit(workload.identity, handle).result(), {"a": [1, 2]}
            )

    def test_several_of_them_and_any_other_arguments_go_together(self) -> None:
        ones = self.ones()
        put = self.executor.put
        with put(ones) as one, put(ones * 2) as other, put("small") as small:
            for large in (b"", bytes(50_000), bytes(1_000_000), ones * 5):
                arguments = [one, large, (other, [one]), small]
                got = self.executor.submit(workload.identity, arguments).result()
                self.assertTrue((got[0] == ones).all() and (got[2][1][0] == ones).all())
                self.assertTrue((got[2][0] == ones * 2).all())
                self.assertEqual(got[3], "small")
                self.assertEqual(bytes(got[1]), bytes(large))
            futures = [self.executor.submit(same_twice, one, [one], n) for n in range(300)]
            self.assertEqual([future.result() for future in futures], list(range(300)))

    def test_it_may_be_in_what_a_function_brings_along(self) -> None:
        with self.executor.put([1]) as one, self.executor.put([2]) as two:
            for handle, want in ((one, [1]), (two, [2]), (one, [1])):
                bound = functools.partial(call_with_two, handle)
                answers = list(self.executor.map(bound, range(3)))
                self.assertEqual(answers, [(want, 0), (want, 1), (want, 2)])
                got = self.executor.submit(bound, [two]).result()
                self.assertEqual(got, (want, [[2]]))

    def test_jobs_that_wait_for_credit_keep_it(self) -> None:
        with self.executor.put([1, 2]) as handle:
            futures = [self.executor.submit(workload.identity, handle) for _ in range(6000)]
        self.assertEqual({tuple(future.result()) for future in futures}, {(1, 2)})

    def test_more_than_eight_are_refused(self) -> None:
        handles = [self.executor.put(n) for n in range(9)]
        with self.assertRaisesRegex(NotPossible, "9 handles; a job has at most 8"):
            self.executor.submit(workload.identity, handles)
        self.assertEqual(
            self.executor.submit(workload.identity, handles[:8] * 2).result(), list(range(8)) * 2
        )

    def test_what_a_closure_brings_along_does_not_hide_one(self) -> None:
        # Pickled twice: by name first, then by value.
        with self.executor.put([1, 2]) as handle:
            if not surroundings.has_module("cloudpickle"):
                self.skipTest("there is no cloudpickle")
            got = self.executor.submit(call_with, lambda x: sum(x) + 1, handle).result()
            self.assertEqual(got, 4)

    def test_a_released_one_is_refused_and_the_jobs_that_have_it_keep_it(self) -> None:
        handle = self.executor.put(self.ones())
        future = self.executor.submit(look_at, handle)
        handle.release()
        handle.release()
        self.assertIn("released", repr(handle))
        with self.assertRaisesRegex(NotPossible, "released"):
            self.executor.submit(look_at, handle)
        self.assertEqual(future.result()[2], float(self.ones().sum()))

    def test_another_executor_is_given_it_too(self) -> None:
        with Executor(1) as other, self.executor.put(self.ones()) as handle:
            want = float(self.ones().sum())
            self.assertEqual(self.executor.submit(look_at, handle).result()[2], want)
            self.assertEqual(other.submit(look_at, handle).result()[2], want)

    def test_it_is_of_this_process(self) -> None:
        import pickle

        with self.executor.put(1) as handle, self.assertRaisesRegex(NotPossible, "of this process"):
            pickle.dumps(handle)


class Freed(OneExecutor):
    def daemons_descriptors(self) -> int:
        return len(os.listdir(f"/proc/{self.executor._settings._daemon._process.pid}/fd"))

    def test_descriptors_and_mappings_are_as_before(self) -> None:
        array = self.ones()

        def use() -> None:
            with self.executor.put(array) as handle:
                for _ in range(20):
                    self.executor.submit(look_at, handle).result()
                    self.executor.submit(workload.identity, array).result()
                    self.executor.submit(workload.identity, handle).result()
            for _ in range(3):
                self.executor.put(array)  # forgotten

        use()  # what is kept warm is there from now on
        gc.collect()
        here = len(surroundings.descriptors()), len(surroundings.payload_mappings())
        descriptors, _ = self.executor.submit(workload.fds_and_mappings).result()
        for _ in range(3):
            use()
        gc.collect()
        self.assertEqual(
            (len(surroundings.descriptors()), len(surroundings.payload_mappings())), here
        )
        # A result's memory is the worker's for as long as it is on its way back.
        eventually(
            lambda: self.executor.submit(workload.fds_and_mappings).result()[0] <= descriptors
        )
        mappings = self.executor.submit(workload.fds_and_mappings).result()[1]
        self.assertLessEqual(mappings, 4, "the worker keeps four that may come again")

    def test_the_daemon_closes_what_was_released(self) -> None:
        self.executor.submit(workload.square, 2).result()
        before = self.daemons_descriptors()
        handles = [self.executor.put(self.ones()) for _ in range(20)]
        self.assertGreaterEqual(self.daemons_descriptors(), before + 20)
        results = [self.executor.submit(numpy.arange, 100_000).result() for _ in range(20)]
        for handle in handles:
            handle.release()
        results.clear()
        eventually(lambda: self.daemons_descriptors() <= before + 5)


if __name__ == "__main__":
    unittest.main()
