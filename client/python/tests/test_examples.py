# SPDX-License-Identifier: MIT
"""The programs of client/python/examples, run as their readers run them."""

import difflib
import hashlib
import os
import re
import signal
import subprocess
import sys
import tempfile
import threading
import unittest

HERE = os.path.dirname(os.path.abspath(__file__))
PACKAGE = os.path.dirname(HERE)
EXAMPLES = os.path.join(PACKAGE, "examples")
LIMIT = 120

sys.path[:0] = [PACKAGE, EXAMPLES]

import ngram_files  # noqa: E402
from jobmill.errors import DaemonGone  # noqa: E402
from jobmill._places import find_daemon_program  # noqa: E402

IN_ORDER = (
    "pool_apply",
    "pool_apply_jobmill",
    "pool_apply_async",
    "executor_map",
    "executor_map_jobmill",
    "gather",
    "gather_jobmill",
)
AS_COMPLETED = (
    "process_join_jobmill",
    "pool_apply_async_jobmill",
    "as_completed",
    "as_completed_jobmill",
    "run_in_executor",
    "run_in_executor_jobmill",
    "aio_as_completed",
)
IMPORT_CHANGED = ("executor_map", "as_completed", "run_in_executor")
NGRAMS = ("ngrams", "ngrams_jobmill", "ngrams_native")

# The longer sum does not end before somebody has read the shorter one from the program.
GATED_SUMS = """
def sum_to_num(last):
    if last == 3:
        with open({gate!r}) as gate:
            gate.read()
    return last * (last + 1) // 2

def sizes():
    return [3, 2]
"""
AS_MAIN = """
import runpy, sys
sys.path[:0] = {first!r}
sys.argv = {argv!r}
{before}
runpy.run_path({argv!r}[0], run_name="__main__")
"""


def setUpModule():
    try:
        find_daemon_program()
    except DaemonGone as error:
        raise unittest.SkipTest(str(error))


def environment(**more):
    own = {**os.environ, "PYTHONPATH": PACKAGE, "PYTHONDONTWRITEBYTECODE": "1", **more}
    # With it print() is several writes, between which other processes' come.
    own.pop("PYTHONUNBUFFERED", None)
    return own


def path_of(program):
    return os.path.join(EXAMPLES, program + ".py")


def as_main(program, *arguments, first=(), before=""):
    """The command that runs a program behind some lines of Python."""
    argv = [path_of(program), *arguments]
    code = AS_MAIN.format(first=[*first, EXAMPLES], argv=argv, before=before)
    return [sys.executable, "-c", code]


class Examples(unittest.TestCase):
    def setUp(self):
        directory = tempfile.TemporaryDirectory()
        self.addCleanup(directory.cleanup)
        self.directory = directory.name

    def run_program(self, command, **more):
        done = subprocess.run(
            command, env=environment(**more), capture_output=True, text=True, timeout=LIMIT
        )
        self.assertEqual(done.returncode, 0, done.stderr)
        return done

    def write(self, name, text):
        path = os.path.join(self.directory, name)
        with open(path, "w", encoding="ascii") as file:
            file.write(text)
        return path


class Sums(Examples):
    def sums(self, program):
        output = self.run_program([sys.executable, path_of(program), "100", "10"]).stdout
        # Another thread forwards what jobs print, whole lines, but maybe between two words of a
        # print() of the program: without them its own lines are left.
        own = re.sub(r"summed up to \d+ in [0-9.]+ s\n", "", output)
        return own.splitlines()

    def test_answers_come_in_the_order_of_the_start_where_that_is_promised(self):
        for program in IN_ORDER:
            with self.subTest(program):
                self.assertEqual(self.sums(program), ["sum 5050", "sum 55"])

    def test_all_answers_come_where_no_order_is_promised(self):
        for program in AS_COMPLETED:
            with self.subTest(program):
                self.assertEqual(sorted(self.sums(program)), ["sum 5050", "sum 55"])

    def test_joined_processes_answer_nothing(self):
        output = self.run_program([sys.executable, path_of("process_join"), "100", "10"]).stdout
        joined = [line for line in output.splitlines() if line.startswith("joined ")]
        self.assertEqual(joined, [f"joined {size}: exit code 0, no value" for size in (100, 10)])

    @unittest.skipIf(len(os.sched_getaffinity(0)) < 2, "one CPU, so one worker")
    def test_the_shorter_sum_is_delivered_while_the_longer_one_runs(self):
        gate = os.path.join(self.directory, "gate")
        os.mkfifo(gate)
        self.write("sums.py", GATED_SUMS.format(gate=gate))
        for program in AS_COMPLETED:
            with self.subTest(program):
                self.assertEqual(self.through_gate(program, gate), ["sum 3\n", "sum 6\n"])

    def through_gate(self, program, gate):
        process = subprocess.Popen(
            as_main(program, first=[self.directory]),
            env=environment(),
            stdout=subprocess.PIPE,
            text=True,
            start_new_session=True,
        )
        # Who delivers in the order of the start hangs here.
        timer = threading.Timer(LIMIT, os.killpg, (process.pid, signal.SIGKILL))
        timer.start()
        try:
            lines = [process.stdout.readline()]
            if lines[0]:
                with open(gate, "w"):
                    pass
            return lines + process.stdout.readlines()
        finally:
            timer.cancel()
            process.stdout.close()
            process.wait()

    def test_an_import_line_is_all_that_was_changed(self):
        for program in IMPORT_CHANGED:
            with self.subTest(program):
                original, changed = map(code_of, (program, program + "_jobmill"))
                self.assertEqual(
                    [line for line in difflib.ndiff(original, changed) if line[0] in "+-"],
                    [
                        "- from concurrent.futures import ProcessPoolExecutor",
                        "+ from jobmill import ProcessPoolExecutor",
                    ],
                )


def code_of(program):
    """The lines below the docstring."""
    with open(path_of(program), encoding="utf-8") as file:
        return file.read().split('"""', 2)[2].splitlines()


class Ngrams(Examples):
    def test_every_program_counts_all_files(self):
        paths = [
            self.write("a", "Aardvark\t1900\t7\t1\nAardvark\t1901\t5\t1\nApe\t1900\t90\t2\n"),
            self.write("b", "Bee\t1900\t8\t1\nAardvark\t1902\t30\t1"),  # no end of its last line
        ]
        for program in NGRAMS:
            with self.subTest(program):
                command = [sys.executable, path_of(program), "--data", *paths]
                output = self.run_program(command).stdout
                self.assertEqual(output, "Aardvark has appeared 42 times.\n")

    def test_without_tqdm_the_bar_is_plain_text(self):
        path = self.write("a", "Aardvark\t1900\t7\t1\n")
        command = as_main("ngrams_jobmill", "--data", path, before='sys.modules["tqdm"] = None')
        done = self.run_program(command)
        self.assertEqual(done.stdout, "Aardvark has appeared 7 times.\n")
        self.assertIn("map [########################] 1/1\n", done.stderr)

    def test_ranges_are_whole_lines_and_cover_the_files(self):
        text = "".join(f"word{number}\t1900\t{number}\t1\n" for number in range(1000))
        for ending in ("", "last\t1900\t1\t1"):
            path = self.write("a", text + ending)
            parts = list(ngram_files.ranges([path], 700))
            self.assertGreater(len(parts), 10)
            pieces = []
            with open(path, "rb") as file:
                for _, offset, length in parts:
                    self.assertEqual(offset, sum(map(len, pieces)))
                    file.seek(offset)
                    pieces.append(file.read(length))
            self.assertEqual(b"".join(pieces).decode(), text + ending)
            for piece in pieces[:-1]:
                self.assertTrue(piece.endswith(b"\n"))

    def test_made_files_are_the_same_everywhere(self):
        made = []
        for name in ("one", "other"):
            cache = os.path.join(self.directory, name)
            code = "import ngram_files; print(*ngram_files.make_files(1), sep='\\n')"
            command = [sys.executable, "-c", "import sys; sys.path.insert(0, sys.argv[1]); " + code]
            paths = self.run_program([*command, EXAMPLES], XDG_CACHE_HOME=cache).stdout.split()
            digest = hashlib.sha256()
            for path in paths:
                with open(path, "rb") as file:
                    digest.update(file.read())
            made.append(digest.hexdigest())
        self.assertEqual(made[0], made[1])


class Comparison(Examples):
    def test_answers_are_the_same_and_a_killed_worker_changes_nothing(self):
        command = [sys.executable, path_of("compare"), "--mib", "2", "--rounds", "1"]
        output = self.run_program(command, XDG_CACHE_HOME=self.directory).stdout
        self.assertRegex(output, r"(?m)^same answer: Aardvark has appeared \d+ times\.$")
        # What becomes of the standard library's is told, not judged: it raises, or hangs.
        self.assertRegex(output, r"(?m)^a worker killed by SIGKILL .*same answer +same answer$")


if __name__ == "__main__":
    unittest.main()
