# SPDX-License-Identifier: MIT
"""executor_map.py with its import line changed, and nothing else: the same order, which is what
map() promises. Completion order is in pool_apply_async_jobmill.py."""

from jobmill import ProcessPoolExecutor

from sums import sizes, sum_to_num

if __name__ == "__main__":
    with ProcessPoolExecutor() as executor:
        for total in executor.map(sum_to_num, sizes()):
            print("sum", total, flush=True)
