// SPDX-License-Identifier: MIT
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <unordered_map>
#include <vector>

#include "common/codec.hpp"
#include "common/messages.hpp"
#include "daemon/admission.hpp"
#include "daemon/job_record.hpp"

namespace jobmill::daemon {

/// A handler by names, which stay when a reload gives other numbers.
struct HandlerNames {
    std::string pool;
    std::string handler;
};

/// Submits of a session whose payloads come in pieces: each is gathered in a blob.
class IncomingPayloads {
public:
    /// Begins a submit whose blob has so many bytes already. It takes `place` until it is whole or
    /// given up.
    void begin(Tag tag, Submission submission, HandlerNames handler, std::uint64_t received,
               Admission::Place place = {});
    /// The pieces of a refused submit are still on their way: swallow them.
    void begin_refused(Tag tag);

    struct Added {
        std::optional<Submission> whole;  ///< set by the last piece
        HandlerNames handler;             ///< with which it began
        bool refused_ended = false;       ///< the last piece of a refused submit was swallowed
    };
    [[nodiscard]] tl::expected<Added, ErrorReply> add(const Piece& piece);

    /// Gives up a submit whose pieces are still coming; false when there is none.
    [[nodiscard]] bool drop(Tag tag);

    struct Abandoned {
        Tag tag{};
        bool refused = false;  ///< the client was told already
    };
    /// Gives up all of them: no more pieces will come.
    [[nodiscard]] std::vector<Abandoned> abandon();

    [[nodiscard]] bool contains(Tag tag) const { return submits_.contains(number(tag)); }
    /// Refused ones as well.
    [[nodiscard]] std::size_t size() const noexcept { return submits_.size(); }
    [[nodiscard]] std::uint64_t bytes() const noexcept { return bytes_; }

private:
    struct Incoming {
        Submission submission;
        HandlerNames handler;
        std::uint64_t received = 0;
        bool refused = false;
        Admission::Place place;
    };
    void refuse_rest(Incoming& incoming);

    std::unordered_map<std::uint64_t, Incoming> submits_;
    std::uint64_t bytes_ = 0;  ///< declared, of those that are not refused
};

}  // namespace jobmill::daemon
