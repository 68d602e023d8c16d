# SPDX-License-Identifier: MIT
"""The start of a private daemon, with a program in its place that is as slow as the test wants."""

import os
import sys
import tempfile
import time
import unittest
from unittest import mock

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.dirname(HERE))

from jobmill._places import PrivateDaemon, find_daemon_program  # noqa: E402
from jobmill.errors import DaemonGone  # noqa: E402

LIMIT = 30.0

SLOW_DAEMON = """#!{interpreter}
import socket, sys, time
listener = socket.socket(socket.AF_UNIX)
listener.bind(sys.argv[sys.argv.index("--socket") + 1])
with open({gate!r}) as gate:
    gate.read()
listener.listen()
listener.accept()
time.sleep(3600)
"""


class Program(unittest.TestCase):
    def test_a_name_of_no_program_is_told(self):
        directory = tempfile.TemporaryDirectory()
        self.addCleanup(directory.cleanup)
        for missing in (os.path.join(directory.name, "jobmilld"), directory.name, "no-jobmilld"):
            with self.subTest(missing), mock.patch.dict(os.environ, JOBMILLD=missing):
                with self.assertRaisesRegex(DaemonGone, r"\$JOBMILLD names no program: " + missing):
                    find_daemon_program()

    def test_without_one_it_is_told_what_to_do(self):
        with mock.patch.dict(os.environ, JOBMILLD="", PATH="/nonexistent"):
            with self.assertRaisesRegex(
                DaemonGone, "jobmilld is not installed: install the package"
            ):
                find_daemon_program()


class Start(unittest.TestCase):
    def test_a_socket_on_which_nobody_listens_yet_is_not_ready(self):
        directory = tempfile.TemporaryDirectory()
        self.addCleanup(directory.cleanup)
        gate = os.path.join(directory.name, "gate")
        os.mkfifo(gate)
        program = os.path.join(directory.name, "jobmilld")
        with open(program, "w", encoding="utf-8") as file:
            file.write(SLOW_DAEMON.format(interpreter=sys.executable, gate=gate))
        os.chmod(program, 0o700)
        with mock.patch.dict(os.environ, JOBMILLD=program):
            daemon = PrivateDaemon(1, b"")
        self.addCleanup(daemon.close)
        patience_ends = time.monotonic() + LIMIT
        while not os.path.exists(daemon.socket):
            self.assertTrue(daemon.alive and time.monotonic() < patience_ends, daemon.log_tail())
            time.sleep(0.001)
        self.assertFalse(daemon.is_ready())
        with open(gate, "w"):
            pass
        daemon.await_ready()


if __name__ == "__main__":
    unittest.main()
