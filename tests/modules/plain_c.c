/* SPDX-License-Identifier: MIT */
/* A module in C11: what the interface is like without C++ above it. */
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>

#include <jobmill/module.h>

/* The payload, turned round. */
static int reverse(jobmill_job* job, const jobmill_api* api, void* context)
{
    const jobmill_bytes payload = api->payload(job);
    void* result = NULL;
    (void)context;
    if (api->result_reserve(job, payload.size, &result) != JOBMILL_OK) {
        api->fail(job, "reverse: no memory for the result");
        return 1;
    }
    for (size_t i = 0; i < payload.size; ++i) {
        ((char*)result)[i] = payload.data[payload.size - 1 - i];
    }
    return 0;
}

/* Arguments of every type, told by what they were. */
static int arguments(jobmill_job* job, const jobmill_api* api, void* context)
{
    jobmill_bytes text = {NULL, 0};
    int64_t integer = 0;
    double real = 0;
    int truth = 0;
    size_t size = 0;
    (void)context;
    if (api->text(job, "text", &text) != JOBMILL_OK ||
        api->integer(job, "integer", &integer) != JOBMILL_OK || integer != -7 ||
        api->real(job, "integer", &real) != JOBMILL_OK || real > -6.9 ||
        api->real(job, "real", &real) != JOBMILL_OK || real < 2.4 || real > 2.6 ||
        api->boolean(job, "truth", &truth) != JOBMILL_OK || truth != 1 ||
        api->list_size(job, "list", &size) != JOBMILL_OK || size != 2 ||
        api->list_integer(job, "list", 1, &integer) != JOBMILL_OK || integer != 5 ||
        api->list_integer(job, "list", 2, &integer) != JOBMILL_ABSENT ||
        api->list_text(job, "list", 1, &text) != JOBMILL_WRONG_TYPE ||
        api->integer(job, "text", &integer) != JOBMILL_WRONG_TYPE ||
        api->text(job, "missing", &text) != JOBMILL_ABSENT) {
        api->fail(job, "arguments: something is wrong");
        return 1;
    }
    return 0;
}

/* Has so many bytes as its payload says, or says that it cannot. */
static int eat_c(jobmill_job* job, const jobmill_api* api, void* context)
{
    const jobmill_bytes payload = api->payload(job);
    char digits[24] = {0};
    char* meal = NULL;
    size_t size = 0;
    (void)context;
    memcpy(digits, payload.data, payload.size < sizeof digits ? payload.size : sizeof digits - 1);
    size = (size_t)strtoull(digits, NULL, 10);
    meal = malloc(size);
    if (meal == NULL) {
        api->fail(job, "eat_c: not enough");
        return 1;
    }
    memset(meal, 1, size);
    free(meal);
    return 0;
}

/* Asks for a second result where no memory can be mapped, and does not look at the answer. */
static int heedless(jobmill_job* job, const jobmill_api* api, void* context)
{
    struct rlimit before = {0, 0};
    struct rlimit none = {0, 0};
    void* room = NULL;
    (void)context;
    if (api->result(job, "the first", 9) != JOBMILL_OK || getrlimit(RLIMIT_AS, &before) != 0) {
        return 1;
    }
    none.rlim_max = before.rlim_max;
    if (setrlimit(RLIMIT_AS, &none) != 0) {
        return 1;
    }
    (void)api->result_reserve(job, 1 << 20, &room);
    (void)setrlimit(RLIMIT_AS, &before);
    return room == NULL ? 0 : 1;
}

/* Fails with no word. */
static int silent(jobmill_job* job, const jobmill_api* api, void* context)
{
    (void)job;
    (void)api;
    (void)context;
    return 5;
}

static const jobmill_handler handlers[] = {
    {"reverse", "the payload, turned round", reverse, NULL},
    {"arguments", "checks its arguments", arguments, NULL},
    {"eat_c", "has N bytes", eat_c, NULL},
    {"heedless", "asks for more than there is", heedless, NULL},
    {"silent", NULL, silent, NULL},
};

static const jobmill_module module = {
    JOBMILL_ABI_VERSION, sizeof(jobmill_module), "plain_c", sizeof(jobmill_handler), 5, handlers,
};

JOBMILL_EXPORT const jobmill_module* jobmill_module_v1(void)
{
    return &module;
}
