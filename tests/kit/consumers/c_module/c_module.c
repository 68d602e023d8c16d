/* SPDX-License-Identifier: MIT */
#include <inttypes.h>
#include <stdio.h>

#include <jobmill/module.h>

static int adler32(jobmill_job* job, const jobmill_api* api, void* context)
{
    const jobmill_bytes payload = api->payload(job);
    uint32_t low = 1;
    uint32_t high = 0;
    char hex[9];
    (void)context;
    for (size_t i = 0; i < payload.size; ++i) {
        low = (low + (unsigned char)payload.data[i]) % 65521;
        high = (high + low) % 65521;
    }
    (void)snprintf(hex, sizeof hex, "%08" PRIx32, high << 16 | low);
    return api->result(job, hex, 8) == JOBMILL_OK ? 0 : 1;
}

static const jobmill_handler handlers[] = {
    {"c.adler32", "Adler-32 of the payload, as 8 hexadecimal digits", adler32, NULL},
};

static const jobmill_module module = {
    JOBMILL_ABI_VERSION, sizeof(jobmill_module), "c_module", sizeof(jobmill_handler), 1, handlers,
};

JOBMILL_EXPORT const jobmill_module* jobmill_module_v1(void)
{
    return &module;
}
