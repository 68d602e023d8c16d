// SPDX-License-Identifier: MIT
#include "client/demo/range_jobs.hpp"

#include "client/commands/outcome.hpp"

namespace jobmill::demo {
namespace {

constexpr std::size_t most_crashes = 20;

}  // namespace

RangeJobs::RangeJobs(Client& client, const std::vector<FileRange>& ranges, std::string_view label)
    : client_(client), ranges_(ranges), label_(label)
{
    for (std::size_t i = 0; i < ranges.size(); ++i) {
        waiting_.push_back(i);
    }
}

Result<void> RangeJobs::submit()
{
    while (!waiting_.empty() && client_.can_submit(0)) {
        const FileRange& range = ranges_[waiting_.front()];
        JOBMILL_TRY_ASSIGN(
            const Tag tag,
            client_.submit(
                {.handler = "ngram.count",
                 .args = {{"path", range.path}, {"offset", range.offset}, {"length", range.length}},
                 .label = label_}));
        by_tag_[number(tag)] = waiting_.front();
        waiting_.pop_front();
    }
    return {};
}

Result<bool> RangeJobs::on(const ClientEvent& event)
{
    if (const auto* error = std::get_if<event::JobError>(&event)) {
        return fail(Errc::invalid, commands::text_of_error(error->error));
    }
    const auto* result = std::get_if<event::JobResult>(&event);
    if (result == nullptr) {
        return false;
    }
    const auto found = by_tag_.extract(number(result->tag));
    if (found.empty()) {
        return false;
    }
    if (result->state == JobState::crashed && crashes_ < most_crashes) {
        ++crashes_;
        waiting_.push_back(found.mapped());
        return false;
    }
    if (result->state != JobState::succeeded || !counts_.merge(text_of(result->payload))) {
        const auto lines = commands::notices_of(*result);
        return fail(Errc::system, lines.empty() ? "a range was not counted" : lines.front());
    }
    ++done_;
    return true;
}

}  // namespace jobmill::demo
