# SPDX-License-Identifier: MIT
"""The code of docs/python.md. Behind a block's language stand words:

    python run=NAME [daemon] [MODULE...]   a program, of one or more blocks; it needs these modules,
                                           and with daemon that of the page's configuration
    python beside=FILE                     a module that programs can import
    text out=NAME                          what the program prints, to the byte
    toml file=FILE                         the configuration
"""

import importlib.util
import os
import re
import signal
import subprocess
import sys
import tempfile
import time
import unittest
from collections import namedtuple

HERE = os.path.dirname(os.path.abspath(__file__))
PACKAGE = os.path.dirname(HERE)
PAGE = os.path.join(PACKAGE, "..", "..", "docs", "python.md")
LIMIT = 60
FENCE = re.compile(r"^```(\S+)([^\n]*)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
PURPOSES = {"python": ("run", "beside"), "text": ("out",), "toml": ("file",)}

sys.path.insert(0, PACKAGE)

from jobmill._places import find_daemon_program, listens  # noqa: E402
from jobmill.errors import DaemonGone  # noqa: E402

Block = namedtuple("Block", "purpose name words text")


def blocks_of(page):
    for language, info, text in FENCE.findall(page):
        first, *words = info.split() or [""]
        purpose, _, name = first.partition("=")
        if purpose not in PURPOSES.get(language, ()):
            raise ValueError(f"```{language}{info}: nobody would check this block")
        yield Block(purpose, name, words, text)


def read_page():
    with open(PAGE, encoding="utf-8") as file:
        return file.read()


class Daemon:
    """The one of the page's configuration, with this interpreter and this directory."""

    def __init__(self, directory, configuration):
        self.socket = os.path.join(directory, "s")
        configuration = re.sub(r"/usr/bin/python3", sys.executable, configuration)
        config = os.path.join(directory, "jobmill.toml")
        with open(config, "w", encoding="utf-8") as file:
            file.write(configuration.replace("/srv/jobs", directory))
        command = [find_daemon_program(), "--config", config, "--socket", self.socket]
        self._process = subprocess.Popen(
            [*command, "--state-dir", directory, "--log-level", "warning"]
        )
        patience_ends = time.monotonic() + LIMIT
        while not listens(self.socket):
            if self._process.poll() is not None or time.monotonic() > patience_ends:
                raise RuntimeError("the daemon of the page's configuration does not start")
            time.sleep(0.01)

    def stop(self):
        self._process.send_signal(signal.SIGTERM)
        return self._process.wait(LIMIT)


class Manual(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        try:
            find_daemon_program()
        except DaemonGone as error:
            raise unittest.SkipTest(str(error))
        cls.blocks = list(blocks_of(read_page()))
        directory = tempfile.TemporaryDirectory()
        cls.addClassCleanup(directory.cleanup)
        cls.directory = directory.name
        for block in cls.blocks:
            if block.purpose in ("run", "beside"):
                name = block.name if block.purpose == "beside" else block.name + ".py"
                with open(os.path.join(cls.directory, name), "a", encoding="utf-8") as file:
                    file.write(block.text)

    def test_every_program_prints_what_the_page_says(self):
        printed = {block.name: block.text for block in self.blocks if block.purpose == "out"}
        programs = {block.name: block.words for block in self.blocks if block.purpose == "run"}
        self.assertEqual(set(printed), set(programs))
        for name, words in programs.items():
            with self.subTest(name):
                needed = [word for word in words if word != "daemon"]
                for module in needed:
                    if importlib.util.find_spec(module) is None:
                        self.skipTest(f"{sys.executable} has no {module}")
                daemon = self.start_daemon() if "daemon" in words else None
                self.assertEqual(self.output_of(name, daemon), printed[name])

    def start_daemon(self):
        [configuration] = [block.text for block in self.blocks if block.purpose == "file"]
        daemon = Daemon(self.directory, configuration)
        self.addCleanup(daemon.stop)
        return daemon

    def output_of(self, name, daemon):
        surroundings = {**os.environ, "PYTHONPATH": PACKAGE}
        surroundings.pop("JOBMILL_SOCKET", None)
        if daemon is not None:
            surroundings["JOBMILL_SOCKET"] = daemon.socket
        done = subprocess.run(
            [sys.executable, os.path.join(self.directory, name + ".py")],
            env=surroundings,
            capture_output=True,
            text=True,
            timeout=LIMIT,
        )
        self.assertEqual(done.returncode, 0, done.stderr)
        return done.stdout

    def test_a_block_that_nobody_checks_is_found(self):
        for fence in ("```python", "```python file=x.py", "```sh", "```text run=x"):
            with self.subTest(fence), self.assertRaises(ValueError):
                list(blocks_of(f"{fence}\n1\n```\n"))


if __name__ == "__main__":
    unittest.main()
