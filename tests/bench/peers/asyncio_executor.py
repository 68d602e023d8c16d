#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""asyncio, its loop.run_in_executor() with a ProcessPoolExecutor."""

import asyncio
import itertools
from concurrent.futures import ProcessPoolExecutor

import workloads


class Peer:
    name = "asyncio with executor"

    def start(self, workers):
        self.pool = ProcessPoolExecutor(workers)
        self.loop = asyncio.new_event_loop()

    def stop(self):
        self.loop.close()
        self.pool.shutdown()

    def call(self, function, argument):
        return self.loop.run_until_complete(self.loop.run_in_executor(self.pool, function, argument))

    def stream(self, function, arguments, window):
        waiting = iter(arguments)
        finished = []
        unfinished = 0
        some = asyncio.Event()

        def submit(count):
            nonlocal unfinished
            for argument in itertools.islice(waiting, count):
                self.loop.run_in_executor(self.pool, function, argument).add_done_callback(end)
                unfinished += 1

        def end(future):
            nonlocal unfinished
            unfinished -= 1
            finished.append(future)
            some.set()
            if future.exception() is None:
                submit(1)

        submit(window)
        while unfinished or finished:
            if not finished:
                some.clear()
                self.loop.run_until_complete(some.wait())
            taken = finished[:]
            finished.clear()
            for future in taken:
                yield future.result()

    def worker(self):
        return next(iter(self.pool._processes))


if __name__ == "__main__":
    workloads.main(Peer())
