# SPDX-License-Identifier: MIT
"""Programs with few descriptors, and places without room: what there is no room for waits, or is told."""

from __future__ import annotations

import unittest

import surroundings

# All that it opens beside the executor's own is for the payloads and results of jobs.
FEW = """
import os, resource, sys
sys.path.insert(0, {here!r})
import workload
from jobmill import Executor, aio

_, most = resource.getrlimit(resource.RLIMIT_NOFILE)
resource.setrlimit(resource.RLIMIT_NOFILE, (40, most))
LARGE = 100_000


def numbered(number):
    return bytes([number % 256]) * LARGE


def main():
"""


def setUpModule() -> None:
    surroundings.need_daemon()


class FewDescriptors(unittest.TestCase):
    def assert_says(self, body: str, said: str) -> None:
        text = (
            FEW.format(here=surroundings.HERE)
            + body
            + "\n\nif __name__ == '__main__':\n    main()\n"
        )
        run = surroundings.run_script(text)
        self.assertEqual((run.stdout, run.stderr), (said, ""))

    def test_more_large_payloads_than_descriptors_wait_for_each_other(self) -> None:
        self.assert_says(
            """
    with Executor(2) as executor:
        futures = [executor.submit(workload.identity, numbered(n)) for n in range(300)]
        print(all(future.result() == numbered(n) for n, future in enumerate(futures)))
        items = executor.imap_unordered(workload.identity, map(numbered, range(300)))
        print(all(item.value == numbered(item.index) for item in items))
""",
            "True\nTrue\n",
        )

    def test_so_they_do_in_an_event_loop(self) -> None:
        self.assert_says(
            """
    import asyncio

    async def echo():
        async with aio.Pool(2) as pool:
            jobs = [pool.submit(workload.identity, numbered(n)) for n in range(300)]
            return [await job for job in jobs]

    print(asyncio.run(echo()) == [numbered(n) for n in range(300)])
""",
            "True\n",
        )

    def test_results_that_are_kept_take_none(self) -> None:
        self.assert_says(
            """
    with Executor(2) as executor:
        views = [executor.call("echo", numbered(n)).result() for n in range(100)]
        print(all(view == numbered(n) for n, view in enumerate(views)))
""",
            "True\n",
        )

    def test_where_none_comes_back_it_is_told_and_the_rest_goes_on(self) -> None:
        self.assert_says(
            """
    with Executor(2) as executor:
        print(executor.submit(workload.square, 3).result())
        files = []
        try:
            while True:
                files.append(open(os.devnull))
        except OSError:
            pass
        try:
            executor.submit(workload.identity, numbered(1))
        except OSError as error:
            print(error.strerror)
        print(executor.submit(workload.square, 4).result())
        files.clear()
        print(executor.submit(workload.identity, numbered(1)).result() == numbered(1))
""",
            "9\nToo many open files\n16\nTrue\n",
        )


class NoRoom(unittest.TestCase):
    def test_a_place_without_room_is_named(self) -> None:
        place = surroundings.place_of(self)
        run = surroundings.run_script(
            """
            import os, resource, signal
            signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
            resource.setrlimit(resource.RLIMIT_FSIZE, (0, 0))
            from jobmill import Executor
            try:
                Executor(1).submit(pow, 2, 2)
            except OSError as error:
                print(error.strerror, error.filename.startswith(os.environ["XDG_RUNTIME_DIR"]))
            """,
            env=surroundings.surroundings_of_scripts(XDG_RUNTIME_DIR=place),
        )
        self.assertEqual((run.stdout, run.stderr), ("File too large True\n", ""))


if __name__ == "__main__":
    unittest.main()
