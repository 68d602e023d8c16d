# SPDX-License-Identifier: MIT
"""Standard library: asyncio.gather() for all sums at once, in the order in which they were asked
for."""

import asyncio
from concurrent.futures import ProcessPoolExecutor

from sums import sizes, sum_to_num


async def main():
    loop = asyncio.get_running_loop()
    with ProcessPoolExecutor() as executor:
        tasks = [loop.run_in_executor(executor, sum_to_num, size) for size in sizes()]
        for total in await asyncio.gather(*tasks):
            print("sum", total, flush=True)


if __name__ == "__main__":
    asyncio.run(main())
