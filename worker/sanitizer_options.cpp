// SPDX-License-Identifier: MIT
// In sanitized builds: a fault has to stay the signal that it is, since the daemon reports it; an
// error that the sanitizer finds ends in SIGABRT; and workers leave by _exit, so that what they
// still own is no leak.
#if defined(__SANITIZE_ADDRESS__)
#define JOBMILL_ADDRESS_SANITIZER
#elif defined(__has_feature)
#if __has_feature(address_sanitizer)
#define JOBMILL_ADDRESS_SANITIZER
#endif
#endif

#if defined(JOBMILL_ADDRESS_SANITIZER)
extern "C" __attribute__((visibility("default"), used)) const char* __asan_default_options();
const char* __asan_default_options()
{
    return "handle_segv=0:handle_sigbus=0:handle_sigfpe=0:handle_sigill=0:handle_abort=0:"
           "use_sigaltstack=0:abort_on_error=1:detect_leaks=0";
}
#endif
