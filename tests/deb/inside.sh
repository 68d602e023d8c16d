#!/bin/bash
# SPDX-License-Identifier: MIT
# The life of the packages, from the installation to the purge, in a chroot that has what they depend
# on. No systemd runs here: the daemon is started by hand, as the user that the package has made.
set -euo pipefail
export DEBIAN_FRONTEND=noninteractive LC_ALL=C.UTF-8
work=/deb-test/work
mkdir -p "$work"
socket=/run/jobmill/jobmill.sock
as_user=(setpriv --reuid=jobmill --regid=jobmill --clear-groups)
daemon=
loads=()

complain() {
    echo "deb-test: $*" >&2
    [ ! -s "$work/daemon.log" ] || tail -n 20 "$work/daemon.log" >&2
    exit 1
}

good() {
    echo "good: $*"
}

quietly() {
    "$@" >"$work/words" 2>&1 || {
        cat "$work/words" >&2
        complain "failed: $*"
    }
}

# await SECONDS COMMAND...: until it succeeds.
await() {
    local end=$((SECONDS + $1))
    shift
    until "$@" >/dev/null 2>&1; do
        [ "$SECONDS" -lt "$end" ] || complain "waited in vain for: $*"
        sleep 0.05
    done
}

start_daemon() {
    "${as_user[@]}" jobmilld --system --workers 2 >>"$work/daemon.log" 2>&1 &
    daemon=$!
    await 20 "${as_user[@]}" jobmill --socket "$socket" ping
}

stop_daemon() {
    kill "$daemon"
    wait "$daemon" || complain "the daemon left with $?"
    daemon=
}

# load NAME COUNT NUMBER: so many jobs that each sum up to the number, in the background; the process
# is added to the loads.
load() {
    seq "$2" | sed "s/.*/$3/" | "${as_user[@]}" jobmill --socket "$socket" map sum \
        >"$work/$1.out" 2>"$work/$1.err" &
    loads+=("$!")
}

# load_until FILE NAME ITEM: a client that submits until that file is there; what, is in NAME.in.
load_until() {
    (until [ -e "$1" ]; do seq 500 | sed "s/.*/$3/"; done) | tee "$work/$2.in" |
        "${as_user[@]}" jobmill --socket "$socket" map sum >"$work/$2.out" 2>"$work/$2.err" &
    loads+=("$!")
}

lines() {
    wc -l <"$1"
}

has_lines() {
    [ "$(lines "$1")" -ge "$2" ]
}

# Every file of the system, and what is in those of /etc; but for the package manager's own records.
census() {
    {
        find / -xdev -path /deb-test -prune -o -path /var/log -prune -o -path /var/lib/dpkg -prune -o \
            -path /var/cache -prune -o -printf '%p %y %m %U %G %l\n'
        # Without the copies that passwd and its kin have of what they were before.
        find /etc -type f ! -name '*-' -exec sha256sum {} +
        # Of dpkg's records: which packages there are, and in which state.
        dpkg-query -W -f '${Package} ${db:Status-Abbrev}\n'
        find /var/lib/dpkg/info -name '*jobmill*'
    } | sort
}

processes() {
    local link
    for link in /proc/[0-9]*/exe; do
        readlink "$link" || true
    done | grep -c jobmill || true
}

census >"$work/before"

# ---- a fresh installation

quietly dpkg -i /deb-test/packages/*.deb
id jobmill >/dev/null || complain "there is no user jobmill"
[ "$(stat -c '%U %G %a' /run/jobmill)" = 'jobmill jobmill 755' ] || complain "/run/jobmill is not as it should be"
for unit in jobmilld.service jobmilld.socket; do
    find /etc/systemd/system -name "$unit" | grep -q . || complain "$unit is not enabled"
done
quietly jobmilld --system --check-config
good "installed: the user, the socket's directory, the units, a good configuration"

start_daemon
[ "$("${as_user[@]}" jobmill --socket "$socket" run sum 100)" = 5050 ] || complain "a job has no answer"
if setpriv --reuid=nobody --regid=nogroup --clear-groups jobmill --socket "$socket" ping 2>"$work/words"; then
    complain "anybody may connect"
fi
good "the daemon answers its group, and nobody else"

# ---- an upgrade, while four clients submit

echo '# a word of the administrator' >>/etc/jobmill/jobmill.toml
for client in 1 2 3 4; do
    load_until "$work/upgraded" "$client" 10000
done
for client in 1 2 3 4; do
    await 20 has_lines "$work/$client.out" 100
done
quietly dpkg -i /deb-test/next/*.deb
touch "$work/upgraded"
kill -0 "$daemon" || complain "the upgrade has stopped the daemon"
load 5 1000 10000
for client in 1 2 3 4 5; do
    wait "${loads[client - 1]}" || complain "client $client left with $?: $(head -n 3 "$work/$client.err")"
done
jobs=1000
for client in 1 2 3 4; do
    [ "$(lines "$work/$client.out")" -eq "$(lines "$work/$client.in")" ] || complain "client $client lacks results"
    jobs=$((jobs + $(lines "$work/$client.out")))
done
[ "$(lines "$work/5.out")" -eq 1000 ] || complain "client 5 lacks results"
dpkg-query -W -f '${Version}\n' jobmill | grep -q '+next$' || complain "the old version is still there"
grep -q 'a word of the administrator' /etc/jobmill/jobmill.toml || complain "the configuration was replaced"
good "an upgrade under load: $jobs jobs of 5 clients have their results"

# ---- the restart that postinst leaves to us here: every job that is cut short is told

# Fewer than the daemon gives credit for: all are accepted at once.
load cut 1000 20000000
await 20 has_lines "$work/cut.out" 20
stop_daemon
! wait "${loads[5]}" || complain "a client does not say that its jobs were cut short"
start_daemon
told=$(grep -c '^jobmill: job [0-9]* cancelled' "$work/cut.err" || true)
done=$(lines "$work/cut.out")
[ $((told + done)) -eq 1000 ] || complain "of 1000 jobs $done were done and $told told as cancelled"
[ "$told" -gt 0 ] || complain "the restart cut nothing short"
[ "$("${as_user[@]}" jobmill --socket "$socket" run sum 100)" = 5050 ] || complain "the new daemon does not answer"
good "a restart under load: $done jobs done, $told told as cancelled, none lost"

# ---- away with it

stop_daemon
quietly dpkg -r jobmill libjobmill-dev
[ ! -e /usr/bin/jobmilld ] || complain "jobmilld is still there"
grep -q 'a word of the administrator' /etc/jobmill/jobmill.toml || complain "removal took the configuration"
[ -d /var/lib/jobmill ] || complain "removal took the state"
quietly dpkg -P jobmill libjobmill-dev
[ "$(processes)" -eq 0 ] || complain "processes stay"
good "removed, with configuration and state left; then purged"

# The user stays, as Debian's users do: its number must not become another's while files may have it.
id jobmill >/dev/null || complain "the user was removed"
sed -i '/^jobmill:/d' /etc/passwd /etc/group /etc/shadow /etc/gshadow
census >"$work/after"
diff "$work/before" "$work/after" || complain "the purge leaves something behind (>), or takes too much (<)"
good "$(wc -l <"$work/after") entries before and after are the same"
