# SPDX-License-Identifier: MIT
"""Standard library: asyncio hands the sums to an executor and awaits whichever is done first."""

import asyncio
from concurrent.futures import ProcessPoolExecutor

from sums import sizes, sum_to_num


async def main():
    loop = asyncio.get_running_loop()
    with ProcessPoolExecutor() as executor:
        tasks = [loop.run_in_executor(executor, sum_to_num, size) for size in sizes()]
        for task in asyncio.as_completed(tasks):
            print("sum", await task, flush=True)


if __name__ == "__main__":
    asyncio.run(main())
