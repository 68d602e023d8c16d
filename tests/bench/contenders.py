# SPDX-License-Identifier: MIT
"""Who is measured by what: the programs, what each needs, and the columns of the tables."""

import importlib.util
import os
import shutil
from collections import namedtuple

from tables import OURS, Column

HERE = os.path.dirname(os.path.abspath(__file__))
PYTHON = "/usr/bin/python3"  # the one that Debian's packages are for

# What it needs: modules of Python, programs, packages of npm.
Contender = namedtuple("Contender", "name command modules programs packages", defaults=((), (), ()))

# turns: in how many rounds at most. pinned: once with all on one core and once without. text: is
# about the words of a file. more: tables of other figures of it, each with its title and columns.
Workload = namedtuple("Workload", "name title columns turns pinned text more",
                      defaults=(3, False, False, ()))

# What only we are measured by: its words of a whole run and of a quick one.
Own = namedtuple("Own", "name title words quick")

PINNED = "all on one core"
FREE = "not pinned"


def contenders(build):
    """All of them; a command is given a workload and the part of a whole run's time."""
    programs = os.path.join(build, "release", "tests", "bench")

    def python(name):
        return [PYTHON, os.path.join(HERE, "peers", name)]

    def node(name):
        return ["node", os.path.join(HERE, "peers", name)]

    def built(name):
        return [os.path.join(programs, "peers", name)]

    return [
        Contender(OURS, [programs]),
        Contender("together", [programs]),
        Contender("relay", built("relay")),
        Contender("split", built("static_split")),
        Contender("python", python("jobmill_python.py")),
        Contender("pebble", python("pebble_pool.py"), modules=("pebble",)),
        Contender("executor", python("executor.py")),
        Contender("pool", python("pool.py")),
        Contender("pool64", python("pool64.py")),
        Contender("asyncio", python("asyncio_executor.py")),
        Contender("joblib", python("joblib_loky.py"), modules=("joblib",)),
        Contender("dask", python("dask_cluster.py"), modules=("distributed",)),
        Contender("celery", python("celery_redis.py"), modules=("celery", "redis"),
                  programs=("redis-server",)),
        Contender("gearmand", built("gearmand"), programs=("gearmand",)),
        Contender("beanstalkd", built("beanstalkd"), programs=("beanstalkd",)),
        Contender("parallel", python("gnu_parallel.py"), programs=("parallel",)),
        Contender("piscina", node("piscina.mjs"), programs=("node",), packages=("piscina",)),
        Contender("tinypool", node("tinypool.mjs"), programs=("node",), packages=("tinypool",)),
        Contender("workerpool", node("workerpool.mjs"), programs=("node",), packages=("workerpool",)),
    ]


def command(contender, workload, part):
    """Its words; none when it has nothing for that workload."""
    if contender.name == OURS:
        return [os.path.join(contender.command[0], workload), str(part)]
    if contender.name == "together":
        if workload not in ("throughput", "drain", "smallest_job"):
            return None
        return ["env", "JOBMILL_BENCH_TOGETHER=1", os.path.join(contender.command[0], workload), str(part)]
    if contender.name == "split":
        return contender.command + ["words", "2"] if workload == "words" else None
    return contender.command + [workload, str(part)]


def found(program):
    return shutil.which(program) or shutil.which(program, path="/usr/sbin:/usr/local/sbin")


def missing(contender, build):
    """What it needs and is not there."""
    lacking = [f"python3's {module}" for module in contender.modules
               if importlib.util.find_spec(module) is None]
    lacking += [program for program in contender.programs if not found(program)]
    lacking += [f"npm's {package}" for package in contender.packages
                if not os.path.isdir(os.path.join(build, "peers", "node_modules", package))]
    program = contender.command[-1]
    if not os.path.exists(program):
        lacking.append(os.path.relpath(program, os.path.dirname(build)))
    return lacking


def trips(placement):
    return [Column(f"{placement}: {title}", placement, figure, "µs")
            for title, figure in (("p50", "p50_us"), ("p99", "p99_us"), ("p99.9", "p999_us"))]


def windows(*clients):
    cases = [f"{each}, window {window}" for each in clients for window in (1, 10, 100, 1000)]
    return [Column(case, case, "jobs_per_s", "", True) for case in cases]


def spins(case, title):
    return [Column(f"{title}: of the ideal", case, "of_ideal", "", True),
            Column("first result", case, "first_ms", "ms")]


def drained(count):
    case = f"{count} jobs"
    return [Column(f"{count:,}: jobs/s", case, "jobs_per_s", "", True),
            Column("peak bytes a job", case, "broker_bytes_per_job", "")]


def workloads(megabytes):
    return [
        Workload("round_trip", "A job that does nothing, one at a time", trips(PINNED) + trips(FREE),
                 pinned=True),
        Workload("throughput", "Jobs that do nothing, so many a second", windows("1 client"),
                 more=(("The same, from several clients at once", windows("4 clients", "16 clients")),)),
        Workload("five_ms", "Jobs of 5 ms on two workers, beside two bare processes",
                 spins("uniform", "uniform") + spins("first job long", "the first one long")),
        Workload("echo", "A payload there and back",
                 [Column(size, size, "ms", "ms") for size in ("1 KiB", "64 KiB", "1 MiB", "64 MiB")]),
        Workload("same_input", "One input to 1,000 jobs that look at each page of it",
                 [Column(size, size, "ms", "ms") for size in ("1 MiB", "64 MiB")], turns=2),
        Workload("drain", "Many jobs submitted at once, until the last result",
                 drained(100_000) + drained(1_000_000), turns=2),
        Workload("killed", "A worker killed under full load",
                 [Column("throughput is back after", "", "back_ms", "ms"),
                  Column("least share of it meanwhile", "", "least_of_before", "", True),
                  Column("longest pause in 100 ms before", "", "pause_before_ms", "ms"),
                  Column("and after", "", "pause_ms", "ms"),
                  Column("jobs lost", "", "lost", "")]),
        Workload("first_result", "From nothing to the first result", [Column("", "", "ms", "ms")]),
        Workload("words", f"The words of {megabytes} MB of text counted on two workers",
                 [Column("", f"{megabytes} MB", "seconds", "s")], turns=2, text=True),
        Workload("smallest_job", "The smallest job that two workers run at 95 % of the ideal",
                 [Column("job", "", "smallest_us", "µs")], turns=2),
    ]


OWN = [
    Own("scheduling_cost", "What it costs to decide about a job, the core alone", (), ("100000",)),
    Own("payloads", "Large payloads without copies", (), ("5",)),
    Own("queue_million", "A queued job", (), ("100000",)),
    Own("status_busy", "`status` with every worker busy and a full queue", (), ("100000",)),
    Own("fairness", "Another client's first job behind one client's queue, in job times", (),
        ("10000",)),
    Own("cancel_latency", "A cancelled job's end, and the next one in its slot", (), ("20",)),
    Own("kill_to_ready", "A killed worker's replacement", (), ()),
    Own("python_client", "jobmill's package for Python beside the standard library", (), ("1000",)),
    Own("beside_pebble", "Three mishaps beside pebble", (), ("5",)),
]
