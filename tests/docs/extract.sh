#!/bin/sh
# SPDX-License-Identifier: MIT
# Takes the code out of a page of markdown, so that it can be built and run as readers will.
# Usage: extract.sh PAGE DIRECTORY
#
# A fenced block that says `file=NAME` after its language becomes DIRECTORY/NAME (folders are made);
# blocks of a page with the same NAME are joined in their order, so that a page may show a file piece
# by piece:
#
#     ```cpp file=shouting/shouting.cpp
#     ...
#     ```
#
# Every block of the page, with a file or without, is a line of DIRECTORY/blocks:
#
#     LINE<TAB>LANGUAGE<TAB>NAME or -<TAB>the other words behind the language
#
# so a caller can insist that no block of a language goes unchecked, and may give words a meaning of
# its own. tests/docs/check_page.sh is such a caller.
set -u
page=${1:?usage: extract.sh PAGE DIRECTORY}
directory=${2:?usage: extract.sh PAGE DIRECTORY}
mkdir -p "$directory" || exit 2
: >"$directory/blocks" || exit 2

awk -v page="$page" -v directory="$directory" '
    function complain(what) {
        print page ":" FNR ": " what >"/dev/stderr"
        wrong = 1
        exit 1
    }
    # The fence that a line consists of, without what is behind it.
    function fence_of(line) {
        return match(line, /^ *(```+|~~~+)/) ? substr(line, RSTART, RLENGTH) : ""
    }
    function open_block(info,    words, count, i, other) {
        count = split(info, words, " ")
        name = "-"
        other = ""
        for (i = 2; i <= count; i++) {
            if (words[i] ~ /^file=/) name = substr(words[i], 6)
            else other = other (other == "" ? "" : " ") words[i]
        }
        if (name ~ /^\/|(^|\/)\.\.(\/|$)|[^A-Za-z0-9._\/-]/ || name == "" || name == "blocks")
            complain("file=" name ": want a plain relative name")
        printf "%d\t%s\t%s\t%s\n", FNR, (count ? words[1] : "-"), name, other >(directory "/blocks")
        if (name != "-" && !(name in known)) {
            known[name] = 1
            folder = directory "/" name
            sub(/\/[^\/]*$/, "", folder)
            system("mkdir -p \"" folder "\"")
            printf "" >(directory "/" name)
        }
    }
    fence == "" && fence_of($0) != "" {
        fence = fence_of($0)
        open_block(substr($0, length(fence) + 1))
        next
    }
    fence != "" && fence_of($0) == fence && $0 ~ /^ *[`~]+ *$/ {
        if (name != "-") close(directory "/" name)
        fence = ""
        next
    }
    fence != "" && name != "-" { print >>(directory "/" name) }
    END {
        if (!wrong && fence != "") complain("a block does not end")
    }
' "$page"
