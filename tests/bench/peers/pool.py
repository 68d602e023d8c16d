#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""multiprocessing.Pool, each job by itself."""

import multiprocessing
import threading

import workloads


class Peer:
    name = "Pool"
    chunk = 1

    def start(self, workers):
        self.pool = multiprocessing.Pool(workers)

    def stop(self):
        self.pool.terminate()
        self.pool.join()

    def call(self, function, argument):
        return self.pool.apply(function, (argument,))

    def stream(self, function, arguments, window):
        if window < self.chunk:
            raise workloads.Unsupported("a window is smaller than a chunk")
        room = threading.Semaphore(window)

        def given():
            for argument in arguments:
                room.acquire()
                yield argument
        source = arguments if window >= len(arguments) else given()
        for result in self.pool.imap_unordered(function, source, self.chunk):
            room.release()
            yield result

    def worker(self):
        return self.pool._pool[0].pid


if __name__ == "__main__":
    workloads.main(Peer())
