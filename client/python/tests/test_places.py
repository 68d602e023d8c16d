# SPDX-License-Identifier: MIT
"""The start of a private daemon, with a program in its place that is as slow as the test wants."""

import os
import signal
import sys
import tempfile
import time
import unittest
from unittest import mock

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.dirname(HERE))

from jobmill import _places  # noqa: E402
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


class SlowDaemon(unittest.TestCase):
    def setUp(self):
        directory = tempfile.TemporaryDirectory()
        self.addCleanup(directory.cleanup)
        self.gate = os.path.join(directory.name, "gate")
        os.mkfifo(self.gate)
        self.program = os.path.join(directory.name, "jobmilld")
        with open(self.program, "w", encoding="utf-8") as file:
            file.write(SLOW_DAEMON.format(interpreter=sys.executable, gate=self.gate))
        os.chmod(self.program, 0o700)

    def start(self):
        with mock.patch.dict(os.environ, JOBMILLD=self.program):
            daemon = PrivateDaemon(1, b"")
        self.addCleanup(daemon.close)
        return daemon


class Start(SlowDaemon):
    def test_a_socket_on_which_nobody_listens_yet_is_not_ready(self):
        daemon = self.start()
        patience_ends = time.monotonic() + LIMIT
        while not os.path.exists(daemon.socket):
            self.assertTrue(daemon.alive and time.monotonic() < patience_ends, daemon.log_tail())
            time.sleep(0.001)
        self.assertFalse(daemon.is_ready())
        with open(self.gate, "w"):
            pass
        daemon.await_ready()


class Interrupted(Exception):
    pass


class Close(SlowDaemon):
    def test_interrupts_while_it_is_looked_for_keep_nobody_waiting(self):
        def interrupt(frame, event, _):
            if event == "line":
                self.left -= 1
                if not self.left:
                    raise Interrupted
            return interrupt

        daemon = self.start()
        process = daemon._process
        for steps in range(1, 100):
            self.left = steps
            sys.settrace(interrupt)
            try:
                alive = daemon.alive
            except Interrupted:
                continue
            finally:
                sys.settrace(None)
            break
        self.assertTrue(alive)
        self.assertGreater(steps, 4)
        begun = time.monotonic()
        daemon.close()
        self.assertLess(time.monotonic() - begun, _places._STOP_PATIENCE)
        self.assertEqual(process.returncode, -signal.SIGTERM)

    def test_one_that_does_not_heed_it_is_killed(self):
        with open(self.program, encoding="utf-8") as file:
            text = file.read()
        with open(self.program, "w", encoding="utf-8") as file:
            ignore = "import signal; signal.signal(signal.SIGTERM, signal.SIG_IGN)\nimport socket"
            file.write(text.replace("import socket", ignore))
        daemon = self.start()
        with open(self.gate, "w"):
            pass
        daemon.await_ready()
        with mock.patch.object(_places, "_STOP_PATIENCE", 0.1):
            daemon.close()
        self.assertFalse(daemon.alive)
        self.assertEqual(daemon._process.returncode, -signal.SIGKILL)


if __name__ == "__main__":
    unittest.main()
