// SPDX-License-Identifier: MIT
#include <unistd.h>

#include <utility>
#include <vector>

#include <doctest/doctest.h>

#include "daemon/heap_trim.hpp"
#include "daemon/process_reading.hpp"

using namespace jobmill::daemon;

namespace {

#if defined(__SANITIZE_ADDRESS__)
constexpr bool own_allocator = true;  // the sanitizer's, which gives nothing back
#else
constexpr bool own_allocator = false;
#endif
constexpr std::size_t block = 60'000;  // malloc maps larger ones one by one

std::uint64_t own_size()
{
    return unshared_size(::getpid()).value_or(0);
}

/// So many blocks, of which the last one stays.
std::vector<char> leave_burst(std::size_t blocks)
{
    std::vector<std::vector<char>> burst;
    for (std::size_t i = 0; i < blocks; ++i) {
        burst.emplace_back(block, 'x');
    }
    return std::move(burst.back());
}

}  // namespace

TEST_CASE("what a burst leaves goes back to the system once nobody waits")
{
    HeapTrim trim;
    trim.worked();
    trim.look(true);
    const std::uint64_t before = own_size();
    REQUIRE(before > 0);

    const auto last = leave_burst(4'000);
    const std::uint64_t after = own_size();
    if (own_allocator) {
        return;
    }
    REQUIRE(after > before + block * 4'000 * 9 / 10);
    trim.look(true);
    CHECK(own_size() > before + block * 4'000 * 9 / 10);  // nothing was done, as far as is known
    trim.worked();
    trim.look(false);
    CHECK(own_size() > before + block * 4'000 * 9 / 10);
    trim.look(true);
    CHECK(own_size() < before + block * 4'000 / 10);
}

TEST_CASE("what little is left stays, to be used again")
{
    HeapTrim trim;
    trim.worked();
    trim.look(true);
    const std::uint64_t before = own_size();
    const auto last = leave_burst(100);
    trim.worked();
    trim.look(true);
    CHECK((own_allocator || own_size() > before + block * 90));
}
