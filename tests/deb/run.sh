#!/bin/bash
# SPDX-License-Identifier: MIT
# Installs the packages in a clean Debian, upgrades them under load, removes and purges them, and
# compares what is there before and after: once without an init system, once under a booted systemd. The
# clean Debian is made by debootstrap once and kept in the
# build directory; each run has an overlay of it in memory, in namespaces of its own, which end with
# the run however it ends: no mount and no process can stay. Needs root, and a Debian mirror the first
# time. Usage: run.sh BUILD, where BUILD/packages has the packages
set -euo pipefail
here=$(dirname "$(readlink -f "$0")")
build=$(readlink -f "${1:?usage: run.sh BUILD}")
chroot=$build/chroot
root=$chroot/top/root
mirror=${JOBMILL_DEB_MIRROR:-http://deb.debian.org/debian}

complain() {
    echo "deb-test: $*" >&2
    exit 1
}

package() {
    local found
    found=$(echo "$1"/"$2"_*.deb)
    [ -f "$found" ] || complain "want one package $1/$2_*.deb"
    echo "$found"
}

# in_namespaces COMMAND...: all of it ends when this script does.
in_namespaces() {
    local status=0
    (exec unshare --mount --propagation private --pid --fork --kill-child --mount-proc "$@" </dev/null) &
    inner=$!
    wait "$inner" || status=$?
    inner=
    return "$status"
}
inner=
# unshare itself blocks what is weaker.
trap '[ -z "$inner" ] || kill -KILL "$inner"' EXIT
trap 'exit 1' HUP INT TERM

# in_clean_debian COMMAND...: with $root, a Debian with the packages and the tests in /deb-test, that is
# gone afterwards.
in_clean_debian() {
    # shellcheck disable=SC2016  # expanded in there
    in_namespaces bash -euc '
        top=$chroot/top
        mkdir -p "$top"
        mount -t tmpfs -o mode=755 tmpfs "$top"
        mkdir "$top/changes" "$top/work" "$root"
        mount -t overlay \
            -o "lowerdir=$chroot/base,upperdir=$top/changes,workdir=$top/work" overlay "$root"
        mkdir "$root/deb-test"
        cp -R "$build/packages" "$build/next" "$here/inside.sh" "$here/booted.sh" "$root/deb-test"
        exec "$@"
    ' -- "$@"
}

# A Debian with what the packages depend on, and nothing of ours.
make_base() {
    local depends
    depends=$(dpkg-deb -f "$(package "$build/packages" jobmill)" Depends)
    depends+=", $(dpkg-deb -f "$(package "$build/packages" libjobmill-dev)" Depends)"
    if [ -d "$chroot/base" ] && [ "$(cat "$chroot/depends" 2>/dev/null)" = "$depends" ]; then
        return
    fi
    echo "making a clean Debian from $mirror"
    rm -rf "$chroot"
    mkdir -p "$chroot"
    # shellcheck disable=SC1091  # every Debian has it
    debootstrap --variant=minbase "$(. /etc/os-release && echo "$VERSION_CODENAME")" "$chroot/base.new" \
        "$mirror" >"$chroot/debootstrap.log" 2>&1 || {
        tail "$chroot/debootstrap.log"
        complain "debootstrap cannot make a Debian; is $mirror reachable? (JOBMILL_DEB_MIRROR names another)"
    }
    printf '#!/bin/sh\nexit 101\n' >"$chroot/base.new/usr/sbin/policy-rc.d"
    chmod 755 "$chroot/base.new/usr/sbin/policy-rc.d"
    in_namespaces chroot "$chroot/base.new" /bin/sh -c "mount -t proc proc /proc &&
        DEBIAN_FRONTEND=noninteractive apt-get satisfy -y --no-install-recommends '$depends' &&
        apt-get clean" >"$chroot/depends.log" 2>&1 || {
        tail "$chroot/depends.log"
        complain "cannot install what the packages depend on"
    }
    mv "$chroot/base.new" "$chroot/base"
    echo "$depends" >"$chroot/depends"
}

# The same packages with a higher version, for the upgrade.
make_next() {
    local version
    version=$(dpkg-deb -f "$(package "$build/packages" jobmill)" Version)
    rm -rf "$build/next"
    cpack --config "$build/CPackConfig.cmake" -B "$build/next" -D CPACK_PACKAGE_VERSION="$version+next" \
        >"$build/next.log" 2>&1 || {
        tail "$build/next.log"
        complain "cannot pack the next version"
    }
    rm -rf "$build/next/_CPack_Packages"
}

# What is built against the unpacked packages finds everything where Debian has it.
try_kit() {
    local way
    rm -rf "$build/unpacked"
    dpkg-deb -x "$(package "$build/packages" jobmill)" "$build/unpacked"
    dpkg-deb -x "$(package "$build/packages" libjobmill-dev)" "$build/unpacked"
    for way in cmake pkg-config; do
        sh "$here/../kit/run.sh" "$build/unpacked/usr" "$build/kit-$way" "$way"
        echo "good: modules and clients are built against the packages by $way"
    done
}

[ "$(id -u)" -eq 0 ] || complain "needs root, for a chroot of its own"
in_namespaces true 2>/dev/null ||
    complain "this root may not make namespaces (a container without CAP_SYS_ADMIN?)"
try_kit
make_base
make_next
export build here chroot root
in_clean_debian timeout --kill-after=10 600 chroot "$root" /bin/bash -euc \
    'mount -t proc proc /proc; exec bash /deb-test/inside.sh'
# shellcheck disable=SC2016  # expanded in there
in_clean_debian bash -euc '
    ln -sf /lib/systemd/system/basic.target "$root/etc/systemd/system/default.target"
    mkdir -p "$root/etc/systemd/system/basic.target.wants"
    ln -sf ../deb-test.service "$root/etc/systemd/system/basic.target.wants"
    cp "$here/deb-test.service" "$root/etc/systemd/system"
    : >"$root/etc/machine-id"
    rm -f "$root/usr/sbin/policy-rc.d"
    timeout --kill-after=10 300 systemd-nspawn --quiet --directory="$root" --boot --private-network \
        --register=no --keep-unit --link-journal=no --console=pipe --machine="deb-test-$$" \
        >"$chroot/console" 2>&1 || true
    [ -s "$root/deb-test/report" ] || { tail "$chroot/console"; exit 1; }
    cat "$root/deb-test/report"
    [ "$(tail -n 1 "$root/deb-test/report")" = "all was well" ]
'
