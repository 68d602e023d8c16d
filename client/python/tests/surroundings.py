# SPDX-License-Identifier: MIT
"""Where the tests find the package and the daemon, and how they look at processes and descriptors."""

from __future__ import annotations

import contextlib
import importlib.util
import json
import os
import shutil
import subprocess
import sys
import tempfile
import textwrap
import time
import unittest
from typing import Any, Callable, Dict, Iterator, List, Optional, Set
from unittest import mock

HERE = os.path.dirname(os.path.abspath(__file__))
PACKAGE_PARENT = os.path.dirname(HERE)
ROOT = os.path.dirname(os.path.dirname(PACKAGE_PARENT))

if PACKAGE_PARENT not in sys.path:
    sys.path.insert(0, PACKAGE_PARENT)
if "JOBMILLD" not in os.environ:
    _built = os.path.join(ROOT, "build", "dev", "bin", "jobmilld")
    if os.access(_built, os.X_OK):
        os.environ["JOBMILLD"] = _built
# A daemon of the machine's is none of the tests'.
os.environ.pop("JOBMILL_SOCKET", None)

# Only who waits for something that does not come waits so long.
PATIENCE = 120.0


def need_daemon() -> None:
    """For setUpModule."""
    if "JOBMILLD" not in os.environ and shutil.which("jobmilld") is None:
        raise unittest.SkipTest("there is no jobmilld: build it, or name it in $JOBMILLD")


def has_module(name: str) -> bool:
    return importlib.util.find_spec(name) is not None


def eventually(holds: Callable[[], Any], what: str = "") -> Any:
    """What ``holds`` answers once that is true; the only wait that there is."""
    end = time.monotonic() + PATIENCE
    pause = 0.001
    while True:
        answer = holds()
        if answer:
            return answer
        if time.monotonic() > end:
            raise AssertionError(f"this does not come to hold: {what or holds}")
        time.sleep(pause)
        pause = min(pause * 2, 0.1)


def place_of(test: unittest.TestCase) -> str:
    """A directory that is removed after the test, though jobs that were stopped may still write
    there."""
    place = tempfile.mkdtemp(prefix="jobmill-test-")

    def removed() -> bool:
        shutil.rmtree(place, ignore_errors=True)
        return not os.path.exists(place)

    test.addCleanup(eventually, removed, f"{place} is removed")
    return place


@contextlib.contextmanager
def private_daemons_with(**settings: Any) -> Iterator[None]:
    """Those that are started meanwhile are configured so."""
    from jobmill import _places

    made = _places._configuration

    def configuration(*arguments: Any) -> str:
        lines = made(*arguments).splitlines()
        names = tuple(f"{name} = " for name in settings)
        kept = [line for line in lines if not line.startswith(names)]
        changes = [f"{name} = {json.dumps(value)}" for name, value in settings.items()]
        return "\n".join(changes + kept) + "\n"

    with mock.patch.object(_places, "_configuration", configuration):
        yield


def is_alive(pid: int) -> bool:
    """Whether there is such a process, and it is no zombie."""
    try:
        with open(f"/proc/{pid}/stat", encoding="ascii", errors="replace") as file:
            return file.read().rpartition(")")[2].split()[0] not in ("Z", "X")
    except (FileNotFoundError, ProcessLookupError):
        return False


def descriptors() -> Set[str]:
    """The numbers of those that this process has open."""
    return set(os.listdir("/proc/self/fd")) - {str(_listing())}


def _listing() -> int:
    # The one that lists them is the lowest free one, and is gone when they are listed.
    free = os.open("/dev/null", os.O_RDONLY)
    os.close(free)
    return free


def payload_mappings(pid: Optional[int] = None) -> List[str]:
    """The mappings of payloads and results of a process."""
    with open(f"/proc/{pid or os.getpid()}/maps", encoding="ascii", errors="replace") as maps:
        return [line for line in maps if "/memfd:" in line]


def surroundings_of_scripts(**changes: Optional[str]) -> Dict[str, str]:
    """Of a program that finds this package; a change to None takes a variable away."""
    environment = dict(os.environ, PYTHONPATH=PACKAGE_PARENT)
    for name, value in changes.items():
        if value is None:
            environment.pop(name, None)
        else:
            environment[name] = value
    return environment


@contextlib.contextmanager
def script(text: str, name: str = "program.py") -> Iterator[str]:
    """The path of a program."""
    with tempfile.TemporaryDirectory(prefix="jobmill-test-") as place:
        path = os.path.join(place, name)
        with open(path, "w", encoding="utf-8") as file:
            file.write(textwrap.dedent(text))
        yield path


def run_script(
    text: str, *, interpreter: str = sys.executable, env: Optional[Dict[str, str]] = None
) -> "subprocess.CompletedProcess[str]":
    """Runs it to its end; output and standard error are in the answer."""
    with script(text) as path:
        return subprocess.run(
            [interpreter, path],
            env=env or surroundings_of_scripts(),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            encoding="utf-8",
            timeout=PATIENCE,
            check=False,
        )
