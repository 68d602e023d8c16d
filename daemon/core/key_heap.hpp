// SPDX-License-Identifier: MIT
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

namespace jobmill::core {

/// Subjects that each have a key, the least first: a binary heap of which the subjects know their
/// places, so that none is ever left over after it was taken out. `place_of(subject)` is where the
/// owner keeps that: a reference to a number, 0 for a subject that is not here.
template <typename Key, typename Subject>
class KeyHeap {
public:
    struct Entry {
        Key key{};
        Subject subject{};
    };

    [[nodiscard]] bool empty() const { return heap_.empty(); }
    [[nodiscard]] std::size_t size() const { return heap_.size(); }
    /// The one with the least key; there must be one.
    [[nodiscard]] const Entry& first() const { return heap_.front(); }
    /// Of the subject that has that place.
    [[nodiscard]] const Key& key_at(std::uint32_t place) const { return heap_[place - 1U].key; }
    /// In no particular order.
    [[nodiscard]] const std::vector<Entry>& all() const { return heap_; }
    /// Replaces the subject's former key.
    template <typename PlaceOf>
    void set(Subject subject, const Key& key, PlaceOf place_of)
    {
        if (place_of(subject) == 0) {
            heap_.push_back({key, subject});
            place_of(subject) = static_cast<std::uint32_t>(heap_.size());
            sift_up(heap_.size() - 1, place_of);
            return;
        }
        const std::size_t at = place_of(subject) - 1U;
        const bool sooner = key < heap_[at].key;
        heap_[at].key = key;
        if (sooner) {
            sift_up(at, place_of);
        } else {
            sift_down(at, place_of);
        }
    }
    /// Without effect when it is not here.
    template <typename PlaceOf>
    void remove(Subject subject, PlaceOf place_of)
    {
        if (place_of(subject) != 0) {
            erase(place_of(subject) - 1U, place_of);
        }
    }

private:
    template <typename PlaceOf>
    void put(std::size_t at, const Entry& entry, PlaceOf place_of)
    {
        heap_[at] = entry;
        place_of(entry.subject) = static_cast<std::uint32_t>(at + 1);
    }

    template <typename PlaceOf>
    void sift_up(std::size_t at, PlaceOf place_of)
    {
        if (at == 0 || !(heap_[at].key < heap_[(at - 1) / 2].key)) {
            return;
        }
        const Entry entry = heap_[at];
        while (at > 0 && entry.key < heap_[(at - 1) / 2].key) {
            put(at, heap_[(at - 1) / 2], place_of);
            at = (at - 1) / 2;
        }
        put(at, entry, place_of);
    }

    template <typename PlaceOf>
    void sift_down(std::size_t at, PlaceOf place_of)
    {
        if (at * 2 + 1 >= heap_.size()) {
            return;
        }
        const Entry entry = heap_[at];
        while (at * 2 + 1 < heap_.size()) {
            std::size_t child = at * 2 + 1;
            if (child + 1 < heap_.size() && heap_[child + 1].key < heap_[child].key) {
                ++child;
            }
            if (!(heap_[child].key < entry.key)) {
                break;
            }
            put(at, heap_[child], place_of);
            at = child;
        }
        put(at, entry, place_of);
    }

    template <typename PlaceOf>
    void erase(std::size_t at, PlaceOf place_of)
    {
        place_of(heap_[at].subject) = 0;
        const Entry last = heap_.back();
        heap_.pop_back();
        if (at < heap_.size()) {
            put(at, last, place_of);
            sift_up(at, place_of);
            sift_down(place_of(last.subject) - 1U, place_of);
        }
    }

    std::vector<Entry> heap_;
};

}  // namespace jobmill::core
