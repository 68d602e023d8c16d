#!/bin/sh
# SPDX-License-Identifier: MIT
# A command runs where its caller is, and its files are for whom the caller's would be.
# Usage: like_its_caller.sh BINDIR
# shellcheck disable=SC1091,SC2154,SC2016  # place.sh says what is what; commands of jobs are quoted
. "$(dirname "$0")/place.sh"

echo "-- run, submit and map give a command the caller's directory, environment and umask"
mkdir "$place/here"
cd "$place/here" || exit 2
export WHO=caller
umask 022
jobmill run -- true
umask 077
# The daemon was started with another; its own does not count.
same "run" "0077 $place/here caller" "$(jobmill run -- sh -c 'echo "$(umask) $PWD $WHO"')"
same "map" "0077 $place/here caller" \
    "$(echo x | jobmill map -- sh -c 'echo "$(umask) $PWD $WHO"')"
jobmill wait "$(jobmill submit -- sh -c 'echo x >secret')" >/dev/null 2>&1
same "a file" 600 "$(stat -c %a secret)"
umask 002
same "another umask" 0002 "$(jobmill run -- sh -c umask)"

judge
