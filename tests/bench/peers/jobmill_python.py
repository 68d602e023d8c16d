#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""jobmill.Executor: what somebody has of jobmill in Python, beside what he has there of others."""

import os
import pickle
import sys

import workloads

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__)))))
sys.path.insert(0, os.path.join(ROOT, "client", "python"))
os.environ.setdefault("JOBMILLD", os.path.join(ROOT, "build", "release", "bin", "jobmilld"))

from jobmill import Executor  # noqa: E402


class Peer:
    name = "jobmill in Python"

    def start(self, workers):
        self.executor = Executor(workers)

    def stop(self):
        self.executor.shutdown()

    def call(self, function, argument):
        return self.executor.submit(function, argument).result()

    def shared(self, payload):
        # As an array's memory it is not copied.
        return self.executor.put(pickle.PickleBuffer(payload))

    def stream(self, function, arguments, window):
        for item in self.executor.imap_unordered(function, arguments, buffersize=window):
            yield item.result()

    def stream_through_deaths(self, function, arguments, window):
        # As of jobmill's other program: what a killed worker ran is run again.
        calls = self.executor.options(retries={"crash": 1})
        for item in calls.imap_unordered(function, arguments, buffersize=window):
            yield item.result()

    def worker(self):
        return self.executor.submit(os.getpid).result()


if __name__ == "__main__":
    workloads.main(Peer())
