# SPDX-License-Identifier: MIT
"""What programs with types write: mypy --strict has nothing to say of it. Nobody runs it."""

import asyncio
import concurrent.futures
from typing import Any, List, Optional

import jobmill
import jobmill.aio


def square(number: int) -> int:
    return number * number


def with_executor() -> None:
    with jobmill.Executor(max_workers=2, initializer=print) as executor:
        plain: concurrent.futures.Executor = executor
        future: jobmill.Future = executor.submit(square, 3)
        others: List[concurrent.futures.Future[int]] = [plain.submit(square, 3)]
        concurrent.futures.wait([future, *others])
        progress: Optional[jobmill.Progress] = future.progress
        stats: Optional[jobmill.Stats] = future.stats
        print(
            future.stdout.upper(), progress and progress.done / progress.total, stats and stats.job
        )
        for number in executor.map(square, range(3), chunksize=2, timeout=1.5, buffersize=10):
            print(number)
        quick = executor.options(timeout=2.5, retries=1, priority=3, memory="1GiB", label="quick")
        for item in quick.imap_unordered(square, range(3)):
            print(item.index, item.result() if item.ok else repr(item.error))
        with executor.put([1, 2, 3]) as handle:
            print(quick.submit(len, handle).result(timeout=1))
        text: Any = executor.call("sleep", b"1").result()
        print(text)
        executor.shutdown(wait=False, cancel_futures=True)


async def with_pool() -> None:
    async with jobmill.aio.Pool() as pool:
        number: int = await pool.run(square, 3)
        job: jobmill.aio.Job = pool.submit(square, number)
        async for event in pool.events(job):
            print(event)
        async for item in pool.imap_unordered(square, range(3)):
            print(item.index, item.value)
        async for done in pool.as_completed([pool.submit(square, 2)]):
            print(await done)
        print(await pool.gather(job, return_exceptions=True))


def errors() -> None:
    try:
        with_executor()
    except jobmill.WorkerDied as died:
        print(died.signal, died.exit_code, died.oom)
    except (jobmill.JobTimeout, jobmill.Cancelled, jobmill.Busy, jobmill.DaemonGone) as error:
        print(error)
    except jobmill.JobError as failed:
        print(failed.type_name)
    asyncio.run(with_pool())
