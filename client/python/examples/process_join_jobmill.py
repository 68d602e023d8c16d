# SPDX-License-Identifier: MIT
"""Beside process_join.py: submit() has the value, nothing is joined, and whoever is done first
calls first."""

from jobmill import Executor
from sums import sizes, sum_to_num

if __name__ == "__main__":
    with Executor() as executor:
        for size in sizes():
            future = executor.submit(sum_to_num, size)
            future.add_done_callback(lambda done: print("sum", done.result(), flush=True))
