#!/bin/sh
# SPDX-License-Identifier: MIT
# What is said of a command line that makes no sense, or means something that is not there.
# Usage: mistakes.sh BINDIR
# shellcheck disable=SC1091,SC2154  # place.sh says what is what
. "$(dirname "$0")/place.sh"
cd "$place" || exit 2

echo "-- a socket that is none"
echo text >file
try -s "$place/file" ping
same "a file" "125 jobmill: $place/file is not a socket" "$code $err"
same "is left alone" text "$(cat file)"
try -s "$place" ping
same "a directory" "125 jobmill: $place is not a socket" "$code $err"
jobmill daemon start >/dev/null 2>&1 || exit 2
kill_daemon
try ping
has "a socket without a daemon" "it left the socket behind" "$err"

echo "-- words of a job, which nobody is asked to run"
odd=$(printf '\377')
# mistake TEXT WORD...: the text, and the code of a command line that makes no sense; no daemon.
mistake() {
    want=$1
    shift
    try "$@"
    same "$*" "2 jobmill: $want" "$code $err"
    fails "$*: a daemon" test -n "$(daemon_pid)"
}
mistake 'run: argument "nope": want KEY=VALUE or KEY:=TEXT' run -a nope sha256
mistake 'map: argument "x" is given twice' map -a x=1 -a x=2 echo
mistake 'run: argument "x" is not UTF-8' run -a "x=$odd" echo
mistake 'run: --label: "�" is not UTF-8' run -L "$odd" echo x
mistake 'submit: --pool: "�" is not UTF-8' submit -p "$odd" echo x
mistake 'run: HANDLER: "�" is not UTF-8' run "$odd" x
mistake "run: the command's word \"�\" is not UTF-8" run -- echo "$odd"
mistake '--label: "�" is not UTF-8' set --label "$odd" --weight 3
mistake '--pool: "�" is not UTF-8' set --pool "$odd" --weight 3
mistake '--batch: "�" is not UTF-8' cancel --batch "$odd"
mistake '--label: "�" is not UTF-8' cancel --label "$odd"
mistake '--pool: "�" is not UTF-8' bench --pool "$odd"
long=$(printf '%0129d' 0)
too_long="has 129 bytes; want at most 128"
mistake "run: HANDLER: $too_long" run "$long" x
mistake "run: --label: $too_long" run -L "$long" echo x
mistake "submit: --pool: $too_long" submit -p "$long" echo x
mistake "--pool: $too_long" bench --pool "$long"
mistake "--label: $too_long" set --label "$long" --weight 3
mistake "--batch: $too_long" cancel --batch "$long"
mistake 'log level "loud": want one of debug, info, warning, error' daemon log-level loud
for word in 0 x -1 1.5; do
    mistake "--jobs: \"$word\": want a whole number above 0" map -j "$word" echo
done
mistake '--jobs: "99999999999": want at most 4294967295' map -j 99999999999 echo
mistake 'run: --memory: "64": want a unit, as in "64 MiB" or "64 B"' run --memory 64 echo
mistake '--socket: is empty' -s '' run echo
mistake '--pool: is empty' map -p '' echo
mistake '--joblog: is empty' map --joblog '' echo
mistake 'no command "statsu"; did you mean "status"? jobmill --help tells more' statsu
mistake 'no command "xyz"; jobmill --help tells more' xyz 1 2
mistake 'not expected: a b; jobmill ping --help tells more' ping a b
mistake 'not expected: --time; jobmill run --help tells more' run echo x --time
big=$(head -c 40000 /dev/zero | tr '\0' b)
err=$(BIG=$big BIGGER=$big jobmill run -- true 2>&1)
has "an environment that is too large" "bytes; a command may have 65535 with its words" "$err"
mkdir "$place/$odd" || exit 2

echo "-- a handler's path that begins where the shell stands"
jobmill daemon start >/dev/null 2>&1 || exit 2
try run -a path=file sha256
has "where it was looked for" \
    "sha256: file: No such file or directory (looked for in /: no absolute path)" "$err"
try run -a "path=$place/nobody" sha256
no "an absolute one needs no such word" "looked for" "$err"

echo "-- a command without the word before it"
advice='no handler "./tool" in pool "default"; a command wants -- before it'
for command in run submit; do
    try "$command" ./tool
    same "$command" "jobmill: $advice" "$err"
done
err=$(echo x | jobmill map ./tool 2>&1)
has "map" "$advice" "$err"
try run sah256
no "who misspelt a handler" "--" "$err"

echo "-- an argument that nobody knows"
try run -a pth=/etc/hostname sha256
has "which, and which there are" 'sha256: no argument "pth"; there are path, offset, length' "$err"
same "its job has failed" 1 "$code"

echo "-- an input that becomes shorter while it is read"
mapped_or_gone() { gone "$1" || grep -qs "$place/input" "/proc/$1/maps"; }
for _ in 1 2 3 4; do
    truncate -s 400M "$place/input"
    jobmill run sha256 - <"$place/input" >"$place/out" 2>"$place/err" &
    eventually mapped_or_gone "$!"
    truncate -s 1000 "$place/input"
    wait $!
    code=$?
    # It may have been copied by then.
    case $code in
        0 | 125) ;;
        *) fault "the code is $code: $(cat "$place/err")" ;;
    esac
    checks=$((checks + 1))
done

echo "-- an input that an interrupt cuts short"
mkfifo "$place/fifo" || exit 2
before=$(jobmill submit echo)
# Who comes to its turn late sees the end of the input together with the signal.
nice -n 19 jobmill submit -i -- sh -c "cat >$place/got" <"$place/fifo" >"$place/out" 2>&1 &
exec 3>"$place/fifo"
head -c 200000 /dev/zero >&3 # more than a pipe holds: it reads
kill -TERM $!
exec 3>&-
wait $!
same "code and text" "143 " "$? $(cat "$place/out")"
same "the next job" "$((before + 1))" "$(jobmill submit echo)"
kill_daemon

cd "$place/$odd" || exit 2
try run -- pwd
same "a directory" "125 jobmill: the name of the current directory, \"$place/�\", is not UTF-8" \
    "$code $err"
same "is no matter to a handler" "125 jobmill" "$(jobmill run echo -- "125 jobmill")"
cd "$place" || exit 2

echo "-- the daemon's own command line"
# misused TEXT WORD...: of jobmilld.
misused() {
    want=$1
    shift
    err=$(jobmilld "$@" 2>&1)
    same "jobmilld $*" "2 jobmilld: $want; jobmilld --help tells more" "$? $err"
}
misused '--log-level: log level "loud": want one of debug, info, warning, error' -l loud
misused '--log-format: log format "xml": want one of auto, text, json, journal' --log-format xml
misused '--idle-timeout: "0s": want a duration above zero such as "10m"' --idle-timeout 0s
misused '--idle-timeout: "soon": want a duration above zero such as "10m"' --idle-timeout soon
misused '--socket: socket path "x.sock" is not absolute' -s x.sock
misused '--state-dir: "x" is not absolute' --state-dir x

judge
