#!/bin/sh
# SPDX-License-Identifier: MIT
# systemd judges the unit offline. It says what is wrong on its error output and may leave with 0 all
# the same, so any word fails. Usage: check_unit.sh UNIT
set -u
unit=${1:?usage: check_unit.sh UNIT}
if ! command -v systemd-analyze >/dev/null; then
    echo "skipped: systemd-analyze is missing (apt-get install systemd)"
    exit 77
fi
runtime=$(mktemp -d) || exit 2
trap 'rm -rf "$runtime"' EXIT
words=$(XDG_RUNTIME_DIR=$runtime systemd-analyze verify --user --man=no "$unit" 2>&1)
status=$?
printf '%s\n' "$words"
[ "$status" -eq 0 ] && [ -z "$words" ]
