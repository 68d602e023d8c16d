#!/bin/sh
# SPDX-License-Identifier: MIT
# A client that gives work starts the user's daemon. Usage: starts_itself.sh BINDIR
# shellcheck disable=SC1091,SC2154  # place.sh says what is what
. "$(dirname "$0")/place.sh"

echo "-- the first job needs no set-up and says nothing but its result"
try run sum 100
same "code" 0 "$code"
same "result" 5050 "$out"
same "standard error" "" "$err"
pid=$(daemon_pid)
holds "a daemon stays" alive "$pid"
try run sum 4
same "the next one uses it" "10 $pid" "$out $(daemon_pid)"

echo "-- the daemon belongs to nobody"
same "directory" / "$(readlink "/proc/$pid/cwd")"
same "log" "$log" "$(readlink "/proc/$pid/fd/2")"
own_session=$(ps -o sid= -p $$)
fails "a session of its own" test "$(ps -o sid= -p "$pid")" = "$own_session"
reset
FOREIGN=1 LC_TIME=C JOBMILL_WORD=2 jobmill run sum 1 >/dev/null 9>"$place/descriptor"
pid=$(daemon_pid)
environment=$(tr '\0' '\n' <"/proc/$pid/environ")
no "environment" FOREIGN= "$environment"
has "environment" LC_TIME=C "$environment"
has "environment" JOBMILL_WORD=2 "$environment"
has "environment" "XDG_RUNTIME_DIR=$XDG_RUNTIME_DIR" "$environment"
has "idle time" "--idle-timeout 10m" "$(tr '\0' ' ' <"/proc/$pid/cmdline")"
for entry in "/proc/$pid/fd/"*; do
    no "descriptors" "$place/descriptor" "$(readlink "$entry")"
done

echo "-- it leaves when nobody has wanted anything for a while, and comes again"
reset
export JOBMILL_IDLE_TIMEOUT=100ms
try run sum 100
pid=$(daemon_pid)
same "result" "5050 0 " "$out $code $err"
holds "it leaves" eventually gone "$pid"
fails "its socket" test -e "$socket"
try run sum 100
same "result" "5050 0 " "$out $code $err"
eventually gone "$(daemon_pid)"
export JOBMILL_IDLE_TIMEOUT=soon
try run sum 100
same "code" 125 "$code"
has "why" "--idle-timeout: \"soon\"" "$err"
unset JOBMILL_IDLE_TIMEOUT

echo "-- 64 clients at once start one daemon"
reset
# Quiet, for on a busy machine each of them may have waited long enough to say that it waits.
for i in $(seq 64); do
    jobmill -q run sum 100 >"$place/out.$i" 2>"$place/err.$i" &
    clients="${clients:-} $!"
done
for client in $clients; do
    wait "$client" || fault "a client left with $?"
done
same "results" 64 "$(cat "$place"/out.* | grep -o 5050 | wc -l)"
same "complaints" "" "$(cat "$place"/err.*)"
same "daemons" 1 "$(grep -c ' ready ' "$log")"

echo "-- the socket of a killed daemon is no obstacle"
kill_daemon
holds "the socket is left" test -S "$socket"
try run sum 100
same "result" "5050 0" "$out $code"

echo "-- a daemon that stops is followed by the next"
old=$(daemon_pid)
jobmill run sleep 300ms >/dev/null 2>&1 &
eventually sh -c 'jobmill status | grep -q running'
jobmill daemon stop >/dev/null 2>&1 &
eventually test ! -S "$socket"
try run sum 100
same "result" "5050 0" "$out $code"
fails "another daemon" test "$(daemon_pid)" = "$old"
wait

echo "-- submit, map, and the list of handlers start one; what asks about a daemon does not"
reset
try submit sum 5
same "submit" 0 "$code"
reset
same "map" 10 "$(echo 4 | jobmill map sum)"
reset
try handlers
has "handlers" sha256 "$out"
reset
for question in "" status ping "wait 1" "cancel all" "daemon stop" "daemon status"; do
    # shellcheck disable=SC2086  # words
    try $question
    fails "$question succeeds" test "$code" -eq 0
    holds "$question starts none" test ! -e "$socket"
done
try status
has "what to do" "start one with: jobmill daemon start" "$err"

echo "-- who forbids it, or names another place, gets none"
try --no-start run sum 1
same "--no-start" 125 "$code"
export JOBMILL_NO_START=1
try run sum 1
same "JOBMILL_NO_START" 125 "$code"
unset JOBMILL_NO_START
try -s "$place/other.sock" run sum 1
same "another socket" 125 "$code"
has "what to do" "jobmill -s $place/other.sock daemon start" "$err"
export JOBMILL_SOCKET="$place/other.sock"
try run sum 1
same "another JOBMILL_SOCKET" 125 "$code"
fails "a daemon there" test -e "$place/other.sock"
export JOBMILL_SOCKET="$socket"
try run sum 1
same "the usual place by another way" "1 0" "$out $code"
unset JOBMILL_SOCKET

echo "-- why it cannot start is said, with what to do"
reset
printf 'worker = 2\n' >"$XDG_CONFIG_HOME/jobmill/jobmill.toml"
try run sum 1
same "bad configuration" 125 "$code"
has "bad configuration" "jobmill.toml:1:1: unknown key \"worker\"" "$err"
has "bad configuration" "$log" "$err"
reset
touch "$place/file"
XDG_STATE_HOME=$place/file try run sum 1
same "no state directory" 125 "$code"
has "no state directory" "XDG_STATE_HOME" "$err"
XDG_RUNTIME_DIR=$place/none try run sum 1
has "no runtime directory" "XDG_RUNTIME_DIR should be" "$err"
chmod 777 "$XDG_RUNTIME_DIR"
try run sum 1
has "a runtime directory for everybody" "XDG_RUNTIME_DIR should be" "$err"
jobmilld >/dev/null 2>"$place/words"
same "nor does a daemon serve there" 78 "$?"
has "nor does a daemon serve there" "XDG_RUNTIME_DIR should be" "$(cat "$place/words")"
if [ "$(id -u)" -eq 0 ]; then
    reset
    chown 12345 "$XDG_RUNTIME_DIR"
    try run sum 1
    has "root with a user's environment" "belongs to user 12345" "$err"
    holds "who leaves nothing there" [ ! -e "$XDG_RUNTIME_DIR/jobmill" ]
fi
reset
mkdir "$place/here"
(
    cd "$place/here" || exit
    unset XDG_STATE_HOME
    HOME=home try run sum 1
    has "a relative home" "is not absolute" "$err"
    holds "makes nothing below the current directory" [ ! -e home ]
    exit "$faults"
)
faults=$?
mkdir -p "$XDG_RUNTIME_DIR/jobmill"
chmod 777 "$XDG_RUNTIME_DIR/jobmill"
try run sum 1
has "a directory for everybody" "may be written by others" "$err"
try status
has "nor is anybody asked there" "may be written by others" "$err"

echo "-- the daemon of a demonstration that was killed leaves by itself"
reset
export TMPDIR="$place/tmp"
mkdir "$TMPDIR"
jobmill demo --words 10 >/dev/null 2>&1 &
demo=$!
holds "it has a daemon" eventually sh -c "grep -qs ' ready ' $TMPDIR/jobmill-demo-*/daemon.log"
pid=$(cat "$TMPDIR"/jobmill-demo-*/jobmill.sock.lock)
holds "which runs" alive "$pid"
kill -KILL "$demo"
wait "$demo"
holds "it leaves" eventually gone "$pid"

judge
