#!/bin/sh
# SPDX-License-Identifier: MIT
# A reader of the output who stands still, as a pager does, for longer than the daemon waits for its
# clients: he loses nothing. And a disk that takes nothing at all. Usage: standing_reader.sh BINDIR
# shellcheck disable=SC1091,SC2154  # place.sh says what is what
. "$(dirname "$0")/place.sh"
cat >"$XDG_CONFIG_HOME/jobmill/jobmill.toml" <<'END'
stall_timeout = "300ms"
[pool.default]
workers = 2
END
jobmill daemon start >/dev/null 2>&1 || exit 2
mkfifo "$place/go" "$place/begin"

# What a pager gets that stands until it is told to go on.
stand() { read -r _ <"$place/go" && cat; }

ended() { jobmill status --json | sed 's/.*"done":\([0-9]*\).*/\1/'; }
ended_are() { [ "$(ended)" = "$1" ]; }

# Until he has stood longer than the daemon would wait.
long_enough() { [ "$(date +%s%N)" -gt "$until" ]; }
let_him_stand() {
    until=$(($(date +%s%N) + 900000000))
    eventually long_enough
}
go_on() { echo >"$place/go"; }

echo "-- run"
{
    jobmill run -- seq 2000000 2>"$place/err"
    echo $? >"$place/code"
} | stand | cksum >"$place/got" &
holds "the job ends while nobody reads" eventually ended_are 1
let_him_stand
go_on
wait $!
same "all of it" "$(seq 2000000 | cksum)" "$(cat "$place/got")"
same "the code is the job's" 0 "$(cat "$place/code")"
same "nothing to say" "" "$(cat "$place/err")"
rm "$place/code"

echo "-- both streams in one pipe"
# shellcheck disable=SC2016  # for the other shell
script='i=0; while [ $i -lt 40000 ]; do i=$((i + 1)); echo "out $i"; echo "err $i" >&2; done; exit 7'
jobmill run -- sh -c "$script" 2>&1 | stand >"$place/got" &
holds "the job ends while nobody reads" eventually ended_are 2
let_him_stand
go_on
wait $!
same "the one" 40000 "$(grep -c '^out' "$place/got")"
same "the other" 40000 "$(grep -c '^err' "$place/got")"

echo "-- map"
seq 300 | jobmill map -j 4 --joblog "$place/log" -- sh -c 'seq 20000; echo last {}' |
    stand >"$place/got" &
let_him_stand
count=$(($(ended) - 2))
holds "no more items are taken than he might soon want" [ "$count" -lt 100 ]
holds "what he has not got is not in the log" [ "$(wc -l <"$place/log")" -lt "$count" ]
go_on
wait $!
same "all of it" 6000300 "$(wc -l <"$place/got")"
same "job by job" "$(seq 300)" "$(sed -n 's/^last //p' "$place/got" | sort -n)"
same "and all is in the log" 301 "$(wc -l <"$place/log")"

echo "-- wait"
job=$(jobmill submit -- sh -c "echo begun; read -r _ <'$place/begin'; seq 2000000")
jobmill wait "$job" | stand | cksum >"$place/got" &
holds "it is read" eventually sh -c "echo >'$place/begin'"
holds "the job ends while nobody reads" eventually ended_are 303
let_him_stand
go_on
wait $!
same "all of it" "$( (echo begun; seq 2000000) | cksum)" "$(cat "$place/got")"

echo "-- an interrupt"
{
    sh -c "echo \$\$ >'$place/pid'; exec jobmill run -- seq 2000000"
    echo $? >"$place/code"
} | stand >/dev/null &
holds "the job ends while nobody reads" eventually ended_are 304
kill -TERM "$(cat "$place/pid")"
holds "it does not wait for him" eventually grep -qs 143 "$place/code"
go_on
wait $!

echo "-- a full disk"
for words in "run sum 100" "map sum" "status"; do
    # shellcheck disable=SC2086  # several words
    echo 100 | jobmill $words >/dev/full 2>"$place/err"
    same "the code of $words" 125 $?
    has "the reason of $words" "No space left on device" "$(cat "$place/err")"
done
cd "$place" || exit 2
jobmill run -- sh -c 'echo told; echo told >&2; sleep 20' >"$place/out" 2>/dev/full
same "the code where nothing can be said to the error output" "125 told" "$? $(cat "$place/out")"
job=$(jobmill submit sum 100)
jobmill wait "$job" >/dev/full 2>"$place/err"
same "the code of wait" 125 $?
has "what is lost" "the result of job $job is lost: it is told once" "$(cat "$place/err")"
one=$(jobmill submit sum 100)
jobmill wait "$one" "$(jobmill submit sum 100)" >/dev/full 2>"$place/err"
same "the code of wait for several" 125 $?
has "what is lost of several" "is lost: it is told once" "$(cat "$place/err")"
jobmill submit sum 100 >/dev/full 2>"$place/err"
same "the code of submit" 125 $?
holds "what is not" grep -q 'job [0-9]* is submitted nevertheless' "$place/err"
for words in --help --version "run --help"; do
    # shellcheck disable=SC2086  # several words
    jobmill $words >/dev/full 2>"$place/err"
    same "the code of $words" 125 $?
done

echo "-- closed standard descriptors"
timeout 20 jobmill map sum <&- >"$place/out" 2>&1
same "a closed input is an empty one" "0 " "$? $(cat "$place/out")"
jobmill run -- sh -c 'echo told >&2; exit 3' 2>&-
same "a closed error output costs no exit code" 3 "$?"
err=$(jobmill run sum 10 2>&1 >&-)
same "a closed output is told" "125 jobmill: writing the output: Bad file descriptor" "$? $err"
judge
