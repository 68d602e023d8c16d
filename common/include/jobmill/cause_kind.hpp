// SPDX-License-Identifier: MIT
// The words of a Cause: which kinds there are and which ends they explain, and which limits a job
// can go beyond. PROTOCOL.md has the same tables.
#pragma once

#include <algorithm>
#include <array>
#include <initializer_list>
#include <string_view>

#include "jobmill/job_state.hpp"

namespace jobmill {

namespace cause_kind {
inline constexpr auto error = "error";
inline constexpr auto exit = "exit";
inline constexpr auto signal = "signal";
inline constexpr auto exec = "exec";
inline constexpr auto limit = "limit";
inline constexpr auto timeout = "timeout";
inline constexpr auto hang = "hang";
inline constexpr auto expired = "expired";
inline constexpr auto cancel = "cancel";
inline constexpr auto halted = "halted";
inline constexpr auto lost = "lost";
inline constexpr auto stopping = "stopping";
}  // namespace cause_kind

/// A kind of cause.
struct CauseKind {
    constexpr CauseKind(std::string_view called, std::initializer_list<JobState> ends,
                        std::string_view for_people) noexcept
        : name(called), phrase(for_people)
    {
        for (const JobState state : ends) {
            states.at(static_cast<std::size_t>(state)) = true;
        }
    }

    [[nodiscard]] constexpr bool explains(JobState state) const noexcept
    {
        return states.at(static_cast<std::size_t>(state));
    }

    std::string_view name;
    std::array<bool, job_state_names.size()> states{};  ///< the terminal ones that it can explain
    std::string_view phrase;
};

inline constexpr auto cause_kinds = [] {
    using enum JobState;
    return std::to_array<CauseKind>({
        {cause_kind::error, {failed}, "its handler failed"},
        {cause_kind::exit, {failed, crashed}, "its process left"},
        {cause_kind::signal, {failed, crashed}, "its process died of a signal"},
        {cause_kind::exec, {failed}, "its command could not be started"},
        {cause_kind::limit, {failed}, "it went beyond a limit"},
        {cause_kind::timeout, {timed_out}, "it ran too long"},
        {cause_kind::hang, {timed_out}, "it showed no sign of life"},
        {cause_kind::expired, {expired}, "it waited too long"},
        {cause_kind::cancel, {cancelled}, "somebody cancelled it"},
        {cause_kind::halted, {cancelled}, "its batch gave up"},
        {cause_kind::lost, {crashed}, "its worker was replaced"},
        {cause_kind::stopping, {cancelled}, "the daemon stopped"},
    });
}();

namespace limit_name {
inline constexpr auto memory = "memory";
inline constexpr auto cpu = "cpu";
inline constexpr auto file_size = "file_size";
}  // namespace limit_name

/// A limit that a cause can name.
struct LimitName {
    std::string_view name;
    std::string_view phrase;
};

inline constexpr auto limit_names =
    std::to_array<LimitName>({{limit_name::memory, "its memory limit"},
                              {limit_name::cpu, "its limit of CPU time"},
                              {limit_name::file_size, "its limit of file sizes"}});

/// The row of that name, or null: a later daemon may say others.
template <typename Table>
[[nodiscard]] constexpr const typename Table::value_type* row_of(const Table& table,
                                                                 std::string_view name) noexcept
{
    const auto found =
        std::find_if(table.begin(), table.end(), [&](const auto& row) { return row.name == name; });
    return found == table.end() ? nullptr : &*found;
}

}  // namespace jobmill
