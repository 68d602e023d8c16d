// SPDX-License-Identifier: MIT
// What one client did and heard, a line each, in a file of its own to which is only appended: a
// client that is killed leaves a history that ends early, and is true up to there.
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "common/unique_fd.hpp"

namespace jobmill::chaos {

/// Everything asked is noted before it is sent; everything heard, as soon as it is.
enum class What : std::uint8_t {
    session,       ///< the session `id` begins
    submit,        ///< of the job `id`; facts: see history_checker.hpp
    accepted,      ///< job
    refused,       ///< a submit or a wait; code, text
    started,       ///< and the next two: an event about the job `id`, or read by the wait `id`
    retrying,      ///< an attempt is over and another follows
    chunk,         ///< a partial result
    result,        ///< job, state, digest, and what the cause says
    wait,          ///< for the events of `job`, under `id`
    found,         ///< status lists `job`, whose label names the submit `id`, if it has one
    cancel,        ///< of the job `id`, by its tag
    cancel_job,    ///< of `job`
    cancel_batch,  ///< of `batch`
    cancel_all,    ///< of every job of the user, whoever submitted it
    half_close,    ///< nothing more is submitted
    vanish,        ///< the session is dropped as it is, on purpose
    end,           ///< the session is over and everything in it was settled
    broken,        ///< the session failed, which it must not; text
};

[[nodiscard]] std::string_view name_of(What what) noexcept;

using Facts = std::vector<std::pair<std::string, std::string>>;

struct Record {
    std::int64_t at = 0;  ///< CLOCK_MONOTONIC in ns, the same for all processes
    What what = What::session;
    std::string id;  ///< unique through all histories
    Facts facts{};

    /// Empty, or 0, when it is not there.
    [[nodiscard]] std::string_view text(std::string_view name) const;
    [[nodiscard]] std::uint64_t number(std::string_view name) const;

    friend bool operator==(const Record&, const Record&) = default;
};

/// One line, its newline included.
[[nodiscard]] std::string to_line(const Record& record);
/// None when the line is not whole.
[[nodiscard]] std::optional<Record> from_line(std::string_view line);

[[nodiscard]] std::int64_t now_ns();

/// Appends to a file; a line is written at once, whole or not at all.
class HistoryWriter {
public:
    explicit HistoryWriter(const std::string& path);

    void add(What what, std::string_view id, Facts facts = {});
    [[nodiscard]] std::size_t size() const noexcept { return size_; }

private:
    UniqueFd file_;
    std::size_t size_ = 0;
};

/// Calls for each record of the file, in order; a last line that is not whole is left out.
void read_history(const std::string& path, const std::function<void(const Record&)>& each);

/// A short name of bytes: their number and a hash. Made in pieces, too.
class Digest {
public:
    void add(std::string_view bytes) noexcept;
    [[nodiscard]] std::string text() const;

private:
    std::uint64_t hash_ = 0xcbf29ce484222325;
    std::uint64_t size_ = 0;
};

[[nodiscard]] std::string digest_of(std::string_view bytes);

}  // namespace jobmill::chaos
