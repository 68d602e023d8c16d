# SPDX-License-Identifier: MIT
"""Large bytes, bytearrays and texts: they arrive as they were sent, and are not copied on the way to
the payload."""

from __future__ import annotations

import os
import resource
import unittest
from typing import Any

import surroundings
import workload
from surroundings import eventually

from jobmill import Executor
from jobmill._parcel import Parcel, dump_call, dump_object, load_object, split_call

LARGE = bytes(range(256)) * 1024  # 256 KiB
SIZES = (0, 1, 32_767, 32_768, 65_535, 65_536, 65_537, 1 << 20)


def faults() -> int:
    return resource.getrusage(resource.RUSAGE_SELF).ru_minflt


def fill(size: int) -> int:
    before = faults()
    objects = [bytearray(size) for _ in range(4)]
    del objects
    return faults() - before


def use_and_free(size: int) -> int:
    bytes(size)
    parts = [bytes(50_000) for _ in range(size // 50_000)]
    del parts
    return os.getpid()


def resident(pid: int) -> int:
    with open(f"/proc/{pid}/statm", encoding="ascii") as statm:
        return int(statm.read().split()[1]) * 4096


class OwnBytes(bytes):
    mark = "kept"


class OwnBytearray(bytearray):
    pass


class OwnStr(str):
    pass


class Slotted:
    def __init__(self, data: bytes) -> None:
        self.data = data
        self.again = data

    def __eq__(self, other: Any) -> bool:
        return self.data == other.data and other.again is other.data


def last_of(value: Any) -> Any:
    return type(value).__name__, len(value), value[-1]


def change(value: bytearray) -> bytearray:
    value[0] ^= 255
    value += b"more"
    return value


class Payloads(unittest.TestCase):
    def parcel_of(self, *arguments: Any) -> Parcel:
        parcel = dump_call(b"F", arguments, {})
        assert isinstance(parcel, Parcel)
        return parcel

    def test_bytes_are_in_a_payload_as_themselves(self) -> None:
        for arguments in ((LARGE,), ({"a": [LARGE]},), (Slotted(LARGE),)):
            parts = self.parcel_of(*arguments).parts
            self.assertEqual(sum(part is LARGE for part in parts), 1)
        self.assertTrue(any(part is LARGE for part in dump_object(LARGE, 1).parts))

    def test_what_waits_is_not_changed_by_who_gave_it(self) -> None:
        data = bytearray(LARGE)
        parcel = self.parcel_of(data)
        with self.assertRaises(BufferError):
            data.append(1)
        parcel.keep()
        data[0] ^= 255
        data.append(1)
        self.assertIn(LARGE, parcel.parts)

    def test_the_name_of_main_in_text_means_nothing(self) -> None:
        # With it among the names the function is sent with its main module.
        text = "__main__" * 10_000
        parcel = self.parcel_of(text, text.encode())
        self.assertEqual(split_call(memoryview(parcel.to_bytes()))[1], b"F")

    def test_objects_come_back(self) -> None:
        for value in (LARGE, [LARGE, LARGE], {"a": Slotted(LARGE)}, "é" * 100_000):
            parcel = dump_object(value, 7)
            data = parcel.to_bytes()
            self.assertEqual(len(data), parcel.size)
            self.assertEqual(load_object(data), (value, 7))


class Jobs(unittest.TestCase):
    @classmethod
    def setUpClass(cls) -> None:
        surroundings.need_daemon()
        cls.executor = Executor(1, output="keep")
        cls.addClassCleanup(cls.executor.shutdown)

    def echo(self, value: Any) -> Any:
        answer = self.executor.submit(workload.identity, value).result()
        self.assertIs(type(answer), type(value))
        self.assertEqual(answer, value)
        return answer

    def test_all_sizes_come_back_as_what_they_were(self) -> None:
        for size in SIZES:
            data = os.urandom(size)
            self.echo(data)
            self.echo(bytearray(data))
            self.echo(data.hex()[:size])
            self.echo("é\U0001f980" * (size // 2))
            self.echo([data, {"a": (data, bytearray(data), "x" * size)}])

    def test_texts_that_are_no_unicode_do_too(self) -> None:
        self.echo("\ud800" * 100_000)

    def test_subclasses_are_what_they_were(self) -> None:
        self.assertEqual(self.echo(OwnBytes(LARGE)).mark, "kept")
        self.echo(OwnBytearray(LARGE))
        self.echo(OwnStr("x" * 100_000))

    def test_one_object_in_two_places_stays_one(self) -> None:
        first, second = self.echo([LARGE, LARGE])
        self.assertIs(first, second)

    def test_a_bytearray_is_the_jobs_own_and_so_is_what_comes_back(self) -> None:
        data = bytearray(LARGE)
        answer = self.executor.submit(change, data).result()
        self.assertEqual(data, LARGE)
        answer[0] ^= 255
        self.assertEqual(answer, LARGE + b"more")

    def test_what_is_kept_stays_when_memory_is_used_again(self) -> None:
        kept = self.echo(LARGE)
        self.executor.submit(workload.keep, LARGE).result()
        for number in range(5):
            self.echo(bytes([number]) * len(LARGE))
        self.assertEqual(kept, LARGE)
        self.assertEqual(self.executor.submit(workload.look_at_kept).result(), LARGE)
        self.executor.submit(workload.forget).result()

    def test_a_result_that_is_its_payload_stays_while_somebody_has_it(self) -> None:
        kept = self.executor.call("echo", LARGE).result()
        for number in range(40):  # there are fewer blobs than that
            other = bytes([number]) * len(LARGE)
            self.assertEqual(self.executor.call("echo", other).result(), other)
        self.assertEqual(kept, LARGE)

    def test_what_one_job_has_freed_is_there_for_the_next(self) -> None:
        if any(name.startswith(("MALLOC_", "GLIBC_TUNABLES")) for name in os.environ):
            self.skipTest("somebody has chosen how memory is kept")
        with Executor(1) as executor:
            counts = [executor.submit(fill, 2 << 20).result() for _ in range(5)]
            self.assertLess(counts[-1], 100, "of 2048 pages")

    def test_an_idle_worker_gives_back_what_is_freed(self) -> None:
        with Executor(1) as executor:
            # It has imported this module, which takes as much.
            before = resident(executor.submit(use_and_free, 0).result())
            pid = executor.submit(use_and_free, 24 << 20).result()
            eventually(lambda: resident(pid) < before + (8 << 20))

    def test_a_queue_of_them_has_what_each_was_when_it_was_submitted(self) -> None:
        # There is credit for 4096 jobs.
        data = bytearray(LARGE)
        place = surroundings.place_of(self)
        first = self.executor.submit(workload.begin_and_wait, place)
        before = [self.executor.submit(workload.square, 2) for _ in range(4100)]
        futures = []
        for number in range(40):
            data[-1] = number
            futures.append(self.executor.submit(last_of, data))
        data[-1] = 255
        workload.touch(os.path.join(place, "go"))
        self.assertEqual(first.result(), "finished")
        self.assertEqual(before[-1].result(), 4)
        self.assertEqual(
            [future.result() for future in futures],
            [("bytearray", len(data), number) for number in range(40)],
        )


if __name__ == "__main__":
    unittest.main()
