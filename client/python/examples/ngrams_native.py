# SPDX-License-Identifier: MIT
"""Beside ngrams_jobmill.py: the same ranges, counted by a handler of jobmill's in C++, without
pickle. One pool has both kinds of jobs."""

import asyncio

import counts
import progress
from jobmill.aio import Pool
from ngram_files import arguments, files_of, ranges


async def main(paths, workers):
    parts, totals = list(ranges(paths)), {}
    bar = progress.new_bar(len(parts), "map")
    async with Pool(workers) as pool:
        call = pool.options(retries=2).call
        jobs = [call("ngram.count", path=path, offset=at, length=size) for path, at, size in parts]
        async for job in pool.as_completed(jobs):
            counts.merge(totals, counts.read_counts(job.result()))
            bar.update()
    bar.close()
    counts.tell(totals)


if __name__ == "__main__":
    options = arguments(__doc__).parse_args()
    asyncio.run(main(files_of(options), options.workers))
