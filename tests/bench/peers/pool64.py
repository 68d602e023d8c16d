#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""multiprocessing.Pool, jobs in chunks of 64."""

import jobs
import pool
import workloads

CHUNK = 64


class Peer(pool.Peer):
    name = "Pool, chunks of 64"

    def call(self, function, argument):
        if function is jobs.noop:
            raise workloads.Unsupported("one job at a time is no chunk")
        return super().call(function, argument)

    def stream(self, function, arguments, window):
        # What warms up is fewer jobs than a chunk.
        self.chunk = CHUNK if len(arguments) > CHUNK else min(CHUNK, window)
        return super().stream(function, arguments, window)


if __name__ == "__main__":
    workloads.main(Peer())
