#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""Writes a text of lower-case words, some frequent and most rare, the same each time.

Usage: make_text.py FILE MEGABYTES
"""

import os
import random
import sys

WORDS = 50_000
WORDS_A_LINE = 12
LINES_A_BLOCK = 10_000
LETTERS = "etaoinshrdlcumwfgypbvkjxqz"


def vocabulary(chance):
    """Words of two letters or more, so that every peer's idea of a word holds."""
    weights = range(len(LETTERS), 0, -1)
    return ["".join(chance.choices(LETTERS, weights=weights, k=chance.choice((2, 3, 4, 5, 6, 8, 11))))
            for _ in range(WORDS)]


def write(path, size):
    chance = random.Random(1)
    words = vocabulary(chance)
    cumulative = []
    total = 0.0
    for rank in range(WORDS):
        total += 1 / (rank + 4)
        cumulative.append(total)
    with open(path + ".new", "w", encoding="ascii") as file:
        left = size
        while left > 0:
            some = chance.choices(words, cum_weights=cumulative, k=WORDS_A_LINE * LINES_A_BLOCK)
            lines = (" ".join(some[i:i + WORDS_A_LINE]) for i in range(0, len(some), WORDS_A_LINE))
            block = "\n".join(lines) + "\n"
            if len(block) > left:  # whole lines only: no word is cut into one that is none
                block = block[:block.rfind("\n", 0, left) + 1] or "\n"
                left = len(block)
            file.write(block)
            left -= len(block)
    os.rename(path + ".new", path)


if __name__ == "__main__":
    if len(sys.argv) != 3:
        sys.exit(__doc__)
    write(sys.argv[1], int(sys.argv[2]) * 1_000_000)
