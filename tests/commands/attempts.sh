#!/bin/sh
# SPDX-License-Identifier: MIT
# What is told of a job's attempts, by whichever command one hears of it. Usage: attempts.sh BINDIR
# shellcheck disable=SC1091,SC2154,SC2086  # place.sh says what is what; $twice is several words
. "$(dirname "$0")/place.sh"
printf '[pool.default]\nworkers = 2\n' >"$XDG_CONFIG_HOME/jobmill/jobmill.toml"
jobmill daemon start >/dev/null 2>&1 || exit 2
twice="-r failure=1 --backoff 1ms"
echo ten >"$place/ten"

# What somebody sees who looks on: both streams, from a terminal.
on_terminal() { script -qec "$1" /dev/null </dev/null; }

echo "-- at the end, where nobody looks on"
try run $twice sum ten
has "run" "  attempt 1 failed: sum: not a number" "$err"
err=$(jobmill map $twice sum 2>&1 <"$place/ten")
has "map" "  attempt 1 failed: sum: not a number" "$err"
job=$(jobmill submit $twice sum ten)
try wait "$job" "$(jobmill submit sum 1)"
has "wait" "  attempt 1 failed: sum: not a number" "$err"
err=$(jobmill map -q $twice sum 2>&1 <"$place/ten")
no "quiet" "attempt 1" "$err"

echo "-- as they happen, for who looks on"
told=$(on_terminal "jobmill run $twice sum ten")
has "run" ": attempt 1 failed: sum: not a number" "$told"
no "and not again" "  attempt 1" "$told"
told=$(on_terminal "jobmill map $twice sum <'$place/ten'")
has "map" ": attempt 1 failed: sum: not a number" "$told"
no "and not again" "  attempt 1" "$told"
printf '1\n2\n3\nten\n' >"$place/ten"
told=$(on_terminal "jobmill map $twice sum <'$place/ten'")
has "among many" ": attempt 1 failed: sum: not a number" "$told"
has "what succeeds says nothing but its result" "3 done, 1 failed" "$told"
judge
