#!/bin/sh
# SPDX-License-Identifier: MIT
# --json: a line for what fails, too, and one for what is large. Usage: json_lines.sh BINDIR
# shellcheck disable=SC1091,SC2154  # place.sh says what is what
. "$(dirname "$0")/place.sh"
printf '[pool.default]\nworkers = 1\n' >"$XDG_CONFIG_HOME/jobmill/jobmill.toml"
jobmill daemon start >/dev/null 2>&1 || exit 2

# line ID CODE EXIT_CODE TEXT WORD...: the line of an error, and the notice beside it.
line() {
    want="{\"op\":\"error\",${1:+\"id\":\"$1\",}\"code\":\"$2\","
    code_wanted=$3
    text=$4
    shift 4
    try --json "$@"
    has "$*" "$want" "$out"
    same "$*: lines" 1 "$(printf '%s\n' "$out" | wc -l)"
    has "$*: code and text" "$code_wanted jobmill: $text" "$code $err"
}

echo "-- what is not there"
line 4 not_found 1 "4: no such unfinished job" cancel 4
line "batch nightly" not_found 1 "batch nightly: no unfinished jobs" cancel -b nightly
line 4 not_found 1 "4: no job of that number was set aside" retry 4
line 1 unknown_pool 125 'no pool "nope"' bench -p nope
line 1 unknown_handler 125 'no handler "nope"' run nope
line 1 unknown_handler 125 'no handler "nope"' submit nope
line "" unknown_pool 125 'no pool "nope"' set -p nope --weight 3
for order in --json --ordered; do
    out=$(printf 'a\nb\n' | jobmill --json map "$order" nope 2>/dev/null)
    has "map $order" '"id":"1","code":"unknown_handler"' "$out"
done

echo "-- what does not succeed"
try --json bench --handler sum
has "a job of bench" '"state":"failed"' "$out"
same "code" 125 "$code"
job=$(jobmill submit sleep 60s)
eventually sh -c 'jobmill status | grep -q running'
try --json cancel --queued "$job"
has "a job that runs on" "{\"op\":\"cancelled\",\"id\":\"$job\",\"queued\":0,\"running\":1" "$out"
same "code" 1 "$code"
jobmill cancel "$job" >/dev/null

echo "-- what is large"
mkdir "$place/large" && cd "$place/large" || exit 2
# Each can be an item of a map, too.
tr -d '\000\n' </dev/urandom | head -c 1048576 >binary
head -c 1048576 /dev/zero | tr '\000' x >text
# result FILE: the payload of the one result in FILE.
result() {
    sed -n '/"op":"result"/s/.*"payload_b64":"\([^"]*\)".*/\1/p' "$1" | base64 -d
    sed -n '/"op":"result"/s/.*"payload":"\([^"]*\)".*/\1/p' "$1" | tr -d '\n'
}
for kind in binary text; do
    jobmill --json run echo - <"$kind" >of_run
    same "run, $kind" 0 $?
    jobmill --json wait "$(jobmill submit echo - <"$kind")" >of_wait
    same "wait, $kind" 0 $?
    jobmill --json map -0 echo <"$kind" >of_map
    same "map, $kind" 0 $?
    jobmill --json map -0 --ordered echo <"$kind" >of_ordered
    for way in of_run of_wait of_map of_ordered; do
        result "$way" >got
        holds "$way, $kind: one line has it all" cmp "$kind" got
    done
done

echo "-- where the daemon is"
try --json socket
same "the path" "{\"socket\":\"$socket\"} 0" "$out $code"

judge
