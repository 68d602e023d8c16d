# SPDX-License-Identifier: MIT
"""A pool's template and its workers in Python, as the daemon starts them."""

import argparse
import importlib
import signal
import sys
from typing import List, Sequence

from jobmill import _runtime


class Interrupted(BaseException):
    """The job that runs is to end: it was cancelled, or its time is over."""


class _Jobs:
    """Runs one job after another; an interrupt that comes too early waits for the job's own code."""

    def __init__(self) -> None:
        self._inside = False
        self._interrupted = False

    def interrupt(self, _signal: int, _frame: object) -> None:
        self._interrupted = True
        if self._inside:
            self._inside = False
            raise Interrupted("SIGTERM")

    def echo(self, job: int) -> int:
        try:
            self._inside = True
            if self._interrupted:
                raise Interrupted("SIGTERM")
            return _runtime.api.result_payload(job)
        finally:
            self._inside = False


def _load_function(name: str) -> object:
    module, _, path = name.partition(":")
    found: object = importlib.import_module(module)
    for part in path.split("."):
        found = getattr(found, part)
    return found


def main(arguments: Sequence[str]) -> int:
    """``arguments``: LIBRARY [--preload MODULE]... [--initializer MODULE:FUNCTION] -- ARGV..."""
    parser = argparse.ArgumentParser(prog="jobmill._worker")
    parser.add_argument("library")
    parser.add_argument("--preload", action="append", default=[])
    parser.add_argument("--initializer")
    border = list(arguments).index("--")
    options = parser.parse_args(arguments[:border])
    jobs = _Jobs()

    def load() -> List[_runtime.Handler]:
        for name in options.preload:
            importlib.import_module(name)
        return [_runtime.Handler("python.echo", "the payload, unchanged", jobs.echo)]

    def begin_worker() -> None:
        signal.signal(signal.SIGINT, jobs.interrupt)
        if options.initializer:
            initializer = _load_function(options.initializer)
            assert callable(initializer)
            initializer()

    return _runtime.serve(options.library, arguments[border + 1 :], load, begin_worker)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
