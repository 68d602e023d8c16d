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

judge
