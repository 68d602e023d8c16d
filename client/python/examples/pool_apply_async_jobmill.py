# SPDX-License-Identifier: MIT
"""Beside pool_apply_async.py: first done, first delivered. A sum that fails, or whose worker
dies, is an item with an error; the others come all the same."""

from jobmill import Executor
from sums import sizes, sum_to_num

if __name__ == "__main__":
    with Executor() as executor:
        for item in executor.imap_unordered(sum_to_num, sizes()):
            print("sum", item.result(), flush=True)
