# SPDX-License-Identifier: MIT
# The map-reduce as the usual advice has it: asyncio, threads that read, a ProcessPoolExecutor that
# maps chunks of lines, and a reduce in the parent. Arguments: lines of a chunk, workers, files.
import asyncio
import functools
import multiprocessing
import sys
import time
from concurrent.futures import ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool


def say(*words):
    print(*words, flush=True)


class LoopProbe:
    """How long the event loop kept a timer of one millisecond waiting, at worst."""

    def __init__(self):
        self.longest, self.last = 0.0, time.monotonic()

    def look(self):
        now = time.monotonic()
        self.longest, self.last = max(self.longest, now - self.last), now

    async def tick(self):
        while True:
            await asyncio.sleep(0.001)
            self.look()


def read_lines(path):
    with open(path, encoding="utf-8") as file:
        return file.readlines()


async def read_all(paths):
    files = await asyncio.gather(*(asyncio.to_thread(read_lines, path) for path in paths))
    return [line for lines in files for line in lines]


def parted(lines, size):
    for first in range(0, len(lines), size):
        yield lines[first : first + size]


def count_chunk(chunk):
    totals = {}
    for line in chunk:
        word, _, times, _ = line.split("\t")
        totals[word] = totals.get(word, 0) + int(times)
    return totals


async def map_chunks(chunks, workers):
    loop = asyncio.get_running_loop()
    with ProcessPoolExecutor(workers, multiprocessing.get_context("fork")) as pool:
        futures = [loop.run_in_executor(pool, count_chunk, chunk) for chunk in chunks]
        say("mapping")
        return await asyncio.gather(*futures)


def merge(totals, more):
    for word, times in more.items():
        totals[word] = totals.get(word, 0) + times
    return totals


async def main(size, workers, paths):
    probe = LoopProbe()
    ticking = asyncio.create_task(probe.tick())
    chunks = list(parted(await read_all(paths), size))
    try:
        parts = await map_chunks(chunks, workers)
    except BrokenProcessPool:
        say("lost", len(chunks), "of", len(chunks))
        return
    say("partial")
    totals = functools.reduce(merge, parts, {})
    say("Aardvark has appeared", totals.get("Aardvark", 0), "times.")
    probe.look()
    ticking.cancel()
    say("stall_us", round(probe.longest * 1e6))


asyncio.run(main(int(sys.argv[1]), int(sys.argv[2]), sys.argv[3:]))
