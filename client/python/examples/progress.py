# SPDX-License-Identifier: MIT
"""A bar that moves with each finished job: tqdm's, or one of plain text where there is no
tqdm."""

import asyncio
import sys

try:
    from tqdm import tqdm
except ImportError:
    tqdm = None


class TextBar:
    """The little of tqdm that is needed here."""

    _WIDTH = 24

    def __init__(self, total, desc):
        self._total, self._desc, self._done = total, desc, 0

    def update(self, count=1):
        self._done += count
        full = self._WIDTH * self._done // max(self._total, 1)
        bar = "#" * full + "." * (self._WIDTH - full)
        sys.stderr.write(f"\r{self._desc} [{bar}] {self._done}/{self._total}")
        sys.stderr.flush()

    def close(self):
        sys.stderr.write("\n")


def new_bar(total, desc):
    return TextBar(total, desc) if tqdm is None else tqdm(total=total, desc=desc)


async def gather(desc, futures):
    """asyncio.gather() with a bar."""
    bar = new_bar(len(futures), desc)
    for future in futures:
        future.add_done_callback(lambda _: bar.update())
    try:
        return await asyncio.gather(*futures)
    finally:
        bar.close()
