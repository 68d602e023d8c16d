/* SPDX-License-Identifier: MIT
 * An interpreter of nothing: loads the library named first, and has handlers that tell what the
 * runtime's interface does. Its other arguments are the daemon's. Where RUNTIME_FAULT names one, it
 * is made: load, version, silent, threads, fork.
 */
#include <dlfcn.h>
#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <jobmill/runtime.h>

typedef int (*run_function)(int, const char* const*, const jobmill_runtime*);
typedef const jobmill_api* (*api_function)(void);
typedef ssize_t (*copy_function)(jobmill_job*, void*, size_t);

static volatile sig_atomic_t interrupted;
static int forks;
static int begun;
static int idled;
static const jobmill_api* table;
static copy_function copy_payload;

static int has_fault(const char* name)
{
    const char* fault = getenv("RUNTIME_FAULT");
    return fault != NULL && strcmp(fault, name) == 0;
}

static int arguments(jobmill_job* job, const jobmill_api* api, void* context)
{
    (void)context;
    if (api != table || api->size < JOBMILL_API_SIZE_ARGUMENTS) {
        return 1;
    }
    const jobmill_bytes all = api->arguments(job);
    return api->result(job, all.data, all.size);
}

/* Its size and what was copied, where at most eight bytes are. */
static int copy(jobmill_job* job, const jobmill_api* api, void* context)
{
    (void)context;
    char text[64];
    char payload[8] = "untaken";
    const ssize_t size = copy_payload(job, payload, sizeof payload);
    const int length = snprintf(text, sizeof text, "%d %.8s", (int)size, payload);
    return api->result(job, text, (size_t)length);
}

/* As long as it takes. */
static int await_interrupt(jobmill_job* job, const jobmill_api* api, void* context)
{
    (void)context;
    api->emit(job, JOBMILL_STREAM_NONE, "waits", 5);
    while (!interrupted) {
        usleep(1000);
    }
    api->fail(job, "interrupted");
    return 0;
}

static int history(jobmill_job* job, const jobmill_api* api, void* context)
{
    char text[64];
    const int size = snprintf(text, sizeof text, "%s: forks %d, begun %d, idle %d",
                              (const char*)context, forks, begun, idled);
    return api->result(job, text, (size_t)size);
}

static char words[] = "context";
static const jobmill_handler handlers[] = {
    {"tiny.arguments", "all arguments", arguments, NULL},
    {"tiny.copy", "what was copied", copy, NULL},
    {"tiny.wait", "until it is interrupted", await_interrupt, NULL},
    {"tiny.history", "what was called", history, words},
};
static const jobmill_module module = {
    JOBMILL_ABI_VERSION, sizeof module, "tiny", sizeof handlers[0], 4, handlers};

static void* idle_thread(void* unused)
{
    pause();
    return unused;
}

static const jobmill_module* load(void* context, char* why, size_t why_size)
{
    pthread_t thread;
    if (context != words || has_fault("silent")) {
        return NULL;
    }
    if (has_fault("load")) {
        /* Not one byte more, and no zero: the library looks after that. */
        memset(why, 'x', why_size);
        return NULL;
    }
    if (has_fault("threads") && pthread_create(&thread, NULL, idle_thread, NULL) != 0) {
        return NULL;
    }
    return &module;
}

static pid_t count_fork(void* context)
{
    (void)context;
    if (has_fault("fork")) {
        errno = ENOMEM;
        return -1;
    }
    ++forks;
    return fork();
}

static void begin_worker(void* context)
{
    (void)context;
    ++begun;
}

static void idle(void* context)
{
    (void)context;
    ++idled;
}

static void interrupt(void)
{
    interrupted = 1;
}

int main(int argc, char** argv)
{
    void* library = argc < 2 ? NULL : dlopen(argv[1], RTLD_NOW | RTLD_LOCAL);
    if (library == NULL) {
        fprintf(stderr, "%s\n", dlerror());
        return 1;
    }
    run_function run = NULL;
    api_function api = NULL;
    *(void**)&run = dlsym(library, "jobmill_runtime_run_v1");
    *(void**)&api = dlsym(library, "jobmill_runtime_api_v1");
    *(void**)&copy_payload = dlsym(library, "jobmill_runtime_copy_payload_v1");
    if (run == NULL || api == NULL || copy_payload == NULL) {
        return 1;
    }
    table = api();
    const jobmill_runtime runtime = {has_fault("version") ? 99 : JOBMILL_RUNTIME_VERSION,
                                     sizeof runtime,
                                     words,
                                     load,
                                     count_fork,
                                     begin_worker,
                                     idle,
                                     interrupt};
    return run(argc - 2, (const char* const*)argv + 2, &runtime);
}
