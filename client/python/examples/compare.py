# SPDX-License-Identifier: MIT
"""The map-reduce as it is often shown beside jobmill's, each in a process of its own, with the
same data and as many workers: what they answer, what it takes, and what is left when a worker is
killed."""

import json
import os
import select
import signal
import statistics
import subprocess
import sys
import time

import process_tree
from ngram_files import arguments, files_of

PROGRAMS = (
    ("ngrams", "ProcessPoolExecutor"),
    ("ngrams_jobmill", "jobmill, Python"),
    ("ngrams_native", "jobmill, native"),
)
ANSWER = "Aardvark has appeared "
_LOOK = 0.01
# Adding up who shares what takes milliseconds where processes are large.
_LOOK_AT_SHARES = 0.2
_LEAST_PATIENCE = 20.0


class Run:
    """One run of one program, watched from outside."""

    def __init__(self, program, paths, workers, kill=False, patience=None):
        """With ``patience``, in seconds, it is killed when it has said nothing at all by then."""
        self.hung = False
        self._patience = patience
        self.answer, self.answered, self.told = None, None, {}
        self._peaks, self._together = {}, 0
        here = os.path.dirname(os.path.abspath(__file__))
        command = [sys.executable, os.path.join(here, "measured_run.py"), program]
        command += ["--workers", str(workers), *(["--kill"] if kill else []), *paths]
        self._begun = time.monotonic()
        self._process = subprocess.Popen(command, stdout=subprocess.PIPE, start_new_session=True)
        try:
            self._watch()
        except BaseException:
            os.killpg(self._process.pid, signal.SIGKILL)
            raise
        _, status, usage = os.wait4(self._process.pid, 0)
        self._process.returncode = os.waitstatus_to_exitcode(status)
        self._process.stdout.close()
        self.ended = time.monotonic() - self._begun
        self.cpu = usage.ru_utime + usage.ru_stime
        if not self.hung and (self._process.returncode != 0 or not self.told):
            raise RuntimeError(f"{program} left with {self._process.returncode}")
        if not kill and self.told["error"] is not None:
            raise RuntimeError(f"{program}: {self.told['error']}")

    def _watch(self):
        output, unread, next_shares = self._process.stdout, b"", 0.0
        while True:
            if select.select([output], [], [], _LOOK)[0]:
                data = os.read(output.fileno(), 65_536)
                if not data:
                    return
                *lines, unread = (unread + data).split(b"\n")
                for line in lines:
                    self._on_line(line.decode())
            now = time.monotonic()
            if self._patience is not None and now - self._begun > self._patience and not self.hung:
                self.hung = True
                os.killpg(self._process.pid, signal.SIGKILL)
            family = process_tree.descendants(self._process.pid)
            for pid in family:
                self._peaks[pid] = max(self._peaks.get(pid, 0), process_tree.peak_memory(pid))
            if now >= next_shares:
                shares = sum(map(process_tree.own_memory, [self._process.pid, *family]))
                self._together = max(self._together, shares)
                next_shares = now + _LOOK_AT_SHARES

    def _on_line(self, line):
        if line.startswith(ANSWER):
            self.answer, self.answered = line, time.monotonic() - self._begun
        elif line.startswith("measured "):
            self.told = json.loads(line[len("measured ") :])

    @property
    def figures(self):
        return (
            self.answered,
            self.ended,
            self.cpu,
            self.told["first_partial"] - self._begun,
            self.told["longest_stall"],
            self.told["parent_peak"],
            sum(self._peaks.values()),
            self._together,
        )


def seconds(value):
    return f"{value * 1e3:.1f} ms" if value < 1 else f"{value:.2f} s"


def megabytes(value):
    return f"{value / 1e6:.0f} MB"


ROWS = (
    ("start to answer", seconds),
    ("start to end", seconds),
    ("CPU time, all processes", seconds),
    ("first partial result", seconds),
    ("longest stall of the loop", seconds),
    ("peak memory, parent", megabytes),
    ("peak memory, children", megabytes),
    ("memory, what is shared once", megabytes),
)


def medians(runs):
    return [statistics.median(values) for values in zip(*(run.figures for run in runs))]


def cell(show, value, first):
    """With how many times less than the first column it is."""
    return show(value) if value is first else f"{show(value)}  ({first / max(value, 1e-9):.1f}x)"


def after_kill(run, answer):
    if run.hung:
        return "hangs"
    if run.told["killed"] is None:
        return "nobody was killed"
    if run.told["error"] is not None:
        return run.told["error"].split(":")[0]
    return "same answer" if run.answer == answer else f"WRONG: {run.answer}"


def words_of(run):
    if run.hung:
        return f"neither an answer nor an error {run.ended:.0f} s after its start; ended by us"
    return run.told["error"] or run.answer


def run_killed(program, paths, workers, before):
    """Patient as its other runs tell."""
    patience = _LEAST_PATIENCE + 4 * max(run.ended for run in before)
    return Run(program, paths, workers, kill=True, patience=patience)


def print_row(name, cells):
    print(f"{name:<28}" + "".join(f"{text:<28}" for text in cells).rstrip())


def warm(paths):
    """Into the page cache, for all of them."""
    for path in paths:
        with open(path, "rb") as file:
            while file.read(1 << 20):
                pass


def compare(paths, workers, rounds):
    """Whether all answers are the same, those after a kill of jobmill's included."""
    warm(paths)
    runs = {program: [] for program, _ in PROGRAMS}
    for _ in range(rounds):
        for program, _ in PROGRAMS:
            runs[program].append(Run(program, paths, workers))
    hit = [run_killed(program, paths, workers, runs[program]) for program, _ in PROGRAMS]

    answers = {run.answer for each in runs.values() for run in each}
    answer = runs[PROGRAMS[0][0]][0].answer
    size = sum(map(os.path.getsize, paths))
    print_row(f"{size / 1e6:.0f} MB, {workers} workers each", [name for _, name in PROGRAMS])
    columns = [medians(runs[program]) for program, _ in PROGRAMS]
    for (name, show), *values in zip(ROWS, *columns):
        print_row(name, [cell(show, value, values[0]) for value in values])
    left = [after_kill(run, answer) for run in hit]
    print_row("a worker killed by SIGKILL", left)
    print(f"\n{PROGRAMS[0][1]}, when a worker was killed:\n  {words_of(hit[0])}")
    same = len(answers) == 1 and None not in answers and left[1:] == ["same answer"] * 2
    print(f"\n{'same answer' if same else 'DIFFERENT ANSWERS'}: {' '.join(map(str, answers))}")
    print(
        f"Medians of {rounds} rounds in turn, files in the page cache. Times are from the start\n"
        "of a program, with its imports, and for jobmill with its daemon. A stall is what a timer of 1\n"
        "ms in the event loop waited beyond it. Memory of children is the sum of each one's own\n"
        "peak, in which what they share counts each time; in the row below it, sampled, once."
    )
    return same


if __name__ == "__main__":
    # Whoever ends this program ends what it has started, which may hang.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(128 + signal.SIGTERM))
    parser = arguments(__doc__)
    parser.add_argument("--rounds", type=int, default=3, help="of which medians are told (3)")
    options = parser.parse_args()
    sys.exit(0 if compare(files_of(options), options.workers, options.rounds) else 1)
