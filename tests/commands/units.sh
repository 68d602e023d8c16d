#!/bin/sh
# SPDX-License-Identifier: MIT
# Where the user's service manager knows jobmilld, that runs it. Usage: units.sh BINDIR
# shellcheck disable=SC1091,SC2154  # place.sh says what is what
. "$(dirname "$0")/place.sh"
here=$(cd "$(dirname "$0")" && pwd)
export FAKE_UNITS="$place/units"
cp "$here/fake_systemctl.sh" "$place/fake/systemctl"
chmod +x "$place/fake/systemctl"

# fake NAME: a program whose text is read from standard input.
fake() {
    { echo '#!/bin/sh' && cat; } >"$place/fake/$1"
    chmod +x "$place/fake/$1"
}

# units NAME=LOADSTATE...: a service manager that knows these, nothing running.
units() {
    reset
    rm -rf "$FAKE_UNITS"
    mkdir -p "$FAKE_UNITS" "$XDG_RUNTIME_DIR/systemd"
    : >"$XDG_RUNTIME_DIR/systemd/private"
    for unit; do
        echo "${unit#*=}" >"$FAKE_UNITS/${unit%%=*}"
    done
}

calls() { cat "$FAKE_UNITS/calls" 2>/dev/null; }

fake loginctl <<'END'
[ ! -e "$FAKE_UNITS/linger" ] && echo "no logind here" >&2 && exit 1
cat "$FAKE_UNITS/linger"
END
fake journalctl <<'END'
printf '%s\n' "journal: $*"
END

echo "-- the socket is started where there is one, else the service"
units jobmilld.service=loaded jobmilld.socket=loaded
try run sum 100
same "result" "5050 0 " "$out $code $err"
has "calls" "start jobmilld.socket" "$(calls)"
no "calls" "start jobmilld.service" "$(calls)"
same "its pid" "$(cat "$FAKE_UNITS/pid")" "$(daemon_pid)"
fails "a process of our own" test -e "$log"
kill_daemon
units jobmilld.service=loaded
try run sum 100
same "result" "5050 0" "$out $code"
has "calls" "start jobmilld.service" "$(calls)"
: >"$FAKE_UNITS/calls"
try run sum 100
same "no question while one runs" "" "$(calls)"

echo "-- status and log tell of the unit"
try daemon status
same "status" 0 "$code"
has "status" "started by  unit jobmilld.service" "$out"
has "status" "log         journalctl --user -u jobmilld.service" "$out"
has "status" "unit        active, not enabled" "$out"
try daemon log -n 7 -f
has "log" "journal: --user --quiet --no-pager --unit jobmilld.service --lines=7 --follow" "$out"

echo "-- stop stops the units, since they would start it again"
units jobmilld.service=loaded jobmilld.socket=loaded
touch "$FAKE_UNITS/enabled"
jobmill run sum 1 >/dev/null
try daemon stop
same "code" 0 "$code"
has "answer" "stopped: jobmilld.service (pid " "$out"
has "answer" "and jobmilld.socket; your next login starts it again" "$out"
has "calls" "stop jobmilld.socket" "$(calls)"
has "calls" "stop jobmilld.service" "$(calls)"
same "nothing runs" "" "$(daemon_pid)"

echo "-- a socket that listens is not woken by questions"
units jobmilld.service=loaded jobmilld.socket=loaded
touch "$FAKE_UNITS/listens"
try daemon status
same "status" 1 "$code"
has "status" "no daemon runs; the next client starts it" "$out"
try daemon stop
same "stop" 0 "$code"
fails "still listening" test -e "$FAKE_UNITS/listens"

echo "-- a bare process that runs beside an idle unit is stopped as one"
units
jobmill run sum 1 >/dev/null
echo loaded >"$FAKE_UNITS/jobmilld.service"
try daemon stop
has "answer" "stopped: pid " "$out"
no "calls" "stop" "$(calls)"

echo "-- unknown and masked units are left alone, and so is a service manager that hangs"
for state in not-found masked; do
    units jobmilld.service=$state
    try run sum 100
    same "$state" "5050 0" "$out $code"
    no "$state" start "$(calls)"
    holds "$state: a process of our own" test -s "$log"
done
units jobmilld.service=loaded
touch "$FAKE_UNITS/hangs"
try -q run sum 100
same "hangs" "5050 0 " "$out $code $err"
rm "$FAKE_UNITS/hangs"

echo "-- without a service manager of the user's none is asked"
units jobmilld.service=loaded
rm "$XDG_RUNTIME_DIR/systemd/private"
try run sum 100
same "result" "5050 0" "$out $code"
same "calls" "" "$(calls)"

echo "-- a unit that fails is told with what it said"
units jobmilld.service=loaded
touch "$FAKE_UNITS/broken"
try run sum 100
same "code" 125 "$code"
has "why" "systemctl --user start jobmilld.service: Job for jobmilld.service failed." "$err"
has "last words" "jobmill: journal: --user" "$err"
rm "$FAKE_UNITS/broken"

echo "-- daemon start names what keeps it after the last logout"
me=$(id -un)
for case in "unit yes" "unit no" "process no" "process unknown"; do
    units jobmilld.socket=loaded
    [ "${case% *}" = process ] || echo loaded >"$FAKE_UNITS/jobmilld.service"
    [ "${case#* }" = unknown ] || echo "${case#* }" >"$FAKE_UNITS/linger"
    try daemon start
    same "$case: code" 0 "$code"
    has "$case" "started: " "$out"
    if [ "${case#* }" = no ]; then
        same "$case" "jobmill: it ends when you log out; what keeps it: loginctl enable-linger $me" "$err"
    else
        same "$case" "" "$err"
    fi
    try daemon start
    has "$case: again" "already running: " "$out"
done

judge
