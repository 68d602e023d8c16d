# SPDX-License-Identifier: MIT
"""Standard library: Pool.apply_async runs both at once, but get() is called in the order of their
start: the shorter sum waits for the longer one. (Pool.imap_unordered would not.)"""

from multiprocessing import Pool

from sums import sizes, sum_to_num

if __name__ == "__main__":
    with Pool() as pool:
        results = [pool.apply_async(sum_to_num, (size,)) for size in sizes()]
        for result in results:
            print("sum", result.get(), flush=True)
