// SPDX-License-Identifier: MIT
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>

#include "daemon/core/number_index.hpp"
#include "daemon/core/slab.hpp"
#include "jobmill/ids.hpp"

namespace jobmill::daemon {

/// The tags of a session's unfinished jobs, and which jobs those are. In the JSON spelling the
/// client's tags are texts; each gets a number for as long as its job is unfinished, so that
/// everything else knows numbers only.
class SessionTags {
public:
    /// What has that tag: a job from when it is accepted until its result is out.
    struct Use {
        JobId job{};              ///< 0: something else, or no job yet
        std::uint64_t bytes = 0;  ///< of its payload
    };

    SessionTags();

    /// False when the tag is in use.
    [[nodiscard]] bool add(Tag tag);
    /// The number for a text, none when the text is in use.
    [[nodiscard]] std::optional<Tag> add(std::string_view text);
    /// Free again, if it was in use; what it was used for.
    Use remove(Tag tag);
    /// Null when the tag is not in use. Good until it is removed.
    [[nodiscard]] Use* use_of(Tag tag);

    [[nodiscard]] std::optional<Tag> find(std::string_view text) const;
    /// The text behind a number; empty in the binary spelling.
    [[nodiscard]] std::string_view text(Tag tag) const;
    [[nodiscard]] std::size_t size() const noexcept { return numbers_ + texts_.size(); }

private:
    /// Clients count their tags, mostly: so many in a row share a search.
    static constexpr std::uint64_t row_length = 8;
    struct Row {
        std::uint64_t number = 0;  ///< its first tag is `row_length` times that
        std::array<Use, row_length> uses{};
        std::uint8_t taken = 0;  ///< a bit for each that is in use; never none
    };
    struct Text {
        std::string text;
        Use use;
    };

    [[nodiscard]] static std::uint8_t bit_of(Tag tag)
    {
        return static_cast<std::uint8_t>(1U << number(tag) % row_length);
    }
    /// By which the index knows a row's place.
    [[nodiscard]] auto row_numbers() const
    {
        return [this](core::NumberIndex::Place place) { return rows_[place].number; };
    }
    /// Where the tag is if it is in use; none when there is no such row.
    [[nodiscard]] core::NumberIndex::Place row_of(Tag tag);
    [[nodiscard]] core::NumberIndex::Place row_using(Tag tag);

    /// Of tags that have no text. Room for the credit that is usual stays: who uses it up again and
    /// again would else have a block made for each 256 jobs.
    core::Slab<Row, 32, 4> rows_;
    core::NumberIndex index_;  ///< of these
    /// Where the tag before was: the next one is mostly there, too.
    core::NumberIndex::Place last_row_ = core::NumberIndex::none;
    std::size_t numbers_ = 0;  ///< that are in use, in all rows
    std::unordered_map<std::uint64_t, Text> texts_;
    std::unordered_map<std::string, Tag> by_text_;
    std::uint64_t last_number_ = 0;
};

}  // namespace jobmill::daemon
