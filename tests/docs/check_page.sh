#!/bin/sh
# SPDX-License-Identifier: MIT
# Does with the code of a page what its reader does: builds it against an install tree, loads the
# modules into a daemon from there, runs the programs against that daemon, and compares what they
# print. Usage: check_page.sh PREFIX PAGE DIRECTORY
#
# By the file that a block names (extract.sh says how):
#   X/CMakeLists.txt   folder X is built by CMake; every module and program it makes is taken
#   *.c *.cpp          else it is compiled by one line with pkg-config: a module when it exports one,
#                      a program when it has main()
#   *.toml             goes through jobmilld --check-config
#   *.console          each line `$ COMMAND` is run, and must print the lines below it; a program of the
#                      page, ./NAME, must leave with 0
#   *.py *.js *.go *.sh  is run where its interpreter is there
#   X.out              what program or script X prints, to the byte
# A program that no console block names is run without arguments. Everything runs in the folder of its
# file, with $JOBMILL_SOCKET set and the installed programs in PATH, and must leave with 0.
#
# Blocks of the languages below have to name a file. KIT_CFLAGS goes to every compiler, for install
# trees that were built with a sanitizer.
set -u
prefix=$(cd "${1:?usage: check_page.sh PREFIX PAGE DIRECTORY}" && pwd) || exit 2
page=${2:?usage: check_page.sh PREFIX PAGE DIRECTORY}
work=${3:?usage: check_page.sh PREFIX PAGE DIRECTORY}
tests=$(cd "$(dirname "$0")" && pwd) || exit 2
checked='c cpp cmake toml'
findings=0

rm -rf "$work"
sh "$tests/extract.sh" "$page" "$work" || exit 1
work=$(cd "$work" && pwd) || exit 2
# shellcheck disable=SC1091  # its path is known when this runs
. "$tests/../kit/kit.sh"
use_install_tree "$prefix"

complain() {
    echo "$page: $*"
    findings=$((findings + 1))
}

# attempt WHAT COMMAND...: its words are shown when it fails.
attempt() {
    attempted=$1
    shift
    if "$@" >"$work/words" 2>&1; then
        echo "$attempted"
    else
        complain "$attempted failed:"
        cat "$work/words"
        return 1
    fi
}

# files PATTERN: those of the page, by their paths below the folder of work.
files() {
    cut -f 3 "$work/blocks" | sort -u | grep -E "$1"
}

by_cmake() {
    attempt "configure $1" cmake_configure "$work/$1" "$work/$1/build" &&
        attempt "build $1" cmake --build "$work/$1/build"
}

by_one_line() {
    source=$work/$1
    made=${source%.*}
    if grep -Eq 'JOBMILL_MODULE\(|jobmill_module_v1\(' "$source"; then
        attempt "module $1" compile_module "$source" "$made.so"
    elif grep -Eq '^int main\(' "$source"; then
        attempt "program $1" compile_client "$source" "$made"
    else
        complain "$1 is neither a module nor a program"
    fi
}

build() {
    folders=$(files '(^|/)CMakeLists\.txt$' | sed -E 's|/?CMakeLists\.txt$||; s|^$|.|')
    for folder in $folders; do
        by_cmake "$folder"
    done
    for file in $(files '\.(c|cpp)$'); do
        # shellcheck disable=SC2086  # one folder a line
        printf '%s\n' $folders | grep -qxF "$(dirname "$file")" || by_one_line "$file"
    done
}

# Programs that were built, as paths below the folder of work.
programs() {
    (cd "$work" && find . -type f -perm -u+x ! -name '*.so' ! -path '*/CMakeFiles/*' | sed 's|^\./||' | sort)
}

# judge NAME OUTPUT: compares with NAME.out, where the page says what is printed.
judge() {
    [ -f "$work/$1.out" ] || return 0
    if ! diff -u "$work/$1.out" "$2" >"$work/words" 2>&1; then
        complain "$1 prints something else (- page, + program):"
        cat "$work/words"
    fi
}

# run NAME COMMAND...: in the folder of NAME.
run() {
    name=$1
    shift
    if (cd "$work/$(dirname "$name")" && timeout 60 "$@") </dev/null >"$work/output" 2>"$work/errors"; then
        echo "run $name"
        judge "$name" "$work/output"
    else
        complain "$name left with $?:"
        cat "$work/output" "$work/errors"
    fi
}

interpret() {
    if command -v "$2" >/dev/null; then
        name=$1
        shift
        run "$name" "$@" "$(basename "$name")"
    else
        echo "skipped: $1, as there is no $2"
    fi
}

# The commands of a console block, each followed by what it really prints.
replay() {
    while IFS= read -r line; do
        case $line in
            '$ '*)
                printf '%s\n' "$line"
                words=$(cd "$work/$(dirname "$1")" && timeout 60 sh -c "${line#??}" </dev/null 2>&1)
                left=$?
                [ -z "$words" ] || printf '%s\n' "$words"
                case $line in
                    *./*) [ "$left" -eq 0 ] || echo "(left with $left)" ;;
                esac
                ;;
        esac
    done <"$work/$1"
}

run_everything() {
    consoles=$(files '\.console$')
    for file in $(programs); do
        mentioned=
        for console in $consoles; do
            grep -q "\./$(basename "$file")" "$work/$console" && mentioned=yes
        done
        [ -n "$mentioned" ] || run "$file" "./$(basename "$file")"
    done
    for file in $consoles; do
        replay "$file" >"$work/output"
        if diff -u "$work/$file" "$work/output" >"$work/words" 2>&1; then
            echo "console $file"
        else
            complain "$file goes another way (- page, + really):"
            cat "$work/words"
        fi
    done
    for file in $(files '\.(py|js|go|sh)$'); do
        case $file in
            *.py) interpret "$file" python3 ;;
            *.js) interpret "$file" node ;;
            *.go) interpret "$file" go run ;;
            *.sh) interpret "$file" sh ;;
        esac
    done
}

for language in $checked; do
    awk -F '\t' -v language="$language" '$2 == language && $3 == "-" { print $1 }' "$work/blocks" |
        while read -r line; do
            echo "$page:$line: a block of $language names no file, so nobody checks it"
        done
done >"$work/unchecked"
cat "$work/unchecked"
findings=$(wc -l <"$work/unchecked")

for file in $(files '\.toml$'); do
    attempt "configuration $file" "$prefix/bin/jobmilld" --check-config --config "$work/$file"
done
build
if [ -n "$(programs; files '\.(console|py|js|go|sh)$')" ]; then
    modules=$(find "$work" -name '*.so' -type f)
    if start_daemon "$work/daemon" "$modules"; then
        run_everything
        stop_daemon || complain "the daemon did not stop well"
    else
        complain "the daemon does not start"
    fi
elif [ -n "$(find "$work" -name '*.so' -type f)" ]; then
    complain "has modules, and nothing that calls them"
fi
[ "$findings" -eq 0 ]
