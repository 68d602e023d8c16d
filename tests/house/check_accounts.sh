#!/bin/sh
# SPDX-License-Identifier: MIT
# What the package asks systemd to make is made: the user, the group and the directory of the socket.
# Usage: check_accounts.sh SYSUSERS_CONF TMPFILES_CONF
set -u
sysusers=${1:?usage: check_accounts.sh SYSUSERS_CONF TMPFILES_CONF}
tmpfiles=${2:?usage: check_accounts.sh SYSUSERS_CONF TMPFILES_CONF}
if ! command -v systemd-sysusers >/dev/null || [ "$(id -u)" -ne 0 ]; then
    echo "skipped: needs systemd-sysusers (apt-get install systemd) and root"
    exit 77
fi
root=$(mktemp -d) || exit 2
trap 'rm -rf "$root"' EXIT

fail() {
    echo "$1"
    exit 1
}

mkdir "$root/etc" "$root/run"
words=$(systemd-sysusers --root="$root" "$sysusers" 2>&1) || fail "$words"
grep -q '^jobmill:[^:]*:[0-9]*:[0-9]*:[^:]*:/var/lib/jobmill:/usr/sbin/nologin$' \
    "$root/etc/passwd" || fail "no such user: $(cat "$root/etc/passwd")"
uid=$(sed -n 's/^jobmill:[^:]*:\([0-9]*\):.*/\1/p' "$root/etc/passwd")
gid=$(sed -n 's/^jobmill:[^:]*:\([0-9]*\):.*/\1/p' "$root/etc/group")
if [ "$uid" -le 0 ] || [ "$uid" -ge 1000 ]; then
    fail "user number $uid is not of the system"
fi

words=$(systemd-tmpfiles --create --root="$root" "$tmpfiles" 2>&1) || fail "$words"
found=$(stat -c '%a %u %g' "$root/run/jobmill") || exit 1
[ "$found" = "755 $uid $gid" ] || fail "/run/jobmill is $found, not 755 $uid $gid"
