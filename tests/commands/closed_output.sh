#!/bin/sh
# SPDX-License-Identifier: MIT
# Standard descriptors that are closed: what cannot be printed is told, and nothing else takes their
# place. Usage: closed_output.sh BINDIR
# shellcheck disable=SC1091,SC2154  # place.sh says what is what
. "$(dirname "$0")/place.sh"
jobmill daemon start >/dev/null 2>&1 || exit 2

# closed WHAT WORD...: with standard output closed.
closed() {
    what=$1
    shift
    echo item | jobmill "$@" 2>"$place/err" >&-
    same "$what: code and text" "125 jobmill: writing the output: Bad file descriptor" \
        "$? $(cat "$place/err")"
}

echo "-- what cannot be printed is told"
closed run run echo hi
closed "a command" run -- echo hi
closed map map echo
closed "map in order" map -k -- echo
err=$(jobmill submit echo hi 2>&1 >&-)
same "submit: code" 125 $?
same "submit: what cannot be printed" "jobmill: writing the output: Bad file descriptor" "$(echo "$err" | head -n 1)"
has "submit: what was done nevertheless" "is submitted nevertheless" "$(echo "$err" | tail -n 1)"
closed status status
closed help --help
closed "JSON lines" --json ping
closed "where the daemon is" socket
jobmill run -- true >&-
same "nothing to print" 0 $?
jobmill run echo hi >&- 2>/dev/null
same "nobody hears it" 125 $?

echo "-- a reader who has left hears nothing, and nothing has failed"
mkfifo "$place/pipe" || exit 2
for words in --help --version status ping handlers socket 'daemon status' 'daemon log-level' reload; do
    exec 4<>"$place/pipe"
    exec 5>"$place/pipe"
    exec 4>&-
    # shellcheck disable=SC2086  # words
    jobmill $words 2>"$place/err" >&5
    same "$words: code and text" "141 " "$? $(cat "$place/err")"
    exec 5>&-
done

echo "-- nothing takes the place of what is closed"
same "input" "" "$(jobmill run -i -- cat <&-)"
same "errors are not wanted" "$(printf 'said\n0')" \
    "$(jobmill run -- sh -c 'echo said; echo lost >&2' 2>&-; echo $?)"
try run -- sh -c 'echo said; echo told >&2'
same "the daemon is well" "said told 0" "$out $err $code"
jobmill run echo hi <&- >&- 2>&-
same "all three" 125 $?
same "the daemon is well" hi "$(jobmill run echo hi)"

echo "-- nor what the daemon's program is asked"
for words in --help --version --check-config; do
    err=$(jobmilld "$words" 2>&1 >/dev/full)
    same "$words" "1 jobmilld: writing the output: No space left on device" "$? $err"
done

judge
