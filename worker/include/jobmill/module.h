/* SPDX-License-Identifier: MIT
 *
 * The interface between jobmill-worker and a module: a shared object with handlers, loaded once by
 * a pool's template and shared by the workers that it forks. Plain C, so that any language with a C
 * interface can write one; C++ has <jobmill/handler.hpp> above it.
 *
 * A module exports one function, jobmill_module_v1(), which describes it.
 *
 * Threads: a worker runs one job at a time, on its main thread. A handler may start threads, which
 * should end with the job; the functions of jobmill_api may be called by one thread at a time. A
 * module that starts threads while it is loaded cannot be forked: its pool needs start = "spawn".
 *
 * Processes: children that a job leaves behind are killed before its result is sent; those of one
 * that took less than 25 us, in which nobody forks, with those of the next ones. Descriptors
 * that were opened while loading are closed in the workers; memory is theirs, copy-on-write.
 *
 * Growth: a struct grows at its end only. Whoever reads one looks at the size that its writer put
 * into it; so an older module runs in a newer worker, and a newer one checks api->size before it
 * calls a function that was added later.
 */
#ifndef JOBMILL_MODULE_H
#define JOBMILL_MODULE_H

#include <stddef.h>
#include <stdint.h>

/* The names and declarations are C's.
 * NOLINTBEGIN(modernize-use-using,readability-identifier-naming) */

#ifdef __cplusplus
extern "C" {
#endif

#define JOBMILL_ABI_VERSION 1

#if defined(__GNUC__)
#define JOBMILL_EXPORT __attribute__((visibility("default")))
#else
#define JOBMILL_EXPORT
#endif

/* One running job. It lives from the call of the handler to its return. */
typedef struct jobmill_job jobmill_job;

/* Bytes that somebody else owns; not terminated by a zero. */
typedef struct jobmill_bytes {
    const char* data;
    size_t size;
} jobmill_bytes;

/* What the functions below answer. */
enum {
    JOBMILL_OK = 0,
    JOBMILL_ABSENT = 1,     /* there is no such argument, or no such element */
    JOBMILL_WRONG_TYPE = 2, /* it is there and is something else */
    JOBMILL_INVALID = 3,    /* a parameter out of its range */
    JOBMILL_NO_MEMORY = 4
};

/* For emit: whose output it is. */
enum { JOBMILL_STREAM_NONE = 0, JOBMILL_STREAM_OUT = 1, JOBMILL_STREAM_ERR = 2 };

/* Why a job failed. */
enum {
    JOBMILL_FAILURE_ERROR = 0,  /* the handler says so, with a text */
    JOBMILL_FAILURE_EXIT = 1,   /* a command left with exit_code */
    JOBMILL_FAILURE_SIGNAL = 2, /* a command died of signal_number */
    JOBMILL_FAILURE_EXEC = 3    /* a command could not be started; exit_code is 126 or 127 */
};

typedef struct jobmill_failure {
    uint32_t size; /* sizeof(jobmill_failure) */
    int32_t kind;  /* JOBMILL_FAILURE_... */
    jobmill_bytes text;
    int32_t exit_code;
    int32_t signal_number;
    int32_t core_dumped; /* 0 or 1 */
} jobmill_failure;

/* What a handler may ask of its job. The table lives as long as the process. Nothing in it throws.
 * When the daemon is gone, calls that send do not return: the worker leaves. A process that a
 * handler forks has no job: what it has to say goes to its parent, by a pipe for example. Calls
 * that send, report, or ask whether to stop kill it there, since the memory for that is the
 * worker's alone. */
typedef struct jobmill_api {
    uint32_t abi_version; /* JOBMILL_ABI_VERSION */
    uint32_t size;        /* sizeof(jobmill_api) of the worker */

    /* The payload. Valid until the handler returns; not to be written to. A large one is memory
     * shared with whoever sent it, and may change: copy what you validate. */
    jobmill_bytes (*payload)(jobmill_job* job);
    /* The memfd that holds a large payload, owned by the worker; -1 when the payload came inline.
     * It may be longer than the payload: what lies behind that is nobody's to read. */
    int (*payload_descriptor)(jobmill_job* job);

    /* Arguments by name; names end with a zero. What comes back is valid until the handler returns.
     * A list answers its number of elements; its elements count from 0. */
    int (*text)(jobmill_job* job, const char* name, jobmill_bytes* to);
    int (*integer)(jobmill_job* job, const char* name, int64_t* to);
    int (*real)(jobmill_job* job, const char* name, double* to); /* takes integers, too */
    int (*boolean)(jobmill_job* job, const char* name, int* to);
    int (*list_size)(jobmill_job* job, const char* name, size_t* to);
    int (*list_text)(jobmill_job* job, const char* name, size_t index, jobmill_bytes* to);
    int (*list_integer)(jobmill_job* job, const char* name, size_t index, int64_t* to);

    /* Sends a partial result now; waits while the reader is slow. The bytes are copied. Neither it
     * nor the result may be larger than the daemon's max_payload: that is JOBMILL_INVALID, and the
     * job has failed. */
    int (*emit)(jobmill_job* job, int stream, const void* data, size_t size);
    /* Says how far the job is: `total` 0 means unknown, `note` may be null and is cut to 152 bytes.
     * Costs no system call. */
    void (*progress)(jobmill_job* job, uint64_t done, uint64_t total, const char* note);
    /* 1 when the job should stop: return soon, and not with 0 unless the result is whole, for that
     * is told as success. It is a request; a while later the worker gets SIGTERM, then SIGKILL.
     * Cheap enough for inner loops. */
    int (*cancelled)(jobmill_job* job);

    /* The result. Each of these three replaces what was set before, unless it fails; without any it
     * is empty. It is sent after the handler has returned. */
    int (*result)(jobmill_job* job, const void* data, size_t size); /* copied */
    /* Lends `size` writable zero bytes that are the result; valid until the handler returns. The
     * cheapest way to make a large one: it is written where the reader will see it. */
    int (*result_reserve)(jobmill_job* job, size_t size, void** data);
    int (*result_payload)(jobmill_job* job); /* the payload itself */

    /* The job has failed, whatever the handler returns afterwards. The text is copied, made UTF-8,
     * and cut to 4096 bytes. The handler still has to return. */
    void (*fail)(jobmill_job* job, const char* text);
    void (*fail_with)(jobmill_job* job, const jobmill_failure* failure);

    /* Shows that the job lives. A pool may have a hang_timeout: a job that has shown no life for so
     * long is taken to hang, and killed. The start of a job, emit(), progress() and cancelled()
     * show life, too; this is for work that calls none of them. Costs nothing. Added
     * after the functions above: there if size is at least JOBMILL_API_SIZE_ALIVE. */
    void (*alive)(jobmill_job* job);

    /* All arguments: a MessagePack map with text keys, as it came; empty when there are none. For
     * runtimes that pass them on whole. Valid until the handler returns. Added after alive(): there
     * if size is at least JOBMILL_API_SIZE_ARGUMENTS. */
    jobmill_bytes (*arguments)(jobmill_job* job);

    /* What the job reads beside its payload: what its client has put for many jobs, and named in
     * this one. They count from 0. The bytes are as those of a large payload; none beyond the last
     * input. The descriptor is a memfd, owned by the worker; -1 beyond the last. Added after
     * arguments(): there if size is at least JOBMILL_API_SIZE_INPUTS. */
    size_t (*input_count)(jobmill_job* job);
    jobmill_bytes (*input)(jobmill_job* job, size_t index);
    int (*input_descriptor)(jobmill_job* job, size_t index);
} jobmill_api;

#define JOBMILL_API_SIZE_ALIVE (offsetof(jobmill_api, alive) + sizeof(void (*)(jobmill_job*)))
#define JOBMILL_API_SIZE_ARGUMENTS \
    (offsetof(jobmill_api, arguments) + sizeof(jobmill_bytes(*)(jobmill_job*)))
#define JOBMILL_API_SIZE_INPUTS \
    (offsetof(jobmill_api, input_descriptor) + sizeof(int (*)(jobmill_job*, size_t)))

/* Runs one job. 0: done; anything else: failed, with the text that fail() was given. No C++
 * exception has to leave it; one that does is a failure with its what(). */
typedef int (*jobmill_run)(jobmill_job* job, const jobmill_api* api, void* context);

typedef struct jobmill_handler {
    const char* name; /* 1 to 128 bytes of UTF-8, unique in a pool */
    const char* help; /* one line for people, or null */
    jobmill_run run;
    void* context; /* given to run */
} jobmill_handler;

typedef struct jobmill_module {
    uint32_t abi_version;  /* JOBMILL_ABI_VERSION */
    uint32_t size;         /* sizeof(jobmill_module) */
    const char* name;      /* of the module, for people */
    uint32_t handler_size; /* sizeof(jobmill_handler) */
    uint32_t handler_count;
    const jobmill_handler* handlers;
} jobmill_module;

/* A module defines this, and its result lives as long as the process. Called once, in the template;
 * null means that it cannot be used. */
JOBMILL_EXPORT const jobmill_module* jobmill_module_v1(void);

#ifdef __cplusplus
}
#endif

/* NOLINTEND(modernize-use-using,readability-identifier-naming) */

#endif
