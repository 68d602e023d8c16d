#!/bin/sh
# SPDX-License-Identifier: MIT
# jobmill daemon start, stop, status and log, for a process without a unit. Usage: daemon_itself.sh BINDIR
# shellcheck disable=SC1091,SC2154  # place.sh says what is what
. "$(dirname "$0")/place.sh"

echo "-- one that was started by hand stays, and says so"
try daemon start
same "code" 0 "$code"
has "start" "started: jobmilld " "$out"
has "start" "log $log" "$out"
pid=$(daemon_pid)
no "no idle time" --idle-timeout "$(tr '\0' ' ' <"/proc/$pid/cmdline")"
try daemon status
same "code" 0 "$code"
has "status" "pid $pid" "$out"
has "status" "started by  jobmill daemon start" "$out"
has "status" "socket      $socket" "$out"
has "status" "config      none: defaults" "$out"
has "status" "log         $log" "$out"
no "status" "idle" "$out"
try daemon status --json
has "JSON" "\"running\":true,\"pid\":$pid," "$out"
has "JSON" "\"log\":\"$log\"" "$out"

echo "-- the log: its end, and what comes"
try daemon log -n 1
has "log" " ready " "$out"
same "lines" 1 "$(printf '%s\n' "$out" | wc -l)"
jobmill daemon log -n 1 -f >"$place/followed" &
follower=$!
eventually grep -qs ready "$place/followed"

echo "-- stop, and what is said then"
try daemon stop
same "code" 0 "$code"
has "stop" "stopped: pid $pid in " "$out"
holds "the log was followed" eventually grep -q stopped "$place/followed"
kill $follower
wait $follower 2>/dev/null
try daemon stop
same "code" "1 jobmill: no daemon runs at $socket" "$code $err"
try daemon status
same "code" 1 "$code"
has "status" "no daemon runs" "$out"
try daemon status --json
has "JSON" "\"running\":false" "$out"
try daemon log
has "the log of one that is gone" "stopped" "$out"
rm "$log"
try daemon log
same "no log" "125 jobmill: there is no log yet: $log" "$code $err"

echo "-- start and stop in JSON"
try daemon start --json
has "start" "{\"running\":true,\"pid\":$(daemon_pid)," "$out"
try daemon start --json
has "start, once more" "{\"running\":true,\"pid\":$(daemon_pid)," "$out"
mkfifo "$place/go"
jobmill submit -- sh -c "touch '$place/begun'; read -r x <'$place/go'" >/dev/null
eventually test -e "$place/begun"
pid=$(daemon_pid)
jobmill daemon stop --json >"$place/out" 2>"$place/err" &
holds "what it waits for" eventually grep -qs "1 job is unfinished; those that run are given" "$place/err"
echo x >"$place/go"
wait $!
has "stop" "{\"stopped\":true,\"pid\":$pid,\"took_ms\":" "$(cat "$place/out")"

echo "-- a log that would be waited for"
rm "$log"
mkfifo "$log"
out=$(timeout 20 jobmill daemon start 2>&1)
same "code and text" "125 jobmill: the log $log is a pipe, whose reader would be waited for" "$? $out"
rm "$log"

echo "-- one that was started elsewhere"
echo '[pool.default]' >"$XDG_CONFIG_HOME/jobmill/jobmill.toml"
setsid jobmilld </dev/null 2>&1 | cat >"$place/output" &
eventually grep -qs ' ready ' "$place/output"
try daemon status
has "status" "started by  hand" "$out"
has "status" "config      $XDG_CONFIG_HOME/jobmill/jobmill.toml" "$out"
has "status" "log         pipe:" "$out"
try daemon log
same "code" 125 "$code"
has "log" "goes to pipe:" "$err"
try daemon start
has "start" "already running: " "$out"

echo "-- a place of one's own is started only when asked"
reset
try -s "$place/own.sock" daemon start
same "code" 0 "$code"
try -s "$place/own.sock" run sum 100
same "result" 5050 "$out"
try -s "$place/own.sock" daemon status
has "status" "socket      $place/own.sock" "$out"
try -s "$place/own.sock" daemon stop
same "code" 0 "$code"

echo "-- a lock that nobody holds names nobody, whoever has its number by now"
reset
mkdir -m 700 "$XDG_RUNTIME_DIR/jobmill"
mkdir -m 700 "$place/other"
setsid jobmilld --socket "$place/other/socket" --state-dir "$place/other" --workers 1 2>"$place/other/log" &
eventually grep -qs ' ready ' "$place/other/log"
other=$(cat "$place/other/socket.lock")
echo "$other" >"$socket.lock"
try daemon stop
same "stop" "1 jobmill: no daemon runs at $socket" "$code $err"
holds "the other one goes on" alive "$other"
try run sum 100
same "run waits for nobody" "5050 0 " "$out $code $err"
try -s "$place/other/socket" daemon stop
has "the other one" "stopped: pid $other in " "$out"

echo "-- who holds the place is seen where /proc tells of processes alone"
# shellcheck disable=SC2016  # words of the inner shell
without_locks() { unshare --mount sh -c 'mount -t proc -o subset=pid proc /proc && exec "$@"' sh "$@"; }
if without_locks test ! -e /proc/locks 2>/dev/null; then
    mkfifo "$place/end"
    jobmill submit -- sh -c "read -r x <'$place/end'" >/dev/null
    pid=$(daemon_pid)
    kill -TERM "$pid"
    eventually test ! -e "$socket"
    has "status" "jobmilld (pid $pid) takes no clients" "$(without_locks jobmill daemon status)"
    echo x >"$place/end"
    eventually gone "$pid"
    has "status" "no daemon runs" "$(without_locks jobmill daemon status)"
else
    echo "skipped: mounts are not for us"
fi

echo "-- one in another pid namespace is stopped there, and nobody who has its number here"
sleep 300 &
stranger=$!
inside() {
    [ "$(id -u)" = 0 ] || set -- --map-root-user "$@"
    exec unshare --pid --fork --mount-proc --kill-child "$@"
}
if (inside sh -c "echo 1000 >/proc/sys/kernel/ns_last_pid") 2>/dev/null; then
    mkdir -m 700 "$place/shared"
    # shellcheck disable=SC2016  # words of the inner shell
    (inside sh -c 'echo $(($1 - 1)) >/proc/sys/kernel/ns_last_pid
        jobmilld --socket "$2/socket" --state-dir "$2" --workers 1 & wait' \
        sh $stranger "$place/shared") >"$place/shared/log" 2>&1 &
    container=$!
    holds "a daemon" eventually grep -qs ' ready ' "$place/shared/log"
    same "its number there" $stranger "$(cat "$place/shared/socket.lock")"
    try -s "$place/shared/socket" daemon stop
    same "code" 0 "$code"
    kill -KILL $container 2>/dev/null  # it would not heed SIGTERM
    wait $container 2>/dev/null
    jobmill run sum 1 >/dev/null
    pid=$(daemon_pid)
    # shellcheck disable=SC2016
    (inside sh -c 'echo $(($1 - 1)) >/proc/sys/kernel/ns_last_pid
        sleep 300 &
        jobmill daemon status >"$2"
        jobmill daemon stop && echo stopped
        kill $1 && echo lives' sh "$pid" "$place/status") >"$place/out" 2>"$place/err"
    same "from where it is not seen" "lives" "$(cat "$place/out")"
    has "nothing is told of who has its number" "started by  another user, or out of sight" "$(cat "$place/status")"
    no "nothing is told of who has its number" "config" "$(cat "$place/status")"
    has "why" "cannot be seen from here, like one in a container: stop it where it is pid $pid" "$(cat "$place/err")"
    same "the daemon goes on" "$pid" "$(daemon_pid)"
else
    echo "skipped: pid namespaces are not for us"
fi
holds "who has its number" kill $stranger
wait $stranger 2>/dev/null

echo "-- reload and log-level talk to a daemon that runs, and start none"
reset
for words in reload "daemon log-level"; do
    # shellcheck disable=SC2086  # words
    try $words
    same "$words: code" 125 "$code"
    has "$words" "start one with: jobmill daemon start" "$err"
    fails "$words: a daemon" test -e "$socket"
done
config=$XDG_CONFIG_HOME/jobmill/jobmill.toml
jobmill daemon start >/dev/null
try reload
same "no file" "no configuration file: nothing changed 0" "$out $code"
: >"$config"
try reload
same "a file that was written since" "$config: nothing changed 0" "$out $code"
rm "$config"
try reload
same "and is gone" "78 jobmill: $config is gone; an empty one would mean the defaults" "$code $err"
reset
printf '[pool.default]\nworkers = 1\n' >"$config"
jobmill run sum 1 >/dev/null
try daemon log-level
same "level" "info 0" "$out $code"
try daemon log-level debug
same "level" "debug 0" "$out $code"
try daemon log-level loud
same "level" "2 jobmill: log level \"loud\": want one of debug, info, warning, error" "$code $err"
try reload
same "a level that was set by hand" "log_level debug -> info 0" "$out $code"
try reload
same "nothing new" "$config: nothing changed 0" "$out $code"
printf '[pool.default]\nworkers = 2\n[pool.other]\nworkers = 1\n' >"$config"
try reload
same "changes" "pool default: workers 1 -> 2
pool other: new, 1 worker 0" "$out $code"
jobmill set --pool other >/dev/null
no "a question" " adjusted" "$(cat "$log")"
jobmill set --pool other --max-running 3 --weight 7 >/dev/null
has "an answer" " adjusted" "$(cat "$log")"
jobmill set --max-running 9 >/dev/null
jobmill set --label bound --max-running 1 --weight 50 >/dev/null
jobmill set --label gone --weight 2 >/dev/null
printf '[pool.default]\nworkers = 2\n[pool.other]\nworkers = 1\n[label.bound]\nmax_running = 1\n' >"$config"
try reload
same "what was adjusted by hand" "pool other: max_running 3 -> unlimited
pool other: weight 7 -> 100
label bound: weight 50 -> 100
label gone: weight 2 -> 100
max_running 9 -> unlimited 0" "$out $code"
try reload
same "is so no more" "$config: nothing changed 0" "$out $code"
printf '[pool.default]\n  worker = 1\n' >"$config"
try reload
same "bad file" "78 jobmill: $config:2:3: unknown key \"worker\" in pool.default" "$code $err"
try --json reload
same "bad file" 78 "$code"
has "bad file" '"code":"bad_config"' "$out"
try run sum 100
same "the old one is in force" 5050 "$out"

judge
