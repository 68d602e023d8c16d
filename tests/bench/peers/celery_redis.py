#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""Celery, prefork, with a Redis of its own for jobs and results, on a Unix socket."""

import itertools
import os
import shutil
import subprocess
import sys
import tempfile
import time

from celery import Celery
from celery.result import ResultSet

import jobs
import workloads

PLACE = "JOBMILL_BENCH_CELERY"
if PLACE not in os.environ:  # the worker program is given this one's
    os.environ[PLACE] = tempfile.mkdtemp(prefix="jobmill-bench-")
directory = os.environ[PLACE]
app = Celery("celery_redis", broker=f"redis+socket://{directory}/redis",
             backend=f"redis+socket://{directory}/redis")
app.conf.update(task_serializer="pickle", result_serializer="pickle", accept_content=["pickle"],
                worker_hijack_root_logger=False)


@app.task(name="do")
def do(name, argument):
    return getattr(jobs, name)(argument)


class Peer:
    name = "Celery with Redis"

    def start(self, workers):
        self.redis = subprocess.Popen(
            ["redis-server", "--port", "0", "--unixsocket", f"{directory}/redis", "--save", "",
             "--dir", directory, "--proto-max-bulk-len", "1gb"], stdout=subprocess.DEVNULL)
        deadline = time.monotonic() + 10
        while not os.path.exists(f"{directory}/redis"):
            if time.monotonic() > deadline:
                raise RuntimeError("redis-server does not come up")
            time.sleep(0.01)
        self.workers = subprocess.Popen(
            [sys.executable, "-m", "celery", "-A", "celery_redis", "worker", "-c", str(workers), "-P",
             "prefork", "-l", "ERROR", "--without-gossip", "--without-mingle", "--without-heartbeat"],
            cwd=os.path.dirname(os.path.abspath(__file__)), stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL, env=os.environ | {"C_FORCE_ROOT": "1"})
        do.delay("noop", None).get(timeout=30)

    def stop(self):
        for process in (self.workers, self.redis):
            process.terminate()
            try:
                process.wait(10)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()
        shutil.rmtree(directory)
        sys.stdout.flush()
        os._exit(0)  # results that are left would try to reach Redis once more

    def brokers(self):
        return [self.redis.pid]

    def call(self, function, argument):
        return do.delay(function.__name__, argument).get(timeout=60)

    def stream(self, function, arguments, window):
        # A set of results cannot grow while it is read: a window is a wave.
        waiting = iter(arguments)
        while some := [do.delay(function.__name__, argument)
                       for argument in itertools.islice(waiting, window)]:
            for _, message in ResultSet(some).iter_native(timeout=60):
                yield message["result"]


if __name__ == "__main__":
    workloads.main(Peer())
