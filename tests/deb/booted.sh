#!/bin/bash
# SPDX-License-Identifier: MIT
# The life of the packages where systemd runs: what their scripts enable, start, restart and stop, and
# that nobody who connects meanwhile is refused. Runs as root in a booted container; its last line says
# whether all was well.
set -euo pipefail
export DEBIAN_FRONTEND=noninteractive LC_ALL=C.UTF-8
work=/deb-test/work
socket=/run/jobmill/jobmill.sock
clients=16
mkdir -p "$work"

complain() {
    echo "deb-test: $*"
    journalctl -u jobmilld.service -u jobmilld.socket --no-pager -n 20 || true
    exit 1
}

good() {
    echo "good: $*"
}

quietly() {
    "$@" >"$work/words" 2>&1 || {
        cat "$work/words"
        complain "failed: $*"
    }
}

main_pid() {
    systemctl show --value -p MainPID jobmilld.service
}

active() {
    systemctl is-active --quiet "$@"
}

# visit NUMBER: one job and one connection after the other, until told to stop; a line for each.
visit() {
    local answer
    while [ ! -e "$work/enough" ]; do
        if answer=$(setpriv --reuid=jobmill --regid=jobmill --clear-groups \
            jobmill --socket "$socket" run sum 1000000 2>"$work/words.$1"); then
            echo "answered $answer"
        else
            # Without the notice, which comes before the verdict, that a stop was announced.
            echo "told $(grep -vx 'jobmill: the daemon stops' "$work/words.$1")"
        fi
    done >"$work/visits.$1"
}

visits() {
    cat "$work"/visits.* 2>/dev/null | wc -l
}

# await_visits COUNT: so many more.
await_visits() {
    local wanted end=$((SECONDS + 60))
    wanted=$(($(visits) + $1))
    until [ "$(visits)" -ge "$wanted" ]; do
        [ "$SECONDS" -lt "$end" ] || complain "the clients have stopped"
        sleep 0.1
    done
}

quietly dpkg -i /deb-test/packages/*.deb
active jobmilld.socket jobmilld.service || complain "the package does not start its units"
good "an installation starts the socket and the service"

inode=$(stat -c %i "$socket")
before=$(main_pid)
for ((client = 0; client < clients; client++)); do
    visit "$client" &
done
await_visits 200
quietly dpkg -i /deb-test/next/*.deb
await_visits 200
touch "$work/enough"
wait
active jobmilld.socket jobmilld.service || complain "the upgrade does not leave the units running"
[ "$(main_pid)" != "$before" ] || complain "the upgrade does not restart the service"
[ "$(stat -c %i "$socket")" = "$inode" ] || complain "the upgrade replaced the socket"
# Who came too late for the old daemon, or was cut short by it, was told so by the daemon itself.
# Anything else is a refusal, or worse.
told='the daemon stops and takes no jobs|job [0-9]+ (cancelled|interrupted): the daemon stopped.*'
if strange=$(cat "$work"/visits.* | grep -vxE "answered 500000500000|told jobmill: ($told)"); then
    complain "a client met something else: $(head -n 3 <<<"$strange")"
fi
good "an upgrade under $clients clients: $(visits) connections, none refused," \
    "$(cat "$work"/visits.* | grep -c '^told' || true) jobs told to come again"

quietly systemctl disable --now jobmilld.service
quietly dpkg -i /deb-test/next/*.deb
! systemctl is-enabled --quiet jobmilld.service || complain "an upgrade enables what was disabled"
good "a disabled service stays disabled"

quietly systemctl start jobmilld.service
quietly dpkg -r jobmill libjobmill-dev
! active jobmilld.service || complain "removal leaves the service running"
! active jobmilld.socket || complain "removal leaves the socket listening"
[ ! -e /run/jobmill ] || complain "removal leaves /run/jobmill"
quietly dpkg -P jobmill libjobmill-dev
left=$(find /etc /var/lib /run -path /var/lib/dpkg -prune -o \( -name '*jobmill*' ! -name '*jobmill-test*' \) -print)
[ -z "$left" ] || complain "the purge leaves $left"
good "removal stops both, and the purge leaves nothing"
echo "all was well"
