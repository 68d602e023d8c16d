# SPDX-License-Identifier: MIT
"""Beside gather.py: when one job fails, those that are left are stopped, which asyncio.gather()
does not do."""

import asyncio

from jobmill.aio import Pool
from sums import sizes, sum_to_num


async def main():
    async with Pool() as pool:
        jobs = [pool.submit(sum_to_num, size) for size in sizes()]
        for total in await pool.gather(*jobs):
            print("sum", total, flush=True)


if __name__ == "__main__":
    asyncio.run(main())
