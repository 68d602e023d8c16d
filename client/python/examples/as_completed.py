# SPDX-License-Identifier: MIT
"""Standard library: as_completed() of concurrent.futures gives completion order, without
asyncio."""

from concurrent.futures import as_completed
from concurrent.futures import ProcessPoolExecutor

from sums import sizes, sum_to_num

if __name__ == "__main__":
    with ProcessPoolExecutor() as executor:
        futures = [executor.submit(sum_to_num, size) for size in sizes()]
        for future in as_completed(futures):
            print("sum", future.result(), flush=True)
