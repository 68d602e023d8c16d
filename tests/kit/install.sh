#!/bin/sh
# SPDX-License-Identifier: MIT
# Makes a fresh install tree and moves it, so that what is built against it later finds everything
# from wherever it is; and looks for paths of the trees that it came from.
# Usage: install.sh SOURCE BUILD PREFIX
set -eu
source=${1:?usage: install.sh SOURCE BUILD PREFIX}
build=${2:?usage: install.sh SOURCE BUILD PREFIX}
prefix=${3:?usage: install.sh SOURCE BUILD PREFIX}

rm -rf "$prefix" "$prefix.made"
cmake --install "$build" --prefix "$prefix.made" >"$prefix.log" || {
    cat "$prefix.log"
    exit 1
}
mv "$prefix.made" "$prefix"

libdir=$(dirname "$(find "$prefix" -name pkgconfig -type d)")
for file in bin/jobmill bin/jobmilld libexec/jobmill-worker libexec/jobmill-runtime.so \
    lib/python3/dist-packages/jobmill/_bootstrap.py include/jobmill/client.hpp \
    include/jobmill/handler.hpp include/jobmill/module.h include/jobmill/runtime.h; do
    [ -f "$prefix/$file" ] || {
        echo "not installed: $file"
        exit 1
    }
done
if grep -rnE "$prefix\.made|$source/(client|common|worker|build)" "$prefix/include" "$libdir/cmake" \
    "$libdir/pkgconfig"; then
    echo "the install tree names the trees that it came from"
    exit 1
fi
if grep -rnE '#[[:space:]]*include[[:space:]]*"(common|client|worker|daemon)/' "$prefix/include"; then
    echo "an installed header includes one that is not installed"
    exit 1
fi
[ "$(find "$prefix" -name '*.a' | wc -l)" -eq 1 ] || {
    echo "want libjobmill.a and no other archive"
    exit 1
}
# The archive lacks nothing of ours: a program may use any of the headers.
lacking=$(nm "$libdir/libjobmill.a" | awk '
    NF == 2 && $1 == "U" && $2 ~ /^_ZNK?7jobmill/ { wanted[$2] = 1 }
    NF == 3 && $2 ~ /^[A-Z]$/ { there[$3] = 1 }
    END { for (symbol in wanted) if (!(symbol in there)) print symbol }')
[ -z "$lacking" ] || {
    echo "libjobmill.a lacks:"
    printf '%s\n' "$lacking" | c++filt
    exit 1
}
