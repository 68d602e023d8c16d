# SPDX-License-Identifier: MIT
"""How programs end that have an executor: by themselves, interrupted, killed, forked. Nothing of them is left."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import tempfile
import textwrap
import unittest
from typing import List, Optional

import surroundings
import workload
from surroundings import eventually


def setUpModule() -> None:
    surroundings.need_daemon()


class Program:
    """One that runs in a directory for temporary files of its own, ``place``."""

    def __init__(self, test: unittest.TestCase, text: str) -> None:
        self.place = surroundings.place_of(test)
        program = os.path.join(self.place, "program.py")
        with open(program, "w", encoding="utf-8") as file:
            file.write(textwrap.dedent(text))
        environment = surroundings.surroundings_of_scripts(
            TMPDIR=self.place,
            XDG_RUNTIME_DIR=None,
            PYTHONPATH=os.pathsep.join((surroundings.HERE, surroundings.PACKAGE_PARENT)),
        )
        self.process = subprocess.Popen(
            [sys.executable, program, self.place],
            env=environment,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            encoding="utf-8",
            start_new_session=True,
        )
        test.addCleanup(self._end)

    def await_file(self, name: str) -> str:
        path = os.path.join(self.place, name)
        eventually(lambda: os.path.exists(path) or self.process.poll() is not None, name)
        if not os.path.exists(path):
            raise AssertionError(
                f"the program ended before it made {name}: {self.process.communicate()[1]}"
            )
        with open(path, encoding="ascii") as file:
            return file.read()

    def has(self, name: str) -> bool:
        return os.path.exists(os.path.join(self.place, name))

    def touch(self, name: str) -> None:
        workload.touch(os.path.join(self.place, name))

    def end(self) -> "tuple[int, str, str]":
        """Its exit status, output and standard error, once it has ended by itself."""
        out, err = self.process.communicate(timeout=surroundings.PATIENCE)
        return self.process.returncode, out, err

    def processes(self) -> List[int]:
        """Its daemons, templates and workers, of which each has ``place`` in its command line."""
        found = []
        for entry in os.listdir("/proc"):
            if (
                entry.isdigit()
                and int(entry) != self.process.pid
                and surroundings.is_alive(int(entry))
            ):
                try:
                    with open(f"/proc/{entry}/cmdline", "rb") as file:
                        if (self.place + "/jobmill-py-").encode() in file.read():
                            found.append(int(entry))
                except (FileNotFoundError, ProcessLookupError):
                    pass
        return found

    def directories(self) -> List[str]:
        return [name for name in os.listdir(self.place) if name.startswith("jobmill-py-")]

    def _end(self) -> None:
        if self.process.poll() is None:
            self.process.kill()
        for pid in self.processes():
            os.kill(pid, signal.SIGKILL)
        self.process.communicate()


# A shell starts what it puts into the background with SIGINT ignored, and that is inherited.
BEGIN = """
import os, signal, sys, threading
signal.signal(signal.SIGINT, signal.default_int_handler)
import workload
from jobmill import DaemonGone, Executor
place = sys.argv[1]
"""


class Ends(unittest.TestCase):
    def program(self, text: str) -> Program:
        return Program(self, BEGIN + textwrap.dedent(text))

    def assert_nothing_is_left(self, program: Program) -> None:
        self.assertEqual(program.processes(), [])
        self.assertEqual(program.directories(), [])


class ByItself(Ends):
    def test_what_was_submitted_is_done_first(self) -> None:
        program = self.program(
            """
            executor = Executor(1)
            for name in "abc":
                executor.submit(workload.begin_and_wait, place, name)
        """
        )
        program.await_file("a.begun")
        self.assertGreaterEqual(len(program.processes()), 3)
        program.touch("go")
        self.assertEqual(program.end(), (0, "", ""))
        self.assertTrue(all(program.has(name + ".finished") for name in "abc"))
        self.assert_nothing_is_left(program)

    def test_an_exception_leaves_the_jobs_alone(self) -> None:
        program = self.program(
            """
            with Executor(1) as executor:
                for name in "ab":
                    executor.submit(workload.begin_and_wait, place, name)
                raise ValueError("of the program")
        """
        )
        program.await_file("a.begun")
        program.touch("go")
        status, _, err = program.end()
        self.assertEqual((status, err.count("Traceback")), (1, 1))
        self.assertTrue(program.has("a.finished") and program.has("b.finished"))
        self.assert_nothing_is_left(program)

    def test_sys_exit_within_the_with_leaves_the_jobs_alone(self) -> None:
        program = self.program(
            """
            with Executor(1) as executor:
                for name in "ab":
                    executor.submit(workload.begin_and_wait, place, name)
                sys.exit(3)
        """
        )
        program.await_file("a.begun")
        program.touch("go")
        self.assertEqual(program.end(), (3, "", ""))
        self.assertTrue(program.has("a.finished") and program.has("b.finished"))
        self.assert_nothing_is_left(program)

    def test_an_executor_that_is_not_used_starts_nothing(self) -> None:
        program = self.program(
            """
            with Executor(1):
                workload.touch(os.path.join(place, "there"))
                workload.wait_for_file(os.path.join(place, "go"))
        """
        )
        program.await_file("there")
        self.assert_nothing_is_left(program)
        program.touch("go")
        self.assertEqual(program.end(), (0, "", ""))

    def test_a_thread_that_still_submits_is_refused(self) -> None:
        program = self.program(
            """
            executor = Executor(1)
            executor.submit(workload.square, 2).result()

            def submit_on() -> None:
                try:
                    while True:
                        executor.submit(workload.square, 2).result()
                except RuntimeError as error:
                    print(error)

            threading.Thread(target=submit_on).start()
        """
        )
        status, out, err = program.end()
        self.assertEqual((status, err), (0, ""))
        self.assertIn("cannot schedule new futures after", out)
        self.assert_nothing_is_left(program)

    def test_an_executor_that_is_forgotten_ends_with_its_jobs(self) -> None:
        program = self.program(
            """
            future = Executor(1).submit(workload.begin_and_wait, place)
            workload.wait_for_file(os.path.join(place, "job.begun"))
            workload.touch(os.path.join(place, "go"))
            print(future.result())
            sys.stdout.flush()
            workload.wait_for_file(os.path.join(place, "end"))
        """
        )
        program.await_file("job.finished")
        eventually(lambda: not program.processes() and not program.directories())
        program.touch("end")
        self.assertEqual(program.end(), (0, "finished\n", ""))

    def test_so_does_one_that_was_part_of_a_cycle_and_of_the_program(self) -> None:
        program = self.program(
            """
            import gc

            class Owner:
                pass

            owner = Owner()
            owner.owner = owner
            owner.executor = Executor(1)
            owner.executor.submit(workload.begin_and_wait, place)
            del owner
            gc.collect()
        """
        )
        program.await_file("job.begun")
        program.touch("go")
        self.assertEqual(program.end()[0], 0)
        self.assertTrue(program.has("job.finished"))

    def test_many_executors_one_after_another_leave_no_descriptor_and_no_thread(self) -> None:
        program = self.program(
            """
            def counts():
                return len(os.listdir("/proc/self/fd")), threading.active_count()

            with Executor(1) as executor:
                executor.submit(workload.square, 2).result()
            before = counts()
            for _ in range(5):
                with Executor(1) as executor:
                    executor.submit(workload.square, 2).result()
                    executor.submit(len, bytes(100_000)).result()
                    list(executor.imap_unordered(workload.square, range(3)))
            print(before == counts(), before, counts())
        """
        )
        status, out, err = program.end()
        self.assertEqual((status, err), (0, ""))
        self.assertTrue(out.startswith("True"), out)
        self.assert_nothing_is_left(program)

    def test_nobody_who_reads_its_output_costs_no_result(self) -> None:
        program = self.program(
            """
            workload.wait_for_file(os.path.join(place, "closed"))
            with Executor(1) as executor:
                results = [executor.submit(workload.say, str(n)).result() for n in range(20)]
            workload.touch(os.path.join(place, "results"), " ".join(results))
            os._exit(0)
        """
        )
        assert program.process.stdout is not None
        program.process.stdout.close()
        program.process.stdout = None
        program.touch("closed")
        self.assertEqual(program.await_file("results"), " ".join(map(str, range(20))))
        program.process.wait(surroundings.PATIENCE)
        self.assert_nothing_is_left(program)


class Interrupted(Ends):
    def interrupt(self, text: str, everybody: bool) -> Program:
        program = self.program(text)
        for name in "ab":
            program.await_file(name + ".begun")
        (os.killpg if everybody else os.kill)(program.process.pid, signal.SIGINT)
        status, _, err = program.end()
        self.assertEqual(status, -signal.SIGINT)
        self.assertEqual(err.count("Traceback"), 1, err)
        self.assertIn("KeyboardInterrupt", err)
        return program

    def assert_jobs_were_stopped(self, program: Program) -> None:
        self.assertTrue(program.has("a.stopped") and program.has("b.stopped"))
        self.assertFalse(program.has("c.begun"))
        self.assert_nothing_is_left(program)

    def test_jobs_are_stopped_with_the_with(self) -> None:
        for everybody in (False, True):
            program = self.interrupt(
                """
                with Executor(2) as executor:
                    futures = [executor.submit(workload.begin_and_wait, place, name) for name in "abc"]
                    futures[0].result()
                """,
                everybody,
            )
            self.assert_jobs_were_stopped(program)

    def test_jobs_are_stopped_without_a_with(self) -> None:
        program = self.interrupt(
            """
            executor = Executor(2)
            futures = [executor.submit(workload.begin_and_wait, place, name) for name in "abc"]
            futures[0].result()
            """,
            True,
        )
        self.assert_jobs_were_stopped(program)

    def test_jobs_are_stopped_while_the_with_waits_for_them(self) -> None:
        program = self.interrupt(
            """
            with Executor(2) as executor:
                for name in "abc":
                    executor.submit(workload.begin_and_wait, place, name)
            """,
            True,
        )
        self.assert_jobs_were_stopped(program)

    def test_jobs_are_stopped_while_a_map_or_a_stream_is_read(self) -> None:
        for loop in (
            "list(executor.map(workload.begin_and_wait, [place] * 3, 'abc'))",
            "list(executor.imap_unordered(lambda name: workload.begin_and_wait(place, name), 'abc'))",
        ):
            program = self.interrupt(f"with Executor(2) as executor: {loop}", True)
            self.assert_jobs_were_stopped(program)


class Killed(Ends):
    def test_daemon_and_workers_leave(self) -> None:
        waiting = """
            executor = Executor(1)
            future = executor.submit(workload.begin_and_wait, place)
            workload.wait_for_file(os.path.join(place, "job.begun"))
            {}
            future.result()
        """
        programs = {
            "SIGKILL": self.program(waiting.format("")),
            "SIGTERM": self.program(waiting.format("")),
            "_exit": self.program(waiting.format("os._exit(0)")),
        }
        for name, program in programs.items():
            program.await_file("job.begun")
            if name != "_exit":
                program.process.send_signal(getattr(signal, name))
            program.end()
        for name, program in programs.items():
            eventually(lambda: program.has("job.stopped"), name + ": the job stops")
            eventually(lambda: not program.processes(), name + ": nothing is left")

    def test_its_directory_is_swept_away_by_the_next_program(self) -> None:
        with tempfile.TemporaryDirectory(prefix="jobmill-test-") as place:
            old = os.path.join(place, "jobmill-py-of-one-that-was-killed")
            used = os.path.join(place, "jobmill-py-in-use")
            for directory in (old, used):
                os.mkdir(directory)
                with open(os.path.join(directory, "in-use"), "wb"):
                    pass
                os.utime(directory, (1, 1))
            without_lock = os.path.join(place, "jobmill-py-of-one-that-was-killed-at-once")
            os.mkdir(without_lock)
            os.utime(without_lock, (1, 1))
            import fcntl

            with open(os.path.join(used, "in-use"), "rb") as lock:
                fcntl.flock(lock, fcntl.LOCK_EX)
                run = surroundings.run_script(
                    "import jobmill\nwith jobmill.Executor(1) as e: print(e.submit(pow, 2, 3).result())",
                    env=surroundings.surroundings_of_scripts(TMPDIR=place, XDG_RUNTIME_DIR=None),
                )
            self.assertEqual(run.stdout, "8\n", run.stderr)
            self.assertEqual(os.listdir(place), ["jobmill-py-in-use"])


class Forked(Ends):
    def run_to_end(self, text: str, want: Optional[str]) -> None:
        program = self.program(text)
        status, out, err = program.end()
        self.assertEqual((status, err), (0, ""))
        if want is not None:
            self.assertEqual(out, want)
        self.assert_nothing_is_left(program)

    def test_child_and_parent_both_have_the_executor(self) -> None:
        self.run_to_end(
            """
            with Executor(1) as executor:
                pid = executor.submit(os.getpid).result()
                child = os.fork()
                if child == 0:
                    same = executor.submit(os.getpid).result() == pid
                    os._exit(0 if same else 1)
                print(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]), executor.submit(os.getpid).result() == pid)
            """,
            "0 True\n",
        )

    def test_a_child_that_ends_ends_nothing_of_its_parents(self) -> None:
        self.run_to_end(
            """
            with Executor(1) as executor:
                future = executor.submit(workload.begin_and_wait, place)
                workload.wait_for_file(os.path.join(place, "job.begun"))
                child = os.fork()
                if child == 0:
                    sys.exit(0)
                os.waitpid(child, 0)
                workload.touch(os.path.join(place, "go"))
                print(future.result())
            """,
            "finished\n",
        )

    def test_a_process_of_multiprocessing_has_the_executor(self) -> None:
        self.run_to_end(
            """
            import multiprocessing

            with Executor(1) as executor:
                executor.submit(workload.square, 2).result()

                def use_it() -> None:
                    with executor:
                        print(executor.submit(workload.square, 5).result(), flush=True)

                process = multiprocessing.get_context("fork").Process(target=use_it)
                process.start()
                process.join()
                print(process.exitcode, executor.submit(workload.square, 3).result())
            """,
            "25\n0 9\n",
        )

    def test_what_a_loop_reads_is_its_parents(self) -> None:
        self.run_to_end(
            """
            def numbers():
                global child
                for number in range(600):
                    if number == 300:
                        child = os.fork()
                    yield number

            def read(items):
                if child:
                    print(sum(item.value for item in items) + sum(values))
                    print(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]))
                    return
                try:
                    list(items)
                except DaemonGone as error:
                    os._exit("of the process that was forked" in str(error))

            with Executor(2) as executor:
                values = []
                items = executor.imap_unordered(workload.square, range(600))
                values.append(next(items).value)
                child = os.fork()
                read(items)

                child = -1
                values.clear()
                items = executor.imap_unordered(workload.square, numbers())
                try:
                    while child < 0:
                        values.append(next(items).value)
                except DaemonGone:
                    pass
                read(items if child else executor.imap_unordered(workload.square, [3]))
                if not child:
                    os._exit(executor.submit(workload.square, 3).result())
            """,
            f"{sum(n * n for n in range(600))}\n1\n{sum(n * n for n in range(600))}\n9\n",
        )

    def test_children_may_be_forked_while_other_threads_submit(self) -> None:
        self.run_to_end(
            """
            stop = threading.Event()

            def submit_on() -> None:
                while not stop.is_set():
                    executor.submit(workload.square, 2).result()

            with Executor(2) as executor:
                # A child of who has none yet would start a daemon of its own, and os._exit() leave it.
                executor.submit(workload.square, 2).result()
                threads = [threading.Thread(target=submit_on) for _ in range(3)]
                for thread in threads:
                    thread.start()
                codes = []
                for number in range(20):
                    child = os.fork()
                    if child == 0:
                        os._exit(executor.submit(workload.square, 3).result())
                    codes.append(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]))
                stop.set()
                for thread in threads:
                    thread.join()
            print(codes == [9] * 20)
            """,
            "True\n",
        )


if __name__ == "__main__":
    unittest.main()
