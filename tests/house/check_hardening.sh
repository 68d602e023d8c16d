#!/bin/sh
# SPDX-License-Identifier: MIT
# How much the system's service could do to the system, in systemd's own count from 0 to 10: at most
# 0.6. Prints what counts against it. Usage: check_hardening.sh UNIT
set -u
unit=${1:?usage: check_hardening.sh UNIT}
if ! command -v systemd-analyze >/dev/null; then
    echo "skipped: systemd-analyze is missing (apt-get install systemd)"
    exit 77
fi
# The threshold is in tenths.
systemd-analyze security --no-pager --offline=true --threshold=6 "$unit" >/dev/null
status=$?
systemd-analyze security --no-pager --offline=true "$unit" | grep -E '✗|Overall'
exit "$status"
