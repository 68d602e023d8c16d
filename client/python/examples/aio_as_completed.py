# SPDX-License-Identifier: MIT
"""Beside run_in_executor.py: jobmill's own pool for asyncio. No thread; leaving the block never
stops the loop; a sum that takes longer than a minute is really stopped."""

import asyncio

from jobmill.aio import Pool
from sums import sizes, sum_to_num


async def main():
    async with Pool() as pool:
        minute = pool.options(timeout=60)
        async for job in pool.as_completed([minute.submit(sum_to_num, size) for size in sizes()]):
            print("sum", await job, flush=True)


if __name__ == "__main__":
    asyncio.run(main())
