#!/bin/sh
# SPDX-License-Identifier: MIT
# map --joblog, and what a later map makes of such a log. Usage: job_log.sh BINDIR
# shellcheck disable=SC1091,SC2154,SC2016  # place.sh says what is what; commands of jobs are quoted
. "$(dirname "$0")/place.sh"
cd "$place" || exit 2
tab=$(printf '\t')
jobmill daemon start >/dev/null 2>&1 || exit 2

# map INPUT ARG...: sets out, err and code.
map() {
    input=$1
    shift
    out=$(printf '%b' "$input" | jobmill map "$@" 2>"$place/err")
    code=$?
    err=$(cat "$place/err")
}

# column N FILE: of all lines but the first, in the order of the items.
column() {
    tail -n +2 "$2" | sort -n | cut -f "$1" | tr '\n' ' '
}

echo "-- a line for every job"
map '0\n3\n0\n' --joblog log -c -- 'echo {#}; exit'
same "the code is the number of failed jobs" 1 "$code"
has "the summary names the log" "2 done, 1 failed (see log)" "$err"
same "the columns are those of GNU parallel" \
    "Seq${tab}Host${tab}Starttime${tab}JobRuntime${tab}Send${tab}Receive${tab}Exitval${tab}Signal${tab}Command" \
    "$(head -n 1 log)"
same "numbers" "1 2 3 " "$(column 1 log)"
same "bytes of output" "2 2 2 " "$(column 6 log)"
same "exit values" "0 3 0 " "$(column 7 log)"
same "signals" "0 0 0 " "$(column 8 log)"
same "the command" "echo 2; exit '3'" "$(grep '^2' log | cut -f 9)"
map 'a b\n' --joblog log -- sh -c 'kill -9 $$'
same "the log begins anew, and a signal has its column" "0 9 " "$(column 7 log)$(column 8 log)"
same "words are quoted for sh" "sh -c 'kill -9 \$\$' 'a b'" "$(grep '^1' log | cut -f 9)"
map '5\nx\n' --joblog log -a unused=1 sum
same "a handler's job is a line of sh, too" "jobmill run -a unused=1 sum -- 5" \
    "$(grep '^1' log | cut -f 9)"
same "bytes of input and output" "1 2 1 0 " "$(sort -n log | grep '^[12]' | cut -f 5,6 | tr '\t\n' '  ')"

echo "-- an item that is too long"
map "1\\n$(head -c 70000 /dev/zero | tr '\0' 2)\\n3\\n" --joblog log -k -- echo
same "fails" 1 "$code"
has "is named" "item 2: the job's arguments need" "$err"
same "and the others do not" "$(printf '1\n3')" "$out"
same "it is in the log, too" "1 2 3 " "$(column 1 log)"
same "as one that never ran" "0 -1 0 " "$(column 7 log)"
map '' --joblog log --retry-failed
same "and fails again when what failed is done again" "1 item 2: the job's arguments need" \
    "$code $(printf '%s' "$err" | sed -n 's/^jobmill: \(item 2: the job.s arguments need\).*/\1/p')"

echo "-- a command line that comes to nothing"
cp log before
map '1\n' --joblog log sun
same "a handler that is misspelt leaves the log as it was" 125 "$code"
holds "all of it" cmp before log
map '1\n' -p nope --joblog log sum
holds "so does a pool" cmp before log
map '1\n' -s "$place/nobody.sock" --joblog log sum
holds "and a daemon that is not there" cmp before log
map '' --joblog log sum
same "no items begin it anew" "" "$(column 1 log)"
cp before log
echo 1 | jobmill map --joblog log -- sleep 60 2>/dev/null &
holds "nor is a job that has not ended waited for" eventually sh -c 'test "$(wc -l <log)" = 1'
kill $!
wait $!

echo "-- resume"
map '1\n2\n3\n' --joblog log -- sh -c 'echo did $0; test $0 != 2'
same "code" 1 "$code"
map '1\n2\n3\n4\n' --joblog log --resume -- echo again
same "what is in the log is not done again" "again 4" "$out"
same "the log goes on" "1 2 3 4 " "$(column 1 log)"
map '1\n2\n3\n4\n5\n' --joblog log --resume-failed -k -- echo again
same "what failed is done again" "$(printf 'again 2\nagain 5')" "$out"
map '1\n2\n3\n4\n5\n' --joblog log --resume-failed -k -- echo again
same "and not when it has succeeded since" "" "$out"
same "code when there is nothing to do" 0 "$code"

echo "-- retry-failed"
rm -f flag
map 'x y\nz\n' --joblog log -- sh -c 'test -e flag && echo done "$0"'
same "all fail" 2 "$code"
touch flag
out=$(jobmill map --joblog log --retry-failed -k </dev/null)
same "the commands of the log, without input" "$(printf 'done x y\ndone z')" "$out"
same "each has its number again" "1 1 2 2 " "$(column 1 log)"
out=$(jobmill map --joblog log --retry-failed </dev/null)
same "nothing is left to retry" "" "$out"
map 'ten\n4\n' --joblog log sum
sed -i 's/-- ten$/-- 10/' log
same "a handler's job is retried as one" 55 "$(jobmill map --joblog log --retry-failed)"
printf '%s\0' 'two
lines' | jobmill map -0 --joblog log -- sh -c 'echo "$0"; false' >/dev/null 2>&1
same "a newline is not one in the log" 2 "$(wc -l <log)"
out=$(jobmill map --joblog log --retry-failed 2>/dev/null)
same "and one again in the command" "$(printf 'two\nlines')" "$out"
head -c 5000 /dev/zero | tr '\0' x | jobmill map --joblog log sum >/dev/null 2>&1
try map --joblog log --retry-failed
has "an item that is too large for a line is told" "the log has not all of it" "$err"
same "and fails" 1 "$code"

echo "-- logs that are not whole"
map '1\n2\n' --joblog log -- echo
printf '3\t:\t17' >>log
map '1\n2\n3\n' --joblog log --resume -- echo
same "a line that was cut short counts as none" 3 "$out"
same "and is gone" "1 2 3 " "$(column 1 log)"
echo nonsense >>log
map '1\n' --joblog log --resume -- echo
same "a line of another kind is an error" 125 "$code"
has "it is told where" "log, line 5: want nine columns" "$err"
map '1\n' --joblog none/log -- echo
same "a log that cannot be opened is an error" 125 "$code"
has "and named" "the job log none/log: No such file" "$err"
map '1\n' --joblog /dev/full -- echo
has "a device that is full is told" "No space left on device" "$err"
# A file that may not grow beyond a block is a full disk.
out=$(seq 100 | (ulimit -f 1 && exec jobmill map --joblog small -- echo) 2>"$place/err" | wc -l)
same "jobs go on when the log is full" 100 "$out"
same "it is told once, and in the end how many are missing" 1 "$(grep -c 'File too large' "$place/err")"
has "in the end" "missing from the job log: " "$(tail -n 1 "$place/err")"
same "the log has whole lines" "" "$(tail -c 1 small | tr -d '\n')"
out=$(seq 100 | jobmill map --joblog small --resume -k -- echo | tail -n 1)
same "what is missing is done by the next one" 100 "$out"

echo "-- files that are no logs"
for text in garbage 'garbage\n' 'garbage\nSeq\tHost\n' 'Sequence'; do
    for past in --resume --resume-failed --retry-failed; do
        printf '%b' "$text" >other
        map '1\n' --joblog other "$past" -- echo
        same "$text $past is refused" "125 jobmill: other is not a job log: its first line is another one" \
            "$code $err"
        same "$text $past stays" "$(printf '%b' "$text" | cksum)" "$(cksum <other)"
    done
done
printf 'Seq\tHost\tStart' >other
map '1\n' --joblog other --resume -- echo
same "a first line that was cut short begins a log" "0 1" "$code $out"
same "with a line" "1 " "$(column 1 other)"
map '' --joblog absent --retry-failed
same "no log, no failed jobs" "125 jobmill: the job log absent: No such file or directory" "$code $err"
fails "a log" test -e absent
map '1\n' --joblog absent --resume -- echo
same "to resume begins one" "0 1 1 " "$code $out $(column 1 absent)"

echo "-- two at once"
jobmill map --joblog log -- sleep 60 <<'ITEM' &
1
ITEM
first=$!
eventually sh -c 'jobmill status | grep -q running'
map '1\n' --joblog log -- echo
same "one log is one map's" 125 "$code"
has "it is told" "another jobmill" "$err"
kill -TERM $first
wait $first
same "what was interrupted has not ended" "" "$(column 1 log)"

echo "-- what a stopped daemon cut short"
printf 'drain_timeout = "100ms"\n' >"$XDG_CONFIG_HOME/jobmill/jobmill.toml"
jobmill reload >/dev/null
seq 9 | jobmill map --joblog cut -L cut-short -- sleep 60 2>"$place/err" &
eventually sh -c 'test "$(jobmill status | grep -c cut-short)" = 9'
jobmill daemon stop >/dev/null 2>&1
wait $!
same "is counted apart" "jobmill: 0 done, 0 failed, 9 cut short (see cut; --resume goes on)" \
    "$(tail -n 1 "$place/err")"
same "has not ended" "" "$(column 1 cut)"

echo "-- an output that has no room for the next result"
jobmill daemon start >/dev/null
# 4096 bytes at most: twelve results of eight bytes behind these, and half of one.
head -c 3997 /dev/zero | tr '\0' '\n' >full
seq 2000 2039 >items
(
    ulimit -f 8
    exec jobmill map --joblog full.log sum <items >>full 2>"$place/err"
)
same "code" 125 "$?"
same "why" "jobmill: writing the output: File too large" "$(cat "$place/err")"
same "it ends with a whole line" 4093 "$(wc -c <full)"
same "what it has is logged" 12 "$(column 1 full.log | wc -w)"
jobmill map --joblog full.log --resume sum <items >>full
same "code" 0 "$?"
same "nothing is missing, and nothing is there twice" \
    "$(awk '{ print $1 * ($1 + 1) / 2 }' items)" "$(grep . full | sort -n)"

echo "-- options that do not go together"
try map --resume -- echo
same "a log is needed" 2 "$code"
try map --joblog log --resume --retry-failed -- echo
same "one of them" 2 "$code"
judge
