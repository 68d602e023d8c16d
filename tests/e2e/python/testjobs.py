# SPDX-License-Identifier: MIT
"""What the tests of Python pools preload: a line in the file RECORD for each thing that happens."""

import os


def record(what: str) -> None:
    with open(os.environ["RECORD"], "a", encoding="ascii") as file:
        file.write(what + " " + str(os.getpid()) + "\n")


def begin() -> None:
    record("begun")


def refuse() -> None:
    raise RuntimeError("the accelerator is on fire")


record("loaded")
