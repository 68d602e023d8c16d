// SPDX-License-Identifier: MIT
#include "daemon/core/deadlines.hpp"

namespace jobmill::core {

std::size_t Deadlines::index_of(DeadlineKey key)
{
    return std::size_t{key.number} * kinds + static_cast<std::size_t>(key.kind);
}

void Deadlines::set(DeadlineKey key, TimePoint when)
{
    cancel(key);
    if (index_of(key) >= places_.size()) {
        places_.resize(index_of(key) + 1, 0);
    }
    heap_.set(key, when, places());
}

void Deadlines::cancel(DeadlineKey key)
{
    if (pending(key)) {
        heap_.remove(key, places());
    }
}

bool Deadlines::pending(DeadlineKey key) const
{
    return index_of(key) < places_.size() && places_[index_of(key)] != 0;
}

TimePoint Deadlines::due(DeadlineKey key) const
{
    return pending(key) ? heap_.time_at(places_[index_of(key)]) : never;
}

std::optional<DeadlineKey> Deadlines::take_due(TimePoint now)
{
    return heap_.take_due(now, places());
}

}  // namespace jobmill::core
