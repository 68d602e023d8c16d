#!/bin/sh
# SPDX-License-Identifier: MIT
# jobmill bench: what it says, and what it says instead. Usage: bench.sh BINDIR
# shellcheck disable=SC1091,SC2154  # place.sh says what is what
. "$(dirname "$0")/place.sh"

echo "-- without a daemon there is nothing to measure, and none is started"
try bench
same "code" 125 "$code"
has "why" "no daemon" "$err"
same "no daemon" "" "$(daemon_pid)"

echo "-- a line for each number of unfinished jobs"
try daemon start
try bench
same "code" 0 "$code"
same "nothing else" "" "$err"
same "numbers" "UNFINISHED 1 10 100 1000" "$(printf '%s\n' "$out" | awk '{ print $1 }' | xargs)"
has "times" " us" "$(printf '%s\n' "$out" | sed -n 2p)"
no "times" " us" "$(printf '%s\n' "$out" | sed -n 3p)"
same "no job is left" 0 "$(jobmill status --json | grep -c '"state":"running"')"

echo "-- an interrupt ends it with what it has"
ended() { jobmill status --json | sed -n 's/.*"done":\([0-9]*\).*/\1/p'; }
begun() { [ "$(ended)" -gt "$before" ]; }
before=$(ended)
jobmill bench --json >"$place/out" 2>"$place/err" &
bench=$!
eventually begun
kill -TERM $bench
wait $bench
same "code" 143 "$?"
has "what it has" '{"bench":[{"unfinished":1,"jobs":' "$(cat "$place/out")"
no "no more" '"unfinished":1000' "$(cat "$place/out")"
same "nothing else" "" "$(cat "$place/err")"
same "the daemon goes on" 5050 "$(jobmill run sum 100)"

echo "-- a handler that is not there, one that cannot do without a payload, a pool that is not there"
try bench --handler nothing
same "code" 125 "$code"
has "which" 'no handler "nothing"' "$err"
has "what to do" "jobmill handlers" "$err"
try bench --handler sum
has "why it failed" "sum: not a number" "$err"
has "what to do" "jobmill handlers" "$err"
try bench --pool nowhere
has "which" nowhere "$err"

echo "-- a pool whose workers are busy"
config=$XDG_CONFIG_HOME/jobmill/jobmill.toml
reset
printf '[pool.default]\nworkers = 2\n' >"$config"
jobmill daemon start >/dev/null
jobmill submit sleep 60s >/dev/null
jobmill submit sleep 60s >/dev/null
start=$(date +%s)
try bench
same "code" 1 "$code"
holds "it does not wait for them" test $(($(date +%s) - start)) -lt 40
same "lines" "UNFINISHED 1 10 100 1000" "$(printf '%s\n' "$out" | awk '{ print $1 }' | xargs)"
same "why" "jobmill: not measured: 1, 10, 100, 1000 unfinished: no job ended in that time; jobmill status tells what keeps them" "$err"
no "its jobs" echo "$(jobmill status)"

echo "-- a pool in which no job begins"
reset
printf 'min_free_memory = "1000000 GiB"\n[pool.default]\nworkers = 2\n' >"$config"
jobmill daemon start >/dev/null
try --json bench
same "code" 1 "$code"
has "JSON" '{"bench":[{"unfinished":1,"jobs":0,"not_measured":"no job ended' "$out"
has "JSON" '{"unfinished":1000,"jobs":0,"not_measured":"no job ended' "$out"
has "why" "not measured: 1, 10, 100, 1000 unfinished: " "$err"
no "its jobs" echo "$(jobmill status)"

echo "-- a daemon that stops meanwhile"
reset
jobmill daemon start >/dev/null
jobmill set --max-running 1 >/dev/null
queued() { jobmill status --json | sed -n 's/.*"queued":\([0-9]*\).*/\1/p'; }
several() { [ "$(queued)" -gt 1 ]; }
jobmill bench --json >"$place/out" 2>"$place/err" &
bench=$!
holds "several at once" eventually several
jobmill daemon stop >/dev/null
wait $bench
same "code" 125 "$?"
measured=$(sed -n 's/.*\({"bench":.*\)/\1/p' "$place/out")
has "what it has" '{"bench":[{"unfinished":1,"jobs":' "$measured"
has "what it has" '"p99_us":' "$measured"
has "what is missing" '{"unfinished":1000,"jobs":0,"not_measured":"' "$measured"
has "why" "1000 unfinished: " "$(cat "$place/err")"
judge
