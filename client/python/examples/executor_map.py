# SPDX-License-Identifier: MIT
"""Standard library: map() of an executor answers in the order of its items."""

from concurrent.futures import ProcessPoolExecutor

from sums import sizes, sum_to_num

if __name__ == "__main__":
    with ProcessPoolExecutor() as executor:
        for total in executor.map(sum_to_num, sizes()):
            print("sum", total, flush=True)
