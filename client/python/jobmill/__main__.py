# SPDX-License-Identifier: MIT
"""``python -m jobmill``: where the daemon is, and whether jobs run."""

from __future__ import annotations

import argparse
import importlib.metadata
import importlib.util
import os
import platform
import signal
import subprocess
import sys
import time
from typing import Callable, List, Optional, Tuple

from . import Executor, Future, WorkerDied, __version__
from ._places import find_daemon_program, listens, user_socket
from .errors import DaemonGone

_PATIENCE = 30.0


def _daemon_line() -> Tuple[bool, str]:
    try:
        program = find_daemon_program()
        done = subprocess.run(
            [program, "--version"],
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=_PATIENCE,
        )
    except (DaemonGone, OSError, subprocess.TimeoutExpired) as error:
        return False, str(error)
    said = (done.stdout or done.stderr).strip()
    return done.returncode == 0, f"{program} ({said})"


def _socket_line() -> str:
    path = user_socket()
    whence = ", named by $JOBMILL_SOCKET" if os.environ.get("JOBMILL_SOCKET") else ""
    try:
        listening = "a daemon listens" if listens(path) else "nobody listens"
    except OSError as error:
        listening = str(error)
    return f"{path}{whence} ({listening})"


def _module_line(name: str) -> str:
    if importlib.util.find_spec(name) is None:
        return "not installed"
    try:
        return importlib.metadata.version(name)
    except importlib.metadata.PackageNotFoundError:
        return "installed"


def where() -> int:
    """Prints what executors would use. 1: there is no daemon to start."""
    found, daemon = _daemon_line()
    print(f"package      {__version__} in {os.path.dirname(os.path.abspath(__file__))}")
    print(f"interpreter  {sys.executable} ({platform.python_version()})")
    print(f"jobmilld     {daemon}")
    print(f"socket       {_socket_line()}")
    for name in ("cloudpickle", "numpy"):
        print(f"{name:<13}{_module_line(name)}")
    return 0 if found else 1


def _await_start(future: Future) -> int:
    end = time.monotonic() + _PATIENCE
    while future.worker_pid is None:
        if time.monotonic() > end:
            raise TimeoutError(f"no job has begun within {_PATIENCE:g} s")
        time.sleep(0.005)
    return future.worker_pid


def _run_job(executor: Executor) -> str:
    value = executor.submit(pow, 2, 10).result(_PATIENCE)
    if value != 1024:
        raise ValueError(f"2 to the power of 10 is not {value}")
    return f"2 ** 10 is {value}"


def _crash(executor: Executor) -> str:
    try:
        executor.submit(signal.raise_signal, signal.SIGKILL).result(_PATIENCE)
    except WorkerDied as error:
        if error.signal != "SIGKILL":
            raise
        _run_job(executor)
        return f"its worker died of {error.signal}, and the next job ran"
    raise ValueError("the worker of a job that kills itself lives")


def _cancel(executor: Executor) -> str:
    future = executor.options(started=True).submit(time.sleep, 3600)
    worker = _await_start(future)
    if not future.cancel():
        raise ValueError("cancel() of a running job is False")
    # There is one worker: while the job ran, no other would.
    _run_job(executor)
    return f"a job that ran in process {worker} was stopped, and the next job ran"


_STEPS: Tuple[Tuple[str, Callable[[Executor], str]], ...] = (
    ("a job", _run_job),
    ("a crash", _crash),
    ("a cancel", _cancel),
)


def check() -> int:
    """Runs jobs in a private daemon. 1: something is wrong."""
    os.environ.pop("JOBMILL_SOCKET", None)
    status = 0
    with Executor(1, output="keep") as executor:
        for name, step in _STEPS:
            try:
                print(f"{name:<10}good: {step(executor)}", flush=True)
            except Exception as error:  # whatever it is, it is what was asked for
                print(f"{name:<10}FAILED: {type(error).__name__}: {error}", flush=True)
                executor.kill_workers()
                status = 1
                break
    return status


def main(arguments: Optional[List[str]] = None) -> int:
    parser = argparse.ArgumentParser(
        prog="python -m jobmill", description="Functions in warm worker processes."
    )
    parser.add_argument("--version", action="version", version=f"jobmill {__version__}")
    verbs = parser.add_subparsers(dest="verb", metavar="VERB", required=True)
    verbs.add_parser("where", help="which jobmilld, socket and interpreter executors would use")
    verbs.add_parser("check", help="run a job, a crash and a cancel in a daemon of their own")
    verb = parser.parse_args(arguments).verb
    return where() if verb == "where" else check()


if __name__ == "__main__":
    sys.exit(main())
