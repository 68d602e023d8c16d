#!/bin/bash
# SPDX-License-Identifier: MIT
# Boots a real systemd in a container, with the build installed, and lets guest.sh look how the
# service behaves under it. The container's root is this machine's with a layer of memory above it:
# nothing is downloaded, nothing of the machine is changed, and nothing is left behind, since all
# mounts are in a namespace that goes with this process.
# Usage: boot.sh BUILD [SECONDS]    Exit code: 0, 1 when a check failed, 77 when it cannot be tried.
set -euo pipefail
here=$(dirname "$(readlink -f "$0")")
build=$(readlink -f "${1:?usage: boot.sh BUILD [SECONDS]}")
limit=${2:-180}

skip() {
    echo "skipped: $1"
    exit 77
}

if [ -z "${JOBMILL_BOOT_NAMESPACE:-}" ]; then
    [ "$(id -u)" -eq 0 ] || skip "booting systemd needs root"
    command -v systemd-nspawn >/dev/null ||
        skip "systemd-nspawn is missing (apt-get install systemd-container)"
    unshare --mount --propagation private true 2>/dev/null ||
        skip "no mount namespaces may be made here"
    exec env JOBMILL_BOOT_NAMESPACE=yes unshare --mount --propagation private \
        bash "$here/boot.sh" "$build" "$limit"
fi

place=$(mktemp -d)
machine=
# shellcheck disable=SC2317  # called by the trap
leave() {
    [ -z "$machine" ] || kill "$machine" 2>/dev/null || true
    wait
    umount -R "$place" 2>/dev/null || umount -R --lazy "$place" 2>/dev/null || true
    rmdir "$place"
}
trap leave EXIT
trap 'exit 1' INT TERM HUP

mount -t tmpfs -o mode=0755,size=1g tmpfs "$place"
root=$place/root
mkdir "$place/upper" "$place/work" "$root"
mount -t overlay overlay -o "lowerdir=/,upperdir=$place/upper,workdir=$place/work" "$root" ||
    skip "no overlay can be mounted here"

# Where systemd-nspawn keeps its own locks; this machine's stays as it is.
mount -t tmpfs -o mode=0755 tmpfs /run

DESTDIR=$root cmake --install "$build" >/dev/null
mkdir -p "$root/jobmill-test"
cp "$here/guest.sh" "$build"/tests/modules/*.so "$root/jobmill-test"

# Nothing of this machine runs there but systemd itself and its journal.
rm -rf "$root"/etc/systemd/system/*.wants "$root"/etc/systemd/system/default.target \
    "$root"/var/log/journal
: >"$root/etc/machine-id"
for unit in systemd-networkd systemd-resolved systemd-timesyncd ldconfig \
    systemd-hwdb-update systemd-journal-catalog-update systemd-update-done apt-daily.timer \
    dpkg-db-backup.timer e2scrub_all.timer fstrim.timer systemd-tmpfiles-clean.timer; do
    case $unit in *.*) ;; *) unit=$unit.service ;; esac
    ln -sf /dev/null "$root/etc/systemd/system/$unit"
done
cat >"$root/etc/systemd/system/jobmill-test.service" <<'UNIT'
[Unit]
After=basic.target
SuccessAction=exit
FailureAction=exit
[Service]
Type=oneshot
ExecStart=/bin/bash /jobmill-test/guest.sh
StandardOutput=file:/jobmill-test/report
StandardError=inherit
UNIT
cat >"$root/etc/systemd/system/default.target" <<'UNIT'
[Unit]
Requires=basic.target
Wants=jobmill-test.service
UNIT
# What a package does after it was unpacked.
systemd-sysusers --root="$root" jobmill.conf

: >"$root/jobmill-test/report"
status=0
timeout --kill-after=10 "$limit" systemd-nspawn --quiet --directory="$root" --boot \
    --private-network --register=no --keep-unit --link-journal=no --console=pipe \
    --machine="jobmill-$$" </dev/null >"$place/console" 2>&1 &
machine=$!
wait "$machine" || status=$?
machine=
cat "$root/jobmill-test/report"
if ! grep -q '^[0-9]* passed, [0-9]* failed$' "$root/jobmill-test/report"; then
    [ "$status" -eq 124 ] && echo "not done after $limit s"
    # Where systemd cannot boot at all there is nothing to judge.
    if [ ! -s "$root/jobmill-test/report" ] && [ "$status" -ne 124 ]; then
        tail -n 5 "$place/console"
        skip "systemd does not boot in a container here"
    fi
    tail -n 40 "$place/console"
    exit 1
fi
grep -q ', 0 failed$' "$root/jobmill-test/report"
