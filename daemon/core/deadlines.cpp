// SPDX-License-Identifier: MIT
#include "daemon/core/deadlines.hpp"

#include <utility>

namespace jobmill::core {

std::size_t Deadlines::index_of(DeadlineKey key)
{
    return std::size_t{key.number} * 4 + static_cast<std::size_t>(key.kind);
}

void Deadlines::set(DeadlineKey key, TimePoint when)
{
    cancel(key);
    if (index_of(key) >= places_.size()) {
        places_.resize(index_of(key) + 1, 0);
    }
    heap_.push_back({when, key});
    put(heap_.size() - 1, heap_.back());
    sift_up(heap_.size() - 1);
}

void Deadlines::cancel(DeadlineKey key)
{
    if (pending(key)) {
        erase(places_[index_of(key)] - 1U);
    }
}

bool Deadlines::pending(DeadlineKey key) const
{
    return index_of(key) < places_.size() && places_[index_of(key)] != 0;
}

std::optional<TimePoint> Deadlines::next() const
{
    if (heap_.empty()) {
        return {};
    }
    return heap_.front().when;
}

std::optional<DeadlineKey> Deadlines::take_due(TimePoint now)
{
    if (heap_.empty() || heap_.front().when > now) {
        return {};
    }
    const DeadlineKey key = heap_.front().key;
    erase(0);
    return key;
}

void Deadlines::put(std::size_t at, const Entry& entry)
{
    heap_[at] = entry;
    places_[index_of(entry.key)] = static_cast<std::uint32_t>(at + 1);
}

void Deadlines::sift_up(std::size_t at)
{
    const Entry entry = heap_[at];
    while (at > 0 && entry.when < heap_[(at - 1) / 2].when) {
        put(at, heap_[(at - 1) / 2]);
        at = (at - 1) / 2;
    }
    put(at, entry);
}

void Deadlines::sift_down(std::size_t at)
{
    const Entry entry = heap_[at];
    while (at * 2 + 1 < heap_.size()) {
        std::size_t child = at * 2 + 1;
        if (child + 1 < heap_.size() && heap_[child + 1].when < heap_[child].when) {
            ++child;
        }
        if (entry.when <= heap_[child].when) {
            break;
        }
        put(at, heap_[child]);
        at = child;
    }
    put(at, entry);
}

void Deadlines::erase(std::size_t at)
{
    places_[index_of(heap_[at].key)] = 0;
    const Entry last = heap_.back();
    heap_.pop_back();
    if (at == heap_.size()) {
        return;
    }
    put(at, last);
    sift_up(at);
    sift_down(places_[index_of(last.key)] - 1U);
}

}  // namespace jobmill::core
