# SPDX-License-Identifier: MIT
"""Standard library: a process for each sum, and join(). What they sum up is lost with them, and
they are waited for in the order of their start, whichever is done first."""

from multiprocessing import Process

from sums import sizes, sum_to_num

if __name__ == "__main__":
    processes = {size: Process(target=sum_to_num, args=(size,)) for size in sizes()}
    for process in processes.values():
        process.start()
    for size, process in processes.items():
        process.join()
        print(f"joined {size}: exit code {process.exitcode}, no value", flush=True)
