# SPDX-License-Identifier: MIT
"""What takes an executor and its futures: asyncio's ``run_in_executor``, ``concurrent.futures.wait``
and ``as_completed``, joblib, dask and tqdm."""

from __future__ import annotations

import asyncio
import concurrent.futures
import importlib
import io
import os
import unittest
from concurrent.futures import FIRST_COMPLETED, FIRST_EXCEPTION, ThreadPoolExecutor
from typing import Any, Callable, List, Tuple

import surroundings
import workload
from surroundings import eventually, is_alive

from jobmill import Executor


def setUpModule() -> None:
    surroundings.need_daemon()
    OneExecutor.executor = Executor(2, output="keep")
    unittest.addModuleCleanup(OneExecutor.executor.shutdown)


def needs(module: str) -> Callable[[type], type]:
    return unittest.skipUnless(
        surroundings.has_module(module), f"there is no {module} (apt-get install python3-{module})"
    )


def inner(number: int) -> List[int]:
    """A parallel within a job."""
    import joblib

    return joblib.Parallel(n_jobs=2)(joblib.delayed(workload.square)(n) for n in range(number))


class OneExecutor(unittest.TestCase):
    executor: Executor

    def setUp(self) -> None:
        self.place = surroundings.place_of(self)

    def path(self, name: str) -> str:
        return os.path.join(self.place, name)

    def await_file(self, name: str) -> None:
        eventually(lambda: os.path.exists(self.path(name)), name)


class RunInExecutor(OneExecutor):
    def new_loop(self) -> Any:
        return asyncio.new_event_loop()

    def on_loop(self, coroutine: Any) -> Any:
        loop = self.new_loop()
        try:
            return loop.run_until_complete(asyncio.wait_for(coroutine, surroundings.PATIENCE))
        finally:
            loop.close()

    async def begun(self) -> int:
        """The pid of the worker."""
        while not os.path.exists(self.path("job.begun")):
            await asyncio.sleep(0.002)
        with open(self.path("job.begun"), encoding="ascii") as file:
            return int(file.read())

    def test_results_and_failures_come_back(self) -> None:
        async def main() -> Tuple[Any, ...]:
            loop = asyncio.get_running_loop()
            return await asyncio.gather(
                loop.run_in_executor(self.executor, workload.square, 3),
                loop.run_in_executor(self.executor, workload.fail, "no"),
                loop.run_in_executor(self.executor, workload.die),
                return_exceptions=True,
            )

        value, failure, death = self.on_loop(main())
        self.assertEqual(value, 9)
        self.assertIsInstance(failure, ValueError)
        self.assertEqual(death.signal, "SIGKILL")

    def test_they_come_as_they_are_done(self) -> None:
        async def main() -> List[str]:
            loop = asyncio.get_running_loop()
            gates = [self.path(name) for name in "ab"]
            jobs = [
                loop.run_in_executor(self.executor, workload.wait_for_file, gate) for gate in gates
            ]
            workload.touch(gates[1])
            done = []
            for job in asyncio.as_completed(jobs):
                done.append(os.path.basename(await job))
                workload.touch(gates[0])
            return done

        self.assertEqual(self.on_loop(main()), ["b", "a"])

    def test_wait_for_that_gives_up_stops_the_job(self) -> None:
        async def main() -> None:
            loop = asyncio.get_running_loop()
            job = loop.run_in_executor(self.executor, workload.begin_and_wait, self.place)
            await self.begun()
            with self.assertRaises(asyncio.TimeoutError):
                await asyncio.wait_for(job, 0.01)

        self.on_loop(main())
        self.await_file("job.stopped")

    def test_a_process_that_does_not_heed_it_is_gone(self) -> None:
        async def main() -> int:
            loop = asyncio.get_running_loop()
            job = loop.run_in_executor(self.executor, workload.stay, self.place)
            worker = await self.begun()
            self.assertTrue(is_alive(worker))
            with self.assertRaises(asyncio.TimeoutError):
                await asyncio.wait_for(job, 0.01)
            return worker

        worker = self.on_loop(main())
        eventually(lambda: not is_alive(worker), "the worker is killed")
        self.assertEqual(self.executor.submit(workload.square, 4).result(), 16)

    def test_a_task_that_is_cancelled_stops_its_job(self) -> None:
        async def main() -> None:
            async def run() -> None:
                loop = asyncio.get_running_loop()
                await loop.run_in_executor(self.executor, workload.begin_and_wait, self.place)

            task = asyncio.ensure_future(run())
            await self.begun()
            task.cancel()
            with self.assertRaises(asyncio.CancelledError):
                await task

        self.on_loop(main())
        self.await_file("job.stopped")


@needs("uvloop")
class RunInExecutorWithUvloop(RunInExecutor):
    # The daemon's patience with such a job is five seconds, on any loop.
    test_a_process_that_does_not_heed_it_is_gone = None

    def new_loop(self) -> Any:
        return importlib.import_module("uvloop").new_event_loop()


class ManyFutures(OneExecutor):
    """Of several executors together."""

    def setUp(self) -> None:
        super().setUp()
        self.threads = ThreadPoolExecutor(1)
        self.addCleanup(self.threads.shutdown)

    def test_as_completed_mixes_them(self) -> None:
        gates = [self.path(name) for name in "abc"]
        executors = (self.executor, self.threads, self.executor)
        futures = [
            executor.submit(workload.wait_for_file, gate)
            for executor, gate in zip(executors, gates)
        ]
        completed = concurrent.futures.as_completed(futures)
        for index in (2, 1, 0):
            workload.touch(gates[index])
            self.assertIs(next(completed), futures[index])
        self.assertEqual(list(completed), [])

    def test_wait_for_the_first_and_for_all(self) -> None:
        mine = self.executor.submit(workload.wait_for_file, self.path("mine"))
        other = self.threads.submit(workload.wait_for_file, self.path("other"))
        workload.touch(self.path("mine"))
        done, rest = concurrent.futures.wait([mine, other], return_when=FIRST_COMPLETED)
        self.assertEqual((done, rest), ({mine}, {other}))
        done, rest = concurrent.futures.wait([mine, other], timeout=0)
        self.assertEqual((done, rest), ({mine}, {other}))
        workload.touch(self.path("other"))
        done, rest = concurrent.futures.wait([mine, other])
        self.assertEqual((done, rest), ({mine, other}, set()))

    def test_wait_for_the_first_failure(self) -> None:
        other = self.threads.submit(workload.wait_for_file, self.path("other"))
        bad = self.executor.submit(workload.fail, "no")
        done, rest = concurrent.futures.wait([other, bad], return_when=FIRST_EXCEPTION)
        self.assertEqual((done, rest), ({bad}, {other}))
        workload.touch(self.path("other"))

    def test_a_cancelled_one_is_done(self) -> None:
        job = self.executor.submit(workload.begin_and_wait, self.place)
        self.await_file("job.begun")
        self.threads.submit(job.cancel)
        self.assertEqual(concurrent.futures.wait([job]).done, {job})
        self.assertEqual(list(concurrent.futures.as_completed([job])), [job])
        self.assertTrue(job.cancelled())


@needs("joblib")
class Joblib(OneExecutor):
    def setUp(self) -> None:
        super().setUp()
        self.joblib = importlib.import_module("joblib")
        self.backend = importlib.import_module("jobmill.joblib").backend

    def parallel(self, calls: Any, **options: Any) -> List[Any]:
        with self.backend(self.executor):
            return self.joblib.Parallel(**options)(calls)

    def test_results_are_in_order_and_of_other_processes(self) -> None:
        delayed = self.joblib.delayed
        for options in (
            {"n_jobs": -1},
            {"n_jobs": 2},
            {"n_jobs": 2, "batch_size": 7},
            {"n_jobs": 1},
        ):
            calls = (delayed(workload.square)(number) for number in range(50))
            self.assertEqual(self.parallel(calls, **options), [n * n for n in range(50)])
        places = self.parallel((delayed(workload.where)() for _ in range(8)), n_jobs=2)
        self.assertNotIn(os.getpid(), [pid for pid, _ in places])

    def test_as_many_as_there_are_workers_run_at_once(self) -> None:
        with self.backend(self.executor):
            parallel = self.joblib.Parallel(n_jobs=-1)
            with parallel:
                self.assertEqual(parallel._backend.effective_n_jobs(-1), 2)
                self.assertEqual(parallel._backend.effective_n_jobs(-2), 1)
                self.assertEqual(parallel._backend.effective_n_jobs(8), 2)
                with self.assertRaises(ValueError):
                    parallel._backend.effective_n_jobs(0)

    def test_a_failure_is_raised_and_the_rest_is_stopped(self) -> None:
        delayed = self.joblib.delayed
        calls = [
            # In this order: joblib looks at them one after the other.
            delayed(self.fail_once_begun)(self.path("job.begun")),
            delayed(workload.begin_and_wait)(self.place),
        ]
        with self.assertRaisesRegex(ValueError, "no"):
            self.parallel(calls, n_jobs=2, batch_size=1)
        self.await_file("job.stopped")

    @staticmethod
    def fail_once_begun(path: str) -> None:
        workload.wait_for_file(path)
        raise ValueError("no")

    def test_one_within_a_job_runs_there(self) -> None:
        calls = (self.joblib.delayed(inner)(number) for number in (3, 4))
        self.assertEqual(self.parallel(calls, n_jobs=2), [[0, 1, 4], [0, 1, 4, 9]])

    def test_a_timeout_is_told(self) -> None:
        calls = [self.joblib.delayed(workload.begin_and_wait)(self.place)] * 2
        with self.assertRaises((TimeoutError, concurrent.futures.TimeoutError)):
            self.parallel(calls, n_jobs=2, batch_size=1, timeout=0.05)


@needs("dask")
class Dask(OneExecutor):
    def setUp(self) -> None:
        super().setUp()
        self.dask = importlib.import_module("dask")

    def test_a_graph_is_computed(self) -> None:
        square = self.dask.delayed(workload.square)
        total = self.dask.delayed(sum)([square(number) for number in range(20)])
        self.assertEqual(total.compute(scheduler=self.executor), 2470)

    def test_its_tasks_are_of_other_processes(self) -> None:
        [(pid, _)] = self.dask.compute(self.dask.delayed(workload.where)(), scheduler=self.executor)
        self.assertNotEqual(pid, os.getpid())

    def test_a_failure_is_raised(self) -> None:
        bad = self.dask.delayed(workload.fail)("no")
        with self.assertRaisesRegex(ValueError, "no"):
            bad.compute(scheduler=self.executor)


@needs("tqdm")
class Tqdm(OneExecutor):
    def setUp(self) -> None:
        super().setUp()
        self.bar = importlib.import_module("tqdm").tqdm
        self.shown = io.StringIO()

    def test_it_counts_a_map(self) -> None:
        bar = self.bar(
            self.executor.map(workload.square, range(50)), total=50, file=self.shown, miniters=1
        )
        self.assertEqual(list(bar), [n * n for n in range(50)])
        self.assertEqual(bar.n, 50)
        self.assertIn("50/50", self.shown.getvalue())

    def test_it_counts_items_one_by_one(self) -> None:
        gates = [self.path(name) for name in "ab"]
        items = self.executor.imap_unordered(workload.wait_for_file, gates)
        bar = self.bar(items, total=2, file=self.shown, mininterval=0, miniters=1)
        reader = iter(bar)
        for count, index in ((1, 1), (2, 0)):
            workload.touch(gates[index])
            self.assertEqual(next(reader).index, index)
            self.assertNotIn(f"{count}/2", self.shown.getvalue())
        with self.assertRaises(StopIteration):
            next(reader)
        self.assertIn("1/2", self.shown.getvalue())
        self.assertIn("2/2", self.shown.getvalue())


if __name__ == "__main__":
    unittest.main()
