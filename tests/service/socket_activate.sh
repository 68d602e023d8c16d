#!/bin/bash
# SPDX-License-Identifier: MIT
# systemd's own launcher starts the daemon at the first connection, and that client is served.
# Usage: socket_activate.sh BINARIES
set -u
binaries=${1:?usage: socket_activate.sh BINARIES}
if ! command -v systemd-socket-activate >/dev/null; then
    echo "skipped: systemd-socket-activate is missing (apt-get install systemd)"
    exit 77
fi
place=$(mktemp -d) || exit 2
socket=$place/jobmill.sock
systemd-socket-activate --listen="$socket" -E PATH -E XDG_STATE_HOME="$place/state" \
    -E XDG_CONFIG_HOME="$place" "$binaries/jobmilld" --socket "$socket" --workers 1 \
    2>"$place/log" &
daemon=$!
trap 'kill "$daemon" 2>/dev/null; wait; rm -rf "$place"' EXIT

fail() {
    echo "$1"
    cat "$place/log"
    exit 1
}

for ((i = 0; i < 500; ++i)); do
    [ -S "$socket" ] && break
    sleep 0.02
done
grep -q ready "$place/log" && fail "it runs before anybody came"
sum=$("$binaries/jobmill" --socket "$socket" run sum 100) || fail "the first client was not served"
[ "$sum" = 5050 ] || fail "the sum is $sum"
kill -TERM "$daemon"
wait "$daemon" || fail "it left with $?"
[ -S "$socket" ] || fail "it removed a socket that is not its own"
