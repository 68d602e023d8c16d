# SPDX-License-Identifier: MIT
"""The map and the reduce, the same ones for every program here."""


def count_lines(lines):
    """Lines as text, as the original has them."""
    totals = {}
    for line in lines:
        word, _, count, _ = line.split("\t")
        totals[word] = totals.get(word, 0) + int(count)
    return totals


def count_range(part):
    """Lines of a file, read by whoever counts them."""
    path, offset, length = part
    with open(path, "rb") as file:
        file.seek(offset)
        lines = file.read(length).decode().split("\n")
    if lines[-1] == "":
        lines.pop()
    return count_lines(lines)


def read_counts(answer):
    """What the native handler ngram.count answers: lines ``ngram TAB count``."""
    pairs = (line.split("\t") for line in bytes(answer).decode().splitlines())
    return {word: int(count) for word, count in pairs}


def merge(totals, more):
    for word, count in more.items():
        totals[word] = totals.get(word, 0) + count
    return totals


def tell(totals, word="Aardvark"):
    print(f"{word} has appeared {totals.get(word, 0)} times.", flush=True)
