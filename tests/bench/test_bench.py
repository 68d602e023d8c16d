#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""That a program is measured for so long and no longer, and leaves nobody behind."""

import os
import re
import signal
import subprocess
import sys
import tempfile
import textwrap
import unittest

import bench

LINE = "{\"bench\": \"x\", \"us\": 1}"
PATIENCE = 30
SOON = 0.3


def run(script, patience=PATIENCE, pinned=False):
    return bench.run(["sh", "-c", script], os.environ, patience, pinned)


class Programs(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        bench.become_subreaper()

    def tearDown(self):
        self.assertEqual(bench.children(), [])

    def test_their_lines_are_taken(self):
        lines, wrong = run(f"echo '{LINE}'; echo '{LINE}'; echo noise >&2")
        self.assertEqual((len(lines), wrong), (2, ""))
        self.assertEqual(lines[0]["us"], 1)

    def test_an_end_that_is_none_is_told(self):
        self.assertEqual(run(f"echo '{LINE}'; exit 3")[1], "left with 3")
        self.assertEqual(run("echo 'KeyError: a' >&2; echo trailer >&2; exit 1")[1], "KeyError: a")
        self.assertEqual(run("echo no line")[1], "said 'no line'")

    def test_one_that_cannot_be_started_is_told(self):
        self.assertIn("No such file", bench.run(["/nonexistent"], os.environ, PATIENCE, False)[1])

    def test_one_that_does_not_end_is_ended_and_what_it_said_counts(self):
        lines, wrong = run(f"echo '{LINE}'; exec sleep 1000", SOON)
        self.assertEqual((len(lines), wrong), (1, "not done after 0 s"))

    def test_what_it_leaves_behind_is_ended_in_a_session_of_its_own_too(self):
        lines, wrong = run(f"setsid sleep 1000 & sleep 1000 & echo '{LINE}'")
        self.assertEqual((len(lines), wrong), (1, ""))

    def test_a_pinned_one_has_one_core_and_the_next_has_all(self):
        script = "echo \"{\\\"bench\\\": \\\"x\\\", \\\"cores\\\": $(nproc)}\""
        self.assertEqual(run(script, pinned=True)[0][0]["cores"], 1)
        self.assertEqual(run(script)[0][0]["cores"], len(os.sched_getaffinity(0)))

    def test_its_temporary_files_go_with_it(self):
        script = f"touch $TMPDIR/x; echo '{LINE}' | sed \"s,1,\\\"$TMPDIR\\\",\""
        for end in ("", "; exec sleep 1000"):
            place = run(script + end, SOON if end else PATIENCE)[0][0]["us"]
            self.assertTrue(place.startswith(tempfile.gettempdir()))
            self.assertFalse(os.path.exists(place))


# Of two programs one is done, and the other says that it is there and stays.
TWO = """
    import sys
    import bench, contenders
    from contenders import Contender, Workload
    from tables import Column

    build, = sys.argv[1:]
    bench.BUILD = build
    sys.argv[1:] = []
    stays = f"mktemp -d > {build}/place; setsid sleep 1000 & echo $! $$ > {build}/there; sleep 1000"
    scripts = {"jobmill": 'echo "{\\"bench\\": \\"x\\", \\"us\\": 123}"', "other": stays}
    contenders.contenders = lambda build: [Contender(name, []) for name in scripts]
    contenders.missing = lambda contender, build: []
    contenders.workloads = lambda size: [Workload("x", "A title", [Column("y", "", "us", "us")])]
    contenders.command = lambda contender, workload, part: ["sh", "-c", scripts[contender.name]]
    bench.main()
"""


class Interrupts(unittest.TestCase):
    def setUp(self):
        place = tempfile.TemporaryDirectory()
        self.addCleanup(place.cleanup)
        self.place = place.name
        os.mkfifo(f"{self.place}/there")

    def interrupted(self, number):
        """What it says, and who was there."""
        environment = os.environ | {"PYTHONPATH": os.path.dirname(bench.__file__), "TMPDIR": self.place}
        words = [sys.executable, "-B", "-c", textwrap.dedent(TWO), self.place]
        with subprocess.Popen(words, env=environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                              text=True) as process:
            with open(f"{self.place}/there", encoding="ascii") as there:
                pids = [int(pid) for pid in there.read().split()]
            process.send_signal(number)
            output, errors = process.communicate(timeout=PATIENCE)
        self.assertEqual(process.returncode, 128 + number, errors)
        self.assertNotIn("Traceback", errors)
        return output, pids

    def test_end_programs_leave_nothing_and_show_what_was_measured(self):
        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
            with self.subTest(number=number):
                output, pids = self.interrupted(number)
                self.assertTrue(re.search(r"A title\n(.*\n)*.*123", output), output)
                self.assertIn(f"Interrupted by {number.name}", output)
                for pid in pids:
                    self.assertFalse(os.path.exists(f"/proc/{pid}"))
                with open(f"{self.place}/place", encoding="utf-8") as file:
                    self.assertFalse(os.path.exists(file.read().strip()))


if __name__ == "__main__":
    unittest.main()
