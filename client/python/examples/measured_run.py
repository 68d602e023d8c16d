# SPDX-License-Identifier: MIT
"""Runs one of the map-reduce programs in this process, and prints what it has met on its way as
JSON: for compare.py."""

import argparse
import asyncio
import importlib
import json
import os
import signal
import time

import counts
import process_tree
import progress

_TICK = 0.001


class Observer:
    """Stands behind the program's bar and its merge, so that the program is the one that readers
    see."""

    def __init__(self, kill):
        self.first_partial = None
        self.longest_stall = 0.0
        self.killed = None
        self._kill = kill
        self._merge = counts.merge
        self._last_tick = time.monotonic()
        counts.merge = self._on_merge
        progress.new_bar = self._new_bar

    def _on_merge(self, totals, more):
        if self.first_partial is None:
            # Of the clock of the whole machine, which compare.py looks at as well.
            self.first_partial = time.monotonic()
        return self._merge(totals, more)

    def _new_bar(self, total, desc):
        return _Bar(self.on_third if desc == "map" else lambda: None, total)

    def on_third(self):
        if self._kill:
            self.killed = a_worker()
            os.kill(self.killed, signal.SIGKILL)

    async def tick(self):
        self._last_tick = time.monotonic()
        while True:
            await asyncio.sleep(_TICK)
            self.look()

    def look(self):
        """How long the loop kept a timer of a millisecond waiting, at worst."""
        now = time.monotonic()
        self.longest_stall = max(self.longest_stall, now - self._last_tick - _TICK)
        self._last_tick = now


class _Bar:
    """Draws nothing: what is measured should not depend on a terminal."""

    def __init__(self, on_third, total):
        self._on_third, self._third, self._done = on_third, max(total // 3, 1), 0

    def update(self, count=1):
        self._done += count
        if self._done == self._third:
            self._on_third()

    def close(self):
        pass


def a_worker():
    """A process that counts: the executor's children, or the workers of jobmill's daemon."""
    family = process_tree.descendants(os.getpid())
    workers = [pid for pid in family if process_tree.name_of(pid) == "jobmill-worker"]
    return (workers or family)[0]


async def observe(program, observer, paths, workers):
    ticking = asyncio.ensure_future(observer.tick())
    try:
        await program.main(paths, workers)
        observer.look()
    finally:
        ticking.cancel()


def run(program_name, paths, workers, kill):
    observer = Observer(kill)
    error = None
    try:
        program = importlib.import_module(program_name)
        asyncio.run(observe(program, observer, paths, workers))
    except Exception as raised:  # it is what is to be shown
        error = f"{type(raised).__name__}: {raised}"
    return {
        "first_partial": observer.first_partial,
        "longest_stall": observer.longest_stall,
        "killed": observer.killed,
        "parent_peak": process_tree.peak_memory(os.getpid()),
        "error": error,
    }


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("program", choices=["ngrams", "ngrams_jobmill", "ngrams_native"])
    parser.add_argument("--workers", type=int, required=True)
    parser.add_argument("--kill", action="store_true", help="a worker, when a third is done")
    parser.add_argument("paths", nargs="+")
    options = parser.parse_args()
    told = run(options.program, options.paths, options.workers, options.kill)
    print("measured", json.dumps(told), flush=True)
