// SPDX-License-Identifier: MIT
#include "jobmill/event.hpp"

namespace jobmill {
namespace {

struct IsLast {
    bool operator()(const event::Accepted& e) const noexcept { return e.detached; }
    bool operator()(const event::Started& /*e*/) const noexcept { return false; }
    bool operator()(const event::Retrying& /*e*/) const noexcept { return false; }
    bool operator()(const event::Chunk& /*e*/) const noexcept { return false; }
    bool operator()(const event::StillRunning& /*e*/) const noexcept { return false; }
    bool operator()(const event::Progress& /*e*/) const noexcept { return false; }
    bool operator()(const event::ResultPart& /*e*/) const noexcept { return false; }
    template <typename Other>
    bool operator()(const Other& /*e*/) const noexcept
    {
        return true;
    }
};

}  // namespace

Tag tag_of(const ClientEvent& event)
{
    return std::visit(
        [](const auto& e) {
            if constexpr (requires { e.tag; }) {
                return e.tag;
            } else {
                return Tag{};
            }
        },
        event);
}

bool is_last(const ClientEvent& event)
{
    return std::visit(IsLast{}, event);
}

}  // namespace jobmill
