#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""Dask: a LocalCluster of processes with one thread each."""

import itertools
import logging

from distributed import Client, LocalCluster, as_completed

import workloads


class Peer:
    name = "Dask"

    def start(self, workers):
        self.cluster = LocalCluster(n_workers=workers, threads_per_worker=1, processes=True,
                                    dashboard_address=None, silence_logs=logging.CRITICAL,
                                    host="127.0.0.1")
        self.client = Client(self.cluster)

    def stop(self):
        self.client.close()
        self.cluster.close()

    def submit(self, function, argument):
        return self.client.submit(function, argument, pure=False)

    def call(self, function, argument):
        return self.submit(function, argument).result()

    def shared(self, payload):
        return self.client.scatter(payload, broadcast=True)

    def stream(self, function, arguments, window):
        waiting = iter(arguments)
        first = [self.submit(function, argument) for argument in itertools.islice(waiting, window)]
        running = as_completed(first)
        del first  # a result is kept as long as its future is
        for future in running:
            yield future.result()
            for argument in itertools.islice(waiting, 1):
                running.add(self.submit(function, argument))


if __name__ == "__main__":
    workloads.main(Peer())
