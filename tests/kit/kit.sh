# shellcheck shell=sh
# SPDX-License-Identifier: MIT
# Sourced by what builds and runs programs against an install tree, and against nothing else of ours.

warnings='-Wall -Wextra -Wpedantic -Werror'
launcher=
daemon=

# use_install_tree PREFIX: first of all.
use_install_tree() {
    tree=$1
    PKG_CONFIG_PATH=$(find "$tree" -name pkgconfig -type d)
    export PKG_CONFIG_PATH PATH="$tree/bin:$PATH"
    # Compilers that ccache can serve; a CMake project takes them from the environment.
    if command -v ccache >/dev/null; then
        export CMAKE_C_COMPILER_LAUNCHER=ccache CMAKE_CXX_COMPILER_LAUNCHER=ccache
        launcher=ccache
    fi
}

# cmake_configure SOURCE BINARY
cmake_configure() {
    cmake -S "$1" -B "$2" -G Ninja -DCMAKE_PREFIX_PATH="$tree" -DCMAKE_BUILD_TYPE=Debug \
        -DCMAKE_C_FLAGS="$warnings" -DCMAKE_CXX_FLAGS="$warnings ${KIT_CFLAGS-}"
}

# compile_module SOURCE OUTPUT: as a packager does who has no CMake.
compile_module() {
    case $1 in
        *.c) compiler='cc -std=c11' ;;
        *) compiler='c++ -std=c++20' ;;
    esac
    # shellcheck disable=SC2086,SC2046  # words of their own
    $launcher $compiler $warnings -fPIC -c "$1" -o "$2.o" $(pkg-config --cflags jobmill-module) &&
        $compiler -shared "$2.o" -o "$2" && rm "$2.o"
}

# compile_client SOURCE OUTPUT
compile_client() {
    packages=jobmill
    ! grep -q '<uv\.h>' "$1" || packages='jobmill libuv'
    # shellcheck disable=SC2086,SC2046  # words of their own
    $launcher c++ -std=c++20 $warnings ${KIT_CFLAGS-} -c "$1" -o "$2.o" $(pkg-config --cflags $packages) &&
        c++ ${KIT_CFLAGS-} "$2.o" -o "$2" $(pkg-config --libs $packages) && rm "$2.o"
}

# start_daemon DIRECTORY MODULES: the installed one, with two workers and these modules, one a line;
# sets and exports JOBMILL_SOCKET. Answers whether it is ready.
start_daemon() {
    mkdir -p "$1/state"
    {
        printf '[pool.default]\nworkers = 2\nmodules = ['
        printf '%s\n' "$2" | sed '/^$/d; s/.*/"&", /'
        printf ']\n'
    } >"$1/jobmill.toml"
    # A socket's path is short; the folder of work may not be.
    socket_dir=$(mktemp -d) || return 1
    export JOBMILL_SOCKET="$socket_dir/s"
    jobmilld --config "$1/jobmill.toml" --state-dir "$1/state" --socket "$JOBMILL_SOCKET" >"$1/log" 2>&1 &
    daemon=$!
    trap 'stop_daemon' EXIT
    trap 'exit 1' INT TERM
    tries=0
    until [ -S "$JOBMILL_SOCKET" ] && jobmill ping >"$1/ping" 2>&1; do
        tries=$((tries + 1))
        if [ "$tries" -ge 300 ] || ! kill -0 "$daemon" 2>/dev/null; then
            cat "$1/log"
            return 1
        fi
        sleep 0.1
    done
}

# Ends it, and answers whether it left with 0.
stop_daemon() {
    [ -n "$daemon" ] || return 0
    trap - EXIT
    kill "$daemon" 2>/dev/null
    wait "$daemon"
    stopped=$?
    daemon=
    rm -rf "$socket_dir"
    return "$stopped"
}
