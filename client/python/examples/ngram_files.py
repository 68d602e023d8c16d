# SPDX-License-Identifier: MIT
"""Files of lines ``ngram TAB year TAB match_count TAB volume_count``, as those of Google Books:
made here, or real ones."""

import argparse
import os
import random

WORKERS = 2
# About 60,000 lines, the original's slice.
RANGE_SIZE = 1_500_000

_LETTERS = "abc"
_ENDINGS = ("", "", "_NOUN", "_VERB", "_ADJ")
_FIRST_YEAR, _YEARS = 1500, 509


def arguments(text):
    """What every program of the map-reduce takes."""
    parser = argparse.ArgumentParser(description=text)
    parser.add_argument("--mib", type=int, default=150, help="how much data to make, once (150)")
    parser.add_argument("--data", nargs="+", metavar="FILE", help="real files, unpacked, instead")
    parser.add_argument("--workers", type=int, default=WORKERS, help=f"processes ({WORKERS})")
    return parser


def files_of(options):
    """The files that the command line means, as absolute paths: workers have a directory of their
    own."""
    if options.data:
        return [os.path.abspath(path) for path in options.data]
    return make_files(options.mib)


def ranges(paths, size=RANGE_SIZE):
    """(path, offset, length) of pieces of about that size, cut behind the end of a line."""
    for path in paths:
        with open(path, "rb") as file:
            end = file.seek(0, os.SEEK_END)
            begin = 0
            while begin < end:
                file.seek(min(begin + size, end))
                file.readline()
                yield path, begin, file.tell() - begin
                begin = file.tell()


def make_files(mib):
    """Three files, the same ones for the same size, kept for the next time."""
    if mib < 1:
        raise ValueError(f"mib: want at least 1, not {mib}")
    cache = os.environ.get("XDG_CACHE_HOME") or os.path.expanduser("~/.cache")
    directory = os.path.join(cache, "jobmill", f"ngram-python-{mib}")
    os.makedirs(directory, exist_ok=True)
    paths = [os.path.join(directory, "ng-" + letter) for letter in _LETTERS]
    for letter, path in zip(_LETTERS, paths):
        if not os.path.exists(path):
            # Under another name first, so that a file of that name is whole.
            draft = f"{path}.{os.getpid()}"
            with open(draft, "w", encoding="ascii") as file:
                _write(file, letter, (mib << 20) // len(_LETTERS))
            os.replace(draft, path)
    return paths


def _write(file, letter, size):
    # random() alone gives the same numbers in every version of Python.
    chance = random.Random(ord(letter)).random
    written, number = 0, 0
    while written < size:
        word = "Aardvark" if letter == "a" and number == 0 else _word(chance, letter, number)
        number += 1
        lines = []
        wanted = 20 + int(chance() * 141)
        for year in range(_YEARS):
            if chance() * (_YEARS - year) < wanted:
                wanted -= 1
                count = 1 + int(chance() * 3000)
                lines.append(f"{word}\t{_FIRST_YEAR + year}\t{count}\t{count // 7 or 1}\n")
        text = "".join(lines)
        file.write(text)
        written += len(text)


def _word(chance, letter, number):
    """Another one for each number: words are sorted, so that all years of one stand together."""
    tail = "".join("etaoinshrdlu"[int(chance() * 12)] for _ in range(int(chance() * 6)))
    first = letter.upper() if chance() < 0.5 else letter
    return f"{first}{_base26(number)}{tail}{_ENDINGS[int(chance() * 5)]}"


def _base26(number):
    digits = ""
    for _ in range(4):
        number, digit = divmod(number, 26)
        digits = chr(ord("a") + digit) + digits
    return digits
