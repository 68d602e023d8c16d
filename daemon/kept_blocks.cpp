// SPDX-License-Identifier: MIT
#include "daemon/kept_blocks.hpp"

#include <new>

namespace jobmill::daemon {
namespace {

#if defined(__SANITIZE_ADDRESS__)
constexpr bool keeps = false;  // what is used after it was given back has to be noticed
#else
constexpr bool keeps = true;
#endif

}  // namespace

KeptBlocks& KeptBlocks::of_the_daemon()
{
    // Never destroyed: at the program's end somebody may still give blocks back.
    static auto* const blocks = new KeptBlocks;
    return *blocks;
}

KeptBlocks::~KeptBlocks()
{
    while (kept_ > 0) {
        free_one();
    }
}

std::byte* KeptBlocks::take(std::size_t size)
{
    if (size > largest) {
        return static_cast<std::byte*>(::operator new(size));
    }
    const std::size_t rank = rank_of(size);
    Waiting* const block = waiting_[rank];
    if (block == nullptr) {
        return static_cast<std::byte*>(::operator new(size_of(rank)));
    }
    waiting_[rank] = block->next;
    kept_ -= size_of(rank);
    return reinterpret_cast<std::byte*>(block);
}

void KeptBlocks::give_back(std::byte* block, std::size_t size) noexcept
{
    if (size > largest || !keeps) {
        ::operator delete(block);
        return;
    }
    const std::size_t rank = rank_of(size);
    waiting_[rank] = new (block) Waiting{waiting_[rank]};
    kept_ += size_of(rank);
    while (kept_ > most) {
        free_one();
    }
}

/// Of each rank in turn, so that sizes that nobody needs any more leave room for others.
void KeptBlocks::free_one() noexcept
{
    while (waiting_[next_to_free_] == nullptr) {
        next_to_free_ = (next_to_free_ + 1) % waiting_.size();
    }
    Waiting* const block = waiting_[next_to_free_];
    waiting_[next_to_free_] = block->next;
    kept_ -= size_of(next_to_free_);
    ::operator delete(block);
}

}  // namespace jobmill::daemon
