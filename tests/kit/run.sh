#!/bin/sh
# SPDX-License-Identifier: MIT
# Builds programs that know the install tree alone, and runs them: modules in C and C++ are loaded by
# the installed daemon, clients on two loops talk to it.
# Usage: run.sh PREFIX DIRECTORY cmake|pkg-config
set -u
prefix=$(cd "${1:?usage: run.sh PREFIX DIRECTORY cmake|pkg-config}" && pwd) || exit 2
work=${2:?usage: run.sh PREFIX DIRECTORY cmake|pkg-config}
way=${3:?usage: run.sh PREFIX DIRECTORY cmake|pkg-config}
kit=$(cd "$(dirname "$0")" && pwd) || exit 2
# shellcheck disable=SC1091  # its path is known when this runs
. "$kit/kit.sh"
use_install_tree "$prefix"

rm -rf "$work"
mkdir -p "$work"
# A copy: nothing beside it is in reach.
cp -R "$kit/consumers/." "$work"

build() {
    for project in c_module cpp_module poll_client uv_client; do
        case $way in
            cmake)
                cmake_configure "$work/$project" "$work/$project/build" &&
                    cmake --build "$work/$project/build" || return 1
                ;;
            pkg-config)
                case $project in
                    *_module) compile_module "$work/$project/$project".c* "$work/$project/$project.so" ;;
                    *) compile_client "$work/$project/$project.cpp" "$work/$project/$project" ;;
                esac || return 1
                ;;
        esac
    done
}

fail() {
    echo "$*"
    exit 1
}

build >"$work/build.log" 2>&1 || {
    cat "$work/build.log"
    fail "the consumers cannot be built"
}
modules=$(find "$work" -name '*.so' -type f | sort)
[ "$(printf '%s\n' "$modules" | wc -l)" -eq 2 ] || fail "want two modules, have: $modules"
start_daemon "$work/daemon" "$modules" || fail "the daemon does not start"

for handler in c.adler32 cpp.fault cpp.fizz; do
    jobmill handlers | grep -q "$handler" || fail "no handler $handler"
done
answer=$(jobmill run c.adler32 Wikipedia)
[ "$answer" = 11e60398 ] || fail "c.adler32 answers $answer"
answer=$(jobmill run cpp.fizz --arg last=5)
[ "$answer" = '1 2 fizz 4 buzz' ] || fail "cpp.fizz answers $answer"
for client in poll_client uv_client; do
    program=$(find "$work/$client" -name $client -type f -perm -u+x)
    timeout 60 "$program" || fail "$client left with $?"
done
stop_daemon || {
    cat "$work/daemon/log"
    fail "the daemon did not stop well"
}

# A user who has configured the same modules and started nothing.
unset JOBMILL_SOCKET JOBMILL_NO_START
home=$(mktemp -d) || exit 2
trap 'jobmill daemon stop >/dev/null 2>&1; rm -rf "$home"' EXIT
export HOME="$home" XDG_RUNTIME_DIR="$home" XDG_CONFIG_HOME="$home/config" XDG_STATE_HOME="$home/state"
mkdir -p "$home/config/jobmill"
cp "$work/daemon/jobmill.toml" "$home/config/jobmill"
timeout 60 "$(find "$work/poll_client" -name poll_client -type f -perm -u+x)" ||
    fail "poll_client left with $?, when it had to start the daemon itself"
jobmill daemon stop >/dev/null || fail "there is no daemon to stop"
