# SPDX-License-Identifier: MIT
"""Where a daemon is, and a private one where there is none to be shared."""

from __future__ import annotations

import fcntl
import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
from typing import List, Optional, Sequence

from .errors import DaemonGone

__all__ = ["PrivateDaemon", "find_daemon_program", "user_socket"]

POOL = "python"
_PREFIX = "jobmill-py-"
_LOCK = "in-use"
_START_PATIENCE = 30.0
_STOP_PATIENCE = 10.0
_SETTLED_SECONDS = 60.0


def user_socket() -> str:
    """The socket of the user's daemon, whether there is one or not."""
    chosen = os.environ.get("JOBMILL_SOCKET")
    if chosen:
        return chosen
    runtime = os.environ.get("XDG_RUNTIME_DIR")
    if runtime:
        return runtime + "/jobmill/jobmill.sock"
    return f"/tmp/jobmill-{os.getuid()}/jobmill.sock"


def find_daemon_program() -> str:
    """The path of jobmilld: ``$JOBMILLD``, beside this package, or on the PATH."""
    chosen = os.environ.get("JOBMILLD")
    if chosen:
        if shutil.which(chosen) is None:
            raise DaemonGone(f"$JOBMILLD names no program: {chosen}")
        return chosen
    # Installed with the daemon, this file is PREFIX/lib/python3/dist-packages/jobmill/_places.py.
    beside = os.path.join(
        os.path.dirname(os.path.abspath(__file__)), *[".."] * 4, "bin", "jobmilld"
    )
    if os.access(beside, os.X_OK):
        return os.path.normpath(beside)
    found = shutil.which("jobmilld")
    if found is None:
        raise DaemonGone(
            "jobmilld is not installed: install the package jobmill, or name the program in $JOBMILLD, "
            "or a running daemon by Executor(socket=...)"
        )
    return found


def listens(path: str) -> bool:
    """A socket's file is there a moment before anybody listens."""
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as probe:
        try:
            probe.connect(path)
        except (FileNotFoundError, ConnectionRefusedError):
            return False
        return True


def _directory() -> str:
    """A new one for a private daemon; what killed programs have left is swept away."""
    runtime = os.environ.get("XDG_RUNTIME_DIR")
    parent = runtime if runtime and os.access(runtime, os.W_OK) else tempfile.gettempdir()
    _sweep(parent)
    return tempfile.mkdtemp(prefix=_PREFIX, dir=parent)


def _sweep(parent: str) -> None:
    now = time.time()
    for entry in os.scandir(parent):
        try:
            if not entry.name.startswith(_PREFIX) or not entry.is_dir(follow_symlinks=False):
                continue
            status = entry.stat(follow_symlinks=False)
            if status.st_uid != os.geteuid() or now - status.st_mtime < _SETTLED_SECONDS:
                continue
            if not os.listdir(entry.path):
                os.rmdir(entry.path)  # its program has not come to the lock
                continue
            with open(os.path.join(entry.path, _LOCK), "rb") as lock:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
                shutil.rmtree(entry.path, ignore_errors=True)
        except OSError:
            continue  # in use, or gone


class PrivateDaemon:
    """A daemon of this process alone, with one pool, ``python``, of this interpreter.

    It leaves when this process closes it, and five seconds after this process has vanished.
    """

    _is_anothers = False

    def __init__(
        self,
        workers: int,
        setup: bytes,
        preload: Sequence[str] = (),
        recycle_jobs: Optional[int] = None,
        environment: Sequence[str] = (),
    ) -> None:
        program = find_daemon_program()
        self.directory = _directory()
        self.socket = os.path.join(self.directory, "jobmill.sock")
        self._lock = open(os.path.join(self.directory, _LOCK), "wb")
        self._process: Optional[subprocess.Popen] = None
        self._was_ready = False
        try:
            # Held by the daemon, too, for as long as it runs.
            fcntl.flock(self._lock, fcntl.LOCK_EX)
            setup_file = os.path.join(self.directory, "setup")
            with open(setup_file, "wb") as file:
                file.write(setup)
            config = os.path.join(self.directory, "jobmill.toml")
            with open(config, "w", encoding="utf-8") as text:
                text.write(_configuration(workers, setup_file, preload, recycle_jobs))
            self._start([program, "--config", config, "--socket", self.socket])
        except OSError as error:
            self.close()
            # A full disk does not say which.
            raise OSError(error.errno, error.strerror, error.filename or self.directory) from None
        except BaseException:
            self.close()
            raise

    def _start(self, command: List[str]) -> None:
        surroundings = dict(os.environ)
        for name in ("JOBMILL_SOCKET", "JOBMILL_JOB", "NOTIFY_SOCKET", "LISTEN_FDS", "LISTEN_PID"):
            surroundings.pop(name, None)
        log = os.path.join(self.directory, "daemon.log")
        with open(log, "wb") as output:
            self._process = subprocess.Popen(
                command
                + ["--state-dir", self.directory, "--idle-timeout", "5s", "--log-level", "warning"],
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=output,
                env=surroundings,
                start_new_session=True,
                pass_fds=(self._lock.fileno(),),
            )
        self._patience_ends = time.monotonic() + _START_PATIENCE

    def is_ready(self) -> bool:
        """Whether it listens. Raises ``DaemonGone`` when it does not start."""
        if listens(self.socket):
            self._was_ready = True
            return True
        gone = not self._is_anothers and not self.alive
        if gone or time.monotonic() > self._patience_ends:
            raise DaemonGone(f"jobmilld does not start: {self.log_tail() or 'it says nothing'}")
        return False

    def await_ready(self) -> None:
        pause = 0.001
        while not self.is_ready():
            time.sleep(pause)
            pause = min(pause * 1.5, 0.05)

    def log_tail(self) -> str:
        try:
            with open(
                os.path.join(self.directory, "daemon.log"), encoding="utf-8", errors="replace"
            ) as log:
                return log.read()[-2000:].strip()
        except OSError:
            return ""

    @property
    def has_gone(self) -> bool:
        """For who has no session with it (any more). It has had one if it was ready, and that ends
        with the daemon alone: of one that was killed neither process nor socket may show it yet."""
        return self._was_ready or not self.alive

    @property
    def alive(self) -> bool:
        """Not by Popen: what a signal handler raises in its midst may leave its lock taken for good."""
        process = self._process
        if process is None or process.returncode is not None:
            return False
        try:
            pid, status = os.waitpid(process.pid, os.WNOHANG)
        except ChildProcessError:
            # Whoever noted it was interrupted, or it is not ours to wait for.
            pid, status = process.pid, 0
        if pid:
            process.returncode = os.waitstatus_to_exitcode(status)
        return not pid

    def ask_to_stop(self) -> None:
        self._signal(signal.SIGTERM)

    def _signal(self, number: int) -> None:
        if self._process is not None and self.alive:
            os.kill(self._process.pid, number)

    def _await_end(self) -> None:
        patience_ends = time.monotonic() + _STOP_PATIENCE
        pause = 0.0005
        while self.alive and time.monotonic() < patience_ends:
            time.sleep(pause)
            pause = min(pause * 2, 0.05)

    def close(self) -> None:
        """Stops it, and removes what it had."""
        self._signal(signal.SIGTERM)
        self._await_end()
        self._signal(signal.SIGKILL)
        self._await_end()
        self._lock.close()
        shutil.rmtree(self.directory, ignore_errors=True)

    def abandon(self) -> None:
        """In the child of a fork: it is the parent's, and may still be starting."""
        self._is_anothers = True
        self._lock.close()
        if self._process is not None:
            self._process.returncode = 0  # not ours to wait for
            self._process = None


def _configuration(
    workers: int, setup_file: str, preload: Sequence[str], recycle_jobs: Optional[int]
) -> str:
    # A JSON text is a TOML text.
    lines = [
        "# Of one program; nobody else reads it.",
        'max_payload = "64 GiB"',
        'max_bytes = "256 GiB"',
        "credit_jobs = 4096",
        'credit_bytes = "1 GiB"',
        'drain_timeout = "1s"',
        f"[pool.{POOL}]",
        f"workers = {workers}",
        'runtime = "python"',
        f"interpreter = {json.dumps(sys.executable)}",
        f"preload = {json.dumps(list(preload))}",
        'timeout = "unlimited"',
        'queue_timeout = "unlimited"',
        f"environment = {{ JOBMILL_PYTHON_SETUP = {json.dumps(setup_file)} }}",
    ]
    if recycle_jobs is not None:
        lines.append(f"recycle_jobs = {recycle_jobs}")
    return "\n".join(lines) + "\n"
