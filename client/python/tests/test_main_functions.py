# SPDX-License-Identifier: MIT
"""Functions of a program's own main module: with cloudpickle by value, without it as multiprocessing's spawn does."""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
import textwrap
import unittest
from typing import Sequence

import surroundings


def setUpModule() -> None:
    surroundings.need_daemon()


class Programs(unittest.TestCase):
    """``hides`` are modules that the program and its workers cannot import."""

    hides: Sequence[str] = ()

    def setUp(self) -> None:
        directory = tempfile.TemporaryDirectory(prefix="jobmill-test-")
        self.addCleanup(directory.cleanup)
        self.place = directory.name
        for name in self.hides:
            self.write(
                f"hidden/{name}.py", f"raise ModuleNotFoundError('it is hidden', name={name!r})\n"
            )

    def write(self, name: str, text: str) -> str:
        path = os.path.join(self.place, name)
        os.makedirs(os.path.dirname(path), exist_ok=True)
        with open(path, "w", encoding="utf-8") as file:
            file.write(textwrap.dedent(text))
        return path

    def run_it(
        self, *arguments: str, stdin: str = "", **environment: "str | None"
    ) -> "subprocess.CompletedProcess[str]":
        """The interpreter with these arguments, in ``place``."""
        changes = dict(
            PYTHONPATH=os.pathsep.join(
                (os.path.join(self.place, "hidden"), surroundings.PACKAGE_PARENT)
            ),
            TMPDIR=self.place,
            XDG_RUNTIME_DIR=None,
        )
        changes.update(environment)
        return subprocess.run(
            [sys.executable, *arguments],
            env=surroundings.surroundings_of_scripts(**changes),
            cwd=self.place,
            input=stdin,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            encoding="utf-8",
            timeout=surroundings.PATIENCE,
            check=False,
        )

    def assert_says(self, run: "subprocess.CompletedProcess[str]", out: str) -> None:
        self.assertEqual((run.returncode, run.stdout), (0, out), run.stderr)

    def assert_fails(self, run: "subprocess.CompletedProcess[str]", words: str) -> None:
        """By an exception whose last line has these words; and it leaves nothing behind."""
        self.assertEqual(run.returncode, 1, run.stdout)
        self.assertIn(words, run.stderr)
        self.assertEqual(
            [name for name in os.listdir(self.place) if name.startswith("jobmill-py-")], []
        )


WITH_GUARD = """
    from jobmill import Executor
    import sys

    print("imported as", __name__, file=sys.stderr)
    FACTOR = 3

    class Point:
        def __init__(self, x):
            self.x = x

    class Fault(Exception):
        pass

    def times(point):
        return Point(point.x * FACTOR)

    def fail():
        raise Fault("of main")

    if __name__ == "__main__":
        with Executor(1, output="keep") as executor:
            point = executor.submit(times, Point(4)).result()
            print(type(point) is Point, point.x)
            print(type(executor.submit(fail).exception()) is Fault)
            print([p.x for p in executor.map(times, [Point(1), Point(2)])])
            print(executor.submit(getattr, Point(5), "x").result())
"""
ITS_OUTPUT = "True 12\nTrue\n[3, 6]\n5\n"


class WithCloudpickle(Programs):
    def setUp(self) -> None:
        super().setUp()
        if not surroundings.has_module("cloudpickle"):
            self.skipTest("there is no cloudpickle")

    def test_no_guard_is_needed(self) -> None:
        path = self.write(
            "program.py",
            """
            from jobmill import Executor
            factor = 3

            def times(number):
                return number * factor

            with Executor(1) as executor:
                print(executor.submit(times, 4).result(), executor.submit(lambda n: n + factor, 4).result())
            """,
        )
        run = self.run_it(path)
        self.assert_says(run, "12 7\n")
        self.assertEqual(run.stderr, "")

    def test_main_is_not_imported_again(self) -> None:
        run = self.run_it(self.write("program.py", WITH_GUARD))
        self.assert_says(run, ITS_OUTPUT)
        self.assertEqual(run.stderr, "imported as __main__\n")

    def test_jobs_see_what_the_initializer_has_set(self) -> None:
        path = self.write(
            "program.py",
            """
            import functools
            import sys
            from jobmill import Executor

            table, words, version = None, [], 1

            def load(size, word):
                global table, made
                table, made = list(range(size)), version
                words.append(word)
                helper()

            def helper():
                global helped
                helped = True

            def tell(*_):
                return table, words, made, helped, version

            class Teller:
                def tell(self):
                    return tell()

            def run(function):
                return function()

            for initializer in load, functools.partial(load), lambda *args: load(*args):
                version = 1
                with Executor(1, initializer=initializer, initargs=(3, "begun")) as executor:
                    version = 2
                    for function in tell, Teller().tell, lambda: tell(), functools.partial(run, tell):
                        print(executor.submit(function).result())
                    print(*executor.map(tell, range(2)), words)
            """,
        )
        seen = "([0, 1, 2], ['begun'], 1, True, 2)\n"
        self.assert_says(self.run_it(path), (4 * seen + f"{seen[:-1]} {seen[:-1]} []\n") * 3)

    def test_what_a_job_sets_is_its_own(self) -> None:
        path = self.write(
            "program.py",
            """
            from jobmill import Executor
            number, numbers = 0, []

            def begin():
                global unused
                unused = True

            def count():
                global number
                number += 1
                numbers.append(number)
                return number, numbers

            with Executor(1, initializer=begin) as executor:
                print(executor.submit(count).result(), executor.submit(count).result())
            """,
        )
        self.assert_says(self.run_it(path), "(1, [1]) (1, [1])\n")

    def test_a_command_line_and_standard_input_will_do(self) -> None:
        text = textwrap.dedent(
            """
            import jobmill
            def cube(number): return number ** 3
            with jobmill.Executor(1) as executor: print(executor.submit(cube, 3).result())
            """
        )
        self.assert_says(self.run_it("-c", text), "27\n")
        self.assert_says(self.run_it("-", stdin=text), "27\n")


class WithoutCloudpickle(Programs):
    hides = ("cloudpickle",)

    def test_main_is_imported_as_spawn_does(self) -> None:
        run = self.run_it(self.write("program.py", WITH_GUARD))
        self.assert_says(run, ITS_OUTPUT)
        self.assertEqual(run.stderr, "imported as __main__\n")  # the worker's words are of its job

    def test_a_module_that_is_run_by_its_name_is_found_by_it(self) -> None:
        self.write("package/__init__.py", "")
        self.write("package/beside.py", "UNIT = 'm'\n")
        self.write(
            "package/__main__.py",
            """
            from jobmill import Executor
            from .beside import UNIT

            def length(number):
                return str(number) + UNIT

            if __name__ == "__main__":
                with Executor(1) as executor:
                    print(executor.submit(length, 3).result())
            """,
        )
        self.assert_says(self.run_it("-m", "package"), "3m\n")

    def test_an_initializer_of_main_will_do(self) -> None:
        path = self.write(
            "program.py",
            """
            from jobmill import Executor
            state = []

            def begin(word):
                state.append(word)

            def tell():
                return state

            if __name__ == "__main__":
                with Executor(1, initializer=begin, initargs=("begun",)) as executor:
                    print(executor.submit(tell).result())
            """,
        )
        self.assert_says(self.run_it(path), "['begun']\n")

    def test_a_missing_guard_is_told(self) -> None:
        path = self.write(
            "program.py",
            """
            from jobmill import Executor

            def cube(number):
                return number ** 3

            with Executor(1) as executor:
                print(executor.submit(cube, 3).result())
            """,
        )
        self.assert_fails(
            self.run_it(path), "Put what starts jobs below \"if __name__ == '__main__':\""
        )

    def test_of_a_command_line_submit_says_what_to_install(self) -> None:
        text = textwrap.dedent(
            """
            import jobmill
            def cube(number): return number ** 3
            with jobmill.Executor(1) as executor: print(executor.submit(cube, 3).result())
            """
        )
        for run in (self.run_it("-c", text), self.run_it("-", stdin=text)):
            self.assert_fails(run, "pip install cloudpickle")

    def test_an_executor_above_the_guard_is_no_harm(self) -> None:
        path = self.write(
            "program.py",
            """
            from jobmill import Executor
            executor = Executor(1)

            def cube(number):
                return number ** 3

            if __name__ == "__main__":
                print(executor.submit(cube, 3).result())
            """,
        )
        self.assert_says(self.run_it(path), "27\n")

    def test_of_a_lambda_submit_says_what_to_install(self) -> None:
        path = self.write(
            "program.py",
            """
            import jobmill
            if __name__ == "__main__":
                with jobmill.Executor(1) as executor:
                    executor.submit(lambda: 1)
            """,
        )
        self.assert_fails(self.run_it(path), "once cloudpickle is installed")

    def test_functions_of_modules_need_neither(self) -> None:
        self.assert_says(
            self.run_it(
                "-c",
                "import jobmill\nwith jobmill.Executor(1) as e: print(e.submit(pow, 2, 3).result())",
            ),
            "8\n",
        )

    def test_a_worker_that_has_none_says_what_it_lacks(self) -> None:
        path = self.write(
            "program.py",
            """
            import sys, types
            fake = types.ModuleType("cloudpickle")

            class CloudPickler:
                def __init__(self, file, *_, **__):
                    self.file = file

                def dump(self, value):
                    self.file.write(b"ccloudpickle\\nx\\n.")

            fake.CloudPickler = CloudPickler
            sys.modules["cloudpickle"] = fake
            import jobmill

            with jobmill.Executor(1) as executor:
                print(executor.submit(lambda: 1).exception())
            """,
        )
        run = self.run_it(path)
        self.assertEqual(run.returncode, 0, run.stderr)
        self.assertIn("has no cloudpickle, which this job's function needs", run.stdout)


class WithoutDaemon(Programs):
    def test_one_that_is_not_installed_is_told(self) -> None:
        run = self.run_it(
            "-c",
            "import jobmill\nwith jobmill.Executor(1) as e: e.submit(pow, 2, 3).result()",
            JOBMILLD=None,
            PATH="/nowhere",
        )
        self.assert_fails(
            run,
            "jobmilld is not installed: install the package jobmill, or name the program in $JOBMILLD",
        )

    def test_one_that_is_not_there_is_told_with_its_path(self) -> None:
        run = self.run_it(
            "-c",
            "import jobmill\nwith jobmill.Executor(1) as e: e.submit(pow, 2, 3).result()",
            JOBMILLD="/nowhere/jobmilld",
        )
        self.assert_fails(run, "/nowhere/jobmilld")

    def test_one_that_does_not_start_is_told_with_its_words(self) -> None:
        program = self.write("jobmilld", "#!/bin/sh\necho 'out of order' >&2\nexit 3\n")
        os.chmod(program, 0o700)
        run = self.run_it(
            "-c",
            "import jobmill\nwith jobmill.Executor(1) as e: e.submit(pow, 2, 3).result()",
            JOBMILLD=program,
        )
        self.assert_fails(run, "out of order")


if __name__ == "__main__":
    unittest.main()
