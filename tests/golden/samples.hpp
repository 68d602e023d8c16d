// SPDX-License-Identifier: MIT
// Every message of protocol version 1 in every shape that it has, for tests of the codecs, for the
// golden bytes and for the corpora of the fuzzers.
#pragma once

#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "common/codec.hpp"

namespace jobmill::test {

using AnyMessage =
    std::variant<Request, Reply, TemplateReport, TemplateOrder, WorkerReport, JobOffer, Returned>;

struct Sample {
    std::string_view name;
    AnyMessage message;
    /// Its JSON spelling: of a request as a client may write it, of a reply as the daemon does.
    /// Empty where JSON has none.
    std::string json;
};

[[nodiscard]] const std::vector<Sample>& samples();

[[nodiscard]] Bytes encoded(const AnyMessage& message);

/// The link and direction that a message travels.
struct Route {
    Link link;
    Direction direction;
};
[[nodiscard]] Route route_of(const AnyMessage& message);

/// Decodes one frame that came by that route; the text of the error otherwise. What it answers is
/// borrowed from the frame.
[[nodiscard]] Result<AnyMessage> decoded(const Frame& frame, Route route);

/// A request that names its job by tag, with that tag.
void set_tag(Request& request, Tag tag);

}  // namespace jobmill::test
