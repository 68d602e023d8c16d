#!/bin/sh
# SPDX-License-Identifier: MIT
# systemd judges the units offline. It says what is wrong on its error output and may leave with 0 all
# the same, so any word fails. Usage: check_units.sh system|user UNITS [DROP_IN...]
#   UNITS is the directory of jobmilld.service and jobmilld.socket; with drop-ins the service is
#   judged again with each of them, and with all.
set -u
whose=${1:?usage: check_units.sh system|user UNITS [DROP_IN...]}
units=${2:?usage: check_units.sh system|user UNITS [DROP_IN...]}
shift 2
if ! command -v systemd-analyze >/dev/null; then
    echo "skipped: systemd-analyze is missing (apt-get install systemd)"
    exit 77
fi
place=$(mktemp -d) || exit 2
trap 'rm -rf "$place"' EXIT
XDG_RUNTIME_DIR=$place
export XDG_RUNTIME_DIR

# verify NAME [DROP_IN...]
verify() {
    name=$1
    shift
    mkdir -p "$place/$name/jobmilld.service.d" || exit 2
    cp "$units/jobmilld.service" "$units/jobmilld.socket" "$place/$name" || exit 2
    [ $# -eq 0 ] || cp "$@" "$place/$name/jobmilld.service.d" || exit 2
    words=$(systemd-analyze verify "--$whose" --man=no "$place/$name/jobmilld.service" \
        "$place/$name/jobmilld.socket" 2>&1)
    status=$?
    [ "$status" -eq 0 ] && [ -z "$words" ] && return
    printf '%s: code %d\n%s\n' "$name" "$status" "$words"
    exit 1
}

verify plain
for drop_in in "$@"; do
    verify "$(basename "$drop_in")" "$drop_in"
done
[ $# -eq 0 ] || verify together "$@"
