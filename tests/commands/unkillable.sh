#!/bin/sh
# SPDX-License-Identifier: MIT
# A worker that the kernel holds, on a frozen file system: its job is told as timed out, another slot
# takes its place, and nothing is left once the file system thaws. For root, where loop devices can
# be mounted. Usage: unkillable.sh BINDIR MODULEDIR
# shellcheck disable=SC1091,SC2154  # place.sh says what is what
modules=$2
. "$(dirname "$0")/place.sh"

frozen=
thaw() {
    [ -z "$frozen" ] || fsfreeze -u "$place/disk" 2>/dev/null
    frozen=
    umount "$place/disk" 2>/dev/null
}
skip() {
    echo "skipped: $*"
    thaw
    exit 77
}

[ "$(id -u)" -eq 0 ] || skip "only root can mount"
for program in mkfs.ext4 fsfreeze; do
    command -v "$program" >/dev/null || skip "there is no $program"
done
mkdir "$place/disk"
truncate -s 32M "$place/image"
mkfs.ext4 -q -F "$place/image" || skip "no file system can be made"
mount -o loop "$place/image" "$place/disk" 2>/dev/null || skip "no loop device can be mounted here"
trap 'thaw; finish' EXIT

printf 'drain_timeout = "0s"\n[pool.default]\nworkers = 1\nmodules = ["%s"]\n' "$modules/testhandlers.so" \
    >"$XDG_CONFIG_HOME/jobmill/jobmill.toml"
jobmill handlers >/dev/null
fsfreeze -f "$place/disk" || skip "this file system cannot be frozen"
frozen=yes
jobmill run -q -t 100ms -a "path=$place/disk/file" write_file 65536 >/dev/null 2>&1
same "code of a job that hangs in the kernel" 124 $?
same "the next job, in another slot" 5050 "$(jobmill run sum 100)"
has "status" '"condemned":1' "$(jobmill --json status)"
has "the log" "worker does not die" "$(cat "$log")"
thaw
eventually sh -c 'jobmill --json status | grep -q "\"condemned\":0"'
same "once it thaws nothing is condemned" 0 $?
same "and jobs run" 5050 "$(jobmill run sum 100)"
judge
