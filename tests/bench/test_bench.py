#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""That a program is measured for so long and no longer, and leaves nobody behind."""

import os
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


if __name__ == "__main__":
    unittest.main()
