#!/bin/sh
# SPDX-License-Identifier: MIT
# Daemons that are slow, hang or die while a client waits for them: a fake one lies beside a copy of
# jobmill. Usage: slow_starts.sh BINDIR
# shellcheck disable=SC1091,SC2154  # place.sh says what is what
. "$(dirname "$0")/place.sh"
mkdir "$place/bin"
cp "$bin/jobmill" "$place/bin/jobmill"
PATH=$place/bin:$PATH

# fake_daemon: what it does is read from standard input.
fake_daemon() {
    { echo '#!/bin/sh' && cat; } >"$place/bin/jobmilld"
    chmod +x "$place/bin/jobmilld"
}

echo "-- a start that takes long is announced once, unless --quiet"
fake_daemon <<END
sleep 1.3
exec $bin/jobmilld "\$@"
END
try run sum 100
same "result" "5050 0" "$out $code"
same "notice" "jobmill: starting jobmilld; its log is $log" "$err"
reset
try -q run sum 100
same "quiet" "5050 0 " "$out $code $err"
reset

echo "-- an interrupt ends the waiting"
fake_daemon <<END
echo \$\$ >$place/fake.pid
exec sleep 60
END
jobmill run sum 100 2>"$place/err" &
client=$!
eventually test -s "$place/fake.pid"
# Not SIGINT: a shell's background jobs ignore that, and jobmill leaves it so.
kill -TERM $client
wait $client
same "code" 143 $?
same "standard error" "" "$(cat "$place/err")"
kill "$(cat "$place/fake.pid")"
rm "$place/fake.pid"

echo "-- a daemon that dies is told with its last words"
fake_daemon <<END
echo first
echo the reason >&2
exit 1
END
try run sum 100
same "code" 125 "$code"
has "last words" "jobmill: first
jobmill: the reason" "$err"

echo "-- one that cannot be executed, too"
printf '#!/nowhere/shell\n' >"$place/bin/jobmilld"
try run sum 100
same "code" 125 "$code"
has "what" "starting $place/bin/jobmilld: No such file" "$err"

echo "-- a daemon that answers late, as one that loads its modules, is waited for"
rm "$place/bin/jobmilld"
ln -s "$bin/jobmilld" "$place/bin/jobmilld"
reset
try run sum 100
pid=$(daemon_pid)
kill -STOP "$pid"
jobmill run sum 100 >"$place/out" 2>"$place/err" &
client=$!
# It says so when it has waited for longer than a session may take to begin.
holds "it says so" eventually grep -q "waiting for jobmilld to answer" "$place/err"
kill -CONT "$pid"
wait $client
same "result" "5050 0" "$(cat "$place/out") $?"

echo "-- who is told to leave does not wait for one that does not answer"
kill -STOP "$pid"
jobmill ping 2>"$place/err" &
client=$!
holds "it runs" eventually grep -q '^Name:.jobmill$' /proc/$client/status  # no longer this shell
holds "it heeds SIGTERM" eventually grep -q 'SigCgt:.*[4-7c-f]...$' /proc/$client/status
kill -TERM $client
# A connection is waited for five seconds: two of those at most would pass here.
for _ in $(seq 100); do
    kill -0 $client 2>"$place/null" || break
    sleep 0.02
done
holds "it is gone" test ! -e /proc/$client
wait $client
same "code" 143 $?
same "no word" "" "$(cat "$place/err")"
kill -CONT "$pid"
reset

echo "-- a long log is put aside"
mkdir -p "${log%/*}"
head -c 5000000 /dev/zero | tr '\0' x >"$log"
try run sum 100
same "result" 5050 "$out"
holds "the old one is kept" test -s "$log.old"
holds "a new one is begun" test "$(wc -c <"$log")" -lt 10000

judge
