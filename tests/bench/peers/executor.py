#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""concurrent.futures.ProcessPoolExecutor."""

from concurrent.futures import ProcessPoolExecutor

import workloads


class Peer:
    name = "ProcessPoolExecutor"

    def start(self, workers):
        self.pool = ProcessPoolExecutor(workers)

    def stop(self):
        self.pool.shutdown()

    def call(self, function, argument):
        return self.pool.submit(function, argument).result()

    def stream(self, function, arguments, window):
        def submit(argument, done):
            self.pool.submit(function, argument).add_done_callback(done)
        for future in workloads.windowed(submit, arguments, window):
            yield future.result()

    def worker(self):
        return next(iter(self.pool._processes))


if __name__ == "__main__":
    workloads.main(Peer())
