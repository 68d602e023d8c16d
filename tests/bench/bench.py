#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""Measures jobmill and its peers side by side, and prints tables: ./dev bench.

A round goes through all workloads, and in each through all who are installed, one program after the
other; then comes the next round. Ratios are of figures of the same round. The lines that the programs
print are kept in build/bench/lines.jsonl.
"""

import argparse
import ctypes
import json
import os
import platform
import signal
import subprocess
import sys
import tempfile
import time
from datetime import date

import contenders
import tables
from contenders import OURS

ROOT = os.path.dirname(os.path.dirname(contenders.HERE))
BUILD = os.path.join(ROOT, "build")
PROGRAMS = os.path.join(BUILD, "release", "tests", "bench")
DOCUMENT = os.path.join(ROOT, "docs", "BENCHMARKS.md")
BEGIN = "<!-- from here on by ./dev bench --write -->"
END = "<!-- until here -->"
PR_SET_CHILD_SUBREAPER = 36
ENDS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


class Interrupted(BaseException):
    """By a signal, whose number it has."""


def heed_signals():
    """The first that would end us interrupts; the others find us on the way out."""
    def interrupt(number, _frame):
        for each in ENDS:
            signal.signal(each, signal.SIG_IGN)
        raise Interrupted(number)

    for each in ENDS:
        signal.signal(each, interrupt)


def become_subreaper():
    """What a program leaves behind becomes our child, so that it can be ended."""
    if ctypes.CDLL(None, use_errno=True).prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0) != 0:
        sys.exit(f"bench: cannot adopt processes: {os.strerror(ctypes.get_errno())}")


def children():
    found = []
    for task in os.listdir("/proc/self/task"):
        with open(f"/proc/self/task/{task}/children", encoding="ascii") as listed:
            found += [int(pid) for pid in listed.read().split()]
    return found


def end_children():
    """All of them, and theirs, which become ours."""
    while pids := children():
        for pid in pids:
            os.kill(pid, signal.SIGKILL)
            os.waitpid(pid, 0)


def complaint(text):
    """The line of what a program wrote to standard error that says why."""
    lines = [line.strip() for line in text.splitlines() if line.strip()]
    errors = [line for line in lines if "Error:" in line]
    return (errors or lines or [""])[-1][:200]


def read_until_end(process, deadline):
    """Both outputs, until the process ends or its time does: what it leaves behind may hold them
    open for longer."""
    outputs = [b"", b""]
    streams = (process.stdout, process.stderr)
    for stream in streams:
        os.set_blocking(stream.fileno(), False)
    ended = False
    while not ended and time.monotonic() < deadline:
        ended = process.poll() is not None
        got = False
        for i, stream in enumerate(streams):
            if some := stream.read():
                outputs[i] += some
                got = True
        if not ended and not got:
            time.sleep(0.01)
    for stream in streams:
        stream.close()
    return [output.decode(errors="replace") for output in outputs]


def run(words, environment, patience, pinned):
    """The lines of a program, and what went wrong with it, if something did. Whatever becomes of it,
    its temporary files go with it."""
    with tempfile.TemporaryDirectory(prefix="jobmill-bench-") as place:
        return run_in(place, words, environment, patience, pinned)


def run_in(place, words, environment, patience, pinned):
    cores = os.sched_getaffinity(0)
    if pinned:
        os.sched_setaffinity(0, {min(cores)})
    try:
        process = subprocess.Popen(words, env=environment | {"TMPDIR": place}, stdin=subprocess.DEVNULL,
                                   stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                                   start_new_session=True)
    except OSError as error:
        return [], str(error)
    finally:
        os.sched_setaffinity(0, cores)
    try:
        output, errors = read_until_end(process, time.monotonic() + patience)
    finally:
        code = process.returncode
        end_children()
        process.returncode = -1  # reaped already, should it have been late
    wrong = ""
    if code is None:
        wrong = f"not done after {patience:.0f} s"
    elif code != 0:
        wrong = complaint(errors) or f"left with {code}"
    lines = []
    for line in output.splitlines():
        try:
            lines.append(json.loads(line))
        except ValueError:
            wrong = wrong or f"said {line[:60]!r}"
    return lines, wrong


class Bench:
    def __init__(self, options):
        self.options = options
        self.part = 0.2 if options.quick else 1.0
        self.megabytes = 20 if options.quick else 200
        self.rounds = options.rounds or (1 if options.quick else 3)
        self.end = time.monotonic() + 60 * (options.minutes or (3 if options.quick else 15))
        self.results = tables.Results()
        self.counted = None  # words, and different ones, by who was first
        self.absent = {}
        self.late = set()
        self.interrupted = 0  # by which signal
        self.began = time.strftime("%H:%M")
        self.load = os.getloadavg()[0]
        kept = os.path.join(BUILD, "bench")
        os.makedirs(kept, exist_ok=True)
        self.lines = open(os.path.join(kept, "lines.jsonl"), "w", encoding="utf-8")
        self.environment = os.environ | {
            "JOBMILL_BENCH_TEXT": os.path.join(kept, f"text-{self.megabytes}"),
            "JOBMILL_BENCH_NODE": os.path.join(BUILD, "peers"),
            "JOBMILL_STATIC_SPLIT": os.path.join(PROGRAMS, "peers", "static_split"),
            "PYTHONDONTWRITEBYTECODE": "1",
        }
        # A daemon that is in use has no part in this.
        self.environment.pop("JOBMILL_SOCKET", None)

    def wanted(self, name):
        return not self.options.only or name in self.options.only

    def present(self):
        found = []
        for contender in contenders.contenders(BUILD):
            if self.options.peers and contender.name not in self.options.peers + [OURS]:
                continue
            if lacking := contenders.missing(contender, BUILD):
                self.absent[contender.name] = ", ".join(lacking)
            else:
                found.append(contender)
        return found

    def make_text(self):
        path = self.environment["JOBMILL_BENCH_TEXT"]
        if not os.path.exists(path):
            print("bench: writing a text", file=sys.stderr)
            subprocess.run([sys.executable, os.path.join(contenders.HERE, "make_text.py"), path,
                            str(self.megabytes)], check=True)

    def keep(self, line, turn):
        if line["bench"] == "words" and "words" in line:
            found = (line["words"], line["distinct"])
            self.counted = self.counted or found
            if found != self.counted:
                line = {name: line[name] for name in ("bench", "peer", "case")}
                line["skipped"] = "%d words, %d of them different, are not what others find" % found
        self.results.add(line, turn)
        self.lines.write(json.dumps(line | {"round": turn}) + "\n")
        self.lines.flush()

    def measure(self, name, peer, words, turn, pinned=None):
        """`pinned`: whether all is on one core, where that makes a case."""
        if time.monotonic() > self.end:
            self.late.add(name)
            return
        print(f"bench: round {turn}, {name}: {peer}", file=sys.stderr)
        lines, wrong = run(words, self.environment, 10 + 50 * self.part, bool(pinned))
        case = {} if pinned is None else {"case": contenders.PINNED if pinned else contenders.FREE}
        for line in lines:
            self.keep(line | case, turn)
        if wrong:
            named = lines[0].get("peer", peer) if lines else peer
            self.keep({"bench": name, "peer": named, "skipped": wrong} | case, turn)

    def measure_all(self, workloads):
        present = self.present()
        if any(each.text for each in workloads):
            self.make_text()
        for turn in range(1, self.rounds + 1):
            for workload in workloads:
                for contender in present if turn <= workload.turns else []:
                    words = contenders.command(contender, workload.name, self.part)
                    for pinned in (True, False) if workload.pinned else (None,):
                        if words:
                            self.measure(workload.name, contender.name, words, turn, pinned)
            if turn == 1:
                self.measure_own()

    def measure_until_interrupted(self, workloads):
        try:
            heed_signals()
            self.measure_all(workloads)
        except Interrupted as end:
            end_children()  # one may have been about to be ours
            self.interrupted = end.args[0]

    def measure_own(self):
        for own in filter(lambda own: self.wanted(own.name), contenders.OWN):
            words = [os.path.join(PROGRAMS, own.name)]
            for folder in (PROGRAMS, contenders.HERE):
                script = os.path.join(folder, own.name + ".py")
                if os.path.exists(script):
                    words = [contenders.PYTHON, script]
                    break
            if not os.path.exists(words[-1]):
                continue
            words += own.quick if self.options.quick else own.words
            self.measure(own.name, OURS, words, 1)

    def machine(self):
        with open("/proc/cpuinfo", encoding="utf-8") as file:
            model = next((line.split(":")[1].strip() for line in file
                          if line.startswith("model name")), platform.machine())
        commit = subprocess.run(["git", "-C", ROOT, "describe", "--always", "--dirty"],
                                capture_output=True, text=True, check=False).stdout.strip()
        return (f"{date.today()}, begun at {self.began}, commit {commit or 'unknown'}; {model}, "
                f"{os.cpu_count()} cores, {platform.system()} {platform.release()}; load average "
                f"{self.load:.1f} before. {'A quick run, ' if self.options.quick else ''}"
                f"{self.rounds} round{'' if self.rounds == 1 else 's'} at most, two workers each. Medians "
                f"(least–most); ×N: so many times better is jobmill, the median of the rounds.")

    def report(self, workloads):
        parts = [self.machine()]
        for workload in workloads:
            for title, columns in ((workload.title, workload.columns), *workload.more):
                if text := tables.table(self.results, workload.name, columns):
                    parts.append(f"### {title}\n\n{text}")
        for own in contenders.OWN:
            why = self.results.reason(own.name, "", OURS)
            text = tables.listing(self.results, own.name) or (f"Not measured: {why}." if why else "")
            if text:
                parts.append(f"### {own.title}\n\n{text}")
        if self.absent:
            named = "; ".join(f"{name} ({why})" for name, why in self.absent.items())
            parts.append(f"Not installed: {named}. `./dev bench --install-peers` installs them.")
        if self.interrupted:
            name = signal.Signals(self.interrupted).name
            parts.append(f"Interrupted by {name}: this is what was measured until then.")
        if self.late:
            parts.append("The time was over before all of these: " + ", ".join(sorted(self.late)) + ".")
        return "\n\n".join(parts) + "\n"


def names(text):
    return text.split(",")


def parse():
    known = [each.name for each in contenders.workloads(0)] + [each.name for each in contenders.OWN]
    peers = [each.name for each in contenders.contenders(BUILD)]
    parser = argparse.ArgumentParser(prog="./dev bench", description=__doc__.split("\n", maxsplit=1)[0],
                                     epilog="./dev bench --install-peers: first install all of them.")
    parser.add_argument("--quick", action="store_true", help="one round, in 2 to 3 minutes")
    parser.add_argument("--only", type=names, metavar="WORKLOAD,...", help=", ".join(known))
    parser.add_argument("--peers", type=names, metavar="NAME,...", help=", ".join(peers))
    parser.add_argument("--rounds", type=int, metavar="N", help="3, or 1 of a quick run")
    parser.add_argument("--minutes", type=float, metavar="M", help="begin nothing later: 15, or 3")
    parser.add_argument("--write", action="store_true", help="put the tables into docs/BENCHMARKS.md")
    options = parser.parse_args()
    for given, all_known in ((options.only, known), (options.peers, peers)):
        for name in given or []:
            if name not in all_known:
                parser.error(f"no {name}; there are {', '.join(all_known)}")
    return options


def main():
    options = parse()
    become_subreaper()
    bench = Bench(options)
    workloads = [each for each in contenders.workloads(bench.megabytes) if bench.wanted(each.name)]
    bench.measure_until_interrupted(workloads)
    report = bench.report(workloads)
    print(report)
    if bench.interrupted:
        sys.exit(128 + bench.interrupted)
    if options.write:
        with open(DOCUMENT, encoding="utf-8") as file:
            document = file.read()
        with open(DOCUMENT, "w", encoding="utf-8") as file:
            file.write(tables.replaced(document, report, BEGIN, END))


if __name__ == "__main__":
    main()
