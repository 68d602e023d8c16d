// SPDX-License-Identifier: MIT
#include <sys/random.h>
#include <unistd.h>

#include <array>
#include <cstdlib>
#include <cstring>
#include <fstream>

#include "tests/modules/testhandlers.hpp"

namespace testhandlers {
namespace {

struct Range {
    std::uintptr_t first = 0;
    std::uintptr_t last = 0;
};

/// Where the worker's segment is mapped.
Range find_segment()
{
    std::ifstream maps{"/proc/self/maps"};
    for (std::string line; std::getline(maps, line);) {
        if (line.find("jobmill-segment") == std::string::npos) {
            continue;
        }
        Range range;
        char* dash = nullptr;
        range.first = std::strtoul(line.c_str(), &dash, 16);
        range.last = std::strtoul(dash + 1, nullptr, 16);
        return range;
    }
    throw jobmill::Failure{"there is no segment"};
}

/// The descriptor of the worker's link: its only socket.
int find_link()
{
    for (int descriptor = 0; descriptor < 64; ++descriptor) {
        const std::string path = "/proc/self/fd/" + std::to_string(descriptor);
        std::array<char, 64> target{};
        const ssize_t size = ::readlink(path.c_str(), target.data(), target.size() - 1);
        if (size > 0 && std::string_view{target.data()}.substr(0, 7) == "socket:") {
            return descriptor;
        }
    }
    throw jobmill::Failure{"there is no link"};
}

}  // namespace

// It writes where no object of ours is: the sanitizer knows nothing of that memory, either.
void scribble(Job& job)
{
    const bool crash = job.payload() == "crash";
    const Range range = find_segment();
    std::memset(reinterpret_cast<void*>(range.first), 0xa5, range.last - range.first);
    if (crash) {
        std::abort();
    }
}

void forget_bound(Job& job)
{
    constexpr std::size_t max_payload = 80;  // where it stands in the segment
    constexpr std::size_t size = 2U << 20U;
    const std::uint64_t none = 0;
    std::memcpy(reinterpret_cast<void*>(find_segment().first + max_payload), &none, sizeof none);
    if (job.payload() == "chunk") {
        job.emit(std::string(size, 'x'));
    } else {
        (void)job.result_blob(size);
    }
}

void garbage_link(Job& job)
{
    std::array<char, 4096> garbage{};
    (void)!::getrandom(garbage.data(), garbage.size(), 0);
    // An unknown message type, whatever the rest is.
    garbage[4] = '\xff';
    (void)!::write(find_link(), garbage.data(), garbage.size());
    if (job.payload() == "stay") {
        (void)::pause();
    }
}

void leak(Job& job)
{
    const std::uint64_t size = number_of(job, 1U << 20U);
    // Volatile, or the compiler leaves out what nobody reads; a byte makes a page resident.
    constexpr std::size_t page = 4096;
    auto* volatile lost = static_cast<volatile char*>(std::malloc(size));
    for (std::uint64_t at = 0; lost != nullptr && at < size; at += page) {
        lost[at] = 1;
    }
    lost = nullptr;
}

}  // namespace testhandlers
