# SPDX-License-Identifier: MIT
"""Standard library: the map-reduce as it is often shown. Every line is read into this process,
slices of lines are pickled to a ProcessPoolExecutor, and the counts are merged when all of them
are there."""

import asyncio
import functools
from concurrent.futures import ProcessPoolExecutor

import counts
import progress
from ngram_files import arguments, files_of

LINES_OF_A_SLICE = 60_000


def read_lines(path):
    with open(path, encoding="utf-8") as file:
        return file.readlines()


async def read_all(paths):
    reads = [asyncio.ensure_future(asyncio.to_thread(read_lines, path)) for path in paths]
    return [line for lines in await progress.gather("read", reads) for line in lines]


def slices(lines, size):
    for first in range(0, len(lines), size):
        yield lines[first : first + size]


async def map_slices(parts, workers):
    loop = asyncio.get_running_loop()
    with ProcessPoolExecutor(workers) as executor:
        tasks = [loop.run_in_executor(executor, counts.count_lines, part) for part in parts]
        return await progress.gather("map", tasks)


async def main(paths, workers):
    lines = await read_all(paths)
    partial = await map_slices(slices(lines, LINES_OF_A_SLICE), workers)
    counts.tell(functools.reduce(counts.merge, partial, {}))


if __name__ == "__main__":
    options = arguments(__doc__).parse_args()
    asyncio.run(main(files_of(options), options.workers))
