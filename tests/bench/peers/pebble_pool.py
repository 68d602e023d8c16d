#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""pebble.ProcessPool."""

from pebble import ProcessExpired, ProcessPool

import workloads


class Peer:
    name = "pebble"

    def start(self, workers):
        self.pool = ProcessPool(max_workers=workers)

    def stop(self):
        self.pool.stop()
        self.pool.join()

    def call(self, function, argument):
        return self.pool.schedule(function, args=(argument,)).result()

    def stream(self, function, arguments, window):
        def submit(argument, done):
            self.pool.schedule(function, args=(argument,)).add_done_callback(done)
        for future in workloads.windowed(submit, arguments, window):
            try:
                yield future.result()
            except ProcessExpired:
                pass  # lost with its worker, and no more than that

    def worker(self):
        return next(iter(self.pool._pool_manager.worker_manager.workers))


if __name__ == "__main__":
    workloads.main(Peer())
