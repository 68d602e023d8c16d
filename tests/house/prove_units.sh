#!/bin/sh
# SPDX-License-Identifier: MIT
# A check that cannot fail proves nothing: a misspelt key, which systemd only mentions, and a program
# that is not there must be found, and one safeguard less. Usage: prove_units.sh HOUSE UNITS
set -u
house=${1:?usage: prove_units.sh HOUSE UNITS}
units=${2:?usage: prove_units.sh HOUSE UNITS}
place=$(mktemp -d) || exit 2
trap 'rm -rf "$place"' EXIT

# spoil SED WHAT: the check must not take units that were changed so.
spoil() {
    rm -rf "$place/units"
    mkdir "$place/units"
    cp "$units/jobmilld.socket" "$place/units"
    sed "$1" "$units/jobmilld.service" >"$place/units/jobmilld.service"
    sh "$house/check_units.sh" system "$place/units" >"$place/words"
    status=$?
    [ "$status" -eq 77 ] && exit 77
    [ "$status" -eq 1 ] && return
    echo "$2 was not found: code $status"
    exit 1
}
spoil 's/^WatchdogSec=/WatchdogSex=/' 'a misspelt key'
spoil 's|^ExecStart=.*|ExecStart=/nowhere/jobmilld|' 'a program that is not there'
spoil 's|^Requires=.*|Requires=jobmilld.sockett|' 'a unit that cannot be'

sed '/^PrivateNetwork=/d' "$units/jobmilld.service" >"$place/units/jobmilld.service"
if sh "$house/check_hardening.sh" "$place/units/jobmilld.service" >/dev/null; then
    echo "a service with the network was taken for a hardened one"
    exit 1
fi
