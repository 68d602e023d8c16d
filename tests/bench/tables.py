# SPDX-License-Identifier: MIT
"""From the lines of a run to tables: medians, spreads, and ratios to jobmill. Pure: no clock, no
file, no process.

A line is a result of one program in one round: its bench, its peer, its case where it has several,
and its figures. Each figure has a column; what a peer cannot do has its reason instead.
"""

import statistics
from collections import namedtuple

OURS = "jobmill"

# One column of a workload's table: of which case, which figure, in which unit, and whether more of
# it is better.
Column = namedtuple("Column", "title case figure unit more_is_better", defaults=("", False))

ABOUT_THE_LINE = ("bench", "peer", "case", "round", "skipped")


def flattened(members, prefix=""):
    """The numbers of a line, nested ones under a name with dots."""
    found = {}
    items = enumerate(members, 1) if isinstance(members, list) else members.items()
    for name, value in items:
        if prefix == "" and name in ABOUT_THE_LINE:
            continue
        if isinstance(value, (dict, list)):
            found.update(flattened(value, f"{prefix}{name}."))
        elif isinstance(value, (int, float)) and not isinstance(value, bool):
            found[f"{prefix}{name}"] = value
    return found


class Results:
    """All lines of a run."""

    def __init__(self):
        self._figures = {}  # (bench, case, figure) -> peer -> round -> value
        self._reasons = {}  # (bench, case) -> peer -> why there is none

    def add(self, line, turn):
        """Takes a line of that round."""
        bench = line["bench"]
        case = line.get("case", "")
        peer = line.get("peer", OURS)
        if "skipped" in line:
            self._reasons.setdefault((bench, case), {})[peer] = line["skipped"]
        for figure, value in flattened(line).items():
            by_peer = self._figures.setdefault((bench, case, figure), {})
            by_peer.setdefault(peer, {})[turn] = value

    def values(self, bench, case, figure, peer):
        """By round."""
        return self._figures.get((bench, case, figure), {}).get(peer, {})

    def reason(self, bench, case, peer):
        """Of that case, or of the whole workload; empty when there is none."""
        of_case = self._reasons.get((bench, case), {}).get(peer)
        return of_case or self._reasons.get((bench, ""), {}).get(peer, "")

    def peers(self, bench):
        """Ours first, the others in the order in which they came."""
        found = {}
        for (name, _, _), by_peer in self._figures.items():
            if name == bench:
                found.update(dict.fromkeys(by_peer))
        for (name, _), by_peer in self._reasons.items():
            if name == bench:
                found.update(dict.fromkeys(by_peer))
        return sorted(found, key=lambda peer: peer != OURS)

    def keys(self, bench):
        """The cases and figures of a bench, in the order in which they came."""
        return [(case, figure) for name, case, figure in self._figures if name == bench]


def ratio(ours, theirs, more_is_better):
    """How many times better ours is: the median of the rounds that both have; none without one."""
    ratios = []
    for turn in ours.keys() & theirs.keys():
        over, under = (ours, theirs) if more_is_better else (theirs, ours)
        if under[turn] > 0:
            ratios.append(over[turn] / under[turn])
    return statistics.median(ratios) if ratios else None


def number(value):
    """Three digits that mean something, thousands parted."""
    if value == 0:
        return "0"
    size = abs(value)
    if size >= 100:
        return f"{float(f'{value:.3g}'):,.0f}"
    if size >= 10:
        return f"{value:.1f}"
    return f"{value:.2f}" if size >= 1 else f"{value:.2g}"


def spread(values):
    """Median and, of several rounds, the least and the most."""
    median = number(statistics.median(values))
    least, most = number(min(values)), number(max(values))
    return median if least == most else f"{median} ({least}–{most})"


def cell(results, bench, column, peer):
    theirs = results.values(bench, column.case, column.figure, peer)
    if not theirs:
        return "–"
    text = spread(theirs.values())
    if peer == OURS:
        return text
    ours = results.values(bench, column.case, column.figure, OURS)
    times = ratio(ours, theirs, column.more_is_better)
    return text if times is None else f"{text} ×{number(times)}"


def markdown(heads, rows):
    lines = ["| " + " | ".join(heads) + " |", "|" + "---|" * len(heads)]
    return "\n".join(lines + ["| " + " | ".join(row) + " |" for row in rows])


def reasons(results, bench, columns, peers):
    """Sentences about the figures that are missing, one for all peers that share a reason."""
    found = {}
    for peer in peers:
        missing = [column for column in columns
                   if not results.values(bench, column.case, column.figure, peer)]
        whys = dict.fromkeys(results.reason(bench, column.case, peer) for column in missing)
        for why in filter(None, whys):
            titles = [column.title for column in missing
                      if results.reason(bench, column.case, peer) == why]
            which = "" if len(titles) == len(columns) else ", ".join(titles)
            found.setdefault((why, which), []).append(peer)
    return [f"{', '.join(named)}{f' ({which})' if which else ''}: {why}"
            for (why, which), named in found.items()]


def table(results, bench, columns):
    """A workload's table, and beneath it why figures are missing; empty without any line."""
    peers = results.peers(bench)
    heads = [""] + [f"{column.title} {column.unit}".strip() for column in columns]
    rows = []
    for peer in peers:
        cells = [cell(results, bench, column, peer) for column in columns]
        if any(each != "–" for each in cells):
            rows.append([peer] + cells)
    parts = [markdown(heads, rows)] if rows else []
    if notes := reasons(results, bench, columns, peers):
        parts.append("Not measured: " + "; ".join(notes) + ".")
    return "\n\n".join(parts)


def listing(results, bench):
    """The figures of what only we are measured by."""
    rows = []
    for case, figure in results.keys(bench):
        values = results.values(bench, case, figure, OURS).values()
        if values:
            rows.append([case, f"`{figure}`", spread(values)])
    return markdown(["case", "figure", "value"], rows) if rows else ""


def replaced(document, text, begin, end):
    """The document with this between the two lines that mark what is generated."""
    before, mark, rest = document.partition(begin + "\n")
    _, closing, after = rest.partition(end)
    if not mark or not closing:
        raise ValueError("the document has no generated part")
    return f"{before}{mark}{text}\n{closing}{after}"
