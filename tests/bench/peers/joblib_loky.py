#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""joblib with its own processes (loky). It hands all results over at the end, and parts the jobs into
batches by itself: it knows no window."""

from joblib import Parallel, delayed

import workloads


class Peer:
    name = "joblib"

    def start(self, workers):
        self.pool = Parallel(n_jobs=workers, max_nbytes=None)
        self.pool.__enter__()

    def stop(self):
        self.pool.__exit__(None, None, None)

    def call(self, function, argument):
        return self.pool([delayed(function)(argument)])[0]

    def stream(self, function, arguments, window):
        if window == 1:
            for argument in arguments:
                yield self.call(function, argument)
        else:
            yield from self.pool(delayed(function)(argument) for argument in arguments)


if __name__ == "__main__":
    workloads.main(Peer())
