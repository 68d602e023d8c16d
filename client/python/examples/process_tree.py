# SPDX-License-Identifier: MIT
"""What /proc knows of a process and of those it has started. A process that has left is
nobody."""

import os


def descendants(pid):
    """Children first, then theirs."""
    found = [pid]
    for each in found:
        try:
            threads = os.listdir(f"/proc/{each}/task")
            for thread in threads:
                found += map(int, _read(f"/proc/{each}/task/{thread}/children").split())
        except OSError:
            continue
    return found[1:]


def name_of(pid):
    try:
        return _read(f"/proc/{pid}/comm").strip()
    except OSError:
        return ""


def peak_memory(pid):
    """The most bytes that it ever had in memory, those it shares with others included."""
    return _kilobytes(f"/proc/{pid}/status", "VmHWM:")


def own_memory(pid):
    """What it has in memory now; of what n processes share, an n-th."""
    return _kilobytes(f"/proc/{pid}/smaps_rollup", "Pss:")


def _kilobytes(path, field):
    try:
        for line in _read(path).splitlines():
            if line.startswith(field):
                return int(line.split()[1]) * 1024
    except OSError:
        pass
    return 0


def _read(path):
    with open(path, encoding="utf-8", errors="replace") as file:
        return file.read()
