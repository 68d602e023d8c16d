#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""jobmill's package for Python beside ProcessPoolExecutor and multiprocessing.Pool.

Each has two workers, and their turns alternate. One JSON line for all processes on one core and one
without: medians in microseconds, and how many times less jobmill takes (x_...).
  one_us       a call of abs, one at a time, until its result
  futures_us   so many of them submitted, and as_completed
  unordered_us imap_unordered without chunks
  array_ms     100 MB of a numpy array as an argument, once it is warm
  stall_ms     the longest that an event loop stood still while results streamed through it
Usage: python_client.py [JOBS]
"""

import asyncio
import concurrent.futures
import json
import multiprocessing
import os
import statistics
import subprocess
import sys
import time

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
sys.path.insert(0, os.path.join(ROOT, "client", "python"))
os.environ.setdefault("JOBMILLD", os.path.join(ROOT, "build", "release", "bin", "jobmilld"))

from jobmill import Executor, aio  # noqa: E402

try:
    import numpy
except ImportError:
    numpy = None

WORKERS = 2
ROUNDS = 5
ARRAYS = 7


def median_of(call, times):
    taken = []
    for _ in range(times):
        start = time.perf_counter()
        call()
        taken.append(time.perf_counter() - start)
    return statistics.median(taken)


def futures(executor, jobs):
    start = time.perf_counter()
    submitted = [executor.submit(abs, 1) for _ in range(jobs)]
    for _ in concurrent.futures.as_completed(submitted):
        pass
    return (time.perf_counter() - start) / jobs


def through(results, jobs):
    start = time.perf_counter()
    for _ in results:
        pass
    return (time.perf_counter() - start) / jobs


def ends(array):
    return float(array[0] + array[-1])


def arrays(executor):
    if numpy is None:
        return None
    array = numpy.random.rand(12_500_000)
    taken = []
    for _ in range(ARRAYS):
        start = time.perf_counter()
        executor.submit(ends, array).result()
        taken.append(time.perf_counter() - start)
    return statistics.median(taken[2:])


async def stall(jobs):
    worst = 0.0

    async def watch():
        nonlocal worst
        while True:
            start = time.perf_counter()
            await asyncio.sleep(0.001)
            worst = max(worst, time.perf_counter() - start - 0.001)

    async with aio.Pool(WORKERS) as pool:
        async for _ in pool.imap_unordered(abs, range(100)):
            pass
        watcher = asyncio.ensure_future(watch())
        async for _ in pool.imap_unordered(abs, range(jobs)):
            pass
        watcher.cancel()
    return worst


def measure(jobs):
    ours = Executor(WORKERS)
    standard = concurrent.futures.ProcessPoolExecutor(WORKERS)
    pool = multiprocessing.Pool(WORKERS)
    for each in (ours, standard, pool):
        list(each.map(abs, range(100)))
    found = {}

    def note(name, seconds):
        if seconds is not None:
            found.setdefault(name, []).append(seconds)

    for _ in range(ROUNDS):
        note("one", median_of(lambda: ours.submit(abs, 1).result(), 500))
        note("one_executor", median_of(lambda: standard.submit(abs, 1).result(), 500))
        note("one_pool", median_of(lambda: pool.apply_async(abs, (1,)).get(), 500))
        note("futures", futures(ours, jobs))
        note("futures_executor", futures(standard, jobs))
        note("unordered", through(ours.imap_unordered(abs, range(jobs)), jobs))
        note("unordered_pool", through(pool.imap_unordered(abs, range(jobs)), jobs))
        note("stall", asyncio.run(stall(jobs)))
    note("array", arrays(ours))
    note("array_executor", arrays(standard))
    ours.shutdown()
    standard.shutdown()
    pool.terminate()
    pool.join()
    return found


def report(case, found):
    line = {"bench": "python_client", "peer": "jobmill", "case": case}
    for name, seconds in found.items():
        large = name.startswith(("array", "stall"))
        line[name + ("_ms" if large else "_us")] = round(
            statistics.median(seconds) * (1e3 if large else 1e6), 2
        )
        ours, _, other = name.partition("_")
        if other:
            ratios = [theirs / mine for theirs, mine in zip(seconds, found[ours])]
            line[f"x_{name}"] = round(statistics.median(ratios), 2)
    print(json.dumps(line), flush=True)


if __name__ == "__main__":
    JOBS = int(sys.argv[1]) if len(sys.argv) > 1 else 10_000
    if len(sys.argv) > 2:
        report(sys.argv[2], measure(JOBS))
    else:
        core = str(min(os.sched_getaffinity(0)))
        words = [sys.executable, os.path.abspath(__file__), str(JOBS)]
        subprocess.run(["taskset", "-c", core, *words, "all on one core"], check=True)
        subprocess.run([*words, "not pinned"], check=True)
