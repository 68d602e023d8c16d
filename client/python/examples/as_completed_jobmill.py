# SPDX-License-Identifier: MIT
"""as_completed.py with its import line changed, and nothing else (as_completed() stays the
standard library's, and knows these futures)."""

from concurrent.futures import as_completed
from jobmill import ProcessPoolExecutor

from sums import sizes, sum_to_num

if __name__ == "__main__":
    with ProcessPoolExecutor() as executor:
        futures = [executor.submit(sum_to_num, size) for size in sizes()]
        for future in as_completed(futures):
            print("sum", future.result(), flush=True)
