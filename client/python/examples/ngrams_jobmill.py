# SPDX-License-Identifier: MIT
"""Beside ngrams.py: jobs are ranges of the files, which the workers read; counts are merged as
they come. A job whose worker dies is run again."""

import asyncio

import counts
import progress
from jobmill.aio import Pool
from ngram_files import arguments, files_of, ranges


async def main(paths, workers):
    parts, totals = list(ranges(paths)), {}
    bar = progress.new_bar(len(parts), "map")
    async with Pool(workers) as pool:
        async for item in pool.options(retries=2).imap_unordered(counts.count_range, parts):
            counts.merge(totals, item.result())
            bar.update()
    bar.close()
    counts.tell(totals)


if __name__ == "__main__":
    options = arguments(__doc__).parse_args()
    asyncio.run(main(files_of(options), options.workers))
