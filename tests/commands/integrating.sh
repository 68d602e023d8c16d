#!/bin/sh
# SPDX-License-Identifier: MIT
# The programs of docs/integrating.md under a daemon that is full, and under one that is killed; that
# they work under a good one is for the tests of the documentation. Usage: integrating.sh BINDIR
# shellcheck disable=SC1091,SC2154  # place.sh says what is what
. "$(dirname "$0")/place.sh"
tree=$(cd "$(dirname "$0")/../.." && pwd)
sh "$tree/tests/docs/extract.sh" "$tree/docs/integrating.md" "$place/page" || exit 2
cd "$place/page" || exit 2
# Two jobs at once is all that this daemon takes, of all sessions together.
printf 'max_jobs = 2\n[pool.default]\nworkers = 2\n' >"$XDG_CONFIG_HOME/jobmill/jobmill.toml"
expected=$(sort jobs.py.out)
# The same with a job that is sure to run when the daemon is killed.
mkdir slow
for program in jobs.*; do
    sed 's/500ms/1h/' "$program" >"slow/$program"
done

# program COMMAND...: one of the page's, where its interpreter is there.
program() {
    if ! command -v "$1" >/dev/null; then
        echo "skipped: $*, as there is no $1"
        return
    fi
    echo "-- $*"
    jobmill handlers >/dev/null
    out=$("$@" 2>"$place/err" </dev/null)
    same "code under a full daemon" 0 $?
    same "results under a full daemon" "$expected" "$(printf '%s\n' "$out" | sort)"

    (cd slow && exec "$@") >"$place/out" 2>"$place/err" </dev/null &
    client=$!
    eventually sh -c 'jobmill status | grep -q running'
    kill_daemon
    wait "$client"
    fails "success under a killed daemon" test $? -eq 0
    has "words under a killed daemon" "the daemon left with" "$(cat "$place/err")"
}

# turned_away COMMAND...: the same under a daemon that has no room for another session.
turned_away() {
    command -v "$1" >/dev/null || return
    echo "-- $*, turned away"
    timeout 30 "$@" >"$place/out" 2>"$place/err" </dev/null
    same "code when turned away" 1 $?
    # socat and Node throw away what has come when they cannot write any more.
    [ "$1" = sh ] || [ "$1" = node ] || has "the daemon's words when turned away" "sessions" "$(cat "$place/err")"
}

program sh jobs.sh
program python3 jobs.py
program node jobs.js
program go run jobs.go

printf 'max_sessions = 1\n[pool.default]\nworkers = 2\n' >"$XDG_CONFIG_HOME/jobmill/jobmill.toml"
hold() { # the one session; those that look whether the daemon is ready may be in its way
    until [ -e "$place/held" ]; do
        jobmill run -- sh -c "touch '$place/held'; sleep 60"
    done >/dev/null 2>&1
}
hold &
holder=$!
eventually test -e "$place/held"
turned_away sh jobs.sh
turned_away python3 jobs.py
turned_away node jobs.js
turned_away go run jobs.go
kill_daemon
wait "$holder"

judge
