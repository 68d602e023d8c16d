// SPDX-License-Identifier: MIT
// Loaded before the C library by LD_PRELOAD: counts what a program asks of the heap, in a file that
// the test has mapped. The daemon alone counts, not the processes that it starts.
#include <fcntl.h>
#include <sys/mman.h>
#include <unistd.h>

#include <atomic>
#include <cerrno>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <cstring>

// NOLINTBEGIN(bugprone-reserved-identifier,readability-identifier-naming): the C library's own
// names
extern "C" {
void* __libc_malloc(std::size_t size);
void* __libc_calloc(std::size_t count, std::size_t size);
void* __libc_realloc(void* old, std::size_t size);
void* __libc_memalign(std::size_t alignment, std::size_t size);
}
// NOLINTEND(bugprone-reserved-identifier,readability-identifier-naming)

namespace {

std::atomic<std::uint64_t>* counter = nullptr;

void count() noexcept
{
    if (counter != nullptr) {
        counter->fetch_add(1, std::memory_order_relaxed);
    }
}

__attribute__((constructor)) void begin()
{
    const char* path =
        std::getenv("JOBMILL_TEST_ALLOCATIONS");  // NOLINT(concurrency-mt-unsafe): before main()
    if (path == nullptr || std::strcmp(program_invocation_short_name, "jobmilld") != 0) {
        return;
    }
    const int file = ::open(path, O_RDWR | O_CLOEXEC);
    void* mapped = ::mmap(nullptr, sizeof *counter, PROT_READ | PROT_WRITE, MAP_SHARED, file, 0);
    if (mapped != MAP_FAILED) {
        counter = static_cast<std::atomic<std::uint64_t>*>(mapped);
    }
    ::close(file);
}

}  // namespace

extern "C" {

void* malloc(std::size_t size)
{
    count();
    return __libc_malloc(size);
}

void* calloc(std::size_t number, std::size_t size)
{
    count();
    return __libc_calloc(number, size);
}

void* realloc(void* old, std::size_t size)
{
    count();
    return __libc_realloc(old, size);
}

void* aligned_alloc(std::size_t alignment, std::size_t size)
{
    count();
    return __libc_memalign(alignment, size);
}

int posix_memalign(void** to, std::size_t alignment, std::size_t size)
{
    count();
    void* const memory = __libc_memalign(alignment, size);
    if (memory == nullptr) {
        return ENOMEM;
    }
    *to = memory;
    return 0;
}
}
