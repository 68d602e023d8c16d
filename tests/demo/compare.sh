#!/bin/sh
# SPDX-License-Identifier: MIT
# `jobmill demo --compare` on a little data: both sides count the same, and nothing stays behind,
# not even when it is interrupted. Usage: compare.sh JOBMILL
set -eu
jobmill=${1:?usage: compare.sh JOBMILL}
if ! command -v python3 >/dev/null; then
    echo "skipped: there is no python3 here"
    exit 77
fi
place=$(mktemp -d)
trap 'rm -rf "$place"' EXIT
mkdir "$place/tmp"
export TMPDIR="$place/tmp" HOME="$place" XDG_RUNTIME_DIR="$place/tmp"

complain() {
    echo "compare.sh: $*" >&2
    [ ! -f "$place/said" ] || cat "$place/said" >&2
    exit 1
}

# Processes with our directory in their command line, where the data and the daemon's socket are;
# with an argument only those that name that program as well.
ours() {
    grep -laF -e "$place" /proc/[0-9]*/cmdline 2>/dev/null | while read -r line; do
        grep -laF -e "${1:-}" "$line" 2>/dev/null || true
    done
}

nothing_left() {
    tries=0
    while [ -n "$(ours)" ] || [ -n "$(ls "$place/tmp")" ]; do
        tries=$((tries + 1))
        [ "$tries" -lt 100 ] || complain "$1 left: $(ours) $(ls "$place/tmp")"
        sleep 0.1
    done
}

has() {
    grep -q "$1" "$place/said" || complain "no line like: $1"
}

for name in a b; do
    awk -v name="$name" 'BEGIN {
        for (i = 0; i < 4000; i++)
            for (year = 1980; year < 2000; year++)
                printf "%sword%d\t%d\t%d\t1\n", name, i, year, i + 1
        for (year = 1900; year < 1910; year++) printf "Aardvark\t%d\t7\t1\n", year
    }' >"$place/$name.tsv"
done

"$jobmill" demo --compare --data "$place/a.tsv" "$place/b.tsv" >"$place/said" ||
    complain "it left with $?"
has '^3 MB, 2 workers each  *asyncio, ProcessPool  *jobmill$'
has '^Aardvark has appeared  *140 times\.  *140 times\.$'
has '^start to answer  *[0-9.]* m\{0,1\}s  *[0-9.]* m\{0,1\}s  ([0-9.]* times faster)$'
has '^first partial result  *[0-9.]* m\{0,1\}s  *[0-9.]* m\{0,1\}s$'
has '^longest stall of a loop  *[0-9.]* m\{0,1\}s  *[0-9.]* m\{0,1\}s$'
has '^peak memory  *[1-9][0-9]* MB  *[1-9][0-9]* MB$'
has '^one worker SIGKILLed  *\(all lost (3 of 3)\|done before\).*same answer$'
nothing_left "a comparison"

# Interrupted while the program that is named runs.
for program in python3 jobmilld; do
    "$jobmill" demo --compare --data "$place/a.tsv" "$place/b.tsv" >"$place/said" 2>&1 &
    running=$!
    tries=0
    until [ -n "$(ours "$program")" ]; do
        tries=$((tries + 1))
        [ "$tries" -lt 2000 ] || complain "$program was not started"
    done
    kill -TERM "$running"
    code=0
    wait "$running" || code=$?
    [ "$code" -eq 143 ] || complain "interrupted, it left with $code and not with 143"
    nothing_left "a comparison interrupted in $program"
done
