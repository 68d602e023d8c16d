/* SPDX-License-Identifier: MIT
 *
 * How an interpreter of another language becomes a pool's template and its workers: it loads the
 * shared library libexec/jobmill-runtime.so and calls jobmill_runtime_run_v1() with what its
 * handlers are. From then on the library serves the daemon, and calls back for each job. The
 * library knows no language; Python's side is the package jobmill.
 *
 * Everything is called on the thread that has called jobmill_runtime_run_v1(), one thing at a time,
 * but interrupt(). What <jobmill/module.h> says of processes, descriptors and growth holds here.
 */
#ifndef JOBMILL_RUNTIME_H
#define JOBMILL_RUNTIME_H

#include <unistd.h>

#include <jobmill/module.h>

/* The names and declarations are C's.
 * NOLINTBEGIN(modernize-use-using,readability-identifier-naming) */

#ifdef __cplusplus
extern "C" {
#endif

#define JOBMILL_RUNTIME_VERSION 1

typedef struct jobmill_runtime {
    uint32_t abi_version; /* JOBMILL_RUNTIME_VERSION */
    uint32_t size;        /* sizeof(jobmill_runtime) */
    void* context;        /* given to the functions below */

    /* The runtime's handlers. Called once, after the pool's modules were loaded; the result lives
     * as long as the process and all that it forks. Null: it cannot be used, and `why`, of
     * `why_size` bytes, then has a text that ends with a zero. A process that is to be forked may
     * have one thread only when this returns. */
    const jobmill_module* (*load)(void* context, char* why, size_t why_size);
    /* In place of fork(2), for a runtime with hooks of its own: called in the template and once
     * more in a process between it and the worker, which leaves at once. The same answers; -1 with
     * errno. Null: fork(2). */
    pid_t (*fork)(void* context);
    /* In a new worker, when its descriptors and signals are in place and before it says that it is
     * ready. Every signal has its default by then, but SIGPIPE, which is ignored; SIGTERM, SIGQUIT
     * and those of faults are the worker's. May be null. */
    void (*begin_worker)(void* context);
    /* The worker has had no job for about a second: let go of what is kept for the next one. Once
     * in each such time. May be null. */
    void (*idle)(void* context);
    /* SIGTERM has come while one of the runtime's handlers runs: the job is to end as soon as it
     * can. Called in a signal handler, on the thread of the jobs: async-signal-safe. It is called
     * again, after 20 ms, 40 ms and so on, as long as the job has not ended: the first may have
     * come just before the job began to wait for something. A worker that has got SIGTERM gets no
     * further job and leaves after the one that it has; when that does not end within five seconds,
     * SIGKILL comes. Between jobs and in other handlers SIGTERM ends the worker. Null: it always
     * does. */
    void (*interrupt)(void);
} jobmill_runtime;

/* `argv` is what the daemon says after the program's name, argc words of it. Answers only when that
 * cannot be: the exit code, after a line on standard error. Otherwise the process ends here, by
 * _exit(), and so do all that it forks. */
JOBMILL_EXPORT int jobmill_runtime_run_v1(int argc, const char* const* argv,
                                          const jobmill_runtime* runtime);

/* What handlers are given as `api`, for runtimes that bind it before the first job. */
JOBMILL_EXPORT const jobmill_api* jobmill_runtime_api_v1(void);

/* payload() for runtimes that pay for each call, and for each structure that comes back: copies the
 * job's payload to `to` and answers its size. -1, and nothing is copied, when it did not come
 * inline, or is larger than `room`. */
JOBMILL_EXPORT ssize_t jobmill_runtime_copy_payload_v1(jobmill_job* job, void* to, size_t room);

#ifdef __cplusplus
}
#endif

/* NOLINTEND(modernize-use-using,readability-identifier-naming) */

#endif
