# SPDX-License-Identifier: MIT
"""The workloads of ../workloads, for peers in Python.

A peer has a name and
  start(workers)               returns when jobs can be given
  call(function, argument)     one job, and its result
  stream(function, arguments, window)
                               results as the peer hands them over, at most `window` unfinished
  stop()
and, where it has them, brokers(), the processes that have the queue (else this one), worker(), the
process of one worker, and shared(payload), the argument of many jobs with the same payload.
"""

import itertools
import json
import os
import queue
import signal
import statistics
import subprocess
import sys
import time

import jobs

WORKERS = 2
EFFICIENT = 0.95
HOPELESS = 0.8
STEPS = 50  # of a tenth of a decade, from 1 us to 100 ms
SIZES = (("1 KiB", 1 << 10), ("64 KiB", 1 << 16), ("1 MiB", 1 << 20), ("64 MiB", 1 << 26))


class Unsupported(Exception):
    """What a peer cannot do, and why."""


def ideal_ms(microseconds, count, first):
    """What two bare processes take."""
    words = [os.environ["JOBMILL_STATIC_SPLIT"], "spin", "2", str(microseconds), str(count), str(first)]
    return json.loads(subprocess.run(words, check=True, capture_output=True).stdout)["makespan_ms"]


def memory_of(pids):
    """Their peaks, in bytes."""
    total = 0
    for pid in pids:
        with open(f"/proc/{pid}/status", encoding="ascii") as status:
            total += sum(int(line.split()[1]) * 1024 for line in status if line.startswith("VmHWM"))
    return total


class Measurement:
    def __init__(self, peer, bench, part):
        self.peer = peer
        self.bench = bench
        self.part = part

    def say(self, case="", **figures):
        line = {"bench": self.bench, "peer": self.peer.name}
        if case:
            line["case"] = case
        print(json.dumps(line | figures), flush=True)

    def run(self):
        try:
            if self.bench != "first_result":
                self.peer.start(WORKERS)
                self.exhaust(jobs.spin, [1000] * 16, 16)
                self.exhaust(jobs.noop, range(50), 10)
            getattr(self, self.bench)()
        except Unsupported as error:
            self.say(skipped=str(error))
        self.peer.stop()

    def exhaust(self, function, arguments, window):
        for _ in self.peer.stream(function, arguments, window):
            pass

    def noops(self, window):
        return lambda count: self.exhaust(jobs.noop, range(count), window)

    def rate(self, seconds, first, run):
        """Jobs a second, of as many as take about so long: more and more until they do."""
        count = first
        while True:
            start = time.perf_counter()
            run(count)
            took = time.perf_counter() - start
            if took > seconds / 2:
                return count / took
            count = int(count * min(10, max(2, seconds / took)))

    def round_trip(self):
        times = []
        end = time.perf_counter() + self.part
        while not times or time.perf_counter() < end:
            start = time.perf_counter()
            self.peer.call(jobs.noop, None)
            times.append((time.perf_counter() - start) * 1e6)
        times.sort()
        def quantile(part):
            return times[int(part * (len(times) - 1))]
        self.say(p50_us=quantile(0.5), p99_us=quantile(0.99), p999_us=quantile(0.999), jobs=len(times))

    def throughput(self):
        best = 1000
        for window in (1, 10, 100, 1000):
            case = f"1 client, window {window}"
            try:
                if window * 2 / best > 5:
                    raise Unsupported("would take too long")
                rate = self.rate(self.part / 2, window * 2, self.noops(window))
                best = rate if window == 1 else max(best, rate)
                self.say(case, jobs_per_s=rate)
            except Unsupported as error:
                self.say(case, skipped=str(error))
        self.say(skipped="one client in this program")

    def makespan(self, each, count, first):
        """In milliseconds, of all and of the first."""
        start = time.perf_counter()
        heard = None
        for _ in self.peer.stream(jobs.spin, [first] + [each] * (count - 1), count):
            heard = heard or time.perf_counter()
        return (time.perf_counter() - start) * 1000, (heard - start) * 1000

    def five_ms(self):
        count = max(8, int(300 * self.part))
        for case, first in (("uniform", 5000), ("first job long", 5000 * count // 4)):
            ideal = ideal_ms(5000, count, first)
            whole, heard = self.makespan(5000, count, first)
            self.say(case, makespan_ms=whole, ideal_ms=ideal, of_ideal=ideal / whole, first_ms=heard)

    def efficiency(self, each):
        """As most of three runs have it; where the first is hopeless, the others are left out."""
        count = max(8, int(0.4 * self.part * WORKERS * 1e6 / each))
        seen = []
        while len(seen) < 3 and (not seen or seen[0] >= HOPELESS):
            seen.append(ideal_ms(each, count, each) / self.makespan(each, count, each)[0])
            reached = sum(one >= EFFICIENT for one in seen)
            if 2 in (reached, len(seen) - reached):
                break
        return statistics.median_low(seen)

    def smallest_job(self):
        too_small, enough, reached = -1, STEPS + 1, 0
        while enough - too_small > 1:
            step = (too_small + enough) // 2
            efficiency = self.efficiency(round(10 ** (step / 10)))
            if efficiency >= EFFICIENT:
                enough, reached = step, efficiency
            else:
                too_small = step
        if enough > STEPS:
            raise Unsupported("not even jobs of 100 ms run at 95 % of the ideal")
        self.say(smallest_us=round(10 ** (enough / 10)), of_ideal=reached)

    def echo(self):
        for case, size in SIZES:
            payload = b"e" * size
            times = []
            end = time.perf_counter() + self.part / 2
            while len(times) < 3 or time.perf_counter() < end:
                start = time.perf_counter()
                back = self.peer.call(jobs.echo, payload)
                times.append((time.perf_counter() - start) * 1000)
                if len(back) != size:
                    raise Unsupported(f"{case} came back as {len(back)} bytes")
            self.say(case, ms=statistics.median(times))

    def same_input(self):
        shared = getattr(self.peer, "shared", lambda payload: payload)
        for case, size in SIZES[2:]:
            payload = bytearray(b"i" * size)
            wanted = jobs.peek(payload)
            def time_of(count):
                start = time.perf_counter()
                for found in self.peer.stream(jobs.peek, [shared(payload)] * count, 100):
                    if found != wanted:
                        raise RuntimeError("a job has seen other bytes")
                return (time.perf_counter() - start) * 1000
            took = 0
            # What is done once for all of them counts less and less.
            for count in (1, 10, 100, 1000):
                if took * 10 > 5_000 * self.part:
                    self.say(case, skipped="would take too long")
                    break
                took = time_of(count)
            else:
                self.say(case, ms=took)

    def words(self):
        step = 12 << 20
        size = os.path.getsize(jobs.text_file())
        parts = [(offset, step) for offset in range(0, size, step)]
        start = time.perf_counter()
        counts = jobs.Counter()
        for some in self.peer.stream(jobs.words, parts, len(parts)):
            counts.update(some)
        self.say(f"{round(size / 1e6)} MB", seconds=time.perf_counter() - start,
                 words=sum(counts.values()), distinct=len(counts))

    def drain(self):
        brokers = getattr(self.peer, "brokers", lambda: [os.getpid()])()
        before = memory_of(brokers)
        rate = self.rate(0.25, 100, self.noops(100))
        for count in (100_000, 1_000_000):
            case = f"{count} jobs"
            if count / rate > 5 * self.part:
                self.say(case, skipped="would take too long")
                continue
            start = time.perf_counter()
            self.exhaust(jobs.noop, range(count), count)
            seconds = time.perf_counter() - start
            self.say(case, jobs_per_s=count / seconds,
                     broker_bytes_per_job=(memory_of(brokers) - before) / count)

    def first_result(self):
        start = time.perf_counter()
        self.peer.start(WORKERS)
        self.peer.call(jobs.noop, None)
        self.say(ms=(time.perf_counter() - start) * 1000)

    def killed(self):
        if not hasattr(self.peer, "worker"):
            raise Unsupported("its workers are not killed in this program")
        # Well beyond the kill, by what a first batch took.
        count = int(self.rate(0.25, 2000, self.noops(1000)) * 1.5)
        times = []
        kill_at = None
        start = time.perf_counter()
        def stuck(_signal, _frame):
            raise TimeoutError("no result for 5 s")
        signal.signal(signal.SIGALRM, stuck)
        signal.alarm(5)
        try:
            stream = getattr(self.peer, "stream_through_deaths", self.peer.stream)
            for _ in stream(jobs.noop, range(count), 1000):
                now = time.perf_counter()
                times.append(now)
                if kill_at is None and now - start > 0.5:
                    kill_at = now
                    os.kill(self.peer.worker(), signal.SIGKILL)
                    signal.alarm(5)
        except Exception as error:  # each peer has its own way to break
            self.say(skipped=f"breaks ({type(error).__name__})")
            sys.stdout.flush()
            os._exit(0)  # what is broken cannot always be stopped
        signal.alarm(0)
        if kill_at is None:
            raise Unsupported("was done too soon")
        back, least = recovery(times, kill_at)
        self.say(back_ms=back, least_of_before=least, pause_ms=longest_pause(times, kill_at),
                 pause_before_ms=longest_pause(times, kill_at - 0.1), lost=count - len(times))


def recovery(times, kill_at):
    """Milliseconds from the kill until, after a dip that begins within 30 ms, 20 ms have 80 % of what
    20 ms had before; and the least share of it."""
    span = 0.02
    usual = sum(1 for time in times if kill_at - 0.3 <= time < kill_at) / 0.3 * span
    near = [time for time in times if kill_at <= time < kill_at + 0.3]
    def share(begin):
        return sum(1 for time in near if begin <= time < begin + span) / usual
    shares = [share(kill_at + at / 1000) for at in range(200)]
    dip = next((at for at, each in enumerate(shares[:30]) if each < 0.8), None)
    if dip is None:
        return 0, min(shares)
    return next((at for at, each in enumerate(shares) if at > dip and each >= 0.8), 200), min(shares)


def longest_pause(times, begin):
    """Between two results, in milliseconds, within the tenth of a second from then on."""
    near = [time for time in times if begin <= time < begin + 0.1] + [begin + 0.1]
    return max(later - sooner for sooner, later in zip([begin] + near, near)) * 1000


def windowed(submit, arguments, window):
    """Streams through submit(argument, done), whose done(result) may come from another thread."""
    results = queue.SimpleQueue()
    waiting = iter(arguments)
    unfinished = 0
    for argument in itertools.islice(waiting, window):
        submit(argument, results.put)
        unfinished += 1
    while unfinished:
        yield results.get()
        unfinished -= 1
        for argument in itertools.islice(waiting, 1):
            submit(argument, results.put)
            unfinished += 1


def main(peer):
    if len(sys.argv) < 2 or not hasattr(Measurement, sys.argv[1]):
        sys.exit(f"usage: {sys.argv[0]} WORKLOAD [PART]")
    part = float(sys.argv[2]) if len(sys.argv) > 2 else 1.0
    Measurement(peer, sys.argv[1], part).run()
