# SPDX-License-Identifier: MIT
"""``aio.Pool``, on asyncio's own loop and on uvloop."""

from __future__ import annotations

import asyncio
import contextlib
import functools
import gc
import os
import signal
import subprocess
import sys
import threading
import unittest
from typing import Any, AsyncIterator, Awaitable, Callable, Dict, Iterator, List, Optional, Tuple

import surroundings
import workload
from surroundings import is_alive

import jobmill
from jobmill import Busy, Executor, NotPossible, Refused, WorkerDied
from jobmill.aio import Job, Output, Pool, Progress, Retrying

try:
    import uvloop
except ImportError:
    uvloop = None


def setUpModule() -> None:
    surroundings.need_daemon()
    OneDaemon.executor = Executor(2, output="keep")
    unittest.addModuleCleanup(OneDaemon.executor.shutdown)


def apply(call: Tuple[Any, ...]) -> Any:
    function, *arguments = call
    return function(*arguments)


def speak(place: str) -> None:
    print("one", flush=True)
    jobmill.report(1, 2, "half")
    workload.wait_for_file(os.path.join(place, "go"))
    print("two", flush=True)


class LeavesWhenUnpickled:
    def __reduce__(self) -> Any:
        return sys.exit, ("of unpickling",)


def make_leaving() -> LeavesWhenUnpickled:
    return LeavesWhenUnpickled()


def fail_first(place: str) -> int:
    """Its first attempt fails."""
    path = os.path.join(place, "tried")
    if os.path.exists(path):
        return 5
    workload.touch(path)
    print("the first attempt", flush=True)
    raise ValueError("the first attempt")


def total(data: bytes, number: int) -> int:
    return len(data) + number


def on_loop(test: Callable[..., Awaitable[None]]) -> Callable[[Any], None]:
    """Runs it on a new loop of its class's kind."""

    @functools.wraps(test)
    def run(self: Any) -> None:
        loop = self.new_loop()
        try:
            loop.run_until_complete(asyncio.wait_for(test(self), surroundings.PATIENCE))
            loop.run_until_complete(loop.shutdown_asyncgens())
        finally:
            loop.close()

    return run


@contextlib.asynccontextmanager
async def aclosing(items: Any) -> AsyncIterator[Any]:
    """contextlib's is younger than Python 3.9."""
    try:
        yield items
    finally:
        await items.aclose()


async def eventually(holds: Callable[[], Any]) -> None:
    """The patience is the test's."""
    while not holds():
        await asyncio.sleep(0.002)


class OneDaemon(unittest.TestCase):
    """The pools of all are of one daemon, but for those that are about daemons."""

    new_loop = staticmethod(asyncio.new_event_loop)

    def setUp(self) -> None:
        self.place = surroundings.place_of(self)

    def pool(self) -> Pool:
        return Pool(socket=self.executor.socket, output="keep")

    def path(self, name: str) -> str:
        return os.path.join(self.place, name)

    async def await_file(self, name: str) -> None:
        await eventually(lambda: os.path.exists(self.path(name)))

    async def begin(self, pool: Pool, *names: str) -> List[Job]:
        jobs = [pool.submit(workload.begin_and_wait, self.place, name) for name in names]
        for name in names:
            await self.await_file(name + ".begun")
        return jobs


class Running(OneDaemon):
    @on_loop
    async def test_results_and_exceptions_come_back(self) -> None:
        async with self.pool() as pool:
            self.assertEqual(await pool.run(workload.square, 4), 16)
            self.assertEqual(await pool.submit(workload.square, number=5), 25)
            with self.assertRaisesRegex(ValueError, "^no$") as caught:
                await pool.run(workload.fail, "no")
            self.assertIn("in fail", str(caught.exception.__cause__))
            with self.assertRaises(WorkerDied) as died:
                await pool.run(workload.die)
            self.assertEqual(died.exception.signal, "SIGKILL")
            with self.assertRaisesRegex(RuntimeError, "StopIteration: early"):
                await pool.run(workload.stop_iteration)

    @on_loop
    async def test_whatever_unpickling_raises_is_of_its_job_alone(self) -> None:
        async with self.pool() as pool:
            job = pool.submit(make_leaving)
            await asyncio.wait([job])
            self.assertIsInstance(job.exception(), SystemExit)
            self.assertEqual(await pool.run(workload.square, 3), 9)

    @on_loop
    async def test_what_cannot_be_sent_is_told_by_submit(self) -> None:
        async with self.pool() as pool:
            with self.assertRaises(NotPossible):
                pool.submit(workload.identity, threading.Lock())

    @on_loop
    async def test_results_of_every_size_arrive(self) -> None:
        async with self.pool() as pool:
            for size in (0, 65_535, 65_536, 65_537, 3_000_000):
                data = os.urandom(1000) * (size // 1000) + bytes(size % 1000)
                self.assertEqual(await pool.run(workload.identity, data), data)

    @on_loop
    async def test_native_handlers_are_called_without_pickle(self) -> None:
        async with self.pool() as pool:
            self.assertEqual(await pool.call("sum", "100"), b"5050")
            self.assertEqual(await pool.call("echo", b"x" * 100_000), b"x" * 100_000)
            with self.assertRaisesRegex(Refused, "no.such.handler"):
                await pool.call("no.such.handler")
            names = [handler["name"] for handler in await pool.handlers()]
            self.assertIn("sum", names)
            self.assertIn("python.call", names)

    @on_loop
    async def test_a_handle_goes_to_many_jobs(self) -> None:
        async with self.pool() as pool:
            with await pool.put(b"x" * 100_000) as handle:
                jobs = [pool.submit(total, handle, number) for number in range(100)]
                self.assertEqual(await pool.gather(*jobs), [100_000 + n for n in range(100)])
            with self.assertRaisesRegex(NotPossible, "released"):
                pool.submit(total, handle, 1)

    @on_loop
    async def test_a_job_knows_what_it_took_and_printed(self) -> None:
        async with self.pool() as pool:
            job = pool.submit(workload.say, "hello", "trouble")
            self.assertIsNone(job.stats)
            self.assertEqual(await job, "hello")
            self.assertEqual((job.stdout, job.stderr), ("hello\n", "trouble\n"))
            self.assertEqual(job.stats.attempt, 1)
            self.assertIsInstance(job.worker_pid, int)

    @on_loop
    async def test_options_are_of_their_jobs(self) -> None:
        async with self.pool() as pool:
            with self.assertRaises(jobmill.JobTimeout):
                await pool.options(timeout=0.1).run(workload.begin_and_wait, self.place)
            job = pool.options(retries={"failure": 1}).submit(fail_first, self.place)
            self.assertEqual(await job, 5)
            self.assertEqual(job.stats.attempt, 2)
            job = pool.options(started=True).submit(workload.begin_and_wait, self.place, "pid")
            await eventually(lambda: job.worker_pid is not None)
            await self.await_file("pid.begun")
            with open(self.path("pid.begun"), encoding="ascii") as file:
                self.assertEqual(int(file.read()), job.worker_pid)
            job.cancel()

    @on_loop
    async def test_there_is_no_thread(self) -> None:
        before = threading.active_count()
        async with Pool(1) as pool:
            self.assertEqual(await pool.run(workload.square, 2), 4)
            self.assertEqual(threading.active_count(), before)


class Many(OneDaemon):
    @on_loop
    async def test_as_completed_answers_the_jobs_in_the_order_in_which_they_are_done(self) -> None:
        async with self.pool() as pool:
            gates = [self.path(name) for name in "ab"]
            jobs = [pool.submit(workload.wait_for_file, gate) for gate in gates]
            completed = pool.as_completed(jobs)
            for index in (1, 0):
                workload.touch(gates[index])
                self.assertIs(await completed.__anext__(), jobs[index])
            with self.assertRaises(StopAsyncIteration):
                await completed.__anext__()

    @on_loop
    async def test_as_completed_takes_other_futures_and_failures(self) -> None:
        async with self.pool() as pool:
            other = asyncio.get_running_loop().create_future()
            bad = pool.submit(workload.fail, "no")
            done = []
            async for future in pool.as_completed([bad, other]):
                done.append(future)
                if future is bad:
                    other.set_result(7)
            self.assertEqual(done, [bad, other])
            self.assertIsInstance(bad.exception(), ValueError)

    @on_loop
    async def test_gather_keeps_the_order(self) -> None:
        async with self.pool() as pool:
            jobs = [pool.submit(workload.square, number) for number in range(100)]
            self.assertEqual(await pool.gather(*jobs), [n * n for n in range(100)])
            failure = pool.submit(workload.fail, "no")
            answers = await pool.gather(
                failure, pool.submit(workload.square, 2), return_exceptions=True
            )
            self.assertIsInstance(answers[0], ValueError)
            self.assertEqual(answers[1], 4)

    @on_loop
    async def test_gather_stops_the_others_when_one_fails(self) -> None:
        async with self.pool() as pool:
            [job] = await self.begin(pool, "a")
            with self.assertRaisesRegex(ValueError, "no"):
                await pool.gather(job, pool.submit(workload.fail, "no"))
            self.assertTrue(job.cancelled())
            await self.await_file("a.stopped")

    @on_loop
    async def test_tasks_wait_for_room_before_they_submit(self) -> None:
        async with self.pool() as pool:
            credit = pool._desk.session.welcome.credit_jobs
            most = 0

            async def run(number: int) -> int:
                nonlocal most
                answer = await pool.run(workload.square, number)
                most = max(most, pool._desk.unfinished)
                return answer

            answers = await asyncio.gather(*(run(number) for number in range(credit + 2000)))
            self.assertEqual(answers, [n * n for n in range(credit + 2000)])
            self.assertLessEqual(most, credit)

    @on_loop
    async def test_of_many_tasks_as_many_are_woken_as_there_is_room_for(self) -> None:
        async with self.pool() as pool:
            desk = pool._desk
            count = desk.session.welcome.credit_jobs + 4000
            has_room, asked = desk.has_room, 0

            def count_and_ask(*arguments: Any) -> bool:
                nonlocal asked
                asked += 1
                return has_room(*arguments)

            desk.has_room = count_and_ask
            await asyncio.gather(*(pool.run(workload.square, n) for n in range(count)))
            self.assertLess(asked, 4 * count)

    def fill(self, pool: Pool) -> List[Job]:
        """No credit is left until the gate of the first is there."""
        credit = pool._desk.session.welcome.credit_jobs
        gates = [self.path("first")] + [self.path("others")] * (credit - 1)
        return [pool.submit(workload.wait_for_file, gate) for gate in gates]

    @on_loop
    async def test_room_of_a_task_that_is_cancelled_is_anothers(self) -> None:
        async with self.pool() as pool:
            jobs = self.fill(pool)
            tasks = [asyncio.ensure_future(pool.run(workload.square, n)) for n in (2, 3)]
            jobs[0].add_done_callback(lambda _: tasks[0].cancel())
            await asyncio.sleep(0)
            workload.touch(self.path("first"))
            await jobs[0]
            await eventually(lambda: pool._desk.under_way == len(jobs))
            workload.touch(self.path("others"))
            self.assertEqual(await tasks[1], 9)
            self.assertTrue(tasks[0].cancelled())

    @on_loop
    async def test_room_of_a_task_that_cannot_submit_is_anothers(self) -> None:
        async with self.pool() as pool:
            jobs = self.fill(pool)
            calls = [(workload.identity, threading.Lock())] * 2 + [(workload.square, 3)]
            tasks = [asyncio.ensure_future(pool.run(*call)) for call in calls]
            await asyncio.sleep(0)
            workload.touch(self.path("first"))
            await eventually(lambda: jobs[0].done() and pool._desk.under_way == len(jobs))
            workload.touch(self.path("others"))
            self.assertEqual(await tasks[2], 9)
            for task in tasks[:2]:
                self.assertIsInstance(task.exception(), NotPossible)

    @on_loop
    async def test_the_loop_goes_on_while_results_pour_in(self) -> None:
        async with self.pool() as pool:
            jobs = [pool.submit(workload.square, number) for number in range(4000)]
            seen = set()

            async def count() -> None:
                while len(jobs) not in seen:
                    seen.add(sum(job.done() for job in jobs))
                    await asyncio.sleep(0)

            await asyncio.gather(count(), *jobs)
            # Between its turns some were done, and others not.
            self.assertTrue(seen - {0, len(jobs)})


class Streams(OneDaemon):
    @on_loop
    async def test_items_come_in_the_order_in_which_they_are_done(self) -> None:
        async with self.pool() as pool:
            gates = [self.path(name) for name in "ab"]
            items = pool.imap_unordered(workload.wait_for_file, gates)
            for index in (1, 0):
                workload.touch(gates[index])
                self.assertEqual(await items.__anext__(), (index, gates[index], None))
            self.assertEqual([item async for item in items], [])

    @on_loop
    async def test_a_failure_is_an_item(self) -> None:
        async with self.pool() as pool:
            calls = [
                (workload.square, 3),
                (workload.fail, "no"),
                (workload.die,),
                (threading.Lock(),),
            ]
            items = [item async for item in pool.imap_unordered(apply, calls)]
            kinds = {item.index: type(item.error) for item in items}
            self.assertEqual(kinds, {0: type(None), 1: ValueError, 2: WorkerDied, 3: NotPossible})

    @on_loop
    async def test_iterables_are_read_as_there_is_room(self) -> None:
        async with self.pool() as pool:
            for endless in (False, True):
                self.taken = 0
                source = self.count_slowly() if endless else self.count()
                received = 0
                async with aclosing(
                    pool.imap_unordered(workload.square, source, buffersize=5)
                ) as items:
                    async for item in items:
                        received += 1
                        self.assertEqual(item.result(), item.index**2)
                        self.assertLessEqual(self.taken, received + 5)
                        if received == 100:
                            break

    def count(self) -> Iterator[int]:
        while True:
            self.taken += 1
            yield self.taken - 1

    async def count_slowly(self) -> AsyncIterator[int]:
        for number in self.count():
            await asyncio.sleep(0)
            yield number

    @on_loop
    async def test_results_come_while_the_source_waits(self) -> None:
        async with self.pool() as pool:
            read = asyncio.Event()

            async def source() -> AsyncIterator[int]:
                yield 3
                await read.wait()
                yield 4

            values = []
            async for item in pool.imap_unordered(workload.square, source()):
                values.append(item.value)
                read.set()
            self.assertEqual(values, [9, 16])

    @on_loop
    async def test_leaving_it_stops_what_runs(self) -> None:
        async with self.pool() as pool:
            calls = [(workload.square, 2), (workload.begin_and_wait, self.place, "a")]
            async with aclosing(pool.imap_unordered(apply, calls)) as items:
                async for item in items:
                    self.assertEqual(item.value, 4)
                    await self.await_file("a.begun")
                    break
            await self.await_file("a.stopped")

    @on_loop
    async def test_leaving_it_sends_nothing_of_what_waits_for_credit(self) -> None:
        async with self.pool() as pool:
            calls: List[Tuple[Any, ...]] = [(workload.square, 2)]
            calls += [(workload.begin_and_wait, self.place, str(n)) for n in range(2)]
            calls += [(workload.square, 3)] * 4200 + [(workload.touch, self.path("late"))] * 800
            items = pool.imap_unordered(apply, calls, buffersize=len(calls))
            async with aclosing(items):
                async for _ in items:
                    await self.await_file("0.begun")
                    break
        self.assertFalse(os.path.exists(self.path("late")))

    @on_loop
    async def test_a_source_that_raises_stops_what_runs(self) -> None:
        async def source() -> AsyncIterator[Tuple[Any, ...]]:
            yield (workload.begin_and_wait, self.place, "a")
            await self.await_file("a.begun")
            raise LookupError("there is no second")

        async with self.pool() as pool:
            with self.assertRaisesRegex(LookupError, "there is no second"):
                async for _ in pool.imap_unordered(apply, source()):
                    self.fail("nothing has ended")
            await self.await_file("a.stopped")

    @on_loop
    async def test_below_one_a_window_is_refused(self) -> None:
        async with self.pool() as pool:
            with self.assertRaisesRegex(ValueError, "buffersize"):
                async for _ in pool.imap_unordered(workload.square, [1], buffersize=0):
                    pass


class Events(OneDaemon):
    @on_loop
    async def test_everybody_who_listens_is_told_in_order(self) -> None:
        async with self.pool() as pool:
            job = pool.submit(speak, self.place)

            async def listen() -> List[Any]:
                told = []
                async for event in pool.events(job):
                    told.append(event)
                    if event == Progress(1, 2, "half"):
                        workload.touch(self.path("go"))
                return told

            for told in await asyncio.gather(listen(), listen()):
                said = [event for event in told if isinstance(event, Output)]
                self.assertEqual("".join(event.text for event in said), "one\ntwo\n")
                self.assertEqual({event.stream for event in said}, {"stdout"})
                self.assertIn(Progress(1, 2, "half"), told)
                self.assertEqual(told[-1], said[-1])
            self.assertEqual(job.progress, Progress(1, 2, "half"))
            self.assertEqual(job._listeners, [])
            self.assertEqual([event async for event in pool.events(job)], [])

    @on_loop
    async def test_another_attempt_is_told(self) -> None:
        async with self.pool() as pool:
            job = pool.options(retries={"failure": 1}).submit(fail_first, self.place)
            told = [event async for event in pool.events(job)]
            again = [event for event in told if isinstance(event, Retrying)]
            self.assertEqual(len(again), 1)
            self.assertEqual((again[0].state, again[0].attempt), ("failed", 1))
            self.assertEqual(await job, 5)
            self.assertEqual(job.stdout, "")

    @on_loop
    async def test_they_end_with_a_cancel(self) -> None:
        async with self.pool() as pool:
            [job] = await self.begin(pool, "a")
            listener = asyncio.ensure_future(self.count_events(pool, job))
            await eventually(lambda: job._listeners)
            job.cancel()
            self.assertEqual(await listener, 0)

    async def count_events(self, pool: Pool, job: Job) -> int:
        return len([event async for event in pool.events(job)])

    @on_loop
    async def test_output_is_of_whole_characters(self) -> None:
        async with self.pool() as pool:
            job = pool.submit(workload.say_in_pieces, 30_000 * "\u20ac", b"\xe2")
            heard = "".join([event.text async for event in pool.events(job)])
            self.assertEqual(heard, 30_000 * "\u20ac" + "\ufffd")
            self.assertEqual(job.stdout, 21_845 * "\u20ac" + "\ufffd")


class Cancels(OneDaemon):
    @on_loop
    async def test_wait_for_that_gives_up_stops_the_job(self) -> None:
        async with self.pool() as pool:
            task = asyncio.ensure_future(pool.run(workload.begin_and_wait, self.place))
            await self.await_file("job.begun")
            with self.assertRaises(asyncio.TimeoutError):
                await asyncio.wait_for(task, 0.01)
            await self.await_file("job.stopped")

    @on_loop
    async def test_who_does_not_heed_it_is_killed(self) -> None:
        async with self.pool() as pool:
            job = pool.submit(workload.stay, self.place)
            await self.await_file("job.begun")
            with open(self.path("job.begun"), encoding="ascii") as file:
                worker = int(file.read())
            self.assertTrue(is_alive(worker))
            with self.assertRaises(asyncio.TimeoutError):
                await asyncio.wait_for(job, 0.01)
            await self.await_file("job.asked")
            await eventually(lambda: not is_alive(worker))

    @on_loop
    async def test_a_task_that_is_cancelled_stops_its_job(self) -> None:
        async with self.pool() as pool:
            task = asyncio.ensure_future(pool.run(workload.begin_and_wait, self.place))
            await self.await_file("job.begun")
            task.cancel()
            with self.assertRaises(asyncio.CancelledError):
                await task
            await self.await_file("job.stopped")

    @on_loop
    async def test_a_job_that_waits_never_begins(self) -> None:
        async with self.pool() as pool:
            running = await self.begin(pool, "a", "b")
            late = pool.submit(workload.touch, self.path("late"))
            self.assertTrue(late.cancel())
            self.assertTrue(late.cancelled())
            workload.touch(self.path("go"))
            self.assertEqual(await pool.gather(*running), ["finished"] * 2)
            self.assertEqual(await pool.run(workload.square, 3), 9)
            self.assertFalse(os.path.exists(self.path("late")))
            self.assertFalse(running[0].cancel())

    @on_loop
    async def test_what_waits_here_for_credit_is_not_sent(self) -> None:
        async with self.pool() as pool:
            running = await self.begin(pool, "a", "b")
            credit = pool._desk.session.welcome.credit_jobs
            queued = [pool.submit(workload.square, 2) for _ in range(credit)]
            late = pool.submit(workload.touch, self.path("late"))
            self.assertGreater(pool._desk.unfinished, credit)
            late.cancel()
            for job in queued:
                job.cancel()
            workload.touch(self.path("go"))
            self.assertEqual(await pool.gather(*running), ["finished"] * 2)
            await eventually(lambda: not pool._desk.unfinished)
            self.assertFalse(os.path.exists(self.path("late")))

    @on_loop
    async def test_a_job_that_somebody_else_cancels_is_cancelled(self) -> None:
        async with self.pool() as pool:
            [job] = await self.begin(pool, "a")
            pool._desk.cancel_under_way()
            pool._flush_soon()
            with self.assertRaises(asyncio.CancelledError):
                await job
            self.assertTrue(job.cancelled())


class Ends(OneDaemon):
    @on_loop
    async def test_the_end_waits_for_the_jobs(self) -> None:
        async with self.pool() as pool:
            [job] = await self.begin(pool, "a")
            asyncio.get_running_loop().call_soon(workload.touch, self.path("go"))
        self.assertEqual(job.result(), "finished")

    @on_loop
    async def test_an_exception_that_leaves_it_stops_them(self) -> None:
        with self.assertRaisesRegex(LookupError, "away"):
            async with self.pool() as pool:
                [job] = await self.begin(pool, "a")
                waiting = [pool.submit(workload.square, 2) for _ in range(5000)]
                raise LookupError("away")
        self.assertTrue(job.cancelled())
        self.assertTrue(all(each.done() for each in waiting))
        await self.await_file("a.stopped")

    @on_loop
    async def test_a_cancel_while_it_waits_stops_them_and_its_daemon(self) -> None:
        jobs: List[Job] = []

        async def use(pool: Pool) -> None:
            async with pool:
                jobs.extend(await self.begin(pool, "a"))
                jobs.extend(pool.submit(workload.square, n) for n in range(5000))

        for pool in (Pool(1, output="keep"), self.pool()):
            jobs.clear()
            using = asyncio.ensure_future(use(pool))
            await eventually(lambda: len(jobs) > 1)
            daemon = pool._settings._daemon
            using.cancel()
            with self.assertRaises(asyncio.CancelledError):
                await using
            if daemon is not None:
                self.assertFalse(daemon.alive)
                self.assertFalse(os.path.exists(daemon.directory))
            await self.await_file("a.stopped")
            self.assertTrue(jobs[0].cancelled() and jobs[-1].cancelled())
            self.assertTrue(all(job.done() for job in jobs))
            for name in ("a.begun", "a.stopped"):
                os.unlink(self.path(name))

    @on_loop
    async def test_a_second_cancel_ends_its_daemon_all_the_same(self) -> None:
        pool = Pool(1, output="keep")
        await pool.open()
        job = pool.submit(workload.stay, self.place)
        await self.await_file("job.begun")
        daemon = pool._settings._daemon
        closing = asyncio.ensure_future(pool.close())
        for _ in range(2):
            await asyncio.sleep(0)
            closing.cancel()
        with self.assertRaises(asyncio.CancelledError):
            await closing
        self.assertTrue(job.done())
        job.cancelled() or job.exception()
        self.assertFalse(daemon.alive or os.path.exists(daemon.directory))

    @on_loop
    async def test_a_cancel_is_not_lost_while_it_opens(self) -> None:
        pool = self.pool()
        greeted = pool._greeted

        async def greeted_and_cancelled(session: Any) -> None:
            await greeted(session)
            opening.cancel()

        pool._greeted = greeted_and_cancelled  # type: ignore[method-assign]
        opening = asyncio.ensure_future(pool.open())
        with self.assertRaises(asyncio.CancelledError):
            await opening
        await pool.close()

    @on_loop
    async def test_one_that_is_not_open_says_so(self) -> None:
        pool = self.pool()
        with self.assertRaisesRegex(RuntimeError, "not open"):
            pool.submit(workload.square, 1)
        await pool.open()
        await pool.close()
        with self.assertRaisesRegex(jobmill.DaemonGone, "the pool is closed"):
            pool.submit(workload.square, 1)
        with self.assertRaisesRegex(jobmill.DaemonGone, "the pool is closed"):
            await pool.run(workload.square, 1)
        await pool.close()

    @on_loop
    async def test_there_being_no_daemon_is_told(self) -> None:
        with self.assertRaisesRegex(jobmill.DaemonGone, self.path("none")):
            async with Pool(socket=self.path("none")):
                self.fail("it is open")

    @on_loop
    async def test_a_daemon_that_dies_is_told_to_all_who_wait(self) -> None:
        async with Pool(1) as pool:
            [job] = await self.begin(pool, "a")
            waiting = pool.submit(workload.square, 2)
            pool._settings._daemon._process.kill()
            for each in (job, waiting):
                with self.assertRaises(jobmill.DaemonGone):
                    await each
            with self.assertRaises(jobmill.DaemonGone):
                pool.submit(workload.square, 2)

    @on_loop
    async def test_a_private_daemon_is_gone_after_it_and_so_is_all_it_had(self) -> None:
        gc.collect()
        before = surroundings.descriptors()
        turns = 0
        stopped: Optional[subprocess.Popen] = None

        async def count() -> None:
            nonlocal turns
            while True:
                turns += 1
                if stopped is not None and turns == closing + 20:
                    stopped.send_signal(signal.SIGCONT)
                await asyncio.sleep(0)

        counter = asyncio.ensure_future(count())
        async with Pool(1) as pool:
            opened = turns
            daemon = pool._settings._daemon
            worker, _ = await pool.run(workload.where)
            data = await pool.run(workload.identity, b"x" * 100_000)
            # It does not end before the loop has turned on for a while.
            closing, stopped = turns, daemon._process
            stopped.send_signal(signal.SIGSTOP)
        # Neither its start nor its end has stopped the loop.
        self.assertGreater(opened, 1)
        self.assertGreaterEqual(turns, closing + 20)
        counter.cancel()
        self.assertEqual(len(data), 100_000)
        self.assertFalse(is_alive(daemon._process.pid))
        self.assertFalse(os.path.exists(daemon.directory))
        await eventually(lambda: not is_alive(worker))
        self.assertEqual(surroundings.descriptors(), before)
        self.assertEqual(surroundings.payload_mappings(), [])

    @on_loop
    async def test_a_daemon_without_room_says_so(self) -> None:
        with surroundings.private_daemons_with(max_sessions=2):
            async with Pool(1) as pool:
                socket = pool._settings._daemon.socket
                async with Pool(socket=socket, pool="python") as other:
                    await other.run(workload.square, 2)
                    for _ in range(20):
                        with self.assertRaises(Busy) as caught:
                            await Pool(socket=socket, pool="python").open()
                        self.assertGreater(caught.exception.retry_after, 0)
                    self.assertEqual(await pool.run(workload.square, 3), 9)

    def test_two_threads_have_a_loop_and_a_pool_each(self) -> None:
        sums: List[int] = []

        async def run() -> None:
            async with self.pool() as pool:
                async for item in pool.imap_unordered(workload.square, range(500)):
                    sums.append(item.result())

        def serve() -> None:
            loop = self.new_loop()
            loop.run_until_complete(run())
            loop.close()

        threads = [threading.Thread(target=serve) for _ in range(2)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        self.assertEqual(sum(sums), 2 * sum(n * n for n in range(500)))


def _with_uvloop(tests: type) -> type:
    """The same tests on the other loop."""
    members: Dict[str, Any] = {"new_loop": staticmethod(getattr(uvloop, "new_event_loop", None))}
    # The daemon's patience with such a job is five seconds, on any loop.
    members["test_who_does_not_heed_it_is_killed"] = None
    twin = type(tests.__name__ + "WithUvloop", (tests,), {"__module__": __name__, **members})
    return unittest.skipIf(uvloop is None, "there is no uvloop (apt-get install python3-uvloop)")(
        twin
    )


for _tests in (Running, Many, Streams, Events, Cancels, Ends):
    _twin = _with_uvloop(_tests)
    globals()[_twin.__name__] = _twin


if __name__ == "__main__":
    unittest.main()
