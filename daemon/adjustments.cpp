// SPDX-License-Identifier: MIT
#include "daemon/adjustments.hpp"

#include <algorithm>

#include "daemon/job_ask.hpp"
#include "daemon/refusal.hpp"

namespace jobmill::daemon {

Value bound_value(std::uint64_t bound)
{
    return bound == unlimited ? Value{"unlimited"} : Value{bound};
}

void Adjustments::configure(const Config& config)
{
    // Those that lose their rules come last: before, nothing more begins.
    std::vector<LabelSettings> labels = config.labels;
    for (const Labels::Entry& known : outside_.desk.labels().all()) {
        const bool named = std::any_of(
            config.labels.begin(), config.labels.end(),
            [&](const LabelSettings& each) { return each.name == known.settings.name; });
        if (!named) {
            labels.push_back(LabelSettings{.name = known.settings.name});
        }
    }
    outside_.desk.set_labels(labels);
    max_running_ = config.max_running;
    outside_.post(core::CapAdjusted{.max_running = core_bound(max_running_)});
}

tl::expected<Value, ErrorReply> Adjustments::adjust(const AdjustRequest& request)
{
    if (!request.pool.empty() && !request.label.empty()) {
        return refuse(error_code::bad_value, "pool and label exclude each other", "label");
    }
    if (!request.pool.empty()) {
        if (auto adjusted = adjust_pool(request); !adjusted) {
            return tl::unexpected<ErrorReply>(std::move(adjusted.error()));
        }
    } else if (!request.label.empty()) {
        if (auto adjusted = adjust_label(request); !adjusted) {
            return tl::unexpected<ErrorReply>(std::move(adjusted.error()));
        }
    } else if (request.weight) {
        return refuse(error_code::missing_field, "a weight is a pool's or a label's", "pool");
    } else if (request.max_running) {
        max_running_ = *request.max_running;
        outside_.post(core::CapAdjusted{.max_running = core_bound(max_running_)});
    }
    return document();
}

tl::expected<void, ErrorReply> Adjustments::adjust_pool(const AdjustRequest& request)
{
    const auto pool = outside_.pools.find(request.pool);
    if (!pool) {
        return outside_.pools.unknown(request.pool);
    }
    PoolSettings& settings = outside_.pools.entry(*pool).settings;
    settings.max_running = request.max_running.value_or(settings.max_running);
    settings.weight = request.weight.value_or(settings.weight);
    outside_.post(core::PoolAdjusted{.pool = *pool, .terms = pool_terms(settings)});
    return {};
}

tl::expected<void, ErrorReply> Adjustments::adjust_label(const AdjustRequest& request)
{
    if (!request.max_running && !request.weight) {
        return {};
    }
    const LabelSettings* now = outside_.desk.labels().settings(request.label);
    LabelSettings settings = now != nullptr ? *now : LabelSettings{};
    settings.name = request.label;
    settings.max_running = request.max_running.value_or(settings.max_running);
    settings.weight = request.weight.value_or(settings.weight);
    if (now == nullptr && Labels::are_rules(settings) &&
        outside_.desk.labels().size() >= limits::labels) {
        return refuse(error_code::too_large,
                      "too many labels have rules; the limit is " + std::to_string(limits::labels),
                      "label", limits::labels);
    }
    outside_.desk.set_labels({settings});
    return {};
}

Value Adjustments::document() const
{
    Array pools;
    for (const PoolId pool : outside_.pools.published()) {
        const PoolSettings& settings = outside_.pools.entry(pool).settings;
        pools.emplace_back(Map{{"name", Value{settings.name}},
                               {"max_running", bound_value(settings.max_running)},
                               {"weight", Value{settings.weight}}});
    }
    Array labels;
    for (const Labels::Entry& label : outside_.desk.labels().all()) {
        labels.emplace_back(Map{{"label", Value{label.settings.name}},
                                {"max_running", bound_value(label.settings.max_running)},
                                {"weight", Value{label.settings.weight}}});
    }
    return Value{Map{{"max_running", bound_value(max_running_)},
                     {"pools", Value{std::move(pools)}},
                     {"labels", Value{std::move(labels)}}}};
}

}  // namespace jobmill::daemon
