#!/bin/sh
# SPDX-License-Identifier: MIT
# Proves that check_page.sh sees what it is for: each page here has one thing wrong with it, and must
# be refused for that. Usage: prove_check.sh PREFIX DIRECTORY
set -u
prefix=${1:?usage: prove_check.sh PREFIX DIRECTORY}
work=${2:?usage: prove_check.sh PREFIX DIRECTORY}
tests=$(cd "$(dirname "$0")" && pwd) || exit 2
rm -rf "$work"
mkdir -p "$work" || exit 2
missed=0

# refuse WORDS: the page on standard input is refused, with these words.
refuse() {
    cat >"$work/page.md"
    if sh "$tests/check_page.sh" "$prefix" "$work/page.md" "$work/page" >"$work/said" 2>&1; then
        echo "not seen: $1"
        missed=$((missed + 1))
    elif ! grep -qF -e "$1" "$work/said"; then
        echo "refused, but not for: $1"
        cat "$work/said"
        missed=$((missed + 1))
    fi
}

refuse 'page.md:2: a block of cpp names no file' <<'PAGE'
Some code:
```cpp
int main() {}
```
PAGE
refuse 'want a plain relative name' <<'PAGE'
```sh file=../outside.sh
true
```
PAGE
refuse 'a block does not end' <<'PAGE'
```sh file=open.sh
true
PAGE
refuse 'configuration bad.toml failed' <<'PAGE'
```toml file=bad.toml
worker = 3
```
PAGE
refuse 'program broken.cpp failed' <<'PAGE'
```cpp file=broken.cpp
int main() { return jobmill::Client::connect(); }
```
PAGE
refuse 'nothing that calls them' <<'PAGE'
```c file=idle.c
#include <jobmill/module.h>
const jobmill_module* jobmill_module_v1(void) { return NULL; }
```
PAGE
refuse '-6050' <<'PAGE'
```console file=wrong.console
$ jobmill run sum 100
6050
```
PAGE
refuse '+(left with 3)' <<'PAGE'
```cpp file=leaves.cpp
int main() { return 3; }
```
```console file=leaves.console
$ ./leaves
```
PAGE
refuse 'left.sh left with 3' <<'PAGE'
```sh file=left.sh
exit 3
```
PAGE
refuse '-hello' <<'PAGE'
```sh file=says.sh
echo goodbye
```
```text file=says.sh.out
hello
```
PAGE
[ "$missed" -eq 0 ]
