# SPDX-License-Identifier: MIT
"""Beside pool_apply.py: both run at once, and each result is asked for where it is needed."""

from jobmill import Executor
from sums import sizes, sum_to_num

if __name__ == "__main__":
    with Executor() as executor:
        futures = [executor.submit(sum_to_num, size) for size in sizes()]
        for future in futures:
            print("sum", future.result(), flush=True)
