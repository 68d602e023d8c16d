#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Every line of the core and of the decoders is run by the quick tests, or has a reason.

usage: judge.py TREE REPORT REASONS

REPORT is what `gcovr --json` writes. REASONS has a line for each place that no test runs:

    FILE: SNIPPET -- REASON
    FILE: FIRST ... LAST -- REASON

A snippet is a part of the line's text, and found on one line of its file alone: so an entry outlives
changes elsewhere. The second form is for what lies between two lines, them included; LAST is looked
for from FIRST on. Empty lines and those that begin with # say nothing.

Lines without a reason are printed, and so are entries that are not needed. It fails for the former,
and for entries whose text is not there; that a line is run after all, by chance perhaps, is only told.
"""
import fnmatch
import json
import pathlib
import sys

# What comes from strangers is read by these; the core decides about everything.
ROOMS = {
    "core": ["daemon/core/*"],
    "decoders": [
        "common/codec*",
        "common/json_*",
        "common/meta_fields.hpp",
        "common/msgpack.*",
        "common/frame.*",
        "common/base64.*",
        "common/utf8.*",
        "common/halt.*",
        "common/cpu_list.*",
        "common/option_table.*",
        "common/attempts.*",
    ],
}


class Entry:
    """One line of the reasons: which lines of its file it speaks for."""

    def __init__(self, number, text):
        place, separator, self.reason = text.partition(" -- ")
        self.file, colon, snippet = place.partition(": ")
        self.first, _, self.last = snippet.strip().partition(" ... ")
        self.number = number
        self.fault = "" if separator and colon and self.first and self.reason.strip() else "no entry"
        self.needed = False

    def lines(self, texts):
        """The numbers of its lines, from 1; none when it is not clear which."""
        found = [i for i, text in enumerate(texts) if self.first in text]
        if len(found) != 1:
            self.fault = f"{len(found)} lines of {self.file} have this text: {self.first}"
            return range(0)
        start = end = found[0]
        if self.last:
            rest = [i for i in range(start + 1, len(texts)) if self.last in texts[i]]
            if not rest:
                self.fault = f"no later line of {self.file} has this text: {self.last}"
                return range(0)
            end = rest[0]
        return range(start + 1, end + 2)


def room_of(name):
    """The name of its room; none for a file that is not judged."""
    for room, patterns in ROOMS.items():
        if any(fnmatch.fnmatch(name, pattern) for pattern in patterns):
            return room
    return None


def read_entries(path):
    texts = enumerate(path.read_text(encoding="utf-8").splitlines(), 1)
    return [Entry(n, text) for n, text in texts if text.strip() and not text.startswith("#")]


def counted_lines(report):
    """For each judged file the lines that hold code, and how often each was run."""
    files = {}
    for file in report["files"]:
        if room_of(file["file"]):
            lines = files.setdefault(file["file"], {})
            for line in file["lines"]:
                if not line.get("gcovr/noncode"):
                    lines[line["line_number"]] = lines.get(line["line_number"], 0) + line["count"]
    return files


def main(tree, report, reasons):
    files = counted_lines(json.loads(pathlib.Path(report).read_text(encoding="utf-8")))
    entries = read_entries(pathlib.Path(reasons))
    all_lines = dict.fromkeys(ROOMS, 0)
    run_lines = dict.fromkeys(ROOMS, 0)
    explained = unexplained = 0
    for name, lines in sorted(files.items()):
        texts = (pathlib.Path(tree) / name).read_text(encoding="utf-8").splitlines()
        spoken_for = {}
        for entry in entries:
            if entry.file == name and not entry.fault:
                spoken_for.update(dict.fromkeys(entry.lines(texts), entry))
        uncovered = sorted(number for number, count in lines.items() if count == 0)
        all_lines[room_of(name)] += len(lines)
        run_lines[room_of(name)] += len(lines) - len(uncovered)
        for number in uncovered:
            if number in spoken_for:
                spoken_for[number].needed = True
                explained += 1
            else:
                unexplained += 1
                print(f"{name}:{number}: uncovered: {texts[number - 1].strip()}")
    wrong = 0
    for entry in entries:
        if entry.file not in files and not entry.fault:
            entry.fault = f"no such file is judged: {entry.file}"
        if entry.fault:
            wrong += 1
            print(f"{reasons}:{entry.number}: {entry.fault}")
        elif not entry.needed:
            print(f"{reasons}:{entry.number}: not needed, {entry.file} runs: {entry.first}")
    for room in ROOMS:
        if all_lines[room] == 0:
            wrong += 1
            print(f"{room}: the report has no line of it")
        else:
            share = 100 * run_lines[room] / all_lines[room]
            print(f"{room}: {share:.1f} % of {all_lines[room]} lines")
    print(f"{explained} uncovered with a reason, {unexplained} without, {wrong} entries wrong")
    return 1 if unexplained or wrong else 0


if __name__ == "__main__":
    if len(sys.argv) != 4:
        sys.exit("usage: judge.py TREE REPORT REASONS")
    sys.exit(main(*sys.argv[1:]))
