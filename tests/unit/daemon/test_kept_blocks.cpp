// SPDX-License-Identifier: MIT
#include <cstring>
#include <vector>

#include <doctest/doctest.h>

#include "daemon/kept_blocks.hpp"

namespace jobmill::daemon {
namespace {

#if defined(__SANITIZE_ADDRESS__)
constexpr bool keeps = false;
#else
constexpr bool keeps = true;
#endif

/// Takes them all, writes all over them, and gives them back.
void pass(KeptBlocks& blocks, std::size_t count, std::size_t size)
{
    std::vector<std::byte*> taken;
    for (std::size_t i = 0; i < count; ++i) {
        taken.push_back(blocks.take(size));
        std::memset(taken.back(), 0xa5, size);
    }
    for (std::byte* const block : taken) {
        blocks.give_back(block, size);
    }
}

}  // namespace

TEST_CASE("a block that was given back serves again, for what is about its size" *
          doctest::skip(!keeps))
{
    KeptBlocks blocks;
    std::byte* const block = blocks.take(100);
    blocks.give_back(block, 100);
    CHECK(blocks.kept() >= 100);
    std::byte* const again = blocks.take(104);
    CHECK(again == block);
    CHECK(blocks.kept() == 0);
    std::byte* const other = blocks.take(100);
    CHECK(other != block);
    blocks.give_back(again, 104);
    blocks.give_back(other, 100);
}

TEST_CASE("blocks of every size are as large as they have to be")
{
    KeptBlocks blocks;
    for (std::size_t size = 1; size <= KeptBlocks::largest + 1; ++size) {
        pass(blocks, 2, size);
    }
    CHECK(blocks.kept() <= KeptBlocks::most);
}

TEST_CASE("of a burst no more is kept than may be" * doctest::skip(!keeps))
{
    KeptBlocks blocks;
    pass(blocks, 100'000, 100);
    CHECK(blocks.kept() <= KeptBlocks::most);
    CHECK(blocks.kept() > KeptBlocks::most - 200);
}

TEST_CASE("a large block is not kept")
{
    KeptBlocks blocks;
    pass(blocks, 10, KeptBlocks::largest + 1);
    CHECK(blocks.kept() == 0);
}

TEST_CASE("sizes that nobody needs any more make room for others" * doctest::skip(!keeps))
{
    KeptBlocks blocks;
    pass(blocks, 2 * KeptBlocks::most / 4000, 4000);
    for (int i = 0; i < 100; ++i) {
        pass(blocks, 1000, 100);
    }
    std::vector<std::byte*> taken;
    const std::size_t before = blocks.kept();
    for (int i = 0; i < 1000; ++i) {
        taken.push_back(blocks.take(100));
    }
    CHECK(before - blocks.kept() >= 100'000);
    for (std::byte* const block : taken) {
        blocks.give_back(block, 100);
    }
}

}  // namespace jobmill::daemon
