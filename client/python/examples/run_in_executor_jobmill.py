# SPDX-License-Identifier: MIT
"""run_in_executor.py with its import line changed, and nothing else. A task that is cancelled
stops its job."""

import asyncio
from jobmill import ProcessPoolExecutor

from sums import sizes, sum_to_num


async def main():
    loop = asyncio.get_running_loop()
    with ProcessPoolExecutor() as executor:
        tasks = [loop.run_in_executor(executor, sum_to_num, size) for size in sizes()]
        for task in asyncio.as_completed(tasks):
            print("sum", await task, flush=True)


if __name__ == "__main__":
    asyncio.run(main())
