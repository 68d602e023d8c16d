#!/bin/sh
# SPDX-License-Identifier: MIT
# Sourced by the tests of this folder: a place of its own for a user's daemon, and how to judge.
# Usage: . place.sh BINDIR
# shellcheck disable=SC2034  # for who sources it
set -u
bin=${1:?usage: SCRIPT BINDIR}
place=$(mktemp -d "${TMPDIR:-/tmp}/jobmill-XXXXXX") || exit 2
unset JOBMILL_SOCKET JOBMILL_NO_START JOBMILL_IDLE_TIMEOUT NOTIFY_SOCKET LISTEN_FDS LISTEN_PID
export HOME="$place/home" XDG_RUNTIME_DIR="$place/run" XDG_STATE_HOME="$place/state"
export XDG_CONFIG_HOME="$place/config"
mkdir -m 700 "$HOME" "$XDG_RUNTIME_DIR" "$XDG_CONFIG_HOME" "$XDG_CONFIG_HOME/jobmill" "$place/fake"
PATH=$place/fake:$bin:$PATH
socket=$XDG_RUNTIME_DIR/jobmill/jobmill.sock
log=$XDG_STATE_HOME/jobmill/daemon.log
faults=0
checks=0

# The daemon that holds the socket; empty when none does. A killed one leaves its number in the file, and
# a busy machine soon gives the number to another daemon: it has to have this very file open.
daemon_pid() {
    holder=$(cat "$socket.lock" 2>/dev/null) || return 0
    [ -z "$(find -L "/proc/$holder/fd" -samefile "$socket.lock" 2>/dev/null)" ] || echo "$holder"
}

alive() {
    [ -n "$1" ] && [ -e "/proc/$1" ] && ! grep -q '^State:.Z' "/proc/$1/status" 2>/dev/null
}

# Waits until COMMAND succeeds; 30 seconds are for a busy machine.
eventually() {
    turns=0
    until "$@"; do
        turns=$((turns + 1))
        [ "$turns" -lt 1500 ] || return 1
        sleep 0.02
    done
}

gone() { ! alive "$1"; }

kill_daemon() {
    victim=$(daemon_pid)
    [ -z "$victim" ] || kill -KILL "$victim"
    [ -z "$victim" ] || eventually gone "$victim"
}

# A fresh start for the next case.
reset() {
    kill_daemon
    rm -rf "$XDG_RUNTIME_DIR" "$XDG_STATE_HOME" "$XDG_CONFIG_HOME/jobmill"
    mkdir -m 700 "$XDG_RUNTIME_DIR" "$XDG_CONFIG_HOME/jobmill"
}

finish() {
    kill_daemon
    rm -rf "$place"
}
trap finish EXIT
trap 'exit 2' INT TERM

fault() {
    faults=$((faults + 1))
    echo "FAILED: $*"
}

# same WHAT EXPECTED ACTUAL
same() {
    checks=$((checks + 1))
    [ "$2" = "$3" ] || fault "$1: want [$2], got [$3]"
}

# has WHAT PART TEXT
has() {
    checks=$((checks + 1))
    case $3 in
        *"$2"*) ;;
        *) fault "$1: want [$2] in [$3]" ;;
    esac
}

# no WHAT PART TEXT
no() {
    checks=$((checks + 1))
    case $3 in
        *"$2"*) fault "$1: want no [$2] in [$3]" ;;
    esac
}

# holds WHAT COMMAND...
holds() {
    what=$1
    shift
    checks=$((checks + 1))
    "$@" || fault "$what: $*"
}

# fails WHAT COMMAND...
fails() {
    what=$1
    shift
    checks=$((checks + 1))
    ! "$@" || fault "$what: must not: $*"
}

# Runs jobmill: sets out, err and code.
try() {
    out=$(jobmill "$@" 2>"$place/err" </dev/null)
    code=$?
    err=$(cat "$place/err")
}

# The verdict, as the last command of a script.
judge() {
    echo "$checks checks, $faults failed"
    [ "$faults" -eq 0 ] && [ "$checks" -gt 0 ]
}
