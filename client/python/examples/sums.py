# SPDX-License-Identifier: MIT
"""The job of the small examples: a CPU kept busy, and nothing else."""

import sys
import time


def sum_to_num(last):
    start = time.perf_counter()
    total = 0
    for number in range(last + 1):
        total += number
    print(f"summed up to {last} in {time.perf_counter() - start:.2f} s", flush=True)
    return total


def sizes():
    """The command line's; without any, the longer job is submitted first."""
    return [int(word) for word in sys.argv[1:]] or [200_000_000, 50_000_000]
