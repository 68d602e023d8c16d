# SPDX-License-Identifier: MIT
"""Standard library: Pool.apply waits for its result, so the second sum begins when the first is
done."""

from multiprocessing import Pool

from sums import sizes, sum_to_num

if __name__ == "__main__":
    with Pool() as pool:
        for size in sizes():
            print("sum", pool.apply(sum_to_num, (size,)), flush=True)
