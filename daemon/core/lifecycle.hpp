// SPDX-License-Identifier: MIT
// A life cycle is a table of rows (from, on, to, act): readable as a whole, checked when it is
// compiled, and found by state and event in one step.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>

namespace jobmill::core {

template <typename State, typename Event, typename Action>
struct Transition {
    State from;
    Event on;
    State to;
    Action act;
};

/// For each state and event the row's position plus one; 0 where there is no row.
template <std::size_t states, std::size_t events>
using TransitionIndex = std::array<std::array<std::uint8_t, events>, states>;

template <std::size_t states, std::size_t events, typename Row, std::size_t count>
[[nodiscard]] constexpr TransitionIndex<states, events> index_of(const std::array<Row, count>& rows)
{
    static_assert(count < UINT8_MAX);
    TransitionIndex<states, events> index{};
    for (std::size_t i = 0; i < count; ++i) {
        index.at(static_cast<std::size_t>(rows.at(i).from))
            .at(static_cast<std::size_t>(rows.at(i).on)) = static_cast<std::uint8_t>(i + 1);
    }
    return index;
}

/// A row where it lies, or none. A pointer would be the same, but with sanitizers g++ 12 compares
/// none with null while it compiles.
template <const auto& rows>
class FoundRow {
public:
    /// By what stands in the index.
    constexpr explicit FoundRow(std::uint8_t position) noexcept : position_(position) {}

    [[nodiscard]] constexpr bool has_value() const noexcept { return position_ != 0; }
    [[nodiscard]] constexpr explicit operator bool() const noexcept { return has_value(); }
    [[nodiscard]] constexpr const auto& operator*() const { return rows.at(position_ - 1U); }
    [[nodiscard]] constexpr const auto* operator->() const { return &rows.at(position_ - 1U); }

private:
    std::uint8_t position_;
};

/// No two rows begin with the same state and event.
template <typename Row, std::size_t count>
[[nodiscard]] constexpr bool unambiguous(const std::array<Row, count>& rows)
{
    for (std::size_t i = 0; i < count; ++i) {
        for (std::size_t j = i + 1; j < count; ++j) {
            if (rows.at(i).from == rows.at(j).from && rows.at(i).on == rows.at(j).on) {
                return false;
            }
        }
    }
    return true;
}

}  // namespace jobmill::core
