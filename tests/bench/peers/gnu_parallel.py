#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""GNU parallel: no pool, a process a job. Its jobs are programs: /bin/true, cat, and this file."""

import json
import os
import subprocess
import sys
import tempfile

import jobs
import workloads


class Peer:
    name = "GNU parallel"

    def start(self, workers):
        self.command = ["parallel", "--will-cite", "-j", str(workers)]

    def stop(self):
        pass

    def call(self, function, argument):
        if function is jobs.echo:
            words = self.command + ["--pipe", "--block", str(len(argument) + 1), "cat"]
            return subprocess.run(words, input=argument, stdout=subprocess.PIPE, check=True).stdout
        return list(self.stream(function, [argument], 1))[0]

    def stream(self, function, arguments, window):
        """It reads its input as it needs; each job has a line of the log when it has ended."""
        if window < min(10, len(arguments)):
            raise workloads.Unsupported("keeps no window of jobs")
        if function is jobs.peek:
            raise workloads.Unsupported("its jobs read files")
        job = (["/bin/true"] if function is jobs.noop
               else [sys.executable, os.path.abspath(__file__), "--job", function.__name__])
        with tempfile.TemporaryFile("w+") as items:
            items.writelines(json.dumps(argument) + "\n" for argument in arguments)
            items.seek(0)
            words = self.command + ["--joblog", "/dev/stdout"] + job
            with subprocess.Popen(words, stdin=items, stdout=subprocess.PIPE, text=True) as process:
                ended = 0
                for line in process.stdout:
                    if line.startswith("{"):
                        yield jobs.Counter(json.loads(line))
                    elif not line.startswith("Seq\t"):
                        ended += 1
                        if function is not jobs.words:
                            yield None
        if ended != len(arguments) or process.returncode != 0:
            raise RuntimeError(f"{ended} of {len(arguments)} jobs have ended")


def do_job(name, argument):
    result = getattr(jobs, name)(argument)
    if result is not None:
        print(json.dumps({word.decode(): count for word, count in result.items()}))


if __name__ == "__main__":
    if sys.argv[1:2] == ["--job"]:
        do_job(sys.argv[2], json.loads(sys.argv[3]))
    else:
        workloads.main(Peer())
