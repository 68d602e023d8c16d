#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""What pebble, a pool of processes for one program in Python, and jobmill do about three mishaps.

Each pool has two workers, each round is done by one and then by the other, the clients of both are
this program. One JSON line: medians in milliseconds, and how many times less jobmill takes.
  cancel   of a job that runs and does not look: until a job behind it has its result
  timeout  of such a job: how late its end is told
  kill     SIGKILL of one worker beside a busy one: until its job's end is told, until a job behind
           it has its result, and how many jobs it costs
Usage: beside_pebble.py [ROUNDS]
"""

import concurrent.futures
import json
import os
import shutil
import signal
import socket
import statistics
import subprocess
import sys
import tempfile
import time

try:
    from pebble import ProcessPool
except ImportError:
    print("beside_pebble: skipped: pebble is missing (apt-get install python3-pebble)", file=sys.stderr)
    sys.exit(0)

WORKERS = 2
TIMEOUT = 0.2
PATIENCE = 30


def spin(report, idle):
    """A task that tells its process and never ends."""
    os.write(report, b"%d\n" % os.getpid())
    while True:
        if idle:
            time.sleep(1000)


def nothing():
    return None


def milliseconds(start, end):
    return (end - start) * 1000


class Pebble:
    def __init__(self):
        self.reports, self.report = os.pipe()
        self.pool = ProcessPool(max_workers=WORKERS)
        for _ in range(4 * WORKERS):
            self.pool.schedule(nothing).result()

    def endless(self, timeout=None, idle=False):
        task = self.pool.schedule(spin, args=(self.report, idle), timeout=timeout)
        return task, int(os.read(self.reports, 32))

    def end_of(self, task):
        """When it was told, and as what."""
        try:
            task.result(PATIENCE)
            return time.monotonic(), "succeeded"
        except concurrent.futures.CancelledError:
            return time.monotonic(), "cancelled"
        except Exception as error:  # each way to die is another
            return time.monotonic(), type(error).__name__

    def short(self):
        return self.pool.schedule(nothing)

    def cancel(self, task):
        task.cancel()

    def close(self):
        self.pool.stop()
        self.pool.join()


class Jobmill:
    def __init__(self):
        build = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
        self.directory = tempfile.mkdtemp(prefix="jobmill-bench-")
        path = os.path.join(self.directory, "socket")
        config = os.path.join(self.directory, "jobmill.toml")
        with open(config, "w", encoding="utf-8") as file:
            file.write(f"[pool.default]\nworkers = {WORKERS}\n")
        self.daemon = subprocess.Popen(
            [os.path.join(build, "bin", "jobmilld"), "--socket", path, "--config", config,
             "--state-dir", os.path.join(self.directory, "state")], stderr=subprocess.DEVNULL)
        self.session = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self.session.settimeout(PATIENCE)
        deadline = time.monotonic() + PATIENCE
        while True:
            try:
                self.session.connect(path)
                break
            except OSError:
                if time.monotonic() > deadline:
                    raise
                time.sleep(0.01)
        self.lines = self.session.makefile("r")
        self.jobs = 0
        self.heard = {}
        for _ in range(4 * WORKERS):
            self.end_of(self.short())

    def ask(self, **message):
        self.session.sendall(json.dumps(message).encode() + b"\n")

    def submit(self, handler, **more):
        self.jobs += 1
        job = str(self.jobs)
        self.ask(op="submit", id=job, handler=handler, **more)
        return job

    def await_one(self, job, *ops):
        """The next message of these about the job; ends of others are kept."""
        while (job, ops) not in self.heard:
            message = json.loads(self.lines.readline())
            if message["op"] in ("result", "error"):
                self.heard[message["id"], ("result", "error")] = (time.monotonic(), message)
            if message.get("id") == job and message["op"] in ops:
                self.heard[job, ops] = (time.monotonic(), message)
            elif message.get("id") == job and message["op"] == "error":
                raise RuntimeError(message["text"])
        return self.heard.pop((job, ops))

    def endless(self, timeout=None, idle=False):
        """A command, since its shell can tell the worker; it dies of SIGTERM."""
        more = {} if timeout is None else {"timeout_ms": int(timeout * 1000)}
        words = "echo $PPID; " + ("exec sleep 1000" if idle else "while :; do :; done")
        job = self.submit("exec", args={"argv": ["/bin/sh", "-c", words]}, **more)
        return job, int(self.await_one(job, "chunk")[1]["payload"])

    def end_of(self, job):
        when, message = self.await_one(job, "result", "error")
        if message["op"] == "error":
            raise RuntimeError(message["text"])
        return when, message["state"]

    def short(self):
        return self.submit("echo")

    def cancel(self, job):
        self.ask(op="cancel", id=job)

    def close(self):
        self.session.close()
        self.daemon.terminate()
        self.daemon.wait()
        shutil.rmtree(self.directory)


def expect(end, *states):
    if end not in states:
        raise RuntimeError(f"a job ended as {end} instead of {states[0]}")


def cancel(pool):
    """Every slot is taken: what waits has to have the one that is freed."""
    other, _ = pool.endless(idle=True)
    first, _ = pool.endless()
    behind = pool.short()
    start = time.monotonic()
    pool.cancel(first)
    # Not the cancelled job's own end: pebble tells it before anything has happened.
    freed, end = pool.end_of(behind)
    expect(end, "succeeded")
    expect(pool.end_of(first)[1], "cancelled")
    pool.cancel(other)
    pool.end_of(other)
    return {"next": milliseconds(start, freed)}


def timeout(pool):
    start = time.monotonic()
    task, _ = pool.endless(TIMEOUT)
    told, end = pool.end_of(task)
    expect(end, "timed_out", "TimeoutError")
    return {"late": milliseconds(start, told) - TIMEOUT * 1000}


def kill(pool):
    other, _ = pool.endless(idle=True)
    first, worker = pool.endless()
    behind = [pool.short() for _ in range(20)]
    start = time.monotonic()
    os.kill(worker, signal.SIGKILL)
    told, end = pool.end_of(first)
    expect(end, "crashed", "ProcessExpired")
    ends = [pool.end_of(each) for each in behind]
    lost = 1 + sum(end != "succeeded" for _, end in ends)
    pool.cancel(other)
    lost += pool.end_of(other)[1] != "cancelled"
    return {"told": milliseconds(start, told), "next": milliseconds(start, ends[0][0]), "lost": lost}


def compare(check, pools, rounds):
    """Medians of each figure: jobmill's, pebble's, and the second by the first."""
    figures = {}
    for _ in range(rounds):
        for name, pool in pools.items():
            for figure, value in check(pool).items():
                figures.setdefault(figure, {}).setdefault(name, []).append(value)
    compared = {}
    for figure, by_name in figures.items():
        ours, theirs = (statistics.median(by_name[name]) for name in pools)
        compared[figure] = {"jobmill": round(ours, 2), "pebble": round(theirs, 2)}
        if figure != "lost" and ours > 0:
            compared[figure]["times"] = round(theirs / ours, 1)
    return compared


def main():
    rounds = int(sys.argv[1]) if len(sys.argv) > 1 else 20
    line = {"bench": "beside_pebble", "rounds": rounds}
    pebble = Pebble()  # first: its workers are forked from this process as it is now
    pools = {"jobmill": Jobmill(), "pebble": pebble}
    try:
        for check in (cancel, timeout, kill):
            try:
                line[check.__name__] = compare(check, pools, rounds)
            except RuntimeError as error:
                line[check.__name__] = f"not measured: {error}"
    finally:
        for pool in pools.values():
            pool.close()
    print(json.dumps(line))


if __name__ == "__main__":
    main()
