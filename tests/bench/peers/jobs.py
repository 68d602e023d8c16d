# SPDX-License-Identifier: MIT
"""What the jobs of the workloads do, for every peer in Python."""

import os
import time
from collections import Counter


def noop(_=None):
    return None


def spin(microseconds):
    """Uses so much CPU time, whoever else runs."""
    end = time.thread_time_ns() + microseconds * 1000
    while time.thread_time_ns() < end:
        pass


def echo(payload):
    return payload


def peek(payload):
    """The sum of the first bytes of all pages."""
    return sum(payload[::4096])


def text_file():
    return os.environ["JOBMILL_BENCH_TEXT"]


def words(part):
    """Counts of the words of the lines that begin in a range of the text."""
    offset, length = part
    with open(text_file(), "rb") as file:
        file.seek(max(offset - 1, 0))
        text = file.read(length + (1 if offset else 0))
        text += file.readline()
    begin = text.find(b"\n") + 1 if offset else 0
    return Counter(text[begin:].split())
